"""Thinking: reason, then check, and stop as soon as what is known is enough.

Drafts are made in stages. For a quantity the first stage is two programs side by side, one of them explained step
by step; if their results agree, that is the answer. If not, further drafts of other kinds are made until the
votes settle. Agreement between different approaches is what tells right from wrong here; asking a small model to
criticise itself does not (docs/log.md).
"""

from __future__ import annotations

from msgspec import Struct

from pierian.events import Check, Routed, SecondLook
from pierian.models.wire import Message
from pierian.reasoning.approaches.direct import DIRECT_LETTER, DIRECT_SHORT, FULL
from pierian.reasoning.approaches.explained_program import EXPLAINED_PROGRAM
from pierian.reasoning.approaches.facts_first import FACTS_FIRST
from pierian.reasoning.approaches.program import FORMULA_PROGRAM, PROGRAM
from pierian.reasoning.approaches.questioned_program import QUESTIONED_PROGRAM
from pierian.reasoning.approaches.short_sentences import SHORT_SENTENCES
from pierian.reasoning.approaches.worked import WORKED_CHOICE, WORKED_FORMULA, WORKED_QUANTITY, WORKED_SHORT
from pierian.reasoning.attempt import attempt
from pierian.reasoning.consensus import decided, standing, verdict
from pierian.reasoning.drafting import Look, choose, make_drafts, not_made_yet
from pierian.reasoning.question import Kind
from pierian.reasoning.run import Draft, Run


class Strategy(Struct, frozen=True):
    """Stages of drafts, each made side by side, and the probability at which no further stage is begun."""

    stages: tuple[tuple[Look, ...], ...]
    bound: float


BOUND = 0.85
STRATEGIES: dict[Kind, Strategy] = {
    Kind.QUANTITY: Strategy(
        (
            (Look(EXPLAINED_PROGRAM), Look(PROGRAM)),
            (Look(WORKED_QUANTITY),),
            (Look(QUESTIONED_PROGRAM),),
            (Look(FACTS_FIRST), Look(WORKED_QUANTITY, sampled=True), Look(WORKED_QUANTITY, sampled=True)),
        ),
        BOUND,
    ),
    Kind.CHOICE: Strategy(
        ((Look(WORKED_CHOICE), Look(DIRECT_LETTER)), (Look(WORKED_CHOICE, sampled=True),)), BOUND
    ),
    Kind.FORMULA: Strategy(((Look(WORKED_FORMULA),), (Look(FORMULA_PROGRAM),)), BOUND),
    Kind.SHORT: Strategy(
        ((Look(WORKED_SHORT), Look(DIRECT_SHORT)), (Look(WORKED_SHORT, sampled=True),)), BOUND
    ),
}


def long_prefixes() -> list[tuple[Message, ...]]:
    """The fixed beginnings of prompts that are worth keeping ready."""
    return [
        approach.prefix() for approach in (EXPLAINED_PROGRAM, PROGRAM, QUESTIONED_PROGRAM, SHORT_SENTENCES)
    ]


async def think(run: Run) -> None:
    """Answer with checks; the result is `run.chosen`, with `run.agreeing` drafts behind it."""
    kind = run.question.kind
    if kind is Kind.OPEN:
        await _open(run)
        return
    run.sandbox.warm()
    strategy = STRATEGIES[kind]
    if (
        run.model.profile.thinks
    ):  # a native thinker's worked solution is its best; cheap drafts would only mislead it
        strategy = _for_native_thinkers(kind)
    names = " and ".join(look.approach.name for look in strategy.stages[0])
    run.emit(Routed("thinking", f"{names} for a question of kind {kind.value}"))
    for index, stage in enumerate(strategy.stages):
        if run.drafts and index:
            run.emit(SecondLook(why_look_again(run.drafts)))
        later = [look for after in strategy.stages[index + 1 :] for look in after]
        await make_drafts(
            run, not_made_yet(run, stage), at_once=len(stage), bound=strategy.bound, later=later
        )
        if run.stopped or run.cut_short:
            break
    settle(run)


def _for_native_thinkers(kind: Kind) -> Strategy:
    worked = {
        Kind.QUANTITY: WORKED_QUANTITY,
        Kind.CHOICE: WORKED_CHOICE,
        Kind.FORMULA: WORKED_FORMULA,
        Kind.SHORT: WORKED_SHORT,
    }[kind]
    return Strategy(((Look(worked),), (Look(worked, sampled=True),), (Look(worked, sampled=True),)), BOUND)


async def _open(run: Run) -> None:
    run.emit(
        Routed("thinking", "one pass: nothing in an open question can be checked by code but its arithmetic")
    )
    run.chosen = await attempt(run, FULL, channel="answer", thinks=run.model.profile.thinks)
    run.note = "" if run.checks else "Nothing in this question could be checked."


def why_look_again(drafts: list[Draft]) -> str:
    """Why what is known is not enough, as a sentence."""
    in_order = sorted(drafts, key=lambda draft: draft.number)
    values = list(dict.fromkeys(draft.value.text for draft in in_order if draft.value))
    if not values:
        return "No draft came to a value."
    if len(values) == 1:
        return f"Only one draft came to a value, {values[0]}."
    if len({draft.value.normal for draft in drafts if draft.value}) == 1:
        return f"The drafts agree on {values[0]}, but are not sure enough."
    return f"The drafts disagree: {', '.join(values)}."


def settle(run: Run) -> None:
    """Choose the answer and put on the receipt what agreed."""
    choose(run)
    chosen, counted = run.chosen, standing(run.drafts)
    if run.stopped:
        run.cut_short = ""  # a draft that was cut off could not have changed it
    if chosen is None:
        return
    for draft in counted:
        if draft.code:
            run.check(_program_check(draft, chosen))
    note_plausibility(run, chosen)
    if not chosen.value:
        run.note = "No draft came to a value that could be compared, so nothing was checked but arithmetic."
        return
    if len(counted) > 1:
        sure = bool(decided(run.drafts, 0.5))
        detail = f"{run.agreeing} of {len(counted)} drafts agree"
        run.check(Check("agreement", "passed" if sure else "failed", detail))
        if not sure:
            others = [group.best.value.text for group in verdict(run.drafts).groups[1:4]]
            also = f" Other drafts came to {', '.join(others)}." if others else ""
            run.note = f"{run.note} The drafts do not agree, so treat this answer with care.{also}".strip()


def note_plausibility(run: Run, chosen: Draft) -> None:
    """Put on the receipt whether the answer uses what the question gives."""
    if chosen.doubts:
        run.check(Check("plausibility", "failed", " ".join(chosen.doubts)))
        run.note = f"{run.note} {' '.join(chosen.doubts)} Treat this answer with care.".strip()
    elif run.question.kind is Kind.QUANTITY and chosen.value:
        run.check(Check("plausibility", "passed", "every number of the question is used"))


def _program_check(draft: Draft, chosen: Draft) -> Check:
    if not draft.value:
        return Check("program", "unusable", "a program was written but gave no value", draft.code)
    if draft.value.agrees(chosen.value):
        return Check("program", "passed", f"a program gave {draft.value.text}", draft.code)
    return Check("program", "failed", f"a program gave {draft.value.text} instead", draft.code)
