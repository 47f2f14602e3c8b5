"""What a plan has to meet, as typed values: activities, wishes about them, what they cost, what counts first.

One vocabulary for meetings, visits, journeys and offers. Time is counted in whole ticks of a `Timeline` (minutes or
days), so that nothing here depends on clocks; what was said is kept as a `Source` with each wish. Nothing is solved
or checked here: see `solving`, `checking`, `conflicts`. A wish that names no activity is about every one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

from pierian.exceptions import UserError


class Source(Struct, frozen=True):
    """The words of a request that something was taken from: places of characters, and the words."""

    start: int
    end: int
    text: str


class Window(Struct, frozen=True, order=True):
    """From one tick to another; what ends at a tick and what begins at it do not overlap."""

    begins: int
    ends: int


class Money(Struct, frozen=True):
    """An amount of a currency."""

    amount: Decimal
    currency: str


class Timeline(Struct, frozen=True):
    """What a tick means: minutes from midnight of `first_day` (UTC where nothing else is said), or days.

    `weekdays` and `clock` are for requests that name no dates: there tick 0 is midnight of a Monday, or of the day.
    """

    kind: Literal["dated", "weekdays", "clock", "days"]
    origin: datetime | None = None
    """Tick 0 of a dated timeline; has a time zone."""
    zone: str = "UTC"
    """Whose clock is meant where nothing else is said."""
    shared_days: bool = True
    """Of days: whether the day of a journey counts at both ends of it, so that a stay from day 1 to day 5 is
    five days long and the next begins on day 5."""

    def local(self, tick: int, zone: str = "") -> datetime:
        """A tick of a dated timeline on the clocks of a zone."""
        if self.origin is None:
            raise ValueError("Only dated timelines have dates.")
        moment = self.origin.astimezone(UTC) + timedelta(
            minutes=tick
        )  # zones of their own add on the clock's face
        return moment.astimezone(ZoneInfo(zone or self.zone))

    def tick(self, moment: datetime) -> int:
        """The tick of a moment, rounded down to a whole minute."""
        if self.origin is None or moment.tzinfo is None:
            raise ValueError("Only dated timelines have dates, and a moment needs a time zone.")
        return int((moment.astimezone(UTC) - self.origin.astimezone(UTC)).total_seconds() // 60)

    def day(self, tick: int, zone: str = "") -> date:
        """The date on the clocks of a zone."""
        return self.local(tick, zone).date()


class CheckIn(Struct, frozen=True):
    """When one can arrive, as minutes of the day on the clocks of the place."""

    opens: int
    closes: int


class Option(Struct, frozen=True):
    """One way to do an activity, such as an offer: at most one of them is chosen.

    Options without times are for activities that lie between others (`Activity.between`).
    """

    name: str
    begins: int | None = None
    ends: int | None = None
    price: Money | None = None
    nightly: bool = False
    """Whether the price is that of one night."""
    check_in: CheckIn | None = None
    """When one must have arrived by, on the day of arrival; None where the door is always open."""
    begins_zone: str = ""
    ends_zone: str = ""


class Activity(Struct, frozen=True):
    """Something that takes time: a meeting, a visit, a stay, a flight, being away."""

    name: str
    people: tuple[str, ...] = ()
    """Who takes part; each does one thing at a time."""
    place: str = ""
    """Empty where it can be done anywhere."""
    ends_at: str = ""
    """The place where one is afterwards, where that is another."""
    optional: bool = False
    options: tuple[Option, ...] = ()
    between: tuple[str, str] | None = None
    """It lasts from the end of one activity to the beginning of another, which go on inside it."""
    around: tuple[str, str] | None = None
    """It lasts from the beginning of one activity to the end of another, which go on inside it."""
    step: int = 1
    """It begins at a multiple of that many ticks."""
    source: Source | None = None

    @property
    def frames(self) -> bool:
        """Whether others go on inside it."""
        return self.between is not None or self.around is not None


class Leg(Struct, frozen=True):
    """A way from one place to another and how many ticks it takes; without one there is no way."""

    origin: str
    destination: str
    ticks: int = 0


class Start(Struct, frozen=True):
    """Where somebody is at first, and from when."""

    person: str
    place: str
    tick: int


class Wish(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of all wishes. A soft one is kept where it can be, and told where it cannot."""

    source: Source | None = None
    soft: bool = False


class Lasts(Wish, frozen=True, tag="lasts"):
    """An activity takes at least `least` ticks, and no more than `most`."""

    activity: str
    least: int
    most: int | None = None


class Within(Wish, frozen=True, tag="within"):
    """Activities lie inside one of the windows each: working hours, opening hours, when somebody is there."""

    windows: tuple[Window, ...]
    activities: tuple[str, ...] = ()


class Outside(Wish, frozen=True, tag="outside"):
    """Activities touch none of the windows."""

    windows: tuple[Window, ...]
    activities: tuple[str, ...] = ()


class Busy(Wish, frozen=True, tag="busy"):
    """What somebody takes part in touches none of the windows."""

    person: str
    windows: tuple[Window, ...]


class Order(Wish, frozen=True, tag="order"):
    """One activity begins at least `least` ticks after another has ended, and at most `most`."""

    first: str
    then: str
    least: int = 0
    most: int | None = None


