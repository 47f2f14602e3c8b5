"""Durable runs: the journal, who works on what, approvals and standing rules, and how all runs are stopped at once.

The names are loaded when first used, so that a question without tools does not pay for the database.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pierian.runs.acceptance import AcceptedTools
    from pierian.runs.approvals import Approval, Approvals
    from pierian.runs.carrying import Carrier
    from pierian.runs.journal import Claim, Journal, RunRecord, RunState
    from pierian.runs.rules import Rule, Rules, parse_rule
    from pierian.runs.workers import Worker, Workers
    from pierian.runs.writer import JournalWriter

_HOMES = {
    "AcceptedTools": "acceptance",
    "Approval": "approvals",
    "Approvals": "approvals",
    "Carrier": "carrying",
    "Claim": "journal",
    "Journal": "journal",
    "JournalWriter": "writer",
    "Rule": "rules",
    "Rules": "rules",
    "RunRecord": "journal",
    "RunState": "journal",
    "Worker": "workers",
    "Workers": "workers",
    "parse_rule": "rules",
}

__all__ = [
    "AcceptedTools",
    "Approval",
    "Approvals",
    "Carrier",
    "Claim",
    "Journal",
    "JournalWriter",
    "Rule",
    "Rules",
    "RunRecord",
    "RunState",
    "Worker",
    "Workers",
    "parse_rule",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
