"""Trips: read from a request, offers and free days fetched side by side, solved exactly, shown, put into a calendar.

The names are loaded when first used: a question that is not about a trip needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pierian.skills.travel.planner import SKILL, TripPlanner
    from pierian.skills.travel.tools import trip_tools
    from pierian.skills.travel.trip import Trip
    from pierian.skills.travel.words import is_about_a_trip

_HOMES = {
    "SKILL": "planner",
    "Trip": "trip",
    "TripPlanner": "planner",
    "is_about_a_trip": "words",
    "trip_tools": "tools",
}

__all__ = ["SKILL", "Trip", "TripPlanner", "is_about_a_trip", "trip_tools"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
