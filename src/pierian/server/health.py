"""For whoever runs the server: is it alive, does it take requests, what does it count."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Response, get
from litestar.datastructures import State
from sqlalchemy import text

from pierian.exceptions import PierianError
from pierian.server.service import Service

PATIENCE_SECONDS = 5.0


@get("/healthz", operation_id="healthz", tags=["Operation"])
async def healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "ok"}


@get("/readyz", operation_id="readyz", tags=["Operation"])
async def readyz(state: State) -> Response[dict[str, Any]]:
    """Requests are taken: the database answers, and so does a model server."""
    service: Service = state.service
    parts = {"database": await _answers(_database(service)), "model": await _answers(_model(service))}
    ready = not service.draining and all(parts.values())
    told = {"status": "ready" if ready else "stopping" if service.draining else "not ready", **parts}
    return Response(told, status_code=200 if ready else 503)


@get("/metrics", operation_id="metrics", tags=["Operation"], media_type="text/plain")
async def metrics(state: State) -> Response[bytes]:
    """Counters in Prometheus' format."""
    service: Service = state.service
    return Response(service.metrics.text(), media_type=service.metrics.content_type)


async def _answers(asked: Any) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asked
    except (PierianError, TimeoutError):
        return False
    return True


async def _database(service: Service) -> None:
    def ask() -> None:
        with service.database.read() as connection:
            connection.execute(text("SELECT 1"))

    await asyncio.to_thread(ask)


async def _model(service: Service) -> None:
    await (await service.assistant.model()).models()
