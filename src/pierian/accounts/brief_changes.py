"""What has changed in the calendars since the last day on which a brief was made: new, moved and cancelled events.

The first brief of a day remembers what the next weeks look like; the briefs of the next day compare with it. Only
calendars that were there then are compared, and only times that were looked at then: an account that was linked
meanwhile, or a day that has come into view, is no news.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, delete, insert, select

from pierian.accounts.account import Account
from pierian.accounts.calendars.reading import calendars_of, seconds, within
from pierian.storage.account_tables import calendar_objects, occurrences, seen_events
from pierian.storage.database import Database

DAYS = 28
"""How far ahead is looked."""
MOST_LOOKED_UP = 200
"""Events that are out of sight; of more nothing is told but that they are gone."""

ChangeKind = Literal["new", "moved", "cancelled"]


class Seen(Struct, frozen=True, array_like=True):
    """An event as it was seen; `uid` and `recurrence` name it, wherever it is moved."""

    uid: str
    recurrence: str
    calendar: int
    begins: int
    ends: int
    whole_days: bool
    title: str
    location: str
    organizer: str


class _Day(Struct, frozen=True):
    """What one account looked like on a day."""

    calendars: tuple[int, ...]
    until: int
    events: tuple[Seen, ...]


class Change(Struct, frozen=True, kw_only=True):
    """What happened to an event; of a series, to the first occurrence that it happened to."""

    kind: ChangeKind
    account: str
    event: Seen
    """As it is now; of a cancelled one as it was."""
    before: Seen | None = None
    others: int = 0
    """Further occurrences of the series with the same change."""


class Changes(Struct, frozen=True):
    """What changed, and since which day; None where nothing was remembered before today."""

    since: date | None
    found: tuple[Change, ...]


_DAY = msgspec.json.Decoder(_Day)


def changes_since_yesterday(
    database: Database, accounts: Sequence[Account], now: datetime, zone: tzinfo
) -> Changes:
    """What has changed since the last earlier day with a brief; today is remembered for tomorrow."""
    today = now.astimezone(zone).date()
    shown = [one for one in accounts if one.switches.read and not one.switches.free_busy_only]
    current = {one.id: _look(database, one, now, today, zone) for one in shown}
    with database.write() as connection:
        before = {one.id: _remembered(connection, one, today) for one in shown}
        for one in shown:
            _remember(connection, one, today, current[one.id])
    days = [earlier[0] for earlier in before.values() if earlier is not None]
    found = (
        change
        for one in shown
        if (earlier := before[one.id]) is not None
        for change in _compared(
            one.name,
            earlier[1],
            _with_those_far_off(database, earlier[1], current[one.id]),
            int(now.timestamp()),
        )
    )
    return Changes(max(days, default=None), tuple(sorted(found, key=lambda one: one.event.begins)))


def _look(database: Database, account: Account, now: datetime, today: date, zone: tzinfo) -> _Day:
    """What the next weeks look like."""
    begins = datetime.combine(today, time(), zone)
    ends = datetime.combine(today + timedelta(days=DAYS), time(), zone)
    with database.read() as connection:
        known = {key: one for key, one in calendars_of(connection, [account]).items() if not one.times_only}
        events = [
            one for part in within(known, seconds(begins), seconds(ends)) for one in _read(connection, part)
        ]
    return _Day(tuple(known), seconds(ends), tuple(events))


def _with_those_far_off(database: Database, before: _Day, current: _Day) -> _Day:
    """Also what was seen then and is out of sight now, wherever it was moved."""
    names = {_name(one) for one in current.events}
    missing = [one for one in before.events if _name(one) not in names and one.calendar in current.calendars]
    found = list[Seen]()
    with database.read() as connection:
        for one in missing[:MOST_LOOKED_UP]:
            there = (
                (occurrences.c.collection_id == one.calendar)
                & (calendar_objects.c.uid == one.uid)
                & (calendar_objects.c.collection_id == one.calendar)
                & (occurrences.c.recurrence == one.recurrence)
                & (occurrences.c.status != "cancelled")
            )
            found += _read(connection, there)
    return _Day(current.calendars, current.until, (*current.events, *found))


def _read(connection: Connection, condition: ColumnElement[bool]) -> list[Seen]:
    rows = connection.execute(
        select(occurrences, calendar_objects.c.uid)
        .join(calendar_objects, calendar_objects.c.id == occurrences.c.object_id)
        .where(condition)
        .order_by(occurrences.c.begins, occurrences.c.id)
    )
    return [
        Seen(
            row.uid,
            row.recurrence,
            row.collection_id,
            row.begins,
            row.ends,
            row.whole_days,
            row.summary,
            row.location,
            row.organizer,
        )
        for row in rows
    ]


def _remembered(connection: Connection, account: Account, today: date) -> tuple[date, _Day] | None:
    """The last day before today of which anything is known."""
    query = (
        select(seen_events.c.day, seen_events.c.events)
        .where(seen_events.c.account_id == account.id, seen_events.c.day < today.isoformat())
        .order_by(seen_events.c.day.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else (date.fromisoformat(row.day), _DAY.decode(row.events))


def _remember(connection: Connection, account: Account, today: date, seen: _Day) -> None:
    """Keep what is seen today, if it is the first time, and forget all but the day before."""
    mine, day = seen_events.c.account_id == account.id, today.isoformat()
    if connection.execute(select(seen_events.c.day).where(mine, seen_events.c.day == day)).first():
        return
    newest = (
        select(seen_events.c.day)
        .where(mine, seen_events.c.day < day)
        .order_by(seen_events.c.day.desc())
        .limit(1)
        .scalar_subquery()
    )
    last = connection.execute(select(newest)).scalar()
    connection.execute(delete(seen_events).where(mine, seen_events.c.day != (last or "")))
    events = msgspec.json.encode(seen).decode()
    connection.execute(insert(seen_events).values(account_id=account.id, day=day, events=events))


def _compared(account: str, before: _Day, current: _Day, now: int) -> Iterable[Change]:
    """Changes, one for each event or series and kind."""
    then = {_name(one): one for one in before.events if one.calendar in current.calendars and one.ends > now}
    today = {_name(one): one for one in current.events}
    appeared = [
        one
        for name, one in today.items()
        if name not in then
        and one.calendar in before.calendars
        and now < one.ends
        and one.begins < before.until
    ]
    # What has begun before the days that are looked at now is over, not cancelled.
    gone = [one for name, one in then.items() if name not in today]
    moved = [(then[name], one) for name, one in today.items() if name in then and _differs(then[name], one)]
    # A whole series that is moved has other occurrences afterwards: they belong together by their order.
    for uid in dict.fromkeys(one.uid for one in gone):
        pairs = list(
            zip(
                [one for one in gone if one.uid == uid],
                [one for one in appeared if one.uid == uid],
                strict=False,
            )
        )
        moved += pairs
        gone = [one for one in gone if one not in [old for old, _ in pairs]]
        appeared = [one for one in appeared if one not in [new for _, new in pairs]]
    yield from _each("new", account, [(None, one) for one in appeared])
    yield from _each("moved", account, moved)
    yield from _each("cancelled", account, [(None, one) for one in gone])


def _each(kind: ChangeKind, account: str, found: Sequence[tuple[Seen | None, Seen]]) -> Iterable[Change]:
    series: dict[str, list[tuple[Seen | None, Seen]]] = {}
    for before, one in sorted(found, key=lambda pair: pair[1].begins):
        series.setdefault(one.uid, []).append((before, one))
    for some in series.values():
        before, one = some[0]
        yield Change(kind=kind, account=account, event=one, before=before, others=len(some) - 1)


def _name(one: Seen) -> tuple[int, str, str]:
    return one.calendar, one.uid, one.recurrence


def _differs(before: Seen, after: Seen) -> bool:
    return (before.begins, before.ends, before.location) != (after.begins, after.ends, after.location)


def at(seconds_since_1970: int, zone: tzinfo) -> datetime:
    """A stored time in a zone."""
    return datetime.fromtimestamp(seconds_since_1970, UTC).astimezone(zone)
