"""What the pages show, as values: turns with their progress, drafts, plans, approvals and receipts.

`progress` makes them from the events of a run, handlers from what is stored; templates read nothing else. Text in
here is as it was written, by people and by models: whoever puts it on a page escapes it or renders it as Markdown.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from pierian.events import Look, PictureRead

TurnState = Literal["working", "waiting", "done", "failed", "cancelled", "stopped", "lost"]
"""`waiting` for an approval or a place; `stopped` by the user, with what there was; `lost` where its run is gone."""


class DraftView(Struct, frozen=True):
    """One draft of a run, while it works and after."""

    number: int
    approach: str
    state: str
    """`working`, `finished`, or a `DraftOutcome` once the receipt is there."""
    value: str = ""
    tokens: int = 0
    text: str = ""
    """What it has written so far; empty once only the receipt is left."""


class ArgumentView(Struct, frozen=True):
    """An argument of a call that waits for an approval, and where it came from."""

    name: str
    value: str
    source: str


class ApprovalView(Struct, frozen=True):
    """Something a person has to say yes or no to."""

    id: str
    tool: str
    effect: str
    reason: str
    arguments: tuple[ArgumentView, ...] = ()
    state: Literal["pending", "approved", "rejected", "withdrawn"] = "pending"
    """`withdrawn` where its run ended before anybody answered."""
    by: str = ""


class StepView(Struct, frozen=True):
    """One step of a plan; `depth` is 0 for the run's own, more for those of its sub-agents."""

    path: str
    what: str
    state: str
    """`planned`, `working`, `done`, `confirmed`, `skipped`, `waiting`, or the code of a failure."""
    depth: int = 0
    source: str = ""
    tokens: int = 0
    message: str = ""
    approval: ApprovalView | None = None
    page: str = ""
    """The name of the artifact that it wrote."""


class CheckView(Struct, frozen=True):
    """One check of the receipt; those with `code` can be run again."""

    index: int
    kind: str
    outcome: str
    detail: str
    code: str = ""


class ReceiptView(Struct, frozen=True):
    """The receipt under an answer."""

    mode: str
    model: str
    took: str
    tokens: int
    prompt_tokens: int
    cached_tokens: int
    seconds: float
    tokens_per_second: float
    money: float
    agreeing: int
    checks: tuple[CheckView, ...] = ()
    drafts: tuple[DraftView, ...] = ()
    steps: tuple[StepView, ...] = ()
    stopped: str = ""
    cut_short: str = ""
    note: str = ""
    run: str = ""
    pictures: tuple[PictureRead, ...] = ()
    looks: tuple[Look, ...] = ()

    @property
    def reasoned(self) -> bool:
        """Whether it was thought before it was written; drafts and plans stand apart."""
        return (self.took or self.mode) == "thinking"

    @property
    def beside(self) -> bool:
        """Whether its drafts were made side by side."""
        return "contemplating" in (self.took, self.mode) and len(self.drafts) > 1


class Progress(Struct, frozen=True):
    """What a run has come to so far; everything is empty for a turn that has no run."""

    state: TurnState = "done"
    status: str = ""
    """What it does just now, in a few words; empty once it has ended."""
    mode: str = ""
    """The mode that answers, as far as it is known."""
    reason: str = ""
    """Why Auto took it."""
    thoughts: str = ""
    """Markdown: what the drafts wrote that is not the answer, those made one after another."""
    notes: tuple[str, ...] = ()
    """What happened on the way, in order: corrections, second looks, escalations."""
    drafts: tuple[DraftView, ...] = ()
    """Filled where drafts are shown side by side."""
    merging: str = ""
    steps: tuple[StepView, ...] = ()
    answer: str = ""
    """Markdown, as far as it is written."""
    receipt: ReceiptView | None = None
    pictures: tuple[PictureRead, ...] = ()
    looks: tuple[Look, ...] = ()
    """What was looked at in them, in order."""
    error: str = ""
    hint: str = ""
    abridged: bool = False
    """Whether thoughts, texts of drafts and approvals are in the journal only, to be read when somebody asks."""
    nothing: bool = False
    """Whether somebody asked for the thoughts, and there are none."""


class AttachmentView(Struct, frozen=True):
    """A file that stands with a question."""

    id: str
    name: str
    media_type: str
    size: int


class TurnView(Struct, frozen=True):
    """One message of a conversation."""

    position: int
    role: Literal["user", "assistant"]
    text: str
    """As it is stored: what the user wrote, or the answer once it is there."""
    created_at: datetime
    run: str = ""
    versions: tuple[int, ...] = ()
    """Positions of all versions of this turn, itself among them, in order; one or none where there is only it."""
    attachments: tuple[AttachmentView, ...] = ()
    """Those of the question, also where this is its answer."""
    progress: Progress = Progress()
    """Of an answer."""


class ConversationLine(Struct, frozen=True):
    """A conversation in the list at the side."""

    id: str
    title: str
    updated_at: datetime
    turns: int
    answering: bool = False


class Person(Struct, frozen=True):
    """Who is signed in."""

    id: str
    name: str
    role: str
    administers: bool
    theme: Literal["system", "light", "dark"] = "system"
    mode: str = "auto"
    owns: bool = False
    """Whether the accounts, the schedules and the tools of this machine are theirs."""
