"""`/v1/usage`: what the caller's key has used, per day, model and mode."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from litestar import Response, get
from litestar.datastructures import State
from litestar.params import QueryParameter

from pierian.metering import UsageReport, as_csv
from pierian.server.exchange import HttpRequest, identified
from pierian.server.service import Service

Days = Annotated[int, QueryParameter(ge=1, le=366, description="How many days back, today included.")]
Form = Annotated[
    Literal["json", "csv"], QueryParameter(description="`json`, or `csv` for a table to download.")
]


@get("/v1/usage", operation_id="showUsage", tags=["Usage"])
async def show_usage(
    request: HttpRequest,
    state: State,
    days: Days = 30,
    format: Form = "json",  # noqa: A002 (its name on the wire)
) -> Response[Any]:
    """What this key has used."""
    service: Service = state.service
    caller, _ = await identified(service, request)
    report = UsageReport(service.database)
    rows = await asyncio.to_thread(lambda: report.by_day(key=caller.key, days=days))
    if format == "csv":
        headers = {"content-disposition": 'attachment; filename="usage.csv"'}
        return Response(as_csv(rows), media_type="text/csv", headers=headers)
    return Response({"object": "list", "data": [row.as_json() for row in rows]})
