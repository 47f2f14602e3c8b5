"""When people are free, from all calendars that the user has linked: times alone, of everybody.

No title, place or other field of any calendar is read here, so that none can reach a prompt, an event or an answer.
Whose calendar is whose is told by the setting `people`, by names of accounts and by contacts; what belongs to nobody
else is the user's. Copies that are old are brought up to date first, side by side.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from pierian.accounts.account import Account
from pierian.accounts.calendars.free_time import busy_between
from pierian.accounts.refreshing import ages, refresh
from pierian.accounts.secrets import Sealer
from pierian.accounts.store import Accounts
from pierian.exceptions import PierianError
from pierian.storage.words import fold

ME = "you"
RECHECK = timedelta(seconds=30)
"""Before something is written, a copy is not older than that."""
_RELATIONS = frozenset({"partner", "wife", "husband", "spouse"})

Spans = Mapping[str, Sequence[tuple[datetime, datetime]]]
AddressesOf = Callable[[str], Sequence[str]]
"""The mail addresses of somebody whom the user calls so; empty where nobody or several could be meant."""


def named(person: str) -> str:
    """Somebody as sentences name them."""
    return person if person == ME or person[:1].isupper() else f"your {person}"


class Whose(Struct, frozen=True, kw_only=True):
    """The accounts of each, and what is to be said of it."""

    accounts: Mapping[str, tuple[Account, ...]]
    notes: tuple[str, ...] = ()


def whose_calendars(
    accounts: Sequence[Account],
    people: Sequence[str],
    called: Mapping[str, str],
    addresses_of: AddressesOf = lambda name: (),
) -> Whose:
    """Which accounts are those of whom; `called` is the setting `people`."""
    with_calendars = [one for one in accounts if one.service("caldav", "graph", "ics") is not None]
    found: dict[str, tuple[Account, ...]] = {}
    notes: list[str] = []
    for name in people:
        if name != ME:
            theirs = tuple(_of(name, with_calendars, called, addresses_of))
            found[name] = tuple(one for one in theirs if one.switches.read)
            if not found[name]:
                why = "may not be read" if theirs else "is not linked"
                notes.append(f"The calendar of {named(name)} {why}: whether they are free is not known.")
    others = {one.id for some in found.values() for one in some}
    others |= {one.id for name in called for one in _of(name, with_calendars, called, lambda _: ())}
    others |= {one.id for one in with_calendars if fold(one.name) in _RELATIONS}
    mine = tuple(one for one in with_calendars if one.id not in others and one.switches.read)
    notes += [
        f"The calendar {one.name}, of which only free and busy is known, is taken for yours."
        for one in mine
        if one.switches.free_busy_only
    ]
    if not mine:
        notes.append("No calendar of yours is linked: whether you are free is not known.")
    if ME in people:
        found[ME] = mine
    return Whose(accounts=found, notes=tuple(notes))


async def brought_up_to_date(
    accounts: Accounts, whose: Whose, sealer: Callable[[], Sealer], seconds: float, older_than: timedelta
) -> tuple[str, ...]:
    """Sync the copies that are older than that, each in a thread of its own; sentences on those that stayed old."""
    now = datetime.now(UTC)
    every = {one.id: one for some in whose.accounts.values() for one in some}
    due = [
        one
        for one in every.values()
        if (one.retry_at is None or now >= one.retry_at)
        and (one.synced_at is None or now - one.synced_at >= older_than)
    ]
    if due and seconds:
        given_up = asyncio.Event()
        threads = ThreadPoolExecutor(len(due), thread_name_prefix="calendar sync")
        loop = asyncio.get_running_loop()
        work = [loop.run_in_executor(threads, _quietly, accounts, one, sealer, given_up) for one in due]
        await asyncio.wait(work, timeout=seconds)
        given_up.set()
        threads.shutdown(wait=False)
    later = [one for one in await asyncio.to_thread(accounts.list) if one.id in every]
    return tuple(ages(later, now.astimezone()))


def _quietly(
    accounts: Accounts, account: Account, sealer: Callable[[], Sealer], given_up: asyncio.Event
) -> None:
    try:
        refresh(accounts, account, sealer, given_up.is_set)
    except PierianError:
        return  # how old the copy is, is told


def busy_spans(accounts: Accounts, whose: Whose, begins: datetime, ends: datetime) -> Spans:
    """When each of them is busy between two moments."""
    return {
        name: [
            (datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC))
            for first, last in busy_between(accounts.database, some, begins, ends)
        ]
        for name, some in whose.accounts.items()
    }


def people_setting(text: str) -> dict[str, str]:
    """The setting `people` as names and what they stand for."""
    pairs = (part.partition("=") for part in text.split(","))
    return {fold(name): value.strip() for name, _, value in pairs if name.strip() and value.strip()}


def _of(
    name: str, accounts: Sequence[Account], called: Mapping[str, str], addresses_of: AddressesOf
) -> list[Account]:
    wanted = {fold(name), fold(called.get(fold(name), name))}
    direct = [
        one
        for one in accounts
        if {fold(one.name), fold(one.address), *fold(one.name).replace("-", " ").split()} & wanted
    ]
    if direct:
        return direct
    addresses = {fold(one) for one in addresses_of(called.get(fold(name), name))}
    return [one for one in accounts if fold(one.address) in addresses]
