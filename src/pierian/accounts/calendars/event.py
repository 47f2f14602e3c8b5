"""What an event is, as it is read from the local copy of a calendar, and the id by which it is named afterwards.

An id is made of the row that holds the event, a hash of its UID and, in a series, of the occurrence that is meant:
`17-3f9a2c` or `17-3f9a2c-20261201T080000Z`. Rows may be used again for something else; the hash tells.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from pierian.provenance import Labels

Status = Literal["confirmed", "tentative", "cancelled"]

_ID = re.compile(r"(\d{1,18})-([0-9a-f]{6})(?:-(\d{8}(?:T\d{6}Z?)?))?")


class Event(Struct, frozen=True, kw_only=True):
    """One event, or one occurrence of a series; times are in the zone of whoever asked."""

    id: str
    """Empty where only when it is may be known."""
    title: str
    begins: datetime
    ends: datetime
    whole_days: bool
    location: str
    organizer: str
    """A mail address; empty where nobody else is invited."""
    attendees: tuple[str, ...]
    status: Status
    busy: bool
    repeats: bool
    account: str
    calendar: str
    writable: bool
    labels: Labels
    """Who wrote it, and by which account it came."""


class NewEvent(Struct, frozen=True, kw_only=True):
    """What is to be written down; times are aware, or dates for whole days (the end is the day after)."""

    title: str
    begins: date
    ends: date
    location: str = ""
    description: str = ""
    attendees: tuple[str, ...] = ()


class EventId(Struct, frozen=True):
    """What an id names."""

    object_id: int
    hashed: str
    recurrence: str = ""
    """The RECURRENCE-ID of the occurrence that is meant; empty for the event, or the whole series."""

    def __str__(self) -> str:
        return f"{self.object_id}-{self.hashed}" + (f"-{self.recurrence}" if self.recurrence else "")

    def names(self, uid: str) -> bool:
        """Whether the row still holds the event that it held when the id was made."""
        return hashed(uid) == self.hashed


def id_of(object_id: int, uid: str, recurrence: str = "") -> EventId:
    """The id of an event in a row."""
    return EventId(object_id, hashed(uid), recurrence)


def read_id(text: str) -> EventId | None:
    """The id that a text is; None where it is none."""
    found = _ID.fullmatch(text.strip())
    return EventId(int(found[1]), found[2], found[3] or "") if found else None


def hashed(uid: str) -> str:
    """Six digits that tell this UID from others."""
    return hashlib.sha256(uid.encode("utf-8", "replace")).hexdigest()[:6]