class Covers(Wish, frozen=True, tag="covers"):
    """An activity goes on during the whole window."""

    activity: str
    window: Window


class Fills(Wish, frozen=True, tag="fills"):
    """The first activity begins where the window begins, the last one ends where it ends."""

    window: Window


class Nights(Wish, frozen=True, tag="nights"):
    """Midnights between the end of one activity and the beginning of another, each on its own clocks.

    Both are done in one of several ways (`Activity.options`).
    """

    first: str
    last: str
    least: int
    most: int


class Budget(Wish, frozen=True, tag="budget"):
    """All options chosen cost no more than that."""

    limit: Money


class CheckedIn(Wish, frozen=True, tag="checked_in"):
    """One arrives before the option that was chosen for an activity stops to let guests in (`Option.check_in`)."""

    activity: str


class OneOf(Wish, frozen=True, tag="one_of"):
    """An activity is done in one of these ways (`Activity.options`); `said` is why, in words."""

    activity: str
    options: tuple[str, ...]
    said: str


AnyWish = Lasts | Within | Outside | Busy | Order | Covers | Fills | Nights | Budget | CheckedIn | OneOf

Goal = Literal["most", "preferences", "cheapest", "shortest", "earliest", "latest"]
"""What is made best, one after the other. most: optional activities done. preferences: soft wishes kept.
cheapest: the sum of prices. shortest: the time that activities around others take. earliest and latest: when
activities begin."""

DEFAULT_GOALS: tuple[Goal, ...] = ("most", "preferences", "cheapest", "earliest")


class Problem(Struct, frozen=True):
    """Everything that a plan depends on."""

    timeline: Timeline
    horizon: Window
    activities: tuple[Activity, ...]
    wishes: tuple[AnyWish, ...]
    travel: tuple[Leg, ...] = ()
    """Empty where places do not matter; otherwise what is not here cannot be gone."""
    starts: tuple[Start, ...] = ()
    gapless: bool = False
    """Whether whatever follows begins at the moment at which what was before it ends (after the way)."""
    rates: Mapping[str, Decimal] = {}
    """What one unit of a currency is worth in `currency`."""
    currency: str = "EUR"
    goals: tuple[Goal, ...] = DEFAULT_GOALS

    def activity(self, name: str) -> Activity:
        """An activity by its name; raises KeyError."""
        for one in self.activities:
            if one.name == name:
                return one
        raise KeyError(name)


class Placed(Struct, frozen=True):
    """When an activity is done, and which option was chosen for it."""

    activity: str
    begins: int
    ends: int
    option: str = ""


class Plan(Struct, frozen=True):
    """When everything is done, in the order of its beginning, and what is left out."""

    placed: tuple[Placed, ...]
    left_out: tuple[str, ...] = ()
    not_kept: tuple[int, ...] = ()
    """Soft wishes that are not kept, by their numbers."""
    total: Money | None = None
    best: bool = True
    """Whether it was proved that no plan is better."""

    def of(self, activity: str) -> Placed | None:
        """When an activity is done; None where it is left out."""
        return next((one for one in self.placed if one.activity == activity), None)


def about(wish: AnyWish, problem: Problem) -> tuple[Activity, ...]:
    """The activities that a wish is about, those that it does not name included."""
    match wish:
        case Within() | Outside():
            names = set(wish.activities)
            return tuple(one for one in problem.activities if not names or one.name in names)
        case Busy():
            return tuple(one for one in problem.activities if wish.person in one.people)
        case Lasts() | Covers() | CheckedIn() | OneOf():
            return (problem.activity(wish.activity),)
        case Order():
            return problem.activity(wish.first), problem.activity(wish.then)
        case Nights():
            return problem.activity(wish.first), problem.activity(wish.last)
        case Fills() | Budget():
            return problem.activities


def validated(problem: Problem) -> Problem:
    """The problem, where its parts refer to what is there; raises `UserError` where they do not."""
    names = [one.name for one in problem.activities]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"Two activities are called {twice!r}.", hint="Give each its own name.")
    for wish in problem.wishes:
        _referring(wish, set(names))
        if isinstance(wish, Nights) and not all(one.options for one in about(wish, problem)):
            raise UserError("Nights can be counted between activities with known times only, such as offers.")
    for one in problem.activities:
        for other in (*(one.between or ()), *(one.around or ())):
            if other not in names:
                raise UserError(f"{one.name!r} lies between activities, of which {other!r} is not there.")
        if any((option.begins is None) != one.frames for option in one.options):
            raise UserError(f"An option of {one.name!r} has no times, or has some although others set them.")
    if problem.horizon.ends < problem.horizon.begins:
        raise UserError("The time to plan in ends before it begins.", hint="Check the dates.")
    return problem


def _referring(wish: AnyWish, names: set[str]) -> None:
    match wish:
        case Lasts() | Covers() | CheckedIn() | OneOf():
            told: tuple[str, ...] = (wish.activity,)
        case Order():
            told = (wish.first, wish.then)
        case Nights():
            told = (wish.first, wish.last)
        case Within() | Outside():
            told = wish.activities
        case Busy() | Fills() | Budget():
            told = ()
    for name in told:
        if name not in names:
            raise UserError(f"A wish is about {name!r}, which is not among what is planned.")
