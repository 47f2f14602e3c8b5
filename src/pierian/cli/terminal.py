"""How a run looks: a face reads events and shows them. For people, for pipes, and as JSON.

On a terminal thoughts stream dimmed and the answer is rendered as Markdown while it grows. Into a pipe goes
the answer alone, with the receipt on standard error. All text is stripped of control characters first, so
that no model output can drive the terminal.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from pierian.cli.mathematics import readable, settled
from pierian.cli.text import printable
from pierian.events import (
    Answer,
    AnswerReady,
    ApprovalNeeded,
    CalculationCorrected,
    DraftCancelled,
    DraftFinished,
    DraftStarted,
    DraftVoided,
    EngineRestarted,
    Escalated,
    Event,
    LookTaken,
    Merging,
    ModelLoading,
    ProgramRun,
    PromptRead,
    Revising,
    Routed,
    RunOpened,
    SecondLook,
    Token,
    ValueMissing,
    encode,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.status import Status

    from pierian.cli.drafts_table import DraftsTable
    from pierian.cli.plan_tree import PlanTree


class Face(Protocol):
    """Shows the events of one run."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: Event) -> None:
        """Show one event."""
        ...

    async def approve(self, asked: ApprovalNeeded) -> bool:
        """Ask the person; only where one is there."""
        ...


def face_for(*, json: bool = False, events: bool = False) -> Face:
    """The face that fits the flags and where the output goes."""
    if events:
        return EventLines()
    if json:
        return JsonAnswer()
    return Terminal() if sys.stdout.isatty() else Pipe()


class _Plain:
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.stdout.flush()

    async def approve(self, asked: ApprovalNeeded) -> bool:
        """Nobody is there to be asked."""
        return False


class EventLines(_Plain):
    """One JSON event a line."""

    def show(self, event: Event) -> None:
        """Print it at once."""
        sys.stdout.write(encode(event) + "\n")
        sys.stdout.flush()


class JsonAnswer(_Plain):
    """The `Answer` as JSON at the end."""

    def show(self, event: Event) -> None:
        """Print the last event."""
        if isinstance(event, AnswerReady):
            import msgspec

            text = msgspec.json.format(msgspec.json.encode(event.answer), indent=2).decode()
            sys.stdout.write(text + "\n")


class Pipe(_Plain):
    """The answer to standard output, the receipt to standard error."""

    def show(self, event: Event) -> None:
        """Print the last event."""
        if isinstance(event, AnswerReady):
            from pierian.cli.receipt import receipt_lines

            sys.stdout.write(printable(event.answer.text) + "\n")
            sys.stdout.flush()
            for line in receipt_lines(event.answer.receipt):
                sys.stderr.write(line.plain + "\n")


