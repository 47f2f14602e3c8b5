"""A key's caps hold exactly, whatever is reserved, settled and left behind, in whatever order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from pierian.access import Grant
from pierian.budget import Amount
from pierian.exceptions import BudgetExhausted
from pierian.metering import CapReached, RateLimited, Ticket, UsageReport, Use
from pierian.metering.books import Books
from pierian.metering.values import Caller
from pierian.metering.work import Reserve, Settle
from pierian.storage import Database, UsageStore
from pierian.storage.tables import key_totals

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
KEYS = count()


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Model:
    """What the books should say."""

    day_cap: int
    month_cap: int
    booked: dict[str, int] = field(default_factory=dict[str, int])

    def fits(self, day: str, money: int) -> bool:
        day_left = self.day_cap - self.booked.get(day, 0)
        return money <= min(day_left, self.month_cap - self.booked.get(day[:7], 0))

    def book(self, day: str, money: int) -> None:
        for period in (day, day[:7]):
            self.booked[period] = self.booked.get(period, 0) + money


def books(database: Database, clock: Clock, **daily: float) -> Books:
    """The books as another process writes them."""
    return Books(database, f"w{next(KEYS)}", daily.get("tokens"), daily.get("money"), clock)  # type: ignore[arg-type]


def caller(**grant: int) -> Caller:
    return Caller(f"key{next(KEYS)}", "user", Grant(**grant))  # type: ignore[arg-type]


def asked(who: Caller, money: int, tokens: int = 0) -> Reserve:
    return Reserve(who, Use(completion_tokens=tokens, money=money), "small", "instant")


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("reserve"), st.lists(st.integers(0, 60), min_size=1, max_size=4), st.integers(0, 1)
        ),
        st.tuples(st.just("settle"), st.integers(0, 9), st.floats(0, 1)),
        st.tuples(st.just("crash"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("next day"), st.just(0), st.just(0)),
    ),
    max_size=20,
)


@settings(max_examples=60)
@given(steps=STEPS)
def test_the_books_agree_with_their_model(
    database: Database, steps: list[tuple[str, object, object]]
) -> None:
    clock, who, model = Clock(), caller(day_cap=100, month_cap=250), Model(100, 250)
    processes, held = [books(database, clock), books(database, clock)], list[tuple[int, Ticket]]()
    for kind, what, more in steps:
        if kind == "reserve":
            assert isinstance(what, list)
            process = int(more)  # type: ignore[call-overload]
            day = clock.now.date().isoformat()
            outcomes = processes[process].write([asked(who, money) for money in what])
            for money, outcome in zip(what, outcomes, strict=True):
                assert isinstance(outcome, Ticket) == model.fits(day, money)
                if isinstance(outcome, Ticket):
                    model.book(day, money)
                    held.append((process, outcome))
        elif kind == "settle" and held:
            process, ticket = held.pop(int(what) % len(held))  # type: ignore[call-overload]
            used = int(ticket.most.money * float(more))  # type: ignore[arg-type]
            processes[process].write([Settle(ticket, Use(money=used))])
            model.book(ticket.day, used - ticket.most.money)
        elif kind == "crash":
            # Its reservations stay counted; the process that takes its place knows nothing of them.
            processes[int(what)] = books(database, clock)  # type: ignore[call-overload]
            held = [(process, ticket) for process, ticket in held if process != what]
        elif kind == "next day":
            clock.now += timedelta(days=1)
        c = key_totals.c
        with database.read() as connection:
            rows = connection.execute(select(key_totals).where(c.key_id == who.key)).all()
        stored = {row.period: row.used_money + row.reserved_money for row in rows}
        assert stored == {period: money for period, money in model.booked.items() if period in stored}
        assert set(model.booked) == set(stored)
        assert all(money <= (100 if len(period) == 10 else 250) for period, money in stored.items())
        assert all(row.used_money >= 0 and row.reserved_money >= 0 for row in rows)


@given(cap=st.integers(0, 500), cost=st.integers(1, 100), batch=st.integers(1, 40))
@settings(max_examples=20)
def test_exactly_as_many_succeed_as_the_cap_allows(
    database: Database, cap: int, cost: int, batch: int
) -> None:
    clock, who = Clock(), caller(day_cap=cap)
    one, other, made = books(database, clock), books(database, clock), 0
    for turn in range(cap // cost // batch + 2):
        process = (one, other)[turn % 2]
        tickets = [t for t in process.write([asked(who, cost)] * batch) if isinstance(t, Ticket)]
        process.write([Settle(ticket, Use(money=cost)) for ticket in tickets])
        made += len(tickets)
    assert made == cap // cost


def test_a_refusal_says_which_cap_what_is_left_and_until_when(database: Database) -> None:
    clock, who = (
        Clock(datetime(2026, 12, 31, 23, 0, tzinfo=UTC)),
        caller(day_cap=3 * 10**9, month_cap=4 * 10**9),
    )
    own = books(database, clock)
    (ticket,) = own.write([asked(who, 2 * 10**9)])
    assert isinstance(ticket, Ticket)
    own.write([Settle(ticket, Use(money=10**9))])
    own.write([asked(who, 5 * 10**8)])
    (refused,) = own.write([asked(who, 2 * 10**9)])
    assert isinstance(refused, CapReached)
    assert (refused.cap, refused.limit, refused.left) == ("day", "money", 15 * 10**8)
    assert refused.resets_at == datetime(2027, 1, 1, tzinfo=UTC)
    assert str(refused) == (
        "This key's cap of 3.00 a day is reached: 1.00 is used, 0.50 reserved by calls without a result, "
        "and this needs up to 2.00 more. It resets as 2027-01-01 begins."
    )
    clock.now -= timedelta(days=1)
    own.write([asked(who, 2 * 10**9)])
    (refused,) = own.write([asked(who, 10**9)])
    assert isinstance(refused, CapReached)
    assert (refused.cap, refused.left, refused.resets_at) == (
        "month",
        5 * 10**8,
        datetime(2027, 1, 1, tzinfo=UTC),
    )


def test_what_ends_after_midnight_counts_for_the_day_before(database: Database) -> None:
    clock, who = Clock(), caller(day_cap=100, month_cap=1_000)
    own = books(database, clock)
    (ticket,) = own.write([asked(who, 100)])
    clock.now += timedelta(days=1)  # also another month
    assert isinstance(ticket, Ticket)
    own.write([Settle(ticket, Use(money=40))])
    assert isinstance(own.write([asked(who, 100)])[0], Ticket)
    clock.now -= timedelta(days=1)
    assert isinstance(own.write([asked(who, 60)])[0], Ticket)
    assert isinstance(own.write([asked(who, 1)])[0], CapReached)


def test_more_than_was_reserved_counts_in_full(database: Database) -> None:
    own, who = books(database, Clock()), caller(day_cap=100)
    (ticket,) = own.write([asked(who, 10)])
    assert isinstance(ticket, Ticket)
    own.write([Settle(ticket, Use(money=99))])
    assert isinstance(own.write([asked(who, 2)])[0], CapReached)


def test_a_cap_of_nothing_lets_free_calls_through(database: Database) -> None:
    own, who = books(database, Clock()), caller(day_cap=0)
    assert isinstance(own.write([asked(who, 0)])[0], Ticket)
    assert isinstance(own.write([asked(who, 1)])[0], CapReached)


def test_the_caps_of_the_settings_are_kept_by_both_who_know_them(database: Database) -> None:
    clock = Clock()
    own, store = books(database, clock, tokens=100, money=1.0), UsageStore(database, 100, 1.0, clock=clock)
    ticket = store.reserve(Amount(40, 0.25))
    first, refused = own.write([asked(caller(), 5 * 10**8, 50), asked(caller(), 0, 11)])
    assert isinstance(first, Ticket)
    assert isinstance(refused, CapReached)
    assert (refused.cap, refused.limit, refused.left) == ("daily_tokens", "tokens", 10)
    assert refused.resets_at == datetime(2026, 12, 1, tzinfo=UTC)
    (refused,) = own.write([asked(caller(), 3 * 10**8, 1)])
    assert isinstance(refused, CapReached)
    assert (refused.cap, refused.left) == ("daily_money", 25 * 10**7)
    with pytest.raises(BudgetExhausted):
        store.reserve(Amount(11))
    # What is settled makes room at once, also in the same transaction.
    store.settle(ticket, Amount(20, 0.1))
    outcomes = own.write(
        [Settle(first, Use(completion_tokens=30)), asked(caller(), 0, 50), asked(caller(), 0, 1)]
    )
    assert isinstance(outcomes[1], Ticket)
    assert isinstance(outcomes[2], CapReached)


def test_what_a_dead_process_had_reserved_stays_counted(database: Database) -> None:
    clock, who = Clock(), caller(day_cap=100)
    books(database, clock).write([asked(who, 60)])
    survivor = books(database, clock)
    assert isinstance(survivor.write([asked(who, 41)])[0], CapReached)
    assert UsageReport(database, clock=clock).totals(who.key).day_money == 60


def test_tokens_a_minute_are_booked_before_and_put_right_after(database: Database) -> None:
    clock, who = Clock(), caller(tokens_per_minute=100)
    own = books(database, clock)
    first, refused = own.write([asked(who, 0, 80), asked(who, 0, 21)])
    assert isinstance(first, Ticket)
    assert isinstance(refused, RateLimited)
    assert (refused.rate, refused.retry_after, refused.standing.remaining_tokens) == ("tokens", 61.0, 20)
    begun = Reserve(who, Use(completion_tokens=50), "small", "instant", begun=True)
    assert isinstance(own.write([begun])[0], Ticket)
    own.write([Settle(first, Use(prompt_tokens=5, completion_tokens=5))])
    assert isinstance(own.write([asked(who, 0, 40)])[0], Ticket)
    (refused,) = own.write([asked(who, 0, 101)])
    assert isinstance(refused, RateLimited)
    assert refused.retry_after is None  # so much never fits
    clock.now += timedelta(seconds=61)
    assert isinstance(own.write([asked(who, 0, 100)])[0], Ticket)
