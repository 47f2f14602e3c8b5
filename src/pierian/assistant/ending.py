"""How a run ends: by itself, at its deadline, or because somebody stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from pierian.budget import Ledger
from pierian.config import paths
from pierian.exceptions import EngineError
from pierian.runs.stopping import stopped

STOPPED = "You stopped it."
"""`Receipt.cut_short` of a run that the user ended."""


async def until_ended(work: Coroutine[Any, Any, None], ledger: Ledger, *stops: asyncio.Event | None) -> str:
    """Run to the end, the deadline or a stop; returns why it was cut short, empty if it was not.

    Raises `BudgetExhausted` as the work does.
    """
    main = asyncio.create_task(work)
    stop_all = asyncio.create_task(stopped(paths().state))
    tasks: set[asyncio.Task[Any]] = {main, stop_all}
    tasks |= {asyncio.create_task(stop.wait()) for stop in stops if stop is not None}
    try:
        await asyncio.wait(tasks, timeout=ledger.seconds_left(), return_when=asyncio.FIRST_COMPLETED)
        told_to_stop = any(task.done() for task in tasks - {main})
        if not main.done():
            main.cancel()
            await asyncio.gather(main, return_exceptions=True)
            return STOPPED if told_to_stop else "The time budget ran out."
        await main
    except EngineError:
        # The engine goes with everything else, and may be gone a moment before the signal is seen.
        await asyncio.wait({stop_all}, timeout=0.5)
        if stop_all.done():
            return STOPPED
        raise
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return ""
