"""A problem as a model of the CP-SAT solver: variables for times and options, constraints for wishes.

Every wish is posted by itself, with or without a switch, so that conflicts can be looked for by leaving wishes out.
What is physical (nobody is at two places at once, ways take time) always holds. Nothing is solved here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct
from ortools.sat.python import cp_model

from pierian.planning.constraints import (
    Activity,
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
    Placed,
    Plan,
    Problem,
    Window,
    Within,
    about,
)
from pierian.planning.money import cents, from_cents, limit_cents
from pierian.planning.routes import add_routes
from pierian.planning.windows import beginnings_inside, beginnings_outside, merged

SMALL_HOURS = 300
"""Up to that minute of a day an arrival belongs to the night before."""


class Slot(Struct):
    """The variables of one activity."""

    activity: Activity
    present: Any
    begins: Any
    ends: Any
    length: int | None = None
    """Ticks, where it always takes as long."""
    chosen: Mapping[str, Any] = {}


class Model:
    """The model of a problem with the chosen wishes; soft ones have switches."""

    def __init__(self, problem: Problem, kept: Collection[int]) -> None:
        self.problem = problem
        self.model: Any = cp_model.CpModel()  # its packages say nothing of types
        self.kept = {number for number in kept if not problem.wishes[number].soft}
        self._taken = [problem.wishes[number] for number in sorted(self.kept)]
        self.slots: dict[str, Slot] = {}
        for one in sorted(problem.activities, key=lambda activity: activity.frames):
            self.slots[one.name] = self._slot(one)
        self.total = self._priced()
        before = {
            (wish.first, wish.then) for wish in self._taken if isinstance(wish, Order) and wish.least >= 0
        }
        self._follows = add_routes(self.model, problem, self.slots, before)
        self.switches: dict[int, Any] = {}
        for number in sorted(kept):
            wish = problem.wishes[number]
            if wish.soft:
                self.switches[number] = self.model.new_bool_var(f"kept {number}")
                self._post(wish, [self.switches[number]])
            else:
                self._post(wish, [])

    # Variables

    def _slot(self, one: Activity) -> Slot:
        problem, model = self.problem, self.model
        low, high = problem.horizon.begins, problem.horizon.ends
        present: Any = model.new_bool_var(f"{one.name} done") if one.optional else True
        if one.frames:
            first, last = (self.slots[name] for name in (one.between or one.around or ()))
            begins, ends = (first.ends, last.begins) if one.between else (first.begins, last.ends)
            slot = Slot(one, present, begins, ends)
            model.add(ends >= begins)
            return self._with_options(slot)
        begins = model.new_int_var(low, high, f"{one.name} begins")
        if one.options:
            ends = model.new_int_var(low, high, f"{one.name} ends")
            return self._with_options(Slot(one, present, begins, ends))
        if one.step > 1:
            model.add_modulo_equality(0, begins, one.step)
        length = self._length(one)
        if length is not None:
            slot = Slot(one, present, begins, begins + length, length)
            model.add(slot.ends <= high).only_enforce_if(*self._present(slot))
        else:
            ends = model.new_int_var(low, high, f"{one.name} ends")
            slot = Slot(one, present, begins, ends)
            model.add(ends >= begins + (0 if problem.timeline.kind == "days" else 1))
        if one.optional:
            model.add(begins == low).only_enforce_if(~present)
        return slot

    def _length(self, one: Activity) -> int | None:
        """How long it takes, where nothing is gained by more: the least that is wished."""
        lasts = [wish for wish in self._taken if isinstance(wish, Lasts) and wish.activity == one.name]
        if not lasts or self.problem.gapless:
            return None
        if any(isinstance(wish, Covers) and wish.activity == one.name for wish in self.problem.wishes):
            return None
        if any(isinstance(wish, Fills) for wish in self.problem.wishes):
            return None
        if any(
            isinstance(wish, Lasts) and wish.soft and wish.activity == one.name
            for wish in self.problem.wishes
        ):
            return None
        least = max(wish.least for wish in lasts)
        return least if all(wish.most is None or wish.most >= least for wish in lasts) else None

    def _with_options(self, slot: Slot) -> Slot:
        """One of the options is chosen, and sets the times where it has some."""
        one, model = slot.activity, self.model
        if not one.options:
            return slot
        slot.chosen = {
            option.name: model.new_bool_var(f"{one.name}: {option.name}") for option in one.options
        }
        if one.optional:
            model.add(sum(slot.chosen.values()) == slot.present)
        else:
            model.add_exactly_one(slot.chosen.values())
        for option in one.options:
            if option.price is not None and cents(option.price, self.problem) is None:
                model.add(slot.chosen[option.name] == 0)  # what it costs is not known
        timed = [option for option in one.options if option.begins is not None and option.ends is not None]
        if timed:
            absent = [(slot.present, self.problem.horizon.begins)] if one.optional else []
            for variable, side in ((slot.begins, "begins"), (slot.ends, "ends")):
                terms = [slot.chosen[option.name] * int(getattr(option, side)) for option in timed]
                model.add(variable == sum(terms) + sum((1 - on) * at for on, at in absent))
        return slot

    def _present(self, *slots: Slot) -> list[Any]:
        return [slot.present for slot in slots if slot.present is not True]

    # Money

    def _priced(self) -> Any:
        parts: list[Any] = []
        for slot in self.slots.values():
            for option in slot.activity.options:
                amount = None if option.price is None else cents(option.price, self.problem)
                if not amount:
                    continue
                if option.nightly:
                    parts.append(self._nightly(slot, option, amount))
                else:
                    parts.append(slot.chosen[option.name] * amount)
        return sum(parts) if parts else None

    def _nightly(self, slot: Slot, option: Option, amount: int) -> Any:
        first, last = slot.activity.between or slot.activity.around or ("", "")
        nights = self.nights(first, last)
        most = (self.problem.horizon.ends - self.problem.horizon.begins) // 1440 + 2
        cost = self.model.new_int_var(0, amount * most, f"{option.name} in all")
        chosen = slot.chosen[option.name]
        self.model.add(cost == nights * amount).only_enforce_if(chosen)
        self.model.add(cost == 0).only_enforce_if(~chosen)
        return cost

    def nights(self, first: str, last: str) -> Any:
        """Midnights between the end of one activity with options and the beginning of another."""
        line = self.problem.timeline
        # Counted from the first day: with whole dates, thousands of times larger, presolving of CP-SAT 9.15 loses
        # some plans with nightly prices, and others are called the best.
        start = line.day(self.problem.horizon.begins).toordinal()
        parts: list[Any] = []
        for name, sign, side in ((first, -1, "ends"), (last, 1, "begins")):
            slot = self.slots[name]
            for option in slot.activity.options:
                day = line.day(getattr(option, side), getattr(option, f"{side}_zone")).toordinal() - start
                parts.append(slot.chosen[option.name] * (sign * day))
        return sum(parts)

    # Wishes

    def _post(self, wish: AnyWish, on: Sequence[Any]) -> None:
        model = self.model
        match wish:
            case Within() | Outside() | Busy():
                for one in about(wish, self.problem):
                    self._windows(wish, self.slots[one.name], on)
            case Lasts():
                self._lasts(wish, on)
            case Order():
                self._order(wish, on)
            case Covers():
                slot = self.slots[wish.activity]
                self._on(model.add(slot.begins <= wish.window.begins), on, slot)
                self._on(model.add(slot.ends >= wish.window.ends), on, slot)
            case Fills():
                self._fills(wish, on)
            case Nights():
                nights = self.nights(wish.first, wish.last)
                self._on(model.add_linear_constraint(nights, wish.least, wish.most), on)
            case Budget():
                self._budget(wish, on)
            case CheckedIn():
                self._checked_in(wish, on)
            case OneOf():
                self._one_of(wish, on)

    def _order(self, wish: Order, on: Sequence[Any]) -> None:
        first, then = self.slots[wish.first], self.slots[wish.then]
        self._on(self.model.add(then.begins - first.ends >= wish.least), on, first, then)
        if wish.most is not None:
            self._on(self.model.add(then.begins - first.ends <= wish.most), on, first, then)

    def _one_of(self, wish: OneOf, on: Sequence[Any]) -> None:
        for name, chosen in self.slots[wish.activity].chosen.items():
            if name not in wish.options:
                self._on(self.model.add(chosen == 0), on)

    def _lasts(self, wish: Lasts, on: Sequence[Any]) -> None:
        slot = self.slots[wish.activity]
        if slot.length is None:
            self._on(self.model.add(slot.ends - slot.begins >= wish.least), on, slot)
            if wish.most is not None:
                self._on(self.model.add(slot.ends - slot.begins <= wish.most), on, slot)

    def _budget(self, wish: Budget, on: Sequence[Any]) -> None:
        limit = limit_cents(wish.limit, self.problem)
        if limit is None:
            self._on(self.model.add_bool_or([]), on)  # nobody knows what it is worth
        elif self.total is not None:
            self._on(self.model.add(self.total <= limit), on)

    def _on(self, constraint: Any, on: Sequence[Any], *slots: Slot) -> None:
        switches = [*on, *self._present(*slots)]
        if switches:
            constraint.only_enforce_if(*switches)

    def _windows(self, wish: Within | Outside | Busy, slot: Slot, on: Sequence[Any]) -> None:
        inside = isinstance(wish, Within)
        if slot.activity.options and not slot.activity.frames:
            for option in slot.activity.options:
                if not _fits(option, wish.windows, inside=inside):
                    self._on(self.model.add(slot.chosen[option.name] == 0), on)
            return
        if slot.length is not None:
            spans = (
                beginnings_inside(wish.windows, slot.length)
                if inside
                else beginnings_outside(wish.windows, slot.length, self.problem.horizon)
            )
            domain = cp_model.Domain.from_intervals([[first, last] for first, last in spans])
            self._on(self.model.add_linear_expression_in_domain(slot.begins, domain), on, slot)
        elif inside:
            within = [self.model.new_bool_var("") for _ in merged(wish.windows)]
            self._on(self.model.add_bool_or(within), on, slot)
            for switch, window in zip(within, merged(wish.windows), strict=True):
                self.model.add(slot.begins >= window.begins).only_enforce_if(switch)
                self.model.add(slot.ends <= window.ends).only_enforce_if(switch)
        elif slot.activity.frames and self._framed_by_options(slot):
            first, last = self._ends_of(slot)
            for window in merged(wish.windows):
                apart = [chosen for at, chosen in first if at >= window.ends]
                apart += [chosen for at, chosen in last if at <= window.begins]
                self._on(self.model.add_bool_or(apart), on, slot)
        else:
            for window in merged(wish.windows):
                before = self.model.new_bool_var("")
                self._on(self.model.add(slot.ends <= window.begins), [*on, before], slot)
                self._on(self.model.add(slot.begins >= window.ends), [*on, ~before], slot)

    def _framed_by_options(self, slot: Slot) -> bool:
        names = slot.activity.between or slot.activity.around or ()
        return all(self.slots[name].chosen for name in names)

    def _ends_of(self, slot: Slot) -> tuple[list[tuple[int, Any]], list[tuple[int, Any]]]:
        """When an activity between or around others begins and ends with each of their options."""
        names = slot.activity.between or slot.activity.around or ("", "")
        found: list[list[tuple[int, Any]]] = []
        sides = ("ends", "begins") if slot.activity.between else ("begins", "ends")
        for name, side in zip(names, sides, strict=True):
            inner = self.slots[name]
            found.append([(getattr(o, side), inner.chosen[o.name]) for o in inner.activity.options])
        return found[0], found[1]

    def _fills(self, wish: Fills, on: Sequence[Any]) -> None:
        slots = [slot for slot in self.slots.values() if not slot.activity.frames]
        for side, at in (("begins", wish.window.begins), ("ends", wish.window.ends)):
            touching: list[Any] = []
            for slot in slots:
                touches = self.model.new_bool_var("")
                self._on(self.model.add(getattr(slot, side) == at), [touches], slot)
                if slot.present is not True:
                    self.model.add_implication(touches, slot.present)
                touching.append(touches)
            self._on(self.model.add_bool_or(touching), on)
        for slot in slots:
            self._on(self.model.add(slot.begins >= wish.window.begins), on, slot)
            self._on(self.model.add(slot.ends <= wish.window.ends), on, slot)

    def _checked_in(self, wish: CheckedIn, on: Sequence[Any]) -> None:
        slot = self.slots[wish.activity]
        arriving = self.slots[(slot.activity.between or slot.activity.around or (wish.activity, ""))[0]]
        for option in slot.activity.options:
            late = [
                arriving.chosen[arrival.name]
                for arrival in arriving.activity.options
                if arrival.ends is not None and option.check_in and self._late(arrival, option)
            ]
            if late:
                self._on(self.model.add(sum(late) == 0), [*on, slot.chosen[option.name]])

    def _late(self, arrival: Option, option: Option) -> bool:
        assert arrival.ends is not None and option.check_in is not None
        local = self.problem.timeline.local(arrival.ends, arrival.ends_zone)
        minute = local.hour * 60 + local.minute
        return minute > option.check_in.closes or minute < SMALL_HOURS

    # Goals

    def goal(self, goal: Goal) -> Any:
        """What is to be made as small as possible; None where there is nothing to choose."""
        slots = self.slots.values()
        match goal:
            case "most":
                optional = [slot.present for slot in slots if slot.activity.optional]
                return -sum(optional) if optional else None
            case "preferences":
                return -sum(self.switches.values()) if self.switches else None
            case "cheapest":
                return self.total
            case "shortest":
                around = [slot for slot in slots if slot.activity.around]
                return sum(slot.ends - slot.begins for slot in around) if around else self._last_end()
            case "earliest":
                return sum(slot.begins for slot in slots if not slot.activity.frames)
            case "latest":
                return -sum(slot.begins for slot in slots if not slot.activity.frames)

    def _last_end(self) -> Any:
        last = self.model.new_int_var(self.problem.horizon.begins, self.problem.horizon.ends, "last end")
        for slot in self.slots.values():
            self._on(self.model.add(last >= slot.ends), [], slot)
        return last

    def tidy(self) -> Any:
        """Everything early, where no goal says more of it."""
        return None if {"earliest", "latest"} & set(self.problem.goals) else self.goal("earliest")

    def tie(self) -> Any:
        """What decides between plans that are as good: the options in the order in which they were given."""
        parts = [
            chosen * number
            for slot in self.slots.values()
            for number, chosen in enumerate(slot.chosen.values())
            if number
        ]
        return sum(parts) if parts else None

    # Reading

    def plan(self, solver: Any, *, best: bool) -> Plan:
        """The plan that a solver has found."""
        placed: list[Placed] = []
        left_out: list[str] = []
        for slot in self.slots.values():
            if slot.present is not True and not solver.boolean_value(slot.present):
                left_out.append(slot.activity.name)
                continue
            chosen = (name for name, variable in slot.chosen.items() if solver.boolean_value(variable))
            begins, ends = int(solver.value(slot.begins)), int(solver.value(slot.ends))
            placed.append(Placed(slot.activity.name, begins, ends, next(chosen, "")))
        at = self._positions(solver)
        placed.sort(key=lambda one: (one.begins, one.ends, at.get(one.activity, 0), one.activity))
        total = None if self.total is None else from_cents(int(solver.value(self.total)), self.problem)
        not_kept = tuple(n for n, switch in self.switches.items() if not solver.boolean_value(switch))
        return Plan(tuple(placed), tuple(sorted(left_out)), not_kept, total, best)

    def _positions(self, solver: Any) -> dict[str, int]:
        """How manieth everything is on its way, which times alone do not tell of what takes no time."""
        following = {a: b for (a, b), goes in self._follows.items() if solver.boolean_value(goes)}
        found: dict[str, int] = {}
        for name in sorted(following.keys() - set(following.values())):
            at: str | None = name
            while at is not None:
                found[at] = len(found)
                at = following.get(at)
        return found


def _fits(option: Option, windows: Sequence[Window], *, inside: bool) -> bool:
    assert option.begins is not None and option.ends is not None
    begins, ends = option.begins, option.ends
    if inside:
        return any(one.begins <= begins and ends <= one.ends for one in merged(windows))
    return not any(begins < one.ends and one.begins < ends for one in windows)
