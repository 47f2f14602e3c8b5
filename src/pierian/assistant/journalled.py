"""Answers a question as a run in the journal: every event is kept as it happens, so that whoever asked may leave and
come back, and another process can take over.

What reasons without tools has no steps to go on from: a run that is taken up begins anew, and says so. The steps of a
plan are written by whoever carries them out (`agents.session`), with the same writer.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from pierian.events import (
    AnswerReady,
    ApprovalGiven,
    ApprovalNeeded,
    DraftVoided,
    EffectIntended,
    Event,
    PlanMade,
    RunFailed,
    RunOpened,
    RunParked,
    Spend,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
    Token,
)
from pierian.exceptions import DiskFull, PierianError, RunLost, StorageError
from pierian.runs import JournalWriter, RunState

GATHER_SECONDS = 0.06
"""After a write, tokens of a draft that come within this time are kept as one event; the first goes at once."""
OF_PLANS = (
    PlanMade,
    StepStarted,
    EffectIntended,
    StepFinished,
    StepFailed,
    StepSkipped,
    ApprovalNeeded,
    ApprovalGiven,
)
"""Written by whoever carries out the plan (`agents.session`), before they are told."""
VERIFY_SECONDS = 0.5
"""How soon a run without events learns that it was cancelled."""


Told = tuple[str, str]
"""What is kept of a failure for whoever reads the run: what happened, and a hint."""


async def journalled(
    events: AsyncIterator[Event],
    writer: JournalWriter,
    *,
    told: Callable[[PierianError], Told | None],
    kept: Callable[[], None] = lambda: None,
) -> Spend | None:
    """Write what happens to the journal until it ends; returns what the answer took, None where there is none.

    `told` says what is kept of a failure; where it says None, the run is left waiting, to be begun again. `kept` is
    called after each write. When this is cancelled, the run is left for another worker to go on with.
    """
    state: RunState = "waiting"
    spend = None
    try:
        earlier = await asyncio.to_thread(writer.journal.events, writer.run)
        await writer.append(RunOpened(writer.run, resumed=bool(earlier)))
        for draft in sorted({event.draft for _, event in earlier if isinstance(event, Token)}):
            writer.note(DraftVoided(draft, "It was broken off; the run begins again."))
        state, spend = await _written(events, writer, kept)
    except RunLost:
        return None
    except PierianError as error:
        if (words := told(error)) is not None:
            state = "failed"
            with contextlib.suppress(
                PierianError
            ):  # where the journal itself fails, nothing more can be kept
                await writer.append(RunFailed(writer.run, *words))
    finally:
        with contextlib.suppress(RunLost, StorageError, DiskFull):
            await asyncio.shield(writer.release(state))
        kept()
    return spend


async def _written(
    events: AsyncIterator[Event], writer: JournalWriter, kept: Callable[[], None]
) -> tuple[RunState, Spend | None]:
    """Write events as they come, tokens gathered; notices between them that the run is no longer ours."""
    tokens, parked = _Tokens(), False
    ticking = asyncio.create_task(_tick(tokens, writer, kept))
    try:
        while True:
            event = await _next(events, ticking)
            if event is None:
                return "failed", None
            if isinstance(event, Token):
                tokens.add(event)
                continue
            if isinstance(event, OF_PLANS):
                continue
            for token in tokens.taken():
                writer.note(token)
            await writer.append(event)
            kept()
            parked = parked or isinstance(event, RunParked)
            if isinstance(event, AnswerReady):
                return "waiting" if parked else "done", event.answer.receipt.spend
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)


async def _next(events: AsyncIterator[Event], ticking: asyncio.Task[None]) -> Event | None:
    """The next event, None at the end; raises what ended `ticking`."""
    coming = asyncio.ensure_future(anext(events, None))
    try:
        await asyncio.wait({coming, ticking}, return_when=asyncio.FIRST_COMPLETED)
        if ticking.done():
            ticking.result()
        return coming.result()
    finally:
        if not coming.done():
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def _tick(tokens: _Tokens, writer: JournalWriter, kept: Callable[[], None]) -> None:
    """Write what has gathered; raises `RunLost` soon after somebody cancelled the run."""
    while True:
        if not await tokens.came(VERIFY_SECONDS):
            await writer.verify()
            continue
        for token in tokens.taken():
            writer.note(token)
        await writer.flush()
        kept()
        await asyncio.sleep(GATHER_SECONDS)


class _Tokens:
    """Tokens in order, those of one draft and channel joined."""

    def __init__(self) -> None:
        self._gathered: list[Token] = []
        self._some = asyncio.Event()

    def add(self, token: Token) -> None:
        last = self._gathered[-1] if self._gathered else None
        if last is not None and (last.draft, last.channel) == (token.draft, token.channel):
            self._gathered[-1] = Token(token.draft, last.text + token.text, token.channel)
        else:
            self._gathered.append(token)
        self._some.set()

    async def came(self, seconds: float) -> bool:
        """Wait for a token for so long at most; whether there is one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._some.wait()
        return self._some.is_set()

    def taken(self) -> list[Token]:
        found, self._gathered = self._gathered, []
        self._some.clear()
        return found
