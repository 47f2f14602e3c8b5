"""Syncing calendars of a Microsoft account: by Graph's delta, which tells what changed in a span of time.

The span is from a year back to two years ahead; when half a year of it is used up, or Graph has forgotten how far we
were, everything is asked for anew and compared.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy import select

from pierian.accounts.account import Account, Collection
from pierian.accounts.calendars.graph import (
    Changes,
    GraphEvent,
    calendar_url,
    calendars,
    changes,
    first_link,
    occurrence_of,
)
from pierian.accounts.calendars.parsing import Parsed
from pierian.accounts.calendars.reading import CalendarState, state_of
from pierian.accounts.calendars.rows import CalendarObject, etags_of, keep_objects, keep_state, remove_objects
from pierian.accounts.calendars.working_out import AHEAD, WorkingOut, problem_of
from pierian.accounts.dav import Dav
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Progress, Synced
from pierian.accounts.troubles import AccountError
from pierian.storage.account_tables import calendar_objects

BATCH = 200
_EVENT = msgspec.json.Decoder(GraphEvent)


def sync_graph(
    accounts: Accounts, account: Account, server: Dav, working: WorkingOut, progress: Progress
) -> Synced:
    """Sync all calendars of a Microsoft account; raises `AccountError` where Graph cannot be used at all."""
    found = {calendar_url(server, one.id): one for one in calendars(server)}
    total = Synced()
    for gone in accounts.collections(account, "calendar"):
        if gone.path not in found:
            accounts.drop_collection(gone)
    for url, one in found.items():
        collection = accounts.keep_collection(
            account, "calendar", url, one.name or "Calendar", writable=one.can_edit
        )
        try:
            total += _sync(server, one.id, collection, working, progress)
        except AccountError as error:
            if error.code not in ("denied", "not_found", "failed"):
                raise
            total += Synced(problems=(f"The calendar {collection.name} could not be synced: {error}",))
    return total


def _sync(
    server: Dav, id_at_server: str, collection: Collection, working: WorkingOut, progress: Progress
) -> Synced:
    before = state_of(collection.state)
    about = working.about
    usable = before.whole and before.until > about.now + AHEAD and before.zone == about.zone
    told = changes(server, before.token) if usable and before.token else None
    anew = told is None
    if told is None:
        told = changes(server, first_link(server, id_at_server, about))
    if told is None:
        raise AccountError("Microsoft Graph does not tell what is in it.", code="failed")
    total = _keep(told, collection, working, progress)
    here = {one.id for one in told.events}
    known = etags_of(working.database, collection) if anew else {}
    total += remove_objects(working.database, collection, {*told.removed, *(known.keys() - here)})
    until = about.ends if anew else before.until
    state = CalendarState(token=told.link, zone=about.zone, schedules=True, whole=True, until=until)
    keep_state(working.database, collection, state)
    return total


def keep_event(event: GraphEvent, collection: Collection, working: WorkingOut) -> None:
    """Keep one event as it was just read."""
    series = _masters_kept({event.series}, collection, working).get(event.series_master_id or "")
    keep_objects(working.database, collection, [_object(event, series, working)])


def _keep(told: Changes, collection: Collection, working: WorkingOut, progress: Progress) -> Synced:
    known = etags_of(working.database, collection)
    masters = {one.id: one for one in told.events if one.type == "seriesMaster"}
    changed = {one.id: one for one in [*_occurrences_kept(masters, collection, working), *told.events]}
    wanted = [
        one
        for one in changed.values()
        if one.series in masters or not one.etag or known.get(one.id) != one.etag
    ]
    total, problems = Synced(), list[str]()
    for start in range(0, len(wanted), BATCH):
        some = wanted[start : start + BATCH]
        series = {**_masters_kept({one.series for one in some}, collection, working), **masters}
        objects = [_object(one, series.get(one.series_master_id or ""), working) for one in some]
        total += keep_objects(working.database, collection, objects)
        problems += [
            problem_of(collection, one.href, one.parsed.problem) for one in objects if one.parsed.problem
        ]
        progress(collection.name, min(start + BATCH, len(wanted)), len(wanted))
    return total + Synced(problems=tuple(problems))


def _object(event: GraphEvent, series: GraphEvent | None, working: WorkingOut) -> CalendarObject:
    try:
        found = occurrence_of(event, series, working.about)
        parsed = Parsed(uid=event.series, occurrences=(found,) if found else ())
    except (ValueError, OverflowError):
        parsed = Parsed(uid=event.series, problem="its time cannot be read")
    return CalendarObject(
        href=event.id, etag=event.etag, data=msgspec.json.encode(event).decode(), parsed=parsed
    )


def _masters_kept(ids: set[str], collection: Collection, working: WorkingOut) -> dict[str, GraphEvent]:
    """Series that were told of in an earlier sync."""
    here = calendar_objects.c.collection_id == collection.id
    query = select(calendar_objects.c.href, calendar_objects.c.data).where(
        here, calendar_objects.c.href.in_(ids)
    )
    with working.database.read() as connection:
        return {row.href: _EVENT.decode(row.data) for row in connection.execute(query)}


def _occurrences_kept(
    masters: dict[str, GraphEvent], collection: Collection, working: WorkingOut
) -> Iterator[GraphEvent]:
    """Occurrences of series that have changed: most of what they say is that of their series."""
    ids = list(masters)
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        here = calendar_objects.c.collection_id == collection.id
        query = select(calendar_objects.c.data).where(here, calendar_objects.c.uid.in_(some))
        with working.database.read() as connection:
            rows = connection.execute(query).all()
        yield from (_EVENT.decode(row.data) for row in rows)
