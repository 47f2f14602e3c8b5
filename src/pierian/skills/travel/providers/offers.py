"""What providers give: ways, rooms, sights, and what they could not give, as values. Prices are for all who travel.

Whatever a provider says was written by somebody else: texts are cut to a length, and what is made of them carries the
provider's label.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Protocol

from msgspec import Struct

from pierian.characters import without_misleading
from pierian.exceptions import RunError
from pierian.planning.constraints import CheckIn, Money

LONGEST_NAME = 80
MOST_OFFERS = 2_000
"""Of one provider and kind; the cheapest are kept."""


class ProviderFailed(RunError):
    """A provider gave nothing that can be used; the sentence names it."""


class Search(Struct, frozen=True, kw_only=True):
    """What is looked for."""

    origin: str
    destination: str
    first: date
    last: date
    least_nights: int
    seats: int


class Way(Struct, frozen=True, kw_only=True):
    """A flight, train or bus, or several in a row."""

    provider: str
    name: str
    origin: str
    destination: str
    departs: datetime
    arrives: datetime
    departs_zone: str
    arrives_zone: str
    price: Money
    stops: int = 0
    expires: datetime | None = None
    """Until when the provider sells it at that price, where it says so."""

    @property
    def key(self) -> str:
        """By which the same way is found again, whatever number the provider gives it then."""
        return f"{self.provider}/{self.name}/{self.departs.isoformat()}"


class Stay(Struct, frozen=True, kw_only=True):
    """A room, or as many as all who travel need."""

    provider: str
    name: str
    place: str
    price: Money
    nightly: bool = True
    check_in: CheckIn | None = None

    @property
    def key(self) -> str:
        """By which the same room is found again."""
        return f"{self.provider}/{self.name}"


class Sight(Struct, frozen=True, kw_only=True):
    """Something to see, and when it is open, on the days that were asked for."""

    provider: str
    name: str
    minutes: int
    quarter: str
    open: tuple[tuple[datetime, datetime], ...]


class Found(Struct, frozen=True, kw_only=True):
    """What a provider has."""

    there: tuple[Way, ...] = ()
    back: tuple[Way, ...] = ()
    stays: tuple[Stay, ...] = ()
    sights: tuple[Sight, ...] = ()
    transfers: Mapping[tuple[str, str], int] = {}
    """Minutes between quarters."""
    notes: tuple[str, ...] = ()
    """Sentences on what was left out."""
    origin: str = ""
    """Where its ways begin, where that was left to it."""


class Provider(Protocol):
    """Somebody who has offers."""

    name: str
    """As sentences name it, and as its label does."""

    async def find(self, search: Search) -> Found:
        """All offers for a search; raises `PierianError` where it has none to give."""
        ...


def plain_name(text: str) -> str:
    """A name by somebody else as it may be shown: one line, of bounded length, without characters that mislead."""
    return " ".join(without_misleading(text).split())[:LONGEST_NAME] or "unnamed"
