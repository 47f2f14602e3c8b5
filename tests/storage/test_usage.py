"""The daily cap holds, whatever is reserved and settled, by however many processes."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.postgresql import address

from pierian.budget import Amount, DailyCap, Ledger
from pierian.exceptions import BudgetExhausted, StorageError
from pierian.storage import Database, UsageStore
from pierian.storage.usage import Total

NOON = datetime(2026, 11, 3, 12, 0, tzinfo=timezone(timedelta(hours=1)))
FRESH_DAYS = count()


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


def test_what_was_used_replaces_what_was_reserved(database: Database) -> None:
    store = UsageStore(database, 100, 1.0, "small", "instant")
    ticket = store.reserve(Amount(60, 0.5))
    assert store.today().pending == Total(60, 0.5)
    assert store.tokens_left() == 40
    store.settle(ticket, Amount(10, 0.25))
    today = store.today()
    assert (today.calls, today.used, today.pending, today.lost) == (1, Total(10, 0.25), Total(), Total())
    assert store.tokens_left() == 90
    store.settle(ticket, Amount(99, 9.0))
    assert store.today() == today


def test_the_ledger_can_use_it(database: Database) -> None:
    cap: DailyCap = UsageStore(database, 100)
    one, other = Ledger(daily=cap), Ledger(daily=cap)
    reservation = one.reserve(Amount(80))
    with pytest.raises(BudgetExhausted):
        other.reserve(Amount(30))
    reservation.settle(Amount(20))
    other.reserve(Amount(80)).settle(Amount(80))
    with pytest.raises(BudgetExhausted):
        one.child().reserve(Amount(1))


def test_a_reservation_that_does_not_fit_says_why_and_until_when(database: Database) -> None:
    store = UsageStore(database, 1_000, clock=Clock())
    store.settle(store.reserve(Amount(700)), Amount(700))
    store.reserve(Amount(200))
    with pytest.raises(BudgetExhausted) as caught:
        store.reserve(Amount(200))
    assert caught.value.limit == "tokens"
    assert str(caught.value) == (
        "The daily cap of 1,000 tokens is reached: 700 are used, 200 reserved by calls without a result yet, "
        "and this needs up to 200 more. It resets at midnight, as 2026-11-04 begins."
    )
    store.reserve(Amount(100))
    assert store.today().counted.tokens == 1_000


def test_the_money_cap(database: Database) -> None:
    store = UsageStore(database, None, 0.3, clock=Clock())
    for _ in range(3):
        store.settle(store.reserve(Amount(10**6, 0.1)), Amount(10**6, 0.1))
    with pytest.raises(BudgetExhausted, match=r"cap of 0\.3 in money is reached: 0\.3 is used") as caught:
        store.reserve(Amount(1, 0.001))
    assert caught.value.limit == "money"
    assert store.tokens_left() is None


def test_a_cap_of_no_money_lets_free_calls_through(database: Database) -> None:
    store = UsageStore(database, None, 0.0)
    store.reserve(Amount(10, 0.0))
    with pytest.raises(BudgetExhausted):
        store.reserve(Amount(10, 0.01))


def test_without_caps_everything_is_recorded(database: Database) -> None:
    store = UsageStore(database)
    for _ in range(3):
        store.settle(store.reserve(Amount(10**9, 100.0)), Amount(5, 0.5))
    assert store.today().used == Total(15, 1.5)


def test_more_than_was_reserved_is_recorded_in_full(database: Database) -> None:
    store = UsageStore(database, 100)
    store.settle(store.reserve(Amount(10)), Amount(150))
    assert store.today().used.tokens == 150
    assert store.tokens_left() == 0
    with pytest.raises(BudgetExhausted):
        store.reserve(Amount(1))


def test_a_new_local_day_begins_at_nothing(database: Database) -> None:
    clock = Clock(datetime(2026, 11, 3, 23, 59, tzinfo=NOON.tzinfo))
    store = UsageStore(database, 100, clock=clock)
    ticket = store.reserve(Amount(100))
    with pytest.raises(BudgetExhausted):
        store.reserve(Amount(1))
    clock.now += timedelta(minutes=2)  # still 3 November in UTC
    store.settle(store.reserve(Amount(100)), Amount(30))
    store.settle(ticket, Amount(90))
    assert [(one.day, one.used.tokens) for one in store.by_day()] == [
        (date(2026, 11, 4), 30),
        (date(2026, 11, 3), 90),
    ]
    assert [one.day for one in store.by_day(1)] == [date(2026, 11, 4)]
    assert store.today().used.tokens == 30


def test_a_day_without_calls(database: Database) -> None:
    store = UsageStore(database, 100, clock=Clock())
    assert store.today().counted == Total()
    assert store.today().day == date(2026, 11, 3)
    assert store.by_day() == ()
    assert store.tokens_left() == 100


@pytest.mark.parametrize(
    "wrong",
    [Amount(-1), Amount(1, -0.1), Amount(1, math.nan), Amount(1, math.inf), Amount(2**63)],
)
def test_what_is_not_an_amount_changes_nothing(database: Database, wrong: Amount) -> None:
    store = UsageStore(database, 100, 1.0)
    with pytest.raises(ValueError, match="Not an amount"):
        store.reserve(wrong)
    ticket = store.reserve(Amount(10))
    with pytest.raises(ValueError, match="Not an amount"):
        store.settle(ticket, wrong)
    assert store.today().pending.tokens == 10


def test_an_unknown_ticket(database: Database) -> None:
    with pytest.raises(StorageError, match="does not know the call"):
        UsageStore(database, 100).settle("nothing", Amount(1))


def test_what_a_dead_process_reserved_stays_counted(database: Database) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RESERVE_AND_DIE, *where(database)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -9
    store = UsageStore(database, 100)
    today = store.today()
    assert (today.used.tokens, today.pending.tokens, today.lost.tokens) == (0, 0, 70)
    with pytest.raises(BudgetExhausted):
        store.reserve(Amount(31))
    store.reserve(Amount(30))
    assert store.today().pending.tokens == 30


def test_a_process_that_got_the_number_of_a_dead_one_does_not_count_as_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = UsageStore(database, 100)
    monkeypatch.setattr("pierian.storage.usage.own_start", lambda pid: 1.0)
    store.reserve(Amount(40))
    assert store.today().lost.tokens == 40


def test_several_processes_spend_the_cap_exactly(database: Database) -> None:
    number = 8 if database.engine.dialect.name == "sqlite" else 3
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SPEND_ALL, *where(database)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(number)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    results = [process.communicate() for process in processes]
    assert [errors for _, errors in results] == [""] * number
    assert sum(int(made) for made, _ in results) == 200
    store = UsageStore(database, 1_000)
    assert store.today().used == Total(1_000, 0.0)
    assert store.tokens_left() == 0


def where(database: Database) -> tuple[str, str]:
    """What another process needs to open the same database."""
    return address(database), str(database.path)


Step = tuple[bool, int, float, float, float]
STEPS = st.lists(
    st.tuples(
        st.booleans(),  # reserve, or settle the oldest
        st.integers(0, 60),
        st.floats(0, 1),  # the share of the reservation that is used
        st.floats(0, 0.6),
        st.floats(0, 1),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_nothing_exceeds_the_cap(database: Database, steps: list[Step]) -> None:
    # A day of its own for each example, so that all can share one database.
    clock = Clock(datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=next(FRESH_DAYS)))
    stores = [UsageStore(database, 100, 1.0, clock=clock) for _ in range(2)]
    held: list[tuple[str, Amount]] = []
    used = Amount()
    for number, (reserves, tokens, share, money, money_share) in enumerate(steps):
        store = stores[number % 2]
        if reserves:
            booked = used + sum((amount for _, amount in held), Amount())
            wanted = Amount(tokens, money)
            fits = booked.tokens + tokens <= 100 and booked.money + money <= 1.0 - 1e-6
            misfits = booked.tokens + tokens > 100 or booked.money + money > 1.0 + 1e-6
            try:
                held.append((store.reserve(wanted), wanted))
                assert not misfits
            except BudgetExhausted:
                assert not fits
        elif held:
            ticket, amount = held.pop(0)
            spent = Amount(int(amount.tokens * share), amount.money * money_share)
            store.settle(ticket, spent)
            used = used + spent
        totals = store.today()
        assert totals.counted.tokens <= 100
        assert totals.counted.money <= 1.0 + 1e-6
        assert totals.used.tokens == used.tokens
        assert totals.pending.tokens == sum(amount.tokens for _, amount in held)


RESERVE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from pierian.budget import Amount
from pierian.storage import UsageStore, open_storage
UsageStore(open_storage(sys.argv[1], Path(sys.argv[2])), 100).reserve(Amount(70))
os.kill(os.getpid(), signal.SIGKILL)
"""

SPEND_ALL = """
import sys
from pathlib import Path
from pierian.budget import Amount
from pierian.exceptions import BudgetExhausted
from pierian.storage import UsageStore, open_database, open_storage
made, url, path = 0, sys.argv[1], Path(sys.argv[2])
with open_storage(url, path) if url else open_database(path, busy_seconds=60) as database:
    store = UsageStore(database, 1_000)
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        while True:
            store.settle(store.reserve(Amount(5)), Amount(5))
            made += 1
    except BudgetExhausted:
        print(made)
"""
