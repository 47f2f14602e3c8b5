"""Group commit: what many callers ask for at the same time is written in one transaction, by one thread.

While a transaction is being written the next pieces of work gather, and go together into the one after it. Callers
of an event loop wait without blocking it; all that they ask for in one round of the loop is handed over at once. A
caller without a loop, or one that may not yield (`KeyCap`), waits in place.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future as Promise
from contextlib import suppress
from typing import Any

from msgspec import Struct

from pierian.metering.work import Outcome, Work

MOST = 256
"""Pieces of work in one transaction: others wait for the database, too."""

Loop = asyncio.AbstractEventLoop


class Waiting(Struct):
    """A piece of work and whoever waits for what comes of it."""

    work: Work
    promise: Promise[Outcome] | asyncio.Future[Outcome]
    loop: Loop | None = None


class Batches:
    """Writes batches with `write` in a thread of its own, from `start` to `close`."""

    def __init__(self, write: Callable[[Sequence[Work]], list[Outcome]]) -> None:
        self._write = write
        self._queue: queue.SimpleQueue[list[Waiting] | None] = queue.SimpleQueue()
        self._gathered: dict[Loop, list[Waiting]] = {}
        self._thread = threading.Thread(target=self._serve, name="pierian-meter", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what was handed over, and end."""
        for loop in list(self._gathered):
            self._hand_over(loop)
        self._queue.put(None)
        self._thread.join()

    def put(self, work: Work) -> asyncio.Future[Outcome]:
        """Hand work over from an event loop; it is written also if nobody waits for it."""
        self._check_open()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        gathered = self._gathered.get(loop)
        if gathered is None:
            gathered = self._gathered[loop] = []
            loop.call_soon(self._hand_over, loop)
        gathered.append(Waiting(work, future, loop))
        return future

    def wait(self, work: Work) -> Outcome:
        """Hand work over and wait in place for what comes of it."""
        self._check_open()
        promise = Promise[Outcome]()
        self._queue.put([Waiting(work, promise)])
        return promise.result()

    @property
    def open(self) -> bool:
        """Whether anybody writes."""
        return self._thread.is_alive()

    def _check_open(self) -> None:
        if not self.open:
            raise RuntimeError("The meter is not open: use it inside `with Meter(…)`.")

    def _hand_over(self, loop: Loop) -> None:
        if gathered := self._gathered.pop(loop, None):
            self._queue.put(gathered)

    def _serve(self) -> None:
        ending = False
        while not ending:
            batch, more = list[Waiting](), self._queue.get()
            while True:
                ending = ending or more is None
                batch += more or ()
                if len(batch) >= MOST:
                    break
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
            if batch:
                self._settle(batch)

    def _settle(self, batch: Sequence[Waiting]) -> None:
        results: Sequence[Outcome | Exception]
        try:
            results = self._write([one.work for one in batch])
        except Exception as error:  # noqa: BLE001 (whatever it is, nobody may wait for ever)
            results = [error] * len(batch)
        by_loop = dict[Loop, list[tuple[Any, Any]]]()
        for one, result in zip(batch, results, strict=True):
            if one.loop is None:
                _resolve([(one.promise, result)])
            else:
                by_loop.setdefault(one.loop, []).append((one.promise, result))
        for loop, resolved in by_loop.items():
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_resolve, resolved)


def _resolve(resolved: Sequence[tuple[Any, Any]]) -> None:
    for promise, result in resolved:
        if promise.done():  # whoever waited was cancelled
            continue
        if isinstance(result, Exception):
            promise.set_exception(result)
        else:
            promise.set_result(result)
