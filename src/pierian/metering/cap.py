"""The caps of a key, as the ledger of a run asks for them: before each call of a model, and after it.

A run is held back by its key's rates when it is let in, not between its calls: a caller that is too fast waits before
the next request, but nothing that was begun is cut short for it. Caps on money end it, with the best answer so far.
What the ledger calls money has to be worked out with the prices of the table (`Price.settings`).
"""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import Future as Promise
from concurrent.futures import wait
from contextlib import contextmanager

from msgspec import structs

from pierian.budget import Amount
from pierian.exceptions import StorageError
from pierian.metering.meter import Meter
from pierian.metering.money import from_float
from pierian.metering.values import Caller, Ticket, Use
from pierian.metering.work import Outcome, Reserve

WRITTEN_SECONDS = 5.0
"""How long what was settled is waited for before it is read; if it takes longer, less seems to be left than is."""


class KeyCap:
    """A `pierian.budget.DailyCap` and `AwaitedCap` for one run; only `reserve` waits in place for the database."""

    def __init__(self, meter: Meter, caller: Caller, model: str, mode: str) -> None:
        self._meter = meter
        self._caller = caller
        self._model, self._mode = model, mode
        self._tickets: dict[str, Ticket] = {}
        self._counted = False
        """Whether one of its calls counts as the request, or is about to."""
        self._unwritten = set[Promise[Outcome]]()

    def reserve(self, amount: Amount) -> str:
        """Reserve for a call; raises `CapReached`, which is a `BudgetExhausted`."""
        with self._reserving(amount) as work:
            return self._keep(self._meter.reserve_now(work))

    async def reserve_soon(self, amount: Amount) -> str:
        """As `reserve`, while the event loop goes on. Whoever is cancelled here has reserved nothing."""
        with self._reserving(amount) as work:
            return self._keep(await self._meter.reserved(work))

    def settle(self, ticket: str, used: Amount) -> None:
        """Put what the call used in the place of the reservation, before anything that is reserved after it."""
        if ticket not in self._tickets:
            raise StorageError("What a call used could not be recorded: its reservation is not known.")
        spent = Use(used.prompt, 0, used.tokens, from_float(used.money))
        promise = self._meter.settle_from_anywhere(self._tickets[ticket], spent)
        if promise is not None:
            self._unwritten.add(promise)
            promise.add_done_callback(self._unwritten.discard)

    def tokens_left(self) -> int | None:
        """What the settings' daily cap leaves; a key has no cap on tokens of its own."""
        if self._meter.daily_tokens is not None:  # they are read, so they have to be written
            wait(list(self._unwritten), WRITTEN_SECONDS)
        return self._meter.tokens_left()

    @contextmanager
    def _reserving(self, amount: Amount) -> Generator[Reserve]:
        """What a call may at most use; the first that is reserved counts as the request."""
        most = Use(completion_tokens=amount.tokens, money=from_float(amount.money)).checked()
        first, self._counted = not self._counted, True
        try:
            yield Reserve(self._caller, most, self._model, self._mode, begun=True, requests=int(first))
        except BaseException:  # also where the caller is cancelled
            self._counted = self._counted and not first
            raise

    def _keep(self, ticket: Ticket) -> str:
        self._tickets[ticket.id] = ticket
        return ticket.id

    async def finish(self, prompt_tokens: int, cached_tokens: int, money: int) -> None:
        """Say what the run cost in all, once it is known: its calls were charged as if nothing had been cached.

        `money` takes the place of what its calls were charged; what of their prompts was cached, or is not in the
        usage yet, is noted in one row of it.
        """
        settled = [ticket for ticket in self._tickets.values() if ticket.used is not None]
        more = prompt_tokens - sum(ticket.used.prompt_tokens for ticket in settled if ticket.used)
        over = sum(ticket.used.money for ticket in settled if ticket.used) - money
        for number, ticket in enumerate(reversed(settled)):
            used = ticket.used or Use()
            less = min(over, used.money)
            over -= less
            changed = structs.replace(used, money=used.money - less)
            if number == 0:
                prompt = max(0, used.prompt_tokens + more)
                changed = structs.replace(changed, prompt_tokens=prompt, cached_tokens=cached_tokens)
            if changed != used:
                await self._meter.correct(ticket, changed)

    @property
    def money(self) -> int:
        """What its calls were charged so far, in billionths."""
        return sum(ticket.used.money for ticket in self._tickets.values() if ticket.used is not None)
