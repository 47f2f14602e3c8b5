"""Planned runs that others left are carried on: those of workers that died, and those whose approvals were answered.

Finding and claiming them is `runs.carrying`; here each goes on from its journal. Nothing here starts a run or
answers an approval.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from msgspec import structs

from pierian.agents.entities import find_entities
from pierian.agents.session import Desk, go_on
from pierian.events import Answer
from pierian.exceptions import BudgetExhausted
from pierian.reasoning.run import Run
from pierian.runs.carrying import Carrier
from pierian.runs.journal import Claim, RunRecord
from pierian.runs.workers import Worker
from pierian.storage.database import Database

DeskFor = Callable[[RunRecord], AbstractAsyncContextManager[tuple[Run, Desk]]]
"""Opens what one run is carried on with; it is closed when the run has ended or waits."""


async def serve_runs(
    desk_for: DeskFor,
    answer_of: Callable[[Run], Answer],
    database: Database,
    worker: Worker,
    *,
    failed: Callable[[str, Exception], None],
    takes: Callable[[RunRecord], bool] = lambda record: True,
    stopped: Callable[[], Awaitable[None]] | None = None,
    owner: str = "local",
    at_once: int = 4,
) -> None:
    """Carry runs on until cancelled, or until `stopped` returns: the runs in hand are then stopped, not handed on.

    Args:
        answer_of: What the journal keeps as the answer of a run that has ended.
        worker: Only this service's own: runs in its name that are not in hand are taken up again.
        failed: Told of a run that failed (or, with an empty id, of a look at the database that did).
        takes: Whether a run is for this worker: it may need another model than this one has.
        at_once: Most runs at the same time.
    """

    async def carry_on(record: RunRecord, claim: Claim) -> None:
        try:
            async with desk_for(record) as (run, desk):
                entities = find_entities(record.question, now=record.created_at.astimezone())
                own = structs.replace(desk, worker=worker)
                async with asyncio.timeout(run.ledger.seconds_left()):
                    session = await go_on(run, own, claim, tuple(desk.tools), entities)
                await session.end("done", answer_of(run))
        except TimeoutError:
            told = f"The time budget ran out; `pierian runs resume {record.id}` goes on."
            failed(record.id, BudgetExhausted("seconds", told))

    carrier = Carrier(database, worker, carry_on, failed=failed, takes=takes, owner=owner, at_once=at_once)
    await carrier.serve(stopped)
