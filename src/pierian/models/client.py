"""The wire client: one HTTP connection pool to one OpenAI-compatible server.

`stream` yields pieces as they arrive; leaving the loop early closes the connection, at which a llama.cpp,
vLLM or SGLang server frees the slot. Every way a server can fail becomes one `ModelError` that says what to
do next. Nothing is retried here: whoever streams must first void what was shown, and where there are several
servers, `routing` chooses among their clients.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from types import TracebackType
from typing import Any, ClassVar, Protocol
from urllib.request import getproxies

import httpx2
import msgspec
from msgspec import Struct

from pierian.exceptions import (
    ContextOverflow,
    ModelError,
    ServerRefused,
    ServerTimeout,
    ServerUnreachable,
    StreamBroken,
)
from pierian.models.embeddings import Embeddings, embeddings_body, read_embeddings
from pierian.models.health import Health, Load, load_from_metrics, load_from_slots
from pierian.models.wire import CallPiece, ChunkReader, Finished, Piece, PromptProgress, Request, error_text

_TOO_LONG = re.compile(r"context (?:length|size|window)|maximum context|too long", re.IGNORECASE)

# A look at a server is short: whoever waits for its outcome has other servers.
LOOK_SECONDS = 5.0
LOOK_CONNECT_SECONDS = 2.0
LISTING_SECONDS = 10.0
IDLE_SECONDS = 4.0
"""How long a connection is kept: less than the five seconds after which llama.cpp and uvicorn close it. A request
that is sent in that moment is lost."""
END_SECONDS = 0.2
"""How long the end of a body is waited for after the answer's: usually it has arrived with it."""
MOST_EVENT_BYTES = 4 * 1024 * 1024

# Where servers tell how busy they are, under their root and not under /v1.
_TELLERS = (("slots", load_from_slots), ("metrics", load_from_metrics))

StreamItem = Piece | CallPiece | PromptProgress | Finished


class Endpoint(Struct, frozen=True):
    """Where a model is served. `embedded` is our own llama.cpp server, which understands more."""

    base_url: str
    model: str
    api_key: str = ""
    embedded: bool = False
    adapter: bool = False
    """Whether it has an adapter loaded, of which each request says how much goes in."""


class MakeTransport(Protocol):
    """Makes the connections of a client; certificates are loaded where they are to `verify` servers."""

    def __call__(self, *, verify: bool) -> httpx2.AsyncBaseTransport: ...


