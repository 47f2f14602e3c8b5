"""What a run has come to, folded from the events of its journal, for the page of its conversation.

The same fold serves a run that works, one that is read again after a restart, and one that has ended. An event may
come that does not fit what came before it (a journal can be cut anywhere): then it changes what it can. How the
plan stands is in `steps`; nothing here reads the journal or makes HTML.
"""

from __future__ import annotations

import re

from msgspec import Struct, field

from pierian.events import (
    Answer,
    AnswerReady,
    ApprovalGiven,
    ApprovalNeeded,
    CalculationCorrected,
    DraftCancelled,
    DraftFinished,
    DraftStarted,
    DraftVoided,
    EngineRestarted,
    Escalated,
    Event,
    Look,
    LookTaken,
    Merging,
    ModelLoading,
    ModelReady,
    PictureRead,
    PlanMade,
    ProgramRun,
    PromptRead,
    Revising,
    Routed,
    RunFailed,
    RunOpened,
    RunParked,
    SecondLook,
    Token,
    ValueMissing,
)
from pierian.webapp import words
from pierian.webapp.receipts import receipt_view
from pierian.webapp.steps import Steps
from pierian.webapp.views import DraftView, Progress, TurnState

MOST_NOTES = 100
"""Earlier ones are left out."""
_STATES: dict[str, TurnState] = {
    "running": "working",
    "waiting": "waiting",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "stopped": "stopped",
}
_PLANNED = re.compile(r"(?:up to )?(\d{1,3}) drafts")
"""How many drafts a Contemplating run says that it makes."""
_OUTLINE = "outline"
"""The draft in which merging writes its notes, as JSON: nothing for people."""
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)


class _Draft(Struct):
    """One draft: what it wrote for itself, and what it wrote as the answer."""

    approach: str
    beside: bool
    """Whether it stands beside others."""
    thought: str = ""
    answer: str = ""
    value: str = ""
    tokens: int = 0
    state: str = "working"


class _Reasoning(Struct):
    """What begins anew when a run does: everything but its plan."""

    mode: str = ""
    reason: str = ""
    routed: str = ""
    """The reason of the event before, where that was a `Routed`."""
    beside: bool = False
    planned_drafts: int = 0
    drafts: dict[int, _Draft] = field(default_factory=dict[int, _Draft])
    answering: int = 0
    """The draft that writes the answer; 0 while none does."""
    notes: list[str] = field(default_factory=list[str])
    pictures: list[PictureRead] = field(default_factory=list[PictureRead])
    looks: list[Look] = field(default_factory=list[Look])
    merging: str = ""
    revising: bool = False
    status: str = ""
    answer: Answer | None = None
    error: str = ""
    hint: str = ""


