"""A response that is written while its answer is made, and that ends the making the moment the client goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send


PING_SECONDS = 15.0


class EventStream:
    """An ASGI application that sends server-sent events.

    Args:
        frames: The bytes to send; closed in every case, at the latest when the client has gone.
        ping: Sent where nothing else was for a while, so that no proxy takes the silence for the end.
    """

    def __init__(
        self, frames: AsyncGenerator[bytes], headers: Mapping[str, str], ping: bytes = b": ping\n\n"
    ) -> None:
        self._frames = frames
        self._ping = ping
        self._sent_at = 0.0
        told = {"content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no", **headers}
        self._headers = [(name.encode(), value.encode("latin-1")) for name, value in told.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the frames end or the client goes."""
        start: Any = {"type": "http.response.start", "status": 200, "headers": self._headers}
        await send(start)
        sending, gone = asyncio.create_task(self._send(send)), asyncio.create_task(_gone(receive))
        pinging = asyncio.create_task(self._keep_alive(send))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, gone, pinging):
                task.cancel()
            await asyncio.gather(sending, gone, pinging, return_exceptions=True)

    async def _send(self, send: Any) -> None:
        async with contextlib.aclosing(self._frames):
            async for frame in self._frames:
                self._sent_at = monotonic()
                await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _keep_alive(self, send: Any) -> None:
        """A sign of life whenever nothing was sent for a while."""
        self._sent_at = monotonic()
        while True:
            await asyncio.sleep(max(0.0, self._sent_at + PING_SECONDS - monotonic()))
            if monotonic() - self._sent_at >= PING_SECONDS:
                self._sent_at = monotonic()
                await send({"type": "http.response.body", "body": self._ping, "more_body": True})


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
