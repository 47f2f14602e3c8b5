"""What is wished of a trip, as values with the words that each was taken from, and told back in plain words.

They are the arguments of the step that plans the trip, so a plan shows what was understood. Reading them is the
business of `reading`.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from pierian.skills.calendars import ME, named

WhichWay = Literal["", "there", "back"]
"""Of what a wish is; empty for both ways."""


class Said(Struct, frozen=True):
    """The words of the request that a wish was taken from."""

    wish: str
    """Name of the field of `Wishes`."""
    start: int
    end: int
    text: str


class Wishes(Struct, frozen=True, kw_only=True):
    """A trip as it is wished for."""

    destination: str
    first: date
    """Nobody leaves before that day …"""
    last: date
    """… and everybody is back on that day."""
    least_nights: int
    most_nights: int
    origin: str = ""
    """Empty where the request does not say."""
    people: tuple[str, ...] = (ME,)
    """Who travels and is named: you, partner, Ada."""
    seats: int = 1
    """How many travel, the named ones included."""
    budget: Decimal | None = None
    currency: str = ""
    """Of the budget; empty for that of the settings."""
    direct: bool = False
    leave_from: int | None = None
    """No departure before that minute of the day, on the clocks of where it leaves."""
    leave_on: WhichWay = ""
    arrive_until: int | None = None
    """No arrival after that minute of the day, on the clocks of where it arrives."""
    arrive_on: WhichWay = ""
    sights: tuple[str, ...] = ()
    """What is to be seen in any case, in the words of the request."""
    calendar: bool = False
    """Whether it is to be put into the calendar."""
    draft: bool = False
    said: tuple[Said, ...] = ()
    assumed: tuple[str, ...] = ()
    """Sentences on what the request does not say."""
    unheeded: tuple[str, ...] = ()
    """Words of the request that were not read."""

    def words(self, wish: str) -> Said | None:
        """The words that a wish was taken from; None where it was assumed."""
        return next((one for one in self.said if one.wish == wish), None)

    @property
    def days(self) -> int:
        """How many days the trip may lie in."""
        return (self.last - self.first).days + 1


def echo(wishes: Wishes) -> list[str]:
    """What was understood, a sentence each."""
    nights = _span(wishes.least_nights, wishes.most_nights, "night")
    found = [
        f"A trip to {wishes.destination}{f' from {wishes.origin}' if wishes.origin else ''}, {nights}, "
        f"between {day(wishes.first)} and {day(wishes.last)} {wishes.last.year}."
    ]
    who = " and ".join(map(named, wishes.people))
    unnamed = wishes.seats - len(wishes.people)
    found.append(f"Who travels: {who}{f' and {unnamed} more' if unnamed > 0 else ''}.")
    if wishes.budget is not None:
        found.append(f"No more than {wishes.budget:,.2f} {wishes.currency} in all.")
    if wishes.direct:
        found.append("Direct ways only.")
    if wishes.leave_from is not None:
        found.append(f"No departure before {clock(wishes.leave_from)}{_on(wishes.leave_on)}.")
    if wishes.arrive_until is not None:
        found.append(f"No arrival after {clock(wishes.arrive_until)}{_on(wishes.arrive_on)}.")
    if wishes.sights:
        found.append(f"To be seen in any case: {', '.join(wishes.sights)}.")
    return found


def _on(way: WhichWay) -> str:
    return f" on the way {way}" if way else ""


def day(of: date) -> str:
    """A date as sentences have it."""
    return f"{of:%a} {of.day} {of:%b}"


def clock(minute: int) -> str:
    """A minute of the day as sentences have it."""
    return f"{minute // 60:02}:{minute % 60:02}"


def spread(first: date, last: date) -> list[date]:
    """All dates from one to another, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _span(least: int, most: int, unit: str) -> str:
    number = str(least) if least == most else f"{least} to {most}"
    return f"{number} {unit if number == '1' else unit + 's'}"
