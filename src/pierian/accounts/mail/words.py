"""Finding messages by words: the index beside `messages`, which SQLite and PostgreSQL keep in their own ways.

SQLite fills its index (FTS5) by triggers; for PostgreSQL `index` does it. Both hold words, not texts, and both forget
those of a message with it: SQLite's at once where its library can (3.42), else when `forget` is called. Words are
compared without case; one of four letters or more also finds longer ones that begin with it.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, select, text
from sqlalchemy.sql import Select, and_, column, or_, table

from pierian.storage.account_tables import messages
from pierian.storage.database import Database

MOST_WORDS = 12
LEAST_BEGINNING = 4
"""How many letters a word needs to stand for the beginning of longer ones too."""
MOST_INDEXED = 20_000
"""Different words of one message that PostgreSQL is given."""
LONGEST_WORD = 80
PAGES_AT_ONCE = 200

_WORD = re.compile(r"[^\W_]+")
# Scripts that put no spaces between words: Chinese, Japanese, Thai, Lao, Khmer, Burmese.
_WITHOUT_SPACES = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
_SENDERS = "{sender sender_name}"


def words_of(said: str) -> list[str]:
    """The words of a text as they are compared, each once."""
    return list(dict.fromkeys(_WORD.findall(unicodedata.normalize("NFC", said).casefold())))


def having(connection: Connection, said: str, *, of_sender: bool = False) -> ColumnElement[bool] | None:
    """The condition that a message has all these words, anywhere or in its sender's name; None without words."""
    every = words_of(said)[:MOST_WORDS]
    plain = [word for word in every if not _WITHOUT_SPACES.search(word)]
    conditions = [_anywhere(word, of_sender) for word in every if word not in plain]
    if plain:
        if connection.dialect.name == "sqlite":
            # Added to, so that messages are gone through by time until there are enough, not fetched one by one.
            conditions.append((messages.c.id + 0).in_(_sqlite(plain, of_sender)))
        else:
            conditions.append(messages.c.id.in_(_postgresql(plain, of_sender)))
    return and_(*conditions) if conditions else None


def _anywhere(word: str, of_sender: bool) -> ColumnElement[bool]:
    """A word of a script without spaces is looked for in the texts themselves."""
    columns = [messages.c.sender_name, *([] if of_sender else [messages.c.subject, messages.c.text])]
    return or_(*(one.contains(word, autoescape=True) for one in columns))


def _sqlite(every: Sequence[str], of_sender: bool) -> Select[Any]:
    asked = " AND ".join(f'"{word}"{"*" if len(word) >= LEAST_BEGINNING else ""}' for word in every)
    rows = table("message_words", column("rowid"))
    match = text("message_words MATCH :asked").bindparams(
        bindparam("asked", f"{_SENDERS} : ({asked})" if of_sender else asked, unique=True)
    )
    return select(rows.c.rowid).where(match)


def _postgresql(every: Sequence[str], of_sender: bool) -> Select[Any]:
    asked = " & ".join(f"'{word}'{':*' if len(word) >= LEAST_BEGINNING else ''}" for word in every)
    rows = table("message_words", column("id"))
    match = text(f"{'senders' if of_sender else 'words'} @@ CAST(:asked AS tsquery)").bindparams(
        bindparam("asked", asked, unique=True)
    )
    return select(rows.c.id).where(match)


def index(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Keep the words of messages that were just written, in their transaction; each row has its `id`."""
    if connection.dialect.name == "sqlite":
        return
    kept: list[dict[str, Any]] = []
    for row in rows:
        senders = words_of(f"{row['sender']} {row['sender_name']}")
        rest = words_of(f"{row['recipients']} {row['subject']} {row['parts']} {row['text']}")
        every = [word[:LONGEST_WORD] for word in dict.fromkeys([*senders, *rest])]
        kept.append({"id": row["id"], "senders": senders, "words": every[:MOST_INDEXED]})
    if kept:
        connection.execute(
            text(
                "INSERT INTO message_words (id, senders, words) VALUES "
                "(:id, array_to_tsvector(CAST(:senders AS text[])), array_to_tsvector(CAST(:words AS text[])))"
            ),
            kept,
        )


def prepare(connection: Connection) -> None:
    """Let SQLite take words out of its index as soon as their messages are deleted, where its library can."""
    if connection.dialect.name == "sqlite" and forgets_at_once():
        connection.execute(
            text("INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1)")
        )


def forgets_at_once() -> bool:
    """Whether SQLite's library takes deleted words out of its index by itself."""
    return sqlite3.sqlite_version_info >= (3, 42)


def forget(database: Database) -> None:
    """Let no word of deleted messages stay: SQLite's index is rewritten in short steps, and its log is emptied."""
    if database.engine.dialect.name != "sqlite":
        return
    pages = -PAGES_AT_ONCE  # negative at first: until one run of words is left
    while not forgets_at_once():
        with database.append() as connection:
            before = _changes(connection)
            connection.execute(
                text("INSERT INTO message_words (message_words, rank) VALUES ('merge', :pages)"),
                {"pages": pages},
            )
            if _changes(connection) - before < 2:  # as https://sqlite.org/fts5.html, 6.7, says
                break
        pages = PAGES_AT_ONCE
    database.scrub()


def _changes(connection: Connection) -> int:
    return int(connection.execute(text("SELECT total_changes()")).scalar_one())
