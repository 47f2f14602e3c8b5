"""The tools of the accounts that an owner has linked, and the people whom a request may name.

They are put together for each request: an account may be linked or unlinked at any time. What they do is the business
of `accounts`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import structs

from pierian.agents.account_words import groups_about
from pierian.agents.entities import Known
from pierian.config import Settings, paths
from pierian.exceptions import SettingsError, UnknownName
from pierian.storage.database import Database
from pierian.storage.usage import local_now
from pierian.storage.words import fold
from pierian.tools import Context, Tool
from pierian.tools.tool import Call

if TYPE_CHECKING:
    from pierian.accounts.mail.attaching import Open, Opened

GROUPS = ("calendar", "mail", "contacts")
LOCAL = "local"
ATTACHMENTS = "attachments"
"""The folder, beside the database, in which fetched attachments of each account lie."""
_NEEDS = {
    "calendar": "pierian accounts link caldav (or google, microsoft, ics)",
    "mail": "pierian accounts link imap (or google, microsoft)",
    "contacts": "pierian accounts link carddav (or google, microsoft)",
}


def of_accounts(name: str) -> bool:
    """Whether a tool or group belongs to accounts."""
    return name.partition("_")[0] in GROUPS


def tools_of(
    names: Sequence[str], database: Database, owner: str, settings: Settings | None = None
) -> dict[str, Tool]:
    """The named tools and groups among those of accounts.

    With `settings` copies that are old are brought up to date meanwhile, and the tools wait some seconds for them.
    Raises `UnknownName`, and `SettingsError` where the user of this machine has linked none that a named group needs;
    whoever else asks a server gets no tools then: its settings are not theirs.
    """
    found: dict[str, Tool] = {}
    settings = settings or Settings(sync_minutes=0)
    for group in GROUPS:
        wanted = {name for name in names if name.partition("_")[0] == group}
        if not wanted:
            continue
        made = {tool.name: tool for tool in group_of(group, database, owner, settings.folders)}
        if not made and owner == LOCAL:
            raise SettingsError(f"No account with {group} is linked.", hint=_NEEDS[group])
        for name in wanted - {group} if made else ():
            if name not in made:
                raise UnknownName("tool", name, [*GROUPS, *made])
        found |= made if group in wanted else {name: made[name] for name in wanted & made.keys()}
    return _refreshed(found, database, owner, settings.sync_minutes)


def _refreshed(found: dict[str, Tool], database: Database, owner: str, minutes: int) -> dict[str, Tool]:
    if not (found and minutes):
        return found
    from pierian import accounts
    from pierian.accounts.refreshing import Refreshing

    refreshing = Refreshing(accounts.Accounts(database, owner), minutes, accounts.sealer, local_now())

    def waiting(call: Call) -> Call:
        async def called(context: Context, values: Mapping[str, Any]) -> Any:
            if refreshing.going_on:
                await asyncio.to_thread(refreshing.wait)
            return await call(context, values)

        return called

    if not refreshing.going_on:
        return found
    return {
        name: structs.replace(tool, call=waiting(tool.call), shows=tool.shows and waiting(tool.shows))
        for name, tool in found.items()
    }


def ages_of(called: Iterable[str], database: Database, owner: str) -> str:
    """What is to be said of how old the copies are that these tools have read; empty where they are fresh."""
    if not any(of_accounts(name) for name in called):
        return ""
    from pierian.accounts import Accounts
    from pierian.accounts.refreshing import ages

    return " ".join(ages(Accounts(database, owner).list(), local_now()))


async def groups_for(request: str, opened: Callable[[], Awaitable[Database]], owner: str) -> tuple[str, ...]:
    """The groups that a request is about, of those for which the owner has linked an account."""
    return (
        await asyncio.to_thread(linked_groups, request, await opened(), owner)
        if groups_about(request)
        else ()
    )


def linked_groups(request: str, database: Database, owner: str) -> tuple[str, ...]:
    """The groups that a request is about, of those for which the owner has linked an account."""
    return tuple(group for group in groups_about(request) if group_of(group, database, owner))


def group_of(group: str, database: Database, owner: str = LOCAL, folders: str = "") -> list[Tool]:
    """The tools of a group; none where no account has what it needs. Files under `folders` may go with mails."""
    from pierian import accounts
    from pierian.accounts.mail.attaching import nothing_opened

    mine = accounts.Accounts(database, owner)
    if not mine.list():
        return []  # also where the packages that accounts need are not installed
    match group:
        case "calendar":
            return accounts.calendar_tools(mine, accounts.sealer, now=local_now)
        case "mail" if not any(one.switches.read and one.service("imap") for one in mine.list()):
            return []
        case "mail":
            fetched = paths().data / ATTACHMENTS
            return accounts.mail_tools(
                mine,
                accounts.sealer,
                now=local_now,
                folder=fetched,
                opened=_opening(folders, fetched) if owner == LOCAL else nothing_opened,
            )
        case _:
            return accounts.contact_tools(mine, now=local_now)


def _opening(folders: str, fetched: Path) -> Open:
    """Opens files under the folders that the user of this machine named, and those that came with mails."""
    from pierian.toolbox import confined

    named = confined.Folders([Path(one.strip()) for one in folders.split(",") if one.strip()])
    came = confined.Folders([fetched])

    def opened(path: str, most_bytes: int) -> Opened:
        place = (came if Path(path).is_relative_to(fetched) else named).place(path)
        return Path(place.path).name, confined.read(place, most_bytes)

    return opened


async def people_for(request: str, tools: Collection[str], database: Database, owner: str) -> Sequence[Known]:
    """As `people_named`, where tools of accounts are offered."""
    if not any(of_accounts(name) for name in tools):
        return ()
    return await asyncio.to_thread(people_named, request, database, owner)


def people_named(request: str, database: Database, owner: str) -> list[Known]:
    """The people of the owner's accounts whom a request names, with their mail addresses.

    Only people with whom the user has had to do by an act of their own: a stranger who writes under the name of a
    friend is nobody here. A name that several of them have stands for nobody either.
    """
    from pierian.accounts import Accounts
    from pierian.accounts.contacts.people import everybody

    mine = Accounts(database, owner)
    linked = mine.list()
    words = set(re.findall(r"[^\W_]+", fold(request)))
    if not linked or not words:
        return []
    named: dict[str, set[str]] = {}
    for person in everybody(database, linked, local_now()):
        if not (person.known and person.emails):
            continue
        for name in (person.name, *person.other_names):
            parts = fold(name).split()
            for called in {" ".join(parts), parts[0] if parts else ""}:
                if called and words.issuperset(re.findall(r"[^\W_]+", called)):
                    named.setdefault(called, set()).add(person.emails[0])
    return [
        Known("person", (called,), next(iter(addresses)))
        for called, addresses in named.items()
        if len(addresses) == 1
    ]
