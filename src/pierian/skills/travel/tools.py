"""The two tools of a trip: one that plans it, one that puts it into the calendar once somebody approved.

What is put into the calendar is done by the calendar's own tool, entry by entry, each with a key of its own: it is
read back, and after a crash looked up and not written twice. Before it is asked for, and again when it was approved,
offers and calendars are looked at anew: what has gone, has become dearer or is no longer free fails the step, and
the trip is planned again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct, structs

from pierian.planning.constraints import Money, Problem, Timeline, Window
from pierian.planning.money import cents
from pierian.provenance import Labelled, Labels, external, together
from pierian.skills.calendars import RECHECK
from pierian.skills.travel.planning import Workplace, plan_trip, who_is_busy
from pierian.skills.travel.providers.gathering import gather
from pierian.skills.travel.providers.offers import Search
from pierian.skills.travel.telling import told
from pierian.skills.travel.trip import Chosen, Item, Trip
from pierian.skills.travel.wishes import Wishes
from pierian.tools import Context, Tool, ToolFailure

PLAN, CALENDAR = "trip_plan", "trip_calendar"
PLAN_SECONDS, CALENDAR_SECONDS = 180.0, 90.0


class Entry(Struct, frozen=True, kw_only=True):
    """What one entry of the calendar will say; the id holds all of it, so that each is an effect of its own."""

    id: str
    title: str
    begins: str
    ends: str
    location: str = ""


class Away(Struct, frozen=True, kw_only=True):
    """What has to be so still when it is put into the calendar."""

    origin: str
    destination: str
    begins: datetime
    ends: datetime
    seats: int
    people: tuple[str, ...]


def trip_tools(at: Workplace, calendar: Tool | None, sources: Labels) -> list[Tool]:
    """The tools; without a calendar that can be written only the first. `sources` label what calendars say."""
    return [_planning(at, sources), *([_writing(at, calendar)] if calendar is not None else [])]


def _planning(at: Workplace, sources: Labels) -> Tool:
    async def call(context: Context, values: Mapping[str, Any]) -> Labelled:
        try:
            wishes = msgspec.convert(values.get("wishes"), Wishes, strict=False)
        except msgspec.ValidationError as error:
            raise ToolFailure("invalid", f"These are no wishes for a trip: {error}.") from error
        trip = await plan_trip(wishes, at)
        labels = sources | together(external(f"offers:{name}") for name in trip.asked)
        return Labelled(msgspec.to_builtins(_value(trip)), labels)

    return Tool(
        name=PLAN,
        description="Plan a trip: offers, free days and sights put together.",
        parameters={"type": "object"},
        call=call,
        effect="read",
        timeout_seconds=PLAN_SECONDS,
        answer_in="told",
    )


def _value(trip: Trip) -> dict[str, Any]:
    """What the step comes to: the trip, its words, and what the next step needs of it."""
    found: dict[str, Any] = {"told": told(trip), "trip": trip, "entries": [], "offers": [], "away": {}}
    if trip.possible:
        found["entries"] = [_entry(one, trip) for one in trip.items]
        found["offers"] = trip.offers
        found["away"] = Away(
            origin=trip.wishes.origin,
            destination=trip.wishes.destination,
            begins=trip.items[0].begins,
            ends=trip.items[-1].ends,
            seats=trip.wishes.seats,
            people=trip.wishes.people,
        )
    return found


def _entry(item: Item, trip: Trip) -> Entry:
    title = f"Draft: {item.title}" if trip.wishes.draft else item.title
    begins, ends = item.begins.isoformat(timespec="minutes"), item.ends.isoformat(timespec="minutes")
    if item.whole_days:
        begins, ends = item.begins.date().isoformat(), item.ends.date().isoformat()
    shown = Entry(id="", title=title, begins=begins, ends=ends, location=item.place)
    return structs.replace(shown, id=msgspec.json.encode(shown).decode())


def trip_in(value: Any) -> Trip:
    """The trip in the value of a step."""
    return msgspec.convert(value["trip"], Trip, strict=False)


def _writing(at: Workplace, calendar: Tool) -> Tool:
    def arguments(values: Mapping[str, Any]) -> dict[str, Any]:
        entry = msgspec.json.decode(str(values["entry"]), type=Entry)
        return {
            "title": entry.title,
            "begins": entry.begins,
            "ends": entry.ends,
            "location": entry.location,
            "calendar": str(values.get("calendar", "")),
        }

    async def call(context: Context, values: Mapping[str, Any]) -> Any:
        return await calendar.call(context, arguments(values))

    async def lookup(context: Context, values: Mapping[str, Any]) -> Any:
        assert calendar.lookup is not None
        return await calendar.lookup(context, arguments(values))

    async def checks(context: Context, values: Mapping[str, Any]) -> dict[str, str]:
        offers = msgspec.convert(values.get("offers", []), list[Chosen], strict=False)
        away = msgspec.convert(values.get("away", {}), Away, strict=False)
        await _still_so(at, offers, away)
        return {"checked": "The offers are still there at these prices, and everybody is free."}

    return Tool(
        name=CALENDAR,
        description="Put a planned trip into the calendar.",
        parameters={"type": "object"},
        call=call,
        effect="send",
        lookup=lookup,
        checks=checks,
        found="entry",
        timeout_seconds=max(CALENDAR_SECONDS, at.seconds + 30),
    )


async def _still_so(at: Workplace, offers: Sequence[Chosen], away: Away) -> None:
    """Raises `ToolFailure` where an offer has gone or become dearer, or somebody is no longer free."""
    nights = max(0, (away.ends.date() - away.begins.date()).days - 1)
    search = Search(
        origin=away.origin,
        destination=away.destination,
        first=away.begins.date(),
        last=away.ends.date(),
        least_nights=nights,
        seats=away.seats,
    )
    sellers = {one.provider for one in offers}
    providers = [one for one in at.providers if one.name in sellers]
    gathered, _ = await asyncio.gather(
        gather(providers, search, at.seconds), at.calendars.refreshed(away.people, RECHECK)
    )
    now = {one.key: one.price for one in (*gathered.found.there, *gathered.found.back, *gathered.found.stays)}
    if gathered.problems:
        raise ToolFailure("unreachable", f"The offers could not be checked again: {gathered.problems[0]}")
    for one in offers:
        price = now.get(one.key)
        if price is None:
            raise ToolFailure("not_found", f"{one.name} is no longer offered.")
        if _dearer(price, one, at):
            raise ToolFailure(
                "not_found",
                f"{one.name} costs {price.amount:,.2f} {price.currency} now, not {one.price:,.2f}.",
            )
    spans = await at.calendars.busy(
        away.people, away.begins - timedelta(days=1), away.ends + timedelta(days=1)
    )
    if busy := who_is_busy(spans, away.begins, away.ends):
        raise ToolFailure(
            "not_found", f"No longer free from {away.begins:%d %b} to {away.ends:%d %b}: {busy[0]}."
        )


def _dearer(price: Money, before: Chosen, at: Workplace) -> bool:
    if price.currency == before.currency:
        return price.amount > before.price
    worth = Problem(Timeline("clock"), Window(0, 0), (), (), rates=at.money.rates, currency=at.money.currency)
    now, then = cents(price, worth), cents(Money(Decimal(before.price), before.currency), worth)
    return now is None or then is None or now > then
