"""Contemplating: several drafts with different approaches in parallel, refined where they disagree, then merged.

Drafts begin in the order of the pool, as many at a time as the server has slots, and end as soon as the votes are
settled (`consensus.decided`): most questions never see the end of the pool. If the pool ends first, the best draft
of each leading value is revised once after a digest of the others. Values are merged by consensus; open answers,
which cannot be compared, by `merging`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pierian.events import Merging, Routed
from pierian.reasoning.approaches.direct import DIRECT_LETTER, DIRECT_SHORT, FULL
from pierian.reasoning.approaches.elimination import ELIMINATION
from pierian.reasoning.approaches.explained_program import EXPLAINED_PROGRAM
from pierian.reasoning.approaches.facts_first import FACTS_FIRST
from pierian.reasoning.approaches.open_answers import DOUBTS_FIRST, POINTS
from pierian.reasoning.approaches.program import FORMULA_PROGRAM, PROGRAM
from pierian.reasoning.approaches.questioned_program import QUESTIONED_PROGRAM
from pierian.reasoning.approaches.short_sentences import SHORT_SENTENCES
from pierian.reasoning.approaches.worked import WORKED_CHOICE, WORKED_FORMULA, WORKED_QUANTITY, WORKED_SHORT
from pierian.reasoning.drafting import Look, make_drafts, not_made_yet
from pierian.reasoning.merging import merge
from pierian.reasoning.question import Kind
from pierian.reasoning.refining import refine
from pierian.reasoning.run import Run
from pierian.reasoning.thinking import settle

BOUND = 0.98
"""Drafts end when the leading value is put at this probability: by its own odds one answer in fifty is wrong."""
OPEN_DRAFTS = 3
"""Open answers gain little from more drafts, and each makes the merge longer."""

POOLS: dict[Kind, tuple[Look, ...]] = {
    Kind.QUANTITY: (
        Look(EXPLAINED_PROGRAM),
        Look(PROGRAM),
        Look(SHORT_SENTENCES),
        Look(QUESTIONED_PROGRAM),
        Look(WORKED_QUANTITY),
        Look(EXPLAINED_PROGRAM, sampled=True),
        Look(FACTS_FIRST),
        Look(WORKED_QUANTITY, sampled=True),
    ),
    Kind.CHOICE: (
        Look(WORKED_CHOICE),
        Look(DIRECT_LETTER),
        Look(ELIMINATION),
        Look(WORKED_CHOICE, sampled=True),
        Look(ELIMINATION, sampled=True),
    ),
    Kind.FORMULA: (Look(WORKED_FORMULA), Look(WORKED_FORMULA, sampled=True), Look(FORMULA_PROGRAM)),
    Kind.SHORT: (Look(WORKED_SHORT), Look(DIRECT_SHORT), Look(WORKED_SHORT, sampled=True)),
    Kind.OPEN: (Look(FULL), Look(POINTS), Look(DOUBTS_FIRST)),
}
"""Approaches in the order in which they are tried; a longer run goes round the sampled ones again."""


async def contemplate(run: Run, drafts: int) -> None:
    """Answer from up to `drafts` drafts; drafts that are in the run already count."""
    kind = run.question.kind
    if kind is Kind.OPEN:
        await _open(run, min(drafts, OPEN_DRAFTS))
        return
    run.sandbox.warm()
    looks = not_made_yet(run, pool(kind, drafts, thinks=run.model.profile.thinks))
    run.emit(Routed("contemplating", f"up to {drafts} drafts for a question of kind {kind.value}"))
    await make_drafts(run, looks, at_once=run.model.slots, bound=BOUND)
    if not run.stopped and not run.cut_short:
        await refine(run, [look.approach for look in POOLS[kind]], bound=BOUND)
    run.emit(Merging("by the votes of the drafts"))
    settle(run)
    if not run.stopped and not run.cut_short:
        run.stopped = f"All {len(run.begun)} drafts were made."


def pool(kind: Kind, drafts: int, *, thinks: bool) -> list[Look]:
    """The first `drafts` looks for a kind of question."""
    fixed = [look for look in POOLS[kind] if not thinks or look.approach.usual_tokens >= 300]
    fixed = fixed or list(POOLS[kind])
    again: Sequence[Look] = [
        Look(look.approach, sampled=True) for look in fixed if look.approach.usual_tokens > 20
    ]
    looks = list(fixed)
    while len(looks) < drafts:
        looks += again
    return looks[:drafts]


async def _open(run: Run, drafts: int) -> None:
    run.emit(Routed("contemplating", f"{drafts} drafts of an open answer, merged into one"))
    await make_drafts(run, POOLS[Kind.OPEN][:drafts], at_once=run.model.slots, bound=1.0)
    await merge(run)
