"""Carries out runs that came in over the API, in this process and after others that died, and tells who follows them.

A run takes one of its key's places while it works. Where none is free, or the key's minute has no token left, the run
waits unclaimed, and with it the other runs of that key: they take nothing from others. The request that began it was
counted when it came. A failure that only time mends leaves the run waiting too, and it begins again after a pause, of
a second first and of a minute at most, nineteen times; these are counted in this process. A key that was revoked
meanwhile fails its runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Generator

import msgspec
from msgspec import Struct

from pierian.access import Grant
from pierian.assistant.journalled import Told, journalled
from pierian.events import RunFailed
from pierian.exceptions import (
    EngineError,
    PierianError,
    RunLost,
    ServerRefused,
    ServerTimeout,
    ServerUnreachable,
    StorageError,
    UserError,
)
from pierian.metering import Caller, RateLimited
from pierian.reasoning import Mode
from pierian.runs import Carrier, Claim, Journal, JournalWriter, RunRecord
from pierian.server.asking import Account
from pierian.server.changes import Changes
from pierian.server.errors import from_exception
from pierian.server.pictures import of_run
from pierian.server.run_requests import RunRequest, history_of
from pierian.server.service import Service

LOG = logging.getLogger("pierian.server")
LONGEST_WAIT_SECONDS = 5.0
"""Of a key: a place may get free at any time."""
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
MOST_ATTEMPTS = 20
"""Of a run whose failures only time mends; with these pauses about a quarter of an hour."""
FORGOTTEN_SECONDS = 600.0
"""How long after its pause a run that was not begun again is remembered."""
BUSY = (429, 502, 503)
"""Statuses with which a model server says that it may answer later."""


class _Pause(Struct, frozen=True):
    """Until when a run waits, how often it was begun, and why it waits, in a sentence for clients."""

    until: float
    attempts: int
    reason: str


class Keeper:
    """The runs of one process, over a service that is open. Use as an async context manager.

    Args:
        at_once: Most runs at the same time.
    """

    def __init__(self, service: Service, *, at_once: int = 4) -> None:
        self._service = service
        self._at_once = at_once
        self.changes = Changes()
        """Of the journals of runs, by their ids."""
        self.ended: Callable[[str], object] = lambda run: None
        """Called in a thread with the id of each run that somebody has ended working on here."""
        self._stops: dict[str, asyncio.Event] = {}
        self._keys: dict[str, float] = {}
        """Until when the runs of a key wait for its rates."""
        self._pauses: dict[str, _Pause] = {}
        """Of runs that wait for what failed to work again."""
        self._followers: dict[str, int] = {}

    async def __aenter__(self) -> Keeper:
        service = self._service
        self._carrier = Carrier(
            service.database,
            service.worker,
            self._carry_on,
            failed=failed,
            takes=lambda record: record.request.get("answers") is True,
            account=lambda record: str(record.request.get("key", "")),
            ready=self._ready,
            owner=None,
            at_once=self._at_once,
        )
        self._serving = asyncio.create_task(self._carrier.serve())
        return self

    async def __aexit__(self, *error: object) -> None:
        """The runs in hand are left for the next worker."""
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)

    def wake(self) -> None:
        """There is a new run."""
        self._carrier.wake()

    async def stop(self, record: RunRecord) -> None:
        """End a run with what it has of an answer; one that nobody here works on ends without."""
        if (stop := self._stops.get(record.id)) is not None:
            stop.set()
            return
        with contextlib.suppress(UserError):  # it has ended meanwhile
            await asyncio.to_thread(Journal(self._service.database, record.owner).cancel, record.id)
        self.changes.tell(record.id)

    def why_it_waits(self, run: str) -> str:
        """What has to work again before a run goes on here; empty where it waits for nothing."""
        pause = self._pauses.get(run)
        return "" if pause is None else pause.reason

    def followers(self, owner: str) -> int:
        """How many follow runs of this owner."""
        return self._followers.get(owner, 0)

    @contextlib.contextmanager
    def follower(self, owner: str) -> Generator[None]:
        """One more follows runs of this owner, while the block lasts."""
        self._followers[owner] = self.followers(owner) + 1
        try:
            yield
        finally:
            self._followers[owner] -= 1
            if not self._followers[owner]:
                del self._followers[owner]

    def _ready(self, run: str, key: str) -> bool:
        now, pause = time.monotonic(), self._pauses.get(run)
        return now >= self._keys.get(key, now) and (pause is None or now >= pause.until)

    async def _carry_on(self, record: RunRecord, claim: Claim) -> None:
        service, journal = self._service, Journal(self._service.database, record.owner)
        try:
            asked = msgspec.convert(record.request, RunRequest)
            images = await of_run(service, record, asked)
            caller = await asyncio.to_thread(self._caller, record)
            # That it was asked for is counted already.
            uncounted = msgspec.structs.replace(caller, allowance=_uncounted(caller))
            admission = await service.meter.admit(uncounted)
        except RateLimited as limited:
            self._hold(str(record.request.get("key", "")), limited.retry_after)
            with contextlib.suppress(RunLost):  # it was cancelled
                await asyncio.to_thread(journal.release, claim, "waiting")
            return
        except PierianError as error:
            await self._ended_early(journal, claim, error)
            return
        stop = self._stops[record.id] = asyncio.Event()
        try:
            writer = JournalWriter(journal, claim)
            account = Account.of(service, caller, Mode.named(asked.mode))
            request = account.question(
                asked.question,
                images=images,
                history=history_of(asked),
                drafts=asked.drafts,
                seed=asked.seed,
                budget_tokens=await asyncio.to_thread(_left, journal, record.id, asked.budget_tokens),
                budget_seconds=asked.budget_seconds,
                tools=asked.tools,
                instructions=asked.instructions,
                owner=record.owner,
                writer=writer,
                stop=stop,
            )
            async with contextlib.aclosing(service.assistant.stream(request)) as events:
                spend = await journalled(
                    events,
                    writer,
                    told=lambda error: self._told(record.id, error),
                    kept=lambda: self.changes.tell(record.id),
                )
            if spend is not None:
                await account.finish(spend.prompt_tokens, spend.cached_tokens, spend.completion_tokens)
        finally:
            del self._stops[record.id]
            service.meter.leave(admission)
            self._keys.pop(caller.key, None)  # there is a place
            await self._tell_ended(record.id)

    async def _tell_ended(self, run: str) -> None:
        """Let whoever waits for a run know that nobody works on it here any more."""
        try:
            await asyncio.shield(asyncio.to_thread(self.ended, run))
        except PierianError as error:
            failed(run, error)
        self.changes.tell(run)

    async def _ended_early(self, journal: Journal, claim: Claim, error: PierianError) -> None:
        """What could not begin waits to begin again, or fails."""
        told = self._told(claim.run, error)
        with contextlib.suppress(RunLost):  # it was cancelled
            if told is not None:
                claim = await asyncio.to_thread(journal.append, claim, [RunFailed(claim.run, *told)])
            await asyncio.to_thread(journal.release, claim, "waiting" if told is None else "failed")
        await self._tell_ended(claim.run)

    def _told(self, run: str, error: PierianError) -> Told | None:
        """What clients read of a failure; None where the run is begun again after a pause."""
        earlier = self._pauses.pop(run, None)
        attempts = 1 if earlier is None else earlier.attempts + 1
        if _passes(error) and attempts < MOST_ATTEMPTS:
            seconds = min(FIRST_PAUSE_SECONDS * 2 ** (attempts - 1), LONGEST_PAUSE_SECONDS)
            now = time.monotonic()
            old = [one for one, pause in self._pauses.items() if pause.until + FORGOTTEN_SECONDS < now]
            for one in old:
                del self._pauses[one]
            self._pauses[run] = _Pause(now + seconds, attempts, str(from_exception(error)))
            fields = {"run": run, "error": str(error), "attempt": attempts, "pause": seconds}
            LOG.warning("run waits", extra={"fields": fields})
            return None
        failed(run, error)
        return str(from_exception(error)), ""

    def _hold(self, key: str, seconds: float | None) -> None:
        """Let the runs of a key wait for its rates."""
        wait = LONGEST_WAIT_SECONDS if seconds is None else seconds
        now = time.monotonic()
        self._keys = {one: until for one, until in self._keys.items() if until > now}
        self._keys[key] = now + min(max(wait, 0.05), LONGEST_WAIT_SECONDS)

    def _caller(self, record: RunRecord) -> Caller:
        """On whose account a run goes; raises `UserError` where the key is no longer valid."""
        named = str(record.request.get("key", ""))
        if not named:
            return Caller("", record.owner, Grant())
        key = self._service.keys.live(named)
        return Caller(key.id, key.user, key.grant)


def _uncounted(caller: Caller) -> Grant:
    """What the key allows a run that begins: its request was let in before."""
    allowed = caller.allowance
    return Grant(tokens_per_minute=allowed.tokens_per_minute, concurrent=allowed.concurrent)


def _passes(error: PierianError) -> bool:
    """Whether a failure is one that only time mends."""
    if isinstance(error, ServerRefused):
        return error.status in BUSY
    return isinstance(error, ServerUnreachable | ServerTimeout | EngineError | StorageError)


def failed(run: str, error: Exception) -> None:
    """Tell the log of a run that failed, or of the database."""
    LOG.error("run failed", exc_info=error, extra={"fields": {"run": run} if run else {}})


def _left(journal: Journal, run: str, budget: int | None) -> int | None:
    """What earlier attempts have left of a run's tokens; at least one, so that the run says what is missing."""
    return None if budget is None else max(1, budget - journal.tokens_used(run))
