"""Finding a time, an order or a route: any request of that kind, read, solved exactly, checked and told.

The names are loaded when first used; `is_about_arranging` alone is needed for every question.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pierian.skills.arranging.arranging import Arranged, arranged
    from pierian.skills.arranging.calendars import Calendars
    from pierian.skills.arranging.entering import ArrangingPlanner, finding, looking_again
    from pierian.skills.arranging.words import is_about_arranging, wants_entry

__all__ = [
    "Arranged",
    "ArrangingPlanner",
    "Calendars",
    "arranged",
    "finding",
    "is_about_arranging",
    "looking_again",
    "wants_entry",
]

_HOMES = {
    "Arranged": "arranging",
    "ArrangingPlanner": "entering",
    "Calendars": "calendars",
    "arranged": "arranging",
    "looking_again": "entering",
    "finding": "entering",
    "is_about_arranging": "words",
    "wants_entry": "words",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
