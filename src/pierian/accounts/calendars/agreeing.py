"""What whoever approves a change of a calendar is shown of it: the event, when it is and in which zone, where.

The same words are made again when the change is carried out; where they differ, it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pierian.accounts.calendars.event import Event, NewEvent

Told = dict[str, str]


def of_event(event: Event, *, series: bool = False) -> Told:
    """An event that is to be changed or cancelled."""
    ends = event.ends.date() if event.whole_days else event.ends
    when = span_told(event.begins.date() if event.whole_days else event.begins, ends)
    parts = [f"“{event.title}”", when, f"in {event.account}/{event.calendar}"]
    if event.location:
        parts.append(f"at {event.location}")
    if event.organizer:
        parts.append(f"called by {event.organizer}")
    if event.attendees:
        parts.append(f"with {people_told(event.attendees)}")
    every = {"series": "every event of the series"} if series and event.repeats else {}
    return {"event": "; ".join(parts), **every}


def of_move(event: Event, begins: date, ends: date, *, series: bool) -> Told:
    """An event that is to be moved, and where to."""
    return {**of_event(event, series=series), "moved_to": span_told(begins, ends)}


def of_new(wanted: NewEvent, calendar: str) -> Told:
    """An event that is to be made."""
    invited = {"invited": people_told(wanted.attendees)} if wanted.attendees else {}
    return {"when": span_told(wanted.begins, wanted.ends), "in_calendar": calendar, **invited}


def span_told(begins: date, ends: date) -> str:
    """When something takes place, with its zone; of whole days the end is the day after."""
    if not isinstance(begins, datetime) or not isinstance(ends, datetime):
        last = ends - timedelta(days=1)
        return f"{_day(begins)}, all day" if last <= begins else f"{_day(begins)} to {_day(last)}, whole days"
    until = f"{ends:%H:%M}" if ends.date() == begins.date() else f"{_day(ends)}, {ends:%H:%M}"
    return f"{_day(begins)}, {begins:%H:%M} to {until} ({_zone(begins)})"


def people_told(people: Sequence[str]) -> str:
    """Addresses in a line."""
    return ", ".join(people)


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def _zone(moment: datetime) -> str:
    """The zone by its name; the offset tells the two hours apart that a clock shows twice."""
    offset = f"UTC{_offset(moment)}"
    zone = moment.tzinfo
    return f"{zone.key}, {offset}" if isinstance(zone, ZoneInfo) and zone.key != "UTC" else offset


def _offset(moment: datetime) -> str:
    minutes = int((moment.utcoffset() or timedelta()).total_seconds() // 60)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}" if minutes else ""
