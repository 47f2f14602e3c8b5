"""Group commit: what many callers ask for at the same time is written in one transaction, by one thread.

While a transaction is being written the next pieces of work gather, and go together into the one after it. Callers
of an event loop wait without blocking it; all that they ask for in one round of the loop is handed over at once. A
caller without a loop, or one that may not yield (`KeyCap`), waits in place. What is to be kept is written again and
again where the database is locked or its disk is full, for some minutes.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future as Promise
from contextlib import suppress
from typing import Any

from msgspec import Struct

from pierian.exceptions import DiskFull, StorageError
from pierian.metering.work import Outcome, Work

MOST = 256
"""Pieces of work in one transaction: others wait for the database, too."""
AGAIN_SECONDS = 2.0
"""How long after a failure what was kept is tried again, at the least."""
KEPT_SECONDS = 600.0
"""How long what is to be kept is tried."""

Loop = asyncio.AbstractEventLoop


class Waiting(Struct):
    """A piece of work and whoever waits for what comes of it."""

    work: Work
    promise: Promise[Outcome] | asyncio.Future[Outcome]
    loop: Loop | None = None
    until: float = 0.0
    """Until when it is tried again, on the monotonic clock."""


class Batches:
    """Writes batches with `write` in a thread of its own, from `start` to `close`."""

    def __init__(self, write: Callable[[Sequence[Work]], list[Outcome]]) -> None:
        self._write = write
        self._queue: queue.SimpleQueue[list[Waiting] | None] = queue.SimpleQueue()
        self._gathered: dict[Loop, list[Waiting]] = {}
        self._kept = list[Waiting]()
        self._again_at = 0.0
        self._thread = threading.Thread(target=self._serve, name="pierian-meter", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what was handed over, what was kept for the last time, and end."""
        for loop in list(self._gathered):
            self._hand_over(loop)
        self._queue.put(None)
        self._thread.join()

    def put(self, work: Work, *, keep: bool = False) -> asyncio.Future[Outcome]:
        """Hand work over from an event loop; it is written also if nobody waits for it."""
        self._check_open()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        gathered = self._gathered.get(loop)
        if gathered is None:
            gathered = self._gathered[loop] = []
            loop.call_soon(self._hand_over, loop)
        gathered.append(Waiting(work, future, loop, _until(keep=keep)))
        return future

    def wait(self, work: Work) -> Outcome:
        """Hand work over and wait in place for what comes of it."""
        return self.post(work).result()

    def post(self, work: Work, *, keep: bool = False) -> Promise[Outcome]:
        """Hand work over at once, from any thread; what is handed over after it is written after it."""
        self._check_open()
        promise = Promise[Outcome]()
        self._queue.put([Waiting(work, promise, None, _until(keep=keep))])
        return promise

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
            batch, ending = self._next()
            if self._kept and (ending or time.monotonic() >= self._again_at):
                # By itself: what may be the cause of its own failure fails nothing else.
                kept, self._kept = self._kept, []
                self._settle(kept, last=ending)
            if batch:
                self._settle(batch, last=ending)

    def _next(self) -> tuple[list[Waiting], bool]:
        """What has gathered, and whether it is the last; nothing where it is time to try again what was kept."""
        batch, ending = list[Waiting](), False
        try:
            more = self._queue.get(timeout=AGAIN_SECONDS if self._kept else None)
            while True:
                ending = ending or more is None
                batch += more or ()
                if len(batch) >= MOST:
                    break
                more = self._queue.get_nowait()
        except queue.Empty:
            pass
        return batch, ending

    def _settle(self, batch: Sequence[Waiting], *, last: bool) -> None:
        results: Sequence[Outcome | Exception]
        try:
            results = self._write([one.work for one in batch])
        except Exception as error:  # noqa: BLE001 (whatever it is, nobody may wait for ever)
            now = time.monotonic()
            if isinstance(error, StorageError | DiskFull) and not last:
                self._kept += [one for one in batch if one.until > now]
                self._again_at = now + AGAIN_SECONDS
                batch = [one for one in batch if one.until <= now]
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


def _until(*, keep: bool) -> float:
    return time.monotonic() + KEPT_SECONDS if keep else 0.0


def _resolve(resolved: Sequence[tuple[Any, Any]]) -> None:
    for promise, result in resolved:
        if promise.done():  # whoever waited was cancelled
            continue
        if isinstance(result, Exception):
            promise.set_exception(result)
        else:
            promise.set_result(result)
