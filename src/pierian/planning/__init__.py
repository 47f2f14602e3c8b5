"""Plans that are solved, not guessed: typed wishes, an exact solver, an independent checker, reasons and relaxations.

The names are loaded when first used, so that a command that plans nothing does not pay for the solver. Planning needs
the extra `planning`; `require_solver` says so where it is missing.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pierian.exceptions import UserError

if TYPE_CHECKING:
    from pierian.planning.checking import faults
    from pierian.planning.conflicts import Conflict, Relaxation, explain_conflict
    from pierian.planning.constraints import Plan, Problem
    from pierian.planning.explaining import Explanation, explain, explained_conflict
    from pierian.planning.solving import Undecided, solve

__all__ = [
    "Conflict",
    "Explanation",
    "Plan",
    "Problem",
    "Relaxation",
    "Undecided",
    "explain",
    "explain_conflict",
    "explained_conflict",
    "faults",
    "require_solver",
    "solve",
]

_HOMES = {
    "Conflict": "conflicts",
    "Explanation": "explaining",
    "Plan": "constraints",
    "Problem": "constraints",
    "Relaxation": "conflicts",
    "Undecided": "solving",
    "explain": "explaining",
    "explain_conflict": "conflicts",
    "explained_conflict": "explaining",
    "faults": "checking",
    "solve": "solving",
}


def require_solver() -> None:
    """Raise `UserError` with the command to type where the solver is not installed."""
    if find_spec("ortools") is None:
        raise UserError(
            "Planning needs packages that are not installed.", hint="pip install 'pierian[planning]'"
        )


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
