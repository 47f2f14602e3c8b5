"""Keeping cards: the rows of a card stand or fall together, and the state of a book moves on with the last of them.

Cards are told apart by their place at the server, so that keeping one twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from pierian.accounts.account import Collection
from pierian.accounts.contacts.vcards import Card
from pierian.accounts.sync_state import set_state
from pierian.accounts.syncing import Synced
from pierian.exceptions import UserError
from pierian.storage.account_tables import collections, contact_addresses, contacts
from pierian.storage.database import Database
from pierian.storage.words import fold

MOST_CARDS = 100
"""Of one transaction: others write too."""


class KeptCard(Struct, frozen=True):
    """A card, and where at the server and in which version it stands."""

    href: str
    etag: str
    card: Card


def etags_of(database: Database, collection: Collection) -> dict[str, str]:
    """The versions of all cards that are kept, by their places."""
    query = select(contacts.c.href, contacts.c.etag).where(contacts.c.collection_id == collection.id)
    with database.read() as connection:
        return {row.href: row.etag for row in connection.execute(query)}


def keep(database: Database, collection: Collection, cards: Sequence[KeptCard]) -> Synced:
    """Keep cards, new ones and others; at most `MOST_CARDS`."""
    with database.write() as connection:
        return _write(connection, collection, cards)


def finish(database: Database, collection: Collection, gone: Iterable[str], state: str) -> Synced:
    """Take out what is gone, and keep how far the book was synced with the last of it."""
    left, removed = list(gone), 0
    while True:
        some, left = left[:MOST_CARDS], left[MOST_CARDS:]
        with database.write() as connection:
            _check_there(connection, collection)
            there = (contacts.c.collection_id == collection.id) & contacts.c.href.in_(some)
            removed += connection.execute(delete(contacts).where(there)).rowcount if some else 0
            if not left:
                set_state(connection, collection, state)
                return Synced(removed=removed)


def _write(connection: Connection, collection: Collection, cards: Sequence[KeptCard]) -> Synced:
    _check_there(connection, collection)
    rows = {one.href: _row(collection, one) for one in cards}
    here = (contacts.c.collection_id == collection.id) & contacts.c.href.in_(rows)
    ids: dict[str, int] = {
        row.href: row.id for row in connection.execute(select(contacts.c.href, contacts.c.id).where(here))
    }
    for href, row in ids.items():
        connection.execute(update(contacts).where(contacts.c.id == row).values(rows[href]))
    if ids:
        old = contact_addresses.c.contact_id.in_(ids.values())
        connection.execute(delete(contact_addresses).where(old))
    changed = len(ids)
    if added := [row for href, row in rows.items() if href not in ids]:
        made = connection.execute(insert(contacts).returning(contacts.c.href, contacts.c.id), added)
        ids |= {row.href: row.id for row in made}
    last = {one.href: one.card for one in cards}
    addresses = [
        {"contact_id": row, "kind": kind, "value": value}
        for href, row in ids.items()
        for kind, values in (("email", last[href].emails), ("phone", last[href].phones))
        for value in values
    ]
    if addresses:
        connection.execute(insert(contact_addresses), addresses)
    return Synced(added=len(added), changed=changed)


def _check_there(connection: Connection, collection: Collection) -> None:
    if connection.execute(select(collections.c.id).where(collections.c.id == collection.id)).first() is None:
        raise UserError(f"The address book {collection.name} was unlinked meanwhile.")


def _row(collection: Collection, one: KeptCard) -> dict[str, Any]:
    card = one.card
    return {
        "collection_id": collection.id,
        "href": one.href,
        "uid": card.uid,
        "etag": one.etag,
        "data": card.data,
        "name": card.name,
        "folded": folded(card),
    }


def folded(card: Card) -> str:
    """What a card is found by, four lines of it: name, nicknames, organisation, note."""
    parts = (card.name, ", ".join(card.nicknames), card.organisation, card.note)
    return "\n".join(fold(one) for one in parts)
