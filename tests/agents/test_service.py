"""What others left is carried on: each run by one worker, from where it was, and by nobody who has lost it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from pierian.agents import Desk, Session
from pierian.agents.plan import Call, Plan, to_dicts
from pierian.agents.service import serve_runs
from pierian.budget import Ledger
from pierian.events import (
    Answer,
    AnswerReady,
    ApprovalNeeded,
    EffectIntended,
    PlanMade,
    Receipt,
    Spend,
    StepFailed,
    StepFinished,
)
from pierian.exceptions import RunLost, SettingsError, StorageError, UserError
from pierian.reasoning import Run, classify
from pierian.runs import Approvals, Journal, RunRecord, Worker, Workers, carrying
from pierian.runs.workers import FRESH_SECONDS
from pierian.sandbox import Sandbox
from pierian.storage import Database, open_database
from pierian.storage.tables import workers
from pierian.testing import FunctionalModel
from pierian.tools import Tool, tool

PLAN = Plan(
    (
        Call(id="s1", tool="step", arguments={"name": "first"}),
        Call(id="s2", tool="step", arguments={"name": "second"}),
    )
)
SEND = Plan((Call(id="s1", tool="send", arguments={"name": "letter"}),))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(tmp_path / "pierian.db") as opened:
        yield opened


@pytest.fixture
def worker(database: Database) -> Iterator[Worker]:
    with Worker(database) as working:
        yield working


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "LOOK_SECONDS", 0.01)


class Place:
    """Opens desks whose tools note what they are called for; tells when a run was given back."""

    def __init__(self, database: Database, worker: Worker) -> None:
        self.database, self.worker = database, worker
        self.called: list[str] = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.at_once = self.most_at_once = 0
        self.closed: asyncio.Queue[str] = asyncio.Queue()
        self.failures: list[tuple[str, Exception]] = []
        self.broken: set[str] = set()

    def tools(self) -> dict[str, Tool]:
        async def noted(name: str) -> str:
            self.called.append(name)
            self.begun.set()
            await self.go_on.wait()
            return f"did {name}"

        @tool(effect="read")
        async def step(name: str) -> str:
            """One step."""
            return await noted(name)

        @tool(effect="send")
        async def send(name: str) -> str:
            """Send it."""
            return await noted(name)

        return {"step": step, "send": send}

    @contextlib.asynccontextmanager
    async def desk_for(self, record: RunRecord) -> AsyncGenerator[tuple[Run, Desk]]:
        if record.id in self.broken:
            raise SettingsError("There is no such tool.")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            async with Sandbox() as sandbox:
                model = FunctionalModel(lambda _: "All done.")
                run = Run(model, sandbox, Ledger(), classify(record.question), lambda _: None)
                yield run, Desk(self.tools(), self.database, self.worker)
        finally:
            self.at_once -= 1
            self.closed.put_nowait(record.id)

    @contextlib.asynccontextmanager
    async def serving(self, **options: Any) -> AsyncGenerator[None]:
        task = asyncio.create_task(
            serve_runs(
                self.desk_for,
                answered,
                self.database,
                self.worker,
                failed=lambda run, error: self.failures.append((run, error)),
                **options,
            )
        )
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def answered(run: Run) -> Answer:
    return Answer(run.chosen.text if run.chosen else "", Receipt("agents", "double", Spend()))


def dead_worker(database: Database) -> str:
    """A worker whose process has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    row = {"id": "dead", "host": os.uname().nodename, "pid": process.pid, "process_started": 1.0, "beats": 7}
    with database.append() as connection:
        connection.execute(insert(workers).values(row))
    return "dead"


def listed(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.execute(select(workers.c.id)).scalars())


def left_by(database: Database, worker: str, *events: Any, plan: Plan = PLAN) -> str:
    """A run of two steps in the journal of `worker`."""
    journal = Journal(database)
    claim = journal.create("Do the first and the second.", {}, worker)
    journal.append(claim, [PlanMade("", 1, to_dicts(plan)), *events])
    return claim.run


