"""What a client of `/v1/runs` asks for, as it is sent and as it is kept with the run."""

from __future__ import annotations

from msgspec import Struct

from pierian.models.wire import Message


class Turn(Struct, frozen=True):
    """An earlier turn of the conversation."""

    role: str
    content: str


class RunRequest(Struct, frozen=True, kw_only=True):
    """What a run is to answer, and how far it may go."""

    question: str
    history: tuple[Turn, ...] = ()
    mode: str = "auto"
    """instant, thinking, contemplating or auto."""
    instructions: str = ""
    tools: tuple[str, ...] = ()
    """Tools of the server's, by name or group; only its owner's keys may name any."""
    budget_tokens: int | None = None
    budget_seconds: float | None = None
    drafts: int | None = None
    seed: int | None = None


def history_of(asked: RunRequest) -> tuple[Message, ...]:
    """The earlier turns as the assistant takes them."""
    return tuple(
        Message("user" if turn.role == "user" else "assistant", turn.content) for turn in asked.history
    )
