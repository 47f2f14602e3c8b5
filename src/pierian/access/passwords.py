"""Passwords of the app: Argon2id, checked so that nobody learns which names there are.

A refusal takes as long and says the same whether there is no such name, no password, another password or a disabled
user: one look-up by the name, and one hash, against a dummy where there is no other. How often somebody may try is
the business of `attempts`. A hash takes some 0.2 seconds and 64 MB, so a server calls this in a thread; no more than
`AT_ONCE` of a process are made at the same time.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, select, update

from pierian.access.denial import Reason, SignInRefused, TooManyAttempts
from pierian.access.users import User, user_of
from pierian.exceptions import DiskFull, StorageError, UserError
from pierian.storage.database import Database
from pierian.storage.ids import utc_now
from pierian.storage.tables import passwords, users
from pierian.storage.words import clean, fold

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 10, 1_000
AT_ONCE = 2
PATIENCE_SECONDS = 10
"""How long a check waits for its turn before it is refused."""

_turns = threading.BoundedSemaphore(AT_ONCE)


class Passwords:
    """The passwords of all users, by their ids."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.database = database
        self._clock = clock

    def set(self, user_id: str, password: str) -> None:
        """Give a user a password, in the place of another one; raises `UserError` for one that will not do."""
        with self.database.read() as connection:
            name = connection.execute(select(users.c.name).where(users.c.id == user_id)).scalar()
        if name is None:
            raise UserError("This user was deleted meanwhile.")
        hashed = self.hashed(password, name)
        with self.database.write() as connection:
            put_password(connection, user_id, hashed, self._clock())

    def check(self, name: str, password: str) -> User:
        """The user of a name and a password; raises `SignInRefused`, or `TooManyAttempts` where too many sign in."""
        dummy = self._dummy  # before anything is known, so that its making tells nothing
        with self.database.read() as connection:
            query = (
                select(users, passwords.c.password_hash)
                .outerjoin(passwords, passwords.c.user_id == users.c.id)
                .where(users.c.folded == fold(clean(name)))
            )
            row = connection.execute(query).first()
        stored: str | None = None if row is None else row.password_hash
        right = self._verify(stored or dummy, normal(password))
        if row is None or stored is None or not right or row.disabled_at is not None:
            raise SignInRefused(_reason(known=row is not None, has=stored is not None, right=right))
        if self._hasher.check_needs_rehash(stored):
            self._rehash(row.id, stored, password)
        return user_of(row)

    def has(self, user_id: str) -> bool:
        """Whether a user has a password."""
        query = select(passwords.c.user_id).where(passwords.c.user_id == user_id)
        with self.database.read() as connection:
            return connection.execute(query).first() is not None

    def remove(self, user_id: str) -> bool:
        """Take a user's password away, so that they cannot sign in with one; False where there was none."""
        with self.database.write() as connection:
            return connection.execute(delete(passwords).where(passwords.c.user_id == user_id)).rowcount == 1

    def hashed(self, password: str, name: str) -> str:
        """What is stored of a password of somebody with this name; raises `UserError` for one that will not do."""
        chosen = checked_password(password, name)
        with _turn():
            return self._hasher.hash(chosen)

    def _rehash(self, user_id: str, stored: str, password: str) -> None:
        """Store the hash with the parameters of today, unless the password was changed meanwhile."""
        with _turn():
            renewed = self._hasher.hash(normal(password))
        same = (passwords.c.user_id == user_id, passwords.c.password_hash == stored)
        # The old one will do: a full disk or a busy database locks nobody out.
        with suppress(StorageError, DiskFull), self.database.write() as connection:
            connection.execute(update(passwords).where(*same).values(password_hash=renewed))

    def _verify(self, stored: str, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        # What is longer than any password is not one, but takes no less time.
        possible = len(password) <= LONGEST
        with _turn():
            try:
                return self._hasher.verify(stored, password if possible else "") and possible
            except (VerificationError, InvalidHashError):
                return False

    @cached_property
    def _dummy(self) -> str:
        with _turn():
            return self._hasher.hash("nobody has this password")

    @cached_property
    def _hasher(self) -> PasswordHasher:
        try:
            from argon2 import PasswordHasher
        except ImportError as error:
            raise UserError(
                "Passwords need a package that is not installed: argon2-cffi.",
                hint="pip install 'pierian[server]'",
            ) from error
        return PasswordHasher()


def put_password(connection: Connection, user_id: str, hashed: str, now: datetime) -> None:
    """Store what `Passwords.hashed` made, inside a transaction of `write`."""
    connection.execute(delete(passwords).where(passwords.c.user_id == user_id))
    connection.execute(insert(passwords).values(user_id=user_id, password_hash=hashed, changed_at=now))


def normal(password: str) -> str:
    """A password as it is hashed: one form for letters that can be typed in several."""
    return unicodedata.normalize("NFC", clean(password))


def checked_password(password: str, name: str) -> str:
    """The password in its normal form; raises `UserError` where it is too easily guessed, or cannot be one."""
    chosen = normal(password)
    if len(chosen) < SHORTEST:
        raise UserError(
            f"The password is too short: it needs at least {SHORTEST} characters.",
            hint="Several words in a row are easy to remember and hard to guess.",
        )
    if len(chosen) > LONGEST:
        raise UserError(
            f"The password is too long: {LONGEST:,} characters at most.", hint="Take a shorter one."
        )
    if not set(fold(chosen)) - {" "}:
        raise UserError("The password is only spaces.", hint="Take several words in a row.")
    if not fold(chosen).replace(" ", "").replace(fold(name).replace(" ", ""), ""):
        raise UserError("The password is only the name, which anybody would try.", hint="Take another one.")
    return chosen


@contextmanager
def _turn() -> Generator[None]:
    """One of the hashes that are made at the same time."""
    if not _turns.acquire(timeout=PATIENCE_SECONDS):
        raise TooManyAttempts(PATIENCE_SECONDS)
    try:
        yield
    finally:
        _turns.release()


def _reason(*, known: bool, has: bool, right: bool) -> Reason:
    if not known:
        return "unknown"
    if not has:
        return "unset"
    return "disabled" if right else "wrong"
