"""A trip as a calendar file (RFC 5545), for calendars that are not linked here. Its times have their time zones."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar

from pierian.accounts.calendars.composing import PRODUCT
from pierian.skills.travel.trip import Item, Trip


def calendar_text(trip: Trip, made_at: datetime) -> str:
    """All that is done on a trip, an event each; the same trip gives the same UIDs."""
    calendar: Any = icalendar.Calendar()
    calendar.add("PRODID", PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", "PUBLISH")
    for item in trip.items:
        calendar.add_component(_event(item, trip, made_at))
    calendar.add_missing_timezones()
    return calendar.to_ical().decode()


def _event(item: Item, trip: Trip, made_at: datetime) -> Any:
    event: Any = icalendar.Event()
    marks = f"{item.kind}/{item.title}/{item.begins.isoformat()}/{item.ends.isoformat()}"
    event.add("UID", f"{hashlib.sha256(marks.encode()).hexdigest()[:32]}@pierian")
    event.add("DTSTAMP", made_at.astimezone(UTC))
    event.add("SUMMARY", item.title)
    if item.whole_days:
        event.add("DTSTART", item.begins.date())
        event.add("DTEND", max(item.ends.date(), item.begins.date() + timedelta(days=1)))
        event.add("TRANSP", "TRANSPARENT")
    else:
        event.add("DTSTART", item.begins.astimezone(ZoneInfo(item.begins_zone)))
        event.add("DTEND", item.ends.astimezone(ZoneInfo(item.ends_zone)))
    if item.place:
        event.add("LOCATION", item.place)
    if item.price:
        event.add("DESCRIPTION", f"{item.price}, {item.provider}")
    if trip.wishes.draft:
        event.add("STATUS", "TENTATIVE")
    return event