def waiting(database: Database, worker: str) -> str:
    """A run that waits for nobody but a worker."""
    journal = Journal(database)
    claim = journal.create("Do the first and the second.", {}, worker)
    claim = journal.append(claim, [PlanMade("", 1, to_dicts(PLAN))])
    journal.release(claim, "waiting")
    return claim.run


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_run_of_a_dead_worker_goes_on_where_it_was(database: Database, worker: Worker) -> None:
    run = left_by(database, dead_worker(database), StepFinished("s1", "did first"))
    place = Place(database, worker)
    async with place.serving():
        assert await asyncio.wait_for(place.closed.get(), 20) == run
        await until(lambda: "dead" not in listed(database))
    assert place.called == ["second"]
    assert Journal(database).get(run).state == "done"
    last = Journal(database).events(run)[-1][1]
    assert isinstance(last, AnswerReady)
    assert last.answer.text == "All done."
    assert worker.id in listed(database)


async def test_a_run_that_somebody_works_on_is_left_alone(database: Database, worker: Worker) -> None:
    with Worker(database) as other:
        theirs = left_by(database, other.id)
        ours = left_by(database, dead_worker(database))
        place = Place(database, worker)
        async with place.serving():
            assert await asyncio.wait_for(place.closed.get(), 20) == ours
        assert Journal(database).get(theirs).worker == other.id


async def test_a_run_goes_on_once_its_approvals_are_answered(database: Database, worker: Worker) -> None:
    journal = Journal(database)
    claim = journal.create("Send it.", {}, worker.id)
    asked = ApprovalNeeded("s1", "abcd1234", "send", "send", (), "It acts.")
    claim = journal.append(claim, [PlanMade("", 1, to_dicts(SEND)), asked])
    journal.release(claim, "waiting")
    other = waiting(database, worker.id)
    place = Place(database, worker)
    async with place.serving():
        assert await asyncio.wait_for(place.closed.get(), 20) == other
        assert "letter" not in place.called
        Approvals(database).answer("abcd1234", approved=True)
        assert await asyncio.wait_for(place.closed.get(), 20) == claim.run
    assert place.called[-1] == "letter"
    assert journal.get(claim.run).state == "done"


