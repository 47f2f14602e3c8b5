"""Stands between a browser and a web app and counts what passes: bytes to the browser, and requests to the app.

Only so everything is counted: what a page's own tools show leaves out what its service worker fetches. It is for
counting, never for times.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from collections.abc import Generator

_REQUEST = re.compile(rb"^[A-Z]+ \S+ HTTP/1\.1\r$", re.MULTILINE)


class Relay:
    """One relay to a port of this machine; counts from the beginning, or from the last `taken`."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._bytes = self._requests = 0
        self.port = 0
        self.last = time.monotonic()
        """When anything passed."""

    def taken(self) -> tuple[int, int]:
        """Bytes to the browser, and requests; both begin anew."""
        found = self._bytes, self._requests
        self._bytes = self._requests = 0
        return found

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward, back = await asyncio.open_connection("127.0.0.1", self._to)
        with contextlib.suppress(
            asyncio.CancelledError
        ):  # at the end of the relay, of which nothing need be said
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, back, up=True))
                both.create_task(self._pass(onward, writer, up=False))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        with contextlib.suppress(ConnectionError), contextlib.closing(writer):
            while data := await reader.read(1 << 16):
                if up:
                    self._requests += len(_REQUEST.findall(data))
                else:
                    self._bytes += len(data)
                self.last = time.monotonic()
                writer.write(data)
                await writer.drain()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._over.wait()
        server.close()

    @contextlib.contextmanager
    def running(self) -> Generator[Relay]:
        """While the block lasts, in a thread of its own."""
        ready = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        thread.start()
        ready.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._over.set)
            thread.join(10)
