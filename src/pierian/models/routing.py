"""Several model servers as one: which of them gets a request, and what happens when one does not take it.

A request goes to a server that answers, serves the asked model, has a free slot and has read the longest
beginning of the prompt already; this is the idea of SGLang's cache-aware router (see `affinity`). Otherwise it
goes to the one with the fewest requests in flight. Among equals a lot decides, so that several processes with
the same old figures do not all run to one server; the power of two choices (Mitzenmacher, 2001) is against
the same herd, but would leave a few idle servers idle. A server that refuses the connection, or says that it is
too busy, is passed over for the next before the first byte, each at most once; after the first byte nothing is
repeated here, for whoever streams must first void what was shown. How the servers fare is looked up in
the background while they are in use, never on the way of a request.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from time import monotonic
from types import TracebackType

from pierian.exceptions import ModelError, ServerRefused, ServerTimeout, ServerUnreachable, StreamBroken
from pierian.models.affinity import Affinity, boundaries
from pierian.models.client import Client, Endpoint, StreamItem
from pierian.models.embeddings import Embeddings
from pierian.models.health import Health
from pierian.models.wire import Request

LOOK_EVERY_SECONDS = 2.0
UNUSED_SECONDS = 30.0
"""Looks end that long after the last request, and begin again with the next."""
MOST_BACK_OFF_SECONDS = 30.0
HANGS_AFTER_LOOKS = 2
"""A server that is silent at one look may be at work; at two in a row it hangs."""
TOO_BUSY = frozenset((429, 502, 503))
"""Statuses of a server that took no part of the request; 502 is what a proxy says whose server is down."""


class Server:
    """One of several servers, and what is known of it. Times are those of `time.monotonic`."""

    def __init__(self, client: Client, bit: int, slots: int) -> None:
        self.client = client
        self.bit = bit
        self.slots = slots
        """Requests that it works on side by side; assumed until it says so itself."""
        self.models: tuple[str, ...] | None = None
        """What it serves; None as long as it has not said."""
        self.in_flight = 0
        """Requests of this process."""
        self.failures = 0
        """In a row; 0 while it is well."""
        self.since = monotonic()
        """When that began: its first failure after an answer, or its first answer after failures."""
        self.retry_at = 0.0
        """When a failing server is due again."""
        self._says_slots = False
        self._waiting = 0
        self._of_others = 0
        self._seen_again = False
        self._tried = False
        self._silent_looks = 0

    @property
    def load(self) -> int:
        """Requests that it has as far as is known: ours now, and those of others at the last look."""
        return self.in_flight + self._of_others

    def has_room(self, least: int) -> bool:
        """Whether it has a free slot; `least` is the load of the least busy server.

        A server that does not say how many slots it has is taken to have room while none of its requests
        waits, and while it is not ahead of the least busy one by the slots that are assumed.
        """
        if self._says_slots:
            return self.load < self.slots
        return self._waiting == 0 and self.load - least < self.slots

    @property
    def well(self) -> bool:
        """Whether it answers requests, or, after a failure, at least the last look."""
        return not self.failures or self._seen_again

    @property
    def willing(self) -> bool:
        """Whether a request may go there. One that failed gets a single one, which finds out if it is well again."""
        return not self.failures or (self._seen_again and not self._tried)

    def due(self, now: float) -> bool:
        """Whether it is time to look at it."""
        return not self.failures or now >= self.retry_at

    @contextlib.contextmanager
    def answering(self) -> Generator[Callable[[], None]]:
        """Count a request while it lasts. What is given is to be called when the server begins to answer."""
        began, failures = False, self.failures

        def begin() -> None:
            nonlocal began
            began = True
            self._set_well()

        self.in_flight += 1
        self._tried = self._tried or failures > 0
        try:
            yield begin
        except ModelError as error:
            if not began and passes_on(error):
                if self.failures <= failures:  # many requests that fail together are one failure
                    self.fail()
                raise _PassedOn(error) from error
            raise
        finally:
            self.in_flight -= 1
            if failures:
                self._tried = False

    def fail(self) -> None:
        """It failed once more: leave it alone for a while, twice as long each time, and then look."""
        now = monotonic()
        if not self.failures:
            self.since = now
        self.failures += 1
        self._seen_again = False
        # Bounded before it is a power: a server may be down for weeks.
        self.retry_at = now + min(2.0 ** min(self.failures - 1, 10), MOST_BACK_OFF_SECONDS)

    def note(self, health: Health) -> None:
        """A look found it well. Its failures are forgotten only when it has also answered a request."""
        self.models = health.models
        self.note_answer()
        if (load := health.load) is not None:
            self._says_slots = load.slots is not None
            self.slots = load.slots or self.slots
            self._waiting = load.waiting
            self._of_others = max(0, load.running + load.waiting - self.in_flight)

    def note_answer(self) -> None:
        """It answers, whatever it says."""
        self._seen_again, self._silent_looks = True, 0

    def note_silence(self) -> None:
        """It took the connection of a look, and no answer came."""
        self._silent_looks += 1
        if self.failures or self._silent_looks >= HANGS_AFTER_LOOKS:
            self.fail()

    def _set_well(self) -> None:
        if self.failures:
            self.failures, self.since = 0, monotonic()
        self.note_answer()


class _PassedOn(Exception):
    """A server did not take a request, so the next may."""

    def __init__(self, error: ModelError) -> None:
        super().__init__(str(error))
        self.error = error


def passes_on(error: ModelError) -> bool:
    """Whether an error before the first byte lets another server try: nothing was answered, nor will be."""
    if isinstance(error, ServerRefused):
        return error.status in TOO_BUSY
    return isinstance(error, ServerUnreachable | StreamBroken)


class Router:
    """Streams from several endpoints as a `Client` does from one. Use it as a context.

    Args:
        endpoints: Two servers or more, of one default model.
        silence: Longest time in seconds without a byte before a server is given up.
        slots: How many requests a server is taken to answer side by side where it does not say.
    """

    def __init__(self, endpoints: Sequence[Endpoint], *, silence: float = 600.0, slots: int = 8) -> None:
        self.endpoint = endpoints[0]
        """The first of them."""
        self.silence = silence
        clients = [Client(endpoint, silence=silence) for endpoint in endpoints]
        self.servers = tuple(Server(client, 1 << n, slots) for n, client in enumerate(clients))
        self._affinity = Affinity()
        self._looking: asyncio.Task[None] | None = None
        self._looked = self._used = 0.0

    async def __aenter__(self) -> Router:
        await self.look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        for server in self.servers:
            await server.client.__aexit__(None, None, None)

    @property
    def slots(self) -> int:
        """Requests that the servers which are well answer side by side."""
        return sum(server.slots for server in self._well())

    async def stream(self, request: Request, *, model: str = "") -> AsyncGenerator[StreamItem]:
        """Pieces of text and prompt progress in order, and `Finished` last, all from one server."""
        name = model or self.endpoint.model
        marks = boundaries(name, request)
        errors: dict[Server, ModelError] = {}
        self._keep_looking()
        while True:
            server = self.pick(name, marks, errors)
            if server is None:
                raise nobody_answers(errors)
            try:
                with server.answering() as begin:

                    def begun(server: Server = server, begin: Callable[[], None] = begin) -> None:
                        begin()
                        self._affinity.remember(marks, server.bit)

                    items = server.client.stream(request, model=name, on_answer=begun)
                    async with contextlib.aclosing(items):
                        async for item in items:
                            yield item
                    return
            except _PassedOn as passed:
                self._note_failure(server, passed.error, errors)

    async def embed(self, texts: Sequence[str], *, model: str = "") -> Embeddings:
        """The vectors of `texts`, in their order, all from one server."""
        name = model or self.endpoint.model
        errors: dict[Server, ModelError] = {}
        self._keep_looking()
        while (server := self.pick(name, [], errors)) is not None:
            try:
                with server.answering() as begin:
                    return await server.client.embed(texts, model=name, on_answer=begin)
            except _PassedOn as passed:
                self._note_failure(server, passed.error, errors)
        raise nobody_answers(errors)

    async def models(self) -> list[str]:
        """Names of the models that the servers offer, each once; those of servers that fail are left out."""
        well = self._well()
        answers = await asyncio.gather(*map(_models, well))
        found = [answer for answer in answers if not isinstance(answer, ModelError)]
        if not found:
            failed = zip(well, answers, strict=True)
            raise nobody_answers({s: answer for s, answer in failed if isinstance(answer, ModelError)})
        return list(dict.fromkeys(name for names in found for name in names))

    async def look(self) -> None:
        """See how the servers fare; those that failed only when it is time again."""
        self._looked = now = monotonic()
        await asyncio.gather(*(self._look_at(server) for server in self.servers if server.due(now)))

    def pick(self, model: str, marks: list[int], tried: dict[Server, ModelError]) -> Server | None:
        """The server for a request for `model` whose prompt has these boundaries; None where all were `tried`.

        Servers that fail come last, in the order in which they are due: a request is not refused unasked.
        """
        left = [server for server in self._serving(model) if server not in tried]
        if candidates := [server for server in left if server.willing]:
            return self._choose(candidates, marks)
        return min(left, key=lambda server: server.retry_at, default=None)

    def _well(self) -> Sequence[Server]:
        return [server for server in self.servers if server.well] or self.servers

    def _serving(self, model: str) -> Sequence[Server]:
        """Those that list the model and those that were never reached; all where none lists it.

        Some servers take any name for the one model that they have, so a name unknown to all is no error here.
        """
        if any(server.models and model in server.models for server in self.servers):
            return [server for server in self.servers if server.models is None or model in server.models]
        return self.servers

    def _choose(self, candidates: list[Server], marks: list[int]) -> Server:
        least = min(server.load for server in candidates)
        roomy = [server for server in candidates if server.has_room(least)]
        if not roomy:  # waiting for a turn takes longer than reading a prompt: the shortest queue
            warm = self._affinity.longest(marks, -1)
            return min(candidates, key=lambda s: (s.load - s.slots, not s.bit & warm, random.random()))  # noqa: S311
        warm = self._affinity.longest(marks, sum(server.bit for server in roomy))
        best = [server for server in roomy if server.bit & warm] or roomy
        return best[0] if len(best) == 1 else min(best, key=lambda s: (s.load, random.random()))  # noqa: S311

    def _note_failure(self, server: Server, error: ModelError, errors: dict[Server, ModelError]) -> None:
        errors[server] = error
        if not isinstance(error, ServerRefused):
            self._affinity.forget(server.bit)

    def _keep_looking(self) -> None:
        """Look from now on, unless that is done already."""
        self._used = monotonic()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_while_used())

    async def _look_while_used(self) -> None:
        while any(s.in_flight for s in self.servers) or monotonic() - self._used < UNUSED_SECONDS:
            await asyncio.sleep(self._looked + LOOK_EVERY_SECONDS - monotonic())
            await self.look()

    async def _look_at(self, server: Server) -> None:
        try:
            health = await server.client.health()
        except ServerTimeout:
            server.note_silence()
        except (ServerUnreachable, StreamBroken):
            server.fail()
            self._affinity.forget(server.bit)
        except ModelError as error:
            # A server that wants another key, or lists no models, may still answer: its requests will tell.
            if isinstance(error, ServerRefused) and error.status >= 500:
                server.fail()
            else:
                server.note_answer()
        else:
            server.note(health)


async def _models(server: Server) -> list[str] | ModelError:
    try:
        return await server.client.models()
    except ModelError as error:
        return error


def nobody_answers(errors: dict[Server, ModelError]) -> ModelError:
    """One error for all servers that were tried."""
    if len(errors) == 1:
        return next(iter(errors.values()))
    urls = ", ".join(server.client.endpoint.base_url for server in errors)
    refusals = [error for error in errors.values() if isinstance(error, ServerRefused)]
    if refusals:
        told = " ".join(str(error).rstrip(".") + "." for error in errors.values())
        return ServerRefused(
            f"None of the model servers takes the request. {told}",
            status=refusals[-1].status,
            hint=refusals[-1].hint,
        )
    return ServerUnreachable(
        f"None of the {len(errors)} model servers answers: {urls}.",
        hint="Start one of them, or correct base_url (`pierian config set base_url …`).",
    )
