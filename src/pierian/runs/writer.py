"""Writes the journal of one run from an event loop: what is appended at the same time goes to the disk together.

`append` returns when its event is stored. While one transaction is being written the next events gather, so that a
hundred parallel steps cost a handful of transactions. The first failure (the disk is full, the run was taken over) is
given to all who wait and to all who come later: nothing is written behind a gap.
"""

from __future__ import annotations

import asyncio

from msgspec import Struct

from pierian.events import Event
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
        self._writing: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    @property
    def run(self) -> str:
        """The run's id."""
        return self._claim.run

    async def append(self, event: Event, *, durable: bool = False) -> None:
        """Store an event; raises `RunLost`, `StorageError` or `DiskFull`."""
        # A caller that is cancelled leaves; its event is stored all the same.
        await asyncio.shield(self.note(event, durable=durable))

    def note(self, event: Event, *, durable: bool = False) -> asyncio.Future[None]:
        """Store an event soon, in order, without waiting for it; raises what kept an earlier one from being
        stored."""
        if self._failure is not None:
            raise self._failure
        entry = _Waiting(event, durable, asyncio.get_running_loop().create_future())
        entry.stored.add_done_callback(_retrieved)
        self._waiting.append(entry)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return entry.stored

    async def verify(self) -> None:
        """Make sure that the run is still ours; raises `RunLost`."""
        await self.flush()
        await asyncio.to_thread(self.journal.append, self._claim, ())

    async def flush(self) -> None:
        """Wait until everything that was appended is stored; raises what kept it from being stored."""
        while self._writing is not None:
            await asyncio.shield(self._writing)
        if self._failure is not None:
            raise self._failure

    async def release(self, state: RunState) -> None:
        """Store what waits and give the run back in `state`."""
        await self.flush()
        await asyncio.to_thread(self.journal.release, self._claim, state)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                self._claim = await asyncio.to_thread(
                    self.journal.append,
                    self._claim,
                    [entry.event for entry in batch],
                    durable=any(entry.durable for entry in batch),
                )
            except Exception as error:  # noqa: BLE001 (whatever it is, nobody may wait for ever)
                self._failure = error
                failed, self._waiting, self._writing = [*batch, *self._waiting], [], None
                for entry in failed:
                    if not entry.stored.done():
                        entry.stored.set_exception(error)
                return
            for entry in batch:
                if not entry.stored.done():
                    entry.stored.set_result(None)
        self._writing = None
