"""Carries out runs that came in over the API, in this process and after others that died, and tells who follows them.

A run is metered as any request of its key: it takes one of the key's places while it works, and waits where none is
free. A key that was revoked meanwhile fails its runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

import msgspec

from pierian.access import Grant
from pierian.assistant import AskRequest
from pierian.assistant.journalled import journalled
from pierian.events import RunFailed
from pierian.exceptions import UserError
from pierian.metering import Admission, Caller, RateLimited
from pierian.reasoning import Mode
from pierian.runs import Carrier, Claim, Journal, JournalWriter, RunRecord
from pierian.server.answering import run_prices
from pierian.server.run_requests import RunRequest, history_of
from pierian.server.service import Service

LOG = logging.getLogger("pierian.server")
LONGEST_WAIT_SECONDS = 5.0


class Keeper:
    """The runs of one process, over a service that is open. Use as an async context manager.

    Args:
        at_once: Most runs at the same time.
    """

    def __init__(self, service: Service, *, at_once: int = 4) -> None:
        self._service = service
        self._at_once = at_once
        self._changes: dict[str, asyncio.Event] = {}

    async def __aenter__(self) -> Keeper:
        service = self._service
        self._carrier = Carrier(
            service.database,
            service.worker,
            self._carry_on,
            failed=failed,
            takes=lambda record: record.request.get("answers") is True,
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

    def kept(self, run: str) -> None:
        """There is something new in the journal of a run."""
        if (change := self._changes.pop(run, None)) is not None:
            change.set()

    async def change(self, run: str, seconds: float) -> None:
        """Wait for something new in the journal of a run, or so long."""
        change = self._changes.setdefault(run, asyncio.Event())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(change.wait(), seconds)
            return
        if self._changes.get(run) is change:
            del self._changes[run]

    async def _carry_on(self, record: RunRecord, claim: Claim) -> None:
        service, journal = self._service, Journal(self._service.database, record.owner)
        try:
            caller = await asyncio.to_thread(self._caller, record)
        except UserError as error:
            told = RunFailed(record.id, str(error), error.hint)
            claim = await asyncio.to_thread(journal.append, claim, [told])
            await asyncio.to_thread(journal.release, claim, "failed")
            self.kept(record.id)
            return
        admission = await self._admitted(caller)
        try:
            asked, writer = msgspec.convert(record.request, RunRequest), JournalWriter(journal, claim)
            mode = Mode.named(asked.mode)
            cap = service.cap_for(caller, mode)
            price = service.prices.of(service.settings.model, mode.value)
            request = AskRequest(
                question=asked.question,
                mode=mode,
                history=history_of(asked),
                drafts=asked.drafts,
                seed=asked.seed,
                budget_tokens=await asyncio.to_thread(_left, journal, record.id, asked.budget_tokens),
                budget_seconds=asked.budget_seconds,
                tools=asked.tools,
                instructions=asked.instructions,
                cap=cap,
                prices=run_prices(price),
                owner=record.owner,
                writer=writer,
            )
            async with contextlib.aclosing(service.assistant.stream(request)) as events:
                spend = await journalled(events, writer, kept=lambda: self.kept(record.id))
            if spend is not None:
                money = price.money(spend.prompt_tokens, spend.cached_tokens, spend.completion_tokens)
                await cap.finish(spend.prompt_tokens, spend.cached_tokens, money)
        finally:
            service.meter.leave(admission)

    def _caller(self, record: RunRecord) -> Caller:
        """On whose account a run goes; raises `UserError` where the key is no longer valid."""
        named = str(record.request.get("key", ""))
        if not named:
            return Caller("", record.owner, Grant())
        key = self._service.keys.live(named)
        return Caller(key.id, key.user, key.grant)

    async def _admitted(self, caller: Caller) -> Admission:
        """A place among the key's requests, as soon as there is one."""
        while True:
            try:
                return await self._service.meter.admit(caller)
            except RateLimited as limited:
                wait = LONGEST_WAIT_SECONDS if limited.retry_after is None else limited.retry_after
                await asyncio.sleep(min(max(wait, 0.05), LONGEST_WAIT_SECONDS))


def failed(run: str, error: Exception) -> None:
    """Tell the log of a run that failed, or of the database."""
    LOG.error("run failed", exc_info=error, extra={"fields": {"run": run} if run else {}})


def _left(journal: Journal, run: str, budget: int | None) -> int | None:
    """What earlier attempts have left of a run's tokens; at least one, so that the run says what is missing."""
    return None if budget is None else max(1, budget - journal.tokens_used(run))
