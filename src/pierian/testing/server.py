"""Serves a double over a real loopback socket in the OpenAI wire format, with faults on request.

A small HTTP/1.1 server on asyncio streams, one request a connection: `GET /v1/models`, `POST
/v1/chat/completions`, streamed or whole, `POST /v1/embeddings`, and what a server of its kind says of itself
(`monitoring`). It is for tests: it trusts its client and keeps everything that it received.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import msgspec

from pierian.exceptions import PierianError, StreamBroken
from pierian.models.client import StreamItem
from pierian.models.model import Model
from pierian.models.wire import CallPiece, Finished, Piece, Request
from pierian.testing.faults import (
    CloseMidStream,
    ErrorMidStream,
    Fault,
    Garbage,
    IgnoreSchema,
    InvalidText,
    NotAStream,
    NoUsage,
    Overflow,
    Refuse,
    Silence,
)
from pierian.testing.monitoring import Kind, told
from pierian.testing.plain_http import Response, read_request
from pierian.testing.wire_format import chunk, embedded, error_object, request_of, whole


@dataclass(frozen=True, slots=True)
class Received:
    """One HTTP request as it came; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class _Hangup(Exception):
    """Close this connection without another word."""


class ModelServer:
    """What `serve` gives: where the double answers, and what came in.

    `faults`, `tokens_per_second`, `chunk_bytes`, `slots` and `others` may be changed between requests.
    `disconnected` is set when a client leaves before its answer is complete, `streaming` when a first piece was
    sent. `running` counts the generations in progress; `others` are requests that it pretends to have besides.
    """

    def __init__(
        self,
        model: Model,
        faults: tuple[Fault, ...],
        *,
        api_key: str,
        tokens_per_second: float | None,
        chunk_bytes: int | None,
        kind: Kind,
        slots: int,
    ) -> None:
        self.model = model
        self.kind: Kind = kind
        self.slots = slots
        self.running = self.others = 0
        self.faults = faults
        self.api_key = api_key
        self.tokens_per_second = tokens_per_second
        self.chunk_bytes = chunk_bytes
        self.base_url = ""
        self.received: list[Received] = []
        self.disconnected = asyncio.Event()
        self.streaming = asyncio.Event()
        self.mistakes: list[BaseException] = []
        """What the double raised that is no model error, such as `UnexpectedCall`; raised again by `serve`."""

    @property
    def bodies(self) -> list[Any]:
        """The JSON bodies of the generations asked for, in order."""
        return [r.body for r in self.received if r.method == "POST"]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            parts = await read_request(reader)
            if parts is None:
                return
            received = Received(*parts)
            self.received.append(received)
            await self._until_gone(received, reader, writer)
        except (ConnectionError, EOFError, _Hangup):
            pass
        except Exception as error:  # noqa: BLE001 - what was sent cannot be read, or the double failed: raised by `serve`
            self.mistakes.append(error)
        finally:
            writer.close()

    async def _until_gone(
        self, received: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer until done, or until the client leaves."""
        out = Response(writer, self.chunk_bytes)
        answering = asyncio.create_task(self._answer(received, out))
        # The client has nothing more to say, so whatever it "sends" now is the end of the connection.
        gone = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done() and not out.complete:
                self.disconnected.set()
                raise _Hangup
            try:
                await answering
            except ConnectionError:
                if not out.complete:
                    self.disconnected.set()
                raise
        finally:
            for task in (answering, gone):
                task.cancel()
            await asyncio.gather(answering, gone, return_exceptions=True)

    async def _answer(self, received: Received, out: Response) -> None:
        if self.api_key and received.headers.get("authorization") != f"Bearer {self.api_key}":
            await out.json(401, error_object("Invalid API Key", "authentication_error", 401))
            return
        answer = self._route(received)
        if answer is None:
            await out.json(404, error_object("File Not Found", "not_found_error", 404))
        elif not await self._refused(out):
            await answer(out)

    def _route(self, received: Received) -> Callable[[Response], Awaitable[None]] | None:
        """What answers a request; None where there is nothing at its path."""
        path = received.path.rpartition("/v1")[2]
        match received.method, path:
            case "POST", "/chat/completions":
                return functools.partial(self._generate, received.body)
            case "POST", "/embeddings":
                return functools.partial(self._embed, received.body)
            case "GET", "/models":
                return self._list
            case "GET", _:
                about = told(self.kind, path, self.model.name, self.running + self.others, self.slots)
                return functools.partial(_send, about) if about else None
            case _:
                return None

    async def _list(self, out: Response) -> None:
        owned = {"object": "model", "owned_by": "pierian.testing"}
        entries = [{"id": name, **owned} for name in await self.model.models()]
        await out.json(200, {"object": "list", "data": entries})

    async def _generate(self, body: Any, out: Response) -> None:
        request = request_of(body)
        if self._fault(IgnoreSchema):
            request = msgspec.structs.replace(request, schema=None)
        self.running += 1
        try:
            await (self._stream(request, out) if body.get("stream") else self._whole(request, out))
        finally:
            self.running -= 1

    async def _embed(self, body: Any, out: Response) -> None:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        try:
            found = await self.model.embed(texts)
        except PierianError as error:
            await out.json(500, error_object(str(error), "server_error", 500))
            return
        await out.json(200, embedded(self.model.name, found))

    async def _refused(self, out: Response) -> bool:
        """Faults that take the place of the whole answer."""
        for fault in self.faults:
            match fault:
                case Refuse(status, message, headers, raw):
                    body = raw if raw is not None else error_object(message, "server_error", status)
                    await out.json(status, body, headers)
                    return True
                case Overflow(prompt, context):
                    text = (
                        f"the request exceeds the available context size ({prompt} tokens), "
                        f"try increasing it (context is {context})"
                    )
                    error = error_object(text, "exceed_context_size_error", 400)
                    error["error"] |= {"n_prompt_tokens": prompt, "n_ctx": context}
                    await out.json(400, error)
                    return True
                case NotAStream(content, kind):
                    await out.whole(200, content.encode(), kind)
                    return True
                case Silence(after=0):
                    await asyncio.Event().wait()
                case _:
                    pass
        return False

    async def _whole(self, request: Request, out: Response) -> None:
        items: list[StreamItem] = []
        try:
            async with contextlib.aclosing(self.model.stream(request)) as stream:
                items.extend([item async for item in stream])
        except PierianError as error:
            await out.json(500, error_object(str(error), "server_error", 500))
            return
        except Exception as error:  # a mistake of the test's own: `serve` raises it again
            self.mistakes.append(error)
            raise _Hangup from error
        await out.json(200, whole(self.model.name, items))

    async def _stream(self, request: Request, out: Response) -> None:
        await out.start(200, {"Content-Type": "text/event-stream; charset=utf-8"})
        sent = 0
        started = asyncio.get_running_loop().time()
        try:
            async with contextlib.aclosing(self.model.stream(request)) as stream:
                async for item in stream:
                    if isinstance(item, Finished):
                        await self._misbehave(sent, out, at_end=True)
                        await self._finish(item, out)
                        return
                    if isinstance(item, Piece | CallPiece):
                        await self._misbehave(sent, out)
                        await self._keep_time(started, sent)
                        sent += 1
                    await out.event(chunk(self.model.name, item, logprobs=request.logprobs))
                    self.streaming.set()
        except StreamBroken:
            raise _Hangup from None
        except PierianError as error:
            await out.event(error_object(str(error), "server_error", 500), last=True)
        except (_Hangup, ConnectionError):
            raise
        except Exception as error:  # a mistake of the test's own: `serve` raises it again
            self.mistakes.append(error)
            raise _Hangup from error

    async def _keep_time(self, started: float, sent: int) -> None:
        """Wait until the next piece is due; measured from the start, so that delays do not add up."""
        if self.tokens_per_second:
            due = started + (sent + 1) / self.tokens_per_second
            await asyncio.sleep(due - asyncio.get_running_loop().time())

    async def _misbehave(self, sent: int, out: Response, *, at_end: bool = False) -> None:
        """Faults that strike between pieces; at the latest at the end of a shorter answer."""
        for fault in self.faults:
            match fault:
                case CloseMidStream(after, politely) if sent == after or (at_end and sent < after):
                    if politely:
                        out.end()
                    raise _Hangup
                case ErrorMidStream(after, message) if sent == after or (at_end and sent < after):
                    await out.event(error_object(message, "server_error", 500))
                case Garbage(after, data) if sent == after or (at_end and sent < after):
                    await out.send(f"data: {data}\n\n".encode())
                case InvalidText(after) if sent == after or (at_end and sent < after):
                    await out.send(b'data: {"choices":[{"delta":{"content":"\xff\xfe\x80"}}]}\n\n')
                case Silence(after) if sent == after or (at_end and sent < after):
                    await asyncio.Event().wait()
                case _:
                    pass

    async def _finish(self, item: Finished, out: Response) -> None:
        await out.event(chunk(self.model.name, item))
        if not self._fault(NoUsage):
            await out.event(chunk(self.model.name, item.usage))
        await out.send(b"data: [DONE]\n\n", last=True)

    def _fault(self, kind: type[Fault]) -> bool:
        return any(isinstance(fault, kind) for fault in self.faults)


async def _send(content: tuple[bytes, str], out: Response) -> None:
    await out.whole(200, *content)


@contextlib.asynccontextmanager
async def serve(
    model: Model,
    *faults: Fault,
    api_key: str = "",
    tokens_per_second: float | None = None,
    chunk_bytes: int | None = None,
    kind: Kind = "llama.cpp",
    slots: int = 4,
    port: int = 0,
) -> AsyncGenerator[ModelServer]:
    """Serve `model` on a loopback port while the block lasts.

    Args:
        faults: What goes wrong, with every request.
        api_key: The key that is asked for; empty for none.
        tokens_per_second: A fixed rate, which the double must be able to keep.
        chunk_bytes: Cut streams into pieces of that many bytes, in the middle of characters too.
        kind: Whose habits it has when it is asked for its health.
        slots: How many requests it says it works on side by side; it takes any number.
        port: Where; any free one by default. With the port of a server that has ended it is back.

    Raises:
        Exception: At the end of the block, what the double raised that is no model error.
    """
    server = ModelServer(
        model,
        faults,
        api_key=api_key,
        tokens_per_second=tokens_per_second,
        chunk_bytes=chunk_bytes,
        kind=kind,
        slots=slots,
    )
    connections: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await server.handle(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # the block has ended; nobody waits for this answer
        finally:
            connections.discard(task)

    listening = await asyncio.start_server(handle, "127.0.0.1", port, limit=2**20)
    server.base_url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
    try:
        yield server
    finally:
        listening.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
    if server.mistakes:
        raise server.mistakes[0]


@contextlib.contextmanager
def serve_in_thread(
    model: Model,
    *faults: Fault,
    api_key: str = "",
    tokens_per_second: float | None = None,
    chunk_bytes: int | None = None,
) -> Generator[ModelServer]:
    """`serve` for tests without an event loop of their own: it runs in a thread while the block lasts.

    The server's events belong to the thread's loop: ask `is_set`, do not wait. The double is called there.
    """
    started: Future[ModelServer] = Future()
    ended = threading.Event()
    failures: list[BaseException] = []

    async def main() -> None:
        options = {"api_key": api_key, "tokens_per_second": tokens_per_second, "chunk_bytes": chunk_bytes}
        async with serve(model, *faults, **options) as server:  # pyright: ignore[reportArgumentType]
            started.set_result(server)
            await asyncio.to_thread(ended.wait)

    def body() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            if started.done():
                failures.append(error)
            else:
                started.set_exception(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    try:
        yield started.result()
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]
