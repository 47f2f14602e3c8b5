"""A journey as a problem: ways there and back and places to stay on offer, calendars, visits on the days between.

Offers and calendars come from elsewhere as values; the wishes about nights, dates and money from the request. Added
here are the facts: whoever travels is away from the first departure to the last arrival and must be free all
that time, arrives before check-in closes, visits only while there and while it is open, and needs time for every way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from msgspec import Struct

from pierian.exceptions import UserError
from pierian.planning.constraints import (
    Activity,
    AnyWish,
    Busy,
    CheckedIn,
    CheckIn,
    Goal,
    Lasts,
    Leg,
    Money,
    Option,
    Order,
    Problem,
    Timeline,
    Window,
    Within,
)
from pierian.planning.pruning import pruned

THERE, BACK, STAY, AWAY = "way there", "way back", "stay", "away"
GOALS: tuple[Goal, ...] = ("preferences", "cheapest", "most", "shortest")


class Offer(Struct, frozen=True):
    """A flight, a train, a room. Ways have both moments, with time zones; stays have neither."""

    name: str
    price: Money
    """For all who travel."""
    departs: datetime | None = None
    arrives: datetime | None = None
    departs_zone: str = ""
    arrives_zone: str = ""
    nightly: bool = False
    check_in: CheckIn | None = None


class Visit(Struct, frozen=True):
    """Something to see on the way."""

    name: str
    minutes: int
    open: tuple[tuple[datetime, datetime], ...]
    place: str = ""
    required: bool = False
    """Whether there is no plan without it."""


class Surroundings(Struct, frozen=True):
    """What a journey depends on beside the wishes."""

    people: tuple[str, ...]
    busy: Mapping[str, Sequence[tuple[datetime, datetime]]]
    there: Sequence[Offer]
    back: Sequence[Offer]
    stays: Sequence[Offer] = ()
    visits: Sequence[Visit] = ()
    home: str = "home"
    destination: str = "there"
    transfers: Mapping[tuple[str, str], int] = {}
    """Minutes between places; the destination is one of them."""
    transfer: int = 30
    """Minutes between places that `transfers` does not name."""
    before_way_back: int = 120
    """Minutes between the last visit and the departure."""
    rates: Mapping[str, Decimal] = {}
    currency: str = "EUR"
    zone: str = "UTC"


def journey(
    around: Surroundings,
    wishes: Sequence[AnyWish],
    begins: datetime,
    ends: datetime,
    goals: Sequence[Goal] = GOALS,
) -> Problem:
    """The problem of going there and back between two moments."""
    if not around.there or not around.back:
        side = "there" if not around.there else "back"
        raise UserError(f"There is no offer for the way {side}.", hint="Try other dates or another provider.")
    first = begins.astimezone(ZoneInfo(around.zone)).date()
    origin = datetime.combine(first, time(), ZoneInfo(around.zone))
    line = Timeline("dated", origin=origin, zone=around.zone)
    horizon = Window(line.tick(begins), line.tick(ends))
    people, destination = around.people, around.destination
    activities = [
        Activity(THERE, people, around.home, destination, options=_ways(line, around.there, horizon)),
        Activity(BACK, people, destination, around.home, options=_ways(line, around.back, horizon)),
        Activity(AWAY, people, around=(THERE, BACK)),
    ]
    for one in activities[:2]:
        if not one.options:
            raise UserError(
                f"No offer for the {one.name} lies in the time asked for.", hint="Try other dates."
            )
    facts: list[AnyWish] = [Order(first=THERE, then=BACK)]
    if around.stays:
        rooms = tuple(
            Option(o.name, price=o.price, nightly=o.nightly, check_in=o.check_in) for o in around.stays
        )
        activities.append(Activity(STAY, people, destination, between=(THERE, BACK), options=_named(rooms)))
        facts.append(CheckedIn(activity=STAY))
    facts += [
        Busy(person=person, windows=_windows(line, spans, horizon))
        for person, spans in around.busy.items()
        if spans and person in people
    ]
    for visit in around.visits:
        place = visit.place or destination
        activities.append(Activity(visit.name, people, place, optional=not visit.required, step=5))
        windows = _windows(line, visit.open, horizon)
        facts += [
            Lasts(activity=visit.name, least=visit.minutes),
            Within(windows=windows, activities=(visit.name,)),
            Order(first=THERE, then=visit.name),
            Order(first=visit.name, then=BACK, least=around.before_way_back),
        ]
    whole = Problem(
        line,
        horizon,
        tuple(activities),
        (*wishes, *facts),
        travel=_legs(around) if around.visits else (),
        rates=around.rates,
        currency=around.currency,
        goals=tuple(goals),
    )
    return pruned(whole, THERE, BACK)


def _ways(line: Timeline, offers: Iterable[Offer], horizon: Window) -> tuple[Option, ...]:
    """Offers as options, those outside of the time asked for left out."""
    found: list[Option] = []
    for one in offers:
        if one.departs is None or one.arrives is None:
            raise UserError(f"{one.name} has no times of departure and arrival.")
        begins, ends = line.tick(one.departs), line.tick(one.arrives)
        if ends < begins:
            raise UserError(
                f"{one.name} arrives before it departs.", hint="Look at the time zones of the offer."
            )
        if horizon.begins <= begins and ends <= horizon.ends:
            found.append(
                Option(
                    one.name,
                    begins,
                    ends,
                    one.price,
                    begins_zone=one.departs_zone,
                    ends_zone=one.arrives_zone,
                )
            )
    return _named(found)


def _named(options: Sequence[Option]) -> tuple[Option, ...]:
    """Options with names of their own: the second of a name becomes `NAME (2)`."""
    seen: dict[str, int] = {}
    found: list[Option] = []
    for one in options:
        seen[one.name] = seen.get(one.name, 0) + 1
        number = f" ({seen[one.name]})" if seen[one.name] > 1 else ""
        found.append(
            Option(
                one.name + number,
                one.begins,
                one.ends,
                one.price,
                one.nightly,
                one.check_in,
                one.begins_zone,
                one.ends_zone,
            )
        )
    return tuple(found)


def _windows(
    line: Timeline, spans: Sequence[tuple[datetime, datetime]], horizon: Window
) -> tuple[Window, ...]:
    """Spans in ticks, as far as they touch the time asked for; what ends within a minute takes all of it."""
    found: list[Window] = []
    for begins, ends in spans:
        window = Window(line.tick(begins), line.tick(ends + timedelta(seconds=59)))
        if window.begins < horizon.ends and horizon.begins < window.ends:
            found.append(window)
    return tuple(sorted(found))


def _legs(around: Surroundings) -> tuple[Leg, ...]:
    places = sorted({around.destination, *(visit.place or around.destination for visit in around.visits)})
    return tuple(
        Leg(a, b, around.transfers.get((a, b), around.transfers.get((b, a), around.transfer)))
        for a in places
        for b in places
        if a != b
    )
