"""What a client of `/v1/runs` asks for, as it is sent and as it is kept with the run."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from pierian.assistant.request import MAX_QUESTION_CHARACTERS
from pierian.config import DraftCount, Positive, PositiveSeconds
from pierian.models.wire import Message
from pierian.reasoning import Mode
from pierian.storage.words import clean

# What is said here of the question and the mode is for the API's document: they are checked with words of their own.
Question = Annotated[
    str, Meta(extra_json_schema={"pattern": r"\S", "minLength": 1, "maxLength": MAX_QUESTION_CHARACTERS})
]
ModeName = Annotated[
    str, Meta(description="How deep to think.", extra_json_schema={"enum": [mode.value for mode in Mode]})
]
ToolNames = Annotated[
    tuple[str, ...],
    Meta(description="Tools of the server's, by name or group; only its owner's keys may name any."),
]


Pictures = Annotated[
    tuple[str, ...],
    Meta(description="Pictures that the question is about, as `data:` URLs, within the limit of the body."),
]


class Turn(Struct, frozen=True):
    """An earlier turn of the conversation."""

    role: Literal["user", "assistant"]
    content: str


MOST_CONTEXT_BYTES = 1_000_000
"""Of the instructions and the history together, in UTF-8."""


class RunRequest(Struct, frozen=True, kw_only=True):
    """What a run is to answer, and how far it may go."""

    question: Question
    history: tuple[Turn, ...] = ()
    mode: ModeName = "auto"
    instructions: str = ""
    tools: ToolNames = ()
    budget_tokens: Positive | None = None
    budget_seconds: PositiveSeconds | None = None
    drafts: Annotated[DraftCount | None, Meta(description="Most drafts of a contemplating run.")] = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    images: Pictures = ()


class ApprovalRequest(Struct, frozen=True):
    """The answer to what a run waits for."""

    approved: bool


def context_bytes(asked: RunRequest) -> int:
    """How much the instructions and the history are together, in UTF-8."""
    return sum(len(text.encode()) for text in (asked.instructions, *(turn.content for turn in asked.history)))


def storable(asked: RunRequest) -> RunRequest:
    """The request without what a database cannot hold."""
    history = tuple(Turn(turn.role, clean(turn.content)) for turn in asked.history)
    tools = tuple(clean(name) for name in asked.tools)
    return structs.replace(asked, instructions=clean(asked.instructions), history=history, tools=tools)


def history_of(asked: RunRequest) -> tuple[Message, ...]:
    """The earlier turns as the assistant takes them."""
    return tuple(Message(turn.role, turn.content) for turn in asked.history)
