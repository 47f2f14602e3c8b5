"""Calendar objects as they are written: new ones, and changes to those that a server has.

Only what is meant to change is changed: everything else in an object stays as it was read, and an object of which a
part cannot be read is not written at all. What is sent to a server and to whom else is the business of `writing`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, cast

import icalendar
from icalendar import vCalAddress
from msgspec import Struct

from pierian.accounts.calendars.event import NewEvent
from pierian.accounts.calendars.parsing import recurrence_text
from pierian.exceptions import UserError
from pierian.storage.words import fold

KEY = "X-PIERIAN-KEY"
"""Property that names the step that wrote an event last, so that it can be told afterwards whether it did."""
PRODUCT = "-//Pierian//Pierian//EN"
Part = Any
"""A component of `icalendar`, whose own types name for each property all that it could be."""
_RULES = ("RRULE", "RDATE", "EXDATE", "EXRULE")

Method = Literal["REQUEST", "CANCEL", "REPLY"]


class People(Struct, frozen=True):
    """Who else has to do with an event."""

    organizer: str
    attendees: tuple[str, ...]

    def others(self, mine: Sequence[str]) -> tuple[str, ...]:
        """The attendees that are not the owner of the account."""
        return tuple(one for one in self.attendees if one not in mine)

    def is_mine(self, mine: Sequence[str]) -> bool:
        """Whether nobody else called the meeting."""
        return not self.organizer or self.organizer in mine


class Composed:
    """One calendar object that is being made or changed."""

    def __init__(self, calendar: Part, now: datetime) -> None:
        self.calendar = calendar
        self._now = now.astimezone(UTC)

    @classmethod
    def new(
        cls, event: NewEvent, uid: str, organizer: str, *, by_client: bool, key: str, now: datetime
    ) -> Composed:
        """An object with one event; with `by_client` the server is told to leave invitations to us (RFC 6638)."""
        calendar: Part = icalendar.Calendar()
        calendar.add("PRODID", PRODUCT)
        calendar.add("VERSION", "2.0")
        made: Part = icalendar.Event()
        made.add("UID", uid)
        made.add("CREATED", now.astimezone(UTC))
        made.add("SUMMARY", event.title)
        if event.location:
            made.add("LOCATION", event.location)
        if event.description:
            made.add("DESCRIPTION", event.description)
        if event.attendees:
            made.add("ORGANIZER", _person(organizer, by_client=by_client))
            for address in event.attendees:
                made.add("ATTENDEE", _person(address, by_client=by_client, invited=True))
        calendar.add_component(made)
        composed = cls(calendar, now)
        composed._span(made, _in_utc(event.begins), _in_utc(event.ends))
        composed._touch(made, key, counts=False)
        return composed

    @classmethod
    def read(cls, text: str, now: datetime) -> Composed:
        """An object of a server; raises `UserError` where it cannot be read whole."""
        try:
            calendar: Part = icalendar.Calendar.from_ical(text)
        except ValueError as error:
            raise _unreadable() from error
        events = calendar.walk("VEVENT")
        ranged = any("RANGE" in e["RECURRENCE-ID"].params for e in events if "RECURRENCE-ID" in e)
        if not events or ranged or any(part.errors for part in calendar.walk()):
            raise _unreadable()
        return cls(calendar, now)

    @property
    def text(self) -> str:
        """The object as it is sent to a server."""
        return self.calendar.to_ical().decode()

    @property
    def people(self) -> People:
        """Who has to do with it, folded addresses."""
        event = self.main
        attendees = event.get("ATTENDEE", [])
        every = cast(list[Any], attendees) if isinstance(attendees, list) else [attendees]
        return People(
            _address(event.get("ORGANIZER", "")), tuple(dict.fromkeys(_address(one) for one in every))
        )

    @property
    def main(self) -> Part:
        """The event itself: of a series the one with the rule."""
        return next((one for one in self._events() if "RECURRENCE-ID" not in one), self._events()[0])

    def written_by(self, key: str) -> bool:
        """Whether the step with this key has written it."""
        return any(str(one.get(KEY, "")) == hashed_key(key) for one in self._events())

    def meant(self, recurrence: str) -> Part:
        """The event that is meant: the whole of it, or one occurrence, made apart from its series if need be."""
        if not recurrence:
            return self.main
        if apart := self._apart(recurrence):
            return apart[0]
        series = self.main
        apart = series.copy(recursive=True)
        for name in _RULES:
            apart.pop(name, None)
        start = series["DTSTART"].dt
        at = _same_kind(recurrence, start)
        lasts = _length(series)
        _set(apart, "RECURRENCE-ID", at, _zone_name(series))
        self._span(apart, at, at + lasts)
        self.calendar.add_component(apart)
        return apart

    def move(self, event: Part, begins: date, ends: date, key: str) -> None:
        """Let an event, or one occurrence made apart, take place at another time."""
        before = event["DTSTART"].dt
        self._span(event, _like(before, begins), _like(before, ends))
        self._ask_again(event)
        self._touch(event, key)

    def shift_series(self, by: timedelta, key: str) -> None:
        """Let a whole series take place earlier or later by the clock; raises `UserError` where it cannot."""
        series = self.main
        rules = series.get("RRULE", [])
        listed = cast(list[Any], rules) if isinstance(rules, list) else [rules]
        starts = cast(date, series["DTSTART"].dt)
        if (starts + by).day != starts.day and any(name.startswith("BY") for rule in listed for name in rule):
            raise UserError(
                "The days of this series are part of its rule, so it cannot be moved to other days as a whole.",
                hint="Cancel it and create a new one, or move single occurrences.",
            )
        lasts = _length(series)
        for one in self._events():
            if "RECURRENCE-ID" in one:
                at, begins = one["RECURRENCE-ID"].dt, one["DTSTART"].dt
                stays = begins != at
                _set(one, "RECURRENCE-ID", at + by, str(one["RECURRENCE-ID"].params.get("TZID", "")))
                if not stays:
                    self._span(one, begins + by, begins + by + _length(one))
                self._touch(one, key)
        for name in ("EXDATE", "RDATE"):
            _shift_dates(series, name, by)
        self._span(series, starts + by, starts + by + lasts)
        self._ask_again(series)
        self._touch(series, key)

    def rename(self, event: Part, title: str, key: str) -> None:
        """Give an event another title."""
        _set(event, "SUMMARY", title)
        self._touch(event, key)

    def leave_out(self, recurrence: str, key: str) -> bool:
        """Take one occurrence out of its series; whether anything of the object is left."""
        changed = self._apart(recurrence)
        self.calendar.subcomponents = [part for part in self.calendar.subcomponents if part not in changed]
        if not self._events():
            return False
        series = self.main
        if "RECURRENCE-ID" not in series:
            series.add(
                "EXDATE",
                _same_kind(recurrence, series["DTSTART"].dt),
                parameters={"TZID": zone} if (zone := _zone_name(series)) else None,
            )
        self._touch(series, key)
        return True

    def is_left_out(self, recurrence: str) -> bool:
        """Whether an occurrence no longer takes place."""
        series = self.main
        dates = series.get("EXDATE", [])
        every = cast(list[Any], dates) if isinstance(dates, list) else [dates]
        return any(recurrence_text(one.dt) == recurrence for part in every for one in part.dts)

    def for_mail(self, method: Method, events: Sequence[Part], *, me: str = "") -> str:
        """What is sent to people by iMIP (RFC 6047); of a reply, `me` declines."""
        letter: Part = icalendar.Calendar()
        letter.add("PRODID", PRODUCT)
        letter.add("VERSION", "2.0")
        letter.add("METHOD", method)
        for event in events:
            sent = event.copy(recursive=True)
            sent.pop(KEY, None)
            sent.subcomponents = []  # reminders are one's own
            if method == "CANCEL":
                _set(sent, "STATUS", "CANCELLED")
            if method == "REPLY":
                sent.pop("ATTENDEE", None)
                declining: Part = vCalAddress(f"mailto:{me}")
                declining.params["PARTSTAT"] = "DECLINED"
                sent.add("ATTENDEE", declining)
            letter.add_component(sent)
        letter.subcomponents = [*self.calendar.walk("VTIMEZONE"), *letter.subcomponents]
        return letter.to_ical().decode()

    def has_apart(self, recurrence: str) -> bool:
        """Whether an occurrence stands apart from its series."""
        return bool(self._apart(recurrence))

    def _apart(self, recurrence: str) -> list[Part]:
        every = (one for one in self._events() if "RECURRENCE-ID" in one)
        return [one for one in every if recurrence_text(one["RECURRENCE-ID"].dt) == recurrence]

    def _events(self) -> list[Part]:
        return self.calendar.walk("VEVENT")

    def _span(self, event: Part, begins: date, ends: date) -> None:
        zone = _zone_name(event)
        _set(event, "DTSTART", begins, zone)
        event.pop("DURATION", None)
        _set(event, "DTEND", ends, zone)

    def _touch(self, event: Part, key: str, *, counts: bool = True) -> None:
        _set(event, "DTSTAMP", self._now)
        _set(event, "LAST-MODIFIED", self._now)
        _set(event, "SEQUENCE", int(event.get("SEQUENCE", 0)) + 1 if counts else 0)
        if key:
            _set(event, KEY, hashed_key(key))

    def _ask_again(self, event: Part) -> None:
        """Who said yes to the old time has not said yes to the new one (RFC 5546, 3.2.2.1)."""
        attendees = event.get("ATTENDEE", [])
        organizer = _address(event.get("ORGANIZER", ""))
        for one in cast(list[Any], attendees) if isinstance(attendees, list) else [attendees]:
            if _address(one) != organizer:
                one.params["PARTSTAT"] = "NEEDS-ACTION"
                one.params["RSVP"] = "TRUE"


def hashed_key(key: str) -> str:
    """A key as it is written into an event, which other people may see."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def shifted_text(composed: Composed, recurrence: str, by: timedelta) -> str:
    """What a stored RECURRENCE-ID has become once its series was shifted by the clock."""
    if not recurrence:
        return ""
    return recurrence_text(_same_kind(recurrence, composed.main["DTSTART"].dt) + by)


