"""A process's part: briefs are made, synced before, kept in a conversation, by one process however many there are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from tests.accounts.books import add_event

from pierian.accounts import synchronising
from pierian.accounts.account import Switches
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Progress
from pierian.accounts.troubles import AccountError
from pierian.config import Settings, paths
from pierian.events import AnswerReady
from pierian.runs import Journal, Worker
from pierian.runs.finishing import answer_of
from pierian.schedules import Question, Schedules, begin_due, briefing
from pierian.schedules.scheduler import Scheduler
from pierian.storage import Conversations, Database, open_database

NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 28, 7, 30, tzinfo=UTC)


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def scheduler(
    database: Database, clock: Clock, *, worker: Worker | None = None
) -> AsyncIterator[Scheduler]:
    failures = list[Exception]()
    with worker or Worker(database) as own:
        one = Scheduler(
            database,
            Settings(),
            own,
            begun=lambda: None,
            failed=lambda run, error: failures.append(error),
            clock=clock,
        )
        serving = asyncio.create_task(one.serve())
        try:
            yield one
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
    assert failures == []


async def done(database: Database, run: str) -> str:
    """The answer of a run, once it has ended."""
    journal = Journal(database)
    async with asyncio.timeout(60):
        while (await asyncio.to_thread(journal.state, run)) != "done":
            await asyncio.sleep(0.02)
    answer = answer_of([event for _, event in journal.events(run)])
    assert answer is not None
    return answer.text


def only(database: Database) -> str:
    """The one run that there is."""
    (one,) = Journal(database).list()
    return one.id


def brief_due(database: Database) -> Schedules:
    found = Schedules(database, clock=lambda: NOW)
    found.add("every day 7:30", "UTC", "brief")
    return found


async def test_a_brief_is_made_at_its_time_and_stands_in_a_conversation(database: Database) -> None:
    work = Accounts(database).add("work", "ics", "x", [], Switches())
    add_event(Accounts(database), work, DUE, DUE + timedelta(hours=1), "Review [x](http://evil.example)")
    schedules, clock = brief_due(database), Clock()
    async with scheduler(database, clock) as one:
        assert await one.look() == []
        clock.now = DUE
        await one.look()
        text = await done(database, run := only(database))
        assert await one.look() == [] and only(database) == run
    assert text.startswith("**Saturday, 28 November 2026**\n\n**Today**")
    assert r"Review \[x\]\(http://evil.example\)" in text
    conversation = Conversations(database).get(schedules.list()[0].conversation_id)
    assert [one.text for one in conversation.turns] == ["Day brief", text]
    assert '"mode":"brief"' in (conversation.turns[1].receipt or "")


async def test_accounts_are_synced_before_and_trouble_does_not_stop_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts, synced = Accounts(database), list[str]()
    for name in ("one", "two"):
        accounts.add(name, "ics", "x", [], Switches())
    accounts.add("closed", "ics", "x", [], Switches(read=False))

    def sync(accounts: Accounts, account: object, sealer: object, progress: object) -> None:
        synced.append(account.name)  # type: ignore[attr-defined]
        raise AccountError("example.org does not answer.", code="timeout")

    monkeypatch.setattr(synchronising, "sync_account", sync)
    brief_due(database)
    clock = Clock()
    clock.now = DUE
    async with scheduler(database, clock) as one:
        await one.look()
        assert "never been synced" in await done(database, only(database))
    assert synced == ["one", "two"]


async def test_a_sync_without_an_end_is_broken_off_when_the_process_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, begun, ended = Accounts(database).add("work", "ics", "x", [], Switches()), Event(), Event()

    def sync(accounts: Accounts, account: object, sealer: object, progress: Progress) -> None:
        begun.set()
        try:
            while True:
                progress("Work", 1, 2)
        finally:
            ended.set()

    monkeypatch.setattr(synchronising, "sync_account", sync)
    brief_due(database)
    clock = Clock()
    clock.now = DUE
    async with scheduler(database, clock):
        assert await asyncio.to_thread(begun.wait, 30)
    assert await asyncio.to_thread(ended.wait, 30)
    assert Journal(database).get(only(database)).state == "waiting"
    monkeypatch.setattr(briefing, "SYNC_SECONDS", 0.1)
    async with scheduler(database, clock):
        assert f"{work.name} has never been synced" in await done(database, only(database))


async def test_a_brief_that_comes_late_says_so(database: Database) -> None:
    brief_due(database)
    clock = Clock()
    clock.now = DUE + timedelta(hours=2)
    async with scheduler(database, clock) as one:
        await one.look()
        await done(database, run := only(database))
    answer = answer_of([event for _, event in Journal(database).events(run)])
    assert answer is not None and "due on Sat 28 Nov at 07:30" in answer.receipt.note


async def test_two_processes_make_one_brief(database: Database) -> None:
    schedules, clock = brief_due(database), Clock()
    clock.now = DUE
    async with scheduler(database, clock) as one, scheduler(database, clock) as other:
        await asyncio.gather(one.look(), other.look())
        await done(database, run := only(database))
        kept = Conversations(database).get(schedules.list()[0].conversation_id)
        async with asyncio.timeout(60):
            while any(turn.pending for turn in kept.turns) or len(kept.turns) < 2:
                await asyncio.sleep(0.02)
                kept = Conversations(database).get(kept.id)
    answers = [event for _, event in Journal(database).events(run) if isinstance(event, AnswerReady)]
    assert len(answers) == 1
    assert len(Conversations(database).get(schedules.list()[0].conversation_id).turns) == 2


async def test_the_brief_of_a_process_that_died_is_made_by_another() -> None:
    with open_database(paths().database) as database:
        brief_due(database)
        (run,) = begin_due(database, Settings(), DUE)
        Journal(database).claim(run, "a-worker-that-is-gone")
        clock = Clock()
        clock.now = DUE
        async with scheduler(database, clock):
            assert await done(database, run)


async def test_an_answer_that_was_made_elsewhere_is_filled_in(database: Database) -> None:
    schedules = Schedules(database, clock=lambda: NOW)
    schedules.add("every day 7:30", "UTC", "ask", Question(text="What is new?"))
    (run,) = begin_due(database, Settings(), DUE)
    journal = Journal(database)
    claim = journal.claim(run, "elsewhere")
    from pierian.events import Answer, Receipt, Spend

    answer = Answer("Nothing.", Receipt("auto", "double", Spend()))
    journal.release(journal.append(claim, [AnswerReady(answer)]), "done")
    async with scheduler(database, Clock()) as one:
        await one.look()
    turns = Conversations(database).get(schedules.list()[0].conversation_id).turns
    assert [one.text for one in turns] == ["What is new?", "Nothing."]
