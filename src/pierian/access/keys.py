"""Keys: what a user shows to the server, and what each allows.

The secret of a key is shown once, when it is made or rotated; what is stored is its hash. `verify` refuses wrong,
expired, revoked and disabled keys with one and the same error, after the same work: one look-up by the hash, whose
condition holds for valid keys only, and a second one that finds the reason for the log. What an attacker can time is
the look-up of a hash that nobody can aim.

A process remembers a verified key for `REMEMBERED_SECONDS`: for so long a revocation, rotation or change by another
process, or the disabling of a user, may go unnoticed. An expiry is kept to the moment, and what is changed through
the same `Keys` is noticed at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct, structs
from sqlalchemy import ColumnElement, Connection, Row, and_, insert, or_, select, update

from pierian.access.denial import AccessDenied, Reason
from pierian.access.grants import Grant, as_json, checked
from pierian.access.secret import KEY_PREFIX, Secret, hashed, new_secret, well_formed, without_secret
from pierian.access.users import Role, checked_name, find_user
from pierian.exceptions import DiskFull, StorageError, UnknownName, UserError
from pierian.storage.database import Database
from pierian.storage.ids import new_id, utc_now
from pierian.storage.tables import keys, users
from pierian.storage.words import clean

REMEMBERED_SECONDS = 2.0
MOST_REMEMBERED = 4096
USE_NOTED = timedelta(minutes=1)
"""How exactly it is known when a key was last used: more would be a write for every request."""


class Key(Struct, frozen=True):
    """A key without its secret. `user` is the id of whom it belongs to, `shown` how its secret begins."""

    id: str
    user: str
    user_name: str
    role: Role
    name: str
    shown: str
    grant: Grant
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def state(self, now: datetime) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        expires = self.grant.expires_at
        return "active" if expires is None or now < expires else "expired"


class Keys:
    """All keys. Where one is named, its id or a unique beginning of it will do."""

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
        self._remembered: dict[str, tuple[float, Key]] = {}

    def create(self, user: str, name: str = "", grant: Grant | None = None) -> tuple[Key, str]:
        """A new key of a user, and its secret, which is not stored and cannot be had again."""
        with self.database.write() as connection:
            found = find_user(connection, user)
            return insert_key(connection, found.id, name, grant or Grant(), self._clock())

    def list(self, user: str | None = None) -> list[Key]:
        """The keys of one user or of all, the oldest first."""
        with self.database.read() as connection:
            query = _SELECT.order_by(keys.c.id)
            if user is not None:
                query = query.where(keys.c.user_id == find_user(connection, user).id)
            return [key_of(row) for row in connection.execute(query)]

    def show(self, key: str) -> Key:
        """One key; raises `UnknownName`."""
        with self.database.read() as connection:
            return find_key(connection, key)

    def rotate(self, key: str, grace: timedelta = timedelta()) -> tuple[Key, str]:
        """Give a key a new secret; the old one works for `grace` longer. A revoked key cannot be rotated."""
        made, now = new_secret(KEY_PREFIX), self._clock()
        with self.database.write() as connection:
            found = self._live(connection, key)
            old = select(keys.c.secret_hash).where(keys.c.id == found.id).scalar_subquery()
            keeps = grace > timedelta()
            connection.execute(
                update(keys)
                .where(keys.c.id == found.id)
                .values(
                    previous_hash=old if keeps else None,
                    previous_until=now + grace if keeps else None,
                    secret_hash=made.hash,
                    shown=made.shown,
                )
            )
        self._remembered.clear()
        return structs.replace(found, shown=made.shown), made.text

    def revoke(self, key: str) -> Key:
        """End a key for good; what it has used stays counted."""
        now = self._clock()
        with self.database.write() as connection:
            found = self._live(connection, key)
            connection.execute(update(keys).where(keys.c.id == found.id).values(revoked_at=now))
        self._remembered.clear()
        return structs.replace(found, revoked_at=now)

    def change(self, key: str, grant: Grant) -> Key:
        """Put `grant` in the place of what a key allowed; an expiry that stays as it is may be past."""
        now = self._clock()
        with self.database.write() as connection:
            found = self._live(connection, key)
            same = grant.expires_at == found.grant.expires_at
            wanted = checked(structs.replace(grant, expires_at=None) if same else grant, now)
            wanted = structs.replace(wanted, expires_at=grant.expires_at)
            connection.execute(update(keys).where(keys.c.id == found.id).values(**grant_columns(wanted)))
        self._remembered.clear()
        return structs.replace(found, grant=wanted)

    def verify(self, secret: str) -> Key:
        """The key of a secret; raises `AccessDenied`, which does not say why, or `StorageError`."""
        digest, now = hashed(secret), self._clock()
        if (key := self._known(digest, now)) is not None:
            return key
        if not well_formed(secret, KEY_PREFIX):
            raise AccessDenied("malformed")  # before the database: what is mistyped is no secret of anybody
        with self.database.read() as connection:
            row = connection.execute(_SELECT.where(_opened_by(digest, now), _valid(now))).first()
            if row is None:
                raise AccessDenied(_reason(connection, digest, now))
            # The secret before a rotation is not remembered longer than it lives.
            lasting = row.secret_hash == digest
        key = self._noted(key_of(row), now)
        if lasting:
            if len(self._remembered) >= MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[digest] = (self._passing() + REMEMBERED_SECONDS, key)
        return key

    async def check(self, secret: str) -> Key:
        """`verify` for an event loop: it waits for the database in a thread, and only where it has to ask."""
        if (key := self._known(hashed(secret), self._clock())) is not None:
            return key
        return await asyncio.to_thread(self.verify, secret)

    def _known(self, digest: str, now: datetime) -> Key | None:
        """A key that was verified a moment ago and has not expired since."""
        until, key = self._remembered.get(digest, (0.0, None))
        if key is None or self._passing() >= until or key.state(now) != "active":
            return None
        return key

    def _noted(self, key: Key, now: datetime) -> Key:
        """Write down that a key is used, now and then; a full disk or a busy database locks nobody out."""
        if key.last_used_at is not None and timedelta() <= now - key.last_used_at < USE_NOTED:
            return key
        with suppress(StorageError, DiskFull), self.database.append() as connection:
            connection.execute(update(keys).where(keys.c.id == key.id).values(last_used_at=now))
        return structs.replace(key, last_used_at=now)

    def live(self, key: str) -> Key:
        """A key that may be used, by its id; raises `UserError`."""
        now = self._clock()
        with self.database.read() as connection:
            row = connection.execute(_SELECT.where(keys.c.id == key, _valid(now))).first()
        if row is None:
            raise UserError(f"The key {key[:12]} is no longer valid.", hint="Ask again with another key.")
        return key_of(row)

    def _live(self, connection: Connection, key: str) -> Key:
        found = find_key(connection, key)
        if found.revoked_at is not None:
            raise UserError(f"The key {found.id} is revoked.", hint="Make a new one: pierian keys create.")
        return found


_SELECT = select(keys, users.c.name.label("user_name"), users.c.role).join(
    users, users.c.id == keys.c.user_id
)


def _opened_by(digest: str, now: datetime) -> ColumnElement[bool]:
    before = and_(keys.c.previous_hash == digest, keys.c.previous_until > now)
    return or_(keys.c.secret_hash == digest, before)


def _valid(now: datetime) -> ColumnElement[bool]:
    return and_(
        keys.c.revoked_at.is_(None),
        users.c.disabled_at.is_(None),
        or_(keys.c.expires_at.is_(None), keys.c.expires_at > now),
    )


def _reason(connection: Connection, digest: str, now: datetime) -> Reason:
    """Why a secret was refused, for the log; asked for every refused one, so that all take the same time."""
    query = (
        select(keys.c.revoked_at, keys.c.expires_at, users.c.disabled_at)
        .join(users, users.c.id == keys.c.user_id)
        .where(_opened_by(digest, now))
    )
    row = connection.execute(query).first()
    if row is None:
        return "unknown"
    if row.revoked_at is not None:
        return "revoked"
    return "disabled" if row.disabled_at is not None else "expired"


def insert_key(connection: Connection, user: str, name: str, grant: Grant, now: datetime) -> tuple[Key, str]:
    """Add a key of the user with this id inside a transaction of `write`; returns it with its secret."""
    made: Secret = new_secret(KEY_PREFIX)
    grant = checked(grant, now)
    row = {
        "id": new_id(),
        "user_id": user,
        "name": checked_name(name or "key", "key"),
        "shown": made.shown,
        "secret_hash": made.hash,
        "created_at": now,
        **grant_columns(grant),
    }
    connection.execute(insert(keys).values(row))
    stored = connection.execute(_SELECT.where(keys.c.id == row["id"])).one()
    return key_of(stored), made.text


def grant_columns(grant: Grant) -> dict[str, Any]:
    """A grant as it stands in the table."""
    return structs.asdict(grant) | {
        "modes": msgspec.json.encode(grant.modes).decode(),
        "models": msgspec.json.encode(grant.models).decode(),
    }


def find_key(connection: Connection, key: str) -> Key:
    """The key of an id or a unique beginning of one."""
    prefix = clean(key.strip().lower())
    begins = keys.c.id.startswith(prefix, autoescape=True) if len(prefix) < 26 else keys.c.id == prefix
    query = _SELECT.where(begins).order_by(keys.c.id).limit(2)
    found: Sequence[Row[Any]] = connection.execute(query).all() if prefix else ()
    if len(found) == 1:
        return key_of(found[0])
    if found:
        raise UserError(f"More than one key's id begins with {key!r}.", hint="Give more of it.")
    known = connection.execute(select(keys.c.id).order_by(keys.c.id.desc()).limit(5)).scalars()
    raise UnknownName("key", without_secret(prefix), list(known))


def key_of(row: Row[Any]) -> Key:
    """The key of a row of `_SELECT`."""
    grant = Grant(
        modes=msgspec.json.decode(row.modes, type=tuple[str, ...]),
        models=msgspec.json.decode(row.models, type=tuple[str, ...]),
        requests_per_minute=row.requests_per_minute,
        tokens_per_minute=row.tokens_per_minute,
        concurrent=row.concurrent,
        day_cap=row.day_cap,
        month_cap=row.month_cap,
        expires_at=row.expires_at,
    )
    return Key(
        row.id,
        row.user_id,
        row.user_name,
        row.role,
        row.name,
        row.shown,
        grant,
        row.created_at,
        row.revoked_at,
        row.last_used_at,
    )


def key_as_json(key: Key) -> dict[str, Any]:
    """A key as plain values, ready for JSON; money as a number, as people write it."""
    return msgspec.to_builtins(structs.asdict(key) | {"grant": as_json(key.grant)})
