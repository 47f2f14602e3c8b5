"""What one run knows while it works: the model, the budget, what was spent and checked, the best draft so far.

Modes are plain coroutines over a `Run`; they report through `emit` and leave what they found here, so that
whatever ends a run early (a budget, a deadline, the user) finds the best answer so far in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct, field

from pierian.budget import Ledger
from pierian.events import (
    CalledTool,
    Check,
    Claim,
    DraftOutcome,
    DraftRecord,
    DraftStarted,
    Event,
    Look,
    LookTaken,
    PictureRead,
    Spend,
    StepRecord,
)
from pierian.events.regions import Region
from pierian.events.vision import LookKind
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
    """One finished attempt."""

    number: int
    approach: str
    text: str
    """What a reader is shown; empty for a program that does not explain itself."""
    value: FinalValue
    weight: float
    """Evidence for its value, in nats; see `consensus`."""
    tokens: int
    complete: bool = True
    """False when it was cut off before it ended."""
    sound: bool = True
    """False when its arithmetic is wrong and could not be put right."""
    doubts: tuple[str, ...] = ()
    """What is doubtful about it (`plausibility`), as sentences."""
    code: str = ""
    revises: int = 0
    """The number of the draft that this one is a revision of; 0 for a draft of its own."""


class Begun(Struct):
    """A draft from its start on, for the receipt."""

    approach: str
    tokens: int = 0
    failure: str = ""
    """Why it came to nothing, as a sentence; empty unless it failed."""
    outcome: DraftOutcome | None = None
    """Where the votes do not tell."""


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
    begun: dict[int, Begun] = field(default_factory=dict[int, Begun])
    """Every draft that was begun, by its number; the finished ones are in `drafts` too."""
    chosen: Draft | None = None
    """The draft that would be answered if the run ended now."""
    agreeing: int = 1
    partial: str = ""
    """Text of the draft in progress, for when nothing else is there."""
    calls: tuple[CalledTool, ...] = ()
    """Calls of the asker's own tools, which end the run."""
    steps: tuple[StepRecord, ...] = ()
    """What a plan came to, for the receipt."""
    pictures: list[PictureRead] = field(default_factory=list[PictureRead])
    """Those of the question that were read."""
    looks: list[Look] = field(default_factory=list[Look])
    """What was looked at in pictures, in order."""
    claims: list[Claim] = field(default_factory=list[Claim])
    placed: Callable[[int, Region], Region] = lambda picture, region: region
    """Where a region of what was read lies in the picture of that number, which may have been turned to be read."""
    journalled: str = ""
    """Id under which the run stands in the journal."""
    took: str = ""
    """The mode that Auto came to."""
    stopped: str = ""
    """Why no further drafts were made."""
    cut_short: str = ""
    note: str = ""
    hint: str = ""
    """What the reader can do about it, beside the note that a mode writes."""
    adapter: str = ""
    """The adapter that a draft was made with."""

    @property
    def nothing_yet(self) -> bool:
        """Whether it has neither used anything nor come to anything."""
        used = self.spend.prompt_tokens or self.spend.completion_tokens
        return not (used or self.drafts or self.chosen or self.partial or self.calls or self.steps)

    def begin(self, approach: str) -> int:
        """A new draft's number, from 1; tells of its start."""
        number = len(self.begun) + 1
        self.begun[number] = Begun(approach)
        self.emit(DraftStarted(number, approach))
        return number

    def look(
        self,
        kind: LookKind,
        region: Region,
        found: str,
        *,
        confidence: float = 1.0,
        follows: str = "",
        picture: int = 1,
    ) -> int:
        """Put a look on the receipt and tell of it; returns its number, from 1."""
        number = len(self.looks) + 1
        taken = Look(
            number=number,
            kind=kind,
            region=self.placed(picture, region),
            found=found,
            confidence=confidence,
            follows=follows,
            picture=picture,
        )
        self.looks.append(taken)
        self.emit(LookTaken(taken))
        return number

    def records(self) -> tuple[DraftRecord, ...]:
        """What the receipt says of each draft."""
        finished = {draft.number: draft for draft in self.drafts}
        revised = {draft.revises for draft in self.drafts}
        return tuple(
            DraftRecord(
                number,
                begun.approach,
                finished[number].value.text if number in finished else "",
                begun.tokens,
                self._outcome(finished.get(number), begun, revised=number in revised),
            )
            for number, begun in self.begun.items()
        )

    def _outcome(self, draft: Draft | None, begun: Begun, *, revised: bool) -> DraftOutcome:
        if begun.outcome is not None:
            return begun.outcome
        if draft is None:
            return "failed" if begun.failure else "cut off"
        if revised:
            return "revised"
        if draft is self.chosen:
            return "agreed"
        if not draft.value:
            return "no value"
        return "agreed" if self.chosen and draft.value.agrees(self.chosen.value) else "differed"

    def check(self, check: Check) -> None:
        """Put a check on the receipt."""
        self.checks.append(check)
