"""A worker that carries on what others left: runs of workers that died, and runs whose approvals were
answered.

Any number of processes may serve one database. Each looks once a second, claims what nobody works on, as much
as it may do at once, and goes on with it from the journal; whoever is late is refused by the journal and
looks again. It starts no runs of its own and answers no approvals. When it is ended, its runs are left for
the next worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field

from msgspec import structs

from pierian.agents.entities import find_entities
from pierian.agents.session import Desk, go_on
from pierian.events import Answer
from pierian.exceptions import BudgetExhausted, RunError, RunLost, UserError
from pierian.reasoning.run import Run
from pierian.runs.journal import Claim, Journal, RunRecord, RunState
from pierian.runs.workers import Worker, Workers
from pierian.storage.database import Database

LOOK_SECONDS = 1.0
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
    journal, workers = Journal(database, owner), Workers(database)
    service = _Service(desk_for, answer_of, worker, failed, takes, at_once, journal, workers)
    told_to_stop = asyncio.create_task(_until(stopped))
    try:
        while not told_to_stop.done():
            try:
                await service.look()
            except RunError as error:
                failed("", error)  # the database is busy, full or away; the next look tries again
            await asyncio.wait({told_to_stop}, timeout=LOOK_SECONDS)
        service.left_as = "stopped"
    finally:
        told_to_stop.cancel()
        tasks = [*service.in_hand.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(stopped: Callable[[], Awaitable[None]] | None) -> None:
    await (stopped() if stopped is not None else asyncio.Event().wait())


@dataclass
class _Service:
    desk_for: DeskFor
    answer_of: Callable[[Run], Answer]
    worker: Worker
    failed: Callable[[str, Exception], None]
    takes: Callable[[RunRecord], bool]
    at_once: int
    journal: Journal
    workers: Workers
    left_as: RunState = "waiting"
    """How runs in hand are left when it ends."""
    in_hand: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])

    async def look(self) -> None:
        """Take what is left lying, and forget the dead who left nothing."""
        dead = [one for one in await asyncio.to_thread(self.workers.dead) if one != self.worker.id]
        left = await asyncio.to_thread(self.journal.unattended, [*dead, self.worker.id])
        for run, by in left:
            if run not in self.in_hand and len(self.in_hand) < self.at_once:
                await self._take(run, by)
        for one in set(dead) - {by for _, by in left}:
            await asyncio.to_thread(self.workers.forget, one)

    async def _take(self, run: str, by: str | None) -> None:
        own = self.worker.id
        beats = None if by in (None, own) else self.workers.beats(by)
        try:
            record = await asyncio.to_thread(self.journal.get, run)
            if not self.takes(record):
                return
            claim = await asyncio.to_thread(self.journal.claim, run, own, instead_of=by, beats=beats)
        except (UserError, RunLost):
            return  # another was first, or it has ended
        self.in_hand[run] = asyncio.create_task(self._carry_on(record, claim))
        self.in_hand[run].add_done_callback(lambda _: self.in_hand.pop(run))

    async def _carry_on(self, record: RunRecord, claim: Claim) -> None:
        try:
            async with self.desk_for(record) as (run, desk):
                entities = find_entities(record.question, now=record.created_at.astimezone())
                own = structs.replace(desk, worker=self.worker)
                async with asyncio.timeout(run.ledger.seconds_left()):
                    session = await go_on(run, own, claim, tuple(desk.tools), entities)
                await session.end("done", self.answer_of(run))
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(self._hand_back, claim))
            raise
        except TimeoutError:
            told = f"The time budget ran out; `pierian runs resume {record.id}` goes on."
            self.failed(record.id, BudgetExhausted("seconds", told))
        except Exception as error:  # noqa: BLE001 - whatever somebody's desk or planner does, the other runs go on
            self.failed(record.id, error)
            with suppress(RunLost, RunError):  # it is marked already, or the database is away for now
                await asyncio.to_thread(self.journal.release, claim, "failed")

    def _hand_back(self, claim: Claim) -> None:
        """Leave a run that was cancelled as one that waits for nobody but a worker."""
        with suppress(UserError, RunError):  # it was cancelled before it began, and is still claimed
            claim = self.journal.claim(claim.run, self.worker.id)
        with suppress(RunLost, RunError):
            self.journal.release(claim, self.left_as)
