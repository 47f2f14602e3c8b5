"""Nobody does two things at once, and ways between places take time: the part of the model that is always true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from pierian.planning.constraints import Activity, Problem, Start

Arcs = dict[tuple[str, str], Any]
Before = Set[tuple[str, str]]
"""Which activity is known to come before which other."""


def add_routes(model: Any, problem: Problem, slots: Mapping[str, Any], before: Before) -> Arcs:
    """Put what each person takes part in into one line; people who take part in the same share it.

    Gives the switches that say which activity follows directly on which.
    """
    arcs: dict[tuple[str, str], Any] = {}
    starts = {start.person: start for start in problem.starts}
    people = sorted({person for one in problem.activities for person in one.people})
    done: set[tuple[tuple[str, ...], str]] = set()
    for person in people:
        own = [slots[one.name] for one in problem.activities if person in one.people and not one.frames]
        start = starts.get(person)
        key = (tuple(slot.activity.name for slot in own), repr(start))
        if key in done:
            continue
        done.add(key)
        placed = [slot for slot in own if slot.activity.place]
        if problem.travel or problem.gapless:
            arcs |= _circuit(model, problem, placed, start, before)
        if len(own) > 1:
            _apart(model, problem, own)
    return arcs


def _apart(model: Any, problem: Problem, slots: Sequence[Any]) -> None:
    intervals: list[Any] = []
    for slot in slots:
        name = f"{slot.activity.name} taken"
        length = slot.length
        if length is None:
            length = model.new_int_var(0, problem.horizon.ends - problem.horizon.begins, "")
        if slot.present is True:
            intervals.append(model.new_interval_var(slot.begins, length, slot.ends, name))
        else:
            intervals.append(
                model.new_optional_interval_var(slot.begins, length, slot.ends, slot.present, name)
            )
    model.add_no_overlap(intervals)


def _circuit(model: Any, problem: Problem, slots: Sequence[Any], start: Start | None, before: Before) -> Arcs:
    """An order of visits in which each way is there, and long enough (node 0 is the start and the end)."""
    if not slots:
        return {}
    follows: dict[tuple[str, str], Any] = {}
    ways = {(leg.origin, leg.destination): leg.ticks for leg in problem.travel}
    arcs: list[Any] = []
    nobody = model.new_bool_var("stays at home")
    arcs.append((0, 0, nobody))
    for number, slot in enumerate(slots, 1):
        name = slot.activity.name
        others = [other.activity.name for other in slots if other.present is True]
        if not any((name, other) in before for other in others):
            arcs.append((number, 0, model.new_bool_var("")))
        if slot.present is not True:
            arcs.append((number, number, ~slot.present))
            model.add_implication(slot.present, ~nobody)
        else:
            model.add(nobody == 0)
        if not any((other, name) in before for other in others):
            _first(model, slot, number, start, ways, arcs)
        for other, following in enumerate(slots, 1):
            if other == number or (following.activity.name, name) in before:
                continue
            ticks = way(slot.activity, following.activity, ways, needed=bool(problem.travel))
            if ticks is None:
                continue
            goes = model.new_bool_var("")
            arcs.append((number, other, goes))
            follows[name, following.activity.name] = goes
            if problem.gapless:
                model.add(following.begins == slot.ends + ticks).only_enforce_if(goes)
            else:
                model.add(following.begins >= slot.ends + ticks).only_enforce_if(goes)
    model.add_circuit(arcs)
    return follows


def _first(
    model: Any,
    slot: Any,
    number: int,
    start: Start | None,
    ways: Mapping[tuple[str, str], int],
    arcs: list[Any],
) -> None:
    goes = model.new_bool_var("")
    if start is not None:
        here = 0 if start.place == slot.activity.place else None
        ticks = ways.get((start.place, slot.activity.place), here)
        if ticks is None:
            return
        model.add(slot.begins >= start.tick + ticks).only_enforce_if(goes)
    arcs.append((0, number, goes))


def way(first: Activity, then: Activity, ways: Mapping[tuple[str, str], int], *, needed: bool) -> int | None:
    """Ticks from where one activity ends to where another begins; None where there is no way."""
    origin = first.ends_at or first.place
    here = 0 if origin == then.place or not needed else None
    return ways.get((origin, then.place), here)
