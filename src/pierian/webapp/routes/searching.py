"""Search over everything that was said."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get
from litestar.datastructures import State
from litestar.params import FromQuery
from litestar.response import Response

from pierian.server.exchange import HttpRequest
from pierian.webapp.layout import search_page
from pierian.webapp.responses import html
from pierian.webapp.site import Site
from pierian.webapp.visitors import visitor_of


@get("/search", include_in_schema=False)
async def search(request: HttpRequest, state: State, words: FromQuery[str] = "") -> Response[Any]:
    """Where these words stand, in titles and turns."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    return html(await asyncio.to_thread(search_page, site, visitor, words))


HANDLERS = [search]
