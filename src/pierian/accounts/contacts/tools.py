"""Finding people, as a tool: who somebody is, across address books, mail and calendars."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from pierian.accounts.contacts.finding import meant, who_is
from pierian.accounts.contacts.people import Person
from pierian.accounts.store import Accounts
from pierian.provenance import NOBODY, Labelled, together
from pierian.storage.ids import utc_now
from pierian.tools import Tool, ToolFailure, tool
from pierian.tools.shapes import returning

MOST_PEOPLE = 10


class Match(Struct, frozen=True):
    """A person; `times` is how often there was mail or a meeting, `last` the day of the last one."""

    name: str
    emails: list[str]
    phones: list[str]
    organisation: str
    times: int
    last: str
    found_in: list[str]


class Found(Struct, frozen=True):
    """Who fits. `email`, `phone` and `name` are those of the one who is meant: empty where it could be several."""

    name: str
    email: str
    phone: str
    people: list[Match]
    left_out: int


_PERSON = (
    r"who|whose|(?:tele)?phones?|numbers?|mobile|address(?:es)?|contacts?|reach|call"
    r"|e-?mail (?:of|for)|\S+'s e-?mail"
)
"""Words that ask about a person; where others are named in a request they are known already."""


def contact_tools(accounts: Accounts, *, now: Callable[[], datetime] = utc_now) -> list[Tool]:
    """Tools that find people; none where no account may be read."""
    if not any(one.switches.read for one in accounts.list()):
        return []

    @returning(Found)
    @tool(effect="read", only=_PERSON)
    async def contacts_find(name: str) -> Labelled:
        """Find a person's mail address or telephone number in address books, mail and calendars.

        Args:
            name: Name, nickname, firm, mail address or telephone number.
        """
        return await asyncio.to_thread(_find, accounts, name, now())

    return [contacts_find]


def _find(accounts: Accounts, name: str, now: datetime) -> Labelled:
    if not name.strip():
        raise ToolFailure("invalid", "There is no name to look for.")
    fits = who_is(accounts.database, accounts.list(), name, now)
    if not fits:
        raise ToolFailure(
            "not_found",
            "Nobody of that name is in the address books, the mail or the calendars.",
            hint="`pierian accounts sync` fetches what is new.",
        )
    shown, one = [fit.person for fit in fits[:MOST_PEOPLE]], meant(fits)
    found = Found(
        name=one.name if one else "",
        email=one.emails[0] if one and one.emails else "",
        phone=one.phones[0] if one and one.phones else "",
        people=[_match(person) for person in shown],
        left_out=len(fits) - len(shown),
    )
    return Labelled(found, together([NOBODY, *(person.labels for person in shown)]))


def _match(person: Person) -> Match:
    return Match(
        name=person.name,
        emails=list(person.emails),
        phones=list(person.phones),
        organisation=person.organisation,
        times=person.times,
        last=person.last.date().isoformat() if person.last else "",
        found_in=list(person.found_in),
    )
