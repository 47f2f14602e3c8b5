"""Runs, models, usage and health for the OpenAPI document: what comes back, as structs.

A run's request and its events are not written down again: they are generated from the structs that travel.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from pierian.events import Answer, ApprovalNeeded
from pierian.metering.report import UsageRow
from pierian.runs.journal import RunState
from pierian.server.openapi.values import Seconds


class Run(Struct, kw_only=True):
    """A run as it stands in the list."""

    id: str
    object: Literal["run"]
    state: Annotated[
        RunState,
        Meta(
            description="`waiting`: for somebody to carry it out, or for an approval; `running`: somebody works on "
            "it; `done`: it has an answer; `failed`: it has none, and `error` says why; `stopped`: by whoever runs "
            "the server; `cancelled`: for good."
        ),
    ]
    question: str
    mode: Annotated[str | None, Meta(description="Null for a run that was begun on the command line.")]
    tools: list[str]
    created_at: datetime
    updated_at: datetime


class RunFailure(Struct):
    message: str
    hint: str


class RunDetails(Run, kw_only=True):
    """A run with what it came to."""

    answer: Annotated[Answer | None, Meta(description="With its receipt, once the run is done.")]
    approvals: Annotated[
        list[ApprovalNeeded],
        Meta(description="What it waits for: each wants an answer before the run goes on."),
    ]
    error: RunFailure | None


class RunList(Struct):
    """Runs, the newest first."""

    object: Literal["list"]
    data: list[Run]


class RunEnd(Struct):
    """The data of the event `end`, after which nothing comes."""

    state: RunState


class ModelObject(Struct):
    """A model, in OpenAI's format and Anthropic's at once."""

    id: str
    object: Literal["model"]
    created: Seconds
    owned_by: Annotated[Literal["pierian", "engine"], Meta(description="`pierian` for the name of a mode.")]
    type: Literal["model"]
    display_name: str
    created_at: datetime


class ModelList(Struct):
    """The models that the key may ask for, modes first."""

    object: Literal["list"]
    data: list[ModelObject]
    has_more: Literal[False]
    first_id: str | None
    last_id: str | None


class UsageList(Struct):
    """What was used, the newest day first."""

    object: Literal["list"]
    data: list[UsageRow]


class NewKey(Struct):
    """A key that was made just now; its secret is not shown again."""

    object: Literal["key"]
    id: str
    name: str
    user: str
    secret: str
    expires_at: str | None


class Health(Struct):
    """The process is alive."""

    status: Literal["ok"]


class Readiness(Struct):
    """Whether requests are taken, and which part of it answers."""

    status: Literal["ready", "not ready", "stopping"]
    database: bool
    model: bool