def leave_to_us(composed: Composed) -> None:
    """Tell a server that invitations are sent by us, in all events of an object (RFC 6638, 7.1)."""
    for event in composed.calendar.walk("VEVENT"):
        for name in ("ORGANIZER", "ATTENDEE"):
            people = event.get(name, [])
            for one in cast(list[Any], people) if isinstance(people, list) else [people]:
                one.params["SCHEDULE-AGENT"] = "CLIENT"


def _person(address: str, *, by_client: bool, invited: bool = False) -> Part:
    person: Part = vCalAddress(f"mailto:{address}")
    if invited:
        person.params["ROLE"] = "REQ-PARTICIPANT"
        person.params["PARTSTAT"] = "NEEDS-ACTION"
        person.params["RSVP"] = "TRUE"
    if by_client:
        person.params["SCHEDULE-AGENT"] = "CLIENT"
    return person


def _address(person: Any) -> str:
    text = str(person).strip()
    return fold(text[7:] if text[:7].lower() == "mailto:" else text)


def _length(event: Part) -> timedelta:
    start = event["DTSTART"].dt
    if "DTEND" in event:
        return event["DTEND"].dt - start
    if "DURATION" in event:
        return event["DURATION"].dt
    return timedelta() if isinstance(start, datetime) else timedelta(days=1)


