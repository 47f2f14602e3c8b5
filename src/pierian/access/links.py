"""One-time links: with one a user chooses a password, at the first visit or because they forgot theirs.

A link has an expiry and works once: of two who use it at the same moment one gets in. Making a new one ends those
that were made before. Using one ends all sessions of its user, for whoever had the old password may still be in one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from pierian.access.denial import AccessDenied, Reason
from pierian.access.passwords import Passwords, put_password
from pierian.access.secret import LINK_PREFIX, hashed, new_secret, well_formed
from pierian.access.users import User, checked_name, rename_user, user_of
from pierian.exceptions import UserError
from pierian.storage.database import Database
from pierian.storage.ids import new_id, utc_now
from pierian.storage.tables import links, sessions, users

LONGEST_HOURS = 24 * 365


class Links:
    """All one-time links."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.database = database
        self._clock = clock

    def create(self, user_id: str, hours: float = 24) -> str:
        """The code of a new link of a user, which is not stored; older ones of theirs no longer work."""
        if not 0 < hours <= LONGEST_HOURS:
            raise UserError(
                f"A link cannot work for {hours:g} hours.", hint=f"More than none, {LONGEST_HOURS:,} at most."
            )
        now, made = self._clock(), new_secret(LINK_PREFIX)
        row = {
            "id": new_id(),
            "user_id": user_id,
            "code_hash": made.hash,
            "expires_at": now + timedelta(hours=hours),
            "created_at": now,
        }
        with self.database.write() as connection:
            if connection.execute(select(users.c.id).where(users.c.id == user_id)).first() is None:
                raise UserError("This user was deleted meanwhile.")
            connection.execute(delete(links).where(links.c.user_id == user_id, links.c.used_at.is_(None)))
            connection.execute(insert(links).values(row))
        return made.text

    def open(self, code: str) -> User:
        """Whose link it is, without using it; raises `AccessDenied`."""
        return self._read(code)[0]

    def use(self, code: str, password: str, name: str | None = None) -> User:
        """Give the user of a link a password, and another name if one is given; once.

        Raises `AccessDenied` for a link that is wrong, expired or used, and `UserError` for a password that will not
        do or a name that is taken; then the link still works.
        """
        user, digest = self._read(code)  # or anybody could let the server hash
        chosen = Passwords(self.database).hashed(password, user.name if name is None else checked_name(name))
        now = self._clock()
        with self.database.write() as connection:
            still_open = (links.c.code_hash == digest, links.c.used_at.is_(None), links.c.expires_at > now)
            if not connection.execute(update(links).where(*still_open).values(used_at=now)).rowcount:
                raise AccessDenied("used", "link")
            if name is not None:
                user = rename_user(connection, user, name)
            put_password(connection, user.id, chosen, now)
            connection.execute(delete(sessions).where(sessions.c.user_id == user.id))
        return user

    def _read(self, code: str) -> tuple[User, str]:
        now, digest = self._clock(), hashed(code)
        if not well_formed(code, LINK_PREFIX):
            raise AccessDenied("malformed", "link")
        query = (
            select(users, links.c.used_at, links.c.expires_at)
            .join(links, links.c.user_id == users.c.id)
            .where(links.c.code_hash == digest)
        )
        with self.database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise AccessDenied("unknown", "link")
        if (reason := _reason(row, now)) is not None:
            raise AccessDenied(reason, "link")
        return user_of(row), digest


def _reason(row: Row[Any], now: datetime) -> Reason | None:
    """Why a link does not work, where it does not."""
    if row.used_at is not None:
        return "used"
    if row.expires_at <= now:
        return "expired"
    return "disabled" if row.disabled_at is not None else None
