"""Events of the model server: loading, reading the prompt, restarting."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelLoading:
    """The embedded engine is not warm yet; the run waits for it."""

    model: str


@dataclass(frozen=True, slots=True)
class ModelReady:
    """The engine answers; `seconds` is how long that took."""

    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class PromptRead:
    """Progress of prompt processing, in tokens; `cached` of them cost nothing."""

    processed: int
    total: int
    cached: int


@dataclass(frozen=True, slots=True)
class EngineRestarted:
    """The engine died and was started again; the draft in progress is void."""

    reason: str
