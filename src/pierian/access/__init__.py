"""Who may use the server: users, their keys with what each may do, passwords and sessions of the app, invitations.

It says who somebody is and what was granted; that nobody gets more is the business of `metering`. The names are
loaded when first used, so that a command which needs none of them does not pay for the database.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pierian.access.attempts import Attempts
    from pierian.access.denial import AccessDenied, SessionEnded, SignInRefused, TooManyAttempts
    from pierian.access.grants import Grant
    from pierian.access.invites import Invite, Invites
    from pierian.access.keys import Key, Keys
    from pierian.access.links import Links
    from pierian.access.passwords import Passwords
    from pierian.access.sessions import Session, Sessions
    from pierian.access.users import Role, User, Users, data_owner, owners_of

_HOMES = {
    "AccessDenied": "denial",
    "Attempts": "attempts",
    "Grant": "grants",
    "Invite": "invites",
    "Invites": "invites",
    "Key": "keys",
    "Keys": "keys",
    "Links": "links",
    "Passwords": "passwords",
    "Role": "users",
    "Session": "sessions",
    "SessionEnded": "denial",
    "Sessions": "sessions",
    "SignInRefused": "denial",
    "TooManyAttempts": "denial",
    "User": "users",
    "Users": "users",
    "data_owner": "users",
    "owners_of": "users",
}

__all__ = [
    "AccessDenied",
    "Attempts",
    "Grant",
    "Invite",
    "Invites",
    "Key",
    "Keys",
    "Links",
    "Passwords",
    "Role",
    "Session",
    "SessionEnded",
    "Sessions",
    "SignInRefused",
    "TooManyAttempts",
    "User",
    "Users",
    "data_owner",
    "owners_of",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
