"""The writer of a run: in order, together, and nothing behind a gap."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from tests.postgresql import full_disk

from pierian.events import ApprovalNeeded, Event, StepFinished, StepStarted
from pierian.exceptions import DiskFull, RunLost
from pierian.runs import Approvals, Claim, Journal, JournalWriter
from pierian.storage import Database

LONG = "x" * 100_000


class Held(Journal):
    """A journal whose first transaction waits to be let go, and which counts them."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.go, self.begun = threading.Event(), threading.Event()
        self.batches: list[tuple[int, bool]] = []

    def append(self, claim: Claim, events: Sequence[Event], *, durable: bool = False) -> Claim:
        self.begun.set()
        assert self.go.wait(10)
        self.batches.append((len(events), durable))
        return super().append(claim, events, durable=durable)


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database)


def writer_of(journal: Journal) -> JournalWriter:
    return JournalWriter(journal, journal.create("q", {}, "w1"))


def step(number: int) -> Event:
    return StepStarted(f"s{number}", "looks it up")


def stored(writer: JournalWriter) -> list[Event]:
    entries = Journal(writer.journal.database).events(writer.run)
    assert [position for position, _ in entries] == list(range(len(entries)))
    return [event for _, event in entries]


async def test_what_was_appended_is_stored_when_append_returns(journal: Journal) -> None:
    writer = writer_of(journal)
    for number in range(3):
        await writer.append(step(number), durable=number == 1)
        assert stored(writer) == [step(one) for one in range(number + 1)]


async def test_many_at_once_cost_a_few_transactions_and_keep_their_order(database: Database) -> None:
    journal = Held(database)
    writer = writer_of(journal)
    tasks = [asyncio.create_task(writer.append(step(number), durable=number == 60)) for number in range(100)]
    assert await asyncio.to_thread(journal.begun.wait, 10)
    journal.go.set()
    await asyncio.gather(*tasks)
    assert stored(writer) == [step(number) for number in range(100)]
    assert sum(size for size, _ in journal.batches) == 100
    assert len(journal.batches) <= 3
    # What one of them needs on the disk itself takes the others of its transaction along.
    assert [durable for size, durable in journal.batches if size > 1][-1] is True


async def test_a_note_is_stored_before_what_is_appended_behind_it(journal: Journal) -> None:
    writer = writer_of(journal)
    writer.note(step(1))
    writer.note(step(2))
    await writer.append(step(3))
    assert stored(writer) == [step(1), step(2), step(3)]


async def test_a_step_and_its_end_in_one_turn_are_one_transaction(database: Database) -> None:
    journal = Held(database)
    journal.go.set()
    writer = writer_of(journal)
    for number in range(3):
        writer.note(step(number))
        await writer.append(StepFinished(f"s{number}", 1))
    assert journal.batches == [(2, False)] * 3


async def test_who_is_cancelled_while_waiting_leaves_no_gap(database: Database) -> None:
    journal = Held(database)
    writer = writer_of(journal)
    waiting = [asyncio.create_task(writer.append(step(number))) for number in range(3)]
    assert await asyncio.to_thread(journal.begun.wait, 10)
    for task in waiting[:2]:
        task.cancel()
    assert all(
        isinstance(one, asyncio.CancelledError)
        for one in await asyncio.gather(*waiting[:2], return_exceptions=True)
    )
    journal.go.set()
    await waiting[2]
    await writer.append(step(3))
    assert stored(writer) == [step(number) for number in range(4)]


async def test_giving_back_stores_what_waits_first(database: Database) -> None:
    journal = Held(database)
    writer = writer_of(journal)
    for number in range(5):
        writer.note(step(number))
    journal.go.set()
    await writer.release("stopped")
    assert stored(writer) == [step(number) for number in range(5)]
    assert journal.get(writer.run).state == "stopped"
    with pytest.raises(RunLost):
        await writer.append(step(6))
    assert len(stored(writer)) == 5


