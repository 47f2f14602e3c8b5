"""Answers a question as a run in the journal: every event is kept as it happens, so that whoever asked may leave and
come back, and another process can take over.

What reasons without tools has no steps to go on from: a run that is taken up begins anew, and says so. Runs with
tools are journalled step by step (`agents.session`); of those, only the events that it leaves out are kept here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from pierian.events import AnswerReady, DraftVoided, Event, RunFailed, RunOpened, Token
from pierian.exceptions import DiskFull, PierianError, RunLost, StorageError
from pierian.runs import Claim, Journal, JournalWriter, RunState

GATHER_SECONDS = 0.15
"""Tokens of a draft that come within this time are kept as one event."""
VERIFY_SECONDS = 0.5
"""How soon a run without events learns that it was cancelled."""


async def journalled(
    events: AsyncIterator[Event], journal: Journal, claim: Claim, *, kept: Callable[[], None] = lambda: None
) -> RunState:
    """Write what happens to the journal until it ends; returns how it ended.

    `kept` is called after each write. When this is cancelled, the run is left for another worker to go on with.
    """
    writer = JournalWriter(journal, claim)
    state: RunState = "waiting"
    try:
        await writer.append(RunOpened(claim.run, resumed=claim.position > 0))
        for draft in await asyncio.to_thread(_begun, journal, claim):
            writer.note(DraftVoided(draft, "The process that made it ended; the run begins again."))
        state = await _written(events, writer, kept)
    except RunLost:
        return "cancelled"
    except PierianError as error:
        state = "failed"
        with contextlib.suppress(PierianError):  # where the journal itself fails, nothing more can be kept
            await writer.append(RunFailed(claim.run, str(error), error.hint))
    finally:
        with contextlib.suppress(RunLost, StorageError, DiskFull):
            await asyncio.shield(writer.release(state))
        kept()
    return state


async def _written(events: AsyncIterator[Event], writer: JournalWriter, kept: Callable[[], None]) -> RunState:
    """Write events as they come, tokens gathered; notices between them that the run is no longer ours."""
    tokens, state = _Tokens(), "failed"
    ticking = asyncio.create_task(_tick(tokens, writer, kept))
    try:
        while True:
            coming = asyncio.ensure_future(anext(events, None))
            try:
                await asyncio.wait({coming, ticking}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not coming.done():
                    coming.cancel()
                    await asyncio.gather(coming, return_exceptions=True)
            if ticking.done():
                ticking.result()
            event = coming.result()
            if event is None:
                return state
            if isinstance(event, Token):
                tokens.add(event)
                continue
            for token in tokens.taken():
                writer.note(token)
            await writer.append(event)
            kept()
            if isinstance(event, AnswerReady):
                state = "done"
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)


async def _tick(tokens: _Tokens, writer: JournalWriter, kept: Callable[[], None]) -> None:
    """Write what has gathered; raises `RunLost` soon after somebody cancelled the run."""
    verified = time.monotonic()
    while True:
        await asyncio.sleep(GATHER_SECONDS)
        if gathered := tokens.taken():
            for token in gathered:
                writer.note(token)
            await writer.flush()
            kept()
        elif time.monotonic() - verified > VERIFY_SECONDS:
            await writer.verify()
            verified = time.monotonic()


def _begun(journal: Journal, claim: Claim) -> list[int]:
    """Drafts of an earlier attempt, whose text stands in the journal."""
    if claim.position == 0:
        return []
    drafts = {event.draft for _, event in journal.events(claim.run) if isinstance(event, Token)}
    return sorted(drafts)


class _Tokens:
    """Tokens in order, those of one draft and channel joined."""

    def __init__(self) -> None:
        self._gathered: list[Token] = []

    def add(self, token: Token) -> None:
        last = self._gathered[-1] if self._gathered else None
        if last is not None and (last.draft, last.channel) == (token.draft, token.channel):
            self._gathered[-1] = Token(token.draft, last.text + token.text, token.channel)
        else:
            self._gathered.append(token)

    def taken(self) -> list[Token]:
        found, self._gathered = self._gathered, []
        return found
