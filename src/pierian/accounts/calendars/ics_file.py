"""Taking an iCalendar file apart into its events, so that each is read, kept and refused on its own.

Only lines are looked at (RFC 5545, 3.1 and 3.4): which component begins and ends where, and its UID. What the lines
mean is read by `parsing`, one object at a time. Events with the same UID belong together, the time zones that they
name come along.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from msgspec import Struct

from pierian.accounts.zones import known_zones

MOST_ZONE = 16_000
"""Characters of the definition of a time zone."""
MOST_TEXT = 64_000_000
"""Characters of all events with their zones; four times the file where that is more."""
_LINE_END = re.compile(r"\r\n|\n|\r")
_FOLDED = re.compile(r"\r?\n[ \t]|\r(?!\n)")
_ZONES = re.compile(r'TZID="?([^";:,\n]{1,200})')
_KEPT_HEADERS = ("VERSION", "PRODID", "CALSCALE", "METHOD")
MOST_EVENTS = 200_000


class Part(Struct, frozen=True):
    """One event of the file, with all changed occurrences of it."""

    name: str
    """Its UID; a number follows where another event has the same."""
    version: str
    text: str


class IcsFile(Struct, frozen=True):
    """What stands in a file."""

    name: str
    """What it calls itself; may be empty."""
    parts: list[Part]


class _Component:
    """The lines of one component."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.lines: list[str] = []
        self.uid = self.zone = ""
        self.changes = False
        """Whether it is one changed occurrence of a series."""

    @property
    def text(self) -> str:
        return "\r\n".join(self.lines)


def take_apart(text: str) -> IcsFile:
    """The events of a file; raises `ValueError` with a sentence's end where it is none, or was cut off."""
    # Other signs at which Python ends a line may stand in a text: they begin no component.
    lines = _LINE_END.split(_FOLDED.sub("", text.removeprefix("\ufeff")).rstrip("\r\n"))
    if not any(line.strip().upper() == "BEGIN:VCALENDAR" for line in lines[:50]):
        raise ValueError("holds no calendar")
    if not any(line.strip().upper() == "END:VCALENDAR" for line in lines[-50:]):
        raise ValueError("was cut off: its end is missing")
    name, headers, zones = "", list[str](), dict[str, str]()
    series: dict[str, list[_Component]] = {}
    for one in _components(lines):
        if isinstance(one, str):
            label, _, value = one.partition(":")
            label = label.partition(";")[0].upper()
            if label in _KEPT_HEADERS:
                headers = [line for line in headers if not line.upper().startswith(label)] + [one[:500]]
            elif label in ("X-WR-CALNAME", "NAME") and not name:
                name = value.strip()[:200]
        elif one.kind == "VTIMEZONE":
            if len(one.text) > MOST_ZONE:
                raise ValueError(f"defines a time zone of more than {MOST_ZONE:,} characters")
            zones[one.zone] = one.text
        elif one.kind in ("VEVENT", "VFREEBUSY"):
            uid = one.uid or f"unnamed-{hashlib.sha256(one.text.encode()).hexdigest()[:32]}"
            series.setdefault(uid, []).append(one)
            if len(series) > MOST_EVENTS:
                raise ValueError(f"holds more than {MOST_EVENTS:,} events")
    taken = set(series)
    parts = (part for uid, every in series.items() for part in _parts(uid, every, headers, zones, taken))
    return IcsFile(name, _bounded(parts, max(MOST_TEXT, 4 * len(text))))


def _bounded(parts: Iterator[Part], left: int) -> list[Part]:
    """The parts, each of which has the zones that it names, if they have no more than so many characters."""
    found = list[Part]()
    for part in parts:
        left -= len(part.text)
        if left < 0:
            raise ValueError("repeats its time zones so often that it is too large")
        found.append(part)
    return found


def _components(lines: list[str]) -> Iterator[_Component | str]:
    """The components right inside a calendar, without their alarms, and the calendar's own lines."""
    depth, current, alarm = 0, None, False
    for line in lines:
        label, _, value = line.partition(":")
        label = label.strip().upper()
        if label == "BEGIN":
            depth += 1
            if depth == 2:
                current = _Component(value.strip().upper())
            alarm = alarm or (depth == 3 and value.strip().upper() == "VALARM")
        if current is not None and not alarm:
            current.lines.append(line)
            if depth == 2:
                _note(current, label.partition(";")[0], value)
        elif depth == 1 and label not in ("BEGIN", "END"):
            yield line
        if label == "END":
            depth = max(0, depth - 1)
            alarm = alarm and depth > 2
            if depth == 1 and current is not None:
                yield current
                current = None


def _note(component: _Component, label: str, value: str) -> None:
    if label == "UID":
        component.uid = value.strip()[:1000]
    elif label == "TZID":
        component.zone = value.strip()
    elif label == "RECURRENCE-ID":
        component.changes = True


def _parts(
    uid: str, components: list[_Component], headers: list[str], zones: dict[str, str], taken: set[str]
) -> Iterator[Part]:
    """One object, and one more for each further event that only has the same UID by mistake.

    `taken` are the names that are given, of other events too.
    """
    whole = [one for one in components if not one.changes]
    changes = [one for one in components if one.changes]
    groups = [[one] for one in whole] or [[]]
    groups[0] += changes
    for number, group in enumerate(groups):
        inside = "\r\n".join(one.text for one in group)
        named = [
            zones[zone]
            for zone in dict.fromkeys(_ZONES.findall(inside))
            if zone in zones and zone not in known_zones()
        ]
        text = "\r\n".join(["BEGIN:VCALENDAR", *headers, *named, inside, "END:VCALENDAR", ""])
        name, count = uid, number + 1
        while number and name in taken:
            name, count = f"{uid}#{count}", count + 1
        taken.add(name)
        yield Part(name, _version(text), text)


def _version(text: str) -> str:
    """A hash that stays while the event does: many servers write the time of the download into each event."""
    lines = (line for line in text.split("\r\n") if not line.upper().startswith("DTSTAMP"))
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()[:32]
