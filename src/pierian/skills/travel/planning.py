"""Plans a trip from its wishes: offers and calendars at once, solved exactly, explained; or why there is none.

Calendars are looked at again before a trip is given away: where they have changed so that it no longer fits, it is
planned anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

from msgspec import Struct, structs

from pierian.exceptions import PierianError
from pierian.planning import explain, explain_conflict, explained_conflict, faults, solve
from pierian.planning.constraints import Busy, Plan
from pierian.planning.journeys import AWAY
from pierian.planning.saying import wish as wish_in_words
from pierian.skills.calendars import RECHECK, Spans, named
from pierian.skills.travel.building import AROUND, Built, Currencies, build
from pierian.skills.travel.providers.gathering import Gathered, gather
from pierian.skills.travel.providers.offers import Provider, Search
from pierian.skills.travel.trip import Trip, chosen_of, items_of, unpriced
from pierian.skills.travel.wishes import Wishes, day, echo

TRIES = 3
"""How often it is planned anew because calendars changed meanwhile."""
EXPLAIN_SECONDS = 2.0
FRESH = timedelta(minutes=5)
"""Calendars are synced first where their copies are older."""


class Calendars(Protocol):
    """The calendars of those who travel."""

    async def refreshed(self, people: Sequence[str], older_than: timedelta) -> Sequence[str]:
        """Bring them up to date; sentences on those that stayed old, or of which nothing is known."""
        ...

    async def busy(self, people: Sequence[str], begins: datetime, ends: datetime) -> Spans:
        """When each of them is busy."""
        ...


class Workplace(Struct, frozen=True, kw_only=True):
    """What planning a trip takes."""

    calendars: Calendars
    providers: Sequence[Provider]
    money: Currencies
    zone: str
    """The user's."""
    home: str = ""
    """Where trips begin, where the request does not say."""
    seconds: float = 20.0
    """How long each provider is waited for."""
    took: Callable[[str, float], None] = lambda what, seconds: None
    """Told how long parts of the work took."""


async def plan_trip(wishes: Wishes, at: Workplace) -> Trip:
    """The best trip for the wishes, or why there is none; never raises for what the world is like."""
    assumed = list(wishes.assumed)
    if not wishes.origin and at.home:
        assumed.append(f"It begins in {at.home}, as your settings say.")
        wishes = structs.replace(wishes, origin=at.home)
    begun = time.monotonic()
    gathered, notes = await asyncio.gather(
        gather(at.providers, _search(wishes), at.seconds), at.calendars.refreshed(wishes.people, FRESH)
    )
    at.took("fetching", time.monotonic() - begun)
    if not wishes.origin and gathered.found.origin:
        assumed.append(f"It begins in {gathered.found.origin}, from where the ways lead there.")
        wishes = structs.replace(wishes, origin=gathered.found.origin)
    blank = Trip(
        wishes=wishes,
        understood=tuple(echo(wishes)),
        assumed=(*assumed, *notes),
        left_out=(*gathered.problems, *gathered.found.notes),
        asked=gathered.asked,
    )
    for _ in range(TRIES):
        busy = await _busy(wishes, at)
        begun = time.monotonic()
        trip, built, plan = await asyncio.to_thread(_solved, wishes, gathered, busy, at, blank)
        at.took("solving", time.monotonic() - begun)
        if plan is None or built is None:
            return trip
        await at.calendars.refreshed(wishes.people, RECHECK)
        if _still_free(built, plan, await _busy(wishes, at)):
            return trip
        left_out = (*blank.left_out, "Your calendars changed while it was planned; it was planned anew.")
        blank = structs.replace(blank, left_out=tuple(dict.fromkeys(left_out)))
    changing = "The calendars keep changing while the trip is planned."
    return structs.replace(blank, reasons=(changing, "Ask again when they have settled."))


def _search(wishes: Wishes) -> Search:
    return Search(
        origin=wishes.origin,
        destination=wishes.destination,
        first=wishes.first,
        last=wishes.last,
        least_nights=wishes.least_nights,
        seats=wishes.seats,
    )


async def _busy(wishes: Wishes, at: Workplace) -> Spans:
    begins = datetime(wishes.first.year, wishes.first.month, wishes.first.day, tzinfo=UTC)
    ends = datetime(wishes.last.year, wishes.last.month, wishes.last.day, tzinfo=UTC)
    return await at.calendars.busy(
        wishes.people, begins - AROUND - timedelta(days=1), ends + AROUND + timedelta(days=2)
    )


def _solved(
    wishes: Wishes, gathered: Gathered, busy: Spans, at: Workplace, blank: Trip
) -> tuple[Trip, Built | None, Plan | None]:
    """The trip with its plan, or the reasons why there is none."""
    try:
        built = build(wishes, gathered.found, busy, at.money, at.zone)
        problem = built.problem
        plan = solve(problem)
        left_out = (*blank.left_out, *unpriced(built), *built.notes)
        if plan is None:
            conflict = explain_conflict(problem)
            reasons = explained_conflict(problem, conflict)
            return structs.replace(blank, reasons=reasons, left_out=left_out), built, None
        told = explain(problem, plan, seconds=EXPLAIN_SECONDS)
    except PierianError as error:
        reasons = tuple(part for part in (str(error), error.hint) if part)
        return structs.replace(blank, reasons=reasons), None, None
    asked = [n for n in told.binding if problem.wishes[n].source or isinstance(problem.wishes[n], Busy)]
    trip = structs.replace(
        blank,
        items=tuple(items_of(plan, built, wishes)),
        offers=tuple(chosen_of(plan, built)),
        total=plan.total.amount if plan.total else None,
        currency=problem.currency,
        proved=plan.best,
        binding=tuple(wish_in_words(problem, problem.wishes[n]) for n in asked),
        left_out=(*left_out, *(f"{name} does not fit in." for name in plan.left_out)),
    )
    return trip, built, plan


def _still_free(built: Built, plan: Plan, busy: Spans) -> bool:
    """Whether everybody is free all the time that a plan takes, as calendars are now."""
    away = plan.of(AWAY)
    assert away is not None
    line = built.problem.timeline
    begins, ends = line.local(away.begins), line.local(away.ends)
    return not faults(built.problem, plan) and not any(
        first < ends and begins < last for spans in busy.values() for first, last in spans
    )


def who_is_busy(busy: Spans, begins: datetime, ends: datetime) -> list[str]:
    """Those who are not free all the time, as sentences name them."""
    return [
        named(person)
        for person, spans in busy.items()
        if any(first < ends and begins < last for first, last in spans)
    ]


def dates_in_words(trip: Trip) -> str:
    """From which day to which a trip lasts."""
    first, last = trip.items[0].begins.date(), trip.items[-1].ends.date()
    return f"{day(first)} to {day(last)} {last.year}"
