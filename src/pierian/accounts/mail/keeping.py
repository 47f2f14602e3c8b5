"""The rows of messages: written in batches that are whole or not there, changed and removed as the server says.

A batch is written with its words and its place in conversations in one short transaction. Reading them is the
business of `reading`, fetching that of `syncing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from pierian.accounts.account import Account, Collection
from pierian.accounts.mail import threads, words
from pierian.accounts.mail.message import Mailbox
from pierian.accounts.mail.parsing import Parsed
from pierian.accounts.sync_state import set_state
from pierian.exceptions import UserError
from pierian.storage.account_tables import collections, messages
from pierian.storage.database import Database

AT_ONCE = 200
"""Rows that are changed in one transaction."""


def add(database: Database, account: Account, box: Collection, new: Sequence[Parsed]) -> int:
    """Keep messages that are not there yet; how many they were."""
    m = messages.c
    with database.append() as connection:
        _check(connection, account, box)
        uids = [one.uid for one in new]
        there = set(connection.scalars(select(m.uid).where(m.collection_id == box.id, m.uid.in_(uids))))
        fresh = list({one.uid: one for one in new if one.uid not in there}.values())
        if not fresh:
            return 0
        placed = threads.place(connection, account.id, fresh)
        rows = [_row(box, one, placed[one.uid]) for one in fresh]
        if connection.dialect.name == "sqlite":
            connection.execute(insert(messages), rows)
        else:
            made = connection.execute(insert(messages).returning(m.id, m.uid), rows)
            ids = {row.uid: row.id for row in made}
            words.index(connection, [{**row, "id": ids[row["uid"]]} for row in rows])
    return len(fresh)


def uids(database: Database, box: Collection) -> set[int]:
    """The UIDs of the messages that are here."""
    with database.read() as connection:
        return set(connection.scalars(select(messages.c.uid).where(messages.c.collection_id == box.id)))


def count(database: Database, box: Collection) -> int:
    """How many messages of a mailbox are here."""
    query = select(func.count()).select_from(messages).where(messages.c.collection_id == box.id)
    with database.read() as connection:
        return int(connection.execute(query).scalar_one())


def remove(database: Database, box: Collection, gone: Iterable[int]) -> int:
    """Delete messages that are no longer at the server; how many they were."""
    m, removed = messages.c, 0
    for some in in_batches(sorted(gone)):
        with database.append() as connection:
            words.prepare(connection)
            done = connection.execute(delete(messages).where(m.collection_id == box.id, m.uid.in_(some)))
            removed += done.rowcount
    return removed


def in_ranges(database: Database, box: Collection, ranges: Sequence[tuple[int, int]]) -> list[int]:
    """The UIDs here that are in one of these ranges."""
    m, found = messages.c, list[int]()
    with database.read() as connection:
        for first, last in ranges:
            found += connection.scalars(
                select(m.uid).where(m.collection_id == box.id, m.uid.between(first, last))
            )
    return found


def set_flags(database: Database, box: Collection, flags: Mapping[int, str]) -> int:
    """Keep the flags of messages; how many had others before."""
    m, changed = messages.c, 0
    statement = (
        update(messages)
        .where(m.collection_id == box.id, m.uid == bindparam("at"))
        .values(flags=bindparam("now"))
    )
    for some in in_batches(sorted(flags)):
        with database.append() as connection:
            known = connection.execute(
                select(m.uid, m.flags).where(m.collection_id == box.id, m.uid.in_(some))
            ).all()
            other = [{"at": row.uid, "now": flags[row.uid]} for row in known if row.flags != flags[row.uid]]
            if other:
                connection.execute(statement, other)
            changed += len(other)
    return changed


def keep_state(database: Database, account: Account, box: Collection, mailbox: Mailbox) -> None:
    """Keep how far a mailbox was synced."""
    with database.append() as connection:
        _check(connection, account, box)
        set_state(connection, box, msgspec.json.encode(mailbox).decode())


def forget_mail(database: Database, account: Account) -> None:
    """Delete the copy of all mail of an account, in short steps, and its words."""
    with database.read() as connection:
        query = select(collections.c.id).where(
            collections.c.account_id == account.id, collections.c.kind == "mailbox"
        )
        found = list(connection.scalars(query))
    removed = 0
    for box in found:
        while True:
            with database.append() as connection:
                words.prepare(connection)
                some = select(messages.c.id).where(messages.c.collection_id == box).limit(AT_ONCE)
                done = connection.execute(delete(messages).where(messages.c.id.in_(some))).rowcount
            removed += done
            if not done:
                break
    if removed:
        words.forget(database)


def in_batches(items: Sequence[int], most: int = AT_ONCE) -> list[Sequence[int]]:
    """The items by so many."""
    return [items[at : at + most] for at in range(0, len(items), most)]


def _check(connection: Connection, account: Account, box: Collection) -> None:
    if connection.execute(select(collections.c.id).where(collections.c.id == box.id)).first() is None:
        raise UserError(f"The account {account.name} was unlinked meanwhile.")


def _row(box: Collection, one: Parsed, thread: str) -> dict[str, Any]:
    return {
        "collection_id": box.id,
        "uid": one.uid,
        "digest": one.digest,
        "message_id": one.message_id,
        "ancestors": " ".join(one.ancestors),
        "thread": thread,
        "topic": one.topic,
        "sent_at": one.sent_at,
        "sender": one.sender.address,
        "sender_name": one.sender.name[:200],  # stands in an index
        "recipients": msgspec.json.encode(one.recipients).decode(),
        "subject": one.subject,
        "flags": one.flags,
        "size": one.size,
        "parts": msgspec.json.encode(one.parts).decode(),
        "automatic": one.automatic,
        "problem": one.problem,
        "text": one.text,
    }
