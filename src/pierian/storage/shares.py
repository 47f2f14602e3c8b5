"""Conversations that anybody may read who has the link: one branch of each, up to where it stood when it was shared.

A link has 160 random bits and is found by its hash. It is kept as it is too, so that its owner can see it again. What
the page shows of a turn is the business of the face.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from pierian.exceptions import UserError
from pierian.storage.branches import tree_of
from pierian.storage.conversations import Conversation, Conversations, finished
from pierian.storage.database import Database
from pierian.storage.ids import new_id, random_text, utc_now
from pierian.storage.tables import conversations, shares, users
from pierian.storage.turns import read_turns

TOKEN_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Share:
    """A conversation that is shared; `head` is the position of the last turn that is shown."""

    id: str
    token: str
    conversation: str
    title: str
    head: int
    created_at: datetime


class Shares:
    """What one owner shares."""

    def __init__(
        self, database: Database, owner: str = "local", *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.database = database
        self.owner = owner
        self._clock = clock

    def create(self, conversation_id: str) -> Share:
        """Share the branch that is shown, as it stands; later turns are not shown until this is called again.

        A conversation has one link, which stays the same. Raises `UserError` where there is nothing to share.
        """
        conversation = Conversations(self.database, self.owner).get(conversation_id)
        if not conversation.turns:
            raise UserError("There is nothing to share yet.", hint="Ask something first.")
        whole, head, now = conversation.id, conversation.turns[-1].position, self._clock()
        with self.database.write() as connection:
            moved = connection.execute(
                update(shares).where(shares.c.conversation_id == whole).values(head=head)
            )
            if not moved.rowcount:
                self._insert(connection, whole, head, now)
            return share_of(connection.execute(self._own().where(shares.c.conversation_id == whole)).one())

    def _insert(self, connection: Connection, conversation: str, head: int, now: datetime) -> None:
        token = random_text(TOKEN_LENGTH)
        # It may have been deleted since it was looked at.
        there = select(conversations.c.id).where(conversations.c.id == conversation)
        if connection.execute(there).first() is None:
            raise UserError("This conversation was deleted meanwhile.")
        row = {
            "id": new_id(),
            "owner": self.owner,
            "conversation_id": conversation,
            "token": token,
            "token_hash": _hashed(token),
            "head": head,
            "created_at": now,
        }
        connection.execute(insert(shares).values(row))

    def list(self, conversation: str | None = None) -> tuple[Share, ...]:
        """What is shared, of one conversation or of all, the newest first."""
        query = self._own().order_by(shares.c.id.desc())
        if conversation is not None:
            query = query.where(shares.c.conversation_id == conversation)
        with self.database.read() as connection:
            return tuple(share_of(row) for row in connection.execute(query))

    def revoke(self, share: str) -> bool:
        """Let a link lead nowhere, for good; False where there is none of this id."""
        mine = (shares.c.id == share, shares.c.owner == self.owner)
        with self.database.write() as connection:
            return connection.execute(delete(shares).where(*mine)).rowcount == 1

    def _own(self) -> Select[Any]:
        return (
            select(shares, conversations.c.title)
            .join(conversations, conversations.c.id == shares.c.conversation_id)
            .where(shares.c.owner == self.owner)
        )

    @staticmethod
    def find(database: Database, token: str) -> Conversation | None:
        """The conversation that a link shows, or None; of its turns only what everybody may see.

        That is, without those that are pending, and without runs and other versions. What somebody who was disabled
        has shared is not shown.
        """
        c = conversations.c
        query = (
            select(c.id, c.title, c.created_at, c.updated_at, shares.c.head)
            .join(shares, shares.c.conversation_id == c.id)
            .outerjoin(users, users.c.id == shares.c.owner)
            .where(shares.c.token_hash == _hashed(token), users.c.disabled_at.is_(None))
        )
        with database.read() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            tree = tree_of(connection, row.id)
            said = finished(read_turns(connection, row.id, tree, tree.branch(row.head)))
        shown = tuple(replace(turn, run="", versions=(), receipt=_without_run(turn.receipt)) for turn in said)
        return Conversation(
            row.id, row.title, row.created_at, row.updated_at, len(shown), shown, head=row.head
        )


def share_of(row: Row[Any]) -> Share:
    """The share of a row of `Shares._own`."""
    return Share(row.id, row.token, row.conversation_id, row.title, row.head, row.created_at)


def _without_run(receipt: str | None) -> str | None:
    """A receipt that does not say which run it is of."""
    try:
        told: Any = json.loads(receipt or "null")
    except ValueError:  # damaged: there is nothing to show of it
        return None
    return json.dumps({**told, "run": ""}, ensure_ascii=False) if isinstance(told, dict) else None


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
