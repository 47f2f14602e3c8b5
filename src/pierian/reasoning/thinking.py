"""Thinking: reason, then check, and stop as soon as what is known is enough.

Two cheap drafts of different kinds are made side by side: for a quantity, short sentences whose arithmetic is
recomputed and a program that is run. If they agree, that is the answer. If not, further looks are taken until
one value leads: a worked solution first, then sampled drafts. Agreement between different approaches is what
tells right from wrong here; asking a small model to criticise itself does not (docs/log.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from pierian.budget import Limits
from pierian.events import Check, Routed, SecondLook
from pierian.exceptions import BudgetExhausted
from pierian.models.wire import Message
from pierian.reasoning.approach import Approach
from pierian.reasoning.approaches.direct import DIRECT_LETTER, DIRECT_SHORT, FULL
from pierian.reasoning.approaches.program import PROGRAM
from pierian.reasoning.approaches.short_sentences import SHORT_SENTENCES
from pierian.reasoning.approaches.worked import WORKED_CHOICE, WORKED_FORMULA, WORKED_QUANTITY, WORKED_SHORT
from pierian.reasoning.attempt import attempt
from pierian.reasoning.question import Kind
from pierian.reasoning.run import Draft, Run


class Look(Struct, frozen=True):
    """One draft to make: an approach, greedy or sampled."""

    approach: Approach
    sampled: bool = False


class Strategy(Struct, frozen=True):
    """The drafts made side by side at first, and the further looks in order."""

    first: tuple[Look, ...]
    further: tuple[Look, ...] = ()


STRATEGIES: dict[Kind, Strategy] = {
    Kind.QUANTITY: Strategy(
        (Look(SHORT_SENTENCES), Look(PROGRAM)),
        (Look(WORKED_QUANTITY), Look(SHORT_SENTENCES, sampled=True), Look(PROGRAM, sampled=True)),
    ),
    Kind.CHOICE: Strategy((Look(WORKED_CHOICE), Look(DIRECT_LETTER)), (Look(WORKED_CHOICE, sampled=True),)),
    Kind.FORMULA: Strategy((Look(WORKED_FORMULA),), (Look(PROGRAM),)),
    Kind.SHORT: Strategy((Look(WORKED_SHORT), Look(DIRECT_SHORT)), (Look(WORKED_SHORT, sampled=True),)),
}


def long_prefixes() -> list[tuple[Message, ...]]:
    """The fixed beginnings of prompts that are worth keeping ready."""
    return [SHORT_SENTENCES.prefix(), PROGRAM.prefix()]


async def think(run: Run) -> None:
    """Answer with checks; the result is `run.chosen`, with `run.agreeing` drafts behind it."""
    kind = run.question.kind
    if kind is Kind.OPEN:
        await _open(run)
        return
    run.sandbox.warm()
    strategy = STRATEGIES[kind]
    thinks = run.model.profile.thinks
    if thinks:  # a native thinker's worked solution is its best; cheap drafts would only mislead it
        strategy = Strategy(
            tuple(look for look in strategy.first if look.approach.weight > 1), strategy.further
        )
        strategy = strategy if strategy.first else Strategy(strategy.further[:1], (Look(PROGRAM),))
    names = " and ".join(look.approach.name for look in strategy.first)
    run.emit(Routed("thinking", f"{names} for a question of kind {kind.value}"))
    await _side_by_side(run, strategy.first, thinks=thinks)
    for look in strategy.further:
        if decided(run.drafts):
            break
        reason = _why_look_again(run.drafts)
        run.emit(SecondLook(reason))
        try:
            await attempt(
                run, look.approach, sampled=look.sampled, thinks=thinks and not look.approach.computes
            )
        except BudgetExhausted as error:
            run.cut_short = f"{error} Another look was due: {reason.lower()}"
            break
        _choose(run)
    _settle(run)


async def _open(run: Run) -> None:
    run.emit(
        Routed("thinking", "one pass: nothing in an open question can be checked by code but its arithmetic")
    )
    run.chosen = await attempt(run, FULL, channel="answer", thinks=run.model.profile.thinks)
    run.note = "" if run.checks else "Nothing in this question could be checked."


async def _side_by_side(run: Run, looks: Sequence[Look], *, thinks: bool) -> None:
    """Make the first drafts in parallel, each with its share of what is left of the budget."""
    left = run.ledger.tokens_left()
    share = None if left is None else max(1, left // len(looks))

    async def one(look: Look) -> None:
        try:
            await attempt(
                run,
                look.approach,
                sampled=look.sampled,
                thinks=thinks and not look.approach.computes,
                ledger=run.ledger.child(Limits(tokens=share)),
            )
        except BudgetExhausted as error:
            run.cut_short = str(error)
        _choose(run)

    try:
        async with asyncio.TaskGroup() as group:
            for look in looks:
                group.create_task(one(look))
    except BaseExceptionGroup as failures:
        # The first failure ended the others; it alone is what the user needs to hear.
        raise failures.exceptions[0] from None
    if not run.drafts:
        raise BudgetExhausted("tokens", run.cut_short or "The token budget is used up.")


def readable(draft: Draft) -> tuple[bool, bool, int]:
    """Among drafts with the same value the shortest prose without a known mistake is shown."""
    return not draft.code, draft.weight >= 1, -len(draft.text)


def tally(drafts: Sequence[Draft]) -> list[tuple[float, int, Draft]]:
    """For each distinct value: its weight, how many drafts hold it, and its best draft; heaviest first."""
    groups: dict[str, list[Draft]] = {}
    for draft in drafts:
        if draft.value:
            groups.setdefault(draft.value.normal, []).append(draft)
    rows = [(sum(d.weight for d in group), len(group), max(group, key=readable)) for group in groups.values()]
    return sorted(rows, key=lambda row: (-row[0], row[2].number))


def decided(drafts: Sequence[Draft]) -> bool:
    """Whether what is known is enough: two drafts agree and no other value has as many."""
    rows = tally(drafts)
    return bool(rows) and rows[0][1] >= 2 and all(row[1] < rows[0][1] for row in rows[1:])


def _why_look_again(drafts: Sequence[Draft]) -> str:
    values = list(dict.fromkeys(d.value.text for d in drafts if d.value))
    if not values:
        return "No draft came to a value."
    if len(values) == 1:
        return f"Only one draft came to a value, {values[0]}."
    return f"The drafts disagree: {', '.join(values)}."


def _choose(run: Run) -> None:
    rows = tally(run.drafts)
    if rows:
        _, run.agreeing, run.chosen = rows[0]
    elif run.drafts:
        run.chosen = max((d for d in run.drafts), key=lambda d: (not d.code, len(d.text)))


def _settle(run: Run) -> None:
    """Choose the answer and put on the receipt what agreed."""
    _choose(run)
    chosen = run.chosen
    if decided(run.drafts):
        run.cut_short = ""  # a draft that was cut off could not have changed it
    if chosen is None:
        return
    for draft in run.drafts:
        if draft.code:
            if not draft.value:
                run.check(Check("program", "unusable", "a program was written but gave no value", draft.code))
            elif draft.value.agrees(chosen.value):
                run.check(Check("program", "passed", f"a program gave {draft.value.text}", draft.code))
            else:
                run.check(
                    Check("program", "failed", f"a program gave {draft.value.text} instead", draft.code)
                )
    if not chosen.value:
        run.note = "No draft came to a value that could be compared, so nothing was checked but arithmetic."
    elif len(run.drafts) > 1:
        outcome = "passed" if decided(run.drafts) else "failed"
        run.check(Check("agreement", outcome, f"{run.agreeing} of {len(run.drafts)} drafts agree"))
        if outcome == "failed":
            run.note = "The drafts disagree, so treat this answer with care."
