"""How plans say which events or messages they mean: all, the first, the last or the next of those in some time.

A time is given as the entities of a request have it: a date, a moment, or a range of either.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Literal

from msgspec import Struct

from pierian.accounts.calendars.zones import zone_of
from pierian.tools import ToolFailure

Which = Literal["all", "first", "last", "next"]


class Period(Struct, frozen=True):
    """Two dates, the second included, or two moments."""

    start: str
    end: str


When = str | Period
"""A date, a moment, or a period; empty for any time."""


class Span(Struct, frozen=True):
    """From one moment to before another; None where it is open."""

    begins: datetime | None = None
    ends: datetime | None = None
    whole_days: bool = True
    """Whether it was given in days."""


def span_of(when: When, now: Callable[[], datetime]) -> Span:
    """The time that is meant; raises `ToolFailure` for what is none."""
    if isinstance(when, Period):
        first, last = point(when.start, now), point(when.end, now)
    elif when.strip():
        first = last = point(when, now)
    else:
        return Span()
    days = not isinstance(first, datetime) and not isinstance(last, datetime)
    begins, ends = _moment(first, now), _moment(last, now, closing=True)
    if ends <= begins:
        ends = begins + timedelta(minutes=1)  # a moment: what is at it
    return Span(begins, ends, whole_days=days)


def point(text: str, now: Callable[[], datetime]) -> date:
    """A date, or an aware moment in the user's zone where the text names none; raises `ToolFailure`."""
    text, moment = text.strip(), now()
    if text.lower() in ("now", "today", "tomorrow"):
        day = moment.date() + timedelta(days=text.lower() == "tomorrow")
        return moment if text.lower() == "now" else day
    try:
        if len(text) <= len("2026-12-24"):
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ToolFailure(
            "invalid",
            f"{text[:60]!r} is neither a date nor a time with its day.",
            hint="Write it as 2026-12-24 or 2026-12-24T09:00.",
        ) from error
    zone = zone_of(moment)
    return found.astimezone(zone) if found.tzinfo else found.replace(tzinfo=zone)


def _moment(found: date, now: Callable[[], datetime], *, closing: bool = False) -> datetime:
    """A moment as it is; of a date its beginning, or with `closing` its end."""
    if isinstance(found, datetime):
        return found
    try:
        day = found + timedelta(days=1) if closing else found
    except OverflowError as error:
        raise ToolFailure("invalid", f"{found.isoformat()} is too far away.") from error
    return datetime.combine(day, time(), zone_of(now()))
