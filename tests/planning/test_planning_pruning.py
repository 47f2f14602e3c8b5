"""Offers that no best plan needs are left out, and only those: with all of them the best plan is as good."""

from __future__ import annotations

from typing import Any

import pytest
from benchmarks.planning_scenarios import scenario

from pierian.planning import explain_conflict, journeys, solve
from pierian.planning.journeys import BACK, STAY, THERE


def options(problem: Any, name: str) -> int:
    return len(problem.activity(name).options)


@pytest.mark.parametrize("seed", range(12))
def test_the_best_plan_and_the_reasons_stay_as_they_are(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    few = scenario(seed).problem
    monkeypatch.setattr(journeys, "pruned", lambda problem, there, back: problem)
    every = scenario(seed).problem
    assert sum(options(few, n) for n in (THERE, BACK, STAY)) < sum(
        options(every, n) for n in (THERE, BACK, STAY)
    )
    plan, other = solve(few), solve(every)
    assert (plan is None) == (other is None)
    if plan is not None and other is not None:
        assert plan.total == other.total
        away, before = plan.of(journeys.AWAY), other.of(journeys.AWAY)
        assert away is not None and before is not None
        assert away.ends - away.begins == before.ends - before.begins
    else:
        assert len(explain_conflict(few, most=0).wishes) == len(explain_conflict(every, most=0).wishes)
