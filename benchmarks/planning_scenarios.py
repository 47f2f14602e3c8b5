"""Made-up journeys with a known best plan, and meetings that cannot be, for `benchmarks.planning --task scenarios`.

Each seed gives calendars of two to four people, flights there and back with time zones and three currencies, rooms
with closing times, and wishes. All pairs of flights and rooms are tried one by one here, without the solver:
that gives the lowest price, and for each set of wishes whether it can be kept, so that a reason for "not
possible" can be judged. About a third of the seeds are made impossible, each in one of several ways.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from zoneinfo import ZoneInfo

from pierian.planning.constraints import (
    AnyWish,
    Budget,
    Busy,
    CheckedIn,
    CheckIn,
    Money,
    Nights,
    Outside,
    Problem,
    Window,
    Within,
)
from pierian.planning.journeys import AWAY, BACK, THERE, Offer, Surroundings, Visit, journey

HOME, AWAY_ZONE = "Europe/Berlin", "Europe/Lisbon"
RATES = {"USD": Decimal("0.91"), "GBP": Decimal("1.17")}
IMPOSSIBLE = ("busy", "budget", "nights", "late", "days")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A problem, and what trying everything out gave."""

    seed: int
    problem: Problem
    best: Decimal | None
    """The lowest price; None where nothing is possible."""
    around: Surroundings
    made: tuple[tuple[Offer, Offer, Offer], ...]


def scenario(seed: int) -> Scenario:
    """The scenario of a seed."""
    draw = random.Random(seed)
    begins = datetime(2026, 12, 1, tzinfo=ZoneInfo(HOME)) + timedelta(days=draw.randrange(40))
    days = draw.randint(6, 14)
    ends = begins + timedelta(days=days)
    people = ("you", "Ada", "Ben", "Cleo")[: draw.randint(2, 4)]
    broken = draw.choice(IMPOSSIBLE) if draw.random() < 0.34 else ""
    busy = {person: _calendar(draw, begins, days, full=broken == "busy") for person in people}
    nights = draw.randint(2, 4)
    around = Surroundings(
        people=people,
        busy=busy,
        there=[_flight(draw, begins, days, n, there=True) for n in range(draw.randint(15, 40))],
        back=[_flight(draw, begins, days, n, there=False) for n in range(draw.randint(15, 40))],
        stays=[_room(draw, n, late=broken == "late") for n in range(draw.randint(3, 8))],
        rates=RATES,
        zone=HOME,
        destination="Lisbon",
    )
    if broken == "nights":
        nights = days + 2
    wishes: list[AnyWish] = [
        Nights(first=THERE, last=BACK, least=nights, most=nights + draw.randint(0, 1)),
        Budget(limit=Money(Decimal(60 if broken == "budget" else draw.randint(350, 1400)), "EUR")),
    ]
    if broken == "days":
        wishes.append(Within(windows=(Window(0, 1440 * (nights - 1)),), activities=(AWAY,)))
    elif draw.random() < 0.4:
        wishes.append(Outside(windows=(Window(1440 * 2, 1440 * 3),), activities=(THERE, BACK)))
    problem = journey(around, wishes, begins, ends)
    made = tuple((a, b, c) for a in around.there for b in around.back for c in around.stays)
    prices = [
        price
        for one in made
        if (price := _price(problem, around, one, range(len(problem.wishes)))) is not None
    ]
    return Scenario(seed, problem, min(prices, default=None), around, made)


def large(seed: int, sights_wanted: int) -> Problem:
    """Two weeks, 500 offers, 10 travellers with calendars, so many things to see."""
    draw = random.Random(seed)
    begins = datetime(2026, 12, 1, tzinfo=ZoneInfo(HOME))
    days, zone = 14, ZoneInfo(AWAY_ZONE)
    people = tuple(f"Person {number}" for number in range(10))
    sights = [
        Visit(
            f"Sight {number}",
            draw.choice((60, 90, 120)),
            tuple(
                (
                    datetime(2026, 12, 1 + day, draw.choice((9, 10)), tzinfo=zone),
                    datetime(2026, 12, 1 + day, draw.choice((16, 18, 20)), tzinfo=zone),
                )
                for day in range(days)
                if day % 7 != number % 7
            ),
            f"Quarter {number % 4}",
        )
        for number in range(sights_wanted)
    ]
    around = Surroundings(
        people=people,
        busy={person: _calendar(draw, begins, days, full=False) for person in people[:-1]}
        | {people[-1]: _calendar(draw, begins, 5, full=True)},
        there=[_flight(draw, begins, days, n, there=True) for n in range(200)],
        back=[_flight(draw, begins, days, n, there=False) for n in range(200)],
        stays=[_room(draw, n, late=False) for n in range(100)],
        visits=sights,
        rates=RATES,
        zone=HOME,
        destination="Lisbon",
    )
    wishes: list[AnyWish] = [
        Nights(first=THERE, last=BACK, least=2, most=4),
        Budget(limit=Money(Decimal(1500), "EUR")),
    ]
    return journey(around, wishes, begins, begins + timedelta(days=days))


