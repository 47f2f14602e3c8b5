"""The meter from an event loop: who is let in, who waits, and what becomes of callers that leave early."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from tests.postgresql import address

from pierian.access import Grant
from pierian.budget import Amount, DailyCap, Ledger, Limits
from pierian.exceptions import BudgetExhausted, StorageError
from pierian.metering import CapReached, KeyCap, Meter, RateLimited, UsageReport, Use, batches
from pierian.metering.values import Caller, Standing
from pierian.storage import Database
from pierian.storage.tables import key_leases, usage, workers

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
CALL = {"model": "small", "mode": "instant"}


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meter(database: Database, clock: Clock) -> Iterator[Meter]:
    with Meter(database, clock=clock) as made:
        yield made


def caller(key: str = "key", **grant: int) -> Caller:
    return Caller(key, "ada", Grant(**grant))  # type: ignore[arg-type]


async def test_requests_a_minute(meter: Meter, clock: Clock) -> None:
    who = caller(requests_per_minute=2)
    assert (await meter.admit(who)).standing == Standing(2, 1, 61.0)
    clock.now += timedelta(seconds=10)
    assert (await meter.admit(who)).standing.remaining_requests == 0
    with pytest.raises(
        RateLimited, match="may use 2 requests a minute: 2 are used, and this needs 1 more"
    ) as caught:
        await meter.admit(who)
    assert (caught.value.rate, caught.value.retry_after) == ("requests", 51.0)
    assert caught.value.standing.headers() == {
        "x-ratelimit-limit-requests": "2",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m1s",
    }
    await meter.admit(caller("another", requests_per_minute=2))
    clock.now += timedelta(seconds=51)
    await meter.admit(who)


async def test_a_request_is_let_in_only_while_a_token_is_left(meter: Meter) -> None:
    who = caller(tokens_per_minute=100)
    await meter.reserve(who, Use(prompt_tokens=60, completion_tokens=40), **CALL)
    with pytest.raises(RateLimited) as caught:
        await meter.admit(who)
    assert caught.value.rate == "tokens"
    assert (await meter.admit(caller("another"))).standing.headers() == {}


async def test_requests_at_the_same_time(meter: Meter) -> None:
    who = caller(concurrent=2)
    first, _ = await meter.admit(who), await meter.admit(who)
    with pytest.raises(RateLimited, match="2 of 2 requests at the same time") as caught:
        await meter.admit(who)
    assert (caught.value.rate, caught.value.retry_after) == ("concurrent", 1.0)
    meter.leave(first)
    meter.leave(first)  # a second time does nothing
    await meter.admit(who)
    with pytest.raises(RateLimited):
        await meter.admit(who)


async def test_places_are_counted_over_all_processes(meter: Meter, database: Database) -> None:
    who = caller(concurrent=2)
    with Meter(database) as other:
        await meter.admit(who)
        theirs = await other.admit(who)
        for one in (meter, other):
            with pytest.raises(RateLimited):
                await one.admit(who)
        other.leave(theirs)
        await other.admit(caller("unlimited"))  # what is written after it: by then the place is free
        await meter.admit(who)
        with pytest.raises(RateLimited):
            await other.admit(who)
    with database.read() as connection:
        assert connection.execute(select(key_leases.c.worker)).scalars().all() == [meter.worker.id]


async def test_a_process_that_died_blocks_no_key(meter: Meter, database: Database) -> None:
    who = caller(concurrent=1, day_cap=100)
    died = subprocess.run(
        [sys.executable, "-c", ADMIT_AND_DIE, address(database), str(database.path)], check=False
    )
    assert died.returncode == -signal.SIGKILL
    with database.read() as connection:
        assert connection.execute(select(key_leases.c.running)).scalars().all() == [1]
    await meter.admit(who)
    with pytest.raises(CapReached):  # but nobody knows what its call cost
        await meter.reserve(who, Use(money=41), **CALL)
    await meter.reserve(who, Use(money=40), **CALL)


async def test_a_process_of_another_machine_is_dead_when_its_heart_stands_still(
    meter: Meter, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = [0.0]
    monkeypatch.setattr("pierian.runs.workers.time.monotonic", lambda: passed[0])
    row = {"id": "far", "host": "far away", "pid": 1, "process_started": 1.0, "beats": 5}
    with database.write() as connection:
        connection.execute(workers.insert().values(row))
        connection.execute(key_leases.insert().values(key_id="key", worker="far", running=1))
    who = caller(concurrent=1)
    for seconds in (1.0, 6.0):
        passed[0] += seconds
        with pytest.raises(RateLimited):
            await meter.admit(who)
    passed[0] += 3.0
    await meter.admit(who)


async def test_a_cancelled_caller_leaves_nothing_behind(
    meter: Meter, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = caller(concurrent=1, day_cap=100)
    gate, write = threading.Event(), meter._batches._write

    def slowly(batch: Any) -> Any:
        gate.wait(30)
        return write(batch)

    monkeypatch.setattr(meter._batches, "_write", slowly)
    tasks = [
        asyncio.create_task(meter.admit(who)),
        asyncio.create_task(meter.reserve(who, Use(money=100), **CALL)),
    ]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    assert all(
        isinstance(r, asyncio.CancelledError) for r in await asyncio.gather(*tasks, return_exceptions=True)
    )
    gate.set()
    # The first of each comes to an end before what is asked for after it is decided, or is refused in between.
    for _ in range(100):
        try:
            await meter.admit(who)
            await meter.reserve(who, Use(money=100), **CALL)
            break
        except BudgetExhausted:
            continue
    else:
        pytest.fail("The place or the reservation was never given back.")


async def test_settling_replaces_the_reservation_once(meter: Meter, database: Database) -> None:
    who = caller(day_cap=100)
    ticket = await meter.reserve(who, Use(100, 0, 50, 100), **CALL)
    await meter.settle(ticket, Use(90, 30, 20, 40))
    await meter.settle(ticket, Use(90, 30, 20, 40))
    await meter.reserve(who, Use(money=60), **CALL)
    with pytest.raises(ValueError, match="Not something that can be used"):
        await meter.reserve(who, Use(money=-1), **CALL)
    with database.read() as connection:
        row = connection.execute(select(usage).where(usage.c.settled.is_(True))).one()
    assert (row.owner, row.key_id, row.model, row.mode) == ("ada", "key", "small", "instant")
    assert (row.prompt_tokens, row.cached_tokens, row.used_tokens, row.requests) == (90, 30, 20, 1)


async def test_what_could_not_be_written_can_be_tried_again(
    meter: Meter, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = caller(concurrent=1, day_cap=100)
    admission, ticket = await meter.admit(who), await meter.reserve(who, Use(money=100), **CALL)
    with monkeypatch.context() as patch:
        patch.setattr(database, "write", _locked)
        meter.leave(admission)
        for _ in range(2):
            with pytest.raises(StorageError):
                await meter.settle(ticket, Use(money=10))
        with pytest.raises(StorageError):
            await meter.admit(who)
    await meter.admit(who)  # the place was given back, though it could not be written then
    await meter.settle(ticket, Use(money=10))
    await meter.reserve(who, Use(money=90), **CALL)


async def test_what_was_used_is_written_once_the_database_is_free_again(
    meter: Meter, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "AGAIN_SECONDS", 0.01)
    who, tried = caller(day_cap=100), threading.Semaphore(0)
    cap = KeyCap(meter, who, **CALL)
    ticket, run = await meter.reserve(who, Use(money=50), **CALL), cap.reserve(Amount(1, 50e-9))

    def locked() -> Any:
        tried.release()
        raise StorageError("The database is locked.")

    with monkeypatch.context() as patch:
        patch.setattr(database, "write", locked)
        meter.settle_soon(ticket, Use(money=10))
        cap.settle(run, Amount(1, 5e-9, 3))
        for _ in range(4):
            assert await asyncio.to_thread(tried.acquire, timeout=10)
        with pytest.raises(StorageError):  # nobody else waits for it
            await meter.reserve(who, Use(money=1), **CALL)
    async with asyncio.timeout(10):
        while UsageReport(database, clock=clock).totals("key").day_money != 15:
            await asyncio.sleep(0.01)
    assert (ticket.used, cap.money) == (Use(money=10), 5)


async def test_what_was_kept_is_written_when_the_meter_closes(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, tried = caller(day_cap=100), threading.Event()

    def locked() -> Any:
        tried.set()
        raise StorageError("The database is locked.")

    with Meter(database, clock=clock) as meter:
        ticket = await meter.reserve(who, Use(money=50), **CALL)
        with monkeypatch.context() as patch:
            patch.setattr(database, "write", locked)
            meter.settle_soon(ticket, Use(money=10))
            assert await asyncio.to_thread(tried.wait, 10)
    assert UsageReport(database, clock=clock).totals("key").day_money == 10


async def test_the_event_loop_goes_on_while_a_run_reserves(
    meter: Meter, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, write = threading.Event(), meter._batches._write

    def slowly(batch: Any) -> Any:
        assert gate.wait(10)
        return write(batch)

    monkeypatch.setattr(meter._batches, "_write", slowly)
    ledger = Ledger(Limits(tokens=100), daily=KeyCap(meter, caller(day_cap=100), **CALL))
    first, left = (asyncio.create_task(ledger.reserve_soon(Amount(50, 100e-9))) for _ in range(2))
    await asyncio.sleep(0)
    with pytest.raises(
        BudgetExhausted, match="0 tokens are left"
    ):  # what is being reserved is held meanwhile
        await ledger.reserve_soon(Amount(1))
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    assert ledger.reserved.tokens == 50
    gate.set()
    (await first).settle(Amount(20, 40e-9))
    (await ledger.reserve_soon(Amount(50, 60e-9))).settle(Amount(30, 50e-9, 7))
    assert not ledger.refused
    with pytest.raises(CapReached):
        await ledger.reserve_soon(Amount(1, 11e-9))
    assert ledger.refused
    assert (ledger.reserved.tokens, ledger.spent.tokens) == (0, 50)
    assert UsageReport(database, clock=clock).totals("key").day_money == 90


def _locked() -> Any:
    raise StorageError("The database is locked.")


async def test_many_callers_share_few_transactions(meter: Meter, database: Database) -> None:
    who, commits = caller(day_cap=10**6), list[object]()
    event.listen(database.engine, "commit", commits.append)
    tickets = await asyncio.gather(*(meter.reserve(who, Use(money=1), **CALL) for _ in range(200)))
    await asyncio.gather(*(meter.settle(ticket, Use(money=1)) for ticket in tickets))
    assert len(commits) < 20


async def test_a_closed_meter_keeps_nobody_waiting(database: Database) -> None:
    who = caller(concurrent=1)
    with Meter(database) as meter:
        admission, cap = await meter.admit(who), KeyCap(meter, who, **CALL)
    meter.leave(admission)
    with pytest.raises(RuntimeError, match="not open"):
        await meter.admit(who)
    with pytest.raises(RuntimeError, match="not open"):
        cap.reserve(Amount(1))
    with Meter(database) as meter:
        await meter.admit(who)


async def test_the_ledger_of_a_run_can_use_it(meter: Meter, database: Database, clock: Clock) -> None:
    who = caller(day_cap=10**9, tokens_per_minute=10)
    key_cap = KeyCap(meter, who, **CALL)
    cap: DailyCap = key_cap
    assert cap.tokens_left() is None
    ledger = Ledger(Limits(), daily=cap)
    ledger.reserve(Amount(50, 0.5)).settle(Amount(20, 0.25))  # rates hold nothing back that has begun
    second = ledger.child().reserve(Amount(50, 0.75))
    with pytest.raises(BudgetExhausted, match="cap of 1.00 a day is reached") as caught:
        ledger.reserve(Amount(1, 0.01))
    assert caught.value.limit == "money"
    second.settle(Amount(30, 0.5))
    assert key_cap.money == 75 * 10**7
    await key_cap.finish(1_000, 600, 2 * 10**8)  # most of the prompt was cached
    (row,) = UsageReport(database, clock=clock).by_day(key="key")
    assert (row.requests, row.prompt_tokens, row.cached_tokens, row.completion_tokens) == (1, 1_000, 600, 50)
    assert (row.money, row.open_money, key_cap.money) == (2 * 10**8, 0, 2 * 10**8)
    totals = UsageReport(database, clock=clock).totals("key")
    assert (totals.day_money, totals.month_money, totals.day_requests) == (2 * 10**8, 2 * 10**8, 1)
    with pytest.raises(RateLimited):
        await meter.admit(who)
    with pytest.raises(StorageError):
        cap.settle("nothing", Amount(1))


async def test_the_daily_tokens_of_the_settings_bound_a_run(database: Database) -> None:
    with Meter(database, daily_tokens=100) as meter:
        cap = KeyCap(meter, caller(), **CALL)
        cap.settle(cap.reserve(Amount(60)), Amount(40))
        assert cap.tokens_left() == 60
        with pytest.raises(CapReached):
            cap.reserve(Amount(61))


ADMIT_AND_DIE = """
import asyncio, os, signal, sys
from pathlib import Path
from pierian.access import Grant
from pierian.metering import Meter, Use
from pierian.metering.values import Caller
from pierian.storage import open_storage
from datetime import UTC, datetime
NOON = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)
async def main():
    who = Caller("key", "ada", Grant(concurrent=1, day_cap=100))
    with Meter(open_storage(sys.argv[1], Path(sys.argv[2])), clock=lambda: NOON) as meter:
        await meter.admit(who)
        await meter.reserve(who, Use(money=60), model="small", mode="instant")
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
