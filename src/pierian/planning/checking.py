"""Checks a plan against its problem in plain Python, without the solver and without the solver's arithmetic.

Every plan that is shown has passed it. What is wrong is told in sentences. It looks at each tick and date by itself,
so that a mistake in the model does not repeat here.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from decimal import Decimal
from itertools import pairwise

from pierian.planning.constraints import (
    AnyWish,
    Budget,
    Busy,
    CheckedIn,
    Covers,
    Fills,
    Lasts,
    Money,
    Nights,
    OneOf,
    Option,
    Order,
    Outside,
    Placed,
    Plan,
    Problem,
    Window,
    Within,
)

_NIGHT_ENDS = 5
"""The hour before which one who arrives comes in the night of the day before."""


def faults(problem: Problem, plan: Plan, kept: Collection[int] | None = None) -> list[str]:
    """What is wrong with a plan, as sentences; `kept` are the wishes that it has to keep (all, if not told)."""
    numbers = range(len(problem.wishes)) if kept is None else sorted(kept)
    found = [*_whole(problem, plan), *_people(problem, plan)]
    for number in numbers:
        wish = problem.wishes[number]
        broken = list(broken_by(problem, plan, wish))
        if wish.soft:
            if bool(broken) and number not in plan.not_kept:
                found.append(f"A preference is said to be kept and is not: {broken[0]}")
        else:
            found += broken
    if plan.total is not None and (spent := total(problem, plan)) != plan.total:
        found.append(f"The sum is {spent}, not {plan.total}.")
    return found


def _whole(problem: Problem, plan: Plan) -> Iterator[str]:
    """Everything is there once, at times of its option, its frame and its grid."""
    names = [one.activity for one in plan.placed]
    if sorted([*names, *plan.left_out]) != sorted(one.name for one in problem.activities):
        yield "Not every activity is placed or left out once."
        return
    for one in problem.activities:
        at = plan.of(one.name)
        if at is None:
            if not one.optional:
                yield f"{one.name} is left out."
            continue
        if at.ends < at.begins:
            yield f"{one.name} ends before it begins."
        if not one.frames and (at.begins < problem.horizon.begins or at.ends > problem.horizon.ends):
            yield f"{one.name} is not in the time that was asked for."
        if one.options:
            yield from _as_offered(problem, at, _option(problem, at))
        elif not one.frames and at.begins % one.step:
            yield f"{one.name} begins at an odd time."
        for around, first_side, last_side in (
            (one.between, "ends", "begins"),
            (one.around, "begins", "ends"),
        ):
            if around is None:
                continue
            first, last = plan.of(around[0]), plan.of(around[1])
            if first is None or last is None:
                yield f"{one.name} has no beginning or no end."
            elif at.begins != getattr(first, first_side) or at.ends != getattr(last, last_side):
                yield f"{one.name} is not from {around[0]} to {around[1]}."


def _as_offered(problem: Problem, at: Placed, option: Option | None) -> Iterator[str]:
    if option is None:
        yield f"No option is chosen for {at.activity}."
        return
    if option.begins is not None and (at.begins, at.ends) != (option.begins, option.ends):
        yield f"{at.activity} is not at the times of {option.name}."
    if option.price is not None and _worth(option.price, problem) is None:
        yield f"What {option.name} costs in {problem.currency} is not known."


def _option(problem: Problem, at: Placed) -> Option | None:
    options = problem.activity(at.activity).options
    return next((option for option in options if option.name == at.option), None)


def _people(problem: Problem, plan: Plan) -> Iterator[str]:
    """Nobody does two things at once, and there is time for every way."""
    for person in sorted({person for one in problem.activities for person in one.people}):
        own = [
            (at, problem.activity(at.activity))
            for at in plan.placed
            if person in problem.activity(at.activity).people and not problem.activity(at.activity).frames
        ]
        own.sort(key=lambda pair: (pair[0].begins, pair[0].ends))
        for (at, _), (following, _) in pairwise(own):
            if following.begins < at.ends:
                yield f"{person} would do {at.activity} and {following.activity} at once."
        if not problem.travel and not problem.gapless:
            continue
        placed = [pair for pair in own if pair[1].place]
        for (at, one), (following, other) in pairwise(placed):
            way = _ticks(problem, one.ends_at or one.place, other.place)
            if way is None:
                yield f"There is no way from {one.ends_at or one.place} to {other.place}."
            elif following.begins < at.ends + way:
                yield f"The way from {one.place} to {other.place} takes longer than there is time."
            elif problem.gapless and following.begins != at.ends + way:
                yield f"There is a gap between {at.activity} and {following.activity}."
        for start in problem.starts:
            if start.person == person and placed:
                at, one = placed[0]
                way = _ticks(problem, start.place, one.place)
                if way is None or at.begins < start.tick + way:
                    yield f"{person} cannot be at {one.place} in time."


def _ticks(problem: Problem, origin: str, destination: str) -> int | None:
    for leg in problem.travel:
        if (leg.origin, leg.destination) == (origin, destination):
            return leg.ticks
    return 0 if origin == destination or not problem.travel else None


def broken_by(problem: Problem, plan: Plan, wish: AnyWish) -> Iterator[str]:
    """In what a plan does not keep a wish."""
    match wish:
        case Fills() | Nights() | Budget() | CheckedIn():
            yield from _as_a_whole(problem, plan, wish)
        case Within() | Outside():
            names = wish.activities or tuple(one.name for one in problem.activities)
            for at in plan.placed:
                if at.activity in names:
                    yield from _windows(at, wish.windows, inside=isinstance(wish, Within))
        case Busy():
            for at in plan.placed:
                if wish.person in problem.activity(at.activity).people:
                    for said in _windows(at, wish.windows, inside=False):
                        yield f"{wish.person}: {said}"
        case Lasts() | Order() | Covers():
            yield from _in_length_and_order(plan, wish)
        case OneOf():
            at = plan.of(wish.activity)
            if at is not None and at.option not in wish.options:
                yield f"{at.option} is not among {wish.said}."


def _in_length_and_order(plan: Plan, wish: Lasts | Order | Covers) -> Iterator[str]:
    """In what single activities are too short, too long or too near to each other."""
    match wish:
        case Lasts():
            at = plan.of(wish.activity)
            if at is not None and at.ends - at.begins < wish.least:
                yield f"{wish.activity} is too short."
            if at is not None and wish.most is not None and at.ends - at.begins > wish.most:
                yield f"{wish.activity} is too long."
        case Order():
            first, then = plan.of(wish.first), plan.of(wish.then)
            if first is not None and then is not None:
                gap = then.begins - first.ends
                if gap < wish.least or (wish.most is not None and gap > wish.most):
                    yield f"{wish.then} does not come after {wish.first} as it should."
        case Covers():
            at = plan.of(wish.activity)
            if at is not None and (at.begins > wish.window.begins or at.ends < wish.window.ends):
                yield f"{wish.activity} does not go on as long as it should."


def _as_a_whole(problem: Problem, plan: Plan, wish: Fills | Nights | Budget | CheckedIn) -> Iterator[str]:
    """In what a plan does not keep a wish about several activities together."""
    match wish:
        case Fills():
            inner = [at for at in plan.placed if not problem.activity(at.activity).frames]
            begins, ends = min(at.begins for at in inner), max(at.ends for at in inner)
            if (begins, ends) != (wish.window.begins, wish.window.ends):
                yield "The whole time is not filled."
        case Nights():
            nights = _nights(problem, plan, wish.first, wish.last)
            if nights is not None and not wish.least <= nights <= wish.most:
                yield f"There are {nights} nights between {wish.first} and {wish.last}."
        case Budget():
            limit = _worth(wish.limit, problem)
            if limit is None or total(problem, plan).amount > limit:
                yield "It costs more than it may."
        case CheckedIn():
            yield from _checked_in(problem, plan, wish)


def _windows(at: Placed, windows: tuple[Window, ...], *, inside: bool) -> Iterator[str]:
    if not inside:
        for one in windows:
            if one.begins < one.ends and max(at.begins, one.begins) < min(at.ends, one.ends):
                yield f"{at.activity} falls into a time that is taken."
        return
    reached = at.begins
    inside_at_all = at.begins < at.ends or any(one.begins <= at.begins <= one.ends for one in windows)
    for one in sorted(windows):
        if one.begins <= reached <= one.ends:
            reached = max(reached, one.ends)
    if reached < at.ends or not inside_at_all:
        yield f"{at.activity} is not within the time that it should be in."


def _nights(problem: Problem, plan: Plan, first: str, last: str) -> int | None:
    before, after = plan.of(first), plan.of(last)
    if before is None or after is None:
        return None
    arrival, departure = _option(problem, before), _option(problem, after)
    arrived = problem.timeline.local(before.ends, arrival.ends_zone if arrival else "").date()
    left = problem.timeline.local(after.begins, departure.begins_zone if departure else "").date()
    return (left - arrived).days


def _checked_in(problem: Problem, plan: Plan, wish: CheckedIn) -> Iterator[str]:
    at, one = plan.of(wish.activity), problem.activity(wish.activity)
    option = None if at is None else _option(problem, at)
    before = plan.of((one.between or one.around or (wish.activity, ""))[0])
    if option is None or option.check_in is None or before is None:
        return
    arrival = _option(problem, before)
    local = problem.timeline.local(before.ends, arrival.ends_zone if arrival else "")
    if local.hour < _NIGHT_ENDS or (local.hour, local.minute) > divmod(option.check_in.closes, 60):
        yield f"{option.name} lets nobody in at {local:%H:%M}."


def _worth(price: Money, problem: Problem) -> Decimal | None:
    if price.currency == problem.currency:
        return price.amount
    rate = problem.rates.get(price.currency)
    return None if rate is None else price.amount * rate


def total(problem: Problem, plan: Plan) -> Money:
    """What all chosen options cost, each rounded up to a whole cent."""
    spent = Decimal(0)
    for at in plan.placed:
        option = _option(problem, at)
        worth = None if option is None or option.price is None else _worth(option.price, problem)
        if option is None or worth is None:
            continue
        worth = Decimal(math.ceil(worth * 100)) / 100
        one = problem.activity(at.activity)
        if option.nightly:
            first, last = one.between or one.around or ("", "")
            worth *= _nights(problem, plan, first, last) or 0
        spent += worth
    return Money(spent.quantize(Decimal("0.01")), problem.currency)