def _same_kind(recurrence: str, start: date) -> date:
    """A stored RECURRENCE-ID in the way in which its series writes its beginning."""
    if len(recurrence) == 8:
        return datetime.strptime(recurrence, "%Y%m%d").date()  # noqa: DTZ007 - a date
    at = datetime.strptime(recurrence.rstrip("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007 - floating, or UTC as below
    if not recurrence.endswith("Z"):
        return at
    zone = start.tzinfo if isinstance(start, datetime) else None
    return at.replace(tzinfo=UTC).astimezone(zone or UTC)


def _shift_dates(series: Part, name: str, by: timedelta) -> None:
    found = series.pop(name, None)
    if found is None:
        return
    for part in cast(list[Any], found) if isinstance(found, list) else [found]:
        dates: list[Any] = [one.dt for one in part.dts]
        moved = [_later(one, by) for one in dates]
        periods = any(isinstance(one, tuple) for one in moved)
        parameters = {"VALUE": "PERIOD"} if periods else {}
        if zone := str(part.params.get("TZID", "")):
            parameters["TZID"] = zone
        series.add(name, moved, parameters=parameters)


def _later(moment: Any, by: timedelta) -> Any:
    """A time, or a period, so much later by the clock."""
    if not isinstance(moment, tuple):
        return moment + by
    begins, ends = cast(tuple[datetime, Any], moment)
    return begins + by, ends if isinstance(ends, timedelta) else ends + by


def _set(event: Part, name: str, value: Any, zone: str = "") -> None:
    """Put a value in the place of another; a time of day in the zone that the object calls `zone`."""
    event.pop(name, None)
    event.add(name, value)
    if zone and isinstance(value, datetime) and value.tzinfo not in (None, UTC):
        event[name].params["TZID"] = zone


def _zone_name(event: Part) -> str:
    """What the object calls the zone of an event, which may be a name of its own."""
    return str(event["DTSTART"].params.get("TZID", "")) if "DTSTART" in event else ""


def _in_utc(moment: date) -> date:
    """New events are written in UTC, which needs no VTIMEZONE and is shown in the zone of whoever looks."""
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


def _like(before: date, moment: date) -> date:
    """A new time in the zone of the old one: floating stays floating."""
    if not isinstance(moment, datetime):
        return moment
    if not isinstance(before, datetime):
        return moment.astimezone(UTC)
    return moment.astimezone(before.tzinfo) if before.tzinfo else moment.replace(tzinfo=None)


def _unreadable() -> UserError:
    return UserError(
        "This event has parts that cannot be read, and writing it would lose them.",
        hint="Change it with the program that made it.",
    )
