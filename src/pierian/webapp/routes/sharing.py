"""Conversations that everybody with the link may read: shared, read, and taken back."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response

from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest
from pierian.storage import Shares
from pierian.webapp.layout import shared_page
from pierian.webapp.rendering import fragment
from pierian.webapp.responses import html
from pierian.webapp.site import Site
from pierian.webapp.visitors import visitor_of


@post("/conversations/{conversation_id:str}/share", include_in_schema=False)
async def share(request: HttpRequest, state: State, conversation_id: FromPath[str]) -> Response[Any]:
    """A link to the conversation as it stands now."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    made = await asyncio.to_thread(site.shares(visitor.owner).create, conversation_id)
    return html(fragment("parts/share.html", share=made))


@post("/shares/{share_id:str}/revoke", include_in_schema=False)
async def revoke_share(request: HttpRequest, state: State, share_id: FromPath[str]) -> Response[Any]:
    """Let nobody read it any more."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    await asyncio.to_thread(site.shares(visitor.owner).revoke, share_id)
    return html(fragment("parts/share.html", share=None))


@get("/shared/{token:str}", include_in_schema=False)
async def show_shared(state: State, token: FromPath[str]) -> Response[Any]:
    """What the link leads to; nobody has to sign in."""
    site: Site = state.site
    found = await asyncio.to_thread(Shares.find, site.database, token)
    if found is None:
        raise ApiError(404, "This link leads nowhere: it was taken back, or mistyped.", code="not_found")
    shown = await asyncio.to_thread(shared_page, found)  # what others wrote may take a while to render
    return html(shown, headers={"x-robots-tag": "noindex, nofollow"})


HANDLERS = [share, revoke_share, show_shared]
