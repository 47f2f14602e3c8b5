"""Flights from a tool of one of the user's MCP servers: arguments by their names, offers by a schema.

The tool is one that the user accepted and named in the setting `offer_tools`. What it gives is nobody's word: records
are read by code where their fields can be told by their names; else a model without tools picks offers out under a
schema, and what does not stand in the text is not taken.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, cast
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from pierian.exceptions import PierianError
from pierian.planning.constraints import Money
from pierian.provenance import USER, Labelled
from pierian.skills.travel.providers.offers import Found, ProviderFailed, Search, Way, plain_name
from pierian.skills.travel.wishes import spread
from pierian.tools import Tool, ToolFailure, invoke

MOST_CALLS = 40
_NAMES = {
    "origin": r"origin|from|fly_?from|departure_?(?:airport|city|id|location)|source|start",
    "destination": r"destination|to|fly_?to|arrival_?(?:airport|city|id|location)|target|end",
    "day": r"date|day|departure_?date|outbound_?date|depart(?:s|ure)?|leave|date_?from|date_?to",
    "seats": r"passengers|adults|seats|travell?ers|people|number_?of_?(?:passengers|adults)|adult_?count",
}
_FIELDS = {
    "name": r"flight(?:_?(?:number|no|code|id))?|number|name|code|carrier|airline|train|id",
    "departs": r"depart(?:s|ure|ing|_?at|ure_?(?:time|at|date_?time))?(?:_at)?|local_departure|leaves|start",
    "arrives": r"arriv(?:es|al|ing|_?at|al_?(?:time|at|date_?time))?(?:_at)?|local_arrival|lands|end",
    "departs_zone": r"(?:depart\w*|origin)_?(?:time_?)?zone",
    "arrives_zone": r"(?:arriv\w*|destination)_?(?:time_?)?zone",
    "price": r"price|amount|total(?:_?(?:price|amount))?|cost|fare",
    "currency": r"currency|total_?currency",
    "stops": r"(?:number_?of_?|num_?|n_?)?"
    r"(?:stops?|stop_?overs?|lay_?overs?|changes|connections|transfers)(?:_?count)?"
    r"|(?:is_?)?(?:direct|non_?stop)(?:_?flight)?",
}

Text = Annotated[str, Meta(max_length=80)]


class Picked(Struct, frozen=True):
    """An offer as a model picked it out of a text."""

    name: Text
    departs: Annotated[str, Meta(pattern=r"^20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d")]
    arrives: Annotated[str, Meta(pattern=r"^20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d")]
    price: Annotated[str, Meta(pattern=r"^\d{1,6}(?:\.\d{1,2})?$")]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]


Pick = Callable[[str], Awaitable[Sequence[Picked]]]
"""Picks offers out of a text: a model without tools, under the schema of `Picked`."""


class McpOffers:
    """What a tool finds, for each day and direction."""

    def __init__(self, tool: Tool, zones: Mapping[str, str], pick: Pick | None = None) -> None:
        self.name = tool.name
        self._tool = tool
        self._zones = zones
        """Zones of places that other providers know; a time without any is not taken."""
        self._pick = pick

    async def find(self, search: Search) -> Found:
        """See `Provider`."""
        if not search.origin:
            return Found(notes=(f"{self.name} was not asked: it is not said where the trip begins.",))
        days = spread(search.first, search.last)
        notes: list[str] = []
        if 2 * len(days) > MOST_CALLS:
            days = days[: MOST_CALLS // 2]
            notes.append(f"{self.name} was asked for the first {len(days)} days only.")
        sides: list[tuple[Way, ...]] = []
        for origin, destination in (
            (search.origin, search.destination),
            (search.destination, search.origin),
        ):
            ways: dict[str, Way] = {}
            for day in days:
                found = await self._called(
                    self._arguments(origin, destination, day.isoformat(), search.seats)
                )
                for one in await self._offers(found.value, notes):
                    way = self._way(one, origin, destination, search.seats, notes)
                    if way is not None:
                        ways[way.key] = way
            sides.append(tuple(ways.values()))
        return Found(there=sides[0], back=sides[1], notes=tuple(dict.fromkeys(notes)))

    def _arguments(self, origin: str, destination: str, day: str, seats: int) -> dict[str, Any]:
        """The arguments by the names that the tool has for them; raises where one is not known."""
        properties = cast(Mapping[str, Mapping[str, Any]], self._tool.parameters.get("properties", {}))
        required = cast(Sequence[str], self._tool.parameters.get("required", ()))
        values: dict[str, Any] = {}
        for name, schema in properties.items():
            said = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
            for what, value in (
                ("origin", origin),
                ("destination", destination),
                ("day", day),
                ("seats", seats),
            ):
                if re.fullmatch(_NAMES[what], said):
                    values[name] = str(value) if schema.get("type") == "string" else value
                    break
        if missing := [name for name in required if name not in values]:
            raise ProviderFailed(f"The tool {self.name} wants {missing[0]!r}, of which nothing is known.")
        if len(values) < 3:
            raise ProviderFailed(f"The tool {self.name} does not take a place, a place and a day.")
        return values

    async def _called(self, values: Mapping[str, Any]) -> Labelled:
        try:
            found = await invoke(self._tool, {name: Labelled(value, USER) for name, value in values.items()})
        except ToolFailure as error:
            raise ProviderFailed(f"{self.name} failed: {plain_name(str(error))}.") from error
        assert found is not None
        return found

    async def _offers(self, value: Any, notes: list[str]) -> list[Mapping[str, Any]]:
        if isinstance(value, str):
            try:
                value = msgspec.json.decode(value)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                return await self._picked(str(value), notes)
        records = _records(value)
        read = [fields_of(one) for one in records]
        return [one for one in read if {"departs", "arrives", "price"} <= one.keys()]

    async def _picked(self, text: str, notes: list[str]) -> list[Mapping[str, Any]]:
        if self._pick is None:
            notes.append(f"What {self.name} says is plain text, which is not read without a model.")
            return []
        try:
            picked = await self._pick(text)
        except PierianError as error:
            raise ProviderFailed(f"What {self.name} says could not be read: {error}") from error
        sure = [one for one in picked if _stands_in(one, text)]
        if len(sure) < len(picked):
            notes.append(
                f"{len(picked) - len(sure)} offers of {self.name} could not be read surely, and are left out."
            )
        return [msgspec.to_builtins(one) for one in sure]

    def _way(
        self, one: Mapping[str, Any], origin: str, destination: str, seats: int, notes: list[str]
    ) -> Way | None:
        zones = [
            str(one.get(f"{side}_zone") or self._zones.get(place, "") or _offset_zone(str(one.get(side))))
            for side, place in (("departs", origin), ("arrives", destination))
        ]
        try:
            departs, arrives = (
                _moment(str(one[side]), zone)
                for side, zone in zip(("departs", "arrives"), zones, strict=True)
            )
            price = Decimal(str(one["price"]))
        except (ValueError, KeyError, InvalidOperation):
            departs = arrives = None
            price = Decimal(-1)
        if departs is None or arrives is None or arrives <= departs or not price.is_finite() or price < 0:
            notes.append(f"Offers of {self.name} without a time zone, times or a price are left out.")
            return None
        if "stops" not in one:
            notes.append(
                f"{self.name} does not say of all offers how often they stop: those are taken for direct."
            )
        return Way(
            provider=self.name,
            name=plain_name(str(one.get("name") or "offer")),
            origin=origin,
            destination=destination,
            departs=departs,
            arrives=arrives,
            departs_zone=zones[0],
            arrives_zone=zones[1],
            price=Money(price, str(one.get("currency") or "")[:3].upper()),
            stops=one.get("stops", 0),
        )


def _records(value: Any) -> list[Mapping[str, Any]]:
    """The longest list of records in a value, however deep it lies."""
    best: list[Mapping[str, Any]] = []
    left: list[Any] = [value]
    while left:
        part = left.pop()
        if isinstance(part, Mapping):
            left += cast(Mapping[str, Any], part).values()
        elif isinstance(part, list):
            items = cast(list[Any], part)
            if items and all(isinstance(one, Mapping) for one in items) and len(items) > len(best):
                best = cast(list[Mapping[str, Any]], items)
            left += items
    return best


def fields_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """What of a record is an offer's, by the names of its fields; nested ones with the name before them."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}_{inner}": one for inner, one in cast(Mapping[str, Any], value).items()}
        else:
            flat[name] = value
    found: dict[str, Any] = {}
    for what, pattern in _FIELDS.items():
        for name, value in flat.items():
            said = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
            if value is None or value == "" or not re.fullmatch(pattern, said):
                continue
            if what == "stops":
                value = _stops(said, value)
            # "departure" may be the airport, beside "departure_time".
            better = what in ("departs", "arrives") and _is_time(value) and not _is_time(found.get(what))
            if value is not None and (what not in found or better):
                found[what] = value
    if "currency" not in found and isinstance(flat.get("price_currency"), str):
        found["currency"] = flat["price_currency"]
    if "price" not in found and "price_amount" in flat:
        found["price"] = flat["price_amount"]
    return found


