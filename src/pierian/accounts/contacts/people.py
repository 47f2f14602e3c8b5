"""Everybody whom the user's accounts know: cards of address books, mail of the local copy, events of calendars.

One person is one card, or cards of one name that share an address, with all the mail and the events of their
addresses; an address without a card is a person too. Two cards of one name that share nothing stay two people.
Whom somebody means is the business of `finding`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct, field
from sqlalchemy import Connection, func, select

from pierian.accounts.account import Account, written_by
from pierian.accounts.calendars.reading import calendars_of, seconds, within
from pierian.accounts.mail.message import Recipients
from pierian.accounts.mail.reading import boxes, own_addresses
from pierian.provenance import Labels, together
from pierian.storage.account_tables import collections, contact_addresses, contacts, messages, occurrences
from pierian.storage.database import Database
from pierian.storage.words import fold

MOST_SENT = 20_000
"""Sent messages, the newest ones, whose recipients are counted."""
MEETINGS_BEFORE, MEETINGS_AFTER = timedelta(days=365), timedelta(days=60)
LEFT_OUT = ("junk", "trash", "drafts")
"""Mailboxes that say nothing of whom the user knows."""

_RECIPIENTS = msgspec.json.Decoder(Recipients)


class Person(Struct, frozen=True, kw_only=True):
    """Somebody, with what is known of them. What is not from a card was written by whoever sent it."""

    name: str
    other_names: tuple[str, ...] = ()
    """Nicknames, and other ways in which cards or mail spell the name; folded where they are from cards."""
    organisation: str = ""
    note: str = ""
    emails: tuple[str, ...] = ()
    """The most used first."""
    phones: tuple[str, ...] = ()
    times: int = 0
    """Messages both ways, and meetings from a year ago on."""
    last: datetime | None = None
    """The last message or past meeting."""
    has_card: bool = False
    written_to: bool = False
    """Whether the user has written to them."""
    found_in: tuple[str, ...] = ()
    """Such as `contacts:home` and `mail:work`."""
    address_books: tuple[str, ...] = ()
    """Names of the accounts with a card of this person."""

    @property
    def labels(self) -> Labels:
        """Who wrote what is shown of the person: of one with a card, mail and events add only numbers and days."""
        if self.has_card:
            return together(written_by("contacts", one) for one in self.address_books)
        sources = (one.partition(":") for one in self.found_in)
        return together(
            written_by("mail" if kind == "mail" else "calendar", account, self.emails[0])
            for kind, _, account in sources
        )

    @property
    def known(self) -> bool:
        """Whether the user has had to do with them by an act of their own."""
        return self.has_card or self.written_to


class _Traces(Struct):
    """What mail and calendars say of one address."""

    names: Counter[str] = field(default_factory=Counter[str])
    times: int = 0
    last: int = 0
    written_to: bool = False
    found_in: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    """Kinds of sources with the names of accounts."""


class _Card(Struct):
    name: str
    lines: list[str]
    """Folded: name, nicknames, organisation, note."""
    uid: str
    account: str
    emails: list[str] = field(default_factory=list[str])
    phones: list[str] = field(default_factory=list[str])


def everybody(database: Database, accounts: Sequence[Account], now: datetime) -> list[Person]:
    """All people whom those of the accounts that may be read know, the user left out."""
    readable = [one for one in accounts if one.switches.read]
    mine = frozenset(address for one in readable for address in own_addresses(database, one))
    with database.read() as connection:
        cards = _cards(connection, readable)
        traces = _mail(connection, readable, mine)
        _meetings(connection, readable, now, traces)
    for address in mine:
        traces.pop(address, None)
    people = [_of_cards(some, traces) for some in _together(cards)]
    with_card = {address for one in cards for address in one.emails}
    return people + [_of_address(one, found) for one, found in traces.items() if one not in with_card]


def _cards(connection: Connection, accounts: Sequence[Account]) -> list[_Card]:
    names = {one.id: one.name for one in accounts}
    query = (
        select(contacts.c.id, contacts.c.name, contacts.c.folded, contacts.c.uid, collections.c.account_id)
        .join(collections, collections.c.id == contacts.c.collection_id)
        .where(collections.c.account_id.in_(names))
        .order_by(contacts.c.id)
    )
    found: dict[int, _Card] = {}
    for row in connection.execute(query):
        found[row.id] = _Card(row.name, row.folded.split("\n"), row.uid, names[row.account_id])
    addresses = (
        select(contact_addresses.c.contact_id, contact_addresses.c.kind, contact_addresses.c.value)
        .join(contacts, contacts.c.id == contact_addresses.c.contact_id)
        .join(collections, collections.c.id == contacts.c.collection_id)
        .where(collections.c.account_id.in_(names))
        .order_by(contact_addresses.c.id)
    )
    for row in connection.execute(addresses):
        card = found[row.contact_id]
        (card.emails if row.kind == "email" else card.phones).append(row.value)
    return [one for one in found.values() if one.name or one.emails or one.phones]


def _mail(connection: Connection, accounts: Sequence[Account], mine: frozenset[str]) -> dict[str, _Traces]:
    """Who wrote, and who was written to, by address."""
    known = boxes(connection, accounts)
    complete = {box.account.id for box in known.values() if box.mailbox.role == "all"}
    counted = {
        key: box
        for key, box in known.items()
        if box.mailbox.role not in LEFT_OUT and (box.account.id not in complete or box.mailbox.role == "all")
    }
    m, found = messages.c, defaultdict[str, _Traces](_Traces)
    senders = (
        select(m.sender, m.sender_name, m.collection_id, func.count(), func.max(m.sent_at))
        # The plus keeps SQLite from looking up each mailbox: all of it stands in the index that begins with senders.
        .where((m.collection_id + 0).in_(counted))
        .group_by(m.sender, m.sender_name, m.collection_id)
    )
    for sender, name, collection, times, last in connection.execute(senders):
        if sender and sender not in mine:
            traces = found[sender]
            traces.names[name] += times
            traces.times += times
            traces.last = max(traces.last, last)
            traces.found_in.add(("mail", counted[collection].account.name))
    sent = (
        select(m.recipients, m.sent_at, m.collection_id)
        .where(m.collection_id.in_(counted), m.sender.in_(mine))
        .order_by(m.sent_at.desc())
        .limit(MOST_SENT)
    )
    for recipients, at, collection in connection.execute(sent):
        for one in _RECIPIENTS.decode(recipients).all:
            if address := fold(one.address):
                traces = found[address]
                traces.names[one.name] += 1
                traces.times += 1
                traces.last = max(traces.last, at)
                traces.written_to = True
                traces.found_in.add(("mail", counted[collection].account.name))
    return found


def _meetings(
    connection: Connection, accounts: Sequence[Account], now: datetime, found: dict[str, _Traces]
) -> None:
    calendars = {key: one for key, one in calendars_of(connection, accounts).items() if not one.times_only}
    for part in within(calendars, seconds(now - MEETINGS_BEFORE), seconds(now + MEETINGS_AFTER)):
        query = select(
            occurrences.c.organizer,
            occurrences.c.attendees,
            occurrences.c.begins,
            occurrences.c.collection_id,
        ).where(part, occurrences.c.organizer != "")
        for organizer, attendees, begins, collection in connection.execute(query):
            for address in {organizer, *attendees.split()}:
                traces = found.setdefault(address, _Traces())
                traces.times += 1
                if begins <= now.timestamp():
                    traces.last = max(traces.last, begins)
                traces.found_in.add(("calendar", calendars[collection].account.name))


def _together(cards: Sequence[_Card]) -> list[list[_Card]]:
    """Cards of one person: the same name, and an address, a number or an id in common."""
    groups: dict[str, list[list[_Card]]] = {}
    for card in cards:
        of_name = groups.setdefault(card.lines[0], [])
        marks = _marks(card)
        same = [some for some in of_name if any(marks & _marks(one) for one in some)]
        of_name[:] = [some for some in of_name if some not in same]
        of_name.append([one for some in same for one in some] + [card])
    return [some for of_name in groups.values() for some in of_name]


def _marks(card: _Card) -> set[str]:
    return {*card.emails, *card.phones, *([card.uid] if card.uid else ())}


def _of_cards(cards: Sequence[_Card], traces: dict[str, _Traces]) -> Person:
    emails = list(dict.fromkeys(address for one in cards for address in one.emails))
    found = {address: traces[address] for address in emails if address in traces}
    nicknames = (name for one in cards for name in one.lines[1].split(", ") if name)
    books = sorted({one.account for one in cards})
    sources = sorted({source for one in found.values() for source in one.found_in})
    return Person(
        name=cards[0].name or (emails or cards[0].phones)[0],
        other_names=tuple(dict.fromkeys(nicknames)),
        organisation=cards[0].lines[2],
        note=" ".join(one.lines[3] for one in cards),
        emails=tuple(sorted(emails, key=lambda one: -found[one].times if one in found else 0)),
        phones=tuple(dict.fromkeys(number for one in cards for number in one.phones)),
        times=sum(one.times for one in found.values()),
        last=_moment(max((one.last for one in found.values()), default=0)),
        has_card=True,
        written_to=any(one.written_to for one in found.values()),
        found_in=_sources([*(("contacts", one) for one in books), *sources]),
        address_books=tuple(books),
    )


def _of_address(address: str, found: _Traces) -> Person:
    names = [name for name, _ in found.names.most_common(5) if name and fold(name) != address]
    return Person(
        name=names[0] if names else address,
        other_names=tuple(names[1:]),
        emails=(address,),
        times=found.times,
        last=_moment(found.last),
        written_to=found.written_to,
        found_in=_sources(sorted(found.found_in)),
    )


def _sources(found: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(f"{kind}:{account}" for kind, account in found)


def _moment(at: int) -> datetime | None:
    return datetime.fromtimestamp(at, UTC) if at else None
