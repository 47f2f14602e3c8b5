"""A response that is written while its answer is made, and that ends the making the moment the client goes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send


LOG = logging.getLogger("pierian.server")
PING_SECONDS = 15.0
UNREAD_SECONDS = 60.0
"""A client that reads nothing for so long is taken to have gone."""


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
        self._pending_since = 0.0
        """Since when a frame waits for the client to read; 0 where none does."""
        told = {"content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no", **headers}
        self._headers = [(name.encode(), value.encode("latin-1")) for name, value in told.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the frames end or the client goes."""
        start: Any = {"type": "http.response.start", "status": 200, "headers": self._headers}
        await send(start)
        sending, gone = asyncio.create_task(self._send(send)), asyncio.create_task(_gone(receive))
        pinging = asyncio.create_task(self._keep_alive(send))
        try:
            await asyncio.wait({sending, gone, pinging}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done() and (error := sending.exception()) is not None:
                number = scope["state"].get("request_id", "")
                LOG.error("fault in a stream", exc_info=error, extra={"fields": {"request": number}})
        finally:
            for task in (sending, gone, pinging):
                task.cancel()
            await asyncio.gather(sending, gone, pinging, return_exceptions=True)

    async def _send(self, send: Any) -> None:
        async with contextlib.aclosing(self._frames):
            async for frame in self._frames:
                self._sent_at = self._pending_since = monotonic()
                await send({"type": "http.response.body", "body": frame, "more_body": True})
                self._pending_since = 0.0
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _keep_alive(self, send: Any) -> None:
        """A sign of life whenever nothing was sent for a while; ends where the client reads nothing any more."""
        self._sent_at = monotonic()
        while True:
            await asyncio.sleep(max(0.1, self._sent_at + PING_SECONDS - monotonic()))
            if self._pending_since:
                if monotonic() - self._pending_since > UNREAD_SECONDS:
                    return
            elif monotonic() - self._sent_at >= PING_SECONDS:
                self._sent_at = monotonic()
                await send({"type": "http.response.body", "body": self._ping, "more_body": True})


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
