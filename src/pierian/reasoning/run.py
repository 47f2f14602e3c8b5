"""What one run knows while it works: the model, the budget, what was spent and checked, the best draft so far.

Modes are plain coroutines over a `Run`; they report through `emit` and leave what they found here, so that
whatever ends a run early (a budget, a deadline, the user) finds the best answer so far in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct, field

from pierian.budget import Ledger
from pierian.events import Check, Event, Spend
from pierian.models.model import Model
from pierian.models.wire import Message
from pierian.reasoning.question import Question
from pierian.reasoning.values import FinalValue
from pierian.sandbox import Sandbox


class Prices(Struct, frozen=True):
    """Money per million tokens; 0 for a model on one's own machine."""

    input: float = 0.0
    output: float = 0.0

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """What that many tokens cost."""
        return (prompt_tokens * self.input + completion_tokens * self.output) / 1_000_000


class Draft(Struct, frozen=True):
    """One finished attempt. `complete` is False when it was cut off before it ended."""

    number: int
    approach: str
    text: str
    value: FinalValue
    weight: float
    tokens: int
    complete: bool = True
    code: str = ""


class Run(Struct):
    """The state of one run. Only the modes write to it."""

    model: Model
    sandbox: Sandbox
    ledger: Ledger
    question: Question
    emit: Callable[[Event], None]
    history: Sequence[Message] = ()
    instructions: str = ""
    seed: int | None = None
    prices: Prices = field(default_factory=Prices)
    spend: Spend = field(default_factory=Spend)
    checks: list[Check] = field(default_factory=list[Check])
    drafts: list[Draft] = field(default_factory=list[Draft])
    chosen: Draft | None = None
    """The draft that would be answered if the run ended now."""
    agreeing: int = 1
    partial: str = ""
    """Text of the draft in progress, for when nothing else is there."""
    cut_short: str = ""
    note: str = ""
    _numbers: int = 0

    def next_number(self) -> int:
        """A new draft's number, from 1."""
        self._numbers += 1
        return self._numbers

    def check(self, check: Check) -> None:
        """Put a check on the receipt."""
        self.checks.append(check)
