"""The turns of a conversation in the database: storing one, reading some, filling one that was pending.

Which turns belong together is the business of `branches`, whose conversation it is that of `conversations`; all here
happens inside the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Literal

from sqlalchemy import Connection, func, insert, select, update

from pierian.storage.branches import Tree
from pierian.storage.tables import conversations, turns
from pierian.storage.words import clean, fold

Role = Literal["user", "assistant"]

AT_ONCE = 500
"""How many positions one statement names; databases set limits to it."""


class Last(Enum):
    """The type of `LAST`."""

    LAST = "last"


LAST: Final = Last.LAST
"""Behind the last turn of the branch that is shown."""
Where = int | None | Last
"""Behind which turn a question goes: its position, None for a first question, or `LAST`."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `receipt` is the JSON text of an answer's receipt; `origin` a label of `provenance`."""

    position: int
    role: str
    origin: str
    text: str
    receipt: str | None
    created_at: datetime
    parent: int | None = None
    """Position of the turn before it; None for a first one."""
    run: str = ""
    """Of an answer: the run that makes or made it, where there is one."""
    pending: bool = False
    """Whether its text is still to come."""
    versions: tuple[int, ...] = ()
    """Positions of all turns that stand in this place, itself among them, in order."""


@dataclass(frozen=True, slots=True)
class Saying:
    """A message to be stored; `receipt` is JSON text."""

    role: Role
    text: str
    origin: str
    receipt: str | None = None


def next_position(connection: Connection, conversation: str) -> int:
    """The position of the next turn to be stored."""
    last = select(func.max(turns.c.position)).where(turns.c.conversation_id == conversation)
    position = connection.execute(last).scalar()
    return 0 if position is None else position + 1


def store_turn(
    connection: Connection, conversation: str, said: Saying, parent: int | None, now: datetime, run: str = ""
) -> Turn:
    """Store a turn behind `parent` and show its branch; one with a run is pending. Inside a `write`."""
    if said.receipt is not None:
        json.loads(said.receipt)
    kept, position = clean(said.text), next_position(connection, conversation)
    row = {
        "conversation_id": conversation,
        "position": position,
        "role": said.role,
        "origin": str(said.origin),
        "text": kept,
        "folded": fold(kept),
        "receipt": said.receipt,
        "created_at": now,
        "parent": parent,
        "run": run or None,
        "pending": bool(run),
    }
    connection.execute(insert(turns).values(row))
    connection.execute(
        update(conversations).where(conversations.c.id == conversation).values(updated_at=now, head=position)
    )
    return Turn(
        position, said.role, str(said.origin), kept, said.receipt, now, parent, run, bool(run), (position,)
    )


def fill_turn(connection: Connection, conversation: str, position: int, said: Saying) -> bool:
    """Put an answer into a pending turn; False where there is none."""
    if said.receipt is not None:
        json.loads(said.receipt)
    kept = clean(said.text)
    filled = connection.execute(
        update(turns)
        .where(turns.c.conversation_id == conversation, turns.c.position == position, turns.c.pending)
        .values(text=kept, folded=fold(kept), receipt=said.receipt, origin=str(said.origin), pending=False)
    )
    return filled.rowcount == 1


def read_turns(
    connection: Connection, conversation: str, tree: Tree, positions: Sequence[int]
) -> tuple[Turn, ...]:
    """The turns at these positions, in their order."""
    found = list[Turn]()
    for at in range(0, len(positions), AT_ONCE):
        rows = connection.execute(
            select(turns)
            .where(
                turns.c.conversation_id == conversation, turns.c.position.in_(positions[at : at + AT_ONCE])
            )
            .order_by(turns.c.position)
        )
        found += [
            Turn(
                row.position,
                row.role,
                row.origin,
                row.text,
                row.receipt,
                row.created_at,
                row.parent,
                row.run or "",
                row.pending,
                tree.versions(row.position),
            )
            for row in rows
        ]
    return tuple(found)
