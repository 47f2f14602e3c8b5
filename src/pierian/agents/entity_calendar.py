"""What phrases for days and stretches of days mean on the calendar, in whatever language they were said.

Conventions, where people differ. A week runs from Monday to Sunday; the first week of a month is the one that holds
its first Thursday, as ISO 8601 counts the weeks of a year. `next Friday` is the Friday of next week, `this Friday`
that of this one, a bare `Friday` the coming one, never today. A date without a year is the next one from today on.
The next or last ten days count from today and include it. `early`, `mid` and `late` are a month's days 1 to 10, 11
to 20 and the rest. A phrase that names no real day is declined by a ValueError. No words are known here and no
times of day.
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


Unit = Literal["week", "month", "quarter", "year", "weekend"]

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


def _rolled(day: date, roll: Roll, sign: int) -> date:
    if roll == "week":
        return day + timedelta(days=7 * sign)
    if roll == "month":
        return shifted(day, Length(months=1), sign)
    if roll == "year":
        return shifted(day, Length(months=12), sign)
    raise ValueError("This day stands where it stands.")


def _month(year: int, month: int, roll: Roll = "") -> Span:
    return Span(date(year, month, 1), date(year, month, monthrange(year, month)[1]), roll)


def _monday(day: date) -> date:
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
        return nth_weekday(None, 4, 3, _month(year, 11)).date
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
    return Day(_monday(now.date()) + timedelta(days=7 + weekday))


def this_weekday(now: datetime, weekday: int) -> Day:
    """That of this week; the coming one where it has passed."""
    found = _monday(now.date()) + timedelta(days=weekday)
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
    return Day(_rolled(day.date, day.roll, -1)) if day.date > now.date() else day


def past_span(now: datetime, span: Span) -> Span:
    """The same for a stretch of days: `what did I spend in October`."""
    if span.start <= now.date():
        return span
    return Span(_rolled(span.start, span.roll, -1), _rolled(span.end, span.roll, -1))


def holiday(now: datetime, name: str, year: int | None = None) -> Day:
    if year:
        return Day(_feast(name, year))
    return _next_from(now.date(), lambda candidate: _feast(name, candidate))


def last_holiday(now: datetime, name: str) -> Day:
    found = _feast(name, now.year)
    return Day(found if found < now.date() else _feast(name, now.year - 1))


# Stretches of days


def month_of(now: datetime, month: int, year: int | None = None) -> Span:
    return _month(year or now.year + (month < now.month), month, "" if year else "year")


def next_month_named(now: datetime, month: int) -> Span:
    return _month(now.year + (month <= now.month), month)


def last_month_named(now: datetime, month: int) -> Span:
    return _month(now.year - (month >= now.month), month)


def this_month_named(now: datetime, month: int) -> Span:
    return _month(now.year, month)


def year_of(_now: datetime, year: int) -> Span:
    return Span(date(year, 1, 1), date(year, 12, 31))


def quarter(now: datetime, number: int, year: int | None) -> Span:
    if not 1 <= number <= 4:
        raise ValueError("A year has four quarters.")
    return _quarter((year or now.year + (number * 3 < now.month)) * 4 + number - 1)


def _quarter(index: int) -> Span:
    year, number = divmod(index, 4)
    return Span(date(year, number * 3 + 1, 1), _month(year, number * 3 + 3).end)


def _unit(now: datetime, unit: Unit, ahead: int) -> Span:
    today = now.date()
    if unit == "month":
        moved = shifted(today.replace(day=1), Length(months=ahead))
        return _month(moved.year, moved.month)
    if unit == "year":
        return year_of(now, today.year + ahead)
    if unit == "quarter":
        return _quarter(today.year * 4 + (today.month - 1) // 3 + ahead)
    monday = _monday(today) + timedelta(days=7 * ahead)
    return Span(monday + timedelta(days=5 if unit == "weekend" else 0), monday + timedelta(days=6))


def this(now: datetime, unit: Unit) -> Span:
    return _unit(now, unit, 0)


def weekend(now: datetime) -> Span:
    return _unit(now, "weekend", 0)


def following(now: datetime, unit: Unit) -> Span:
    return _unit(now, unit, 1)


def previous(now: datetime, unit: Unit) -> Span:
    return _unit(now, unit, -1)


def this_week(now: datetime) -> Span:
    return this(now, "week")


def next_week(now: datetime) -> Span:
    return following(now, "week")


def last_week(now: datetime) -> Span:
    return previous(now, "week")


def after_next(now: datetime, unit: Unit) -> Span:
    return _unit(now, unit, 2)


def nth_week(_now: datetime, number: int, span: Span) -> Span:
    thursday = nth_weekday(None, number, 3, span).date
    return week_of(_now, Day(thursday))


def nth_weekend(_now: datetime, number: int, span: Span) -> Span:
    saturday = nth_weekday(None, number, 5, span).date
    return Span(saturday, saturday + timedelta(days=1))


def week_of(_now: datetime, day: Day) -> Span:
    monday = _monday(day.date)
    return Span(monday, monday + timedelta(days=6))


def first_part(_now: datetime, length: Length, span: Span) -> Span:
    return _within(span, Span(span.start, shifted(span.start, length) - timedelta(days=1)))


def last_part(_now: datetime, length: Length, span: Span) -> Span:
    return _within(span, Span(shifted(span.end + timedelta(days=1), length, -1), span.end))


def _within(whole: Span, part: Span) -> Span:
    if part.start < whole.start or part.end > whole.end or part.end < part.start:
        raise ValueError("The part is longer than the whole.")
    return part


def next_days(now: datetime, length: Length) -> Span:
    return Span(now.date(), shifted(now.date(), length))


def last_days(now: datetime, length: Length) -> Span:
    return Span(shifted(now.date(), length, -1), now.date())


def _third(span: Span) -> timedelta:
    days = (span.end - span.start).days + 1
    return timedelta(days=10 if 28 <= days <= 31 else days // 3)


def early(_now: datetime, span: Span) -> Span:
    return Span(span.start, span.start + _third(span) - timedelta(days=1))


def middle(_now: datetime, span: Span) -> Span:
    return Span(span.start + _third(span), span.start + 2 * _third(span) - timedelta(days=1))


def late(_now: datetime, span: Span) -> Span:
    return Span(span.start + 2 * _third(span), span.end)


def early_month(now: datetime, month: int) -> Span:
    return early(now, month_of(now, month))


def middle_month(now: datetime, month: int) -> Span:
    return middle(now, month_of(now, month))


def late_month(now: datetime, month: int) -> Span:
    return late(now, month_of(now, month))


def rest_of(now: datetime, span: Span) -> Span:
    return _within(span, Span(max(now.date(), span.start), span.end))


def join(now: datetime, first: Day | Span, last: Day | Span) -> Span:
    """From one day to another, moving what the words leave open so that the end does not come first."""
    start = first.date if isinstance(first, Day) else first.start
    end = last.date if isinstance(last, Day) else last.end
    if end < start and first.roll == last.roll == "year" and end >= now.date():
        start = _rolled(start, "year", -1)  # "1 to 30 November" in November: it has begun
    elif end < start:
        end = _rolled(end, last.roll, 1)
    if end < start:
        raise ValueError("It ends before it starts.")
    return Span(start, end, first.roll if first.roll == last.roll else "")


def days_month(now: datetime, first: int, last: int, month: int, year: int | None) -> Span:
    end = month_day(now, month, last, year)
    return join(now, Day(end.date.replace(day=first), end.roll), end)


def month_days(now: datetime, month: int, first: int, last: int, year: int | None) -> Span:
    return days_month(now, first, last, month, year)


def days_of_month(now: datetime, first: int, last: int) -> Span:
    return join(now, day_of_month(now, first), day_of_month(now, last))


def months(now: datetime, first: int, last: int, year: int | None) -> Span:
    return join(now, month_of(now, first, year), month_of(now, last, year))


def same(_now: datetime, value: Any) -> Any:
    """The value as it stands."""
    return value


MEANINGS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(exact, month_day, day_month, weekday_day_month, weekday_month_day, numeric_day_month, day_of_month),
        *(weekday_day, day_in, coming, next_weekday, this_weekday, last_weekday, weekday_in, in_weekday),
        *(nth_weekday, offset, after_tomorrow, before_yesterday, ahead, back, after, before, after_weekday),
        *(day_after, day_before, end_of, start_of, past, holiday, last_holiday, month_of, next_month_named),
        *(last_month_named, this_month_named, year_of, quarter, this, weekend, following, previous),
        *(this_week, next_week, last_week, early_month, middle_month, late_month),
        *(after_next, nth_week, nth_weekend, week_of, first_part, last_part, next_days, last_days, early),
        *(middle, late, rest_of, join, days_month, month_days, days_of_month, months, same),
    )
}
