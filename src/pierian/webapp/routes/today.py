"""The day brief as a page."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get
from litestar.datastructures import State
from litestar.response import Response

from pierian.accounts.required_packages import check_installed
from pierian.server.exchange import HttpRequest
from pierian.webapp.responses import html
from pierian.webapp.schedules import today_page
from pierian.webapp.site import Site
from pierian.webapp.visitors import owner_of


@get("/today", include_in_schema=False)
async def show_today(request: HttpRequest, state: State) -> Response[Any]:
    """What today holds, what waits, what has changed."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    check_installed()
    return html(await asyncio.to_thread(today_page, site, visitor))


HANDLERS = [show_today]
