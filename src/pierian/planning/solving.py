"""Finds the best plan for a problem, exactly: CP-SAT, one goal after the other, always the same for the same problem.

A goal is solved, its value is fixed, then comes the next, so that no weights have to be guessed. Every plan
is checked by `checking` before it leaves here. Why there is none is said by `conflicts`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from msgspec import structs
from ortools.sat.python import cp_model

from pierian.exceptions import RunError
from pierian.planning.checking import faults
from pierian.planning.constraints import Plan, Problem, validated
from pierian.planning.modelling import Model

SECONDS = 20.0
"""How long one request may take."""
TIDYING = 0.1
"""Of the solver's own measure of work (about seconds): for what only makes a plan that is best anyway look
orderly."""


class Undecided(RunError):
    """Neither a plan nor the proof that there is none was found in time."""


def solve(problem: Problem, *, seconds: float = SECONDS) -> Plan | None:
    """The best plan, or None where no plan keeps all wishes that are not soft.

    A plan whose `best` is False was the best found in time. Raises `UserError` for a problem that refers to what is
    not there, `Undecided` where nothing is known in time.
    """
    return solve_with(validated(problem), range(len(problem.wishes)), seconds=seconds)


def solve_with(
    problem: Problem,
    kept: Collection[int],
    *,
    seconds: float = SECONDS,
    first: Callable[[Model], Any] | None = None,
) -> Plan | None:
    """The best plan that keeps those of the wishes; `first` makes an expression of the model to minimise
    before all."""
    made = Model(problem, kept)
    deadline = time.monotonic() + seconds
    goals = [first(made)] if first is not None else []
    goals += [made.goal(goal) for goal in problem.goals]
    stages = [(goal, False) for goal in goals if _open(goal)]
    stages += [(goal, True) for goal in (made.tidy(), made.tie()) if _open(goal)]
    plan: Plan | None = None
    best = True
    for goal, tidying in stages or [(None, False)]:
        solver = solver_for(deadline - time.monotonic())
        if tidying and plan is not None:
            solver.parameters.max_deterministic_time = TIDYING
        if goal is not None:
            made.model.minimize(goal)
        status = solver.solve(made.model)
        if status == cp_model.INFEASIBLE:
            return None
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            if plan is None:
                raise Undecided(
                    "No plan was found in time, and no proof that there is none.",
                    hint="Ask for less at once, or give it more time.",
                )
            best = best and tidying
            continue
        plan = made.plan(solver, best=True)
        best = best and (tidying or status == cp_model.OPTIMAL)
        if goal is not None:
            made.model.clear_objective()
            made.model.add(goal <= round(solver.objective_value))
        _hint(made.model, solver)
    assert plan is not None
    plan = structs.replace(plan, best=best)
    if wrong := faults(problem, plan, kept):
        raise RunError(
            f"The plan found does not hold: {wrong[0]}", hint="Please report this as a mistake of Pierian."
        )
    return plan


def feasible(problem: Problem, kept: Collection[int], *, seconds: float = SECONDS) -> Plan | None:
    """Any plan that keeps those of the wishes, or None where there is none; raises `Undecided`."""
    made = Model(problem, kept)
    solver = solver_for(seconds)
    status = solver.solve(made.model)
    if status == cp_model.INFEASIBLE:
        return None
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise Undecided("It could not be decided in time whether the wishes go together.")
    return made.plan(solver, best=False)


def solver_for(seconds: float) -> cp_model.CpSolver:
    """A solver that finds the same each time, as long as its time is enough."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_time_in_seconds = max(0.05, seconds)
    return solver


def _open(goal: Any) -> bool:
    """Whether there is anything to choose."""
    return goal is not None and not isinstance(goal, int)


def _hint(model: Any, solver: Any) -> None:
    model.clear_hints()
    proto = model.proto
    for number in range(len(proto.variables)):
        variable = model.get_int_var_from_proto_index(number)
        model.add_hint(variable, solver.value(variable))