class Terminal:
    """For a person at a terminal."""

    def __init__(self, console: Console | None = None) -> None:
        # Imported when there is something to show: by then the request is on its way.
        self._console = console
        self._status: Status | None = None
        self._live: Live | None = None
        self._shown = 0  # characters of the answer already printed for good
        self._text = ""
        self._thought_of = 0  # the draft whose thoughts are streaming
        self._waiting: dict[int, str] = {}  # thoughts of drafts that are made at the same time
        self._approaches: dict[int, str] = {}
        self._at_line_start = True
        self._table: DraftsTable | None = None  # while drafts are shown side by side
        self._plan: PlanTree | None = None  # while a plan is carried out

    @property
    def console(self) -> Console:
        """The terminal."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(highlight=False)
        return self._console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._quiet()
        self._end_table()
        self._end_plan()
        self._end_live()
        self._fresh_line()

    async def approve(self, asked: ApprovalNeeded) -> bool:
        """Ask the person at the keyboard."""
        from pierian.cli.approving import ask_person

        self._quiet()
        self._end_plan(keep=True)
        return await ask_person(self.console, asked)

    def show(self, event: Event) -> None:
        """Show one event as it happens."""
        if self._table is not None and self._table.show(event):
            self._quiet()
            return
        if self._of_a_plan(event) or self._of_a_draft(event):
            return
        match event:
            case ModelLoading(model=model):
                self._busy(f"Loading {model} …")
            case PromptRead(processed=processed, total=total) if processed < total:
                self._busy(f"Reading … {processed} of {total} tokens")
            case EngineRestarted(reason=reason):
                self._void(reason)
            case Routed(mode="contemplating"):
                self._side_by_side()
            case Escalated(mode=mode, reason=reason):
                self._note(f"{reason} Going deeper: {mode}.", "yellow")
            case Merging(how=how):
                self._end_table()
                self._note(f"Merged {how}.")
            case Revising(reason=reason):
                self._note(f"{reason} Each looks again, with what the others claim.", "yellow")
            case SecondLook(reason=reason):
                self._note(f"{reason} Looking again.", "yellow")
            case AnswerReady(answer=answer):
                self._final(answer)
            case _:
                pass

    def _of_a_plan(self, event: Event) -> bool:
        """Show what happens to planned work; False for any other event."""
        if self._plan is not None and self._plan.show(event):
            return True
        match event:
            case Routed(mode="agents", reason=reason):
                self._busy(f"{reason.capitalize()} …")
            case RunOpened():
                self._begin_plan()
            case _:
                return False
        return True

    def _of_a_draft(self, event: Event) -> bool:
        """Show what happens to one draft; False for any other event."""
        match event:
            case DraftStarted(draft=draft, approach=approach):
                self._end_plan()
                self._approaches[draft] = approach
                self._waiting[draft] = ""
            case Token(text=text, channel="answer"):
                self._answer_token(text)
            case Token(draft=draft, text=text):
                self._thought(draft, text)
            case CalculationCorrected():
                self._corrected(event)
            case ValueMissing():
                self._value_missing(event)
            case ProgramRun(error=error):
                if error:
                    self._note(f"program: {error}")
            case LookTaken(look=look):
                self._note(f"look {look.text}")
            case DraftVoided(reason=reason):
                self._void(reason)
            case DraftFinished(draft=draft, value=value):
                self._finished(draft, value)
            case DraftCancelled(draft=draft):
                self._finished(draft, "")
            case _:
                return False
        return True

    def _side_by_side(self) -> None:
        from pierian.cli.drafts_table import DraftsTable

        self._quiet()
        self._fresh_line()
        self._table = DraftsTable(self.console)

    def _end_table(self) -> None:
        if self._table is not None:
            self._table.stop()
            self._table = None

    def _begin_plan(self) -> None:
        from pierian.cli.plan_tree import PlanTree

        self._quiet()
        self._fresh_line()
        self._plan = PlanTree(self.console)

    def _end_plan(self, *, keep: bool = False) -> None:
        """Leave the tree as it stands; `keep` where its steps go on."""
        if self._plan is not None:
            self._plan.stop()
            self._plan = self._plan if keep else None

    def _busy(self, text: str) -> None:
        from rich.text import Text

        if not self._at_line_start or self._live is not None:
            return  # it would be drawn over what is being written
        if self._status is None:
            self._status = self.console.status(text, spinner_style="dim")
            self._status.start()
        self._status.update(Text(text, style="dim"))

    def _quiet(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _thought(self, draft: int, text: str) -> None:
        # Drafts run side by side: the first streams, and the others wait until it has finished.
        self._waiting[draft] = self._waiting.get(draft, "") + printable(text)
        if draft != min(self._waiting):
            return
        self._quiet()
        self._thought_of = draft
        held = self._waiting[draft]
        text, self._waiting[draft] = readable(held[: settled(held)]), held[settled(held) :]
        self.console.print(text, style="dim", end="", markup=False, soft_wrap=True)
        self._at_line_start = text.endswith("\n") if text else self._at_line_start

    def _corrected(self, event: CalculationCorrected) -> None:
        if self._live is not None or self._text:
            self._text = printable(event.text)
            self._refresh()
        elif event.draft != min(self._waiting, default=event.draft):
            self._waiting[event.draft] = printable(event.text)
        else:
            self.console.print(f" ✗ → {event.computed}", style="yellow", end="", markup=False)

    def _value_missing(self, event: ValueMissing) -> None:
        if event.draft != min(self._waiting, default=event.draft):
            self._waiting[event.draft] = printable(event.text)
            return
        self._note(f"{event.name} has no value yet; it is given one first", "yellow")
        self.console.print(printable(event.text).rpartition("\n")[2], style="dim", end="", markup=False)
        self._at_line_start = False

    def _void(self, reason: str) -> None:
        self._end_live()
        self._text, self._shown = "", 0
        self._note(reason, "yellow")

    def _finished(self, draft: int, value: str) -> None:
        if (rest := self._waiting.pop(draft, "")) and draft == self._thought_of:
            self.console.print(rest, style="dim", markup=False, soft_wrap=True)
            self._at_line_start = True
        self._fresh_line()
        if value and not self._text:
            self._note(f"{self._approaches.get(draft, 'draft')} → {value}")

    def _note(self, text: str, style: str = "dim") -> None:
        self._quiet()
        self._fresh_line()
        self.console.print(printable(f"· {text}"), style=style, markup=False)

    def _fresh_line(self) -> None:
        if not self._at_line_start:
            self.console.print()
            self._at_line_start = True

    def _answer_token(self, text: str) -> None:
        self._quiet()
        self._fresh_line()
        self._text += printable(text)
        self._refresh()

    def _refresh(self) -> None:
        """Print what is complete for good, and keep the last block live."""
        from rich.live import Live
        from rich.markdown import Markdown

        if self._live is None:
            self._live = Live(console=self.console, refresh_per_second=10, vertical_overflow="visible")
            self._live.start()
        whole = complete_blocks(self._text)
        if whole > self._shown:
            self._live.update(Markdown(""))
            self.console.print(Markdown(readable(self._text[self._shown : whole]), hyperlinks=False))
            self._shown = whole
        self._live.update(Markdown(readable(self._text[self._shown :]), hyperlinks=False))

    def _end_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _final(self, answer: Answer) -> None:
        from pierian.cli.receipt import receipt_lines

        self._quiet()
        self._end_table()
        self._end_plan()
        self._end_live()
        self._fresh_line()
        if answer.text and printable(answer.text).strip() != self._text.strip():
            from rich.markdown import Markdown

            self.console.print()
            self.console.print(Markdown(readable(printable(answer.text)), hyperlinks=False))
        self.console.print()
        # Looks were told as they were taken.
        for line in receipt_lines(answer.receipt, looks=False):
            self.console.print(line)


def complete_blocks(text: str) -> int:
    """Length of the beginning of a Markdown text whose blocks can no longer change."""
    end, fenced, at = 0, False, 0
    for line in text.splitlines(keepends=True):
        at += len(line)
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        # A list or a table may go on after an empty line, so only plain paragraphs and fences close.
        if not fenced and line.strip() == "" and line.endswith("\n"):
            end = at
    return end
