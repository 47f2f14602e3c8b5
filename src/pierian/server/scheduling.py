"""Serves schedules beside the requests: begins what is due, carries out briefs; questions are the keeper's.

Accounts are kept up to date meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from pierian.runs import Worker
from pierian.schedules import Scheduler
from pierian.server.keeper import Keeper, failed
from pierian.server.service import Service
from pierian.server.synchronising import synchronising


@contextlib.asynccontextmanager
async def scheduling(service: Service, keeper: Keeper) -> AsyncGenerator[None]:
    """Do what is scheduled, while the block lasts; a brief in hand is left for the next worker."""
    async with synchronising(service.synchroniser), _serving(service, keeper):
        yield


@contextlib.asynccontextmanager
async def _serving(service: Service, keeper: Keeper) -> AsyncGenerator[None]:
    with Worker(service.database) as worker:
        scheduler = Scheduler(
            service.database,
            service.settings,
            worker,
            begun=keeper.wake,
            ended=lambda run: keeper.ended(run),
            failed=failed,
        )
        serving = asyncio.create_task(scheduler.serve())
        try:
            yield
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
