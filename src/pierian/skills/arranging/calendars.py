"""When the people of a request are busy, by the connected calendars: times, and nothing else of what stands there.

Whose calendar is whose is told by `skills.calendars`. What may not be read is not asked, and said. Copies that are
old are brought up to date first. Nothing is written here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from pierian.accounts import Accounts
from pierian.accounts import sealer as open_sealer
from pierian.accounts.account import Account, written_by
from pierian.accounts.calendars.free_time import busy_between
from pierian.accounts.contacts.people import everybody
from pierian.planning.constraints import Busy, Timeline, Window
from pierian.provenance import Labels, together
from pierian.skills.calendars import ME, Whose, brought_up_to_date, whose_calendars
from pierian.storage.words import fold

SYNC_SECONDS = 8.0
"""How long calendars are waited for; older copies are said to be older."""


class Taken(Struct, frozen=True):
    """Of somebody: when they are busy, and by which accounts that is known."""

    person: str
    times: Busy | None
    number: int


class Calendars:
    """The connected calendars of a user."""

    def __init__(
        self,
        accounts: Accounts,
        now: datetime,
        called: Mapping[str, str],
        *,
        syncs: bool = False,
    ) -> None:
        self._accounts, self._now, self._called = accounts, now, called
        self._seconds = SYNC_SECONDS if syncs else 0.0

    @property
    def _linked(self) -> list[Account]:
        return [one for one in self._accounts.list() if one.service("caldav", "graph", "ics") is not None]

    @property
    def any(self) -> bool:
        """Whether there is one that may be read."""
        return any(one.switches.read for one in self._linked)

    def labels(self) -> Labels:
        """The labels of whatever rests on them."""
        return together(written_by("calendar", one.name) for one in self._linked if one.switches.read)

    def addresses(self, people: Sequence[str]) -> dict[str, str]:
        """The mail addresses of those of the people whom the user has had to do with, where there is one only."""
        known = everybody(self._accounts.database, self._accounts.list(), self._now)
        found: dict[str, str] = {}
        for name in people:
            wanted = fold(name)
            fitting = {
                one.emails[0]
                for one in known
                if one.known
                and one.emails
                and any(
                    wanted in (fold(other), fold(other).split(" ")[0])
                    for other in (one.name, *one.other_names)
                )
            }
            if len(fitting) == 1:
                found[name] = fitting.pop()
        return found

    async def refreshed(self, people: Sequence[str], older_than: timedelta) -> Sequence[str]:
        """Bring older copies of the people's calendars up to date; sentences on those that stayed old."""
        whose = await asyncio.to_thread(self._whose, people)
        return await brought_up_to_date(self._accounts, whose, open_sealer, self._seconds, older_than)

    def busy(self, people: Sequence[str], begins: datetime, ends: datetime) -> list[str]:
        """Those of the people who are not free all the time between two moments."""
        theirs = self._whose(people).accounts
        return [name for name in people if busy_between(self._accounts.database, theirs[name], begins, ends)]

    def taken(
        self, people: Sequence[str], line: Timeline, horizon: Window
    ) -> tuple[list[Taken], Sequence[str]]:
        """When the people are busy, and what is to be said of whose calendars are whose."""
        whose = self._whose(people)
        found: list[Taken] = []
        for name, mine in whose.accounts.items():
            if not mine:
                continue
            spans = busy_between(
                self._accounts.database, mine, line.local(horizon.begins), line.local(horizon.ends)
            )
            windows = tuple(
                Window(line.tick(_moment(line, first)), line.tick(_moment(line, last + 59)))
                for first, last in spans
            )
            found.append(Taken(name, Busy(person=name, windows=windows) if windows else None, len(windows)))
        return found, whose.notes

    def _whose(self, people: Sequence[str]) -> Whose:
        """The accounts of each of the people."""
        addresses = self.addresses([one for one in people if one != ME])
        return whose_calendars(
            self._linked, people, self._called, lambda name: [addresses[name]] if name in addresses else []
        )


def _moment(line: Timeline, at: int) -> datetime:
    assert line.origin is not None
    return datetime.fromtimestamp(at, line.origin.tzinfo)
