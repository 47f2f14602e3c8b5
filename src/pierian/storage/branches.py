"""The branches of a conversation: its turns as a tree, in which one way from the first turn to a last one is shown.

A question that is put anew and an answer that is made anew are further turns behind the same one: its versions.
Positions number all turns of a conversation in the order in which they were stored, so a turn always stands behind
one with a smaller position. What is read here is numbers only; the texts are the business of `turns`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select

from pierian.exceptions import UserError
from pierian.storage.database import Database
from pierian.storage.tables import conversations, runs, turns

SUBMITTED_WITHIN = timedelta(seconds=10)
OPEN_STATES = ("running", "waiting")
"""Of a run that is to go on (`runs.journal.ACTIVE`, on a higher floor)."""


class Place(NamedTuple):
    """Where a turn stands, and whose it is."""

    owner: str
    conversation: str
    position: int


class Tree:
    """Which turn stands behind which; `parents` has the positions of all turns, None for those that are first."""

    def __init__(self, parents: Mapping[int, int | None]) -> None:
        self._parents = parents
        children = defaultdict[int | None, list[int]](list)
        for position in sorted(parents):
            children[parents[position]].append(position)
        self._children = children

    def __contains__(self, position: int) -> bool:
        return position in self._parents

    def parent(self, position: int) -> int | None:
        """The turn before this one."""
        return self._parents[position]

    def branch(self, head: int | None) -> list[int]:
        """The way from a first turn to `head`."""
        way = list[int]()
        while head is not None and head in self._parents:
            way.append(head)
            before = self._parents[head]
            # A restored backup may say anything: a way never turns back.
            head = before if before is not None and before < head else None
        return way[::-1]

    def before(self, head: int | None, position: int | None) -> list[int]:
        """The way to `head` as far as it comes before a position."""
        way = self.branch(head)
        return way if position is None else way[: bisect_left(way, position)]

    def versions(self, position: int) -> tuple[int, ...]:
        """All turns that stand behind the same one as this turn, itself among them."""
        return tuple(self._children[self._parents[position]])

    def newest_below(self, position: int) -> int:
        """The last turn of the newest branch through this one."""
        below, left = position, [position]
        while left:
            before = left.pop()
            later = [child for child in self._children.get(before, ()) if child > before]
            below = max([below, *later])
            left += later
        return below


def tree_of(connection: Connection, conversation: str) -> Tree:
    """The tree of one conversation; an index holds all that it needs, however long the texts are."""
    query = select(turns.c.position, turns.c.parent).where(turns.c.conversation_id == conversation)
    return Tree(dict(connection.execute(query).all()))


def turn_of_run(database: Database, run: str) -> Place | None:
    """The turn that a run answers, whoever's it is; None where it answers none, or the turn is gone."""
    query = (
        select(conversations.c.owner, conversations.c.id, turns.c.position)
        .join(turns, turns.c.conversation_id == conversations.c.id)
        .where(turns.c.run == run)
    )
    with database.read() as connection:
        row = connection.execute(query).first()
    return None if row is None else Place(*row)


def check_answered(connection: Connection, conversation: str, now: datetime) -> None:
    """Raise `UserError` where a run is still to fill the last turn that is shown. Inside a `write`."""
    shown = (conversations.c.id == turns.c.conversation_id) & (conversations.c.head == turns.c.position)
    query = (
        select(turns.c.created_at, runs.c.state)
        .join(conversations, shown)
        .outerjoin(runs, runs.c.id == turns.c.run)
        .where(conversations.c.id == conversation, turns.c.pending)
    )
    row = connection.execute(query).first()
    if row is None:
        return
    # The run is stored right after its turn.
    coming = row.state is None and now - row.created_at < SUBMITTED_WITHIN
    if coming or row.state in OPEN_STATES:
        raise still_answering()


def still_answering() -> UserError:
    """One question at a time."""
    return UserError(
        "The last question of this conversation is not answered yet.",
        hint="Wait for its answer, or stop it; where it asks for your approval, approve or reject.",
    )
