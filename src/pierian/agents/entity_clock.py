"""What phrases for times of day mean, alone and together with a day.

Conventions, where people differ. An hour without am, pm or a leading zero is one of the day, not of the night: 1 to
6 are in the afternoon, 7 to 12 as they stand; the part of the day decides where it is named (`tomorrow evening at
7`). Morning is 6 to 12, afternoon 12 to 18, evening 18 to 22, night 20 to 24, tonight 18 to 24. Midnight ends the
day it is named with. A time that the clocks leap over in spring is moved forward by the leap; of one that comes
twice in autumn the first is meant. What counts in hours (`in two hours`) counts on the clock that never leaps.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from msgspec import Struct

from pierian.agents.entity_calendar import Day, Length, shifted

_NOON = 720
_DAY = 1440
_SMALL_HOURS = 300
"""Up to five in the morning a time `tonight` belongs to the next day."""

Part = tuple[int, int]
"""A part of the day, in minutes from its start."""
_TONIGHT: Part = (1080, _DAY)


class Clock(Struct, frozen=True):
    """A time of day in minutes from its start."""

    minute: int
    sure: bool = True
    """Whether the words say which half of the day."""
    offset: int | None = None
    """Minutes east of Greenwich where the words name a zone."""


class Hours(Struct, frozen=True):
    """From one time of day to another, which may lie on the next day."""

    first: Clock
    last: Clock


class PartOfDay(Struct, frozen=True):
    """A part of a certain day."""

    day: date
    part: Part


class Instant(Struct, frozen=True):
    """A moment."""

    at: datetime


class Stretch(Struct, frozen=True):
    """From one moment to another."""

    start: datetime
    end: datetime


# Times of day


def said(hour: int, minute: int = 0) -> Clock:
    """An hour as people say it, by the convention above."""
    if not (0 <= hour <= 24 and 0 <= minute < 60) or (hour == 24 and minute):
        raise ValueError("There is no such time.")
    return Clock(hour * 60 + minute + (_NOON if 1 <= hour <= 6 else 0), sure=not 1 <= hour <= 12)


def clock(_now: datetime, hour: int) -> Clock:
    return said(hour)


def noon(_now: datetime) -> Clock:
    return Clock(_NOON)


def midnight(_now: datetime) -> Clock:
    return Clock(_DAY)


def half_past(_now: datetime, hour: int) -> Clock:
    return said(hour, 30)


def quarter_past(_now: datetime, hour: int) -> Clock:
    return said(hour, 15)


def quarter_to(_now: datetime, hour: int) -> Clock:
    return Clock((said(hour).minute - 15) % _DAY, sure=hour > 12)


def minutes_past(_now: datetime, minutes: int, hour: int) -> Clock:
    return said(hour, _spoken_minutes(minutes))


def minutes_to(_now: datetime, minutes: int, hour: int) -> Clock:
    return Clock((said(hour).minute - _spoken_minutes(minutes)) % _DAY, sure=hour > 12)


def _spoken_minutes(minutes: int) -> int:
    if minutes not in (5, 10, 20):
        raise ValueError("Nobody says that.")
    return minutes


def of_part(_now: datetime, when: Clock, part: Part) -> Clock:
    """A time of day in a named part of it."""
    if when.sure:
        return when
    half = when.minute % _NOON
    if part[1] <= _NOON:
        return Clock(half, offset=when.offset)
    late = part[0] >= _TONIGHT[0] and half < _SMALL_HOURS
    return Clock(half + (_DAY if late else _NOON), offset=when.offset)


def hour_of_part(now: datetime, hour: int, part: Part) -> Clock:
    return of_part(now, said(hour), part)


def zoned(_now: datetime, when: Clock, offset: int) -> Clock:
    return Clock(when.minute, when.sure, offset)


def hours(_now: datetime, first: Clock, last: Clock) -> Hours:
    """From one time to another: where the half of the day is open, the nearest that fits."""
    start, end = first.minute, last.minute
    if last.sure and not first.sure:
        half = start % _NOON
        start = half + _NOON if half + _NOON < end else half
    elif not last.sure:
        half = end % _NOON
        end = next(half + more for more in (0, _NOON, _DAY, _DAY + _NOON) if half + more > start)
    if end <= start:
        end += _DAY
    if end - start > _NOON:
        raise ValueError("Nobody means more than half a day.")
    offset = last.offset if first.offset is None else first.offset
    return Hours(
        Clock(start, offset=offset), Clock(end, offset=last.offset if last.offset is not None else offset)
    )


def bare_hours(now: datetime, first: int, last: int) -> Hours:
    return hours(now, said(first), said(last))


def hours_from_bare(now: datetime, first: int, last: Clock) -> Hours:
    return hours(now, said(first), last)


def hours_to_bare(now: datetime, first: Clock, last: int) -> Hours:
    return hours(now, first, said(last))


# Times on a day


def moment(now: datetime, day: date, when: Clock) -> datetime:
    """A time on a day in the user's zone, or in the one that the words name."""
    local = datetime.combine(day, time()) + timedelta(minutes=when.minute)
    if when.offset is not None:
        return local.replace(tzinfo=timezone(timedelta(minutes=when.offset)))
    return local.replace(tzinfo=now.tzinfo).astimezone(UTC).astimezone(now.tzinfo)


def at(now: datetime, day: Day, when: Clock) -> Instant:
    return Instant(moment(now, day.date, when))


