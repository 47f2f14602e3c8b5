"""A planned trip as a value: what is done when and where, what it costs, what it rests on, or why there is none.

It is what the step `trip_plan` comes to, so it stands in the journal, and everything that shows a trip is made of it.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from pierian.planning.constraints import Plan
from pierian.planning.journeys import BACK, STAY, THERE
from pierian.planning.money import cents
from pierian.skills.travel.building import Built
from pierian.skills.travel.wishes import Wishes

ItemKind = Literal["way", "stay", "sight"]


class Item(Struct, frozen=True, kw_only=True):
    """Something that is done on a trip; times have the offset of their place."""

    kind: ItemKind
    title: str
    begins: datetime
    ends: datetime
    begins_zone: str
    ends_zone: str
    place: str = ""
    price: str = ""
    """In words, in the currency in which it is sold."""
    provider: str = ""

    @property
    def whole_days(self) -> bool:
        """Whether it fills days rather than hours in a calendar."""
        return self.kind == "stay"


class Chosen(Struct, frozen=True, kw_only=True):
    """An offer that the trip rests on, by which it is found again."""

    key: str
    name: str
    provider: str
    price: Decimal
    currency: str


class Trip(Struct, frozen=True, kw_only=True):
    """A trip, or why there is none."""

    wishes: Wishes
    understood: tuple[str, ...]
    items: tuple[Item, ...] = ()
    """In the order in which they begin; empty where no trip is possible."""
    offers: tuple[Chosen, ...] = ()
    total: Decimal | None = None
    currency: str = ""
    proved: bool = True
    """Whether it was proved that there is no better one."""
    binding: tuple[str, ...] = ()
    """Wishes without which there would be a better one."""
    reasons: tuple[str, ...] = ()
    """Why there is none, and what would make one possible."""
    assumed: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    """The providers that were asked."""

    @property
    def possible(self) -> bool:
        """Whether there is one."""
        return bool(self.items)


def items_of(plan: Plan, built: Built, wishes: Wishes) -> list[Item]:
    """What is done when, on the clocks of each place."""
    line = built.problem.timeline
    there, back = (plan.of(name) for name in (THERE, BACK))
    assert there is not None and back is not None
    zone = built.ways[there.option].arrives_zone
    found: list[Item] = []
    for at in plan.placed:
        if at.activity in (THERE, BACK):
            way = built.ways[at.option]
            found.append(
                Item(
                    kind="way",
                    title=f"{way.name} {way.origin} to {way.destination}",
                    begins=way.departs,
                    ends=way.arrives,
                    begins_zone=way.departs_zone,
                    ends_zone=way.arrives_zone,
                    place=way.origin,
                    price=f"{way.price.amount:,.2f} {way.price.currency}",
                    provider=way.provider,
                )
            )
        elif at.activity == STAY:
            stay = built.stays[at.option]
            nightly = " a night" if stay.nightly else ""
            found.append(
                Item(
                    kind="stay",
                    title=at.option,
                    begins=built.ways[there.option].arrives,
                    ends=built.ways[back.option].departs,
                    begins_zone=zone,
                    ends_zone=zone,
                    place=stay.place,
                    price=f"{stay.price.amount:,.2f} {stay.price.currency}{nightly}",
                    provider=stay.provider,
                )
            )
        elif at.activity in built.sights:
            sight = built.sights[at.activity]
            found.append(
                Item(
                    kind="sight",
                    title=sight.name,
                    begins=line.local(at.begins, zone),
                    ends=line.local(at.ends, zone),
                    begins_zone=zone,
                    ends_zone=zone,
                    place=sight.quarter or wishes.destination,
                    provider=sight.provider,
                )
            )
    return sorted(found, key=lambda one: (one.begins, one.kind != "way", one.ends))


def chosen_of(plan: Plan, built: Built) -> list[Chosen]:
    """The offers that a plan rests on."""
    found: list[Chosen] = []
    for at in plan.placed:
        offer = built.ways.get(at.option) or built.stays.get(at.option)
        if offer is None:
            continue
        found.append(
            Chosen(
                key=offer.key,
                name=offer.name,
                provider=offer.provider,
                price=offer.price.amount,
                currency=offer.price.currency,
            )
        )
    return found


def unpriced(built: Built) -> list[str]:
    """Sentences on offers in currencies of which nobody knows what they are worth."""
    counts: dict[str, int] = {}
    for one in (*built.ways.values(), *built.stays.values()):
        if cents(one.price, built.problem) is None:
            counts[one.price.currency] = counts.get(one.price.currency, 0) + 1
    return [
        f"{number} {'offer' if number == 1 else 'offers'} in {currency or 'no named currency'} "
        f"{'is' if number == 1 else 'are'} left out: no rate for it is set (pierian config set exchange_rates "
        f"{currency or 'USD'}=…)."
        for currency, number in counts.items()
    ]
