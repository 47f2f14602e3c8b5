"""What phrases for stretches of days mean: weeks, months, the next ten days, from one day to another.

The conventions are those of `entity_calendar`. The next or last ten days count from today and include it; `early`,
`mid` and `late` are a month's days 1 to 10, 11 to 20 and the rest. No words are known here and no times of day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Literal

from pierian.agents.entity_calendar import (
    Day,
    Length,
    Span,
    day_of_month,
    monday_of,
    month_day,
    month_span,
    nth_weekday,
    rolled,
    shifted,
)

Unit = Literal["week", "month", "quarter", "year", "weekend"]


def month_of(now: datetime, month: int, year: int | None = None) -> Span:
    return month_span(year or now.year + (month < now.month), month, "" if year else "year")


def next_month_named(now: datetime, month: int) -> Span:
    return month_span(now.year + (month <= now.month), month)


def last_month_named(now: datetime, month: int) -> Span:
    return month_span(now.year - (month >= now.month), month)


def this_month_named(now: datetime, month: int) -> Span:
    return month_span(now.year, month)


def year_of(_now: datetime, year: int) -> Span:
    return Span(date(year, 1, 1), date(year, 12, 31))


def quarter(now: datetime, number: int, year: int | None) -> Span:
    if not 1 <= number <= 4:
        raise ValueError("A year has four quarters.")
    return _quarter((year or now.year + (number * 3 < now.month)) * 4 + number - 1)


def _quarter(index: int) -> Span:
    year, number = divmod(index, 4)
    return Span(date(year, number * 3 + 1, 1), month_span(year, number * 3 + 3).end)


def _unit(now: datetime, unit: Unit, ahead: int) -> Span:
    today = now.date()
    if unit == "month":
        moved = shifted(today.replace(day=1), Length(months=ahead))
        return month_span(moved.year, moved.month)
    if unit == "year":
        return year_of(now, today.year + ahead)
    if unit == "quarter":
        return _quarter(today.year * 4 + (today.month - 1) // 3 + ahead)
    monday = monday_of(today) + timedelta(days=7 * ahead)
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
    monday = monday_of(day.date)
    return Span(monday, monday + timedelta(days=6))


def weekend_of(_now: datetime, day: Day) -> Span:
    sunday = week_of(_now, day).end
    return Span(sunday - timedelta(days=1), sunday)


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
        start = rolled(start, "year", -1)  # "1 to 30 November" in November: it has begun
    elif end < start:
        end = rolled(end, last.roll, 1)
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


def past_span(now: datetime, span: Span) -> Span:
    """The same for a stretch of days: `what did I spend in October`."""
    if span.start <= now.date():
        return span
    return Span(rolled(span.start, span.roll, -1), rolled(span.end, span.roll, -1))


MEANINGS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(month_of, next_month_named, last_month_named, this_month_named, year_of, quarter, this),
        *(weekend, following, previous, this_week, next_week, last_week, after_next, nth_week),
        *(nth_weekend, week_of, weekend_of, first_part, last_part, next_days, last_days, early, middle),
        *(late, early_month, middle_month, late_month, rest_of, join, days_month, month_days),
        *(days_of_month, months),
    )
}
