"""What was used, as plots and a table; administrators may look at everybody's."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get
from litestar.datastructures import State
from litestar.params import FromQuery
from litestar.response import Response

from pierian.server.exchange import HttpRequest
from pierian.webapp.administration import usage_page
from pierian.webapp.responses import html
from pierian.webapp.site import Site
from pierian.webapp.visitors import visitor_of

MOST_DAYS = 366


@get("/usage", include_in_schema=False)
async def show_usage(
    request: HttpRequest, state: State, days: FromQuery[int] = 30, everyone: FromQuery[bool] = False
) -> Response[Any]:
    """The last days, today included."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    shown = min(max(days, 1), MOST_DAYS)
    return html(await asyncio.to_thread(usage_page, site, visitor, shown, everyone=everyone))


HANDLERS = [show_usage]
