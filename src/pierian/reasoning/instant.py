"""Instant: one short pass. A quantity is worked out by a short program, which code runs and explains; for everything
else the answer streams as it is written. Arithmetic in it is recomputed, which costs no tokens."""

from __future__ import annotations

from pierian.events import Check, Routed
from pierian.reasoning.approach import Approach
from pierian.reasoning.approaches.direct import BRIEF, DIRECT_CHOICE, DIRECT_FORMULA, DIRECT_SHORT
from pierian.reasoning.approaches.explained_program import EXPLAINED_PROGRAM
from pierian.reasoning.approaches.short_sentences import SHORT_SENTENCES
from pierian.reasoning.attempt import attempt
from pierian.reasoning.question import Kind
from pierian.reasoning.run import Run
from pierian.reasoning.thinking import note_plausibility

APPROACHES: dict[Kind, Approach] = {
    Kind.QUANTITY: EXPLAINED_PROGRAM,
    Kind.CHOICE: DIRECT_CHOICE,
    Kind.FORMULA: DIRECT_FORMULA,
    Kind.SHORT: DIRECT_SHORT,
    Kind.OPEN: BRIEF,
}


async def answer_instantly(run: Run) -> None:
    """Answer in one pass; the result is `run.chosen`."""
    approach, left = APPROACHES[run.question.kind], run.ledger.tokens_left()
    if approach.computes and left is not None and left < 2 * approach.usual_tokens:
        approach = SHORT_SENTENCES  # half a program is worth nothing, half an explanation something
    run.emit(Routed("instant", f"{approach.name} for a question of kind {run.question.kind.value}"))
    if approach.computes:
        run.sandbox.warm()
    run.chosen = await attempt(run, approach, channel="thought" if approach.computes else "answer")
    if approach.computes and not run.chosen.value:
        # A program that does not run is no answer. Words always are.
        run.chosen = await attempt(run, SHORT_SENTENCES, channel="answer")
    elif run.chosen.code:
        run.check(Check("program", "passed", f"a program gave {run.chosen.value.text}", run.chosen.code))
    note_plausibility(run, run.chosen)
    if not run.checks:
        run.note = "Instant checks only arithmetic, and this answer has none."