async def test_a_run_that_was_given_back_leaves_no_thread(journal: Journal) -> None:
    writer = writer_of(journal)
    await writer.append(step(0))
    (own,) = [one for one in threading.enumerate() if one.name.startswith("pierian-journal")]
    await writer.release("done")
    await asyncio.to_thread(own.join, 10)
    assert not own.is_alive()


def test_what_was_noted_when_the_loop_ends_is_stored_all_the_same(database: Database) -> None:
    journal = Held(database)

    async def leave() -> None:
        writer_of(journal).note(step(0))
        assert await asyncio.to_thread(journal.begun.wait, 10)

    asyncio.run(leave())
    (own,) = [one for one in threading.enumerate() if one.name.startswith("pierian-journal")]
    journal.go.set()
    gc.collect()  # with the writer its thread ends, behind what it has to store
    own.join(10)
    assert not own.is_alive()
    (run,) = Journal(database).list()
    assert [event for _, event in Journal(database).events(run.id)] == [step(0)]


async def test_a_full_disk_ends_the_writing_for_good(journal: Journal) -> None:
    writer = writer_of(journal)
    await writer.append(step(0))
    batch: list[Event] = [StepFinished("s1", LONG), ApprovalNeeded("s2", "aa", "t", "send", (), "r"), step(3)]
    with full_disk(journal.database):
        ends = await asyncio.gather(*(writer.append(event) for event in batch), return_exceptions=True)
        assert [type(end) for end in ends] == [DiskFull] * 3
        assert "no room left" in str(ends[0])
    # There is room again, but what would be written now would stand behind a gap.
    for act in (lambda: writer.append(step(4)), writer.flush, writer.verify, lambda: writer.release("done")):
        with pytest.raises(DiskFull):
            await act()
    with pytest.raises(DiskFull):
        writer.note(step(5))
    assert stored(writer) == [step(0)]
    assert Approvals(journal.database).list() == []
    assert journal.get(writer.run).state == "running"


async def test_a_failed_note_fails_what_comes_later(journal: Journal) -> None:
    writer = writer_of(journal)
    with full_disk(journal.database):
        writer.note(StepFinished("s1", LONG))
        with pytest.raises(DiskFull):
            await writer.flush()
    with pytest.raises(DiskFull):
        await writer.append(step(2))
    assert stored(writer) == []


async def test_a_run_that_was_taken_over_is_lost_to_all_who_wait(database: Database) -> None:
    journal = Held(database)
    writer = writer_of(journal)
    waiting = [asyncio.create_task(writer.append(step(number))) for number in range(6)]
    assert await asyncio.to_thread(journal.begun.wait, 10)
    taken = Journal(database).claim(writer.run, "w2", instead_of="w1")
    journal.go.set()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [RunLost] * 6
    with pytest.raises(RunLost):
        await writer.verify()
    assert stored(writer) == []
    assert Journal(database).append(taken, [step(7)]).position == 1


async def test_verifying_asks_the_journal(journal: Journal) -> None:
    writer = writer_of(journal)
    writer.note(step(0))
    await writer.verify()
    assert stored(writer) == [step(0)]
    journal.cancel(writer.run)
    with pytest.raises(RunLost):
        await writer.verify()


async def test_an_event_that_cannot_be_written_down_makes_nobody_wait_for_ever(journal: Journal) -> None:
    values: tuple[Any, ...] = (object(), {("a", "b"): 1}, "half a character: \udcff")
    for value in values:
        writer = writer_of(journal)
        await writer.append(step(0))
        async with asyncio.timeout(10):
            ends = await asyncio.gather(
                writer.append(StepFinished("s1", value)), writer.append(step(2)), return_exceptions=True
            )
            assert all(isinstance(end, TypeError | ValueError) for end in ends), ends
            for act in (lambda writer=writer: writer.append(step(3)), writer.flush):
                with pytest.raises((TypeError, ValueError)):
                    await act()
        assert stored(writer) == [step(0)]
