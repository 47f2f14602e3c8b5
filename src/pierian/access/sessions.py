"""Sessions of the app: who is signed in, from which browser, until when.

A session has a secret of its own, made at the sign-in and never taken from whoever signs in; what is stored is its
hash. It ends after 30 days without use, after 90 days in all, and when it is ended. A process remembers a session for
`REMEMBERED_SECONDS`: for so long its end by another process, or the disabling of its user, may go unnoticed; what is
ended through the same `Sessions` is noticed at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update

from pierian.access.denial import SessionEnded
from pierian.access.secret import SESSION_PREFIX, hashed, new_secret, well_formed
from pierian.access.users import User
from pierian.characters import unseen
from pierian.exceptions import DiskFull, StorageError
from pierian.storage.database import Database
from pierian.storage.ids import new_id, utc_now
from pierian.storage.tables import sessions, users
from pierian.storage.words import clean

IDLE, LONGEST = timedelta(days=30), timedelta(days=90)
USE_NOTED = timedelta(minutes=1)
"""How exactly it is known when a session was last used: more would be a write for every page."""
REMEMBERED_SECONDS = 2.0
MOST_REMEMBERED = 4096
LONGEST_AGENT = 200


class Session(Struct, frozen=True):
    """A session without its secret. `user` is the id of whose it is, `agent` what their browser calls itself."""

    id: str
    user: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    agent: str


class Sessions:
    """All sessions."""

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], datetime] = utc_now,
        passing: Callable[[], float] = time.monotonic,
    ) -> None:
        self.database = database
        self._clock = clock
        self._passing = passing
        self._remembered: dict[str, tuple[float, Session, User]] = {}

    def begin(self, user_id: str, agent: str = "") -> tuple[Session, str]:
        """A new session of a user, and its secret, which is not stored; raises `SessionEnded` where they may not."""
        now, made = self._clock(), new_secret(SESSION_PREFIX)
        session = Session(new_id(), user_id, now, now, now + IDLE, shown_agent(agent))
        row = structs.asdict(session) | {"user_id": user_id, "secret_hash": made.hash}
        del row["user"]
        may = select(users.c.id).where(users.c.id == user_id, users.c.disabled_at.is_(None))
        with self.database.write() as connection:
            if connection.execute(may).first() is None:
                raise SessionEnded("disabled")
            connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
            connection.execute(insert(sessions).values(row))
        return session, made.text

    def check(self, secret: str) -> tuple[Session, User]:
        """The session of a secret and whose it is; raises `SessionEnded`, which does not say why."""
        now, digest = self._clock(), hashed(secret)
        until, session, user = self._remembered.get(digest, (0.0, None, None))
        if session is not None and user is not None and self._passing() < until and now < session.expires_at:
            return session, user
        if not well_formed(secret, SESSION_PREFIX):
            raise SessionEnded("malformed")
        query = _SELECT.where(sessions.c.secret_hash == digest)
        with self.database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise SessionEnded("unknown")
        if row.user_disabled_at is not None:
            raise SessionEnded("disabled")
        if now >= row.expires_at:
            raise SessionEnded("expired")
        session, user = self._noted(session_of(row), now), _user_of(row)
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[digest] = (self._passing() + REMEMBERED_SECONDS, session, user)
        return session, user

    def end(self, secret: str) -> bool:
        """End the session of a secret; False where there is none."""
        return self._end(sessions.c.secret_hash == hashed(secret)) == 1

    def end_one(self, session: str, user_id: str) -> bool:
        """End a session of a user by its id; False where they have none of this id."""
        return self._end(sessions.c.id == session, sessions.c.user_id == user_id) == 1

    def end_all(self, user_id: str, except_id: str | None = None) -> int:
        """End all sessions of a user, but perhaps the one they are in; returns how many."""
        others = () if except_id is None else (sessions.c.id != except_id,)
        return self._end(sessions.c.user_id == user_id, *others)

    def list(self, user_id: str) -> list[Session]:
        """The sessions of a user that go on, the last used first."""
        query = _SELECT.where(sessions.c.user_id == user_id, sessions.c.expires_at > self._clock())
        with self.database.read() as connection:
            rows = connection.execute(query.order_by(sessions.c.seen_at.desc(), sessions.c.id.desc()))
            return [session_of(row) for row in rows]

    def last_seen(self) -> dict[str, datetime]:
        """When each user who has a session that goes on was last here."""
        c = sessions.c
        query = select(c.user_id, func.max(c.seen_at)).where(c.expires_at > self._clock()).group_by(c.user_id)
        with self.database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def _end(self, *which: ColumnElement[bool]) -> int:
        with self.database.write() as connection:
            ended = connection.execute(delete(sessions).where(*which)).rowcount
        self._remembered.clear()
        return ended

    def _noted(self, session: Session, now: datetime) -> Session:
        """Write down that it is used, now and then; a full disk or a busy database locks nobody out."""
        if timedelta() <= now - session.seen_at < USE_NOTED:
            return session
        seen = {"seen_at": now, "expires_at": min(now + IDLE, session.created_at + LONGEST)}
        with suppress(StorageError, DiskFull), self.database.append() as connection:
            connection.execute(update(sessions).where(sessions.c.id == session.id).values(seen))
        return structs.replace(session, **seen)


_SELECT = select(
    sessions,
    users.c.name.label("user_name"),
    users.c.role.label("user_role"),
    users.c.created_at.label("user_created_at"),
    users.c.disabled_at.label("user_disabled_at"),
).join(users, users.c.id == sessions.c.user_id)


def session_of(row: Row[Any]) -> Session:
    """The session of a row of `_SELECT`."""
    return Session(row.id, row.user_id, row.created_at, row.seen_at, row.expires_at, row.agent)


def _user_of(row: Row[Any]) -> User:
    return User(row.user_id, row.user_name, row.user_role, row.user_created_at, row.user_disabled_at)


def shown_agent(agent: str) -> str:
    """What a browser calls itself, on one line, without characters that nobody sees."""
    line = "".join(" " if c.isspace() else c for c in clean(agent[:1000]) if c.isspace() or not unseen(c))
    return " ".join(line.split())[:LONGEST_AGENT]
