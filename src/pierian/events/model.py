"""Events of the model server: loading, reading the prompt, restarting."""

from __future__ import annotations

from msgspec import Struct


class ModelLoading(Struct, frozen=True):
    """The embedded engine is not warm yet; the run waits for it."""

    model: str


class ModelReady(Struct, frozen=True):
    """The engine answers; `seconds` is how long that took."""

    model: str
    seconds: float


class PromptRead(Struct, frozen=True):
    """Progress of prompt processing, in tokens; `cached` of them cost nothing."""

    processed: int
    total: int
    cached: int


class EngineRestarted(Struct, frozen=True):
    """The engine died and was started again; the draft in progress is void."""

    reason: str
