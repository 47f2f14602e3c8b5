"""What the meter asks of the books: four kinds of work, and what comes of them."""

from __future__ import annotations

from msgspec import Struct

from pierian.exceptions import BudgetExhausted
from pierian.metering.values import Admission, Caller, Ticket, Use


class Admit(Struct, frozen=True):
    """Let a request in."""

    caller: Caller


class Leave(Struct, frozen=True):
    """Write down that a request has left."""

    caller: Caller


class Reserve(Struct, frozen=True):
    """Reserve what a call may at most use."""

    caller: Caller
    most: Use
    model: str
    mode: str
    begun: bool = False
    """Whether it belongs to a request that has begun: no rate holds it back, only caps do."""
    requests: int = 1
    """0 for the further calls of a request."""


class Settle(Struct, frozen=True):
    """Put what was used in the place of a reservation, or of what was booked for it `before`."""

    ticket: Ticket
    used: Use
    before: Use | None = None


Work = Admit | Leave | Reserve | Settle
Outcome = Admission | Ticket | BudgetExhausted | None
