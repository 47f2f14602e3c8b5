"""By how much a wish is not kept: as an expression of the model, to make it small, and counted in a finished plan.

Ticks outside a window or short of a length, money above a budget, nights too many. The weights only put
relaxations in an order: a quarter of an hour, ten units of money and a tenth of a night weigh the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from msgspec import Struct

from pierian.planning.checking import total
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
    Order,
    Outside,
    Placed,
    Plan,
    Problem,
    Window,
    Within,
    about,
)
from pierian.planning.modelling import Model, Slot
from pierian.planning.money import limit_cents


class Given(Struct, frozen=True):
    """By how much a wish gives way in a plan."""

    unit: Literal["ticks", "money", "nights", "whole"]
    amount: int = 0
    """Ticks or nights; with `whole` the wish is left out as it is."""
    money: Money | None = None

    @property
    def weight(self) -> float:
        """For the order of relaxations only."""
        if self.unit == "money" and self.money is not None:
            return float(self.money.amount) * 1.5
        return {"ticks": self.amount, "nights": 150.0 * self.amount, "whole": 10_000.0}.get(self.unit, 0.0)


# In the model


def shortfall(made: Model, wishes: Sequence[AnyWish]) -> Any:
    """What is to be made small for the wishes to give as little as they can."""
    return sum(part for wish in wishes for part in _parts(made, wish))


def _parts(made: Model, wish: AnyWish) -> list[Any]:
    horizon = made.problem.horizon
    reach = horizon.ends - horizon.begins + 1
    slots = [made.slots[one.name] for one in about(wish, made.problem)]
    match wish:
        case Within():
            return [_distance(made, slot, wish.windows, reach) for slot in slots]
        case Outside() | Busy():
            return [_overlap(made, slot, window, reach) for slot in slots for window in wish.windows]
        case Lasts():
            length = slots[0].ends - slots[0].begins
            parts = [_over(made, wish.least - length, reach)]
            return parts if wish.most is None else [*parts, _over(made, length - wish.most, reach)]
        case Order():
            first, then = slots
            gap = then.begins - first.ends
            parts = [_over(made, wish.least - gap, 2 * reach)]
            return parts if wish.most is None else [*parts, _over(made, gap - wish.most, 2 * reach)]
        case Covers():
            slot, window = slots[0], wish.window
            return [
                _over(made, slot.begins - window.begins, reach),
                _over(made, window.ends - slot.ends, reach),
            ]
        case Budget():
            limit = limit_cents(wish.limit, made.problem)
            return [] if made.total is None or limit is None else [_over(made, made.total - limit, 10**9)]
        case Nights():
            nights = made.nights(wish.first, wish.last)
            return [_over(made, wish.least - nights, 4000), _over(made, nights - wish.most, 4000)]
        case Fills() | CheckedIn() | OneOf():
            return []


def _over(made: Model, expression: Any, most: int) -> Any:
    """How far an expression is above zero."""
    amount = made.model.new_int_var(0, most, "")
    made.model.add(amount >= expression)
    return amount


def _distance(made: Model, slot: Slot, windows: Sequence[Window], reach: int) -> Any:
    """Ticks of an activity that lie outside the nearest window, on either side of it."""
    model = made.model
    outside: Any = model.new_int_var(0, 2 * reach, "")
    nearest = [model.new_bool_var("") for _ in windows]
    model.add_bool_or([*nearest, *([~slot.present] if slot.present is not True else [])])
    for switch, window in zip(nearest, windows, strict=True):
        before, after = model.new_int_var(0, reach, ""), model.new_int_var(0, reach, "")
        model.add(before >= window.begins - slot.begins).only_enforce_if(switch)
        model.add(after >= slot.ends - window.ends).only_enforce_if(switch)
        model.add(outside >= before + after).only_enforce_if(switch)
    return outside


def _overlap(made: Model, slot: Slot, window: Window, reach: int) -> Any:
    """At least the ticks that an activity shares with a window, measured to the nearer end of the window."""
    model = made.model
    shared = model.new_int_var(0, reach, "")
    before = model.new_bool_var("")
    on = [] if slot.present is True else [slot.present]
    model.add(shared >= slot.ends - window.begins).only_enforce_if(before, *on)
    model.add(shared >= window.ends - slot.begins).only_enforce_if(~before, *on)
    return shared


# In a plan


def amount_given(problem: Problem, plan: Plan, wish: AnyWish) -> Given:
    """By how much a plan does not keep a wish."""
    placed = [at for one in about(wish, problem) if (at := plan.of(one.name)) is not None]
    match wish:
        case Within():
            return Given("ticks", sum(_outside(at, wish.windows) for at in placed))
        case Outside() | Busy():
            return Given("ticks", sum(_shared(at, window) for at in placed for window in wish.windows))
        case Lasts():
            length = sum(at.ends - at.begins for at in placed)
            most = length if wish.most is None else wish.most
            return Given("ticks", max(wish.least - length, length - most, 0))
        case Order():
            gap = placed[1].begins - placed[0].ends
            return Given("ticks", max(wish.least - gap, gap - (gap if wish.most is None else wish.most), 0))
        case Covers():
            at, window = placed[0], wish.window
            return Given("ticks", max(at.begins - window.begins, 0) + max(window.ends - at.ends, 0))
        case Budget():
            limit = limit_cents(wish.limit, problem)
            if limit is None:
                return Given("whole")
            over = total(problem, plan).amount - Decimal(limit) / 100
            return Given("money", money=Money(max(over, Decimal(0)), problem.currency))
        case Nights():
            nights = nights_in(problem, plan, wish)
            return Given("nights", max(wish.least - nights, nights - wish.most, 0))
        case Fills() | CheckedIn() | OneOf():
            return Given("whole")


def taken_by(problem: Problem, plan: Plan, wish: Busy | Outside) -> list[Window]:
    """The windows of a wish that a plan takes time from."""
    placed = [at for one in about(wish, problem) if (at := plan.of(one.name)) is not None]
    return [window for window in wish.windows if any(_shared(at, window) for at in placed)]


def nights_in(problem: Problem, plan: Plan, wish: Nights) -> int:
    """The nights of a plan that a wish counts."""
    dates: list[date] = []
    for name, side in ((wish.first, "ends"), (wish.last, "begins")):
        at = plan.of(name)
        assert at is not None
        option = next(one for one in problem.activity(name).options if one.name == at.option)
        dates.append(problem.timeline.day(getattr(at, side), getattr(option, f"{side}_zone")))
    return (dates[1] - dates[0]).days


def _outside(at: Placed, windows: Sequence[Window]) -> int:
    return min(
        (max(one.begins - at.begins, 0) + max(at.ends - one.ends, 0) for one in windows),
        default=at.ends - at.begins,
    )


def _shared(at: Placed, window: Window) -> int:
    return max(0, min(at.ends, window.ends) - max(at.begins, window.begins))
