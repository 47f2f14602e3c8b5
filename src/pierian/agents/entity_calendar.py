"""What phrases for single days mean on the calendar, in whatever language they were said.

Conventions, where people differ. A week runs from Monday to Sunday; the first week of a month is the one that holds
its first Thursday, as ISO 8601 counts the weeks of a year. `next Friday` is the Friday of next week, `this Friday`
that of this one, a bare `Friday` the coming one, never today. A date without a year is the next one from today on.
Of 3/4/2027 the day comes first, the month only where it cannot be otherwise. A phrase that names no real day is
declined by a ValueError. No words are known here and no times of day.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

Roll = Literal["", "week", "month", "year"]
"""By what a day may be moved when the words leave it open: `5 March` by a year, `Monday` by a week."""


class Day(Struct, frozen=True):
    """One day."""

    date: date
    roll: Roll = ""


class Span(Struct, frozen=True):
    """The days from `start` to `end`, both included."""

    start: date
    end: date
    roll: Roll = ""


class Length(Struct, frozen=True):
    """A length of time; months and days are counted on the calendar, seconds on the clock."""

    months: int = 0
    days: int = 0
    seconds: float = 0.0

    def times(self, count: float) -> Length:
        """This length so many times; a half of a day is hours, a half of a month is declined."""
        months, days = self.months * count, self.days * count
        if months != int(months):
            raise ValueError("A part of a month has no certain length.")
        return Length(int(months), int(days), self.seconds * count + round((days - int(days)) * 86_400))

    def plus(self, other: Length) -> Length:
        return Length(self.months + other.months, self.days + other.days, self.seconds + other.seconds)


_FEASTS = {
    "new_year": (1, 1),
    "epiphany": (1, 6),
    "valentine": (2, 14),
    "halloween": (10, 31),
    "christmas_eve": (12, 24),
    "christmas": (12, 25),
    "boxing_day": (12, 26),
    "new_years_eve": (12, 31),
}
_FEASTS_FROM_EASTER = {"good_friday": -2, "easter": 0, "easter_monday": 1, "ascension": 39, "pentecost": 49}


# Counting on the calendar


def shifted(day: date, length: Length, sign: int = 1) -> date:
    """A day moved by a length; a 31st that the month lacks becomes its last day."""
    if length.seconds:
        raise ValueError("Hours do not move a day.")
    month = day.year * 12 + day.month - 1 + sign * length.months
    year, month = divmod(month, 12)
    moved = date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    return moved + timedelta(days=sign * length.days)


def rolled(day: date, roll: Roll, sign: int) -> date:
    if roll == "week":
        return day + timedelta(days=7 * sign)
    if roll == "month":
        return shifted(day, Length(months=1), sign)
    if roll == "year":
        return shifted(day, Length(months=12), sign)
    raise ValueError("This day stands where it stands.")


def month_span(year: int, month: int, roll: Roll = "") -> Span:
    return Span(date(year, month, 1), date(year, month, monthrange(year, month)[1]), roll)


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def easter(year: int) -> date:
    """Easter Sunday of the western churches (the anonymous Gregorian computus; Meeus, Astronomical Algorithms)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    correction = (golden + 11 * moon + 22 * sunday) // 451
    month, day = divmod(moon + sunday - 7 * correction + 114, 31)
    return date(year, month, day + 1)


def _feast(name: str, year: int) -> date:
    if name in _FEASTS:
        return date(year, *_FEASTS[name])
    if name == "thanksgiving":
        return nth_weekday(None, 4, 3, month_span(year, 11)).date
    return easter(year) + timedelta(days=_FEASTS_FROM_EASTER[name])


def _next_from(today: date, of_year: Callable[[int], date]) -> Day:
    """The first such day from today on; 29 February may be seven years away."""
    for year in range(today.year, today.year + 9):
        try:
            found = of_year(year)
        except ValueError:
            continue
        if found >= today:
            return Day(found, "year")
    raise ValueError("There is no such day.")


# Days


def exact(_now: datetime, day: date) -> Day:
    return Day(day)


def month_day(now: datetime, month: int, day: int, year: int | None = None) -> Day:
    if year:
        return Day(date(year, month, day))
    return _next_from(now.date(), lambda candidate: date(candidate, month, day))


def day_month(now: datetime, day: int, month: int, year: int | None = None) -> Day:
    return month_day(now, month, day, year)


def weekday_day_month(now: datetime, _weekday: int, day: int, month: int, year: int | None = None) -> Day:
    return month_day(now, month, day, year)


def weekday_month_day(now: datetime, _weekday: int, month: int, day: int, year: int | None) -> Day:
    return month_day(now, month, day, year)