class Client:
    """Streams generations from one endpoint.

    Args:
        endpoint: The server and the model's name on it.
        silence: Longest time in seconds without a byte before the server is given up.
    """

    make_transport: ClassVar[MakeTransport | None] = None
    """For all clients of a process that asks so often that loading other connections than `httpx2`'s own pays
    (`transport`)."""

    def __init__(self, endpoint: Endpoint, *, silence: float = 600.0) -> None:
        self.endpoint = endpoint
        headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
        try:
            url = httpx2.URL(endpoint.base_url)
            host = url.host
            if url.port is not None and url.port > 65_535:
                raise httpx2.InvalidURL(f"there is no port {url.port}")
        except httpx2.InvalidURL as error:
            raise ServerUnreachable(
                f"{endpoint.base_url!r} is not an address: {error}.",
                hint="It should look like http://host:port/v1.",
            ) from error
        # A proxy for the outside must not see what is said to a model on this machine; and loading
        # certificates that no loopback server needs would cost a fifth of the time to the first request.
        trusting = host not in ("127.0.0.1", "localhost", "::1")
        verify = not endpoint.base_url.startswith("http://")
        make = self.make_transport
        proxied = trusting and bool(getproxies().keys() - {"no"})
        self.silence = silence
        self._root = endpoint.base_url.rstrip("/").removesuffix("/v1")
        self._tellers = _TELLERS
        self._completions = httpx2.URL(endpoint.base_url.rstrip("/") + "/chat/completions")
        self._headers = {**headers, "Content-Type": "application/json", "Accept": "text/event-stream"}
        self._patience = {"timeout": httpx2.Timeout(silence, connect=10.0).as_dict()}
        self._http = httpx2.AsyncClient(
            base_url=endpoint.base_url.rstrip("/") + "/",
            headers=headers,
            timeout=httpx2.Timeout(silence, connect=10.0),
            trust_env=trusting,
            verify=verify,
            # How many may ask at once is decided elsewhere; waiting unseen for a connection helps nobody.
            limits=httpx2.Limits(
                max_connections=None, max_keepalive_connections=20, keepalive_expiry=IDLE_SECONDS
            ),
            # Proxies are left to `httpx2`, which knows what their variables mean.
            transport=make(verify=verify) if make and not proxied else None,
        )

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def stream(
        self, request: Request, *, model: str = "", on_answer: Callable[[], None] = lambda: None
    ) -> AsyncGenerator[StreamItem]:
        """Pieces of text and prompt progress in order, and `Finished` last.

        `model` names another model of the server than the endpoint's. `on_answer` is called when the server
        has begun to answer: what fails before may be asked of another server.
        """
        name = model or self.endpoint.model
        body = request.body(name, embedded=self.endpoint.embedded, adapter=self.endpoint.adapter)
        reader = ChunkReader(detailed=request.top_logprobs is not None)
        with self._explained(reader):
            # Built here: the client would put the same address and headers together for each request.
            request_out = httpx2.Request(
                "POST",
                self._completions,
                headers=self._headers,
                content=msgspec.json.encode(body),
                extensions=self._patience,
            )
            async with contextlib.aclosing(await self._sent(request_out)) as response:
                if response.status_code != 200:
                    await response.aread()
                    raise self._refusal(response, name)
                on_answer()
                async with contextlib.aclosing(_events(response)) as events:
                    async for event in events:
                        for item in reader.read(event):
                            yield item
                        if reader.done:
                            await _read_out(events)
                            break
        yield reader.end()

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; once more where its connection ends before a byte of the answer.

        A server may close a connection that was kept in the moment in which it is used again. Nothing was answered
        then, and asking for the same words twice does no harm.
        """
        try:
            return await self._http.send(request, stream=True)
        except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError):
            return await self._http.send(request, stream=True)

    async def embed(
        self, texts: Sequence[str], *, model: str = "", on_answer: Callable[[], None] = lambda: None
    ) -> Embeddings:
        """The vectors of `texts`, in their order; `model` and `on_answer` as for `stream`."""
        name = model or self.endpoint.model
        with self._explained(None):
            response = await self._http.post("embeddings", json=embeddings_body(name, texts))
            if response.status_code != 200:
                raise self._refusal(response, name)
        on_answer()
        try:
            return read_embeddings(response.content, texts)
        except ValueError as error:  # msgspec's errors are among them
            raise self._not_openai() from error

    async def models(self) -> list[str]:
        """Names of the models that the server offers."""
        return await self._listed(httpx2.Timeout(LISTING_SECONDS))

    async def health(self) -> Health:
        """What the server says of itself, within a few seconds; raises where it does not answer or is not well.

        A server that has no `/health` is well if it lists its models. How busy it is may remain open: llama.cpp
        tells that between two batches only, so a slow answer there is no sign of illness.
        """
        patience = httpx2.Timeout(LOOK_SECONDS, connect=LOOK_CONNECT_SECONDS)
        try:
            with self._explained(None, LOOK_SECONDS):
                response = await self._http.get(f"{self._root}/health", timeout=patience)
                if response.status_code >= 500:
                    raise self._refusal(response, self.endpoint.model)
                models = await self._listed(patience)
                return Health(tuple(models), await self._load(patience))
        except ModelError:
            self._tellers = _TELLERS  # what answers there next may be another kind of server
            raise

    async def _load(self, patience: httpx2.Timeout) -> Load | None:
        """How busy it says it is. Which question it answers is remembered, and the others asked no more."""
        for teller in self._tellers:
            path, read = teller
            try:
                response = await self._http.get(f"{self._root}/{path}", timeout=patience)
            except httpx2.ReadTimeout:
                return None
            if response.status_code == 200 and (load := read(response.content)) is not None:
                self._tellers = (teller,)
                return load
        self._tellers = ()
        return None

    async def _listed(self, patience: httpx2.Timeout) -> list[str]:
        with self._explained(None, patience.read):
            response = await self._http.get("models", timeout=patience)
            if response.status_code != 200:
                raise self._refusal(response, self.endpoint.model)
            try:
                body = msgspec.json.decode(response.content, type=dict[str, list[dict[str, Any]] | Any])
                return [str(entry["id"]) for entry in body["data"]]
            except (msgspec.MsgspecError, KeyError, TypeError) as error:
                raise self._not_openai() from error

    @contextlib.contextmanager
    def _explained(self, reader: ChunkReader | None, patience: float | None = None) -> Generator[None]:
        """Turn transport failures into errors that a person can act on; `patience` if it is not `silence`."""
        url = self.endpoint.base_url
        partial = reader.text if reader else ""
        try:
            yield
        except httpx2.SSEError as error:
            raise self._not_openai() from error
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise ServerUnreachable(
                f"No model server answers at {url}.",
                hint="Start it, or correct base_url (`pierian config set base_url …`).",
            ) from error
        except httpx2.TimeoutException as error:
            raise ServerTimeout(
                f"The model server at {url} has been silent for {patience or self.silence:.0f} seconds.",
                hint="It may be overloaded: try again, or raise silence_seconds.",
            ) from error
        except (
            httpx2.RemoteProtocolError,
            httpx2.ReadError,
            httpx2.WriteError,
            httpx2.DecodingError,
        ) as error:
            raise StreamBroken(
                f"The connection to the model server at {url} broke in the middle of the answer.",
                partial=reader.text if reader else partial,
                hint="Try again; if it happens again, look at the server's log.",
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ServerUnreachable(
                f"{url!r} cannot be used as a model server: {error}.",
                hint="It should look like http://host:port/v1.",
            ) from error

    def _not_openai(self) -> StreamBroken:
        return StreamBroken(
            f"The server at {self.endpoint.base_url} does not speak the OpenAI wire format.",
            hint="Check base_url; most servers want it to end in /v1.",
        )

    def _refusal(self, response: httpx2.Response, model: str) -> ModelError:
        status, url = response.status_code, self.endpoint.base_url
        try:
            body: Any = msgspec.json.decode(response.content)
        except (msgspec.MsgspecError, UnicodeError):
            body = response.content[:300].decode("utf-8", "replace")
        text = error_text(body) or "no reason given"
        error: Any = body.get("error") if isinstance(body, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if isinstance(error, dict) and error.get("type") == "exceed_context_size_error":  # pyright: ignore[reportUnknownMemberType]
            counts = msgspec.convert(error, type=dict[str, Any])
            return ContextOverflow(
                prompt_tokens=counts.get("n_prompt_tokens"), context_tokens=counts.get("n_ctx")
            )
        if status in (400, 413) and re.search(
            r"context (?:length|size|window)|maximum context|too long", text.lower()
        ):
            return ContextOverflow(prompt_tokens=None, context_tokens=None)
        if status in (401, 403):
            return ServerRefused(
                f"The model server at {url} refused the key: {text}", status=status, hint="Set api_key."
            )
        if status == 404:
            return ServerRefused(
                f"The model server at {url} does not know the model {model!r} or this address: {text}",
                status=status,
                hint="See which models it has with `pierian models list`; base_url usually ends in /v1.",
            )
        if status == 429:
            wait = response.headers.get("retry-after")
            hint = f"Try again in {wait} seconds." if wait else "Try again later."
            return ServerRefused(f"The model server at {url} is too busy: {text}", status=status, hint=hint)
        hint = "Try again; the server's log says more." if status >= 500 else ""
        return ServerRefused(f"The model server at {url} answered {status}: {text}", status=status, hint=hint)


async def _events(response: httpx2.Response) -> AsyncGenerator[str]:
    """The `data` of each server-sent event; names and ids of events are not used in this format."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "text/event-stream":
        raise httpx2.SSEError(f"Expected an event stream, got {kind!r}.")
    rest, data = b"", list[bytes]()
    async for part in response.aiter_bytes():
        *lines, rest = (rest + part).split(b"\n")
        if len(rest) > MOST_EVENT_BYTES:
            raise httpx2.SSEError(f"An event is larger than {MOST_EVENT_BYTES} bytes.")
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" ").removesuffix(b"\r"))
            elif data and line in (b"", b"\r"):
                yield b"\n".join(data).decode("utf-8", "replace")
                data.clear()
    if data:
        yield b"\n".join(data).decode("utf-8", "replace")


async def _read_out(events: AsyncGenerator[str]) -> None:
    """Read the end of a body whose answer is complete: only then can its connection serve the next request."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_SECONDS):
            async for _ in events:
                pass
