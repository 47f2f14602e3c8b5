"""Reads what a client sends, within limits of size and time, and notices when it has gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import msgspec
from litestar import Request

from pierian.server.errors import ApiError

MOST_BYTES = 32 * 1024 * 1024
"""Of a request's body; pictures come in it."""
SILENT_SECONDS = 20.0
"""Longest time in which nothing of a body arrives."""
WHOLE_SECONDS = 120.0
"""Longest time for a whole body."""

T = TypeVar("T")


class ClientGone(Exception):
    """Nobody is there any more to be answered."""


async def read_body(request: Request[Any, Any, Any], most: int | None = None) -> bytes:
    """The whole body, of `most` bytes or `MOST_BYTES`.

    Raises `ApiError` where it is too large or too slow, `ClientGone` where it breaks off.
    """
    most = MOST_BYTES if most is None else min(most, MOST_BYTES)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise _too_large(most)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(WHOLE_SECONDS):
            while True:
                message: Any = await asyncio.wait_for(request.receive(), SILENT_SECONDS)
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > most:
                    raise _too_large(most)
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        raise ApiError(
            408,
            "The body of the request did not arrive in time.",
            code="request_timeout",
            kind="invalid_request_error",
        ) from None


async def while_there(request: Request[Any, Any, Any], work: Awaitable[T]) -> T:
    """The result of `work`, which is cancelled when the client goes; then raises `ClientGone`."""
    task, gone = asyncio.ensure_future(work), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientGone
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request[Any, Any, Any]) -> None:
    while True:
        message: Any = await request.receive()
        if message["type"] == "http.disconnect":
            return


def _too_large(most: int) -> ApiError:
    return ApiError(
        413,
        f"The body of the request is larger than {most:,} bytes, the most that is read here. Send less.",
        code="request_too_large",
        kind="invalid_request_error",
    )


def decoded(body: bytes, kind: type[T], what: str) -> T:
    """A body as a value of `kind`; raises `ApiError`. `what` names it for a person, such as `a run`."""
    try:
        return msgspec.json.decode(body, type=kind)
    except RecursionError:
        raise ApiError(400, f"The body is nested too deeply for {what}.", code="invalid_value") from None
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ApiError(400, f"The body is not {what}: {error}.", code="invalid_value") from None
