"""Finds runs that nobody works on and has them carried on: new ones, those of workers that died, and those whose
approvals were answered.

Any number of processes may serve one database. Each looks once a second, or when it is woken, and claims what it may
do at once; whoever is late is refused by the journal and looks again. Owners take turns, so that nobody's many runs
keep those of others waiting, and what has to wait is not claimed for it. How a run is carried on is the business of
whoever uses it. When it is ended, its runs are left for the next worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from msgspec import Struct

from pierian.exceptions import RunError, RunLost, UserError
from pierian.runs.journal import Claim, Journal, RunRecord, RunState
from pierian.runs.workers import Worker, Workers
from pierian.storage.database import Database

LOOK_SECONDS = 1.0
MOST_READ = 100
"""Runs, at most, that one look reads for the first time."""
CarryOn = Callable[[RunRecord, Claim], Awaitable[None]]
"""Goes on with a claimed run and gives it back in the state that it came to."""


class _Known(Struct, frozen=True):
    """What is remembered of a run that is left lying: its request may be large and is not read at every look."""

    account: str
    ours: bool


class Carrier:
    """One process's part of the work.

    Args:
        carry_on: What it raises is told to `failed`, and marks the run as failed.
        worker: Only this carrier's own: runs in its name that are not in hand are taken up again.
        failed: Told of a run that failed (or, with an empty id, of a look at the database that did).
        takes: Whether a run is for this worker: it may need another model than this one has.
        account: On whose account a run goes.
        ready: Whether a run (its id and its account) may be claimed now; asked again at every look.
        owner: Whose runs; None for everybody's.
        at_once: Most runs at the same time; one more where a single owner has all of them and another's run waits.
    """

    def __init__(
        self,
        database: Database,
        worker: Worker,
        carry_on: CarryOn,
        *,
        failed: Callable[[str, Exception], None],
        takes: Callable[[RunRecord], bool] = lambda record: True,
        account: Callable[[RunRecord], str] = lambda record: record.owner,
        ready: Callable[[str, str], bool] = lambda run, account: True,
        owner: str | None = None,
        at_once: int = 4,
    ) -> None:
        self._journal = Journal(database, owner)
        self._workers = Workers(database)
        self._worker = worker
        self._carry_on = carry_on
        self._failed = failed
        self._takes = takes
        self._account = account
        self._ready = ready
        self._at_once = at_once
        self._left_as: RunState = "waiting"
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._known: dict[str, _Known] = {}
        self._owners: dict[str, str] = {}
        """Of the runs that are left lying or in hand."""
        self._turns: dict[str, int] = {}
        """When each owner had a turn, counted in turns."""
        self._turn = 0
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look now: there is something new."""
        self._woken.set()

    async def serve(self, stopped: Callable[[], Awaitable[None]] | None = None) -> None:
        """Until cancelled, or until `stopped` returns: the runs in hand are then stopped, not handed on."""
        told_to_stop = asyncio.create_task(_until(stopped))
        try:
            while not told_to_stop.done():
                self._woken.clear()
                try:
                    await self._look()
                except RunError as error:
                    self._failed("", error)  # the database is busy, full or away; the next look tries again
                woken = asyncio.create_task(self._woken.wait())
                await asyncio.wait(
                    {told_to_stop, woken}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                woken.cancel()
            self._left_as = "stopped"
        finally:
            told_to_stop.cancel()
            tasks = [*self._in_hand.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        """Take what is left lying, and forget the dead who left nothing."""
        own = self._worker.id
        dead = [one for one in await asyncio.to_thread(self._workers.dead) if one != own]
        left = await asyncio.to_thread(self._journal.unattended, [*dead, own])
        await self._remember([run for run, _ in left])
        waiting = dict[str, list[tuple[str, str | None]]]()
        for run, by in left:
            if run not in self._in_hand and run in self._owners and self._may(run):
                waiting.setdefault(self._owners[run], []).append((run, by))
        read = len(self._known) + MOST_READ
        while (owner := self._next(waiting)) is not None and len(self._known) < read:
            run, by = waiting[owner].pop(0)
            await self._take(run, by)
        for one in set(dead) - {by for _, by in left}:
            await asyncio.to_thread(self._workers.forget, one)

    async def _remember(self, left: list[str]) -> None:
        """Learn whose the runs are, and forget those that are not left lying any more."""
        new = [run for run in left if run not in self._owners]
        if new:
            self._owners |= await asyncio.to_thread(self._journal.owners, new)
        kept = {*left, *self._in_hand}
        self._owners = {run: owner for run, owner in self._owners.items() if run in kept}
        self._known = {run: known for run, known in self._known.items() if run in kept}
        owners = {*self._owners.values()}
        self._turns = {owner: turn for owner, turn in self._turns.items() if owner in owners}

    def _may(self, run: str) -> bool:
        """Whether it can be claimed as far as is known."""
        known = self._known.get(run)
        return known is None or (known.ours and self._ready(run, known.account))

    def _next(self, waiting: dict[str, list[tuple[str, str | None]]]) -> str | None:
        """Whose turn it is: who has the fewest runs in hand, and of those who waited longest; None without room."""
        held = [self._owners[run] for run in self._in_hand]
        owners = [owner for owner, runs in waiting.items() if runs]
        if len(held) >= self._at_once:
            alone = len(held) == self._at_once and len({*held}) == 1
            owners = [owner for owner in owners if alone and owner not in held]
        if not owners:
            return None
        owner = min(owners, key=lambda one: (held.count(one), self._turns.get(one, 0)))
        self._turn += 1
        self._turns[owner] = self._turn
        return owner

    async def _take(self, run: str, by: str | None) -> None:
        own = self._worker.id
        if not self._may(run):  # an account was told to wait since the look began
            return
        beats = None if by in (None, own) else self._workers.beats(by)
        try:
            record = await asyncio.to_thread(self._journal.get, run)
            self._known[run] = _Known(self._account(record), self._takes(record))
            if not self._may(run):
                return
            claim = await asyncio.to_thread(self._journal.claim, run, own, instead_of=by, beats=beats)
        except (UserError, RunLost):
            return  # another was first, or it has ended
        self._in_hand[run] = task = asyncio.create_task(self._carried(record, claim))

        def let_go(_: object) -> None:
            self._in_hand.pop(run)
            self._woken.set()  # there is room for another

        task.add_done_callback(let_go)

    async def _carried(self, record: RunRecord, claim: Claim) -> None:
        try:
            await self._carry_on(record, claim)
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(self._hand_back, claim))
            raise
        except Exception as error:  # noqa: BLE001 - whatever somebody's tools do, the other runs go on
            self._failed(record.id, error)
            with suppress(RunLost, RunError):  # it is marked already, or the database is away for now
                await asyncio.to_thread(self._journal.release, claim, "failed")

    def _hand_back(self, claim: Claim) -> None:
        """Leave a run that was cancelled as one that waits for nobody but a worker."""
        with suppress(UserError, RunError):  # it was cancelled before it began, and is still claimed
            claim = self._journal.claim(claim.run, self._worker.id)
        with suppress(RunLost, RunError):
            self._journal.release(claim, self._left_as)


async def _until(stopped: Callable[[], Awaitable[None]] | None) -> None:
    await (stopped() if stopped is not None else asyncio.Event().wait())
