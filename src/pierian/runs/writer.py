"""Writes the journal of one run from an event loop: what is appended at the same time goes to the disk together.

`append` returns when its event is stored. While one transaction is being written the next events gather, so that a
hundred parallel steps cost a handful of transactions. The first failure (the disk is full, the run was taken over) is
given to all who wait and to all who come later: nothing is written behind a gap. Each writer has a thread of its own,
which is told of a batch and tells when it is stored: a chain of steps waits for the journal at each of them, and a
task and a turn of the shared pool for every batch took longer than writing it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from pierian.events import Event
from pierian.exceptions import RunLost
from pierian.runs.journal import Claim, Journal, RunState


class _Waiting(Struct):
    event: Event
    durable: bool
    stored: asyncio.Future[None]


def _retrieved(stored: asyncio.Future[None]) -> None:
    """Nobody has to wait for an event: its failure is given to all who come later."""
    if not stored.cancelled():
        stored.exception()


class JournalWriter:
    """The one writer of a claimed run."""

    def __init__(self, journal: Journal, claim: Claim) -> None:
        self.journal = journal
        self._claim = claim
        self._waiting: list[_Waiting] = []
        self._written: asyncio.Future[None] | None = None
        """Done when nothing waits any more; None while nothing is being written."""
        self._failure: Exception | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pierian-journal")

    @property
    def run(self) -> str:
        """The run's id."""
        return self._claim.run

    async def append(self, event: Event, *, durable: bool = False) -> None:
        """Store an event; raises `RunLost`, `StorageError` or `DiskFull`."""
        # A caller that is cancelled leaves; its event is stored all the same.
        await self.note(event, durable=durable)

    def note(self, event: Event, *, durable: bool = False) -> asyncio.Future[None]:
        """Store an event soon, in order, without waiting for it; raises what kept an earlier one from being
        stored."""
        if self._failure is not None:
            raise self._failure
        loop = asyncio.get_running_loop()
        entry = _Waiting(event, durable, loop.create_future())
        entry.stored.add_done_callback(_retrieved)
        self._waiting.append(entry)
        if self._written is None:
            self._written = loop.create_future()
            loop.call_soon(self._write, loop)  # what is appended until then goes along
        return entry.stored

    async def verify(self) -> None:
        """Make sure that the run is still ours; raises `RunLost`."""
        await self.flush()
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self.journal.append, self._claim, ())

    async def flush(self) -> None:
        """Wait until everything that was appended is stored; raises what kept it from being stored."""
        while self._written is not None:
            await asyncio.shield(self._written)
        if self._failure is not None:
            raise self._failure

    async def release(self, state: RunState) -> None:
        """Store what waits and give the run back in `state`, after which nothing more can be written."""
        await self.flush()
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._thread, self.journal.release, self._claim, state)
        except RunLost as lost:
            self._end(lost)
            raise
        self._end(RunLost(self.run))

    def _end(self, failure: Exception) -> None:
        self._failure = failure
        self._thread.shutdown(wait=False)

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hand what waits to the thread."""
        batch, self._waiting = self._waiting, []
        self._thread.submit(self._store, loop, batch)

    def _store(self, loop: asyncio.AbstractEventLoop, batch: Sequence[_Waiting]) -> None:
        """Write a batch, in the thread, and tell the event loop."""
        claim, failure = self._claim, None
        try:
            claim = self.journal.append(
                claim, [entry.event for entry in batch], durable=any(entry.durable for entry in batch)
            )
        except Exception as error:  # noqa: BLE001 (whatever it is, nobody may wait for ever)
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed, and whoever waited went with it
            loop.call_soon_threadsafe(self._stored, loop, batch, claim, failure)

    def _stored(
        self,
        loop: asyncio.AbstractEventLoop,
        batch: Sequence[_Waiting],
        claim: Claim,
        failure: Exception | None,
    ) -> None:
        self._claim = claim
        if failure is not None:
            self._failure = failure
            batch, self._waiting = [*batch, *self._waiting], []
        for entry in batch:
            if entry.stored.done():  # whoever waited was cancelled
                continue
            if failure is None:
                entry.stored.set_result(None)
            else:
                entry.stored.set_exception(failure)
        if self._waiting:
            self._write(loop)
        elif self._written is not None:
            written, self._written = self._written, None
            written.set_result(None)
