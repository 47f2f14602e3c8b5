"""What all handlers of one server process share: the assistant with its model, keys, prices, the meter.

It is opened once and closed at the end. It knows who asks and what that costs, and nothing of any wire format.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Sequence

from msgspec import Struct

from pierian.access import Grant, Key, Keys
from pierian.access.users import LOCAL
from pierian.assistant import Assistant
from pierian.config import Settings
from pierian.metering import Caller, Meter, Price, PriceTable, Use
from pierian.metering.prices import load_prices
from pierian.models.model import Model
from pierian.server.call import MODE_MODELS, Call
from pierian.server.errors import ApiError
from pierian.server.idempotency import Idempotency
from pierian.server.metrics import Metrics
from pierian.server.response_store import ResponseStore
from pierian.server.synchronising import Synchroniser
from pierian.server.telemetry import Telemetry
from pierian.storage import Database
from pierian.toolbox.fetching import Fetcher

DECODED_AT_ONCE = 2
LISTED_SECONDS = 30.0
"""How long the list of a server's models is believed."""


class Bill(Struct):
    """What one call of a model has used so far, for its settling."""

    price: Price
    most: Use
    pieces: int = 0
    prompt: tuple[int, int] | None = None
    """Its tokens and those that were cached, where the server says so while it reads."""
    used: tuple[int, int, int] | None = None
    """Prompt, cached and generated tokens as the server counts them, once it does."""

    def final(self) -> Use:
        """What is settled. Where the server does not say, or is left early, it is what was seen: the prompt counts
        with its bound once anything came."""
        if self.used is not None:
            return Use(*self.used, self.price.money(*self.used))
        prompt, cached = self.prompt or (self.most.prompt_tokens if self.pieces else 0, 0)
        generated = min(self.pieces, self.most.completion_tokens)
        return Use(prompt, cached, generated, self.price.money(prompt, cached, generated))


class Service:
    """Everything that the handlers need. Use as an async context manager.

    Args:
        keyless: Whether requests without a key are answered, as the local user's.
    """

    def __init__(self, settings: Settings, *, keyless: bool = False) -> None:
        self.settings = settings
        self.keyless = keyless
        self.metrics = Metrics()
        self.telemetry = Telemetry()
        self.prices: PriceTable = load_prices()
        self.assistant = Assistant(settings)
        self.fetcher = Fetcher()
        self.decoding = asyncio.Semaphore(DECODED_AT_ONCE)
        """Held while a picture is decoded: each takes a process and much memory."""
        self.draining = False
        """Set when the server is about to end: it takes nothing new."""
        self._resources = contextlib.AsyncExitStack()
        self._listed: tuple[float, tuple[str, ...]] = (0.0, ())

    async def __aenter__(self) -> Service:
        await self._resources.enter_async_context(self.assistant)
        await self.assistant.model()  # whoever asks first does not wait until it is loaded
        self.database: Database = await self.assistant.database()
        self.keys = Keys(self.database)
        self.meter = Meter(
            self.database,
            daily_tokens=self.settings.daily_tokens,
            daily_money=self.settings.daily_money,
        )
        self._resources.enter_context(self.meter)
        self.worker = self.meter.worker
        self.synchroniser = Synchroniser(self.database, self.settings.sync_minutes)
        self.responses = ResponseStore(self.database)
        self.idempotency = Idempotency(self.database, self.worker.id)
        return self

    async def __aexit__(self, *error: object) -> None:
        self.draining = True
        await self._resources.aclose()
        await asyncio.to_thread(self.telemetry.close)

    async def caller(self, secret: str) -> tuple[Caller, Key | None]:
        """Who shows this secret; raises `AccessDenied`."""
        if self.keyless and not secret:
            return Caller("", LOCAL, Grant()), None
        key = await self.keys.check(secret)
        return Caller(key.id, key.user, key.grant), key

    @contextlib.asynccontextmanager
    async def metered(
        self,
        caller: Caller,
        model: str,
        price: Price,
        most: Use,
        admitted: Awaitable[object] | None = None,
    ) -> AsyncGenerator[Bill]:
        """A call of a model, reserved before and settled after, however it ends.

        `admitted` is waited for behind the reservation, so that both are decided in one transaction; it raises where
        the request is not let in, and then nothing is used.
        """
        ticket = await self.meter.reserve(caller, most, model=model, mode="")
        bill = Bill(price, most)
        try:
            if admitted is not None:
                await admitted
            yield bill
        finally:
            # Not waited for: it goes into one transaction with the leaving of this request.
            self.meter.settle_soon(ticket, bill.final())

    async def served(self, model: Model) -> tuple[str, ...]:
        """Names of the engine's models that a request may ask for."""
        asked_at, names = self._listed
        if not names or time.monotonic() - asked_at > LISTED_SECONDS:
            names = tuple(await model.models())
            self._listed = (time.monotonic(), names)
        return names

    def label(self, call: Call) -> str:
        """The model of a call in metrics and spans: of a client's own names, only those that there are."""
        return call.model if call.mode is not None or call.model in self._listed[1] else "unknown"

    def names(self, engine: Sequence[str], grant: Grant | None = None) -> list[str]:
        """All model names that may be asked for, modes first, as far as a grant allows them."""
        works_with = self.settings.model
        modes = [
            name
            for name, mode in MODE_MODELS.items()
            if grant is None or grant.allows(mode=mode.value, model=works_with)
        ]
        return [*modes, *(name for name in engine if grant is None or grant.allows(model=name))]

    async def sees(self, call: Call) -> bool:
        """Whether whoever answers a call reads pictures: modes have readers, a server elsewhere says so itself."""
        model = await self.assistant.model()
        return call.mode is not None or model.sees or not model.embedded

    def refuse_new(self) -> None:
        """Raise where the server is about to end."""
        if self.draining:
            raise ApiError(
                503, "This server is being stopped. Try again in a moment.", code="stopping", retry_after=5
            )
