"""Consensus: what drafts together say, how sure that is, and whether more drafts could change it.

Each draft casts a vote for its value, weighted by the evidence it carries in nats (`Draft.weight`): how often
its approach is right, how sure the model was of its words, whether its arithmetic held. The votes are read as
naive Bayes over the values seen and the possibility that none of them is right, as in the model of Dawid and
Skene (1979). Drafts of one model share their misreadings, so their evidence is not independent: it is discounted
by one factor, fitted so that the stated probability comes true (docs/log.md). Stopping when the posterior
passes a bound is the rule of adaptive consistency (Aggarwal et al., 2023) with weighted votes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from pierian.reasoning.run import Draft

DEPENDENCE = 0.7
"""What is left of a vote's evidence because drafts of one model err together."""
KIN = 0.2
"""What a further draft of the same kind (programs, or words) adds: programs share misreadings with programs."""


UNANIMOUS = 3
"""So many drafts, words and programs among them, are enough when no draft came to another value."""


class Group(Struct, frozen=True):
    """The drafts that hold one value, and their evidence in nats."""

    drafts: tuple[Draft, ...]
    evidence: float

    @property
    def best(self) -> Draft:
        """The draft that is shown for the value."""
        return max(self.drafts, key=readable)


class Verdict(Struct, frozen=True):
    """What the drafts say together. `probability` is the leader's, 0 when no draft has a value."""

    groups: tuple[Group, ...]
    probability: float

    @property
    def leader(self) -> Group | None:
        """The value that leads, if any."""
        return self.groups[0] if self.groups else None

    @property
    def agreeing(self) -> int:
        """How many drafts hold the leading value."""
        return len(self.groups[0].drafts) if self.groups else 0


def readable(draft: Draft) -> tuple[bool, bool, int]:
    """Among drafts with the same value the shortest text without a known mistake is shown."""
    return bool(draft.text), draft.complete and draft.sound, -len(draft.text)


def verdict(drafts: Sequence[Draft]) -> Verdict:
    """Weigh the drafts; heaviest value first, earlier drafts first among equals."""
    held: dict[str, list[Draft]] = {}
    for draft in standing(drafts):
        if draft.value:
            held.setdefault(draft.value.normal, []).append(draft)
    groups = [Group(tuple(group), DEPENDENCE * _evidence(group)) for group in held.values()]
    groups.sort(key=lambda group: (-group.evidence, group.drafts[0].number))
    if not groups:
        return Verdict((), 0.0)
    # The constant 1 is the hypothesis that none of the values seen is right.
    whole = 1.0 + sum(math.exp(group.evidence) for group in groups)
    return Verdict(tuple(groups), math.exp(groups[0].evidence) / whole)


def standing(drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts that count: all but those that were revised into a later one."""
    revised = {draft.revises for draft in drafts if draft.revises}
    return [draft for draft in drafts if draft.number not in revised]


def decided(drafts: Sequence[Draft], bound: float, coming: Sequence[float] = ()) -> str:
    """Why no further draft is needed, empty while one could still matter.

    `bound` is the probability that is enough; `coming` holds the evidence that each draft still to come could
    bring. Two drafts must agree at the least: one alone is never enough.
    """
    found = verdict(drafts)
    if found.agreeing >= 2 and found.probability >= bound:
        return (
            f"{found.agreeing} drafts agree; the odds that they are right are put at {found.probability:.0%}."
        )
    if found.agreeing >= UNANIMOUS and len(found.groups) == 1 and _mixed(found.groups[0]):
        # Also where each of them leaves the same number out: then the question names it in vain.
        return f"{found.agreeing} drafts agree, and none differs."
    if found.agreeing >= 2 and _safe(found, coming):
        return "The drafts still to come could not change the outcome."
    return ""


def _mixed(group: Group) -> bool:
    return len({bool(draft.code) for draft in group.drafts}) == 2


def _safe(found: Verdict, coming: Sequence[float]) -> bool:
    """Whether the leader stays ahead even if every draft to come agreed on the strongest other value."""
    ahead = found.groups[0].evidence
    behind = found.groups[1].evidence if len(found.groups) > 1 else 0.0
    return ahead > behind + DEPENDENCE * sum(coming)


def _evidence(group: Sequence[Draft]) -> float:
    """The evidence of drafts with one value: in full for the best program and the best words, less for their kin."""
    seen: set[bool] = set()
    total = 0.0
    for draft in sorted(group, key=lambda d: -d.weight):
        total += draft.weight * (KIN if bool(draft.code) in seen else 1.0)
        seen.add(bool(draft.code))
    return total
