"""One request for an answer, from who asks to the last byte of the response, whatever wire format it is in.

A request that fails before the first piece of its answer gets a status of its own; after that the stream says what
went wrong. A client that leaves is noticed at once, and what was being made for it ends.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from litestar import Request
from litestar.response.base import ASGIResponse
from msgspec import Struct

from pierian.access import AccessDenied, Key
from pierian.access.users import LOCAL
from pierian.exceptions import PierianError
from pierian.metering import Caller
from pierian.server.answering import answer
from pierian.server.call import Call, Ended, Item
from pierian.server.errors import ApiError, from_exception
from pierian.server.event_stream import EventStream
from pierian.server.idempotency import Kept, Place
from pierian.server.request_body import while_there
from pierian.server.service import Service

LOG = logging.getLogger("pierian.server")
HttpRequest = Request[Any, Any, Any]


class Writer(Protocol):
    """Writes one answer in a wire format: frames of a stream as items come, or `whole` at the end."""

    def opening(self) -> list[bytes]: ...

    def item(self, item: Item) -> list[bytes]: ...

    def failed(self, error: ApiError) -> list[bytes]: ...

    def closing(self) -> list[bytes]: ...

    def ping(self) -> bytes: ...

    def whole(self) -> dict[str, Any]: ...


class Asked(Struct, frozen=True):
    """A request that is in order: who asks, for what, and who writes the answer."""

    caller: Caller
    call: Call
    writer: Writer
    path: str
    body: bytes
    idempotency_key: str
    began: float
    keep: Callable[[], Awaitable[None]] | None = None
    """Stores the answer once it is whole, for clients that come back to it."""


async def identified(service: Service, request: HttpRequest) -> tuple[Caller, Key | None]:
    """Who asks; raises `ApiError`."""
    given = request.headers.get("authorization", "")
    kind, _, secret = given.partition(" ")
    if given and kind.lower() != "bearer":
        raise _unauthorized("The Authorization header has to be 'Bearer' and the key.")
    secret = secret.strip() or request.headers.get("x-api-key", "")
    if not secret and not service.keyless:
        raise _unauthorized("No key was sent. Send one as 'Authorization: Bearer …'.")
    try:
        caller, key = await service.caller(secret)
    except AccessDenied as denied:
        note(request, refused=denied.reason)
        raise _unauthorized(f"{denied} {denied.hint}") from denied
    note(request, key=caller.key[:12] or None)
    return caller, key


def check_grant(key: Key | None, *, model: str, mode: str | None = None) -> None:
    """Raise `ApiError` where the key does not allow the mode, which works with the model, or the model by itself."""
    if key is not None and not key.grant.allows(mode=mode, model=model):
        what = f"the mode {mode!r}" if mode is not None else f"the model {model!r}"
        raise ApiError(
            403,
            f"This key does not allow {what}. GET /v1/models lists what it allows.",
            param="model",
            code="not_allowed",
        )


async def respond(service: Service, request: HttpRequest, asked: Asked) -> Any:
    """The response to a request that is in order."""
    place = None
    if asked.idempotency_key:
        owner = asked.caller.key or LOCAL
        begun = await service.idempotency.begin(owner, asked.idempotency_key, asked.path, asked.body)
        if isinstance(begun, Kept):
            return _again(begun)
        place = begun
    async with service.idempotency.answering(place):
        return await _Making(service, asked, place).response(request)


class _Making:
    """An answer in the making, and everything that has to be given back when it ends."""

    def __init__(self, service: Service, asked: Asked, place: Place | None) -> None:
        self._service = service
        self._asked = asked
        self._place = place
        self._number = ""
        # Asked for together with the first reservation: both are decided in one transaction.
        self._admission = asyncio.create_task(service.meter.admit(asked.caller))
        self._items = answer(service, asked.call, asked.caller, self._admission)
        self._span = service.telemetry.begin(asked.call)
        service.metrics.answering.inc()

    async def response(self, request: HttpRequest) -> Any:
        """A stream that has begun, or the whole answer."""
        self._number = request.scope["state"].get("request_id", "")
        try:
            first = await while_there(request, anext(self._items))
            headers = (await self._admission).standing.headers()
            self._service.metrics.first(
                self._service.label(self._asked.call), time.perf_counter() - self._asked.began
            )
            if self._asked.call.stream:
                return EventStream(self._frames(first), headers, self._asked.writer.ping())
            await while_there(request, self._take_all(first))
            body = msgspec.json.encode(self._asked.writer.whole())
        except BaseException as error:
            await self._end(error)
            raise
        await self._end(None)
        await asyncio.shield(self._store(body, streamed=False))
        return json_response(body, headers)

    async def _store(self, answered: bytes, *, streamed: bool) -> None:
        """Store a whole answer for whoever comes back to it; where it cannot be, the answer is given all the same."""
        place, self._place = self._place, None
        try:
            if self._asked.keep is not None:
                await self._asked.keep()
            if place is not None:
                await self._service.idempotency.keep(place, answered.decode(), streamed=streamed)
        except PierianError as error:
            LOG.error("an answer could not be kept", exc_info=error)

    async def _take_all(self, first: Item) -> None:
        self._take(first)
        async for item in self._items:
            self._take(item)

    def _take(self, item: Item) -> list[bytes]:
        if isinstance(item, Ended):
            used = item.used
            self._span.answered(item.reason, used)
            self._service.metrics.answered(
                self._service.label(self._asked.call),
                item.reason,
                prompt=used.prompt_tokens,
                cached=used.cached_tokens,
                completion=used.completion_tokens,
            )
        return self._asked.writer.item(item)

    async def _frames(self, first: Item) -> AsyncGenerator[bytes]:
        """All bytes of the stream. What goes wrong now is told in it."""
        writer, sent, failure = self._asked.writer, list[bytes](), None
        try:
            frames = [*writer.opening(), *self._take(first)]
            yield self._remembered(sent, frames)
            async for item in self._items:
                frames = self._take(item)
                if isinstance(item, Ended):
                    # Kept before its end is sent: the client may leave, or ask again, the moment it has that.
                    frames += writer.closing()
                    await asyncio.shield(self._store(b"".join([*sent, *frames]), streamed=True))
                yield self._remembered(sent, frames)
        except PierianError as error:
            failure, told = error, from_exception(error)
            log_cause(told, self._number)
            yield b"".join(writer.failed(told))
        except Exception as error:  # the edge of a request: its stream tells of our own faults too
            failure = error
            LOG.error("fault in an answer", exc_info=error)
            yield b"".join(
                writer.failed(ApiError(500, "Something went wrong inside the server.", code="fault"))
            )
        finally:
            await self._end(failure)
            if self._place is not None:
                await self._service.idempotency.forget(self._place)

    def _remembered(self, sent: list[bytes], frames: Sequence[bytes]) -> bytes:
        """The frames as one; they are kept only where the request may be repeated."""
        joined = b"".join(frames)
        if self._place is not None:
            sent.append(joined)
        return joined

    async def _end(self, error: BaseException | None) -> None:
        if error is not None:
            self._service.metrics.answered(self._service.label(self._asked.call), "failed")
        self._span.end(self._service.label(self._asked.call), error)
        self._service.metrics.answering.dec()
        await self._items.aclose()
        self._admission.cancel()
        await asyncio.gather(self._admission, return_exceptions=True)
        if not self._admission.cancelled() and self._admission.exception() is None:
            self._service.meter.leave(self._admission.result())


def log_cause(told: ApiError, number: str) -> None:
    """Tell the log what a client is not told: why the server, or what is behind it, failed on a request."""
    cause = told.__cause__
    if isinstance(cause, PierianError) and str(cause) not in str(told):
        fields = {"request": number, "code": told.code, "cause": f"{cause} {cause.hint}".strip()}
        LOG.warning("request failed", extra={"fields": fields})


def _again(kept: Kept) -> Any:
    """What the first request was answered."""
    headers = {"idempotency-replayed": "true"}
    if not kept.streamed:
        return json_response(kept.body.encode(), headers)

    async def frames() -> AsyncGenerator[bytes]:
        yield kept.body.encode()

    return EventStream(frames(), headers)


def json_response(body: bytes, headers: Mapping[str, str], status: int = 200) -> ASGIResponse:
    """A response whose body is encoded already."""
    return ASGIResponse(body=body, media_type="application/json", headers=dict(headers), status_code=status)


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, message, code="invalid_api_key", kind="authentication_error")


def note(request: HttpRequest, **fields: Any) -> None:
    """Add to the request's line in the log; never what a message says."""
    request.scope["state"].setdefault("log", {}).update({k: v for k, v in fields.items() if v is not None})


def identity(prefix: str) -> str:
    """A new id, such as `chatcmpl-…`."""
    return f"{prefix}{secrets.token_hex(12)}"
