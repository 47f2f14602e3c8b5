"""Events of planned work: the plan, its steps, what acts, who approves.

These are also the journal of a run: folding them in order (`agents.state`) gives back where the run was. A
step is named by its path, such as `s2` or `s3/s1` for the first step of the sub-agent that is step 3; a scope
is the path of the sub-agent whose plan it is, empty for the run's own.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec
from msgspec import Struct

from pierian.provenance import NOBODY, Labelled, Labels


class PlanMade(Struct, frozen=True):
    """A plan was written: round 1, or a further one after failures, whose steps come on top.

    `steps` are as `agents.plan` defines them.
    """

    scope: str
    round: int
    steps: tuple[dict[str, Any], ...]
    entities: dict[str, Labelled] = {}
    """What the names that are not steps stand for."""


class StepStarted(Struct, frozen=True):
    """A step began; `what` says what it does, in a few words for a person."""

    step: str
    what: str


class EffectIntended(Struct, frozen=True):
    """Written to disk before a tool that acts is called, so that a crash in between is seen afterwards."""

    step: str
    tool: str
    key: str
    part: str = ""
    """Which of several effects of the step; empty where there is one."""


class StepFinished(Struct, frozen=True):
    """A step gave a value. `confirmed`: what it did was looked up afterwards and is there."""

    step: str
    value: Any = None
    labels: Labels = NOBODY
    tokens: int = 0
    confirmed: bool = False


class StepFailed(Struct, frozen=True):
    """A step failed; the code is from a closed set, the message is for people alone."""

    step: str
    code: str
    message: str = ""


class StepSkipped(Struct, frozen=True):
    """A step is not to be done: its branch was not taken, or what it needs failed."""

    step: str
    reason: str


class ShownArgument(Struct, frozen=True):
    """An argument as it is shown to whoever approves: its value and where it came from."""

    name: str
    value: Any
    source: str

    @property
    def text(self) -> str:
        """The value as a person reads it: records on a line each, without their ids and what is empty in them."""
        value: object = self.value
        if isinstance(value, str):
            return value
        every = cast(list[object], value) if isinstance(value, list) else [value]
        if every and all(isinstance(one, dict) for one in every):
            return "\n".join(_line(cast(dict[str, Any], one)) for one in every)
        return _encoded(value)


class ApprovalNeeded(Struct, frozen=True):
    """Somebody has to say yes before the step acts."""

    step: str
    approval: str
    tool: str
    effect: str
    arguments: tuple[ShownArgument, ...]
    reason: str


class ApprovalGiven(Struct, frozen=True):
    """The answer to it; `by` is a person, or the rule that allowed it."""

    step: str
    approval: str
    approved: bool
    by: str


class RunParked(Struct, frozen=True):
    """Nothing can go on without somebody's answer; the run keeps its place in the journal."""

    run: str
    reason: str


class RunOpened(Struct, frozen=True):
    """A journalled run began or goes on, under this id."""

    run: str
    resumed: bool = False


class RunFailed(Struct, frozen=True):
    """The run ended without an answer; the sentences are for people."""

    run: str
    reason: str
    hint: str = ""


def _line(record: dict[str, Any]) -> str:
    kept = {name: one for name, one in record.items() if name != "id" and one not in ("", [], None, False)}
    return "; ".join(f"{name}: {_told(one)}" for name, one in kept.items()) or _encoded(record)


def _told(value: object) -> str:
    """In quotation marks where it could look like more than one value."""
    if isinstance(value, str) and value.isprintable() and ";" not in value:
        return value
    return _encoded(value)


def _encoded(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=repr).decode()
