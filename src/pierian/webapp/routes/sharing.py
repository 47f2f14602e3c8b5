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
from pierian.storage import Share, Shares
from pierian.webapp.layout import shared_page
from pierian.webapp.rendering import fragment
from pierian.webapp.responses import go_to, html, is_fragment
from pierian.webapp.site import Site
from pierian.webapp.visitors import visitor_of


@post("/conversations/{conversation_id:str}/share", include_in_schema=False)
async def share(request: HttpRequest, state: State, conversation_id: FromPath[str]) -> Response[Any]:
    """A link to the conversation as it stands now; one that there is leads there from now on."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    shares = site.shares(visitor.owner)
    before = await asyncio.to_thread(shares.list, conversation_id)
    made = await asyncio.to_thread(shares.create, conversation_id)
    return _told(request, made.conversation, made, "share.renewed" if before else "")


@post("/shares/{share_id:str}/revoke", include_in_schema=False)
async def revoke_share(request: HttpRequest, state: State, share_id: FromPath[str]) -> Response[Any]:
    """Let nobody read it any more; the dialog offers another link."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    shares = site.shares(visitor.owner)
    found = next((one for one in await asyncio.to_thread(shares.list) if one.id == share_id), None)
    if found is None:
        raise ApiError(404, "This link was taken back already. Load the page again.", code="not_found")
    await asyncio.to_thread(shares.revoke, share_id)
    return _told(request, found.conversation, None, "share.revoked")


def _told(request: HttpRequest, conversation: str, shared: Share | None, done: str) -> Response[Any]:
    """What the dialog shows now; without scripts the page of the conversation has it."""
    if not is_fragment(request):
        return go_to(request, f"/conversations/{conversation}")
    return html(fragment("parts/share.html", share=shared, conversation={"id": conversation}, done=done))


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