def conflicts(one: Scenario, wishes: Collection[int]) -> bool:
    """Whether no combination of offers keeps these wishes, by trying all."""
    return all(_price(one.problem, one.around, made, wishes) is None for made in one.made)


def fewest(one: Scenario) -> int:
    """The size of the smallest conflict, by trying all sets of wishes."""
    numbers = range(len(one.problem.wishes))
    for size in range(len(one.problem.wishes) + 1):
        if any(conflicts(one, chosen) for chosen in combinations(numbers, size)):
            return size
    raise AssertionError("This scenario is possible.")


def _price(
    problem: Problem, around: Surroundings, made: Sequence[Offer], kept: Collection[int]
) -> Decimal | None:
    """What a combination costs, or None where it breaks one of the wishes."""
    there, back, room = made
    assert there.departs and there.arrives and back.departs and back.arrives
    end = problem.timeline.local(problem.horizon.ends)
    start = problem.timeline.local(problem.horizon.begins)
    if there.departs < start or back.arrives > end or there.arrives > end or back.departs < start:
        return None
    if back.departs < there.arrives:
        return None
    landed = there.arrives.astimezone(ZoneInfo(AWAY_ZONE))
    nights = (back.departs.astimezone(ZoneInfo(AWAY_ZONE)).date() - landed.date()).days
    price = _euro(there.price) + _euro(back.price)
    price += _euro(room.price) * (nights if room.nightly else 1)
    for number in kept:
        wish = problem.wishes[number]
        match wish:
            case Nights():
                kept_it = wish.least <= nights <= wish.most
            case Budget():
                kept_it = price <= wish.limit.amount
            case CheckedIn():
                minute = landed.hour * 60 + landed.minute
                kept_it = room.check_in is None or 300 <= minute <= room.check_in.closes
            case Busy():
                kept_it = not any(
                    there.departs < ends and begins < back.arrives
                    for begins, ends in around.busy[wish.person]
                )
            case Within():
                kept_it = all(
                    problem.timeline.local(w.begins) <= there.departs
                    and back.arrives <= problem.timeline.local(w.ends)
                    for w in wish.windows
                )
            case Outside():
                kept_it = not any(
                    offer.departs < problem.timeline.local(w.ends)
                    and problem.timeline.local(w.begins) < offer.arrives
                    for w in wish.windows
                    for offer in (there, back)
                    if offer.departs and offer.arrives
                )
            case _:
                kept_it = True
        if not kept_it:
            return None
    return price


def _euro(price: Money) -> Decimal:
    worth = price.amount * RATES.get(price.currency, Decimal(1))
    return Decimal(math.ceil(worth * 100)) / 100


def _calendar(
    draw: random.Random, begins: datetime, days: int, *, full: bool
) -> list[tuple[datetime, datetime]]:
    """Some appointments; a full one leaves no two days free."""
    found: list[tuple[datetime, datetime]] = []
    for day in range(days):
        if full or draw.random() < 0.05:
            at = begins + timedelta(days=day, hours=draw.randint(8, 17))
            found.append((at, at + timedelta(minutes=draw.choice((30, 60, 90, 240)))))
    return found


def _flight(draw: random.Random, begins: datetime, days: int, number: int, *, there: bool) -> Offer:
    away, home = ZoneInfo(AWAY_ZONE), ZoneInfo(HOME)
    zone, other = (home, away) if there else (away, home)
    names = (HOME, AWAY_ZONE) if there else (AWAY_ZONE, HOME)
    local = begins.replace(tzinfo=zone) + timedelta(days=draw.randrange(days))
    departs = local.replace(hour=draw.randint(5, 22), minute=draw.choice((0, 10, 25, 40, 55)))
    arrives = (departs.astimezone(UTC) + timedelta(minutes=draw.randint(170, 420))).astimezone(other)
    currency = draw.choice(("EUR", "EUR", "EUR", "USD", "GBP"))
    price = Money(Decimal(draw.randint(4000, 42000)) / 100, currency)
    kind = "TP" if there else "LH"
    return Offer(f"{kind}{number:03}", price, departs, arrives, *names)


def _room(draw: random.Random, number: int, *, late: bool) -> Offer:
    price = Money(Decimal(draw.randint(3500, 15000)) / 100, draw.choice(("EUR", "EUR", "USD")))
    closes = draw.choice((1200, 1380)) if not late else 240
    check_in = CheckIn(840, closes) if late or draw.random() < 0.6 else None
    return Offer(f"Room {number}", price, nightly=draw.random() < 0.8, check_in=check_in)