def _is_time(value: Any) -> bool:
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def _stops(name: str, value: Any) -> int | None:
    """How many stops a field speaks of; None where that cannot be told."""
    if isinstance(value, list):
        return len(cast(list[Any], value))
    says = str(value).strip().lower()
    if "direct" in name or re.fullmatch(r".*non_?stop.*", name):
        return {"true": 0, "yes": 0, "false": 1, "no": 1}.get(says)
    if re.fullmatch(r"(?:non-?stop|direct|none|no stops?)(?: flight)?", says):
        return 0
    number = re.match(r"(\d{1,2})(?:\.0)?\b", says)
    return int(number[1]) if number else None


def _moment(text: str, zone: str) -> datetime | None:
    """A moment in its zone; None where nobody says in which."""
    at = datetime.fromisoformat(text)
    if not zone:
        return None
    place = ZoneInfo(zone)
    return at.replace(tzinfo=place) if at.tzinfo is None else at.astimezone(place)


def _offset_zone(text: str) -> str:
    """The zone of whole hours that the offset of a time is; empty where it has none."""
    try:
        offset = datetime.fromisoformat(text).utcoffset()
    except ValueError:
        return ""
    hours = None if offset is None else offset.total_seconds() / 3600
    return "" if hours is None or hours != int(hours) else f"Etc/GMT{-int(hours):+d}" if hours else "UTC"


def _stands_in(one: Picked, text: str) -> bool:
    """Whether times and price of an offer are those that stand in the text."""
    whole = one.price.split(".", maxsplit=1)[0]
    clocks = all(at[11:16] in text or at[11:16].lstrip("0") in text for at in (one.departs, one.arrives))
    return clocks and re.search(rf"(?<!\d){whole}(?!\d)", text.replace(",", "")) is not None
