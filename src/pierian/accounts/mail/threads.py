"""Conversations: which message belongs to which, told as messages come, in whatever order they come.

By what they refer to (References, In-Reply-To: Zawinski's "message threading", RFC 5256), else, for an answer that
refers to nothing, by its subject and the people in it. A conversation is named by the Message-ID of its first message
as far as it is known; when an earlier one comes, it is renamed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Integer, select, update
from sqlalchemy.sql import ColumnElement

from pierian.accounts.mail.parsing import Parsed
from pierian.storage.account_tables import collections, messages
from pierian.storage.words import fold

SAME_TOPIC_SECONDS = 90 * 86_400
"""How long after a message an answer that names it by its subject alone is believed."""
ANSWER = "re:"


def place(connection: Connection, account_id: str, new: Sequence[Parsed]) -> dict[int, str]:
    """The conversations of new messages, by UID; those that are there already are renamed where they must be."""
    ordered = sorted(new, key=lambda one: one.sent_at)
    # Added to, so that no database looks for messages by their mailbox, of which there are few.
    mine = (messages.c.collection_id + 0).in_(
        select(collections.c.id).where(
            collections.c.account_id == account_id, collections.c.kind == "mailbox"
        )
    )
    threads = _Threads(_known(connection, mine, ordered))
    for one in ordered:
        threads.add(one)
    _by_topic(connection, mine, ordered, threads)
    for old, new_name in threads.renamed().items():
        connection.execute(update(messages).where(mine, messages.c.thread == old).values(thread=new_name))
    return {one.uid: threads.of(one.message_id) for one in ordered}


class _Threads:
    """Message-IDs that belong together, each group with the name of its first."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._thread = dict(known)
        self._stored = set(known.values())
        self._into: dict[str, str] = {}

    def add(self, one: Parsed) -> None:
        chain = [*one.ancestors, one.message_id]
        found = [self._root(self._thread[name]) for name in chain if name in self._thread]
        root = found[0] if found and chain[0] not in self._thread and not one.ancestors else None
        if root is None:
            root = self._root(self._thread.get(chain[0], found[0] if found else chain[0]))
        for name in chain:
            self.join(self._thread.get(name, name), root)
            self._thread.setdefault(name, root)

    def join(self, thread: str, root: str) -> None:
        """Let one conversation be a part of another."""
        before, into = self._root(thread), self._root(root)
        if before != into:
            self._into[before] = into

    def of(self, message_id: str) -> str:
        """The conversation of a message."""
        return self._root(self._thread.get(message_id, message_id))

    def renamed(self) -> dict[str, str]:
        """Conversations in the database that have another name now."""
        return {old: self._root(old) for old in self._stored if self._root(old) != old}

    def stored(self, thread: str) -> None:
        """Remember a conversation that is in the database."""
        self._stored.add(thread)

    def _root(self, thread: str) -> str:
        while thread in self._into:
            thread = self._into[thread]
        return thread


def _known(connection: Connection, mine: ColumnElement[bool], new: Sequence[Parsed]) -> dict[str, str]:
    """The conversations of what these messages are and refer to, where messages of them are in the database."""
    names = {name for one in new for name in (*one.ancestors, one.message_id)}
    m = messages.c
    found: dict[str, str] = {}
    for row in connection.execute(select(m.thread).distinct().where(mine, m.thread.in_(names))):
        found[row.thread] = row.thread
    for row in connection.execute(select(m.message_id, m.thread).where(mine, m.message_id.in_(names))):
        found[row.message_id] = row.thread
    return found


def _by_topic(
    connection: Connection, mine: ColumnElement[bool], new: Sequence[Parsed], threads: _Threads
) -> None:
    """Join answers that refer to nothing with what they answer."""
    topics = {one.topic.removeprefix(ANSWER) for one in new if one.topic} - {""}
    if not topics:
        return
    m = messages.c
    there = connection.execute(
        select(
            m.topic, m.message_id, m.thread, m.sent_at.cast(Integer).label("sent_at"), m.sender, m.recipients
        )
        .where(mine, m.topic.in_(topics | {ANSWER + one for one in topics}))
        .order_by(m.sent_at)
    ).all()
    new_ones = [
        (one.topic, one.message_id, one.sent_at, one.sender.address, _people(one)) for one in new if one.topic
    ]
    old_ones = [(row.topic, row.message_id, row.sent_at, row.sender, fold(row.recipients)) for row in there]
    for row in there:
        threads.stored(row.thread)
    thread_of = {row.message_id: row.thread for row in there}
    by_topic: dict[str, list[Any]] = {}
    for one in sorted([*old_ones, *new_ones], key=lambda one: one[2]):
        by_topic.setdefault(one[0].removeprefix(ANSWER), []).append(one)
    for every in by_topic.values():
        _join_answers(every, thread_of, threads)


def _join_answers(every: Sequence[Any], thread_of: Mapping[str, str], threads: _Threads) -> None:
    """Let each answer among messages of one topic, by time, join the last one before it of the same people."""
    for at, (topic, message_id, sent_at, sender, people) in enumerate(every):
        if not topic.startswith(ANSWER):
            continue
        for _, other_id, before, other, others in reversed(every[max(0, at - 50) : at]):
            if sent_at - before > SAME_TOPIC_SECONDS:
                break
            if (other and other in people) or (sender and sender in others):
                threads.join(
                    thread_of.get(message_id, threads.of(message_id)),
                    thread_of.get(other_id, threads.of(other_id)),
                )
                break


def _people(one: Parsed) -> str:
    return " ".join(fold(person.address) for person in one.recipients.all)
