"""Refining: where drafts disagree, each value's best draft is shown what the others claim and is written again.

A draft sees a digest, never the others' full texts: for each other value how many came to it and the calculations
that led there. That keeps the prompt short, and keeps one long wrong draft from talking the others over.
"""

from __future__ import annotations

from collections.abc import Sequence

from pierian.events import Revising
from pierian.reasoning.approach import Approach
from pierian.reasoning.arithmetic import calculations, without_tex
from pierian.reasoning.consensus import Group, verdict
from pierian.reasoning.drafting import Look, make_drafts
from pierian.reasoning.run import Draft, Run

MOST_REVISED = 3
_ASK = (
    "Other attempts at this problem came to other results:\n{claims}\n\nAt most one result is right. Find where "
    "they part, going back to the words of the problem, and write your solution again in the same form, corrected "
    "if need be."
)


async def refine(run: Run, approaches: Sequence[Approach], *, bound: float) -> None:
    """One round: revise the best draft of each of the leading values, side by side."""
    groups = verdict(run.drafts).groups[:MOST_REVISED]
    known = {approach.name: approach for approach in approaches}
    looks = [
        Look(known[group.best.approach], revises=group.best, digest=digest(groups, group.best))
        for group in groups
        if group.best.approach in known
    ]
    if len(groups) < 2 or not looks:
        return
    run.emit(
        Revising(
            tuple(look.revises.number for look in looks if look.revises),
            f"The drafts disagree: {', '.join(group.best.value.text for group in groups)}.",
        )
    )
    await make_drafts(run, looks, at_once=run.model.slots, bound=bound)


def digest(groups: Sequence[Group], own: Draft) -> str:
    """What the drafts other than `own` claim, and the request to look again."""
    others = [group for group in groups if not group.best.value.agrees(own.value)]
    return _ASK.format(claims="\n".join(_claim(group) for group in others))


def _claim(group: Group) -> str:
    count = len(group.drafts)
    steps = [f"{c.expression} = {c.computed}" for c in calculations(without_tex(group.best.text))][-3:]
    how = f", by {'; '.join(steps)}" if steps else ""
    return f"- {group.best.value.text} ({count} attempt{'s' if count > 1 else ''}{how})"
