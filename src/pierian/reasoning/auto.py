"""Auto: begin as shallow as is likely to do, and go deeper only when what came of it does not hold together.

Where to begin is decided by code from the form of the question and what is left of the budget; it costs no token.
Whether to go on is decided from the drafts themselves: how sure the model was, whether a second draft agrees. The
drafts of a shallower mode count in the deeper one, so that escalating wastes nothing.
"""

from __future__ import annotations

from pierian.events import Escalated, Routed
from pierian.reasoning.consensus import verdict
from pierian.reasoning.contemplating import contemplate
from pierian.reasoning.instant import answer_instantly
from pierian.reasoning.mode import Mode
from pierian.reasoning.question import Kind
from pierian.reasoning.run import Run
from pierian.reasoning.thinking import BOUND, think

SURE_ALONE = 0.9
"""A single draft is enough when its value is put at this probability."""
LEAST_TOKENS = 250
"""With less than this left there is no room to check anything."""
CONTEMPLATE_TOKENS = 600
"""With less than this left the further drafts of Contemplating could not change much."""
MOST_WORDS = 40
"""An open question longer than this is taken for one that wants a complete answer."""


async def answer_automatically(run: Run, drafts: int) -> None:
    """Answer; `run.took` is the deepest mode that was needed."""
    mode, reason = begin_with(run)
    run.took = mode.value
    run.emit(Routed(mode.value, reason))
    if mode is Mode.INSTANT:
        await answer_instantly(run)
        doubt = _doubt_alone(run)
        if not doubt or not _affordable(run, LEAST_TOKENS):
            return
        _deeper(run, Mode.THINKING, doubt)
    await think(run)
    doubt = _doubt(run)
    if doubt and _affordable(run, CONTEMPLATE_TOKENS):
        _deeper(run, Mode.CONTEMPLATING, doubt)
        await contemplate(run, drafts)


def begin_with(run: Run) -> tuple[Mode, str]:
    """The first mode and the reason for it."""
    kind = run.question.kind
    if not _affordable(run, LEAST_TOKENS):
        return Mode.INSTANT, "the budget leaves no room to check anything"
    if kind is Kind.QUANTITY:
        return Mode.INSTANT, "a short program, and more only if it is not sure"
    if kind is not Kind.OPEN:
        return Mode.THINKING, "the answer can be compared with a second draft"
    if len(run.question.text.split()) <= MOST_WORDS and not run.history:
        return Mode.INSTANT, "a short open question"
    return Mode.THINKING, "an open question that asks for a complete answer"


def _doubt_alone(run: Run) -> str:
    """Why one pass is not enough; empty where it is, or where more could not tell."""
    if run.question.kind is Kind.OPEN or run.cut_short:
        return ""
    if run.chosen is None or not run.chosen.value:
        return "The first draft came to no value."
    sure = verdict(run.drafts).probability
    return "" if sure >= SURE_ALONE else f"The odds that the first draft is right are put at {sure:.0%}."


def _doubt(run: Run) -> str:
    """Why a checked answer is not enough; empty where it is."""
    if run.question.kind is Kind.OPEN or run.stopped or run.cut_short:
        return ""
    found = verdict(run.drafts)
    if found.agreeing >= 2 and found.probability >= BOUND:
        return ""
    return "The drafts do not settle it."


def _deeper(run: Run, mode: Mode, doubt: str) -> None:
    """Go on in a deeper mode; what the shallower one put on the receipt is worked out anew from all drafts."""
    run.took = mode.value
    run.emit(Escalated(mode.value, doubt))
    run.checks = [check for check in run.checks if check.kind == "arithmetic"]
    run.note = run.stopped = ""


def _affordable(run: Run, tokens: int) -> bool:
    left = run.ledger.tokens_left()
    return left is None or left >= tokens
