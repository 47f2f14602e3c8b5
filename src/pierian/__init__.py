"""Pierian: an open, self-hosted personal AI system on open-weight models.

    from pierian import ask
    print(ask("What is 15% of 80?").text)

Names are loaded when first used, so that the command line starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pierian.assistant import AskRequest, Assistant, ask
    from pierian.config import Settings
    from pierian.events import Answer, Receipt
    from pierian.exceptions import PierianError
    from pierian.reasoning import Mode

__all__ = ["Answer", "AskRequest", "Assistant", "Mode", "PierianError", "Receipt", "Settings", "ask"]
__version__ = "0.1.0"

_HOMES = {
    "Answer": "events",
    "AskRequest": "assistant",
    "Assistant": "assistant",
    "Mode": "reasoning",
    "PierianError": "exceptions",
    "Receipt": "events",
    "Settings": "config",
    "ask": "assistant",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"pierian.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
