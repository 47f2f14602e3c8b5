"""A plan explained: what is done when, what it rests on, which wishes bind, what was left out; and why there is none.

A wish binds when without it a better plan would be there: each is left out in turn and the problem solved again, as
long as time allows. All sentences are written by code from values that were solved and checked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Struct

from pierian.planning import saying
from pierian.planning.checking import total
from pierian.planning.conflicts import Conflict
from pierian.planning.constraints import (
    AnyWish,
    Budget,
    Busy,
    CheckedIn,
    Covers,
    Fills,
    Goal,
    Lasts,
    Nights,
    OneOf,
    Option,
    Order,
    Outside,
    Plan,
    Problem,
    Within,
)
from pierian.planning.money import cents
from pierian.planning.relaxing import Given, nights_in, taken_by
from pierian.planning.solving import Undecided, solve_with

SECONDS = 3.0


class Explanation(Struct, frozen=True):
    """What a person is told about a plan."""

    lines: tuple[str, ...]
    """What is done when."""
    binding: tuple[int, ...]
    """Wishes without which a better plan would be there."""
    notes: tuple[str, ...]
    """What was left out, not kept, not proved or not compared."""


def explain(problem: Problem, plan: Plan, *, seconds: float = SECONDS) -> Explanation:
    """The plan in words, with what binds."""
    notes = [f"{name} does not fit in." for name in plan.left_out]
    notes += [
        f"Not kept, though preferred: {saying.wish(problem, problem.wishes[n])}." for n in plan.not_kept
    ]
    notes += [
        f"{option.name} is left out: no rate is known for {option.price.currency}."
        for option in unpriced(problem)
        if option.price is not None
    ]
    if not plan.best:
        notes.append("It was not proved in time that no plan is better.")
    lines = [saying.placed(problem, plan, at) for at in plan.placed]
    if plan.total is not None and plan.total.amount:
        lines.append(f"In all {saying.money(plan.total)}.")
    return Explanation(tuple(lines), binding(problem, plan, seconds=seconds), tuple(notes))


def unpriced(problem: Problem) -> list[Option]:
    """Options that cannot be compared because nobody knows what their currency is worth."""
    return [
        option
        for one in problem.activities
        for option in one.options
        if option.price is not None and cents(option.price, problem) is None
    ]


def binding(problem: Problem, plan: Plan, *, seconds: float = SECONDS) -> tuple[int, ...]:
    """The wishes (not soft, not lengths) that keep the plan from being better."""
    deadline = time.monotonic() + seconds
    mine = _merit(problem, plan)
    found: list[int] = []
    for number, wish in enumerate(problem.wishes):
        if wish.soft or isinstance(wish, Lasts | Fills | CheckedIn):
            continue
        rest = [other for other in range(len(problem.wishes)) if other != number]
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            other = solve_with(problem, rest, seconds=left)
        except Undecided:
            break
        if other is not None and _merit(problem, other) < mine:
            found.append(number)
    return tuple(found)


def _merit(problem: Problem, plan: Plan) -> tuple[float, ...]:
    """How good a plan is by the goals: less is better."""
    return tuple(_value(problem, plan, goal) for goal in problem.goals)


def _value(problem: Problem, plan: Plan, goal: Goal) -> float:
    inner = [at for at in plan.placed if not problem.activity(at.activity).frames]
    match goal:
        case "most":
            return len(plan.left_out)
        case "preferences":
            return len(plan.not_kept)
        case "cheapest":
            return float(total(problem, plan).amount)
        case "shortest":
            around = [at for at in plan.placed if problem.activity(at.activity).around]
            if around:
                return sum(at.ends - at.begins for at in around)
            return max((at.ends for at in plan.placed), default=0)
        case "earliest":
            return sum(at.begins for at in inner)
        case "latest":
            return -sum(at.begins for at in inner)


def explained_conflict(problem: Problem, conflict: Conflict) -> tuple[str, ...]:
    """Why there is no plan, and what would make one, in sentences."""
    if not conflict.wishes:
        if problem.gapless and problem.travel:
            places = ", ".join(one.name for one in problem.activities)
            return (f"There is no order of {places} in which each is connected with the next.",)
        return (
            "It is not possible, whatever is given up: the ways and offers by themselves do not allow it.",
        )
    lines = ["These do not go together:" if len(conflict.wishes) > 1 else "This is not possible:"]
    lines += [f"- {_told(problem, number)}" for number in conflict.wishes]
    for number, one in enumerate(conflict.relaxations):
        changes = [
            _change(problem, problem.wishes[wish], given, one.plan)
            for wish, given in zip(one.wishes, one.given, strict=True)
        ]
        begins = "It would work" if number == 0 else "Or"
        lines.append(f"{begins} {' and '.join(changes)}: {_short(problem, one.plan)}.")
    return tuple(lines)


def _told(problem: Problem, number: int) -> str:
    wish = problem.wishes[number]
    said = saying.wish(problem, wish)
    return said if wish.source is None else f"{said} (“{wish.source.text.strip()}”)"


def _change(problem: Problem, wish: AnyWish, given: Given, plan: Plan) -> str:
    """What would have to be different, as the end of a sentence that begins with "It would work"."""
    match wish:
        case Lasts():
            at = plan.of(wish.activity)
            ticks = 0 if at is None else at.ends - at.begins
            return f"if {wish.activity} took {saying.length(problem, ticks)}"
        case Busy() | Outside():
            hit = taken_by(problem, plan, wish)
            who = wish.person if isinstance(wish, Busy) else "you"
            return f"if {who} could do without {saying.windows(problem, hit, joined=' and ')}"
        case Budget():
            over = "" if given.money is None else saying.money(given.money)
            return f"with {over} more than {saying.money(wish.limit)}"
        case Nights():
            nights = nights_in(problem, plan, wish)
            return f"with {nights} {'night' if nights == 1 else 'nights'}"
        case Within() | Order() | Covers():
            return f"if there were {_ticks(problem, given.amount)} to spare ({saying.wish(problem, wish)})"
        case Fills() | CheckedIn() | OneOf():
            return f"without this: {saying.wish(problem, wish)}"


def _ticks(problem: Problem, amount: int) -> str:
    if problem.timeline.kind == "days":
        return f"{amount} {'day' if amount == 1 else 'days'}"
    return saying.duration(amount)


def _short(problem: Problem, plan: Plan) -> str:
    told: Sequence[str] = [saying.placed(problem, plan, at) for at in plan.placed]
    return "; ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")
