"""Invitations: a code with an expiry, with which somebody makes their own key, or an account of the app, once.

Accepting one makes the user, the key or the password, and the note that the code was used in one transaction: of two
who accept the same code at the same moment, in whatever processes, one is let in and the other gets the same refusal
as for a code that never was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, structs
from sqlalchemy import Connection, Row, insert, select, update

from pierian.access.denial import AccessDenied, Reason
from pierian.access.grants import Grant, as_json, checked, future
from pierian.access.keys import Key, insert_key
from pierian.access.passwords import Passwords, put_password
from pierian.access.secret import INVITE_PREFIX, hashed, new_secret, well_formed, without_secret
from pierian.access.users import ROLES, Role, User, checked_name, insert_user
from pierian.exceptions import UnknownName, UserError
from pierian.storage.database import Database
from pierian.storage.ids import new_id, utc_now
from pierian.storage.tables import invites
from pierian.storage.words import clean

WEB_KEY = "web"
"""Name of the key on whose account somebody who joined asks on the pages."""


class Invite(Struct, frozen=True):
    """An invitation without its code; `created_by` and `used_by` are ids of users, or who sat at the terminal."""

    id: str
    created_by: str
    role: Role
    grant: Grant
    expires_at: datetime
    created_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None
    used_by: str | None = None

    def state(self, now: datetime) -> str:
        """`open`, `used`, `revoked` or `expired`."""
        if self.used_at is not None:
            return "used"
        if self.revoked_at is not None:
            return "revoked"
        return "open" if now < self.expires_at else "expired"


class Invites:
    """All invitations."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.database = database
        self._clock = clock

    def create(self, by: str, grant: Grant, role: Role, expires: datetime) -> tuple[Invite, str]:
        """A new invitation and its code, which is not stored; the key made with it will allow `grant`."""
        now, made = self._clock(), new_secret(INVITE_PREFIX)
        if role not in ROLES:
            raise UnknownName("role", role, ROLES)
        invite = Invite(new_id(), by, role, checked(grant, now), future(expires, now), now)
        row = structs.asdict(invite) | {
            "code_hash": made.hash,
            "grant": msgspec.json.encode(invite.grant).decode(),
        }
        with self.database.append() as connection:
            connection.execute(insert(invites).values(row))
        return invite, made.text

    def list(self) -> list[Invite]:
        """All of them, the oldest first."""
        with self.database.read() as connection:
            return [invite_of(row) for row in connection.execute(select(invites).order_by(invites.c.id))]

    def revoke(self, invite: str) -> Invite:
        """Take an invitation back; raises `UserError` where it was used already."""
        now = self._clock()
        with self.database.write() as connection:
            found = find_invite(connection, invite)
            if (state := found.state(now)) != "open":
                raise UserError(
                    f"The invitation {found.id} is {state} already.",
                    hint="pierian keys revoke ends a key that was made with it." if state == "used" else "",
                )
            connection.execute(update(invites).where(invites.c.id == found.id).values(revoked_at=now))
        return structs.replace(found, revoked_at=now)

    def accept(self, code: str, user_name: str, key_name: str = "") -> tuple[User, Key, str]:
        """Make a user and a key with a code, once; returns them with the key's secret.

        Raises `AccessDenied` for a code that is wrong, expired, taken back or used, and `UserError` for a name that
        is taken or is none; then the code still works.
        """
        now = self._clock()
        with self.database.write() as connection:
            invite, user = self._take(connection, code, user_name, now)
            key, secret = insert_key(connection, user.id, key_name, invite.grant, now)
        return user, key, secret

    def join(self, code: str, user_name: str, password: str) -> User:
        """Make a user with a password with a code, once, and a key that holds what the invitation allows.

        Raises `AccessDenied` and `UserError` as `accept` does, and `UserError` for a password that will not do; then
        the code still works.
        """
        self.open(code)  # or anybody could let the server hash
        chosen = Passwords(self.database).hashed(password, checked_name(user_name))
        now = self._clock()
        with self.database.write() as connection:
            invite, user = self._take(connection, code, user_name, now)
            put_password(connection, user.id, chosen, now)
            # What they ask on the pages goes on this key's account; nobody has its secret.
            insert_key(connection, user.id, WEB_KEY, invite.grant, now)
        return user

    def open(self, code: str) -> Invite:
        """The invitation of a code that can be accepted now, which is not used up; raises `AccessDenied`."""
        now = self._clock()
        if not well_formed(code, INVITE_PREFIX):
            raise AccessDenied("malformed", "invitation")
        with self.database.read() as connection:
            row = connection.execute(select(invites).where(invites.c.code_hash == hashed(code))).first()
        if row is None or invite_of(row).state(now) != "open":
            raise AccessDenied(_reason(row), "invitation")
        return invite_of(row)

    def _take(self, connection: Connection, code: str, user_name: str, now: datetime) -> tuple[Invite, User]:
        """Use a code up for a new user."""
        if not well_formed(code, INVITE_PREFIX):
            raise AccessDenied("malformed", "invitation")
        c, digest = invites.c, hashed(code)
        still_open = (
            c.code_hash == digest,
            c.used_at.is_(None),
            c.revoked_at.is_(None),
            c.expires_at > now,
        )
        taken = connection.execute(update(invites).where(*still_open).values(used_at=now)).rowcount
        row = connection.execute(select(invites).where(c.code_hash == digest)).first()
        if not taken or row is None:
            raise AccessDenied(_reason(row), "invitation")
        invite = invite_of(row)
        user = insert_user(connection, user_name, invite.role, now)
        connection.execute(update(invites).where(c.id == invite.id).values(used_by=user.id))
        return invite, user


def _reason(row: Row[Any] | None) -> Reason:
    if row is None:
        return "unknown"
    if row.used_at is not None:
        return "used"
    return "revoked" if row.revoked_at is not None else "expired"


def find_invite(connection: Connection, invite: str) -> Invite:
    """The invitation of an id or a unique beginning of one."""
    prefix = clean(invite.strip().lower())
    begins = invites.c.id.startswith(prefix, autoescape=True) if len(prefix) < 26 else invites.c.id == prefix
    query = select(invites).where(begins).order_by(invites.c.id).limit(2)
    found: Sequence[Row[Any]] = connection.execute(query).all() if prefix else ()
    if len(found) == 1:
        return invite_of(found[0])
    if found:
        raise UserError(f"More than one invitation's id begins with {invite!r}.", hint="Give more of it.")
    known = connection.execute(select(invites.c.id).order_by(invites.c.id.desc()).limit(5)).scalars()
    raise UnknownName("invitation", without_secret(prefix), list(known))


def invite_of(row: Row[Any]) -> Invite:
    """The invitation of a row."""
    return Invite(
        row.id,
        row.created_by,
        row.role,
        msgspec.json.decode(row.grant, type=Grant),
        row.expires_at,
        row.created_at,
        row.revoked_at,
        row.used_at,
        row.used_by,
    )


def invite_as_json(invite: Invite) -> dict[str, Any]:
    """An invitation as plain values, ready for JSON."""
    return msgspec.to_builtins(structs.asdict(invite) | {"grant": as_json(invite.grant)})
