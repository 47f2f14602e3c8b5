"""A model that is ready to be asked, wherever it runs.

`open_model` gives the same `Model` for the embedded engine, for any OpenAI-compatible server and for several
of them (`routing`); what differs is said by `Model.embedded` and by the family's profile. A crash of the embedded
engine is survived with `recover`; what was streamed before it does not count, and it is the caller's to say so.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING

from pierian.config import Settings, addresses, paths
from pierian.exceptions import ModelError, ServerRefused, ServerUnreachable, StreamBroken
from pierian.models.client import Client, Endpoint, StreamItem
from pierian.models.embeddings import Embeddings
from pierian.models.lease import Lease
from pierian.models.machine import choose_options
from pierian.models.profiles import Profile, ThinkingSplitter, profile_for
from pierian.models.routing import Router
from pierian.models.wire import Finished, Message, Piece, Request

if TYPE_CHECKING:
    from pierian.models.adapters import Adapter


class Model:
    """One model on one server, or on several that share the requests. Use inside `open_model`."""

    adapter: Adapter | None = None
    """The adapter that is loaded beside it; `Request.adapter_scale` says how much of it goes into an answer."""

    def __init__(
        self,
        name: str,
        client: Client | Router,
        profile: Profile,
        lease: Lease | None = None,
        *,
        slots: int = 8,
        adapter: Adapter | None = None,
        sees: bool = False,
    ) -> None:
        self.name = name
        self.adapter = adapter
        self.profile = profile
        self.sees = sees
        """Whether it reads pictures: `Message.images` may then go to it (`pictures`)."""
        self.slots = slots
        """Requests that it answers side by side; of several servers those that were well at the last request."""
        self._client = client
        self._lease = lease
        self._generation = 0
        self._recovering = asyncio.Lock()
        self._retired: list[Client | Router] = []

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers; of several servers the first."""
        return self._client.endpoint

    @property
    def embedded(self) -> bool:
        """Whether it runs in our own engine, which also continues a started answer."""
        return self._client.endpoint.embedded

    async def stream(self, request: Request, *, model: str = "") -> AsyncGenerator[StreamItem]:
        """Pieces in order, native thoughts told apart from the answer, and `Finished` last.

        `model` names another model of the server's for this request only.
        """
        splitter = ThinkingSplitter(profile_for(model) if model else self.profile)
        generation = self._generation
        if isinstance(self._client, Router):
            self.slots = self._client.slots
        try:
            async with contextlib.aclosing(self._client.stream(request, model=model)) as items:
                async for item in items:
                    if isinstance(item, Piece):
                        for piece in splitter.feed(item):
                            yield piece
                        continue
                    if isinstance(item, Finished):
                        for piece in splitter.close():
                            yield piece
                    yield item
        except ModelError as error:
            error.engine_generation = generation
            raise

    async def models(self) -> list[str]:
        """Names that a request may ask for: what the server offers, of several servers all that they offer."""
        return [self.name] if self.embedded else await self._client.models()

    async def embed(self, texts: Sequence[str], *, model: str = "") -> Embeddings:
        """One vector for each of `texts`, in their order. `model` names another model of the server's."""
        if self.embedded:
            raise ServerRefused(
                "The embedded engine gives no embeddings.",
                status=501,
                hint="Set base_url to a server that does, such as llama.cpp's with --embeddings.",
            )
        return await self._client.embed(texts, model=model)

    async def recover(self, error: ModelError) -> str:
        """After `error`: wait until the engine runs again and say what happened, or raise `error` again."""
        if self._lease is None or not isinstance(error, ServerUnreachable | StreamBroken):
            raise error
        async with self._recovering:  # drafts that are made side by side fail together, and recover once
            if error.engine_generation == self._generation:
                await self._lease.recovered(self._generation)
                # Closed at the end: another draft may still be about to notice that its stream is dead.
                self._retired.append(self._client)
                self._client = Client(endpoint_of(self._lease, self.name), silence=self._client.silence)
                self._generation = self._lease.generation
            return self._lease.reason

    async def close(self) -> None:
        """Close the connections."""
        for client in (*self._retired, self._client):
            await client.__aexit__(None, None, None)


def endpoint_of(lease: Lease, name: str) -> Endpoint:
    """Where a leased engine answers."""
    with_adapter = bool(lease.options.adapter_path)
    return Endpoint(lease.base_url, name, lease.api_key, embedded=True, adapter=with_adapter)


@contextlib.asynccontextmanager
async def open_model(
    settings: Settings,
    *,
    prefixes: Sequence[Sequence[Message]] = (),
    on_loading: Callable[[str], None] = lambda model: None,
    on_ready: Callable[[str, float], None] = lambda model, seconds: None,
) -> AsyncGenerator[Model]:
    """The model that the settings name, ready to answer.

    `prefixes` are the fixed beginnings of prompts to keep ready. `on_loading` is called when the engine has to
    load it first, `on_ready` with the seconds that took.
    """
    if settings.base_url:
        async with remote_model(settings) as model:
            yield model
        return
    from pierian.models.adapters import check_fits, chosen
    from pierian.models.installed import find

    found, adapter = find(settings.model), chosen(settings.adapter, settings.model)
    if adapter is not None:
        # The model may be another than when the adapter was added; the engine would refuse both.
        check_fits(adapter.path, found.path, settings.model, found.sha256)
    options = choose_options(
        settings,
        str(found.path),
        trained_context=found.context,
        projector_path=str(found.projector) if found.projector else "",
        adapter_path=str(adapter.path) if adapter else "",
        adapter_sha256=adapter.sha256 if adapter else "",
    )
    started = time.monotonic()
    lease = Lease(
        options,
        paths().state,
        prefixes=prefixes,
        keep_warm_seconds=settings.keep_warm_minutes * 60,
        on_loading=lambda: on_loading(settings.model),
    )
    async with lease:
        if not lease.warm:
            on_ready(settings.model, time.monotonic() - started)
        model = Model(
            settings.model,
            Client(endpoint_of(lease, settings.model), silence=settings.silence_seconds),
            profile_for(found.family or settings.model),
            lease,
            slots=options.slots,
            adapter=adapter,
            sees=found.projector is not None,
        )
        try:
            yield model
        finally:
            await model.close()


@contextlib.asynccontextmanager
async def remote_model(settings: Settings) -> AsyncGenerator[Model]:
    """A model on the server at `base_url`, or on the servers if it names several."""
    slots, silence = settings.slots or 8, settings.silence_seconds
    endpoints = [Endpoint(url, settings.model, settings.api_key) for url in addresses(settings.base_url)]
    profile = profile_for(settings.model)
    sees = profile.sees if settings.sees is None else settings.sees
    if len(endpoints) == 1:
        async with Client(endpoints[0], silence=silence) as client:
            yield Model(settings.model, client, profile, slots=slots, sees=sees)
        return
    async with Router(endpoints, silence=silence, slots=slots) as router:
        yield Model(settings.model, router, profile, slots=router.slots, sees=sees)
