"""Reading mail from the copy on this machine: searches, conversations, and what waits for an answer.

Nothing here speaks to a server. A message that is in several mailboxes is listed once. Which accounts may be read is
looked at here; what their switches say of acting is the business of the tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Row, func, select

from pierian.accounts.account import Account
from pierian.accounts.mail import words
from pierian.accounts.mail.message import (
    ANSWERED,
    DELETED,
    DRAFT,
    SEEN,
    Mailbox,
    Message,
    Part,
    Person,
    Recipients,
)
from pierian.storage.account_tables import collections, messages
from pierian.storage.database import Database
from pierian.storage.words import fold

SHOWN = 300
"""Characters of a text that are read where messages are only listed."""
MOST_OF_A_THREAD = 200
MOST_FOUND = 200
MOST_WAITING = 100

_RECIPIENTS = msgspec.json.Decoder(Recipients)
_PARTS = msgspec.json.Decoder(tuple[Part, ...])
_MAILBOX = msgspec.json.Decoder(Mailbox)


class Query(Struct, frozen=True, kw_only=True):
    """What to look for; all of it must hold."""

    words: str = ""
    sender: str = ""
    """An address, or words of a name or address."""
    since: datetime | None = None
    until: datetime | None = None
    """The moment before which it was sent."""
    mailbox: str = ""
    """The name of a mailbox, or its role: inbox, sent, drafts, archive."""
    unread: bool = False
    limit: int = 20


class Found(Struct, frozen=True):
    """Messages, the newest first, and whether there are more of them."""

    messages: tuple[Message, ...]
    more: bool


class Box(Struct, frozen=True):
    """A mailbox that may be read: its collection, account and what it is for."""

    id: int
    account: Account
    path: str
    name: str
    mailbox: Mailbox


def boxes(connection: Connection, accounts: Sequence[Account]) -> dict[int, Box]:
    """The mailboxes of those accounts that may be read, by their collection."""
    readable = {one.id: one for one in accounts if one.switches.read}
    query = select(collections).where(collections.c.kind == "mailbox", collections.c.account_id.in_(readable))
    return {
        row.id: Box(row.id, readable[row.account_id], row.path, row.name, _MAILBOX.decode(row.state))
        for row in connection.execute(query)
    }


def search(database: Database, accounts: Sequence[Account], query: Query) -> Found:
    """The messages of these accounts that fit, the newest first."""
    limit = max(1, min(query.limit, MOST_FOUND))
    m = messages.c
    with database.read() as connection:
        wanted = _named(boxes(connection, accounts), query.mailbox)
        if not wanted:
            return Found((), more=False)
        sender = fold(query.sender)
        by_address = "@" in sender.strip("@")
        conditions = [_among(wanted), _has_not(DELETED), *([m.sender == sender] if by_address else [])]
        if (found := words.having(connection, query.words)) is not None:
            conditions.append(found)
        if not by_address and (found := words.having(connection, query.sender, of_sender=True)) is not None:
            conditions.append(found)
        if query.since is not None:
            conditions.append(m.sent_at >= int(query.since.timestamp()))
        if query.until is not None:
            conditions.append(m.sent_at < int(query.until.timestamp()))
        if query.unread:
            conditions.append(_has_not(SEEN))
        # Copies of one message fall together afterwards, so a few more are read.
        ordered = select(m.id, m.digest).where(*conditions).order_by(m.sent_at.desc(), m.uid.desc())
        kept: dict[str, int] = {}
        more = False
        for row in connection.execute(ordered.limit(4 * limit + 1)):
            if row.digest not in kept:
                if len(kept) == limit:
                    more = True
                    break
                kept[row.digest] = row.id
        return Found(tuple(_read(connection, wanted, list(kept.values()))), more)


def get(database: Database, accounts: Sequence[Account], named: str) -> Message | None:
    """A message whole, by its id or the beginning of it, or by its Message-ID; None where there is none."""
    m = messages.c
    with database.read() as connection:
        known = boxes(connection, accounts)
        given = named.strip()
        # An id is hexadecimal.
        is_it = m.message_id == given if "@" in given else m.digest.between(given, f"{given}g")
        if len(given) < 6:
            return None
        rows = connection.execute(
            select(m.id, m.digest, m.collection_id).where(is_it, _among(known)).order_by(m.id).limit(50)
        ).all()
        if len({row.digest for row in rows}) != 1:
            return None
        # The copy that is where the user keeps it, rather than one in a view of everything.
        best = min(rows, key=lambda row: (known[row.collection_id].mailbox.role == "all", row.id))
        return _read(connection, known, [best.id], whole=True)[0]


def copies(database: Database, accounts: Sequence[Account], message: Message) -> list[Message]:
    """The message in all mailboxes of its account where it is."""
    m = messages.c
    with database.read() as connection:
        known = boxes(connection, [one for one in accounts if one.id == message.account_id])
        rows = connection.execute(select(m.id).where(m.digest == message.id, _among(known)).order_by(m.id))
        return _read(connection, known, [row.id for row in rows])


def conversation(database: Database, accounts: Sequence[Account], message: Message) -> list[Message]:
    """The conversation that a message belongs to, whole, the oldest first; of a long one the newest messages."""
    m = messages.c
    with database.read() as connection:
        known = boxes(connection, [one for one in accounts if one.id == message.account_id])
        rows = connection.execute(
            select(m.id, m.digest)
            .where(m.thread == message.thread, _among(known))
            .order_by(m.sent_at.desc(), m.uid.desc())
            .limit(4 * MOST_OF_A_THREAD)
        )
        kept = {row.digest: row.id for row in reversed(rows.all())}
        return _read(connection, known, list(kept.values())[-MOST_OF_A_THREAD:], whole=True)


def own_addresses(database: Database, account: Account) -> frozenset[str]:
    """The addresses of the user: that of the account, those it signs in with, and those it has sent from."""
    named = {account.address, *(one.username for one in account.services)}
    with database.read() as connection:
        sent = [key for key, box in boxes(connection, [account]).items() if box.mailbox.role == "sent"]
        query = select(messages.c.sender).distinct().where(messages.c.collection_id.in_(sent))
        return frozenset(
            {fold(one) for one in named if "@" in one}
            | {row.sender for row in connection.execute(query)} - {""}
        )


def waiting_for_answer(
    database: Database, account: Account, now: datetime, *, days: int = 14
) -> list[Message]:
    """What a person has written to the user in the last days and got no answer to, the newest first.

    It names the user as a recipient, comes from somebody else, is no list's, newsletter's or machine's, is the last
    of its conversation, and nobody has marked it as answered.
    """
    mine = own_addresses(database, account)
    m = messages.c
    begin = int((now - timedelta(days=days)).timestamp())
    with database.read() as connection:
        known = boxes(connection, [account])
        lately = [
            _among(known),
            m.sent_at >= begin,
            _has_not(DRAFT),
            _has_not(DELETED),
        ]
        last = select(m.thread, func.max(m.sent_at).label("at")).where(*lately).group_by(m.thread).subquery()
        rows = connection.execute(
            select(m.id, m.digest, m.sender, m.recipients, m.collection_id)
            .join(last, (m.thread == last.c.thread) & (m.sent_at == last.c.at))
            .where(
                *lately,
                m.sent_at <= int(now.timestamp()),
                m.automatic.is_(False),
                _has_not(ANSWERED),
            )
            .order_by(m.sent_at.desc(), m.uid.desc())
        )
        kept: dict[str, int] = {}
        for row in rows:
            named = {fold(one.address) for one in _RECIPIENTS.decode(row.recipients).all}
            role = known[row.collection_id].mailbox.role
            if row.sender and row.sender not in mine and named & mine and role not in ("sent", "drafts"):
                kept.setdefault(row.digest, row.id)
        return _read(connection, known, list(kept.values()))


def _among(known: Iterable[int]) -> ColumnElement[bool]:
    """That a message is in one of these mailboxes, said so that no database looks for it by that: mailboxes are few
    and large, and what else is asked of it, or the order by time, leads to it sooner."""
    return (messages.c.collection_id + 0).in_(list(known))


def _has_not(flag: str) -> ColumnElement[bool]:
    return messages.c.flags.not_like(f"% {flag} %", escape="~")


def _named(known: dict[int, Box], name: str) -> dict[int, Box]:
    """The mailboxes of that name or role; all of them without one."""
    if not (wanted := fold(name)):
        return known
    return {
        key: box
        for key, box in known.items()
        if wanted in (fold(box.name), fold(box.path), box.mailbox.role, fold(box.name.rpartition("/")[2]))
    }


def _read(
    connection: Connection, known: dict[int, Box], rows: Sequence[int], *, whole: bool = False
) -> list[Message]:
    """The messages of these rows, in this order."""
    m = messages.c
    text = m.text if whole else func.substr(m.text, 1, SHOWN).label("text")
    listed = [one for one in m if one.name != "text"]
    found = connection.execute(select(*listed, text).where(m.id.in_(rows)))
    by_row = {row.id: message_of(row, known[row.collection_id]) for row in found}
    return [by_row[row] for row in rows]


def message_of(row: Row[Any], box: Box) -> Message:
    """The message of a row."""
    return Message(
        id=row.digest,
        row=row.id,
        account=box.account.name,
        account_id=box.account.id,
        mailbox=box.name,
        collection=row.collection_id,
        uid=row.uid,
        message_id=row.message_id,
        ancestors=tuple(cast(str, row.ancestors).split()),
        thread=row.thread,
        sent=row.sent_at,
        sender=Person(row.sender_name, row.sender),
        recipients=_RECIPIENTS.decode(row.recipients),
        subject=row.subject,
        flags=tuple(cast(str, row.flags).split()),
        size=row.size,
        parts=_PARTS.decode(row.parts),
        automatic=row.automatic,
        problem=row.problem,
        text=row.text,
    )
