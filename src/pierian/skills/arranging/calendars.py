"""When the people of a request are busy, by the connected calendars: times, and nothing else of what stands there.

A calendar belongs to somebody whose name or mail address its account bears; all others are the user's own. What may
not be read is not asked, and said. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from pierian.accounts import Accounts
from pierian.accounts.account import Account, written_by
from pierian.accounts.calendars.free_time import busy_between
from pierian.accounts.contacts.people import everybody
from pierian.planning.constraints import Busy, Timeline, Window
from pierian.provenance import Labels, together
from pierian.storage.words import fold

YOU = "you"


class Taken(Struct, frozen=True):
    """Of somebody: when they are busy, and by which accounts that is known."""

    person: str
    times: Busy | None
    number: int


class Calendars:
    """The connected calendars of a user."""

    def __init__(self, accounts: Accounts, now: datetime) -> None:
        self._accounts = accounts
        self._now = now
        self._linked = [one for one in accounts.list() if one.service("caldav", "graph", "ics") is not None]

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

    def taken(self, people: Sequence[str], line: Timeline, horizon: Window) -> tuple[list[Taken], list[str]]:
        """When the people are busy, and of whom nothing is known."""
        addresses = self.addresses([one for one in people if one != YOU])
        theirs = {name: self._of(name, addresses.get(name, "")) for name in people if name != YOU}
        others = {one.id for accounts in theirs.values() for one in accounts}
        found: list[Taken] = []
        unknown: list[str] = []
        for name in people:
            own = [one for one in self._linked if one.id not in others and not one.switches.free_busy_only]
            mine = own if name == YOU else theirs[name]
            if not any(one.switches.read for one in mine):
                unknown.append(name)
                continue
            spans = busy_between(
                self._accounts.database, mine, line.local(horizon.begins), line.local(horizon.ends)
            )
            windows = tuple(
                Window(line.tick(_moment(line, first)), line.tick(_moment(line, last + 59)))
                for first, last in spans
            )
            found.append(Taken(name, Busy(person=name, windows=windows) if windows else None, len(windows)))
        return found, unknown

    def _of(self, name: str, address: str) -> list[Account]:
        """The accounts that bear a name or an address."""
        words = fold(name)
        return [
            one
            for one in self._linked
            if words in (fold(one.name), *fold(one.name).replace("-", " ").split())
            or (address and fold(one.address) == fold(address))
        ]


def _moment(line: Timeline, at: int) -> datetime:
    assert line.origin is not None
    return datetime.fromtimestamp(at, line.origin.tzinfo)
