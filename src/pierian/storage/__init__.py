"""The one database: conversations and usage, shared by every face and every process of a user.

The names are loaded when first used, so that a command which stores nothing does not pay for SQLAlchemy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pierian.storage.conversations import Conversation, Conversations, Hit, Saying, Turn
    from pierian.storage.database import Database, open_database, open_storage
    from pierian.storage.usage import DayTotals, UsageStore

__all__ = [
    "Conversation",
    "Conversations",
    "Database",
    "DayTotals",
    "Hit",
    "Saying",
    "Turn",
    "UsageStore",
    "open_database",
    "open_storage",
]

_HOMES = {
    "Conversation": "conversations",
    "Conversations": "conversations",
    "Database": "database",
    "DayTotals": "usage",
    "Hit": "conversations",
    "Saying": "conversations",
    "Turn": "conversations",
    "UsageStore": "usage",
    "open_database": "database",
    "open_storage": "database",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
