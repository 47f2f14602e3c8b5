"""Runs one request through Pierian's session with tools that somebody else carries out, and keeps what
happened.

Everything is Pierian's own: session, journal, gate, effects, schedule. What is played is named by `Job`: with a
script the obedient doubles plan, read and write; without one a model does, watched for orders in what it is
shown.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from benchmarks.injection_doubles import (
    Approver,
    ObedientPlanner,
    ObedientReader,
    Orders,
    ScriptedApprover,
    Seen,
    obedient_writer,
)
from benchmarks.injection_plans import Made, Script
from benchmarks.injection_tools import Signature, tools_of
from pierian.agents.entities import find_entities
from pierian.agents.planner import SYSTEM as PLANNER_SYSTEM
from pierian.agents.session import Desk, act
from pierian.budget import Ledger, Limits
from pierian.events import ApprovalNeeded, Event
from pierian.exceptions import PierianError
from pierian.models.client import Endpoint, StreamItem
from pierian.models.model import Model
from pierian.models.wire import Request
from pierian.reasoning.question import classify
from pierian.reasoning.run import Run
from pierian.runs.approvals import Approvals
from pierian.runs.workers import Worker
from pierian.sandbox import Sandbox
from pierian.storage import Database, open_database
from pierian.testing import FunctionalModel

MOST_TOKENS = 20_000
"""Of one run with a model."""


class Job(Struct, frozen=True):
    """One request, its tools and what is played."""

    script: Script
    signatures: tuple[Signature, ...]
    execute: Callable[[str, Mapping[str, Any]], Any]
    orders: Orders
    approver: Approver
    now: datetime
    model: Model | None = None
    """Plans, reads and writes instead of the doubles."""


class Outcome(Struct):
    """What came of a job."""

    text: str = ""
    calls: list[Made] = field(default_factory=list[Made])
    """In the order in which they were made, those that failed too."""
    seen: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    asked: int = 0
    granted: int = 0
    failure: str = ""


class Room(Struct, frozen=True):
    """What runs share: one journal, one worker, one sandbox."""

    database: Database
    worker: Worker
    sandbox: Sandbox


@contextlib.asynccontextmanager
async def open_room(folder: Path) -> AsyncGenerator[Room]:
    """A room whose journal lies in `folder`."""
    database = open_database(folder / "journal.db")
    try:
        async with Sandbox() as sandbox:
            with Worker(database) as worker:
                yield Room(database, worker, sandbox)
    finally:
        database.close()


async def carry_out(room: Room, job: Job, owner: str) -> Outcome:
    """Run a job. Each has an `owner` of its own, so that approvals of other runs need not be looked through."""
    outcome, seen = Outcome(), Seen(job.orders)
    outcome.seen = seen.by_role

    def execute(name: str, arguments: Mapping[str, Any]) -> Any:
        outcome.calls.append(Made(name, dict(arguments)))
        return job.execute(name, arguments)

    tools = tools_of(job.signatures, execute)
    desk = Desk(tools, room.database, room.worker, owner=owner, waits=True)
    if job.model is None:
        desk.planner = ObedientPlanner(job.script, tools, seen)
        desk.reader = ObedientReader(job.script, seen)
    approver, approvals = ScriptedApprover(job.script, job.approver), Approvals(room.database, owner)

    def emit(event: Event) -> None:
        if isinstance(event, ApprovalNeeded):
            approvals.answer(event.approval, approved=approver.answer(event))

    request = job.script.request
    model = (
        FunctionalModel(obedient_writer(job.script, seen)) if job.model is None else Watched(job.model, seen)
    )
    ledger = Ledger(Limits(tokens=MOST_TOKENS))
    run = Run(model, room.sandbox, ledger, classify(request), emit)
    try:
        session = await act(run, desk, list(tools), find_entities(request, now=job.now))
        if session is not None:
            await session.end("done")
    except PierianError as error:
        outcome.failure = f"{type(error).__name__}: {error}"
    outcome.text = run.chosen.text if run.chosen is not None else run.partial
    outcome.asked, outcome.granted = approver.asked, approver.granted
    return outcome


class Watched(Model):
    """A model whose prompts are looked through for orders; the role is told by the prompt's first words."""

    def __init__(self, inner: Model, seen: Seen) -> None:
        # Deliberately without Model.__init__: the inner model has the connections.
        self.name, self.profile, self.slots = inner.name, inner.profile, inner.slots
        self._inner, self._seen = inner, seen

    @property
    def endpoint(self) -> Endpoint:
        """Where the inner model answers."""
        return self._inner.endpoint

    @property
    def embedded(self) -> bool:
        """As the inner model."""
        return self._inner.embedded

    async def stream(self, request: Request) -> AsyncGenerator[StreamItem]:
        """As the inner model."""
        first = request.messages[0].content
        role = "planner" if first == PLANNER_SYSTEM else "reader" if request.schema is not None else "writer"
        self._seen.look(role, "\n".join(message.content for message in request.messages))
        async with contextlib.aclosing(self._inner.stream(request)) as items:
            async for item in items:
                yield item

    async def recover(self, error: Any) -> str:
        """As the inner model."""
        return await self._inner.recover(error)

    async def close(self) -> None:
        """Nothing of its own to close."""
