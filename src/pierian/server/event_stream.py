"""A response that is written while its answer is made, and that ends the making the moment the client goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send


class EventStream:
    """An ASGI application that sends server-sent events.

    Args:
        frames: The bytes to send; closed in every case, at the latest when the client has gone.
    """

    def __init__(self, frames: AsyncGenerator[bytes], headers: Mapping[str, str]) -> None:
        self._frames = frames
        told = {"content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no", **headers}
        self._headers = [(name.encode(), value.encode("latin-1")) for name, value in told.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the frames end or the client goes."""
        start: Any = {"type": "http.response.start", "status": 200, "headers": self._headers}
        await send(start)
        sending, gone = asyncio.create_task(self._send(send)), asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, gone):
                task.cancel()
            await asyncio.gather(sending, gone, return_exceptions=True)

    async def _send(self, send: Any) -> None:
        async with contextlib.aclosing(self._frames):
            async for frame in self._frames:
                await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
