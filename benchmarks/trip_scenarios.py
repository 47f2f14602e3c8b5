"""Trips through the whole skill against trying everything out: `python -m benchmarks.trip_scenarios --seeds 100`.

Each seed gives a request in words, calendars of up to four people, two providers with flights in three currencies,
and rooms. The request is read, offers and calendars are gathered, the trip is solved and shown as it is for a person;
then every pair of flights with every room is tried one by one here, with arithmetic of its own: is what was shown
allowed, is there a cheaper one, and where there is none, do the wishes that were named really not go together. About
a third of the seeds are made impossible. No model is used: a request that would need one fails.

`--fetch` measures the wall time of gathering from sources of known slowness.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.intervals import wilson
from pierian.agents.entities import Known, find_entities
from pierian.planning.constraints import CheckIn, Money
from pierian.skills.travel.building import Currencies
from pierian.skills.travel.planning import Workplace, plan_trip
from pierian.skills.travel.providers.gathering import gather
from pierian.skills.travel.providers.offers import Found, Search, Stay, Way
from pierian.skills.travel.reading import wishes_of
from pierian.skills.travel.trip import Trip

HOME, AWAY = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Lisbon")
RATES = {"USD": Decimal("0.91"), "GBP": Decimal("1.17")}
PEOPLE = ("Ada", "Ben", "Cleo")
BROKEN = ("busy", "budget", "nights", "late", "direct", "hours")
MARKS = {
    "nights": "between way there and way back",
    "dates": "away within",
    "budget": "no more than",
    "late": "arriving before check-in",
    "direct there": "no stops on the way (way there)",
    "direct back": "no stops on the way (way back)",
    "hours there": "no departure before 09:00 (way there)",
    "hours back": "no departure before 09:00 (way back)",
}
"""By which a sentence of a reason is told to be about which wish; calendars by the name of whose they are."""


@dataclass(frozen=True, slots=True)
class Case:
    """A seed made into a request and a world."""

    request: str
    people: tuple[str, ...]
    first: date
    last: date
    nights: int
    limit: Decimal
    direct: bool
    hours: bool
    busy: dict[str, list[tuple[datetime, datetime]]]
    there: list[Way]
    back: list[Way]
    stays: list[Stay]
    wishes: list[str] = field(default_factory=list)


def case(seed: int) -> Case:
    """The request and the world of a seed."""
    draw = random.Random(seed)
    broken = draw.choice(BROKEN) if draw.random() < 0.34 else ""
    first = date(2027, 1, 4) + timedelta(days=draw.randrange(60))
    days = draw.randint(6, 13)
    last = first + timedelta(days=days - 1)
    people = ("you", *PEOPLE[: draw.randint(0, 3)])
    nights = days + 1 if broken == "nights" else draw.randint(2, 4)
    limit = Decimal(70 if broken == "budget" else draw.randint(400, 1500))
    direct = broken == "direct" or draw.random() < 0.3
    hours = broken == "hours" or draw.random() < 0.3
    busy = {one: _calendar(draw, first, days, full=broken == "busy") for one in people}
    there, back = (
        [_way(draw, first, days, n, there=side, broken=broken) for n in range(draw.randint(15, 40))]
        for side in (True, False)
    )
    stays = [_room(draw, n, late=broken == "late") for n in range(draw.randint(3, 8))]
    with_them = f" with {' and '.join(people[1:])} and me" if len(people) > 1 else ""
    request = (
        f"Plan {nights} nights in Lisbon{with_them} from {first.day} {first:%B} {first.year} to {last.day} {last:%B} "
        f"{last.year}, at most {limit} euros{', direct flights only' if direct else ''}"
        f"{', not leaving before 9' if hours else ''}"
    )
    wishes = ["nights", "dates", "budget", "late", *people]
    wishes += ["direct there", "direct back"] * direct + ["hours there", "hours back"] * hours
    return Case(request, people, first, last, nights, limit, direct, hours, busy, there, back, stays, wishes)


def _calendar(draw: random.Random, first: date, days: int, *, full: bool) -> list[tuple[datetime, datetime]]:
    found: list[tuple[datetime, datetime]] = []
    for day in range(-3, days + 3):
        if full or draw.random() < 0.07:
            begins = datetime(
                first.year, first.month, first.day, draw.randint(8, 17), tzinfo=HOME
            ) + timedelta(days=day)
            found.append((begins.astimezone(UTC), (begins + timedelta(minutes=90)).astimezone(UTC)))
    return found


def _way(draw: random.Random, first: date, days: int, number: int, *, there: bool, broken: str) -> Way:
    zones = (HOME, AWAY) if there else (AWAY, HOME)
    on = first + timedelta(days=draw.randrange(-1, days + 1))
    hour = draw.randint(5, 8) if broken == "hours" else draw.randint(5, 22)
    departs = datetime(on.year, on.month, on.day, hour, draw.choice((0, 10, 25, 40, 55)), tzinfo=zones[0])
    arrives = (departs.astimezone(UTC) + timedelta(minutes=draw.randint(170, 420))).astimezone(zones[1])
    return Way(
        provider="first" if number % 2 else "second",
        name=f"{'TP' if there else 'LH'}{number:03}",
        origin="Berlin" if there else "Lisbon",
        destination="Lisbon" if there else "Berlin",
        departs=departs,
        arrives=arrives,
        departs_zone=str(zones[0]),
        arrives_zone=str(zones[1]),
        price=Money(
            Decimal(draw.randint(4000, 42000)) / 100, draw.choice(("EUR", "EUR", "EUR", "USD", "GBP"))
        ),
        stops=1 if broken == "direct" else draw.choice((0, 0, 1)),
    )


def _room(draw: random.Random, number: int, *, late: bool) -> Stay:
    closes = 240 if late else draw.choice((1200, 1380))
    check_in = CheckIn(840, closes) if late or draw.random() < 0.6 else None
    price = Money(Decimal(draw.randint(3500, 15000)) / 100, draw.choice(("EUR", "EUR", "USD")))
    return Stay(
        provider="first",
        name=f"Room {number}",
        place="Lisbon",
        price=price,
        nightly=draw.random() < 0.8,
        check_in=check_in,
    )


# The skill


class Times:
    """Calendars of a case."""

    def __init__(self, busy: dict[str, list[tuple[datetime, datetime]]]) -> None:
        self._busy = busy

    async def refreshed(self, people: Sequence[str], older_than: timedelta) -> Sequence[str]:
        """Nothing is old."""
        return ()

    async def busy(self, people: Sequence[str], begins: datetime, ends: datetime) -> Any:
        """All that there is."""
        return {name: self._busy[name] for name in people}


@dataclass(slots=True)
class Offers:
    """A provider of a case, after some seconds."""

    name: str
    found: Found
    seconds: float = 0.0

    async def find(self, search: Search) -> Found:
        """All of it."""
        await asyncio.sleep(self.seconds)
        return self.found


async def planned(made: Case) -> Trip:
    """What the skill makes of the request."""
    now = datetime(2026, 11, 28, 12, tzinfo=HOME)
    known = [Known("person", (name,), name) for name in made.people[1:]]

    async def choose(question: str, options: Sequence[str]) -> str:
        raise AssertionError(f"The model was asked: {question}")

    wishes = await wishes_of(
        made.request, find_entities(made.request, now=now, known=known), now.date(), choose
    )
    providers = [
        Offers(
            name,
            Found(
                there=tuple(one for one in made.there if one.provider == name),
                back=tuple(one for one in made.back if one.provider == name),
                stays=tuple(one for one in made.stays if one.provider == name),
            ),
        )
        for name in ("first", "second")
    ]
    money = Currencies(currency="EUR", rates=RATES)
    return await plan_trip(
        wishes, Workplace(calendars=Times(made.busy), providers=providers, money=money, zone=str(HOME))
    )


# Trying everything out


def price(made: Case, there: Way, back: Way, room: Stay, kept: Collection[str]) -> Decimal | None:
    """What a combination costs; None where it breaks a wish, or cannot be."""
    around = timedelta(days=2)
    start = datetime(made.first.year, made.first.month, made.first.day, tzinfo=HOME)
    end = datetime(made.last.year, made.last.month, made.last.day, tzinfo=HOME) + timedelta(days=1)
    if there.departs < start - around or back.arrives > end + around or back.departs < there.arrives:
        return None
    nights = (back.departs.date() - there.arrives.date()).days
    total = _euro(there.price) + _euro(back.price) + _euro(room.price) * (nights if room.nightly else 1)
    minute = there.arrives.hour * 60 + there.arrives.minute
    keeps = {
        "nights": nights == made.nights,
        "dates": start <= there.departs and back.arrives <= end,
        "budget": total <= made.limit,
        "late": room.check_in is None or 300 <= minute <= room.check_in.closes,
        "direct there": there.stops == 0,
        "direct back": back.stops == 0,
        "hours there": there.departs.hour >= 9,
        "hours back": back.departs.hour >= 9,
    } | {
        person: not any(there.departs < last and begins < back.arrives for begins, last in spans)
        for person, spans in made.busy.items()
    }
    return total if all(keeps[name] for name in kept) else None


def _euro(amount: Money) -> Decimal:
    worth = amount.amount * RATES.get(amount.currency, Decimal(1))
    return Decimal(math.ceil(worth * 100)) / 100


def best(made: Case, kept: Collection[str]) -> Decimal | None:
    """The lowest price with these wishes kept."""
    found = (
        cost
        for there in made.there
        for back in made.back
        for room in made.stays
        if (cost := price(made, there, back, room, kept)) is not None
    )
    return min(found, default=None)


def fewest(made: Case) -> int:
    """How many wishes the smallest conflict has."""
    for size in range(1, len(made.wishes) + 1):
        if any(best(made, chosen) is None for chosen in combinations(made.wishes, size)):
            return size
    raise AssertionError("This case is possible.")


def broken_by(made: Case, trip: Trip) -> bool:
    """Whether a trip that was shown is not allowed, or costs something else than is said."""
    ways = [one for one in trip.items if one.kind == "way"]
    stay = next(one for one in trip.items if one.kind == "stay")
    there = [
        one for one in made.there if one.departs == ways[0].begins and ways[0].title.startswith(one.name)
    ]
    back = [one for one in made.back if one.departs == ways[1].begins and ways[1].title.startswith(one.name)]
    room = [one for one in made.stays if one.name == stay.title]
    if not (there and back and room):
        return True
    return price(made, there[0], back[0], room[0], made.wishes) != trip.total


def reason_of(made: Case, trip: Trip) -> list[str]:
    """The wishes that a reason names."""
    lines = [one for one in trip.reasons if one.startswith("- ")]
    found = [name for name, mark in MARKS.items() if any(mark in line for line in lines)]
    busy = [line for line in lines if " busy " in line]
    return found + [name for name in made.people if any(line.startswith(f"- {name} ") for line in busy)]


async def scenarios(number: int) -> dict[str, Any]:
    """All seeds; what is reported of them."""
    solvable = optimal = impossible = told = violations = 0
    seconds: list[float] = []
    missed: list[int] = []
    for seed in range(number):
        made = case(seed)
        begun = time.monotonic()
        trip = await planned(made)
        seconds.append(time.monotonic() - begun)
        lowest = best(made, made.wishes)
        if trip.possible:
            violations += broken_by(made, trip)
        if lowest is None:
            impossible += 1
            reason = [] if trip.possible else reason_of(made, trip)
            true = bool(reason) and best(made, reason) is None and len(reason) == fewest(made)
            told += true
            missed += [] if true else [seed]
        else:
            solvable += 1
            optimal += trip.total == lowest
            missed += [] if trip.total == lowest else [seed]
    return {
        "solvable": solvable,
        "best_found": optimal,
        "best_interval": [round(x, 4) for x in wilson(optimal, solvable)],
        "impossible": impossible,
        "true_reason": told,
        "reason_interval": [round(x, 4) for x in wilson(told, impossible)],
        "trips_with_violations": violations,
        "missed_seeds": missed,
        "seconds_median": round(sorted(seconds)[len(seconds) // 2], 2),
        "seconds_most": round(max(seconds), 2),
    }


async def fetching(times: int) -> dict[str, Any]:
    """Wall time against the slowest of eight sources."""
    ratios: list[float] = []
    search = Search(
        origin="A", destination="B", first=date(2027, 1, 1), last=date(2027, 1, 9), least_nights=2, seats=1
    )
    for number in range(times):
        draw = random.Random(number)
        sources = [Offers(f"source {n}", Found(), draw.uniform(0.05, 0.5)) for n in range(8)]
        begun = time.monotonic()
        await gather(sources, search, 5.0)
        ratios.append((time.monotonic() - begun) / max(one.seconds for one in sources))
    return {
        "runs": times,
        "sources": 8,
        "median": round(sorted(ratios)[times // 2], 3),
        "most": round(max(ratios), 3),
    }


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="benchmarks.trip_scenarios", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--fetch", action="store_true")
    arguments = parser.parse_args()
    found = asyncio.run(fetching(20) if arguments.fetch else scenarios(arguments.seeds))
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
