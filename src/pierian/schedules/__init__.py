"""What runs later: a day brief or a question, at times that the user sets, whoever is at the keyboard then.

The names are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pierian.schedules.beginning import begin, begin_due
    from pierian.schedules.briefing import brief_run, is_brief
    from pierian.schedules.scheduler import Scheduler
    from pierian.schedules.store import Question, Schedule, Schedules
    from pierian.schedules.times import next_after, read_times

__all__ = [
    "Question",
    "Schedule",
    "Scheduler",
    "Schedules",
    "begin",
    "begin_due",
    "brief_run",
    "is_brief",
    "next_after",
    "read_times",
]

_HOMES = {
    "Question": "store",
    "Schedule": "store",
    "Scheduler": "scheduler",
    "Schedules": "store",
    "begin": "beginning",
    "begin_due": "beginning",
    "brief_run": "briefing",
    "is_brief": "briefing",
    "next_after": "times",
    "read_times": "times",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
