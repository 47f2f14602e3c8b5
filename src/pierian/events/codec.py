"""Events as JSON objects, one a line, and back.

Each object has a key `event` with the snake-case name of its class. Used by `--events`, the journal and the
HTTP faces, so that they all speak one form.
"""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec

from pierian.events.answer import AnswerReady
from pierian.events.model import EngineRestarted, ModelLoading, ModelReady, PromptRead
from pierian.events.plan import (
    ApprovalGiven,
    ApprovalNeeded,
    EffectIntended,
    PlanMade,
    RunFailed,
    RunOpened,
    RunParked,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
)
from pierian.events.reasoning import (
    CalculationCorrected,
    DraftCancelled,
    DraftFinished,
    DraftStarted,
    DraftVoided,
    Escalated,
    Merging,
    ProgramRun,
    Revising,
    Routed,
    SecondLook,
    Token,
    ValueMissing,
)
from pierian.events.vision import LookTaken, PictureRead

Event = (
    ModelLoading
    | ModelReady
    | PromptRead
    | EngineRestarted
    | Routed
    | DraftStarted
    | Token
    | DraftVoided
    | DraftCancelled
    | DraftFinished
    | CalculationCorrected
    | ValueMissing
    | ProgramRun
    | PictureRead
    | LookTaken
    | SecondLook
    | Revising
    | Merging
    | Escalated
    | RunOpened
    | PlanMade
    | StepStarted
    | EffectIntended
    | StepFinished
    | StepFailed
    | StepSkipped
    | ApprovalNeeded
    | ApprovalGiven
    | RunParked
    | RunFailed
    | AnswerReady
)


def name_of(kind: type) -> str:
    """The wire name of an event class: `DraftStarted` is `draft_started`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


KINDS: dict[str, type[Any]] = {name_of(kind): kind for kind in get_args(Event)}


def encode(event: Event) -> str:
    """One line of JSON, without the newline."""
    body: dict[str, Any] = {"event": name_of(type(event)), **msgspec.to_builtins(event)}
    return msgspec.json.encode(body).decode()


def decode(line: str | bytes) -> Event:
    """The event of a line that `encode` wrote; raises `ValueError` on anything else."""
    try:
        body = msgspec.json.decode(line, type=dict[str, Any])
        kind = KINDS[body.pop("event")]
        return msgspec.convert(body, kind)
    except (msgspec.MsgspecError, KeyError, TypeError) as error:
        raise ValueError(f"Not an event: {error}") from error
