"""Ledgers: whatever is reserved and settled in whatever order, no limit is ever passed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from pierian.budget import Amount, Ledger, Limits, Reservation
from pierian.exceptions import BudgetExhausted


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Cap:
    """A daily cap that remembers what it was asked."""

    tokens: int
    open: dict[str, Amount] = field(default_factory=dict)
    used: list[Amount] = field(default_factory=list)

    def reserve(self, amount: Amount) -> str:
        if amount.tokens > self.tokens:
            raise BudgetExhausted("day", "The day is used up.")
        ticket = f"t{len(self.open)}"
        self.open[ticket] = amount
        return ticket

    def tokens_left(self) -> int:
        return self.tokens

    def settle(self, ticket: str, used: Amount) -> None:
        del self.open[ticket]
        self.used.append(used)


def test_without_limits_everything_fits() -> None:
    ledger = Ledger()
    ledger.reserve(Amount(10**9, 1e9)).settle(Amount(5, 0.5))
    assert (ledger.spent, ledger.reserved) == (Amount(5, 0.5), Amount())
    assert (ledger.tokens_left(), ledger.seconds_left()) == (None, None)


def test_what_is_reserved_cannot_be_reserved_again() -> None:
    ledger = Ledger(Limits(tokens=100))
    first = ledger.reserve(Amount(80))
    with pytest.raises(BudgetExhausted, match="20 tokens are left") as caught:
        ledger.reserve(Amount(21))
    assert caught.value.limit == "tokens"
    first.settle(Amount(30))
    assert ledger.tokens_left() == 70


def test_a_second_settlement_changes_nothing() -> None:
    ledger = Ledger(Limits(tokens=100))
    reservation = ledger.reserve(Amount(80))
    reservation.settle(Amount(30))
    reservation.settle(Amount(80))
    assert ledger.spent == Amount(30)


def test_more_than_was_reserved_is_counted_in_full() -> None:
    ledger = Ledger(Limits(tokens=100))
    ledger.reserve(Amount(10)).settle(Amount(95))
    assert ledger.tokens_left() == 5


def test_a_childs_spending_counts_above_and_is_bounded_there() -> None:
    parent = Ledger(Limits(tokens=100))
    one, other = parent.child(Limits(tokens=90)), parent.child()
    one.reserve(Amount(90)).settle(Amount(60))
    assert (one.tokens_left(), other.tokens_left(), parent.tokens_left()) == (30, 40, 40)
    with pytest.raises(BudgetExhausted):
        other.reserve(Amount(41))
    assert parent.reserved == Amount()


def test_money_has_room_for_dust_but_not_for_more() -> None:
    ledger = Ledger(Limits(money=0.3))
    for _ in range(3):
        ledger.reserve(Amount(money=0.1)).settle(Amount(money=0.1))
    with pytest.raises(BudgetExhausted) as caught:
        ledger.reserve(Amount(money=0.001))
    assert caught.value.limit == "money"


def test_a_price_that_is_no_number_does_not_fit() -> None:
    with pytest.raises(BudgetExhausted):
        Ledger(Limits(money=1.0)).reserve(Amount(money=math.nan))


def test_money_is_bounded_by_every_ledger_above() -> None:
    child = Ledger(Limits(money=1.0)).child().child(Limits(money=5.0))
    with pytest.raises(BudgetExhausted):
        child.reserve(Amount(money=1.5))


def test_the_deadline_is_the_first_on_the_way_up() -> None:
    clock = Clock()
    parent = Ledger(Limits(seconds=10), clock=clock)
    clock.now += 4
    child = parent.child(Limits(seconds=60))
    assert (parent.seconds_left(), child.seconds_left()) == (6, 6)
    assert child.child(Limits(seconds=2)).seconds_left() == 2
    clock.now += 5.9
    child.reserve(Amount(1)).settle(Amount(1))
    clock.now += 0.2
    assert child.seconds_left() == 0
    with pytest.raises(BudgetExhausted, match="time budget") as caught:
        child.reserve(Amount(1))
    assert caught.value.limit == "seconds"
    assert parent.reserved == Amount()


def test_the_daily_cap_hears_of_children_too() -> None:
    cap = Cap(50)
    child = Ledger(daily=cap).child()
    child.reserve(Amount(40)).settle(Amount(25))
    assert (cap.open, cap.used) == ({}, [Amount(25)])


def test_what_the_day_refuses_is_not_reserved_here() -> None:
    ledger = Ledger(Limits(tokens=1000), daily=Cap(50))
    with pytest.raises(BudgetExhausted) as caught:
        ledger.reserve(Amount(60))
    assert caught.value.limit == "day"
    assert ledger.reserved == Amount()


def test_a_reservation_can_be_made_to_fit_the_day() -> None:
    ledger = Ledger(Limits(tokens=1000), daily=Cap(50))
    assert ledger.tokens_left() == 50
    assert ledger.child(Limits(tokens=20)).tokens_left() == 20


def test_the_day_is_not_asked_for_what_does_not_fit_here() -> None:
    cap = Cap(50)
    with pytest.raises(BudgetExhausted):
        Ledger(Limits(tokens=10), daily=cap).reserve(Amount(11))
    assert not cap.open


AMOUNTS = st.builds(Amount, st.integers(0, 10**6), st.floats(0, 1e6))


@given(AMOUNTS, AMOUNTS)
def test_amounts_add_and_subtract(one: Amount, other: Amount) -> None:
    back = one + other - other
    assert back.tokens == one.tokens
    assert back.money == pytest.approx(one.money, abs=1e-6)


class Ledgers(RuleBasedStateMachine):
    """A tree of ledgers under random reservations, settlements and passing time."""

    ledgers: Bundle[Ledger] = Bundle("ledgers")
    reservations: Bundle[Reservation] = Bundle("reservations")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.root = Ledger(Limits(tokens=1000, money=10.0, seconds=1000), clock=self.clock)
        self.every = [self.root]
        self.opened: list[Reservation] = []
        self.spent = Amount()

    @rule(target=ledgers)
    def top(self) -> Ledger:
        return self.root

    @rule(
        target=ledgers,
        parent=ledgers,
        tokens=st.none() | st.integers(0, 1500),
        money=st.none() | st.floats(0, 20),
    )
    def child(self, parent: Ledger, tokens: int | None, money: float | None) -> Ledger:
        ledger = parent.child(Limits(tokens=tokens, money=money))
        self.every.append(ledger)
        return ledger

    @rule(target=reservations, ledger=ledgers, tokens=st.integers(0, 600), money=st.floats(0, 6))
    def reserve(self, ledger: Ledger, tokens: int, money: float) -> Reservation:
        before = [(each.spent, each.reserved) for each in self.every]
        try:
            reservation = ledger.reserve(Amount(tokens, money))
        except BudgetExhausted:
            assert [(each.spent, each.reserved) for each in self.every] == before
            return Reservation(Amount(), ledger, settled=True)
        self.opened.append(reservation)
        return reservation

    @rule(reservation=consumes(reservations), share=st.floats(0, 1), twice=st.booleans())
    def settle(self, reservation: Reservation, share: float, twice: bool) -> None:
        used = Amount(int(reservation.amount.tokens * share), reservation.amount.money * share)
        if not reservation.settled:
            self.spent = self.spent + used
            self.opened.remove(reservation)
        reservation.settle(used)
        if twice:
            reservation.settle(reservation.amount)

    @rule(seconds=st.floats(0, 50))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def no_limit_is_passed(self) -> None:
        for ledger in self.every:
            tokens, money = ledger.limits.tokens, ledger.limits.money
            assert tokens is None or ledger.spent.tokens + ledger.reserved.tokens <= tokens
            assert money is None or ledger.spent.money + ledger.reserved.money <= money + 1e-6
            assert ledger.reserved.tokens >= 0

    @invariant()
    def the_root_knows_everything(self) -> None:
        assert self.root.spent.tokens == self.spent.tokens
        assert self.root.spent.money == pytest.approx(self.spent.money, abs=1e-6)
        assert self.root.reserved.tokens == sum(r.amount.tokens for r in self.opened)


TestLedgers = Ledgers.TestCase
