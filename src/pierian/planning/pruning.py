"""Leaves out ways and rooms than which another is better in every respect, so that there is less to choose from.

Better means: no dearer, no longer away (or cheaper, without touching another time that is taken), leaving as much
time at the destination, arriving and leaving there on the same dates, keeping every wish that the other keeps.
Whatever wishes are left out later (to explain a conflict), a plan with the worse one stays a plan with the better
one. Nothing is left out where a wish or goal could like being away for longer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Struct, structs

from pierian.planning.constraints import (
    Activity,
    AnyWish,
    Budget,
    Busy,
    CheckedIn,
    Lasts,
    Nights,
    OneOf,
    Option,
    Order,
    Outside,
    Problem,
    Within,
)
from pierian.planning.money import cents

T = TypeVar("T")

_GOALS = ("preferences", "cheapest", "most", "shortest")
"""Goals with which a cheaper way is better than a shorter one, and a shorter one than a longer one."""
_NIGHT_ENDS = 300
"""Up to that minute of a day an arrival belongs to the night before."""


class _Way(Struct, frozen=True):
    option: Option
    home: int
    """How little it adds to the time away at the end at home: larger is better."""
    edge: int
    """Between which edges of times that are taken that end lies."""
    there: int
    """How much time it leaves at the destination: larger is better."""
    price: int
    date: int
    by_day: bool
    kept: frozenset[int]
    """The wishes that it keeps, of those that are about it alone."""


def pruned(problem: Problem, there: str, back: str) -> Problem:
    """The problem without offers that no best plan needs."""
    if problem.goals != _GOALS or any(_unsafe(wish, problem) for wish in problem.wishes):
        return problem
    activities = [_of(problem, one, there, back) for one in problem.activities]
    return structs.replace(problem, activities=tuple(activities))


def _unsafe(wish: AnyWish, problem: Problem) -> bool:
    match wish:
        case Nights() | Budget() | Within() | Outside() | Busy() | CheckedIn() | OneOf():
            return False
        case Order():
            return wish.most is not None
        case Lasts():
            return problem.activity(wish.activity).frames
        case _:
            return True


def _of(problem: Problem, one: Activity, there: str, back: str) -> Activity:
    if not one.options or any(
        wish.activity == one.name for wish in problem.wishes if isinstance(wish, Lasts)
    ):
        return one
    if one.name in (there, back):
        kept = _ways(problem, one, arriving=one.name == there)
    else:
        kept = _undominated(one.options, lambda room: room, lambda a, b: _better_room(problem, a, b))
    return structs.replace(one, options=tuple(kept))


def _ways(problem: Problem, one: Activity, *, arriving: bool) -> list[Option]:
    """The ways of which none is better, and those whose price nobody knows: they are told of."""
    unknown, known = list[Option](), list[_Way]()
    edges = sorted({at for wish in problem.wishes for at in _edges(wish)})
    for option in one.options:
        way = _way(problem, one, option, edges, arriving=arriving)
        if way is None:
            unknown.append(option)
        else:
            known.append(way)
    best = _undominated(known, lambda way: way.option, _better)
    names = {option.name for option in [*best, *unknown]}
    return [option for option in one.options if option.name in names]


def _edges(wish: AnyWish) -> list[int]:
    match wish:
        case Within() | Outside() | Busy():
            return [at for window in wish.windows for at in (window.begins, window.ends)]
        case _:
            return []


def _way(
    problem: Problem, one: Activity, option: Option, edges: Sequence[int], *, arriving: bool
) -> _Way | None:
    price = 0 if option.price is None else cents(option.price, problem)
    if price is None or option.begins is None or option.ends is None:
        return None
    at, zone = (option.ends, option.ends_zone) if arriving else (option.begins, option.begins_zone)
    local = problem.timeline.local(at, zone)
    kept = frozenset(n for n, wish in enumerate(problem.wishes) if _keeps(wish, one, option))
    by_day = local.hour * 60 + local.minute >= _NIGHT_ENDS
    if arriving:
        home, edge, there = option.begins, bisect_right(edges, option.begins), -option.ends
    else:
        home, edge, there = -option.ends, bisect_left(edges, option.ends), option.begins
    return _Way(option, home, edge, there, price, local.toordinal(), by_day, kept)


def _keeps(wish: AnyWish, one: Activity, option: Option) -> bool:
    assert option.begins is not None and option.ends is not None
    begins, ends = option.begins, option.ends
    match wish:
        case Within() if not wish.activities or one.name in wish.activities:
            return any(w.begins <= begins and ends <= w.ends for w in wish.windows)
        case Outside() if not wish.activities or one.name in wish.activities:
            return not any(begins < w.ends and w.begins < ends for w in wish.windows)
        case OneOf() if wish.activity == one.name:
            return option.name in wish.options
        case _:
            return True


def _better(a: _Way, b: _Way) -> bool:
    """Whether `a` can stand wherever `b` does."""
    return (
        (a.home >= b.home or (a.price < b.price and a.edge == b.edge))
        and a.there >= b.there
        and a.price <= b.price
        and a.date == b.date
        and (a.by_day or not b.by_day)
        and a.kept >= b.kept
    )


def _better_room(problem: Problem, a: Option, b: Option) -> bool:
    prices = [0 if one.price is None else cents(one.price, problem) for one in (a, b)]
    if prices[0] is None or prices[1] is None or a.nightly != b.nightly or prices[0] > prices[1]:
        return False
    if any(isinstance(w, OneOf) and b.name in w.options and a.name not in w.options for w in problem.wishes):
        return False
    return a.check_in is None or (b.check_in is not None and a.check_in.closes >= b.check_in.closes)


def _undominated(
    every: Sequence[T], option_of: Callable[[T], Option], better: Callable[[T, T], bool]
) -> list[Option]:
    """Those of which no other is better; of equal ones the first."""
    kept: list[T] = []
    for one in every:
        if any(better(other, one) for other in kept):
            continue
        kept = [other for other in kept if not better(one, other)]
        kept.append(one)
    return [option_of(one) for one in kept]