def on(now: datetime, when: Clock, day: Day) -> Instant:
    return at(now, day, when)


def at_hour(now: datetime, day: Day, hour: int) -> Instant:
    return at(now, day, said(hour))


def hour_on(now: datetime, hour: int, day: Day) -> Instant:
    return at(now, day, said(hour))


def written(now: datetime, value: datetime) -> Instant:
    """A moment in ISO 8601; without an offset it is in the user's zone."""
    if value.tzinfo is not None:
        return Instant(value)
    return Instant(value.replace(tzinfo=now.tzinfo).astimezone(UTC).astimezone(now.tzinfo))


def part_of(_now: datetime, day: Day, part: Part) -> PartOfDay:
    return PartOfDay(day.date, part)


def this_part(now: datetime, part: Part) -> PartOfDay:
    return PartOfDay(now.date(), part)


def tonight(now: datetime) -> PartOfDay:
    return PartOfDay(now.date(), _TONIGHT)


def last_night(now: datetime) -> PartOfDay:
    return PartOfDay(now.date() - timedelta(days=1), _TONIGHT)


def part_on(_now: datetime, part: Part, day: Day) -> PartOfDay:
    return PartOfDay(day.date, part)


def part_at(now: datetime, part: PartOfDay, when: Clock) -> Instant:
    return Instant(moment(now, part.day, of_part(now, when, part.part)))


def at_part(now: datetime, when: Clock, part: PartOfDay) -> Instant:
    return part_at(now, part, when)


def part_at_hour(now: datetime, part: PartOfDay, hour: int) -> Instant:
    return part_at(now, part, said(hour))


def hour_at_part(now: datetime, hour: int, part: PartOfDay) -> Instant:
    return part_at(now, part, said(hour))


def in_length(now: datetime, length: Length) -> Instant:
    return Instant(_moved(now, length, 1))


def length_ago(now: datetime, length: Length) -> Instant:
    return Instant(_moved(now, length, -1))


def _moved(now: datetime, length: Length, sign: int) -> datetime:
    if not length.seconds:
        raise ValueError("Whole days make a date.")
    day = shifted(now.date(), Length(length.months, length.days), sign)
    start = datetime.combine(day, now.timetz()).astimezone(UTC)
    return (start + timedelta(seconds=sign * length.seconds)).astimezone(now.tzinfo)


# Stretches of hours


def during(now: datetime, part: PartOfDay) -> Stretch:
    return Stretch(*(moment(now, part.day, Clock(minute)) for minute in part.part))


def day_hours(now: datetime, day: Day, when: Hours) -> Stretch:
    return Stretch(moment(now, day.date, when.first), moment(now, day.date, when.last))


def part_hours(now: datetime, part: PartOfDay, when: Hours) -> Stretch:
    return Stretch(*(moment(now, part.day, of_part(now, one, part.part)) for one in (when.first, when.last)))


def hours_day(now: datetime, when: Hours, day: Day) -> Stretch:
    return day_hours(now, day, when)


def day_bare_hours(now: datetime, day: Day, first: int, last: int) -> Stretch:
    return day_hours(now, day, bare_hours(now, first, last))


def day_until(now: datetime, day: Day, when: Clock) -> Stretch:
    """The day up to a time of it."""
    return Stretch(moment(now, day.date, Clock(0, offset=when.offset)), moment(now, day.date, when))


def day_until_hour(now: datetime, day: Day, hour: int) -> Stretch:
    return day_until(now, day, said(hour))


def until_on_day(now: datetime, when: Clock, day: Day) -> Stretch:
    return day_until(now, day, when)


def until_hour_on_day(now: datetime, hour: int, day: Day) -> Stretch:
    return day_until(now, day, said(hour))


def day_from(now: datetime, day: Day, when: Clock) -> Stretch:
    """A time of the day up to its end."""
    return Stretch(moment(now, day.date, when), moment(now, day.date, Clock(_DAY, offset=when.offset)))


def day_from_hour(now: datetime, day: Day, hour: int) -> Stretch:
    return day_from(now, day, said(hour))


def from_on_day(now: datetime, when: Clock, day: Day) -> Stretch:
    return day_from(now, day, when)


def from_hour_on_day(now: datetime, hour: int, day: Day) -> Stretch:
    return day_from(now, day, said(hour))


def between(_now: datetime, first: Instant, last: Instant) -> Stretch:
    if last.at < first.at:
        raise ValueError("It ends before it starts.")
    return Stretch(first.at, last.at)


def until_clock(now: datetime, first: Instant, last: Clock) -> Stretch:
    """From a moment to a time, on that day or in the night after it."""
    start = first.at
    same_day = hours(now, Clock(start.hour * 60 + start.minute, offset=last.offset), last)
    return between(now, first, Instant(moment(now, start.date(), same_day.last)))


MEANINGS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(clock, noon, midnight, half_past, quarter_past, quarter_to, minutes_past, minutes_to, of_part),
        *(hour_of_part, zoned, hours, bare_hours, hours_from_bare, hours_to_bare, at, on, at_hour, hour_on),
        *(written, part_of, part_on, this_part, tonight, last_night, part_at, at_part, part_at_hour),
        *(hour_at_part, in_length, length_ago, during, day_hours, hours_day, part_hours, day_bare_hours),
        *(between, until_clock, day_until, day_until_hour, until_on_day, until_hour_on_day),
        *(day_from, day_from_hour, from_on_day, from_hour_on_day),
    )
}
