"""Files beside a question: put there by button, drop or paste, shown again, taken away."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from urllib.parse import quote

from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath, QueryParameter
from litestar.response import Response

from pierian.exceptions import UserError
from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest
from pierian.webapp.forms import upload_of
from pierian.webapp.rendering import fragment
from pierian.webapp.responses import html, nothing
from pierian.webapp.site import Site
from pierian.webapp.turns import attachment_view
from pierian.webapp.uploads import checked_upload, shown_picture
from pierian.webapp.visitors import visitor_of

Page = Annotated[int, QueryParameter(ge=1, le=10_000)]
Turned = Annotated[int, QueryParameter(ge=0, le=270)]
FILE_HEADERS = {
    "content-security-policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}
"""A file is only ever downloaded, as text: nothing in it runs, whatever it is and however it is opened."""


@post("/attachments", include_in_schema=False)
async def attach(request: HttpRequest, state: State) -> Response[Any]:
    """Take a file for the next question."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    try:
        sent = await upload_of(request)
        async with site.service.decoding:
            file = await asyncio.to_thread(checked_upload, sent)
        kept = await asyncio.to_thread(
            site.attachments(visitor.owner).add, file.name, file.media_type, file.data
        )
    except UserError as error:
        return html(fragment("attachment.html", attachment=None, error=str(error), hint=error.hint), 422)
    return html(fragment("attachment.html", attachment=attachment_view(kept), error="", hint=""))


@get("/attachments/{attachment_id:str}", include_in_schema=False)
async def show_attachment(request: HttpRequest, state: State, attachment_id: FromPath[str]) -> Response[Any]:
    """The file under its name, as text."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    try:
        file = await asyncio.to_thread(site.attachments(visitor.owner).get, attachment_id)
    except UserError as error:
        raise ApiError(404, str(error), code="not_found") from error
    named = {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(file.name, safe='', errors='replace')}"
    }
    return Response(file.data, media_type="text/plain", headers={**FILE_HEADERS, **named})


@get("/attachments/{attachment_id:str}/picture", include_in_schema=False)
async def show_picture(
    request: HttpRequest, state: State, attachment_id: FromPath[str], page: Page = 1, turned: Turned = 0
) -> Response[bytes]:
    """A picture as it was read: one page, upright, of a size for screens, and nothing but its pixels."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    try:
        file = await asyncio.to_thread(site.attachments(visitor.owner).get, attachment_id)
        async with site.service.decoding:
            content, media_type = await asyncio.to_thread(shown_picture, file, page, turned)
    except UserError as error:
        raise ApiError(404, str(error), code="not_found") from error
    return Response(content, media_type=media_type, headers=FILE_HEADERS)


@post("/attachments/{attachment_id:str}/delete", include_in_schema=False)
async def take_away(request: HttpRequest, state: State, attachment_id: FromPath[str]) -> Response[Any]:
    """Take a file away that stands with no question yet."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    await asyncio.to_thread(site.attachments(visitor.owner).delete, attachment_id)
    return nothing()


HANDLERS = [attach, show_attachment, show_picture, take_away]
