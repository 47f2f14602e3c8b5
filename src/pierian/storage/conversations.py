"""The one store of conversations: what was said, by whom, where each text came from, and its receipt.

Every face writes here and reads here. A turn is stored whole or not at all, and a deleted conversation is
really gone from the file. Nothing here talks to a model or decides what a text may do.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from pierian.exceptions import UnknownName, UserError
from pierian.storage.database import Database
from pierian.storage.tables import conversations, turns
from pierian.storage.words import clean, fold, snippet

Role = Literal["user", "assistant"]

FORMATS = ("json", "jsonl", "markdown")
MAX_SEARCH = 1_000
MAX_TITLE = 200
ID_LENGTH = 26

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u to misread


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. `receipt` is the JSON text of an answer's receipt; `origin` a label of `provenance`."""

    position: int
    role: str
    origin: str
    text: str
    receipt: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Saying:
    """A message to be stored; `receipt` is JSON text."""

    role: Role
    text: str
    origin: str
    receipt: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation. `turns` is filled where one is asked for by its id, and empty in lists."""

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    turn_count: int
    turns: tuple[Turn, ...] = ()

    @property
    def short_id(self) -> str:
        """The beginning of the id: the millisecond of its creation and two random characters."""
        return self.id[:12]


@dataclass(frozen=True, slots=True)
class Hit:
    """A place where searched words stand; `position` and `role` are None when it is the title."""

    conversation_id: str
    title: str
    position: int | None
    role: str | None
    snippet: str
    created_at: datetime


def new_id() -> str:
    """A ULID (github.com/ulid/spec) in lower case: 26 characters that sort by time."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def utc_now() -> datetime:
    """The time of day, aware."""
    return datetime.now(UTC)


