"""Budgets that cannot be overspent: reserve before a call, settle after it.

A `Ledger` holds limits on tokens, seconds and money. `reserve` takes what a call may at most use out of this
ledger and of every ledger above it, or grants less, or raises `BudgetExhausted`; `settle` gives back what
was not used. Ledgers form a tree (`child`), so a sub-task can never spend more than its parent has left. A
ledger is used from one event loop; the cap that is shared between processes is the `DailyCap` protocol, which
`storage` implements. Nothing here knows what a model is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from msgspec import Struct

from pierian.exceptions import BudgetExhausted


class Limits(Struct, frozen=True):
    """Upper bounds; None means unbounded. `seconds` is wall-clock time from the ledger's start."""

    tokens: int | None = None
    seconds: float | None = None
    money: float | None = None


class Amount(Struct, frozen=True):
    """What a call may use or did use: generated tokens, and money (for the prompt too)."""

    tokens: int = 0
    money: float = 0.0
    prompt: int = 0
    """Prompt tokens of what was used, for the record: no limit counts them."""

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.tokens + other.tokens, self.money + other.money, self.prompt + other.prompt)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.tokens - other.tokens, self.money - other.money, self.prompt - other.prompt)


class DailyCap(Protocol):
    """A cap over everything that all processes of a user spend in a day."""

    def reserve(self, amount: Amount) -> str:
        """Reserve `amount` and return a ticket, or raise `BudgetExhausted`."""
        ...

    def settle(self, ticket: str, used: Amount) -> None:
        """Replace the reservation by what was used."""
        ...

    def tokens_left(self) -> int | None:
        """Tokens that could be reserved now, None where there is no cap on them."""
        ...


@runtime_checkable
class AwaitedCap(Protocol):
    """A `DailyCap` that can be asked without keeping an event loop waiting, as where the database is far away."""

    async def reserve_soon(self, amount: Amount) -> str:
        """As `reserve`. Whoever is cancelled here has reserved nothing."""
        ...


class Reservation(Struct):
    """Taken out of a ledger until it is settled. `amount` is what the call may use at most."""

    amount: Amount
    ledger: Ledger
    ticket: str | None = None
    settled: bool = False

    def settle(self, used: Amount) -> None:
        """Give back what was not used; a second call does nothing.

        A call that used more than it reserved is recorded in full, so the next reservation sees it.
        """
        if self.settled:
            return
        self.settled = True
        self.ledger.close(self, used)


class Ledger:
    """Limits, what is reserved and what is spent, with an optional parent and daily cap."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        parent: Ledger | None = None,
        daily: DailyCap | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits or Limits()
        self.spent = Amount()
        self.reserved = Amount()
        self.refused = False
        """Whether the daily cap has refused a reservation; known to the ledger that holds the cap."""
        self._parent = parent
        self._daily = daily
        self._clock = clock
        self._started = clock()

    def child(self, limits: Limits | None = None) -> Ledger:
        """A ledger whose spending also counts here."""
        return Ledger(limits, parent=self, clock=self._clock)

    def seconds_used(self) -> float:
        """Wall-clock seconds since the ledger was opened."""
        return self._clock() - self._started

    def seconds_left(self) -> float | None:
        """Seconds until the first deadline on the way up, or None where there is none."""
        own = None if self.limits.seconds is None else self.limits.seconds - self.seconds_used()
        above = self._parent.seconds_left() if self._parent else None
        known = [s for s in (own, above) if s is not None]
        return max(0.0, min(known)) if known else None

    def tokens_left(self) -> int | None:
        """Tokens that a new reservation could get, or None where there is no limit."""
        cap = self._root_cap()
        known = [t for t in (self._own_tokens_left(), cap.tokens_left() if cap else None) if t is not None]
        return min(known) if known else None

    def _own_tokens_left(self) -> int | None:
        """What the limits here and above leave; the daily cap speaks for itself when it is asked to reserve."""
        limited = [ledger for ledger in self._chain() if ledger.limits.tokens is not None]
        left = [(x.limits.tokens or 0) - x.spent.tokens - x.reserved.tokens for x in limited]
        return max(0, min(left)) if left else None

    def reserve(self, amount: Amount) -> Reservation:
        """Take `amount` here and in every ledger above, or raise `BudgetExhausted` and take nothing."""
        self._check(amount)
        with self._taken(amount) as root:
            return Reservation(amount, self, root._daily.reserve(amount) if root._daily is not None else None)

    async def reserve_soon(self, amount: Amount) -> Reservation:
        """As `reserve`; the event loop goes on while a cap is asked that can be waited for."""
        if not isinstance(daily := self._root_cap(), AwaitedCap):
            return self.reserve(amount)
        self._check(amount)
        with self._taken(amount):
            return Reservation(amount, self, await daily.reserve_soon(amount))

    def _check(self, amount: Amount) -> None:
        """Raise where the limits here and above leave too little."""
        if (left := self.seconds_left()) is not None and left <= 0:
            raise BudgetExhausted("seconds", "The time budget is used up.")
        tokens = self._own_tokens_left()
        if tokens is not None and amount.tokens > tokens:
            raise BudgetExhausted("tokens", f"The token budget is used up: {tokens:,} tokens are left.")
        if not self._money_fits(amount.money):
            raise BudgetExhausted("money", "The money budget is used up.")

    @contextmanager
    def _taken(self, amount: Amount) -> Generator[Ledger]:
        """`amount` taken here and above while the cap of the root is asked; it is given back where that refuses."""
        chain = self._chain()
        for ledger in chain:
            ledger.reserved = ledger.reserved + amount
        try:
            yield chain[-1]
        except BaseException as error:  # also where the caller is cancelled
            for ledger in chain:
                ledger.reserved = ledger.reserved - amount
            chain[-1].refused = chain[-1].refused or isinstance(error, BudgetExhausted)
            raise

    def close(self, reservation: Reservation, used: Amount) -> None:
        """Settle a reservation of this ledger; called by `Reservation.settle`."""
        for ledger in self._chain():
            ledger.reserved = ledger.reserved - reservation.amount
            ledger.spent = ledger.spent + used
        if reservation.ticket is not None and (daily := self._root_cap()) is not None:
            daily.settle(reservation.ticket, used)

    def _chain(self) -> list[Ledger]:
        chain, ledger = list[Ledger](), self
        while ledger is not None:
            chain.append(ledger)
            ledger = ledger._parent
        return chain

    def _root_cap(self) -> DailyCap | None:
        return self._chain()[-1]._daily

    def _money_fits(self, money: float) -> bool:
        for ledger in self._chain():
            limit = ledger.limits.money
            # Written so that NaN never passes and float dust never blocks an exact fit.
            if limit is not None and not ledger.spent.money + ledger.reserved.money + money <= limit + 1e-9:
                return False
        return True