async def test_a_worker_that_wakes_up_keeps_its_run(
    database: Database, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = left_by(database, dead_worker(database))
    other = waiting(database, worker.id)
    unattended = Journal.unattended

    def woken(self: Journal, dead: Sequence[str]) -> list[tuple[str, str | None]]:
        found = unattended(self, dead)
        with database.append() as connection:
            connection.execute(
                workers.update().where(workers.c.id == "dead").values(beats=workers.c.beats + 1)
            )
        return found

    monkeypatch.setattr(Journal, "unattended", woken)
    place = Place(database, worker)
    async with place.serving():
        assert await asyncio.wait_for(place.closed.get(), 20) == other
    assert Journal(database).get(run).worker == "dead"


async def test_what_nobody_can_look_up_is_not_sent_twice(database: Database, worker: Worker) -> None:
    run = left_by(database, dead_worker(database), EffectIntended("s1", "send", "key"), plan=SEND)
    place = Place(database, worker)
    async with place.serving():
        await asyncio.wait_for(place.closed.get(), 20)
    assert place.called == []
    failed = [e for _, e in Journal(database).events(run) if isinstance(e, StepFailed)]
    assert [one.code for one in failed] == ["unknown"]


async def test_no_more_runs_at_once_than_wanted(database: Database, worker: Worker) -> None:
    for _ in range(4):
        waiting(database, worker.id)
    place = Place(database, worker)
    async with place.serving(at_once=2):
        for _ in range(4):
            await asyncio.wait_for(place.closed.get(), 20)
    assert place.most_at_once == 2
    assert {run.state for run in Journal(database).list()} == {"done"}


async def test_a_service_that_ends_leaves_its_runs_to_the_next(database: Database, worker: Worker) -> None:
    run = waiting(database, worker.id)
    first = Place(database, worker)
    first.go_on.clear()
    async with first.serving():
        await asyncio.wait_for(first.begun.wait(), 20)
    assert (Journal(database).get(run).state, Journal(database).get(run).worker) == ("waiting", None)
    with Worker(database) as other:
        second = Place(database, other)
        async with second.serving():
            await asyncio.wait_for(second.closed.get(), 20)
    assert Journal(database).get(run).state == "done"


async def test_a_run_that_fails_does_not_keep_others_from_going_on(
    database: Database, worker: Worker
) -> None:
    broken, sound = waiting(database, worker.id), waiting(database, worker.id)
    place = Place(database, worker)
    place.broken.add(broken)
    async with place.serving():
        assert await asyncio.wait_for(place.closed.get(), 20) == sound
        await until(lambda: Journal(database).get(broken).state == "failed")
    assert [run for run, _ in place.failures] == [broken]


async def test_two_services_share_the_runs(database: Database, worker: Worker) -> None:
    for _ in range(6):
        waiting(database, worker.id)
    with Worker(database) as other:
        one, two = Place(database, worker), Place(database, other)
        async with one.serving(at_once=6), two.serving(at_once=6):
            await until(lambda: {run.state for run in Journal(database).list()} == {"done"})
    assert len(one.called) + len(two.called) == 12


async def test_a_database_that_is_away_for_a_moment_ends_nothing(
    database: Database, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = waiting(database, worker.id)
    look, away = Workers.dead, iter([StorageError("The database is away.")])

    def dead(self: Workers) -> list[str]:
        for error in away:
            raise error
        return look(self)

    monkeypatch.setattr(Workers, "dead", dead)
    place = Place(database, worker)
    async with place.serving():
        assert await asyncio.wait_for(place.closed.get(), 20) == run
    assert [str(error) for _, error in place.failures] == ["The database is away."]


async def test_a_run_in_our_name_that_is_not_in_hand_is_taken_up_again(
    database: Database, worker: Worker
) -> None:
    run = left_by(database, worker.id)
    place = Place(database, worker)
    async with place.serving():
        assert await asyncio.wait_for(place.closed.get(), 20) == run
    assert Journal(database).get(run).state == "done"


class Clock:
    """A worker's clock, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        for module in ("pierian.runs.workers", "pierian.agents.session"):
            monkeypatch.setattr(f"{module}.boot_clock", lambda: self.now)


async def test_a_paused_worker_asks_before_it_acts_though_its_heart_beats_again(
    database: Database, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    monkeypatch.setattr(Worker, "_live", lambda self: None)
    with Worker(database) as paused:
        journal = Journal(database)
        claim = journal.create("q", {}, paused.id)
        run = Run(FunctionalModel(lambda _: ""), Sandbox(), Ledger(), classify("q"), lambda _: None)
        session = Session(Desk({}, database, paused), run, "q", claim)
        await session.still_ours()
        clock.now += FRESH_SECONDS + 1
        await session.still_ours()
        clock.now += FRESH_SECONDS + 1
        journal.claim(claim.run, worker.id, instead_of=paused.id)
        paused.beat()
        assert paused.fresh()
        with pytest.raises(RunLost):
            await session.still_ours()


def test_nobody_takes_a_run_from_a_worker_whose_heart_beats_again(database: Database, worker: Worker) -> None:
    dead_worker(database)
    run = left_by(database, "dead")
    watcher = Workers(database)
    assert watcher.dead() == ["dead"]
    with database.append() as connection:
        connection.execute(workers.update().where(workers.c.id == "dead").values(beats=8))
    with pytest.raises(UserError):
        Journal(database).claim(run, worker.id, instead_of="dead", beats=watcher.beats("dead"))
    assert Journal(database).get(run).worker == "dead"
    watcher.forget("dead")
    assert "dead" in listed(database)


def test_a_worker_that_was_forgotten_is_listed_again(database: Database, worker: Worker) -> None:
    with database.append() as connection:
        connection.execute(delete(workers))
    worker.beat()
    assert worker.id in listed(database)


def test_runs_of_a_worker_that_is_not_listed_are_found_by_their_owner(database: Database) -> None:
    run = left_by(database, "ended")
    assert Journal(database).unattended([]) == [(run, "ended")]
    assert Journal(database, "somebody else").unattended([]) == []
