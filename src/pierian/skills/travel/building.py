"""A trip as a problem for the solver: wishes with their words, offers under names of their own, free days, sights."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from pierian.exceptions import SettingsError, UserError
from pierian.planning.constraints import (
    AnyWish,
    Budget,
    Money,
    Nights,
    OneOf,
    Problem,
    Source,
    Timeline,
    Window,
    Within,
)
from pierian.planning.journeys import AWAY, BACK, THERE, Offer, Surroundings, Visit, journey
from pierian.skills.calendars import Spans, named
from pierian.skills.travel.providers.offers import Found, Sight, Stay, Way
from pierian.skills.travel.wishes import Wishes, clock, day
from pierian.storage.words import fold

AROUND = timedelta(days=2)
"""So much before and after the days named a relaxation may lie."""
MOST_SIGHTS = 12
BEFORE_WAY_BACK = 120
_NIGHT_ENDS = 300
ARRIVING = 45
"""Minutes from where one arrives to the first sight."""


class Currencies(Struct, frozen=True, kw_only=True):
    """In what currency a trip is added up, and what others are worth in it."""

    currency: str = "EUR"
    rates: Mapping[str, Decimal] = {}


class Built(Struct, frozen=True, kw_only=True):
    """The problem, and what its options stand for."""

    problem: Problem
    ways: Mapping[str, Way]
    stays: Mapping[str, Stay]
    sights: Mapping[str, Sight]
    notes: tuple[str, ...]
    """Sentences on what was left out."""


def build(wishes: Wishes, found: Found, busy: Spans, money: Currencies, zone: str) -> Built:
    """The problem of a trip; raises `UserError` where there is nothing to choose from."""
    names: set[str] = set()
    there = {_unique(one.name, names): one for one in found.there}
    back = {_unique(one.name, names): one for one in found.back}
    stays = {_unique(one.name, names): one for one in found.stays}
    for side, ways in (("there", there), ("back", back)):
        if not ways:
            raise UserError(
                f"No offer was found for the way {side} ({wishes.destination}, {day(wishes.first)} to "
                f"{day(wishes.last)} {wishes.last.year}).",
                hint="Try other days or another provider: docs/travel.md.",
            )
    sights, notes = _sights(wishes, found)
    if not stays:
        notes.append(
            "No room was found: there is nowhere to sleep in this plan, and it costs nothing in the sum."
        )
    begins, ends = _days(wishes, zone)
    around = Surroundings(
        people=tuple(named(one) for one in wishes.people),
        busy={named(person): spans for person, spans in busy.items()},
        there=[_offer(name, one) for name, one in there.items()],
        back=[_offer(name, one) for name, one in back.items()],
        stays=[
            Offer(name, one.price, nightly=one.nightly, check_in=one.check_in) for name, one in stays.items()
        ],
        visits=[_visit(one, wishes) for one in sights],
        home=wishes.origin or found.origin or "home",
        destination=wishes.destination,
        transfers=_transfers(found, wishes.destination),
        transfer=30,
        before_way_back=BEFORE_WAY_BACK,
        rates=money.rates,
        currency=money.currency,
        zone=zone,
    )
    origin = Timeline("dated", origin=(begins - AROUND), zone=zone)
    asked = _asked(wishes, there, back, origin, (begins, ends), money)
    problem = journey(around, asked, begins - AROUND, ends + AROUND)
    return Built(
        problem=problem,
        ways=there | back,
        stays=stays,
        sights={one.name: one for one in sights},
        notes=tuple(notes),
    )


def money_of(currency: str, rates: str) -> Currencies:
    """The settings on money; raises `SettingsError`."""
    found: dict[str, Decimal] = {}
    for part in rates.split(","):
        name, _, worth = part.partition("=")
        if not part.strip():
            continue
        try:
            rate = Decimal(worth.strip())
        except InvalidOperation:
            rate = Decimal(0)
        if not re.fullmatch(r"[A-Za-z]{3}", name.strip()) or not rate.is_finite() or rate <= 0:
            raise SettingsError(
                f"The setting exchange_rates has {part.strip()!r}, which is no rate.",
                hint="pierian config set exchange_rates USD=0.91,GBP=1.17",
            )
        found[name.strip().upper()] = rate
    return Currencies(currency=currency.upper(), rates=found)


def _days(wishes: Wishes, zone: str) -> tuple[datetime, datetime]:
    """From the beginning of the first day to the end of the last, on the clocks of home."""
    home = ZoneInfo(zone)
    return (
        datetime.combine(wishes.first, time(), home),
        datetime.combine(wishes.last + timedelta(days=1), time(), home),
    )


def _asked(
    wishes: Wishes,
    there: Mapping[str, Way],
    back: Mapping[str, Way],
    line: Timeline,
    days: tuple[datetime, datetime],
    money: Currencies,
) -> list[AnyWish]:
    """The wishes that the request names, each with its words."""
    window = Window(line.tick(days[0]), line.tick(days[1]))
    found: list[AnyWish] = [
        Nights(
            first=THERE,
            last=BACK,
            least=wishes.least_nights,
            most=wishes.most_nights,
            source=_source(wishes, "nights"),
        ),
        Within(windows=(window,), activities=(AWAY,), source=_source(wishes, "dates")),
    ]
    if wishes.budget is not None:
        currency = wishes.currency or money.currency
        if currency != money.currency and currency not in money.rates:
            raise UserError(
                f"The budget is in {currency}, and it is not known what that is worth in {money.currency}.",
                hint=f"pierian config set exchange_rates {currency}=…",
            )
        found.append(Budget(limit=Money(wishes.budget, currency), source=_source(wishes, "budget")))
    for wish, said, keeps in _filters(wishes):
        only = {"leave_from": wishes.leave_on, "arrive_until": wishes.arrive_on}.get(wish, "")
        for side, activity, ways in (("there", THERE, there), ("back", BACK, back)):
            if only not in ("", side):
                continue
            options = tuple(name for name, one in ways.items() if keeps(one))
            if len(options) < len(ways):
                said_of = f"{said} ({activity})"
                found.append(
                    OneOf(activity=activity, options=options, said=said_of, source=_source(wishes, wish))
                )
    return found


def _filters(wishes: Wishes) -> list[tuple[str, str, Callable[[Way], bool]]]:
    """Wishes about single ways: their names, what they say, and which ways keep them."""
    found: list[tuple[str, str, Callable[[Way], bool]]] = []
    if wishes.direct:
        found.append(("direct", "no stops on the way", lambda way: way.stops == 0))
    if (least := wishes.leave_from) is not None:
        said = f"no departure before {clock(least)}"
        found.append(("leave_from", said, lambda way: _minute(way.departs) >= least))
    if (most := wishes.arrive_until) is not None:
        said = f"no arrival after {clock(most)}"
        found.append(("arrive_until", said, lambda way: _late(_minute(way.arrives)) <= most))
    return found


def _minute(moment: datetime) -> int:
    return moment.hour * 60 + moment.minute


def _late(minute: int) -> int:
    """In the small hours it is still the evening before."""
    return minute + 1440 if minute < _NIGHT_ENDS else minute


def _source(wishes: Wishes, name: str) -> Source | None:
    said = wishes.words(name)
    return None if said is None else Source(said.start, said.end, said.text)


def _sights(wishes: Wishes, found: Found) -> tuple[list[Sight], list[str]]:
    """What there is to see, what must be seen first; sentences on what nobody knows."""
    notes: list[str] = []
    wanted: list[Sight] = []
    for name in wishes.sights:
        near = [one for one in found.sights if fold(name) in fold(one.name) or fold(one.name) in fold(name)]
        if near:
            wanted.append(near[0])
        else:
            notes.append(f"{name} is left out: nobody says when it is open.")
    rest = [one for one in found.sights if one not in wanted]
    if len(wanted) + len(rest) > MOST_SIGHTS:
        notes.append(f"Of {len(rest)} other sights the first {MOST_SIGHTS - len(wanted)} are looked at.")
    chosen = (*wanted, *rest)[:MOST_SIGHTS]
    used: set[str] = {THERE, BACK, AWAY, "stay"}
    return [structs.replace(one, name=_unique(one.name, used)) for one in chosen], notes


def _visit(one: Sight, wishes: Wishes) -> Visit:
    required = any(fold(name) in fold(one.name) or fold(one.name) in fold(name) for name in wishes.sights)
    return Visit(one.name, one.minutes, one.open, one.quarter, required)


def _transfers(found: Found, destination: str) -> Mapping[tuple[str, str], int]:
    known = dict(found.transfers)
    for one in found.sights:
        if one.quarter and one.quarter != destination:
            known.setdefault((destination, one.quarter), ARRIVING)
    return known


def _offer(name: str, one: Way) -> Offer:
    return Offer(name, one.price, one.departs, one.arrives, one.departs_zone, one.arrives_zone)


def _unique(name: str, used: set[str]) -> str:
    """A name that no other option has."""
    number, called = 1, name
    while called in used:
        number += 1
        called = f"{name} ({number})"
    used.add(called)
    return called
