"""Instant: one short pass. Arithmetic that the answer writes down is still recomputed, which costs no tokens."""

from __future__ import annotations

from pierian.events import Routed
from pierian.reasoning.approach import Approach
from pierian.reasoning.approaches.direct import BRIEF, DIRECT_CHOICE, DIRECT_FORMULA, DIRECT_SHORT
from pierian.reasoning.approaches.short_sentences import SHORT_SENTENCES
from pierian.reasoning.attempt import attempt
from pierian.reasoning.question import Kind
from pierian.reasoning.run import Run

APPROACHES: dict[Kind, Approach] = {
    Kind.QUANTITY: SHORT_SENTENCES,
    Kind.CHOICE: DIRECT_CHOICE,
    Kind.FORMULA: DIRECT_FORMULA,
    Kind.SHORT: DIRECT_SHORT,
    Kind.OPEN: BRIEF,
}


async def answer_instantly(run: Run) -> None:
    """Answer in one pass; the result is `run.chosen`."""
    approach = APPROACHES[run.question.kind]
    run.emit(Routed("instant", f"{approach.name} for a question of kind {run.question.kind.value}"))
    run.chosen = await attempt(run, approach, channel="answer")
    if not run.checks:
        run.note = "Instant checks only arithmetic, and this answer has none."
