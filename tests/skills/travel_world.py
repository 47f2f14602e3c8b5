"""What the tests of trips share: a week of offers as values, calendars that a test fills, Duffel's API as a double."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import uvicorn

from pierian.planning.constraints import CheckIn, Money
from pierian.skills.calendars import Spans
from pierian.skills.travel.building import Currencies
from pierian.skills.travel.planning import Workplace
from pierian.skills.travel.providers.offers import Found, Search, Sight, Stay, Way
from pierian.skills.travel.wishes import Wishes

BERLIN, LISBON = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Lisbon")
FIRST, LAST = date(2026, 12, 7), date(2026, 12, 13)


def euros(amount: str, currency: str = "EUR") -> Money:
    return Money(Decimal(amount), currency)


def way(
    name: str, day: int, hour: int, price: Money, *, there: bool = True, minutes: int = 180, **more: Any
) -> Way:
    zones = (BERLIN, LISBON) if there else (LISBON, BERLIN)
    places = ("Berlin", "Lisbon") if there else ("Lisbon", "Berlin")
    departs = datetime(2026, 12, day, hour, tzinfo=zones[0])
    arrives = (departs.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(zones[1])
    given = {"provider": "test", "stops": 0} | more
    return Way(
        name=name,
        origin=places[0],
        destination=places[1],
        departs=departs,
        arrives=arrives,
        departs_zone=str(zones[0]),
        arrives_zone=str(zones[1]),
        price=price,
        **given,
    )


def week(**more: Any) -> Found:
    """A flight each way on each day, dearer every day; two rooms; two sights."""
    return Found(
        there=tuple(way(f"T{day}", day, 9, euros(str(40 + 10 * day))) for day in range(7, 14)),
        back=tuple(way(f"B{day}", day, 15, euros(str(60 + 5 * day)), there=False) for day in range(7, 14)),
        stays=(
            Stay(
                provider="test",
                name="Pension",
                place="Lisbon",
                price=euros("50"),
                check_in=CheckIn(840, 1320),
            ),
            Stay(provider="test", name="Palace", place="Lisbon", price=euros("200")),
        ),
        sights=tuple(
            Sight(
                provider="test",
                name=name,
                minutes=60,
                quarter="Old Town",
                open=tuple(
                    (datetime(2026, 12, d, 10, tzinfo=LISBON), datetime(2026, 12, d, 18, tzinfo=LISBON))
                    for d in range(7, 14)
                    if d != closed
                ),
            )
            for name, closed in (("Tower", 8), ("Museum", 9))
        ),
        **more,
    )


class Offers:
    """A provider that has what a test gives it."""

    def __init__(self, found: Found, name: str = "test", before: Callable[[], Any] | None = None) -> None:
        self.found, self.name, self.before = found, name, before
        self.asked: list[Search] = []

    async def find(self, search: Search) -> Found:
        self.asked.append(search)
        if self.before is not None:
            await self.before()
        return self.found


class Times:
    """Calendars of which nothing but times is there; `later` come into it after the first look."""

    def __init__(self, busy: Spans | None = None, later: Sequence[Spans] = ()) -> None:
        self._states = [busy or {}, *later]
        self.notes: tuple[str, ...] = ()

    async def refreshed(self, people: Sequence[str], older_than: timedelta) -> Sequence[str]:
        return self.notes

    async def busy(self, people: Sequence[str], begins: datetime, ends: datetime) -> Spans:
        now = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        return {name: spans for name, spans in now.items() if name in people}


def wishes(**more: Any) -> Wishes:
    given = {
        "destination": "Lisbon",
        "origin": "Berlin",
        "first": FIRST,
        "last": LAST,
        "least_nights": 2,
        "most_nights": 2,
    }
    return Wishes(**(given | more))


def workplace(
    *providers: Any, calendars: Any = None, rates: Mapping[str, Decimal] | None = None, **more: Any
) -> Workplace:
    given = {"seconds": 5.0, "zone": "Europe/Berlin"} | more
    money = Currencies(currency="EUR", rates=rates or {})
    return Workplace(calendars=calendars or Times(), providers=providers, money=money, **given)


# Duffel's API, as its pages describe it


def duffel_offer(
    number: int, day: str, *, there: bool, amount: str, currency: str = "EUR", stops: int = 0
) -> dict[str, Any]:
    """An offer as the list of offers has it."""
    ends = [("BER", "Berlin", "Europe/Berlin"), ("LIS", "Lisbon", "Europe/Lisbon")]
    (a, b) = ends if there else ends[::-1]
    places = [
        {"iata_code": code, "city_name": city, "time_zone": zone, "type": "airport", "name": city}
        for code, city, zone in (a, b)
    ]
    middle = {
        "iata_code": "MAD",
        "city_name": "Madrid",
        "time_zone": "Europe/Madrid",
        "type": "airport",
        "name": "Barajas",
    }
    stations = [places[0], *[middle] * stops, places[1]]
    segments = [
        {
            "origin": start,
            "destination": end,
            "departing_at": f"{day}T{9 + 3 * at:02}:10:00",
            "arriving_at": f"{day}T{11 + 3 * at:02}:20:00",
            "marketing_carrier": {"iata_code": "TP", "name": "TAP"},
            "marketing_carrier_flight_number": str(500 + number + at),
        }
        for at, (start, end) in enumerate(pairwise(stations))
    ]
    return {
        "id": f"off_{day}_{number}",
        "total_amount": amount,
        "total_currency": currency,
        "expires_at": "2099-01-01T00:00:00Z",
        "slices": [{"id": f"sli_{number}", "segments": segments}],
        "passengers": [{"id": "pas_1", "type": "adult"}],
    }


class Duffel:
    """Answers as the API does: places, offer requests, pages of offers, a rate limit, errors."""

    def __init__(self, *, per_page: int = 2, limited: int = 0, status: int = 0) -> None:
        self.per_page, self.limited, self.status = per_page, limited, status
        self.seen: list[tuple[str, str, dict[str, str], dict[str, Any]]] = []
        self.requests: dict[str, dict[str, Any]] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        query = dict(part.split("=", 1) for part in scope["query_string"].decode().split("&") if part)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        data = json.loads(body) if body else {}
        self.seen.append((scope["method"], scope["path"], headers, data))
        status, answer, more = self._answer(scope["path"], query, headers, data)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", b"application/json"), *more],
            }
        )
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _answer(
        self, path: str, query: dict[str, str], headers: dict[str, str], data: dict[str, Any]
    ) -> tuple[int, dict[str, Any], list[tuple[bytes, bytes]]]:
        if headers.get("authorization") != "Bearer duffel_test_key" or headers.get("duffel-version") != "v2":
            return 401, {"errors": [{"title": "Access token not found", "type": "authentication_error"}]}, []
        if self.status:
            return self.status, {"errors": [{"title": "Something is wrong"}]}, []
        if self.limited:
            self.limited -= 1
            return 429, {"errors": [{"title": "Rate limit exceeded"}]}, [(b"ratelimit-reset", b"0.05")]
        if path == "/air/airlines":
            return 200, {"data": [], "meta": {"after": None}}, []
        if path == "/places/suggestions":
            code = {"Lisbon": "LIS", "Berlin": "BER"}.get(query["query"])
            found = [{"iata_code": code, "type": "city", "name": query["query"]}] if code else []
            return 200, {"data": found}, []
        if path == "/air/offer_requests":
            number = f"orq_{len(self.requests)}"
            self.requests[number] = data["data"]
            return 201, {"data": {"id": number}}, []
        made = self.requests[query["offer_request_id"]]
        slice_ = made["slices"][0]
        day, there = slice_["departure_date"], slice_["origin"] == "BER"
        seats = len(made["passengers"])
        whole = [
            duffel_offer(
                n, day, there=there, amount=f"{seats * (50 + int(day[-2:]) + 10 * n)}.00", stops=n % 2
            )
            for n in range(3)
        ]
        at = int(query.get("after", "0"))
        rest = at + self.per_page < len(whole)
        meta = {"after": str(at + self.per_page) if rest else None, "before": None, "limit": self.per_page}
        return 200, {"data": whole[at : at + self.per_page], "meta": meta}, []


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The address of an application behind a real socket."""
    import asyncio

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
