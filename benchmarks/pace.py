"""The step in which the model calls of one item go on, so that replayed ones do not overtake those beside them.

Modes make drafts side by side and cancel those that no longer matter. A replay that took no time would be finished
before a live draft has begun, and the live one would be cancelled too early and look too cheap. So a replayed
stream waits for a piece of the live streams of its item for each piece of its own, and where all are replayed but not
alone, each piece takes the same short while. A replay that is alone runs through.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Generator
from contextvars import ContextVar

PIECE_SECONDS = 0.02
"""Of a replayed piece. What happens between calls (a program that runs, a slot that is waited for) takes its real
time, which should be worth few pieces, as it is on an engine."""


class ItemCalls:
    """The calls of one item: how many were replayed, and which are under way."""

    def __init__(self) -> None:
        self.replayed = 0
        self._open = 0
        self._live = 0
        self._side_by_side = False
        self._tick = asyncio.Event()

    @contextlib.contextmanager
    def opened(self) -> Generator[None]:
        """A call, replayed or live, is under way while the block lasts."""
        self._open += 1
        self._side_by_side = self._side_by_side or self._open > 1
        try:
            yield
        finally:
            self._open -= 1

    @contextlib.contextmanager
    def live(self) -> Generator[None]:
        """The model itself answers a call while the block lasts; `tick` tells of each piece."""
        self._live += 1
        try:
            yield
        finally:
            self._live -= 1
            self.tick()

    def tick(self) -> None:
        """A live stream has gone on."""
        ticked, self._tick = self._tick, asyncio.Event()
        ticked.set()

    async def step(self) -> None:
        """Wait until a replayed stream may go on."""
        if not self._live:
            await asyncio.sleep(PIECE_SECONDS if self._side_by_side else 0)
            return
        for _ in range(self._live):  # each of them moves on by one piece
            await self._tick.wait()


ITEM: ContextVar[ItemCalls] = ContextVar("item")
"""The calls of the item in progress; tasks that work for it inherit it."""
