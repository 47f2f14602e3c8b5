"""Agents: plans as data, carried out in parallel, journalled, and never steered by what they read.

The names are loaded when first used: a question without tools needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pierian.agents.entities import Entity, Known, find_entities
    from pierian.agents.offered import choose_calls
    from pierian.agents.service import serve_runs
    from pierian.agents.session import Desk, Session, act, go_on
    from pierian.agents.workplace import local_now, named, open_desk

_HOMES = {
    "Desk": "session",
    "Entity": "entities",
    "Known": "entities",
    "Session": "session",
    "act": "session",
    "choose_calls": "offered",
    "find_entities": "entities",
    "go_on": "session",
    "local_now": "workplace",
    "named": "workplace",
    "open_desk": "workplace",
    "serve_runs": "service",
}

__all__ = [
    "Desk",
    "Entity",
    "Known",
    "Session",
    "act",
    "choose_calls",
    "find_entities",
    "go_on",
    "local_now",
    "named",
    "open_desk",
    "serve_runs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
