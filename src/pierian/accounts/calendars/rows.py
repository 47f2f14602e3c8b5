"""Keeping calendar objects: the rows of an object and its occurrences stand or fall together with the sync's state.

Objects are told apart by their place at the server, so that keeping one twice changes nothing. Large batches are kept
in several short transactions; only the last one moves the state on, so that whatever ends a sync in between, the next
one does the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs
from sqlalchemy import Connection, delete, insert, select, update

from pierian.accounts.account import Collection
from pierian.accounts.calendars.parsing import MOST_BYTES, Parsed
from pierian.accounts.calendars.reading import DAY, CalendarState
from pierian.accounts.sync_state import set_state
from pierian.accounts.syncing import Synced
from pierian.storage.account_tables import calendar_objects, occurrences
from pierian.storage.database import Database
from pierian.storage.words import clean

MOST_OBJECTS, MOST_ROWS = 100, 600
"""Of one transaction: others write too."""


class CalendarObject(Struct, frozen=True, kw_only=True):
    """An object as it stands at the server, and what it comes to."""

    href: str
    etag: str
    data: str
    parsed: Parsed


class Known(Struct, frozen=True):
    """An object of the local copy."""

    id: int
    collection_id: int
    href: str
    uid: str
    etag: str
    data: str


def keep_objects(database: Database, collection: Collection, objects: Sequence[CalendarObject]) -> Synced:
    """Keep objects, new ones and others, in short transactions."""
    total = Synced()
    for some in _portions(objects):
        with database.write() as connection:
            total += write_objects(connection, collection, some)
    return total


def write_objects(
    connection: Connection, collection: Collection, objects: Sequence[CalendarObject]
) -> Synced:
    """Keep objects in this transaction."""
    rows = {one.href: _row(collection, one) for one in objects}
    here = calendar_objects.c.collection_id == collection.id
    query = select(calendar_objects.c.href, calendar_objects.c.id).where(
        here, calendar_objects.c.href.in_(rows)
    )
    ids: dict[str, int] = {row.href: row.id for row in connection.execute(query)}
    for href, number in ids.items():
        connection.execute(update(calendar_objects).where(calendar_objects.c.id == number).values(rows[href]))
    if ids:
        connection.execute(delete(occurrences).where(occurrences.c.object_id.in_(ids.values())))
    changed = len(ids)
    if added := [row for href, row in rows.items() if href not in ids]:
        returning = insert(calendar_objects).returning(calendar_objects.c.href, calendar_objects.c.id)
        ids |= {row.href: row.id for row in connection.execute(returning, added)}
    last = {one.href: one for one in objects}
    if occurring := [
        row for href, number in ids.items() for row in _occurrences(collection, number, last[href].parsed)
    ]:
        connection.execute(insert(occurrences), occurring)
    return Synced(added=len(added), changed=changed)


def remove_objects(database: Database, collection: Collection, hrefs: Iterable[str]) -> Synced:
    """Delete objects from the copy, in short transactions."""
    wanted, removed = list(hrefs), 0
    for start in range(0, len(wanted), MOST_OBJECTS):
        some = wanted[start : start + MOST_OBJECTS]
        there = (calendar_objects.c.collection_id == collection.id) & calendar_objects.c.href.in_(some)
        with database.write() as connection:
            removed += connection.execute(delete(calendar_objects).where(there)).rowcount
    return Synced(removed=removed)


def keep_state(database: Database, collection: Collection, state: CalendarState) -> None:
    """Keep how far a calendar was synced, once all that belongs to it is kept."""
    with database.write() as connection:
        set_state(connection, collection, msgspec.json.encode(state).decode())


def etags_of(database: Database, collection: Collection) -> dict[str, str]:
    """The versions of all objects that are kept, by their places."""
    query = select(calendar_objects.c.href, calendar_objects.c.etag).where(
        calendar_objects.c.collection_id == collection.id
    )
    with database.read() as connection:
        return {row.href: row.etag for row in connection.execute(query)}


def known_objects(
    database: Database, collection: Collection, *, ending_before: int | None = None
) -> Iterator[list[Known]]:
    """All objects with their data, in portions; only those that were worked out to a time before `ending_before`."""
    query = select(calendar_objects).where(calendar_objects.c.collection_id == collection.id)
    if ending_before is not None:
        query = query.where(calendar_objects.c.repeats_until < ending_before)
    after = 0
    while True:
        with database.read() as connection:
            page = (
                query.where(calendar_objects.c.id > after).order_by(calendar_objects.c.id).limit(MOST_OBJECTS)
            )
            some = [_known(row) for row in connection.execute(page)]
        if not some:
            return
        after = some[-1].id
        yield some


def known_object(connection: Connection, object_id: int) -> Known | None:
    """One object with its data."""
    row = connection.execute(select(calendar_objects).where(calendar_objects.c.id == object_id)).first()
    return None if row is None else _known(row)


def object_at(connection: Connection, collection: Collection, href: str) -> Known | None:
    """The object of a calendar at a place."""
    there = (calendar_objects.c.collection_id == collection.id) & (calendar_objects.c.href == href)
    row = connection.execute(select(calendar_objects).where(there)).first()
    return None if row is None else _known(row)


def hrefs_of_uid(connection: Connection, collection: Collection, uid: str) -> list[str]:
    """Where the objects of a calendar with this UID stand."""
    there = (calendar_objects.c.collection_id == collection.id) & (calendar_objects.c.uid == uid)
    return list(connection.execute(select(calendar_objects.c.href).where(there)).scalars())


def _portions(objects: Sequence[CalendarObject]) -> Iterator[list[CalendarObject]]:
    some: list[CalendarObject] = []
    rows = 0
    for one in objects:
        if some and (len(some) >= MOST_OBJECTS or rows + len(one.parsed.occurrences) > MOST_ROWS):
            yield some
            some, rows = [], 0
        some.append(one)
        rows += len(one.parsed.occurrences)
    if some:
        yield some


def _known(row: Any) -> Known:
    return Known(row.id, row.collection_id, row.href, row.uid, row.etag, row.data)


def _row(collection: Collection, one: CalendarObject) -> dict[str, Any]:
    return {
        "collection_id": collection.id,
        "href": one.href,
        "uid": clean(one.parsed.uid),
        "etag": clean(one.etag),
        "data": clean(one.data) if len(one.data) <= MOST_BYTES else "",
        "repeats_until": one.parsed.repeats_until,
    }


def _occurrences(collection: Collection, object_id: int, parsed: Parsed) -> Iterator[dict[str, Any]]:
    for one in parsed.occurrences:
        yield {
            **structs.asdict(one),
            "object_id": object_id,
            "collection_id": collection.id,
            "lasts_long": one.ends - one.begins > DAY,
        }
