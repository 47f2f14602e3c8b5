"""Users: who keys belong to and who signs in. A user is a name and a role; whoever sits at the terminal needs none.

Names are told apart as people do: case, width and spaces make no difference. Deleting a user deletes everything that
is theirs in the database; only what was used stays counted, without a name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

from msgspec import Struct, structs
from sqlalchemy import Connection, Row, Table, delete, insert, or_, select, update

from pierian.characters import hides
from pierian.exceptions import UnknownName, UserError
from pierian.storage.database import Database
from pierian.storage.ids import new_id, utc_now
from pierian.storage.tables import (
    idempotent_requests,
    invites,
    key_leases,
    key_rates,
    key_totals,
    keys,
    metadata,
    usage,
    users,
)
from pierian.storage.words import clean, fold

Role = Literal["owner", "administrator", "member", "partner"]
"""Owners and administrators may manage users and keys; members and partners use their own."""
ROLES: tuple[Role, ...] = get_args(Role)

LONGEST_NAME = 80
LOCAL = "local"
"""Whose data is what is asked at the terminal of this machine."""


class User(Struct, frozen=True):
    """Whoever keys and sessions belong to; `disabled_at` is None while they work."""

    id: str
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None = None


class Users:
    """All users. Where one is named, an id, the beginning of one, or a name will do."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.database = database
        self._clock = clock

    def create(self, name: str, role: Role = "member") -> User:
        """A new user; raises `UserError` where the name is taken or is none."""
        with self.database.write() as connection:
            return insert_user(connection, name, role, self._clock())

    def list(self) -> list[User]:
        """All of them, the oldest first."""
        with self.database.read() as connection:
            return [user_of(row) for row in connection.execute(select(users).order_by(users.c.id))]

    def get(self, user: str) -> User:
        """One of them; raises `UnknownName`."""
        with self.database.read() as connection:
            return find_user(connection, user)

    def rename(self, user: str, name: str) -> User:
        """Give a user another name."""
        with self.database.write() as connection:
            return rename_user(connection, find_user(connection, user), name)

    def disable(self, user: str) -> User:
        """Let none of a user's keys, passwords and sessions work until `enable`."""
        return self._mark(user, self._clock())

    def enable(self, user: str) -> User:
        """Let a user's keys, passwords and sessions work again."""
        return self._mark(user, None)

    def delete(self, user: str) -> User:
        """Delete a user with keys, sessions, conversations and all else that is theirs; usage stays, nameless.

        What the owners of this server asked belongs to all of them, and goes with the last one.
        """
        with self.database.write() as connection:
            found = find_user(connection, user)
            theirs = (found.id, LOCAL) if _is_last_owner(connection, found) else (found.id,)
            own = select(keys.c.id).where(keys.c.user_id == found.id)
            connection.execute(
                update(usage)
                .where(or_(usage.c.key_id.in_(own), usage.c.owner.in_(theirs)))
                .values(key_id=None, owner=None)
            )
            for table in (key_totals, key_rates, key_leases, idempotent_requests):
                # What was asked without a key is kept under the name of its owner.
                connection.execute(
                    delete(table).where(or_(table.c.key_id.in_(own), table.c.key_id.in_(theirs)))
                )
            for table in _owned():
                connection.execute(delete(table).where(table.c.owner.in_(theirs)))
            connection.execute(delete(invites).where(invites.c.used_by == found.id))
            connection.execute(delete(users).where(users.c.id == found.id))
        self.database.scrub()
        return found

    def is_last_owner(self, user: User) -> bool:
        """Whether nobody else owns this server."""
        with self.database.read() as connection:
            return _is_last_owner(connection, user)

    def _mark(self, user: str, disabled_at: datetime | None) -> User:
        with self.database.write() as connection:
            found = find_user(connection, user)
            connection.execute(update(users).where(users.c.id == found.id).values(disabled_at=disabled_at))
        return structs.replace(found, disabled_at=disabled_at)


def data_owner(user: User) -> str:
    """Whose conversations, runs and settings a user sees in the app: an owner those of this machine's terminal."""
    return LOCAL if user.role == "owner" else user.id


def owners_of(user: User) -> tuple[str, ...]:
    """Everything under which rows of the database are a user's: keys, and what they did, go by their own id."""
    return tuple(dict.fromkeys((user.id, data_owner(user))))


def _is_last_owner(connection: Connection, user: User) -> bool:
    others = select(users.c.id).where(users.c.role == "owner", users.c.id != user.id)
    return user.role == "owner" and connection.execute(others).first() is None


def _owned() -> Sequence[Table]:
    """The tables whose rows belong to somebody."""
    return [table for table in metadata.sorted_tables if "owner" in table.c and table is not usage]


def insert_user(connection: Connection, name: str, role: Role, now: datetime) -> User:
    """Add a user inside a transaction of `write`."""
    if role not in ROLES:
        raise UnknownName("role", role, ROLES)
    made = User(new_id(), checked_name(name), role, now)
    if connection.execute(select(users.c.id).where(users.c.folded == fold(made.name))).first() is not None:
        raise _taken(made.name)
    connection.execute(insert(users).values(structs.asdict(made) | {"folded": fold(made.name)}))
    return made


def rename_user(connection: Connection, user: User, name: str) -> User:
    """Give a user another name inside a transaction of `write`."""
    chosen = checked_name(name)
    same = select(users.c.id).where(users.c.folded == fold(chosen), users.c.id != user.id)
    if connection.execute(same).first() is not None:
        raise _taken(chosen)
    connection.execute(update(users).where(users.c.id == user.id).values(name=chosen, folded=fold(chosen)))
    return structs.replace(user, name=chosen)


def checked_role(role: str) -> Role:
    """A role as it is typed; raises `UnknownName`."""
    for known in ROLES:
        if role.strip().lower() == known:
            return known
    raise UnknownName("role", role, ROLES)


def find_user(connection: Connection, user: str) -> User:
    """The user of an id, a unique beginning of one, or a name."""
    given = clean(user.strip())
    prefix = given.lower()
    named = users.c.folded == fold(given)
    begins = (
        users.c.id.startswith(prefix, autoescape=True) if 4 <= len(prefix) <= 26 else users.c.id == prefix
    )
    found = connection.execute(select(users).where(or_(named, begins)).order_by(users.c.id)).all()
    by_name = [row for row in found if row.folded == fold(given)]
    if len(chosen := by_name or found) == 1:
        return user_of(chosen[0])
    if chosen:
        raise UserError(
            f"More than one user's id begins with {given!r}.", hint="Give more of it, or the name."
        )
    known = connection.execute(select(users.c.name).order_by(users.c.id.desc()).limit(20)).scalars()
    raise UnknownName("user", given, list(known))


def checked_name(name: str, what: str = "user") -> str:
    """A name that can be shown and told apart; raises `UserError`."""
    chosen = " ".join(clean(name).split())
    if not chosen or len(chosen) > LONGEST_NAME or hides(chosen):
        raise UserError(
            f"{chosen[:LONGEST_NAME]!r} cannot be the name of a {what}.",
            hint=f"A name has 1 to {LONGEST_NAME} visible characters.",
        )
    return chosen


def user_of(row: Row[Any]) -> User:
    """The user of a row."""
    return User(row.id, row.name, row.role, row.created_at, row.disabled_at)


def _taken(name: str) -> UserError:
    return UserError(f"There is a user called {name!r} already.", hint="Choose another name.")
