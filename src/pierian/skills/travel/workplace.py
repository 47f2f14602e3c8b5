"""Opens what a trip takes: the settings' providers, the calendars of those who travel, the tools and the planner.

Everything is the owner's: their accounts, their accepted tools, and, at this machine's terminal, the files and
servers of its settings.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import structs

from pierian.accounts import sealer as open_sealer
from pierian.accounts.account import Account, written_by
from pierian.accounts.contacts.finding import meant, who_is
from pierian.accounts.secrets import Sealer
from pierian.accounts.store import LOCAL, Accounts
from pierian.accounts.zones import zone_of
from pierian.agents.account_tools import people_named
from pierian.agents.quarantine import READER, ModelReader
from pierian.agents.session import Desk
from pierian.agents.workplace import named as names_in
from pierian.config import Settings
from pierian.models.structured import decoded, schema_of
from pierian.models.wire import Message, Request
from pierian.planning import require_solver
from pierian.provenance import together
from pierian.reasoning.payment import payment_of
from pierian.reasoning.run import Run
from pierian.runs import AcceptedTools
from pierian.skills.calendars import (
    Spans,
    Whose,
    brought_up_to_date,
    busy_spans,
    people_setting,
    whose_calendars,
)
from pierian.skills.travel.building import money_of
from pierian.skills.travel.planner import TripPlanner
from pierian.skills.travel.planning import Workplace
from pierian.skills.travel.providers.duffel import DuffelOffers
from pierian.skills.travel.providers.mcp_offers import McpOffers, Pick, Picked
from pierian.skills.travel.providers.offers import Found, Provider, ProviderFailed, Search
from pierian.skills.travel.providers.offers_file import OffersFile
from pierian.skills.travel.tools import trip_tools
from pierian.toolbox import connected, read_servers

CREATE = "calendar_create"
SYNC_SECONDS = 8.0
"""How long calendars are waited for; older copies are said to be older."""
MOST_PICKED_TOKENS = 1_500


class LinkedCalendars:
    """The calendars of one owner's accounts, of those who travel. Fulfils `planning.Calendars`."""

    def __init__(self, accounts: Accounts, called: Mapping[str, str], now: datetime, *, syncs: bool) -> None:
        self._accounts = accounts
        self._called = called
        self._now = now
        self._seconds = SYNC_SECONDS if syncs else 0.0

    async def refreshed(self, people: Sequence[str], older_than: timedelta) -> Sequence[str]:
        """See `planning.Calendars`."""
        whose = await asyncio.to_thread(self._whose, people)
        old = await brought_up_to_date(self._accounts, whose, open_sealer, self._seconds, older_than)
        return (*whose.notes, *old)

    async def busy(self, people: Sequence[str], begins: datetime, ends: datetime) -> Spans:
        """See `planning.Calendars`."""
        whose = await asyncio.to_thread(self._whose, people)
        return await asyncio.to_thread(busy_spans, self._accounts, whose, begins, ends)

    def _whose(self, people: Sequence[str]) -> Whose:
        every = self._accounts.list()

        def addresses_of(name: str) -> Sequence[str]:
            person = meant(who_is(self._accounts.database, every, name, self._now))
            return person.emails if person is not None else ()

        return whose_calendars(every, people, self._called, addresses_of)


@contextlib.asynccontextmanager
async def open_trip(desk: Desk, run: Run, settings: Settings, now: datetime) -> AsyncGenerator[Desk]:
    """The desk with a trip's tools and planner; raises `UserError` where a package or a setting is missing."""
    require_solver()
    accounts = Accounts(desk.database, desk.owner)
    linked = await asyncio.to_thread(accounts.list)
    called = people_setting(settings.people) if desk.owner == LOCAL else {}
    calendars = LinkedCalendars(accounts, called, now, syncs=bool(settings.sync_minutes))
    async with contextlib.AsyncExitStack() as stack:
        at = Workplace(
            calendars=calendars,
            providers=await _providers(desk, run, settings, accounts, linked, stack),
            money=money_of(settings.currency, settings.exchange_rates),
            zone=str(zone_of(now)),
            home=settings.trips_from if desk.owner == LOCAL else "",
            seconds=settings.offer_seconds,
        )
        writable = any(one.switches.write and one.service("caldav", "graph") is not None for one in linked)
        create = desk.tools.get(CREATE) if writable else None
        sources = together(
            written_by("calendar", one.name) for one in linked if one.service("caldav", "graph", "ics")
        )
        known = await asyncio.to_thread(people_named, run.question.text, desk.database, desk.owner)
        tools = {one.name: one for one in trip_tools(at, create, sources)}
        yield structs.replace(desk, tools=tools, planner=TripPlanner(ModelReader(run.model), now, known))


async def _providers(
    desk: Desk,
    run: Run,
    settings: Settings,
    accounts: Accounts,
    linked: Sequence[Account],
    stack: contextlib.AsyncExitStack,
) -> list[Provider]:
    found: list[Provider] = []
    mine = desk.owner == LOCAL
    if settings.offers and mine:
        found.append(OffersFile(offers_path(settings.offers)))
    for one in linked:
        if one.kind == "duffel" and one.switches.read:
            key = await asyncio.to_thread(_key_of, accounts, one, open_sealer)
            found.append(DuffelOffers(key, one.services[0].url, seconds=settings.offer_seconds))
    if settings.offer_tools and mine:
        servers = await stack.enter_async_context(connected(read_servers(), AcceptedTools(desk.database)))
        tools = {one.name: one for one in await servers.tools()}
        for name in names_in(settings.offer_tools):
            usable = name in tools and not tools[name].acts  # asked without anybody's yes: it may only read
            found.append(McpOffers(tools[name], {}, _pick(run)) if usable else NotThere(name))
    return found


class NotThere:
    """A tool that the settings name and that cannot be used. Fulfils `Provider`."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def find(self, search: Search) -> Found:
        """Says so."""
        raise ProviderFailed(
            f"The tool {self.name} is not there, not accepted, or does more than read.",
            hint=f"pierian tools accept '{self.name}'",
        )


def offers_path(setting: str) -> Path:
    """Where the offers of the settings lie."""
    return Path(setting).expanduser()


def _key_of(accounts: Accounts, account: Account, sealer: Callable[[], Sealer]) -> str:
    sealed = accounts.sealed(account)
    return sealer().open(sealed).password if sealed is not None else ""


def _pick(run: Run) -> Pick:
    """Lets a model without tools pick offers out of a text."""

    async def pick(text: str) -> list[Picked]:
        request = Request(
            messages=(
                Message("system", READER),
                Message(
                    "user",
                    f"<data>\n{text[:12_000]}\n</data>\nWanted: all offers, with times and prices as they stand.",
                ),
            ),
            max_tokens=MOST_PICKED_TOKENS,
            schema=schema_of(list[Picked]),
            extra=run.model.profile.thinking_off,
        )

        def read(written: str) -> list[Picked]:
            return msgspec.json.decode(written, type=list[Picked])

        return await decoded(run.model, request, read, payment_of(run))

    return pick
