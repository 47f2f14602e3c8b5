"""Events and free time in lines for people, written by code from what the calendar tools found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from pierian.tools.tool import Listing

_ASKS = (
    r"(?:and |so |please |can you |could you )*"
    r"(?:which|what(?:'s)?|when|where|who|is|are|am|do|does|have|has|any|show|list|tell me|give me|find|how many"
    r"|how long)\b"
    r"(?!.*\b(?:why|summar\w*|explain|compare|draft|write)\b)"
)


def event_lines(found: Any) -> list[str]:
    """A line for each event."""
    return [_event(one) for one in found]


def free_lines(found: Any) -> list[str]:
    """A line for each stretch of free time."""
    return [f"{_span(one['begins'], one['ends'])} is free" for one in found]


EVENTS = Listing(lines=event_lines, nothing="There is no such event in the calendars.", answers=_ASKS)
FREE = Listing(
    lines=free_lines,
    nothing="**Not free:** then there is no free time of that length, or it lies outside of the working hours.",
    answers=_ASKS,
)


def _event(one: Mapping[str, Any]) -> str:
    people: Sequence[str] = one["with_people"]
    parts = [
        f"**{one['title'] or 'without a title'}**",
        f"at {one['location']}" if one["location"] else "",
        f"with {', '.join(people[:5])}{' and others' if len(people) > 5 else ''}" if people else "",
        one["status"] if one["status"] in ("cancelled", "tentative") else "",
        f"({one['calendar']})",
    ]
    return f"{_span(one['begins'], one['ends'])}: {' '.join(part for part in parts if part)}"


def _span(begins: str, ends: str) -> str:
    """When it is, by the clocks on which it was found."""
    if "T" not in begins:
        first, last = date.fromisoformat(begins), date.fromisoformat(ends)
        return _day(first) if last <= first else f"{_day(first)} to {_day(last)}"
    start, end = datetime.fromisoformat(begins), datetime.fromisoformat(ends)
    until = f"{end:%H:%M}"
    if end.date() != start.date() and end - start >= timedelta(0):
        until = f"{_day(end.date())}, {until}"
    return f"{_day(start.date())}, {start:%H:%M} to {until}"


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"
