"""Flights from Duffel's API (duffel.com/docs/api): offer requests for each day and direction, then their offers.

Each way is asked for by itself, because cheapest combinations across days are put together by the solver; fares that
are sold only as a return are not seen. Nothing is booked. The key is the secret of an account (`pierian accounts link
duffel`) and goes to the API alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from pierian.accounts.transport import tls
from pierian.accounts.troubles import is_loopback
from pierian.accounts.zones import known_zones
from pierian.planning.constraints import Money
from pierian.skills.travel.providers.offers import Found, ProviderFailed, Search, Way, plain_name
from pierian.skills.travel.wishes import spread

if TYPE_CHECKING:
    import httpx2

URL = "https://api.duffel.com"
VERSION = "v2"
MOST_SEATS = 9
"""Passengers of one offer request."""
MOST_DAYS = 31
AT_ONCE = 6
PAGE = 200
MOST_PAGES = 5
"""Of the offers of one day and direction, which come cheapest first."""
MOST_BYTES = 30_000_000
_PLACE_CODE = 3


class _Place(Struct, frozen=True):
    iata_code: str | None = None
    name: str = ""
    type: str = ""
    city_name: str | None = None
    time_zone: str | None = None


class _Carrier(Struct, frozen=True):
    iata_code: str | None = None
    name: str = ""


class _Segment(Struct, frozen=True):
    origin: _Place
    destination: _Place
    departing_at: datetime
    arriving_at: datetime
    marketing_carrier: _Carrier = _Carrier()
    marketing_carrier_flight_number: str | None = None
    stops: tuple[Any, ...] | None = None


class _Slice(Struct, frozen=True):
    segments: tuple[_Segment, ...]


class _Offer(Struct, frozen=True):
    id: str
    total_amount: str
    total_currency: str
    slices: tuple[_Slice, ...]
    expires_at: datetime | None = None


class DuffelOffers:
    """Flights that airlines sell through Duffel."""

    name = "Duffel"

    def __init__(self, key: str, url: str = URL, *, seconds: float = 20.0) -> None:
        self._key = key
        self._url = url.rstrip("/")
        self._seconds = seconds

    async def find(self, search: Search) -> Found:
        """See `Provider`."""
        import httpx2

        if not search.origin:
            return Found(notes=("Duffel was not asked: it is not said where the trip begins.",))
        if search.seats > MOST_SEATS:
            said = f"Duffel was not asked: it sells at most {MOST_SEATS} seats at once, not {search.seats}."
            return Found(notes=(said,))
        address = httpx2.URL(self._url)
        if address.scheme != "https" and not is_loopback(address.host):
            raise ProviderFailed("Duffel is spoken to with encryption only.")
        deadline = time.monotonic() + self._seconds
        async with httpx2.AsyncClient(
            base_url=self._url,
            verify=tls(),
            timeout=self._seconds,
            follow_redirects=False,
            headers={
                "Authorization": f"Bearer {self._key}",
                "Duffel-Version": VERSION,
                "Accept": "application/json",
            },
        ) as http:
            return await _Conversation(http, deadline).find(search)


class _Conversation:
    """The requests of one search."""

    def __init__(self, http: httpx2.AsyncClient, deadline: float) -> None:
        self._http = http
        self._deadline = deadline
        self._places = asyncio.Semaphore(AT_ONCE)
        self._open_at = 0.0
        """When the rate limit lets more requests through."""
        self.notes: list[str] = []

    async def find(self, search: Search) -> Found:
        origin, destination = await asyncio.gather(
            self._place(search.origin), self._place(search.destination)
        )
        days = spread(search.first, search.last)
        if len(days) > MOST_DAYS:
            days = days[:MOST_DAYS]
            self.notes.append(f"Duffel was asked for the first {MOST_DAYS} days only.")
        nights = timedelta(days=search.least_nights)
        leaving = [day for day in days if day + nights <= days[-1]] or days[:1]
        returning = [day for day in days if day - nights >= days[0]] or days[-1:]
        asked = [(origin, destination, day, True) for day in leaving]
        asked += [(destination, origin, day, False) for day in returning]
        every = await asyncio.gather(*(self._one_way(a, b, day, search) for a, b, day, _ in asked))
        sides: tuple[list[Way], list[Way]] = ([], [])
        for (_, _, _, there), ways in zip(asked, every, strict=True):
            sides[0 if there else 1].extend(ways)
        return Found(there=tuple(sides[0]), back=tuple(sides[1]), notes=tuple(dict.fromkeys(self.notes)))

    async def _place(self, name: str) -> str:
        """The code of a city or airport."""
        if len(name) == _PLACE_CODE and name.isupper():
            return name
        answer = await self._ask("GET", "/places/suggestions", params={"query": name})
        places = _converted(answer.get("data", []), tuple[_Place, ...])
        with_code = [one for one in places if one.iata_code]
        cities = [one for one in with_code if one.type == "city"]
        if not with_code:
            raise ProviderFailed(f"Duffel knows no place called {name}.")
        return str((cities or with_code)[0].iata_code)

    async def _one_way(self, origin: str, destination: str, day: date, search: Search) -> list[Way]:
        async with self._places:
            left = max(2.0, self._deadline - time.monotonic() - 1.0)
            made = await self._ask(
                "POST",
                "/air/offer_requests",
                params={"return_offers": "false", "supplier_timeout": str(int(min(left, 60.0) * 1000))},
                json={
                    "data": {
                        "slices": [
                            {"origin": origin, "destination": destination, "departure_date": day.isoformat()}
                        ],
                        "passengers": [{"type": "adult"}] * search.seats,
                        "cabin_class": "economy",
                    }
                },
            )
            number = str(cast(Mapping[str, Any], made.get("data") or {}).get("id", ""))
            found: list[Way] = []
            async for page in self._pages(number):
                found += [way for one in page if (way := self._way(one)) is not None]
            return found

    async def _pages(self, number: str) -> AsyncGenerator[Sequence[_Offer]]:
        after = ""
        for _ in range(MOST_PAGES):
            params = {"offer_request_id": number, "limit": str(PAGE), "sort": "total_amount"}
            answer = await self._ask(
                "GET", "/air/offers", params=params | ({"after": after} if after else {})
            )
            yield _converted(answer.get("data", []), tuple[_Offer, ...])
            meta: Any = answer.get("meta")
            after = str(cast(Mapping[str, Any], meta).get("after") or "") if isinstance(meta, Mapping) else ""
            if not after:
                return
        self.notes.append(
            f"Of some days only the {MOST_PAGES * PAGE:,} cheapest offers of Duffel are looked at."
        )

    def _way(self, offer: _Offer) -> Way | None:
        """An offer as a way; None where it has expired or is no single way."""
        if len(offer.slices) != 1 or not offer.slices[0].segments:
            return None
        if offer.expires_at is not None and offer.expires_at <= datetime.now(UTC):
            self.notes.append("Offers of Duffel that have expired are left out.")
            return None
        segments = offer.slices[0].segments
        first, last = segments[0], segments[-1]
        zones = first.origin.time_zone or "", last.destination.time_zone or ""
        try:
            price = Decimal(offer.total_amount)
        except InvalidOperation:
            return None
        if not {*zones} <= known_zones() or not price.is_finite() or price < 0:
            self.notes.append("Offers of Duffel without a price or a time zone are left out.")
            return None
        # Their times are on the clocks of the airport, without an offset.
        departs, arrives = (
            at.replace(tzinfo=ZoneInfo(zone)) if at.tzinfo is None else at.astimezone(ZoneInfo(zone))
            for at, zone in zip((first.departing_at, last.arriving_at), zones, strict=True)
        )
        if arrives <= departs:
            return None
        return Way(
            provider=DuffelOffers.name,
            name=plain_name("+".join(_number(one) for one in segments)),
            origin=plain_name(first.origin.city_name or first.origin.name),
            destination=plain_name(last.destination.city_name or last.destination.name),
            departs=departs,
            arrives=arrives,
            departs_zone=zones[0],
            arrives_zone=zones[1],
            price=Money(price, offer.total_currency),
            stops=len(segments) - 1 + sum(len(one.stops or ()) for one in segments),
            expires=offer.expires_at,
        )

    async def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """One request, made again where the rate limit says when; raises `ProviderFailed`."""
        import httpx2

        while True:
            if (wait := self._open_at - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            try:
                async with self._http.stream(method, path, **request) as response:
                    body = bytearray()
                    async for part in response.aiter_bytes():
                        body += part
                        if len(body) > MOST_BYTES:
                            raise ProviderFailed("Duffel sends more than can be taken in.")
                    status, headers = response.status_code, response.headers
            except httpx2.TimeoutException as error:
                raise ProviderFailed("Duffel did not answer in time.") from error
            except httpx2.HTTPError as error:
                raise ProviderFailed(f"Duffel cannot be reached: {type(error).__name__}.") from error
            if status != 429:
                return _answered(status, bytes(body))
            self._open_at = time.monotonic() + _pause(headers)
            if self._open_at > self._deadline:
                raise ProviderFailed("Duffel lets no more requests through for now (rate limit).")


def _pause(headers: Mapping[str, str]) -> float:
    """Seconds until the rate limit is over: `ratelimit-reset` is a date or a number of seconds."""
    said = headers.get("ratelimit-reset") or headers.get("retry-after") or "1"
    try:
        return min(max(float(said), 0.05), 3600.0)
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return 1.0
    return max((until - datetime.now(until.tzinfo or UTC)).total_seconds(), 0.05)


def _answered(status: int, body: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        answer = {}
    if status in (200, 201, 202) and "data" in answer:
        return answer
    if status in (401, 403):
        raise ProviderFailed(
            "Duffel does not accept the key.",
            hint="Link it again with a new one: pierian accounts link duffel",
        )
    errors: Any = answer.get("errors")
    told: Any = cast(list[Any], errors)[0] if isinstance(errors, list) and errors else {}
    said = str(cast(Mapping[str, Any], told).get("title", "")) if isinstance(told, Mapping) else ""
    raise ProviderFailed(f"Duffel answered with status {status}{f': {plain_name(said)}' if said else ''}.")


def _number(segment: _Segment) -> str:
    return (
        f"{segment.marketing_carrier.iata_code or ''}{segment.marketing_carrier_flight_number or ''}"
        or "flight"
    )


def _converted(data: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ProviderFailed(f"Duffel's answer is not as it should be: {error}.") from error
