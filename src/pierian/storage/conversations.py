"""The one store of conversations: what was said, by whom, where each text came from, and its receipt.

Every face writes here and reads here. A turn is stored whole or not at all; an answer that a run makes is a pending
turn until it is there, and whoever does not ask for those never sees one. A deleted conversation is really gone, with
its files, its shares and the journals of the runs that answered in it. Nothing here talks to a model or decides what
a text may do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from pierian.characters import without_misleading
from pierian.exceptions import UnknownName, UserError
from pierian.provenance import Origin
from pierian.storage.attachments import claim
from pierian.storage.branches import Tree, check_answered, tree_of
from pierian.storage.database import Database
from pierian.storage.ids import ID_LENGTH, new_id, utc_now
from pierian.storage.tables import conversations, runs, turns
from pierian.storage.turns import LAST, Role, Saying, Turn, Where, fill_turn, read_turns, store_turn
from pierian.storage.words import clean, fold, snippet

FORMATS = ("json", "jsonl", "markdown")
MAX_SEARCH = 1_000
MAX_TITLE = 200


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation. `turns` is filled where one is asked for by its id, and empty in lists."""

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    turn_count: int
    """Of all branches together, without those that are pending."""
    turns: tuple[Turn, ...] = ()
    """Those of the branch that is shown."""
    head: int | None = None
    """Position of the last of them."""

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


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a question and the answer to come stand."""

    conversation: str
    question_position: int
    answer_position: int


_TO_COME = Saying("assistant", "", Origin.MODEL)


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
            said = Saying(role, text, origin, receipt)
            return store_turn(connection, whole, said, head_of(connection, whole), self._clock())

    def append_all(self, conversation_id: str, said: Sequence[Saying], *, title: str) -> str:
        """Add turns in one step, all or none; an empty id makes a conversation with `title`. Returns the id."""
        with self.database.write() as connection:
            if conversation_id:
                whole = self._resolve(connection, conversation_id)
            else:
                whole = self._create(connection, title).id
            behind = head_of(connection, whole)
            for saying in said:
                behind = store_turn(connection, whole, saying, behind, self._clock()).position
        return whole

    def ask(
        self,
        conversation_id: str,
        question: str,
        run: str,
        *,
        title: str = "",
        after: Where = LAST,
        origin: str = Origin.USER,
        attachments: Sequence[str] = (),
    ) -> Asked:
        """Store a question and a pending answer that `run` makes, in one step; their branch is shown.

        An empty id makes a conversation, with `title` or the beginning of the question. Files that `attachments`
        names go with the question. Raises `UserError` for a turn or a file that there is not, and where the last
        question shown has a run that is to answer it still.
        """
        with self.database.write() as connection:
            asked = self.ask_within(
                connection, conversation_id, question, run, title=title, after=after, origin=origin
            )
            claim(connection, self.owner, attachments, asked.conversation, asked.question_position)
        return asked

    def ask_within(
        self,
        connection: Connection,
        conversation_id: str,
        question: str,
        run: str,
        *,
        title: str = "",
        after: Where = LAST,
        origin: str = Origin.USER,
    ) -> Asked:
        """As `ask`, without files, inside a `write` of the caller; where it raises nothing is written."""
        if conversation_id:
            whole = self._resolve(connection, conversation_id)
            check_answered(connection, whole, self._clock())
        else:
            whole = self._create(connection, title or question).id
        behind = head_of(connection, whole) if after is LAST else after
        if behind is not None:
            turn_at(connection, whole, behind)
        now = self._clock()
        asked = store_turn(connection, whole, Saying("user", question, origin), behind, now)
        answer = store_turn(connection, whole, _TO_COME, asked.position, now, run)
        return Asked(whole, asked.position, answer.position)

    def retry(self, conversation_id: str, position: int, run: str) -> int:
        """Another version of an answer, pending and shown, which `run` makes; returns its position.

        Raises `UserError` where no answer stands at `position`.
        """
        with self.database.write() as connection:
            whole = self._resolve(connection, conversation_id)
            role, parent = turn_at(connection, whole, position)
            if role != "assistant":
                raise UserError(
                    f"Turn {position} is a question: only an answer can be made anew.",
                    hint="Change the question to ask something else.",
                )
            check_answered(connection, whole, self._clock())
            return store_turn(connection, whole, _TO_COME, parent, self._clock(), run).position

    def finish(
        self, conversation_id: str, position: int, text: str, receipt: str | None, origin: str
    ) -> bool:
        """Fill a pending turn, once; False where it is filled already, or gone with its conversation.

        Raises `ValueError` where `receipt` is not JSON text.
        """
        c, said = conversations.c, Saying("assistant", text, origin, receipt)
        mine = (c.id == conversation_id, c.owner == self.owner)
        with self.database.write() as connection:
            if connection.execute(select(c.id).where(*mine)).first() is None:
                return False
            if filled := fill_turn(connection, conversation_id, position, said):
                connection.execute(update(conversations).where(*mine).values(updated_at=self._clock()))
        return filled

    def show(self, conversation_id: str, position: int) -> None:
        """Show the newest branch through the turn at `position`; raises `UserError` where there is none."""
        with self.database.write() as connection:
            whole = self._resolve(connection, conversation_id)
            tree = tree_of(connection, whole)
            if position not in tree:
                raise _no_turn(whole, position)
            shown = {"head": tree.newest_below(position)}
            connection.execute(update(conversations).where(conversations.c.id == whole).values(shown))

    def get(self, conversation_id: str, *, pending: bool = False) -> Conversation:
        """One conversation with the turns of the branch that is shown, those to come only with `pending`.

        Raises `UnknownName`, or `UserError` for an ambiguous id.
        """
        with self.database.read() as connection:
            found, tree = self._found(connection, conversation_id)
            said = read_turns(connection, found.id, tree, tree.branch(found.head))
        return replace(found, turns=said if pending else finished(said))

    def page(
        self, conversation_id: str, *, before: int | None = None, limit: int = 50
    ) -> tuple[tuple[Turn, ...], bool]:
        """The last turns of the shown branch before a position, pending ones too, and whether there are earlier ones.

        Only as many texts are read as are given back.
        """
        with self.database.read() as connection:
            found, tree = self._found(connection, conversation_id)
            way = tree.before(found.head, before)
            shown = way[-limit:]
            return read_turns(connection, found.id, tree, shown), len(way) > len(shown)

    def shown(self, conversation_id: str) -> list[int]:
        """Positions of the turns of the branch that is shown, in order; no text is read."""
        with self.database.read() as connection:
            found, tree = self._found(connection, conversation_id)
            return tree.branch(found.head)

    def last_shown(self, conversation_id: str) -> int | None:
        """Position of the last turn that is shown, for whoever asks often; raises as `get` does."""
        with self.database.read() as connection:
            return head_of(connection, self._resolve(connection, conversation_id))

    def turn(self, conversation_id: str, position: int) -> Turn:
        """One turn, of whatever branch, a pending one too; raises `UserError` where there is none."""
        with self.database.read() as connection:
            found, tree = self._found(connection, conversation_id)
            said = read_turns(connection, found.id, tree, [position])
        if not said:
            raise _no_turn(found.id, position)
        return said[0]

    def head(self, conversation_id: str) -> Conversation:
        """A conversation without its turns; raises as `get` does."""
        with self.database.read() as connection:
            return self._found(connection, conversation_id)[0]

    def _found(self, connection: Connection, conversation_id: str) -> tuple[Conversation, Tree]:
        whole = self._resolve(connection, conversation_id)
        row = connection.execute(self._heads().where(conversations.c.id == whole)).one()
        return as_conversation(row), tree_of(connection, whole)

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
        """Remove a conversation so that its text is no longer in the file; returns what it was.

        The runs that answered in it go too, for they hold the same text; one that is under way is lost.
        """
        with self.database.write() as connection:
            whole = self._resolve(connection, conversation_id)
            gone = as_conversation(connection.execute(self._heads().where(conversations.c.id == whole)).one())
            answered = select(turns.c.run).where(turns.c.conversation_id == whole, turns.c.run.is_not(None))
            connection.execute(delete(runs).where(runs.c.owner == self.owner, runs.c.id.in_(answered)))
            connection.execute(delete(conversations).where(conversations.c.id == whole))
        self.database.scrub()
        return gone

    def _heads(self) -> Select[Any]:
        of_it = turns.c.conversation_id == conversations.c.id
        counted = select(func.count()).select_from(turns).where(of_it, turns.c.pending.is_(False))
        return select(
            conversations,
            counted.scalar_subquery().label("turn_count"),
        ).where(conversations.c.owner == self.owner)

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
            raise UnknownName("conversation", given, ())
        if found:
            raise UserError(
                f"More than one conversation has an id that begins with {given!r}.",
                hint=f"Give more of it, such as {', '.join(found)}.",
            )
        raise UnknownName("conversation", given, (whole[:12] for whole in recent))


def as_conversation(row: Row[Any]) -> Conversation:
    """A row of `Conversations._heads` as a value."""
    return Conversation(
        row.id,
        row.title,
        row.created_at,
        row.updated_at,
        row.turn_count,
        head=row.head,
    )


def head_of(connection: Connection, conversation: str) -> int | None:
    """Position of the last turn that is shown, where there is any."""
    return connection.execute(
        select(conversations.c.head).where(conversations.c.id == conversation)
    ).scalar_one()


def turn_at(connection: Connection, conversation: str, position: int) -> tuple[str, int | None]:
    """Role and parent of a turn; raises `UserError` where there is none."""
    query = select(turns.c.role, turns.c.parent).where(
        turns.c.conversation_id == conversation, turns.c.position == position
    )
    row = connection.execute(query).first()
    if row is None:
        raise _no_turn(conversation, position)
    return row.role, row.parent


def finished(said: Sequence[Turn]) -> tuple[Turn, ...]:
    """Turns without those that are pending."""
    return tuple(turn for turn in said if not turn.pending)


def one_line(title: str) -> str:
    """A title fit for a list: one line, 200 characters at most, never empty, and nothing in it reorders a page."""
    line = " ".join(without_misleading(" ".join(clean(title).split())).split())
    return (line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…") or "Untitled"


def conversation_as_json(conversation: Conversation) -> dict[str, Any]:
    """A conversation with its turns as plain values, times in ISO 8601; those of other branches are not counted."""
    said = [turn_as_json(turn) for turn in conversation.turns]
    return head_as_json(conversation) | {"turn_count": len(said), "turns": said}


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


def _no_turn(conversation: str, position: int) -> UserError:
    return UserError(
        f"The conversation {conversation[:12]} has no turn {position}.",
        hint="It was changed elsewhere: load it again.",
    )
