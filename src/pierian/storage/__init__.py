"""The one database: conversations and what belongs to them, profiles, usage; shared by every face and every process.

The names are loaded when first used, so that a command which stores nothing does not pay for SQLAlchemy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pierian.storage.attachments import Attachment, Attachments
    from pierian.storage.conversations import Asked, Conversation, Conversations, Hit
    from pierian.storage.database import Database
    from pierian.storage.opening import open_database, open_storage
    from pierian.storage.profiles import Profile, Profiles
    from pierian.storage.shares import Share, Shares
    from pierian.storage.turns import LAST, Saying, Turn, Where
    from pierian.storage.usage import DayTotals, UsageStore

__all__ = [  # noqa: RUF022 (plain-sorted, as everywhere)
    "Asked",
    "Attachment",
    "Attachments",
    "Conversation",
    "Conversations",
    "Database",
    "DayTotals",
    "Hit",
    "LAST",
    "Profile",
    "Profiles",
    "Saying",
    "Share",
    "Shares",
    "Turn",
    "UsageStore",
    "Where",
    "open_database",
    "open_storage",
]

_HOMES = {
    "Asked": "conversations",
    "Attachment": "attachments",
    "Attachments": "attachments",
    "Conversation": "conversations",
    "Conversations": "conversations",
    "Database": "database",
    "DayTotals": "usage",
    "Hit": "conversations",
    "LAST": "turns",
    "Profile": "profiles",
    "Profiles": "profiles",
    "Saying": "turns",
    "Share": "shares",
    "Shares": "shares",
    "Turn": "turns",
    "UsageStore": "usage",
    "Where": "turns",
    "open_database": "opening",
    "open_storage": "opening",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