def numeric_day_month(now: datetime, parts: tuple[int, int]) -> Day:
    return month_day(now, parts[1], parts[0])


def day_of_month(now: datetime, day: int) -> Day:
    """The next day with this number, skipping months that are too short."""
    today = now.date()
    for ahead in range(13):
        year, month = divmod(today.year * 12 + today.month - 1 + ahead, 12)
        if day <= monthrange(year, month + 1)[1] and (found := date(year, month + 1, day)) >= today:
            return Day(found, "month")
    raise ValueError("There is no such day.")


def weekday_day(now: datetime, _weekday: int, day: int) -> Day:
    return day_of_month(now, day)


def day_in(_now: datetime, day: int, span: Span) -> Day:
    return Day(span.start.replace(day=day))


def coming(now: datetime, weekday: int) -> Day:
    today = now.date()
    return Day(today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1), "week")


def next_weekday(now: datetime, weekday: int) -> Day:
    return Day(monday_of(now.date()) + timedelta(days=7 + weekday))


def weekday_after_next(now: datetime, weekday: int) -> Day:
    return Day(next_weekday(now, weekday).date + timedelta(days=7))


def this_weekday(now: datetime, weekday: int) -> Day:
    """That of this week; the coming one where it has passed."""
    found = monday_of(now.date()) + timedelta(days=weekday)
    return Day(found) if found >= now.date() else coming(now, weekday)


def last_weekday(now: datetime, weekday: int) -> Day:
    today = now.date()
    return Day(today - timedelta(days=(today.weekday() - weekday - 1) % 7 + 1))


def weekday_in(_now: datetime, weekday: int, week: Span) -> Day:
    return Day(week.start + timedelta(days=weekday))


def in_weekday(now: datetime, week: Span, weekday: int) -> Day:
    return weekday_in(now, weekday, week)


def nth_weekday(_now: datetime | None, number: int, weekday: int, span: Span) -> Day:
    if number < 0:
        found = span.end - timedelta(days=(span.end.weekday() - weekday) % 7)
    else:
        found = span.start + timedelta(days=(weekday - span.start.weekday()) % 7 + 7 * (number - 1))
    if not span.start <= found <= span.end:
        raise ValueError("There are not so many.")
    return Day(found)


def offset(now: datetime, days: int) -> Day:
    return Day(now.date() + timedelta(days=days))


def after_tomorrow(now: datetime) -> Day:
    return offset(now, 2)


def before_yesterday(now: datetime) -> Day:
    return offset(now, -2)


def ahead(now: datetime, length: Length) -> Day:
    return Day(shifted(now.date(), length))


def back(now: datetime, length: Length) -> Day:
    return Day(shifted(now.date(), length, -1))


def after(_now: datetime, length: Length, day: Day) -> Day:
    return Day(shifted(day.date, length))


def before(_now: datetime, length: Length, day: Day) -> Day:
    return Day(shifted(day.date, length, -1))


def after_weekday(now: datetime, length: Length, weekday: int) -> Day:
    """A week on Monday."""
    return after(now, length, coming(now, weekday))


def day_after(_now: datetime, day: Day) -> Day:
    return Day(day.date + timedelta(days=1))


def day_before(_now: datetime, day: Day) -> Day:
    return Day(day.date - timedelta(days=1))


def end_of(_now: datetime, span: Span) -> Day:
    return Day(span.end)


def start_of(_now: datetime, span: Span) -> Day:
    return Day(span.start)


def past(now: datetime, day: Day) -> Day:
    """A day that the words put into the past: `since Monday`."""
    return Day(rolled(day.date, day.roll, -1)) if day.date > now.date() else day


def holiday(now: datetime, name: str, year: int | None = None) -> Day:
    if year:
        return Day(_feast(name, year))
    return _next_from(now.date(), lambda candidate: _feast(name, candidate))


def last_holiday(now: datetime, name: str) -> Day:
    found = _feast(name, now.year)
    return Day(found if found < now.date() else _feast(name, now.year - 1))


def same(_now: datetime, value: Any) -> Any:
    """The value as it stands."""
    return value


MEANINGS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(exact, month_day, day_month, weekday_day_month, weekday_month_day, numeric_day_month),
        *(day_of_month, weekday_day, day_in, coming, next_weekday, weekday_after_next, this_weekday),
        *(last_weekday, weekday_in, in_weekday, nth_weekday, offset, after_tomorrow, before_yesterday),
        *(ahead, back, after, before, after_weekday, day_after, day_before, end_of, start_of, past),
        *(holiday, last_holiday, same),
    )
}
