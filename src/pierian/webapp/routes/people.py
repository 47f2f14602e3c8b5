"""People and invitations, for administrators."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response

from pierian.access import Role, User
from pierian.access.users import checked_role
from pierian.exceptions import UserError
from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest
from pierian.storage.ids import utc_now
from pierian.webapp.administration import people_page
from pierian.webapp.fields import Reader
from pierian.webapp.forms import Form, form_of
from pierian.webapp.responses import go_to, html
from pierian.webapp.routes.keys import days_of, grant_of
from pierian.webapp.site import Site
from pierian.webapp.visitors import Visitor, administrator

INVITE_DAYS = 7
MOST_INVITE_DAYS = 365


@get("/people", include_in_schema=False)
async def show_people(request: HttpRequest, state: State) -> Response[Any]:
    """Who is here, who is invited."""
    site: Site = state.site
    visitor = await administrator(site, request)
    return html(await asyncio.to_thread(people_page, site, visitor))


@post("/invites", include_in_schema=False)
async def invite(request: HttpRequest, state: State) -> Response[Any]:
    """A new invitation; its link is shown on this one page only."""
    site: Site = state.site
    visitor = await administrator(site, request)
    form = await form_of(request)
    reader = Reader(form)
    role: Role = reader.take("role", lambda: _role(form, visitor), "member")
    days = reader.take("days", lambda: days_of(form, MOST_INVITE_DAYS), None) or INVITE_DAYS
    grant = grant_of(reader)
    try:
        if reader.problems:
            return html(await asyncio.to_thread(people_page, site, visitor, filled=reader.filled()), 422)
        by = visitor.user.id if visitor.user else visitor.owner
        expires = utc_now() + timedelta(days=days)
        _, code = await asyncio.to_thread(site.invites.create, by, grant, role, expires)
    except UserError as error:
        shown = await asyncio.to_thread(people_page, site, visitor, filled=reader.filled(error))
        return html(shown, 422)
    return html(await asyncio.to_thread(people_page, site, visitor, link=_address(request, f"/join/{code}")))


@post("/invites/{invite_id:str}/revoke", include_in_schema=False)
async def revoke_invite(request: HttpRequest, state: State, invite_id: FromPath[str]) -> Response[Any]:
    """Take an invitation back."""
    site: Site = state.site
    await administrator(site, request)
    await asyncio.to_thread(site.invites.revoke, invite_id)
    return go_to(request, "/people")


@post("/people/{user_id:str}/disable", include_in_schema=False)
async def disable(request: HttpRequest, state: State, user_id: FromPath[str]) -> Response[Any]:
    """Let somebody in no longer; what is theirs stays."""
    site: Site = state.site
    visitor = await administrator(site, request)
    found = await asyncio.to_thread(_other, site, visitor, user_id)
    await asyncio.to_thread(site.users.disable, found.id)
    await asyncio.to_thread(site.sessions.end_all, found.id)
    return go_to(request, "/people")


@post("/people/{user_id:str}/enable", include_in_schema=False)
async def enable(request: HttpRequest, state: State, user_id: FromPath[str]) -> Response[Any]:
    """Let somebody in again."""
    site: Site = state.site
    visitor = await administrator(site, request)
    found = await asyncio.to_thread(_other, site, visitor, user_id)
    await asyncio.to_thread(site.users.enable, found.id)
    return go_to(request, "/people")


@post("/people/{user_id:str}/remove", include_in_schema=False)
async def remove(request: HttpRequest, state: State, user_id: FromPath[str]) -> Response[Any]:
    """Delete somebody with all that is theirs."""
    site: Site = state.site
    visitor = await administrator(site, request)
    found = await asyncio.to_thread(_other, site, visitor, user_id)
    await asyncio.to_thread(site.sessions.end_all, found.id)
    await asyncio.to_thread(site.users.delete, found.id)
    return go_to(request, "/people")


@post("/people/{user_id:str}/link", include_in_schema=False)
async def make_link(request: HttpRequest, state: State, user_id: FromPath[str]) -> Response[Any]:
    """A one-time link with which somebody chooses a new password, shown on this one page only."""
    site: Site = state.site
    visitor = await administrator(site, request)
    found = await asyncio.to_thread(_other, site, visitor, user_id)
    code = await asyncio.to_thread(site.links.create, found.id)
    link = _address(request, f"/welcome/{code}")
    return html(await asyncio.to_thread(people_page, site, visitor, link=link, link_for=found.name))


def _address(request: HttpRequest, path: str) -> str:
    """The whole address of a page, as whoever sent the form reaches this server."""
    origin = request.headers.get("origin", "")
    return f"{origin}{path}" if origin.startswith("http") else path


def _role(form: Form, visitor: Visitor) -> Role:
    role = checked_role(form.text("role", "member"))
    if role == "owner" and not visitor.owns:
        raise UserError("Only an owner invites an owner.", hint="Choose another role.")
    return role


def _other(site: Site, visitor: Visitor, user: str) -> User:
    """Somebody else; raises where somebody would lock themselves out, or an administrator an owner."""
    found = site.users.get(user)
    if visitor.user is not None and found.id == visitor.user.id:
        raise UserError(
            "This is you.", hint="Another administrator has to do it, or `pierian users` at the terminal."
        )
    if found.role == "owner" and not visitor.owns:
        raise ApiError(403, "Only an owner changes an owner.", code="not_allowed")
    return found


HANDLERS = [show_people, invite, revoke_invite, disable, enable, remove, make_link]
