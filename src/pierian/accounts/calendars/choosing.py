"""Which calendar or event is meant, and what an account may be used for: checked here, whoever asks."""

from __future__ import annotations

from datetime import tzinfo

from msgspec import Struct

from pierian.accounts.account import Account, Collection
from pierian.accounts.calendars.caldav_writing import href_of
from pierian.accounts.calendars.event import Event, EventId, read_id
from pierian.accounts.calendars.outcomes import Gone, NotAllowed
from pierian.accounts.calendars.reading import Calendar, calendars_of, event_at
from pierian.accounts.calendars.rows import known_object
from pierian.accounts.store import Accounts
from pierian.storage.words import fold


class Place(Struct, frozen=True, kw_only=True):
    """Where an event stands at its server."""

    calendar: Calendar
    collection: Collection
    href: str
    uid: str
    data: str = ""
    """The object as it was synced last."""


def calendar_called(accounts: Accounts, name: str) -> Calendar:
    """A calendar that can be written, by its name or that of its account; empty for the first one.

    Raises `Gone` or `NotAllowed`.
    """
    with accounts.database.read() as connection:
        every = list(calendars_of(connection, accounts.list()).values())
    wanted = fold(name)
    named = [
        one
        for one in every
        if not wanted or wanted in map(fold, (one.name, one.account.name, f"{one.account.name}/{one.name}"))
    ]
    if not named:
        known = ", ".join(dict.fromkeys(one.name for one in every))
        hint = f"There are: {known}." if known else "Link an account: pierian accounts link"
        raise Gone(f"There is no calendar called {name!r}." if wanted else "There is no calendar.", hint=hint)
    able = [one for one in named if one.writable and one.account.switches.write and not one.times_only]
    if not able:
        raise not_writable(named[0])
    return able[0]


def event_called(accounts: Accounts, text: str, zone: tzinfo) -> tuple[Event, EventId]:
    """The event with this id, and the id of exactly what is shown of it; raises `Gone`."""
    wanted = read_id(text)
    with accounts.database.read() as connection:
        found = event_at(connection, accounts.list(), wanted, zone) if wanted else None
    exact = read_id(found.id) if found is not None else None
    if found is None or exact is None:
        raise Gone(f"There is no event {text[:60]!r}, or no longer.", hint="Look it up again.")
    return found, exact


def place_of(accounts: Accounts, event: Event, named: EventId) -> Place:
    """Where an event stands; raises where it cannot be written."""
    with accounts.database.read() as connection:
        row = known_object(connection, named.object_id)
        calendars = calendars_of(connection, accounts.list())
    calendar = calendars.get(row.collection_id) if row else None
    if row is None or calendar is None:
        raise Gone("The event is no longer there.")
    if not event.writable:
        raise not_writable(calendar)
    return Place(
        calendar=calendar, collection=_collection(calendar), href=row.href, uid=row.uid, data=row.data
    )


def new_place(calendar: Calendar, uid: str) -> Place:
    """Where a new event goes."""
    collection = _collection(calendar)
    return Place(calendar=calendar, collection=collection, href=href_of(collection, uid), uid=uid)


def check_sending(account: Account) -> None:
    """Raises `NotAllowed` where an account may not be used to reach other people."""
    if not account.switches.send:
        raise NotAllowed(
            f"The account {account.name} may not be used to write to other people, and this event has some.",
            hint=f"Allow it: pierian accounts switch {account.name} send on",
        )


def not_writable(calendar: Calendar) -> NotAllowed:
    """Why a calendar cannot be written."""
    if calendar.writable and not calendar.times_only:
        name = calendar.account.name
        return NotAllowed(
            f"The account {name} may only be read.", hint=f"Allow it: pierian accounts switch {name} write on"
        )
    return NotAllowed(f"The calendar {calendar.name} can only be read.", hint="Choose another calendar.")


def _collection(calendar: Calendar) -> Collection:
    return Collection(
        id=calendar.id,
        account_id=calendar.account.id,
        kind="calendar",
        path=calendar.path,
        name=calendar.name,
        writable=calendar.writable,
    )
