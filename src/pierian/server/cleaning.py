"""Forgets what a server keeps for a time only: stored responses, answers to requests with an Idempotency-Key, and
files that were put beside a question which was never asked.

It is done at the start of `pierian serve` and once a day. Runs are not touched: they say what was done, and whoever
began them deletes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from datetime import timedelta

from pierian.exceptions import DiskFull, StorageError
from pierian.server.service import Service
from pierian.storage.attachments import remove_unclaimed
from pierian.storage.ids import utc_now

LOG = logging.getLogger("pierian.server")
DAY_SECONDS = 86_400.0


@contextlib.asynccontextmanager
async def cleaning(service: Service) -> AsyncGenerator[None]:
    """Clean up now and once a day, while the block lasts."""
    task = asyncio.create_task(_daily(service))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def clean(service: Service) -> None:
    """Forget everything whose time is over."""
    await service.idempotency.forget_old()
    await asyncio.to_thread(remove_unclaimed, service.database)
    if days := service.settings.response_days:
        gone = await service.responses.forget_before(utc_now() - timedelta(days=days))
        if gone:
            LOG.info("old responses forgotten", extra={"fields": {"responses": gone, "days": days}})


async def _daily(service: Service) -> None:
    while True:
        try:
            await clean(service)
        except (StorageError, DiskFull) as error:
            LOG.error("what is old could not be forgotten", exc_info=error)
        await asyncio.sleep(DAY_SECONDS)
