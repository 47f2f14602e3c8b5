"""The meter: lets requests in as their keys' rates allow, and reserves and settles what they cost under caps.

    with Meter(database) as meter:
        admission = await meter.admit(caller)             # RateLimited
        try:
            ticket = await meter.reserve(caller, most, model="…", mode="…")   # CapReached, RateLimited
            …
            await meter.settle(ticket, used)
        finally:
            meter.leave(admission)

`admit` counts a request against requests a minute and requests at the same time; `reserve` counts tokens a minute,
the key's caps on money for the day and the month, and the daily caps of the settings, against which it counts like
every other use (`storage.usage`). `KeyCap` is for runs, which reserve for each call of their own. Days are local, as
those of the settings' caps: processes on several machines need the same time zone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future as Promise
from datetime import datetime
from types import TracebackType
from typing import Self, cast

from pierian.metering.batches import Batches
from pierian.metering.books import Books
from pierian.metering.values import Admission, Caller, Ticket, Use
from pierian.metering.work import Admit, Leave, Outcome, Reserve, Settle
from pierian.runs.workers import Worker
from pierian.storage.database import Database
from pierian.storage.usage import UsageStore, local_now

LOG = logging.getLogger("pierian.metering")


class Meter:
    """The meter of one process, from entering to leaving; any number of processes share a database.

    All methods raise `StorageError` or `DiskFull` as the database does; then nothing was counted.
    """

    def __init__(
        self,
        database: Database,
        *,
        daily_tokens: int | None = None,
        daily_money: float | None = None,
        clock: Callable[[], datetime] = local_now,
    ) -> None:
        self.database = database
        self.daily_tokens = daily_tokens
        self.worker = Worker(database)
        self._books = Books(database, self.worker.id, daily_tokens, daily_money, clock)
        self._batches = Batches(self._books.write)
        self._store = UsageStore(database, daily_tokens, daily_money, clock=clock)

    def __enter__(self) -> Self:
        self.worker.__enter__()
        self._batches.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._batches.close()
        try:
            self._books.close()
        finally:
            self.worker.__exit__(kind, error, trace)

    async def admit(self, caller: Caller) -> Admission:
        """Let a request in, or raise `RateLimited`; whoever is let in has to `leave`."""
        future = self._batches.put(Admit(caller))
        try:
            return cast(Admission, await asyncio.shield(future))
        except asyncio.CancelledError:
            future.add_done_callback(self._leave_unseen)
            raise

    def leave(self, admission: Admission) -> None:
        """Give the request's place back, soon; a second call does nothing. From the event loop.

        Closing the meter gives back what is left.
        """
        if not admission.left and self._batches.open:
            admission.left = True
            self._batches.put(Leave(admission.caller)).add_done_callback(_seen)

    async def reserve(self, caller: Caller, most: Use, *, model: str, mode: str) -> Ticket:
        """Reserve what a call may at most use, or raise `CapReached` or `RateLimited`; then nothing is reserved.

        Raises `ValueError` for what cannot be used.
        """
        return await self.reserved(Reserve(caller, most.checked(), model, mode))

    async def reserved(self, work: Reserve) -> Ticket:
        """What comes of it. Whoever is cancelled here has reserved nothing."""
        future = self._batches.put(work)
        try:
            return cast(Ticket, await asyncio.shield(future))
        except asyncio.CancelledError:
            future.add_done_callback(self._settle_unseen)
            raise

    async def settle(self, ticket: Ticket, used: Use) -> None:
        """Put what was used in the place of the reservation; a second call does nothing.

        More than was reserved is counted in full, so that the next reservation sees it. A caller that is cancelled
        here leaves; it is settled all the same.
        """
        used.checked()
        if ticket.used is None:
            ticket.used = used
            await asyncio.shield(self._settling(ticket, used, None))

    def settle_soon(self, ticket: Ticket, used: Use) -> None:
        """As `settle`, without waiting until it is written. From the event loop.

        Work is written in the order in which it is handed over, so whoever reserves next sees it. Where the database
        is locked it is tried again for some minutes. If it cannot be written then, or the meter is closed before, the
        log says so, and the reservation stays counted.
        """
        used.checked()
        if ticket.used is None:
            ticket.used = used
            self._settling(ticket, used, None, keep=True).add_done_callback(_told)

    def settle_from_anywhere(self, ticket: Ticket, used: Use) -> Promise[Outcome] | None:
        """As `settle_soon`, from any thread, and before whatever is asked for next; None where it was settled."""
        used.checked()
        if ticket.used is not None:
            return None
        promise = self._batches.post(Settle(ticket, used), keep=True)
        ticket.used = used

        def undone(done: Promise[Outcome]) -> None:
            if done.exception() is not None:
                ticket.used = None

        promise.add_done_callback(undone)
        promise.add_done_callback(_told)
        return promise

    async def correct(self, ticket: Ticket, used: Use) -> None:
        """Put `used` in the place of what a ticket was settled with."""
        used.checked()
        before, ticket.used = ticket.used, used
        await asyncio.shield(self._settling(ticket, used, before))

    def reserve_now(self, work: Reserve) -> Ticket:
        """As `reserve`, without yielding to the event loop."""
        return cast(Ticket, self._batches.wait(work))

    def tokens_left(self) -> int | None:
        """What is left of the settings' daily cap on tokens; None without one."""
        return self._store.tokens_left()

    def _settling(
        self, ticket: Ticket, used: Use, before: Use | None, *, keep: bool = False
    ) -> asyncio.Future[Outcome]:
        future = self._batches.put(Settle(ticket, used, before), keep=keep)

        def undone(done: asyncio.Future[Outcome]) -> None:
            if not done.cancelled() and done.exception() is not None:
                ticket.used = before  # nothing was stored: it may be tried again

        future.add_done_callback(undone)
        return future

    def _leave_unseen(self, future: asyncio.Future[Outcome]) -> None:
        """Whoever asked to be let in was cancelled meanwhile."""
        if not future.cancelled() and future.exception() is None:
            self.leave(cast(Admission, future.result()))

    def _settle_unseen(self, future: asyncio.Future[Outcome]) -> None:
        """Whoever asked for a reservation was cancelled meanwhile: nothing will be used of it."""
        if not future.cancelled() and future.exception() is None:
            ticket = cast(Ticket, future.result())
            ticket.used = Use()
            self._settling(ticket, Use(), None, keep=True).add_done_callback(_told)


def _told(future: asyncio.Future[Outcome] | Promise[Outcome]) -> None:
    if not future.cancelled() and (error := future.exception()) is not None:
        LOG.error("what a call used could not be recorded", exc_info=error)


def _seen(future: asyncio.Future[Outcome]) -> None:
    """Nobody waits for it: what could not be written is written with the next work on that key."""
    if not future.cancelled():
        future.exception()
