"""Plans against trying everything out: as good as can be, kept wishes kept, conflicts of the fewest wishes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations, pairwise, permutations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from pierian.planning import explain_conflict, faults, solve
from pierian.planning.checking import broken_by
from pierian.planning.constraints import (
    Activity,
    AnyWish,
    Busy,
    Covers,
    Fills,
    Lasts,
    Leg,
    Order,
    Outside,
    Placed,
    Plan,
    Problem,
    Start,
    Timeline,
    Window,
    Within,
)

FEW = settings(max_examples=40, deadline=None)
LAST = 10

_windows = st.lists(
    st.tuples(st.integers(0, LAST - 1), st.integers(1, 5)).map(lambda w: Window(w[0], w[0] + w[1])),
    max_size=3,
).map(tuple)


@st.composite
def meetings(draw: st.DrawFn) -> Problem:
    """One meeting on a short day, with wishes that often do not go together."""
    wishes: list[AnyWish] = [Lasts(activity="meeting", least=draw(st.integers(1, 4)))]
    wishes += [Busy(person=person, windows=draw(_windows)) for person in ("Ada", "Ben")]
    wishes += [Outside(windows=one) for one in draw(st.lists(_windows, max_size=2))]
    wishes += [Within(windows=one) for one in draw(st.lists(_windows, max_size=2)) if one]
    soft = draw(st.lists(st.sampled_from(range(1, len(wishes))), max_size=1))
    wishes = [structs.replace(one, soft=number in soft) for number, one in enumerate(wishes)]
    return Problem(
        Timeline("clock"),
        Window(0, LAST),
        (Activity("meeting", ("Ada", "Ben"), step=draw(st.sampled_from([1, 2]))),),
        tuple(wishes),
    )


def _keeps(problem: Problem, begins: int, ends: int, wish: AnyWish) -> bool:
    """Whether a meeting keeps a wish, tick by tick."""
    ticks = range(begins, ends)
    match wish:
        case Lasts():
            return ends - begins >= wish.least
        case Busy() | Outside():
            return not any(w.begins <= tick < w.ends for tick in ticks for w in wish.windows)
        case Within():
            covered = {tick for w in wish.windows for tick in range(w.begins, w.ends)}
            return set(ticks) <= covered
        case _:
            raise AssertionError(wish)


def _possible(problem: Problem, kept: Collection[int]) -> list[tuple[int, int]]:
    step = problem.activities[0].step
    return [
        (begins, ends)
        for begins in range(0, LAST + 1, step)
        for ends in range(begins + 1, LAST + 1)
        if all(_keeps(problem, begins, ends, problem.wishes[number]) for number in kept)
    ]


@FEW
@given(meetings())
def test_a_meeting_is_the_earliest_that_keeps_most_or_a_smallest_conflict_is_told(problem: Problem) -> None:
    hard = [n for n, wish in enumerate(problem.wishes) if not wish.soft]
    soft = [n for n, wish in enumerate(problem.wishes) if wish.soft]
    possible = _possible(problem, hard)
    plan = solve(problem)
    if plan is not None:
        kept_most = max(sum(_keeps(problem, *one, problem.wishes[n]) for n in soft) for one in possible)
        earliest = min(
            begins
            for begins, ends in possible
            if sum(_keeps(problem, begins, ends, problem.wishes[n]) for n in soft) == kept_most
        )
        at = plan.placed[0]
        assert (at.begins, len(soft) - len(plan.not_kept)) == (earliest, kept_most)
        assert plan.best and not faults(problem, plan)
        return
    assert not possible
    conflict = explain_conflict(problem)
    assert conflict.smallest and not _possible(problem, conflict.wishes)
    for size in range(len(conflict.wishes)):
        assert all(_possible(problem, chosen) for chosen in combinations(hard, size))
    for one in conflict.relaxations:
        assert not faults(problem, one.plan, [n for n in hard if n not in one.wishes])
        for number, given_way in zip(one.wishes, one.given, strict=True):
            assert any(broken_by(problem, one.plan, problem.wishes[number]))
            assert given_way.amount > 0


@FEW
@given(meetings(), st.integers(0, LAST), st.integers(0, LAST))
def test_the_checker_finds_what_a_look_at_every_tick_finds(problem: Problem, begins: int, ends: int) -> None:
    plan = Plan((Placed("meeting", begins, ends),))
    for wish in problem.wishes:
        if ends > begins:
            assert (not any(broken_by(problem, plan, wish))) == _keeps(problem, begins, ends, wish)
    if ends < begins or begins % problem.activities[0].step:
        assert faults(problem, plan)


@st.composite
def visits(draw: st.DrawFn) -> Problem:
    """Up to four people in four places, ways of any length and some missing."""
    number = draw(st.integers(1, 4))
    places = [f"place {n}" for n in range(number + 1)]
    legs = [
        Leg(a, b, draw(st.integers(0, 6)))
        for a in places
        for b in places
        if a != b and draw(st.integers(0, 5))
    ]
    activities = [Activity(f"visit {n}", ("you",), places[n + 1], optional=True) for n in range(number)]
    wishes: list[AnyWish] = []
    for one in activities:
        opens = draw(st.integers(0, 20))
        wishes.append(
            Within(windows=(Window(opens, opens + draw(st.integers(1, 15))),), activities=(one.name,))
        )
        wishes.append(Lasts(activity=one.name, least=draw(st.integers(1, 6))))
    return Problem(
        Timeline("clock"),
        Window(0, 40),
        tuple(activities),
        tuple(wishes),
        travel=(*legs, Leg("nowhere", "nowhere")),
        starts=(Start("you", places[0], draw(st.integers(0, 6))),),
        goals=("most",),
    )


def _most_visits(problem: Problem) -> int:
    ways = {(leg.origin, leg.destination): leg.ticks for leg in problem.travel}
    opens = {w.activities[0]: w.windows[0] for w in problem.wishes if isinstance(w, Within)}
    takes = {w.activity: w.least for w in problem.wishes if isinstance(w, Lasts)}

    def possible(order: Sequence[Activity]) -> bool:
        where, now = problem.starts[0].place, problem.starts[0].tick
        for one in order:
            if (where, one.place) not in ways:
                return False
            now = max(now + ways[where, one.place], opens[one.name].begins) + takes[one.name]
            where = one.place
            if now > opens[one.name].ends:
                return False
        return True

    return max(
        size
        for size in range(len(problem.activities) + 1)
        if any(possible(order) for order in permutations(problem.activities, size))
    )


@FEW
@given(visits())
def test_as_many_are_visited_as_can_be(problem: Problem) -> None:
    plan = solve(problem)
    assert plan is not None and not faults(problem, plan)
    assert len(plan.placed) == _most_visits(problem)


CITIES = ("Oslo", "Porto", "Riga", "Split")


@st.composite
def trips(draw: st.DrawFn) -> Problem:
    """Up to four cities with days; the day of a journey counts for both."""
    cities = CITIES[: draw(st.integers(2, 4))]
    days = {city: draw(st.integers(1, 4)) for city in cities}
    total = sum(days.values()) - len(cities) + 1
    wishes: list[AnyWish] = [Fills(window=Window(1, total + draw(st.sampled_from([0, 0, 0, 1]))))]
    wishes += [Lasts(activity=city, least=n - 1, most=n - 1) for city, n in days.items()]
    if draw(st.booleans()):
        at = draw(st.integers(1, total))
        wishes.append(Covers(activity=cities[0], window=Window(at, at)))
    ways = [(a, b) for a in cities for b in cities if a != b and draw(st.integers(0, 3))]
    return Problem(
        Timeline("days"),
        Window(1, total + 1),
        tuple(Activity(city, ("you",), city) for city in cities),
        tuple(wishes),
        travel=(*(Leg(a, b) for a, b in ways), Leg("nowhere", "nowhere")),
        gapless=True,
    )


def _journeys(problem: Problem) -> bool:
    ways = {(leg.origin, leg.destination) for leg in problem.travel}
    days = {w.activity: w.least for w in problem.wishes if isinstance(w, Lasts)}
    last = next(w.window.ends for w in problem.wishes if isinstance(w, Fills))
    covers = [w for w in problem.wishes if isinstance(w, Covers)]
    for order in permutations(days):
        day, found = 1, dict[str, tuple[int, int]]()
        for city in order:
            found[city] = (day, day + days[city])
            day += days[city]
        if day != last or any((a, b) not in ways for a, b in pairwise(order)):
            continue
        if all(
            found[w.activity][0] <= w.window.begins and found[w.activity][1] >= w.window.ends for w in covers
        ):
            return True
    return False


@FEW
@given(trips())
def test_a_trip_is_found_when_there_is_one(problem: Problem) -> None:
    plan = solve(problem)
    assert (plan is not None) == _journeys(problem)
    if plan is not None:
        assert not faults(problem, plan)
    else:
        conflict = explain_conflict(problem)
        hard = structs.replace(problem, wishes=tuple(problem.wishes[n] for n in conflict.wishes))
        assert solve(hard) is None
        for number in range(len(hard.wishes)):
            rest = tuple(wish for n, wish in enumerate(hard.wishes) if n != number)
            assert solve(structs.replace(hard, wishes=rest)) is not None


def test_what_comes_after_comes_after_and_the_same_problem_gives_the_same_plan() -> None:
    problem = Problem(
        Timeline("clock"),
        Window(0, 100),
        tuple(Activity(name, ("you",)) for name in "abc"),
        (
            *(Lasts(activity=name, least=10) for name in "abc"),
            Order(first="c", then="a", least=5, most=20),
            Outside(windows=(Window(20, 40),), activities=("b",)),
        ),
    )
    plan = solve(problem)
    assert plan is not None and not faults(problem, plan)
    assert plan == solve(problem)
    found = {at.activity: at.begins for at in plan.placed}
    assert found["a"] >= found["c"] + 15
    moved = structs.replace(plan, placed=(Placed("a", 0, 10), Placed("b", 5, 15), Placed("c", 20, 30)))
    assert "you would do a and b at once." in faults(problem, moved)
