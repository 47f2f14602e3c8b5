"""A file with offers, for trying trips out and for what one has looked up oneself; docs/travel.md says how it looks.

Times are those on the clocks of their place. The file is read anew for each search, so that what has changed in it
counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from pierian.accounts.zones import known_zones
from pierian.exceptions import SettingsError
from pierian.planning.constraints import CheckIn, Money
from pierian.skills.travel.providers.offers import Found, Search, Sight, Stay, Way, plain_name
from pierian.skills.travel.wishes import spread
from pierian.storage.words import fold

MOST_BYTES = 20_000_000
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Clock = Annotated[str, Meta(pattern=r"^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$")]
Hours = Annotated[str, Meta(pattern=r"^[0-2]\d:[0-5]\d-[0-2]\d:[0-5]\d$")]
Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d")]
"""On the clocks of its place, such as 2026-12-07T06:45."""
Minutes = Annotated[int, Meta(ge=5, le=1440)]
Count = Annotated[int, Meta(ge=0)]


class _Place(Struct, frozen=True, forbid_unknown_fields=True):
    zone: str
    codes: tuple[str, ...] = ()


class _Way(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"origin": "from", "destination": "to"},
):
    name: str
    origin: str
    destination: str
    departs: Moment
    arrives: Moment
    price: Decimal
    """Of one seat."""
    currency: str = "EUR"
    stops: Count = 0
    seats: Count | None = None


class _Stay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    place: str
    price: Decimal
    """Of one room, a night or in all."""
    currency: str = "EUR"
    per: Literal["night", "stay"] = "night"
    sleeps: Annotated[int, Meta(ge=1)] = 2
    rooms: Count | None = None
    check_in: tuple[Clock, Clock] | None = None


class _Sight(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    place: str
    minutes: Minutes = 90
    quarter: str = ""
    open: dict[Weekday, tuple[Hours, ...]] = {}
    """Without it from nine to six each day."""
    closed: tuple[date, ...] = ()


class _Transfer(
    Struct, frozen=True, forbid_unknown_fields=True, rename={"origin": "from", "destination": "to"}
):
    origin: str
    destination: str
    minutes: Annotated[int, Meta(ge=0, le=1440)]


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    places: dict[str, _Place]
    ways: tuple[_Way, ...] = ()
    stays: tuple[_Stay, ...] = ()
    sights: tuple[_Sight, ...] = ()
    transfers: tuple[_Transfer, ...] = ()


class OffersFile:
    """The offers of a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = f"offers file {path.name}"

    async def find(self, search: Search) -> Found:
        """See `Provider`; raises `SettingsError` with the place where the file is wrong."""
        return await asyncio.to_thread(self._find, search)

    def _find(self, search: Search) -> Found:
        file = self._read()
        names = _names(file)
        destination = names.get(fold(search.destination), "")
        if not destination:
            return Found(notes=(f"The {self.name} knows no place called {search.destination}.",))
        origin = (
            names.get(fold(search.origin), "") if search.origin else _only_origin(file, names, destination)
        )
        notes: list[str] = []
        if search.origin and not origin:
            notes.append(f"The {self.name} knows no place called {search.origin}.")
        there, back = (
            tuple(self._ways(file, names, start, end, search, notes))
            for start, end in ((origin, destination), (destination, origin))
        )
        return Found(
            there=there,
            back=back,
            stays=tuple(self._stays(file, names, destination, search, notes)),
            sights=tuple(self._sights(file, names, destination, search)),
            transfers={(one.origin, one.destination): one.minutes for one in file.transfers},
            notes=tuple(dict.fromkeys(notes)),
            origin=origin,
        )

    def _read(self) -> _File:
        try:
            if self.path.stat().st_size > MOST_BYTES:
                raise SettingsError(f"{self.path} has more than {MOST_BYTES // 1_000_000} MB.")
            file = msgspec.json.decode(self.path.read_bytes(), type=_File)
        except OSError as error:
            raise SettingsError(
                f"The offers file {self.path} cannot be read: {error.strerror}.",
                hint="pierian config set offers FILE names another one.",
            ) from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"The offers file {self.path} is not as it should be: {str(error).rstrip('.')}.",
                hint="docs/travel.md says how such a file looks.",
            ) from error
        for one in (*file.ways, *file.stays):
            if not one.price.is_finite() or one.price < 0:
                raise SettingsError(
                    f"{self.path}: the price of {plain_name(one.name)} is no amount of money."
                )
        for name, place in file.places.items():
            if place.zone not in known_zones():
                raise SettingsError(
                    f"{self.path}: {name} has the time zone {place.zone!r}, which does not exist.",
                    hint="Write it as Europe/Lisbon.",
                )
        return file

    def _ways(
        self, file: _File, names: dict[str, str], start: str, end: str, search: Search, notes: list[str]
    ) -> Iterator[Way]:
        if not start or not end:
            return
        for one in file.ways:
            if (names.get(fold(one.origin)), names.get(fold(one.destination))) != (start, end):
                continue
            departs_zone, arrives_zone = file.places[start].zone, file.places[end].zone
            try:
                departs, arrives = _at(one.departs, departs_zone), _at(one.arrives, arrives_zone)
            except ValueError:
                notes.append(
                    f"{plain_name(one.name)} is left out: {one.departs} or {one.arrives} is no time."
                )
                continue
            if departs.date() > search.last + timedelta(days=2) or arrives.date() < search.first - timedelta(
                days=2
            ):
                continue
            if arrives <= departs:
                notes.append(f"{plain_name(one.name)} is left out: it arrives before it departs.")
                continue
            if one.seats is not None and one.seats < search.seats:
                notes.append(
                    f"{plain_name(one.name)} is left out: it has {one.seats} of {search.seats} seats."
                )
                continue
            yield Way(
                provider=self.name,
                name=plain_name(one.name),
                origin=start,
                destination=end,
                departs=departs,
                arrives=arrives,
                departs_zone=departs_zone,
                arrives_zone=arrives_zone,
                price=Money(one.price * search.seats, one.currency),
                stops=one.stops,
            )

    def _stays(
        self, file: _File, names: dict[str, str], destination: str, search: Search, notes: list[str]
    ) -> Iterator[Stay]:
        for one in file.stays:
            if names.get(fold(one.place)) != destination:
                continue
            rooms = -(-search.seats // one.sleeps)
            if one.rooms is not None and one.rooms < rooms:
                notes.append(f"{plain_name(one.name)} is left out: it has {one.rooms} of {rooms} rooms.")
                continue
            check_in = CheckIn(*map(_minute, one.check_in)) if one.check_in else None
            yield Stay(
                provider=self.name,
                name=plain_name(one.name),
                place=destination,
                price=Money(one.price * rooms, one.currency),
                nightly=one.per == "night",
                check_in=check_in,
            )

    def _sights(
        self, file: _File, names: dict[str, str], destination: str, search: Search
    ) -> Iterator[Sight]:
        zone = ZoneInfo(file.places[destination].zone)
        for one in file.sights:
            if names.get(fold(one.place)) != destination:
                continue
            spans: list[tuple[datetime, datetime]] = []
            for day in spread(search.first - timedelta(days=2), search.last + timedelta(days=2)):
                hours = one.open.get(WEEKDAYS[day.weekday()], ()) if one.open else ("09:00-18:00",)  # type: ignore[call-overload]
                if day not in one.closed:
                    spans += [_span(day, text, zone) for text in hours]
            yield Sight(
                provider=self.name,
                name=plain_name(one.name),
                minutes=one.minutes,
                quarter=plain_name(one.quarter) if one.quarter else "",
                open=tuple(spans),
            )


def _names(file: _File) -> dict[str, str]:
    """The place that each name or code stands for."""
    return {fold(called): name for name, place in file.places.items() for called in (name, *place.codes)}


def _only_origin(file: _File, names: dict[str, str], destination: str) -> str:
    """The one place from which ways lead there; empty where there are several."""
    starts = {
        names.get(fold(w.origin), "") for w in file.ways if names.get(fold(w.destination)) == destination
    }
    return starts.pop() if len(starts) == 1 else ""


def _at(written: str, zone: str) -> datetime:
    """A time on the clocks of a place; one that has an offset already keeps its moment. Raises ValueError."""
    moment = datetime.fromisoformat(written)
    return (
        moment.replace(tzinfo=ZoneInfo(zone)) if moment.tzinfo is None else moment.astimezone(ZoneInfo(zone))
    )


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _span(day: date, hours: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Hours of a day; those that end earlier than they begin end on the next day."""
    opens, closes = (_minute(part) for part in hours.split("-"))
    later = closes if closes > opens else closes + 1440
    midnight = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=later // 1440), time(later % 1440 // 60, later % 60), zone)
    return midnight.replace(hour=opens // 60, minute=opens % 60), end
