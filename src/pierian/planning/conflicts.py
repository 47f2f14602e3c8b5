"""Why there is no plan, and what would make one: the smallest set of wishes that do not go together, and relaxations.

The smallest set is found through the sets whose removal helps (implicit hitting sets; Ignatiev and others,
Smallest MUS Extraction with Minimal Hitting Set Dualization, 2015): it is a smallest conflict when the
wishes that hit all known corrections conflict themselves. Where time runs out, the conflict told is still
one of which nothing can be left out. Corrections are listed by their size (Reiter's hitting set tree, 1987);
each is solved anew for how little has to give.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from ortools.sat.python import cp_model

from pierian.planning.checking import broken_by
from pierian.planning.constraints import Plan, Problem, validated
from pierian.planning.relaxing import Given, amount_given, shortfall
from pierian.planning.solving import Undecided, feasible, solve_with, solver_for

SECONDS = 10.0
MOST_RELAXATIONS = 3
_MOST_CHANGED = 3


class Relaxation(Struct, frozen=True):
    """A plan that is possible when some wishes give way."""

    wishes: tuple[int, ...]
    """The numbers of those that give way."""
    given: tuple[Given, ...]
    """By how much each does, in the same order."""
    plan: Plan


class Conflict(Struct, frozen=True):
    """Why no plan keeps all wishes."""

    wishes: tuple[int, ...]
    """The smallest set of wishes that do not go together; empty where the rest is impossible by itself."""
    smallest: bool
    """Whether no smaller set conflicts; otherwise only nothing can be left out of this one."""
    relaxations: tuple[Relaxation, ...] = ()


def explain_conflict(problem: Problem, *, seconds: float = SECONDS, most: int = MOST_RELAXATIONS) -> Conflict:
    """Why a problem that has no plan has none. Call it when `solve` gave None."""
    problem = validated(problem)
    deadline = time.monotonic() + seconds
    hard = tuple(number for number, wish in enumerate(problem.wishes) if not wish.soft)
    if _plan(problem, (), deadline) is None:
        return Conflict((), smallest=True)
    core = minimal_conflict(problem, hard, deadline)
    try:
        smallest = smallest_conflict(
            problem, hard, core, time.monotonic() + (deadline - time.monotonic()) / 2
        )
    except Undecided:
        smallest = None
    found = relaxations(problem, hard, smallest or core, deadline, most)
    return Conflict(smallest or core, smallest is not None, found)


def minimal_conflict(problem: Problem, among: Collection[int], deadline: float) -> tuple[int, ...]:
    """Wishes that do not go together, though any of them left out would do: the rest is tried without each
    in turn."""
    core = sorted(among)
    for number in tuple(core):
        rest = [other for other in core if other != number]
        try:
            if _plan(problem, rest, deadline) is None:
                core = rest
        except Undecided:
            continue
    return tuple(core)


def smallest_conflict(
    problem: Problem, among: Collection[int], known: Sequence[int], deadline: float
) -> tuple[int, ...]:
    """A conflict of the fewest wishes; `known` is any conflict. Raises `Undecided` where time runs out."""
    corrections: list[frozenset[int]] = []
    while True:
        seed = _fewest_hitting(corrections, among)
        if len(seed) >= len(known):
            return tuple(sorted(known))
        plan = _plan(problem, seed, deadline)
        if plan is None:
            return tuple(sorted(seed))
        corrections.append(frozenset(among) - _grown(problem, seed, plan, among, deadline))


def _grown(
    problem: Problem, seed: Collection[int], plan: Plan, among: Collection[int], deadline: float
) -> set[int]:
    """As many more wishes as go together with the seed; what a plan keeps by chance costs nothing."""
    kept = set(seed)
    for number in sorted(among):
        if number in kept:
            continue
        if not any(broken_by(problem, plan, problem.wishes[number])):
            kept.add(number)
            continue
        if (other := _plan(problem, kept | {number}, deadline)) is not None:
            kept.add(number)
            plan = other
    return kept


def _fewest_hitting(sets: Sequence[Collection[int]], among: Collection[int]) -> set[int]:
    model = cp_model.CpModel()
    chosen: dict[int, Any] = {number: model.new_bool_var("") for number in sorted(among)}
    for one in sets:
        model.add_bool_or([chosen[number] for number in sorted(one)])
    model.minimize(sum(chosen.values()))
    solver = solver_for(10)
    solver.solve(model)
    return {number for number, variable in chosen.items() if solver.boolean_value(variable)}


def relaxations(
    problem: Problem, hard: Collection[int], conflict: Sequence[int], deadline: float, most: int
) -> tuple[Relaxation, ...]:
    """The smallest changes of the wishes that make a plan possible, those that give least first."""
    found: list[Relaxation] = []
    corrections: list[frozenset[int]] = []
    waiting: deque[tuple[frozenset[int], Sequence[int]]] = deque([(frozenset(), conflict)])
    seen: set[frozenset[int]] = set()
    try:
        while waiting:
            without, core = waiting.popleft()
            for number in core:
                left = without | {number}
                if left in seen or any(one <= left for one in corrections):
                    continue
                seen.add(left)
                rest = [other for other in hard if other not in left]
                if _plan(problem, rest, deadline) is not None:
                    corrections.append(left)
                    found.append(_relaxed(problem, rest, tuple(sorted(left)), deadline))
                elif len(left) < _MOST_CHANGED:
                    waiting.append((left, minimal_conflict(problem, rest, deadline)))
    except Undecided:
        pass  # what was found until now is told
    found.sort(key=lambda one: (len(one.wishes), sum(given.weight for given in one.given)))
    return tuple(found[:most])


def _relaxed(problem: Problem, rest: Sequence[int], left: tuple[int, ...], deadline: float) -> Relaxation:
    soft = [number for number, wish in enumerate(problem.wishes) if wish.soft]
    wishes = [problem.wishes[number] for number in left]
    plan = solve_with(
        problem,
        [*rest, *soft],
        seconds=deadline - time.monotonic(),
        first=partial(shortfall, wishes=wishes),
    )
    if plan is None:
        raise Undecided("What has to give way could not be found.")
    return Relaxation(left, tuple(amount_given(problem, plan, wish) for wish in wishes), plan)


def _plan(problem: Problem, kept: Collection[int], deadline: float) -> Plan | None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise Undecided("There was no time left to find out why.")
    return feasible(problem, kept, seconds=left)
