"""The caps of a key, as the ledger of a run asks for them: before each call of a model, and after it.

A run is held back by its key's rates when it is let in, not between its calls: a caller that is too fast waits before
the next request, but nothing that was begun is cut short for it. Caps on money end it, with the best answer so far.
What the ledger calls money has to be worked out with the prices of the table (`Price.settings`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from pierian.budget import Amount
from pierian.exceptions import StorageError
from pierian.metering.money import from_float
from pierian.metering.values import Caller, Ticket, Use
from pierian.metering.work import Reserve

if TYPE_CHECKING:
    from pierian.metering.meter import Meter


class KeyCap:
    """A `pierian.budget.DailyCap` for one run. Its methods wait in place, as the ledger's do."""

    def __init__(self, meter: Meter, caller: Caller, model: str, mode: str) -> None:
        self._meter = meter
        self._caller = caller
        self._model, self._mode = model, mode
        self._tickets: dict[str, Ticket] = {}

    def reserve(self, amount: Amount) -> str:
        """Reserve for a call; raises `CapReached`, which is a `BudgetExhausted`."""
        most = Use(completion_tokens=amount.tokens, money=from_float(amount.money)).checked()
        work = Reserve(
            self._caller, most, self._model, self._mode, begun=True, requests=0 if self._tickets else 1
        )
        ticket = self._meter.reserve_now(work)
        self._tickets[ticket.id] = ticket
        return ticket.id

    def settle(self, ticket: str, used: Amount) -> None:
        """Put what the call used in the place of the reservation."""
        if ticket not in self._tickets:
            raise StorageError("What a call used could not be recorded: its reservation is not known.")
        self._meter.settle_now(
            self._tickets[ticket], Use(completion_tokens=used.tokens, money=from_float(used.money))
        )

    def tokens_left(self) -> int | None:
        """What the settings' daily cap leaves; a key has no cap on tokens of its own."""
        return self._meter.tokens_left()

    async def finish(self, prompt_tokens: int, cached_tokens: int, money: int) -> None:
        """Say what the run cost in all, once it is known: its calls were charged as if nothing had been cached.

        `money` takes the place of what its calls were charged, and their prompts are noted in one row of the usage.
        """
        settled = [ticket for ticket in self._tickets.values() if ticket.used is not None]
        over = sum(ticket.used.money for ticket in settled if ticket.used) - money
        for number, ticket in enumerate(reversed(settled)):
            used = ticket.used or Use()
            less = min(over, used.money)
            over -= less
            changed = structs.replace(used, money=used.money - less)
            if number == 0:
                changed = structs.replace(changed, prompt_tokens=prompt_tokens, cached_tokens=cached_tokens)
            if changed != used:
                await self._meter.correct(ticket, changed)

    @property
    def money(self) -> int:
        """What its calls were charged so far, in billionths."""
        return sum(ticket.used.money for ticket in self._tickets.values() if ticket.used is not None)
