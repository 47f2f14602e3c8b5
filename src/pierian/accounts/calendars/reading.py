"""Reading calendars from the local copy: events in a range, and events with some words.

The database does the ranges: events of up to a day are found by their beginnings alone, longer ones are looked for
apart. What an account does not let be read is left out, and of one that is "free/busy only" nothing but the times is
given. Cancelled events are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import chain
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from pierian.accounts.account import Account, written_by
from pierian.accounts.calendars.event import Event, EventId, Status, id_of
from pierian.accounts.zones import local_zone
from pierian.storage.account_tables import calendar_objects, collections, occurrences
from pierian.storage.database import Database
from pierian.storage.words import fold

DAY = 86_400
MOST_EVENTS = 500


class CalendarState(Struct, omit_defaults=True):
    """How far a calendar was synced: `collections.state`."""

    token: str = ""
    """RFC 6578's sync-token, or Graph's delta link."""
    ctag: str = ""
    etag: str = ""
    """Of an ICS file, or the hash of what it held."""
    zone: str = ""
    """In which its all-day and floating events were worked out."""
    times_only: bool = False
    """Whether the server tells no more than when it is busy."""
    schedules: bool = False
    """Whether the server sends invitations by itself (RFC 6638)."""
    until: int = 0
    """Of Graph: the end of the time that its events were told of."""
    whole: bool = False
    """Whether everything that it held at the last sync is in the copy."""


class Calendar(Struct, frozen=True, kw_only=True):
    """A calendar that may be read."""

    id: int
    name: str
    path: str
    writable: bool
    times_only: bool
    account: Account
    state: CalendarState


_STATES = msgspec.json.Decoder(CalendarState)


def state_of(text: str) -> CalendarState:
    """How far a calendar was synced, from what is stored; nothing where it cannot be read."""
    try:
        return _STATES.decode(text)
    except msgspec.MsgspecError:
        return CalendarState()


def calendars_of(connection: Connection, accounts: Iterable[Account]) -> dict[int, Calendar]:
    """The calendars of those accounts that may be read, by their ids."""
    readable = {account.id: account for account in accounts if account.switches.read}
    query = select(collections).where(
        collections.c.kind == "calendar", collections.c.account_id.in_(readable)
    )
    found: dict[int, Calendar] = {}
    for row in connection.execute(query.order_by(collections.c.id)):
        account, state = readable[row.account_id], state_of(row.state)
        found[row.id] = Calendar(
            id=row.id,
            name=row.name,
            path=row.path,
            writable=row.writable,
            times_only=state.times_only or account.switches.free_busy_only,
            account=account,
            state=state,
        )
    return found


def events_between(
    database: Database,
    accounts: Sequence[Account],
    begins: datetime,
    ends: datetime,
    *,
    zone: tzinfo | None = None,
    most: int = MOST_EVENTS,
    latest: bool = False,
) -> list[Event]:
    """The events that take place, at least in part, between two moments, by their beginnings.

    Where there are more than `most`, the earliest are given, or the `latest`.
    """
    order = occurrences.c.begins.desc() if latest else occurrences.c.begins
    with database.read() as connection:
        calendars = calendars_of(connection, accounts)
        rows = chain.from_iterable(
            connection.execute(_events().where(part).order_by(order, occurrences.c.id).limit(most))
            for part in within(calendars, seconds(begins), seconds(ends))
        )
        zone = zone or local_zone()
        found = [_event(row, calendars, zone) for row in rows]
    found.sort(key=_when)
    return found[-most:] if latest else found[:most]


def search_events(
    database: Database,
    accounts: Sequence[Account],
    words: str,
    *,
    begins: datetime | None = None,
    ends: datetime | None = None,
    zone: tzinfo | None = None,
    most: int = 50,
    latest: bool = False,
) -> list[Event]:
    """The events that have all of some words in their title, place, description or people, by their beginnings.

    Where there are more than `most`, the earliest are given, with `latest` or without `begins` the latest. Of
    accounts that tell no more than times nothing is found.
    """
    with database.read() as connection:
        calendars = {
            number: one for number, one in calendars_of(connection, accounts).items() if not one.times_only
        }
        query = _events().where(_in(calendars), occurrences.c.status != "cancelled")
        for word in fold(words).split():
            query = query.where(occurrences.c.folded.contains(word, autoescape=True))
        if begins is not None:
            query = query.where(_ends_after(seconds(begins)))
        if ends is not None:
            query = query.where(occurrences.c.begins < seconds(ends))
        order = occurrences.c.begins if begins is not None and not latest else occurrences.c.begins.desc()
        rows = connection.execute(query.order_by(order, occurrences.c.id).limit(most)).all()
        zone = zone or local_zone()
        found = [_event(row, calendars, zone) for row in rows]
    return sorted(found, key=_when)


def event_at(
    connection: Connection, accounts: Sequence[Account], wanted: EventId, zone: tzinfo | None = None
) -> Event | None:
    """The event of an id: of a series the occurrence that it names, else the first that is known; None where gone."""
    calendars = calendars_of(connection, accounts)
    query = _events().where(_in(calendars), calendar_objects.c.id == wanted.object_id)
    if wanted.recurrence:
        query = query.where(occurrences.c.recurrence == wanted.recurrence)
    row = connection.execute(query.order_by(occurrences.c.begins).limit(1)).first()
    if row is None or not wanted.names(row.uid):
        return None
    return _event(row, calendars, zone or local_zone())


def within(calendars: Iterable[int], begins: int, ends: int) -> tuple[ColumnElement[bool], ...]:
    """Conditions that together find what is not cancelled between two times, each by the index."""
    short = and_(occurrences.c.lasts_long.is_(False), occurrences.c.begins >= begins - DAY)
    return tuple(
        and_(
            _in(calendars),
            part,
            occurrences.c.begins < ends,
            _ends_after(begins),
            occurrences.c.status != "cancelled",
        )
        for part in (short, occurrences.c.lasts_long.is_(True))
    )


def seconds(moment: datetime) -> int:
    """An aware moment as it is stored."""
    return int(moment.timestamp())


def _ends_after(begins: int) -> ColumnElement[bool]:
    """Events without a length take place at the moment when they begin."""
    return or_(
        occurrences.c.ends > begins,
        and_(occurrences.c.ends == begins, occurrences.c.begins == begins),
    )


def _in(calendars: Iterable[int]) -> ColumnElement[bool]:
    return occurrences.c.collection_id.in_(list(calendars))


def _events() -> Select[Any]:
    return select(
        occurrences, calendar_objects.c.uid, func.length(occurrences.c.recurrence).label("repeated")
    ).join(calendar_objects, calendar_objects.c.id == occurrences.c.object_id)


def _event(row: Row[Any], calendars: Mapping[int, Calendar], zone: tzinfo) -> Event:
    calendar = calendars[row.collection_id]
    account, hidden = calendar.account, calendar.times_only
    organizer = "" if hidden else row.organizer
    return Event(
        id="" if hidden else str(id_of(row.object_id, row.uid, row.recurrence)),
        title="" if hidden else row.summary,
        begins=_moment(row.begins, zone) if not row.whole_days else _midnight(row.begins, calendar, zone),
        ends=_moment(row.ends, zone) if not row.whole_days else _midnight(row.ends, calendar, zone),
        whole_days=row.whole_days,
        location="" if hidden else row.location,
        organizer=organizer,
        attendees=() if hidden else tuple(row.attendees.split()),
        status=cast(Status, row.status),
        busy=row.busy,
        repeats=bool(row.repeated),
        account=account.name,
        calendar=calendar.name,
        writable=calendar.writable and account.switches.write and not hidden,
        labels=written_by("calendar", account.name, organizer),
    )


def _moment(at: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(zone)


def _midnight(at: int, calendar: Calendar, zone: tzinfo) -> datetime:
    """The beginning of a whole day, which is the same day wherever one is."""
    day = _moment(at, ZoneInfo(calendar.state.zone) if calendar.state.zone else zone)
    return day.replace(tzinfo=zone)


def _when(event: Event) -> tuple[datetime, datetime, str]:
    return event.begins, event.ends, event.title