class Conversations:
    """The conversations of one owner. Ids may be given as any unique beginning."""

    def __init__(
        self, database: Database, owner: str = "local", *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.database = database
        self.owner = owner
        self._clock = clock

    def create(self, title: str) -> Conversation:
        """A new, empty conversation."""
        with self.database.write() as connection:
            return self._create(connection, title)

    def _create(self, connection: Connection, title: str) -> Conversation:
        now, name = self._clock(), one_line(title)
        made = Conversation(new_id(), name, now, now, 0)
        row = {
            "id": made.id,
            "owner": self.owner,
            "title": name,
            "folded": fold(name),
            "created_at": now,
            "updated_at": now,
        }
        connection.execute(insert(conversations).values(row))
        return made

    def append(
        self, conversation_id: str, role: Role, text: str, origin: str, receipt: str | None = None
    ) -> Turn:
        """Add a turn at the end. `receipt` is JSON text; raises `ValueError` if it is not."""
        with self.database.write() as connection:
            whole = self._resolve(connection, conversation_id)
            return self._append(connection, whole, Saying(role, text, origin, receipt))

    def append_all(self, conversation_id: str, said: Sequence[Saying], *, title: str) -> str:
        """Add turns in one step, all or none; an empty id makes a conversation with `title`. Returns the id."""
        with self.database.write() as connection:
            if conversation_id:
                whole = self._resolve(connection, conversation_id)
            else:
                whole = self._create(connection, title).id
            for saying in said:
                self._append(connection, whole, saying)
        return whole

    def _append(self, connection: Connection, whole: str, said: Saying) -> Turn:
        if said.receipt is not None:
            json.loads(said.receipt)
        now, kept = self._clock(), clean(said.text)
        last = select(func.max(turns.c.position)).where(turns.c.conversation_id == whole)
        position = connection.execute(last).scalar()
        turn = Turn(
            0 if position is None else position + 1, said.role, str(said.origin), kept, said.receipt, now
        )
        row = {
            "conversation_id": whole,
            "position": turn.position,
            "role": turn.role,
            "origin": turn.origin,
            "text": kept,
            "folded": fold(kept),
            "receipt": turn.receipt,
            "created_at": now,
        }
        connection.execute(insert(turns).values(row))
        connection.execute(update(conversations).where(conversations.c.id == whole).values(updated_at=now))
        return turn

    def get(self, conversation_id: str) -> Conversation:
        """One conversation with its turns; raises `UnknownName`, or `UserError` for an ambiguous id."""
        with self.database.read() as connection:
            whole = self._resolve(connection, conversation_id)
            head = connection.execute(self._heads().where(conversations.c.id == whole)).one()
            rows = connection.execute(
                select(turns).where(turns.c.conversation_id == whole).order_by(turns.c.position)
            ).all()
        said = tuple(Turn(r.position, r.role, r.origin, r.text, r.receipt, r.created_at) for r in rows)
        return replace(as_conversation(head), turns=said)

    def list(self, limit: int | None = None, offset: int = 0) -> tuple[Conversation, ...]:
        """Conversations without their turns, the last used first."""
        query = self._heads().order_by(conversations.c.updated_at.desc(), conversations.c.id.desc())
        with self.database.read() as connection:
            rows = connection.execute(query.limit(limit).offset(offset)).all()
        return tuple(as_conversation(row) for row in rows)

    def count(self) -> int:
        """How many conversations there are."""
        query = select(func.count()).select_from(conversations).where(conversations.c.owner == self.owner)
        with self.database.read() as connection:
            return connection.execute(query).scalar_one()

    def search(self, words: str, limit: int = 50) -> tuple[Hit, ...]:
        """Titles and turns in which `words` stand as they are typed, the newest first.

        Case, line breaks and the ways to encode one letter make no difference; every character is text, `%`
        and quotes too. Raises `UserError` if there is nothing to search for, or more than 1,000 characters.
        """
        sought = fold(clean(words))
        if not sought:
            raise UserError("There is nothing to search for.", hint="Type a word or a phrase.")
        if len(sought) > MAX_SEARCH:
            raise UserError(
                f"The words to search for are too long: {len(sought):,} characters, {MAX_SEARCH:,} at most.",
                hint="Search for a shorter phrase.",
            )
        c, mine = conversations.c, conversations.c.owner == self.owner
        in_titles = select(c.id, c.title, c.created_at).where(
            mine, c.folded.contains(sought, autoescape=True)
        )
        in_turns = (
            select(c.id, c.title, turns.c.position, turns.c.role, turns.c.text, turns.c.created_at)
            .join(turns, turns.c.conversation_id == c.id)
            .where(mine, turns.c.folded.contains(sought, autoescape=True))
            .order_by(turns.c.created_at.desc(), turns.c.id.desc())
        )
        in_titles = in_titles.order_by(c.created_at.desc(), c.id.desc())
        with self.database.read() as connection:
            titles = connection.execute(in_titles.limit(limit)).all()
            said = connection.execute(in_turns.limit(limit)).all()
        hits = [Hit(r.id, r.title, None, None, snippet(r.title, sought), r.created_at) for r in titles]
        hits += [Hit(r.id, r.title, r.position, r.role, snippet(r.text, sought), r.created_at) for r in said]
        return tuple(sorted(hits, key=lambda hit: hit.created_at, reverse=True)[:limit])

    def rename(self, conversation_id: str, title: str) -> None:
        """Give a conversation another title."""
        name = one_line(title)
        with self.database.write() as connection:
            whole = self._resolve(connection, conversation_id)
            connection.execute(
                update(conversations)
                .where(conversations.c.id == whole)
                .values(title=name, folded=fold(name), updated_at=self._clock())
            )

    def export(self, conversation_id: str, format: str = "markdown") -> str:  # noqa: A002 (as on the command line)
        """A conversation as text: `markdown`, `json` (one object) or `jsonl` (one turn a line)."""
        if format not in FORMATS:
            raise UnknownName("format", format, FORMATS)
        whole = self.get(conversation_id)
        if format == "markdown":
            return as_markdown(whole)
        if format == "json":
            return json.dumps(conversation_as_json(whole), ensure_ascii=False, indent=2) + "\n"
        lines = (json.dumps(turn_as_json(turn), ensure_ascii=False) for turn in whole.turns)
        return "".join(f"{line}\n" for line in lines)

    def delete(self, conversation_id: str) -> Conversation:
        """Remove a conversation so that its text is no longer in the file; returns what it was."""
        with self.database.write() as connection:
            whole = self._resolve(connection, conversation_id)
            gone = as_conversation(connection.execute(self._heads().where(conversations.c.id == whole)).one())
            connection.execute(delete(conversations).where(conversations.c.id == whole))
        self.database.scrub()
        return gone

    def _heads(self) -> Select[Any]:
        counted = (
            select(func.count())
            .select_from(turns)
            .where(turns.c.conversation_id == conversations.c.id)
            .scalar_subquery()
        )
        return select(conversations, counted.label("turn_count")).where(conversations.c.owner == self.owner)

    def _resolve(self, connection: Connection, given: str) -> str:
        """The whole id for an id or its beginning."""
        prefix, c = clean(given.strip().lower()), conversations.c
        own = select(c.id).where(c.owner == self.owner)
        # A whole id is the common case and has an index; LIKE refuses very long patterns anyway.
        fits = c.id.startswith(prefix, autoescape=True) if len(prefix) < ID_LENGTH else c.id == prefix
        found = list(connection.execute(own.where(fits).order_by(c.id).limit(3)).scalars())
        if len(found) == 1 and prefix:
            return found[0]
        recent = list(connection.execute(own.order_by(c.updated_at.desc()).limit(5)).scalars())
        if not recent:
            raise UserError(f"There is no conversation {given!r}: none is stored yet.")
        if found:
            raise UserError(
                f"More than one conversation has an id that begins with {given!r}.",
                hint=f"Give more of it, such as {', '.join(found)}.",
            )
        raise UnknownName("conversation", given, (whole[:12] for whole in recent))


def as_conversation(row: Row[Any]) -> Conversation:
    """A row of `Conversations._heads` as a value."""
    return Conversation(row.id, row.title, row.created_at, row.updated_at, row.turn_count)


def one_line(title: str) -> str:
    """A title fit for a list: one line, 200 characters at most, never empty."""
    line = " ".join(clean(title).split())
    return (line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…") or "Untitled"


def conversation_as_json(conversation: Conversation) -> dict[str, Any]:
    """A conversation with its turns as plain values, times in ISO 8601."""
    return {**head_as_json(conversation), "turns": [turn_as_json(turn) for turn in conversation.turns]}


def head_as_json(conversation: Conversation) -> dict[str, Any]:
    """A conversation without its turns as plain values."""
    return {
        "id": conversation.id,
        "title": conversation.title,
        "created_at": conversation.created_at.isoformat(),
        "updated_at": conversation.updated_at.isoformat(),
        "turn_count": conversation.turn_count,
    }


def turn_as_json(turn: Turn) -> dict[str, Any]:
    """A turn as plain values, its receipt as an object."""
    return {
        "position": turn.position,
        "role": turn.role,
        "origin": turn.origin,
        "text": turn.text,
        "receipt": None if turn.receipt is None else json.loads(turn.receipt),
        "created_at": turn.created_at.isoformat(),
    }


def as_markdown(conversation: Conversation) -> str:
    """A conversation as a Markdown document, a heading for each turn."""
    names = {"user": "You", "assistant": "Pierian"}
    parts = [f"# {conversation.title}", f"{conversation.created_at:%Y-%m-%d %H:%M} UTC"]
    for turn in conversation.turns:
        parts += [f"## {names.get(turn.role, turn.role)}", turn.text.strip("\n")]
    return "\n\n".join(part for part in parts if part) + "\n"