class ProgressReader:
    """Reads the events of one run, in order."""

    def __init__(self) -> None:
        self._now = _Reasoning()
        self._steps = Steps()
        self._begun = False
        self._parked = False

    def read(self, event: Event) -> None:
        """Take an event into account."""
        before, self._now.routed = self._now.routed, ""
        self._begun = True
        if self._steps.read(event):
            if isinstance(event, PlanMade | ApprovalNeeded | ApprovalGiven):
                self._now.status = ""
            return
        if not (self._of_the_run(event) or self._of_a_draft(event)):
            self._of_the_mode(event, before)

    def progress(self, state: str) -> Progress:
        """How it stands; `state` is the run's state in the journal."""
        shown = _STATES.get(state, "lost")
        now, open_run = self._now, shown in ("working", "waiting")
        # What a parked run says in place of an answer speaks of commands; the approval stands on the page.
        answer = None if self._parked else now.answer
        receipt = receipt_view(answer.receipt) if answer else None
        outcomes = {one.number: one.state for one in receipt.drafts} if receipt else {}
        return Progress(
            state=shown,
            status=self._status(shown),
            mode=now.mode,
            reason=now.reason,
            thoughts=self._thoughts(whole=not open_run),
            notes=tuple(now.notes),
            drafts=tuple(
                _draft_view(number, one, outcomes.get(number, "") or ("" if open_run else "cut off"))
                for number, one in now.drafts.items()
                if one.beside
            ),
            merging=now.merging,
            steps=self._steps.views(receipt.steps if receipt else (), ended=not open_run),
            answer=answer.text if answer else self._answer(),
            receipt=receipt,
            pictures=tuple(now.pictures),
            looks=tuple(now.looks),
            error=now.error if shown == "failed" else "",
            hint=now.hint if shown == "failed" else "",
        )

    def _of_the_run(self, event: Event) -> bool:
        now = self._now
        match event:
            case RunOpened(resumed=resumed):
                self._parked = False
                if resumed:  # what it wrote does not count any more; what it did, does
                    begun_again = any(one.thought or one.answer for one in now.drafts.values())
                    self._now = _Reasoning(notes=[words.BEGUN_AGAIN] if begun_again else [])
            case RunParked():
                self._parked = True
            case RunFailed(reason=reason, hint=hint):
                now.error, now.hint = reason, hint
            case AnswerReady(answer=answer):
                now.answer = answer
            case ModelLoading():
                now.status = words.LOADING
            case ModelReady():
                now.status = ""
            case PromptRead(processed=processed, total=total):
                now.status = words.reading(processed, total) if processed < total else ""
            case EngineRestarted(reason=reason):
                now.status = words.RESTARTING
                self._note(reason)
            case _:
                return False
        return True

    def _of_a_draft(self, event: Event) -> bool:
        now = self._now
        match event:
            case DraftStarted(draft=number, approach=approach):
                named = words.again(approach) if now.revising else approach
                now.drafts[number] = _Draft(named, now.beside and not now.merging)
            case Token():
                self._written(event)
            case DraftVoided(draft=number, reason=reason):
                if number in now.drafts:
                    draft = now.drafts[number]
                    draft.thought = draft.answer = ""
                    self._note(reason)
            case CalculationCorrected(draft=number, text=text):
                self._replaced(number, text)
                self._note(words.corrected(event.expression, event.claimed, event.computed))
            case ValueMissing(draft=number, text=text, name=name):
                self._replaced(number, text)
                self._note(words.value_missing(name))
            case DraftFinished(draft=number, value=value, tokens=tokens):
                draft = self._draft(number)
                draft.value, draft.tokens, draft.state = value, tokens, "finished"
            case DraftCancelled(draft=number, tokens=tokens):
                draft = self._draft(number)
                draft.tokens, draft.state = tokens, "cut off"
            case ProgramRun(error=error):
                if error:
                    self._note(words.program_failed(error))
            case PictureRead():
                now.pictures.append(event)
            case LookTaken(look=look):
                now.looks.append(look)
                now.status = ""
            case _:
                return False
        return True

    def _of_the_mode(self, event: Event, routed_before: str) -> None:
        now = self._now
        match event:
            case Routed(mode=mode, reason=reason):
                # Auto says why it takes a mode, and the mode right after it how it goes about it.
                if routed_before and mode == now.mode:
                    now.reason = routed_before
                now.mode, now.routed, now.status = mode, reason, ""
                now.beside = mode == "contemplating"
                planned = _PLANNED.match(reason)
                now.planned_drafts = int(planned[1]) if planned else 0
            case Escalated(mode=mode, reason=reason):
                self._demote()
                now.mode, now.reason = mode, reason
                self._note(words.escalated(mode, reason))
            case SecondLook(reason=reason):
                now.status = words.LOOKING_AGAIN
                self._note(words.second_look(reason))
            case Revising(reason=reason):
                now.revising, now.status = True, words.REVISING
                self._note(words.revising(reason))
            case Merging(how=how):
                now.merging, now.status = words.merged(how), ""
                self._note(now.merging)
            case _:
                pass

    def _draft(self, number: int) -> _Draft:
        if number not in self._now.drafts:
            self._now.drafts[number] = _Draft("", self._now.beside and not self._now.merging)
        return self._now.drafts[number]

    def _written(self, token: Token) -> None:
        now, draft = self._now, self._draft(token.draft)
        now.status = ""
        if token.channel == "thought":
            draft.thought += token.text
            return
        if now.answering != token.draft:  # an answer that was begun anew
            self._demote()
            now.answering = token.draft
        draft.answer += token.text

    def _replaced(self, number: int, text: str) -> None:
        draft = self._draft(number)
        if draft.answer:
            draft.answer = text
        else:
            draft.thought = text

    def _demote(self) -> None:
        """What was written as the answer is none: it becomes a thought."""
        draft = self._now.drafts.get(self._now.answering)
        if draft is not None:
            draft.thought = "\n\n".join(part for part in (draft.thought, draft.answer) if part)
            draft.answer = ""
        self._now.answering = 0

    def _note(self, text: str) -> None:
        self._now.notes = [*self._now.notes, text][-MOST_NOTES:]

    def _answer(self) -> str:
        draft = self._now.drafts.get(self._now.answering)
        return draft.answer if draft is not None else ""

    def _thoughts(self, *, whole: bool) -> str:
        """What was thought, a draft after another.

        While it works, those behind an unfinished one wait for their turn, so that the text grows at its end.
        """
        told = [
            one
            for one in self._now.drafts.values()
            if not one.beside and not one.approach.startswith(_OUTLINE)
        ]
        parts = list[str]()
        for draft in told:
            if draft.thought.strip():
                heading = (
                    f"**{_plain(words.draft_heading(draft.approach))}**"
                    if draft.approach and len(told) > 1
                    else ""
                )
                came_to = f"→ {_plain(draft.value)}" if draft.value and not draft.answer else ""
                thought = draft.thought.strip("\n") if whole or draft.state != "working" else draft.thought
                ended = _ended(thought) if whole or draft.state != "working" else thought
                parts.append("\n\n".join(part for part in (heading, ended, came_to) if part))
            if not whole and draft.state == "working" and not draft.answer:
                break
        return "\n\n".join(parts)

    def _status(self, state: TurnState) -> str:
        """What it does just now, in a few words."""
        if state == "waiting":
            if self._parked or self._steps.asking:
                return words.WAITING_APPROVAL
            return words.WAITING_AGAIN if self._begun else words.WAITING_PLACE
        if state != "working":
            return ""
        now = self._now
        if self._answer():
            return words.WRITING
        if now.status:
            return now.status
        if self._steps.asking:
            return words.WAITING_APPROVAL
        if now.merging:
            return words.MERGING
        if now.beside and now.drafts:
            beside = [one for one in now.drafts.values() if one.beside]
            finished = sum(one.state == "finished" for one in beside)
            return words.drafts(finished, max(now.planned_drafts, len(beside)))
        if now.mode == "agents":
            done, of = self._steps.count()
            return words.steps(done, of) if of else words.PLANNING
        return words.THINKING


def _draft_view(number: int, draft: _Draft, outcome: str) -> DraftView:
    state = outcome if outcome and (outcome != "cut off" or draft.state == "working") else draft.state
    text = "\n\n".join(part for part in (draft.thought, draft.answer) if part)
    return DraftView(number, draft.approach, state, draft.value, draft.tokens, text)


def _ended(text: str) -> str:
    """A text with its last block of code ended, so that what comes after it stands outside."""
    opened = ""
    for found in _FENCE.finditer(text):
        mark = found[1]
        opened = "" if opened and mark.startswith(opened) else (opened or mark)
    return f"{text}\n{opened}" if opened else text


def _plain(text: str) -> str:
    """A few words on one line, without what Markdown would read in them."""
    return re.sub(r"([\\`*_~\[\]<>$#|!])", r"\\\1", " ".join(text.split()))
