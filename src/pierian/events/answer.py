"""The end of every run: an `Answer` with its `Receipt`.

A receipt says what was spent, what was checked and how it came out, and why the run stopped. It holds only
facts that code established; no model writes into it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pierian.events.vision import Look, PictureRead

CheckKind = Literal["arithmetic", "program", "agreement", "plausibility", "plan"]
Outcome = Literal["passed", "failed", "corrected", "unusable"]
DraftOutcome = Literal["agreed", "differed", "no value", "revised", "merged", "cut off", "failed"]
"""`agreed` with the answer or `differed`; `revised` into a later draft, `merged` into the answer; `cut off` when
it no longer mattered or was stopped."""


class Check(Struct, frozen=True):
    """One thing that code checked.

    `arithmetic`: calculations in a draft were recomputed; `program`: a program's value was compared with the draft;
    `agreement`: several drafts were compared; `plausibility`: whether the answer uses the numbers of the question;
    `plan`: a plan keeps every wish that it was made for.
    `unusable` means that the check itself could not be carried out (a program that failed, say).
    """

    kind: CheckKind
    outcome: Outcome
    detail: str
    code: str = ""
    """The program that was run, so that it can be run again; empty for other checks."""


class DraftRecord(Struct, frozen=True):
    """One draft of the run, as it stands on the receipt."""

    draft: int
    approach: str
    value: str
    tokens: int
    outcome: DraftOutcome


class StepRecord(Struct, frozen=True):
    """One step of a plan, as it stands on the receipt."""

    step: str
    what: str
    outcome: str
    """`done`, `confirmed` (what it did was read back), the code of a failure, `skipped`, or `waiting`."""
    source: str = ""
    """Where its value came from."""
    tokens: int = 0


class Spend(Struct, frozen=True):
    """What a run used, counted by the server: tokens, wall-clock seconds and money."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    generating_seconds: float = 0.0
    """Seconds between the first and last token of each call, added up."""
    money: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        """Generation speed; 0 where too little was generated to tell."""
        return self.completion_tokens / self.generating_seconds if self.generating_seconds > 0 else 0.0

    def __add__(self, other: Spend) -> Spend:
        return Spend(
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
            self.generating_seconds + other.generating_seconds,
            self.money + other.money,
        )


class Claim(Struct, frozen=True):
    """A sentence of the answer, and the numbers of the looks that it rests on."""

    text: str
    looks: tuple[int, ...]


class Receipt(Struct, frozen=True):
    """What an answer cost and what it rests on."""

    mode: str
    model: str
    spend: Spend
    checks: tuple[Check, ...] = ()
    drafts: tuple[DraftRecord, ...] = ()
    """Every draft that was begun, in order."""
    steps: tuple[StepRecord, ...] = ()
    """Every step of the plan and of its sub-agents, in order; empty where nothing was planned."""
    run: str = ""
    """Id of the journalled run; empty where nothing was planned."""
    agreeing: int = 1
    """How many drafts (programs included) came to the value that was answered."""
    took: str = ""
    """The mode that Auto came to; empty where the user chose one."""
    stopped: str = ""
    """Why no further drafts were made, where several were possible."""
    cut_short: str = ""
    """Why the answer is incomplete, as a sentence; empty when it is complete."""
    note: str = ""
    """What the reader should know beside the checks, such as that nothing could be checked."""
    adapter: str = ""
    """The adapter that drafts were made with; empty where none was."""
    pictures: tuple[PictureRead, ...] = ()
    """The pictures of the question, by their numbers."""
    looks: tuple[Look, ...] = ()
    """What was looked at in pictures, in order."""
    claims: tuple[Claim, ...] = ()
    """What the answer says of pictures, with the looks that each sentence rests on."""

    @property
    def made_with(self) -> str:
        """The model, and the adapter where one was used."""
        return f"{self.model} + {self.adapter}" if self.adapter else self.model


class CalledTool(Struct, frozen=True):
    """A call of a tool that a model made and whoever asked carries out."""

    id: str
    name: str
    arguments: str
    """JSON text of an object."""


class Answer(Struct, frozen=True):
    """`text` is Markdown; `value` is the short final value where the question has one."""

    text: str
    receipt: Receipt
    value: str = ""
    calls: tuple[CalledTool, ...] = ()
    """Calls of the asker's own tools, in place of a text."""

    @property
    def complete(self) -> bool:
        """Whether the run ended by itself rather than by a budget or a stop."""
        return not self.receipt.cut_short


class AnswerReady(Struct, frozen=True):
    """The last event of a run."""

    answer: Answer
