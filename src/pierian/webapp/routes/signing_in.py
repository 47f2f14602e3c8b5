"""Signing in and out, the one-time link of a first visit or a forgotten password, and joining by invitation."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response

from pierian.access import AccessDenied, TooManyAttempts, User
from pierian.exceptions import UserError
from pierian.server.exchange import HttpRequest
from pierian.webapp.forms import form_of
from pierian.webapp.rendering import page
from pierian.webapp.responses import go_to, html
from pierian.webapp.site import Site
from pierian.webapp.visitors import COOKIE, SignInNeeded, local_page, session_cookie, visitor_of


@get("/sign-in", include_in_schema=False)
async def show_sign_in(request: HttpRequest, state: State) -> Response[Any]:
    """The form; who is signed in already goes on."""
    site: Site = state.site
    wanted = local_page(request.query_params.get("next", "/"))
    try:
        await visitor_of(site, request)
    except SignInNeeded:
        return html(page("sign_in.html", next=wanted, name="", error="", hint=""))
    return go_to(request, wanted)


@post("/sign-in", include_in_schema=False)
async def sign_in(request: HttpRequest, state: State) -> Response[Any]:
    """Check name and password, and begin a session."""
    site: Site = state.site
    form = await form_of(request)
    name, wanted = form.text("name"), local_page(form.text("next", "/"))
    address = request.client.host if request.client else ""
    try:
        site.attempts.begin(name, address)
        user = await asyncio.to_thread(site.passwords.check, name, form.raw("password"))
    except (AccessDenied, TooManyAttempts) as error:
        status = 429 if isinstance(error, TooManyAttempts) else 401
        shown = page("sign_in.html", next=wanted, name=name, error=str(error), hint=error.hint)
        return html(shown, status)
    site.attempts.succeeded(name, address)
    return await _begin(site, request, user, wanted)


@post("/sign-out", include_in_schema=False)
async def sign_out(request: HttpRequest, state: State) -> Response[Any]:
    """End the session of this browser."""
    site: Site = state.site
    if secret := request.cookies.get(COOKIE, ""):
        await asyncio.to_thread(site.sessions.end, secret)
    return go_to(request, "/sign-in", [session_cookie(request, "")])


@get("/welcome/{code:str}", include_in_schema=False)
async def show_welcome(state: State, code: FromPath[str]) -> Response[Any]:
    """Where a one-time link leads: choose a name and a password."""
    site: Site = state.site
    try:
        user = await asyncio.to_thread(site.links.open, code)
    except AccessDenied as denied:
        return _useless(denied)
    whom = await asyncio.to_thread(_whom, site, user)
    return html(page("welcome.html", code=code, name=user.name, whom=whom, error="", hint=""))


@post("/welcome/{code:str}", include_in_schema=False)
async def welcome(request: HttpRequest, state: State, code: FromPath[str]) -> Response[Any]:
    """Take the chosen name and password, and begin a session."""
    site: Site = state.site
    form = await form_of(request)
    name = form.text("name")
    try:
        user = await asyncio.to_thread(site.links.use, code, form.raw("password"), name or None)
    except AccessDenied as denied:
        return _useless(denied)
    except UserError as error:
        whom = await asyncio.to_thread(lambda: _whom(site, site.links.open(code)))
        shown = page("welcome.html", code=code, name=name, whom=whom, error=str(error), hint=error.hint)
        return html(shown, 422)
    await asyncio.to_thread(site.sessions.end_all, user.id)  # this process remembers them for a moment
    return await _begin(site, request, user, "/")


@get("/join/{code:str}", include_in_schema=False)
async def show_join(state: State, code: FromPath[str]) -> Response[Any]:
    """Where an invitation leads."""
    site: Site = state.site
    try:
        await asyncio.to_thread(site.invites.open, code)
    except AccessDenied as denied:
        return _useless(denied)
    return html(page("join.html", code=code, name="", error="", hint=""))


@post("/join/{code:str}", include_in_schema=False)
async def join(request: HttpRequest, state: State, code: FromPath[str]) -> Response[Any]:
    """Make a user from an invitation, and begin a session."""
    site: Site = state.site
    form = await form_of(request)
    name = form.text("name")
    try:
        user = await asyncio.to_thread(site.invites.join, code, name, form.raw("password"))
    except AccessDenied as denied:
        return _useless(denied)
    except UserError as error:
        return html(page("join.html", code=code, name=name, error=str(error), hint=error.hint), 422)
    return await _begin(site, request, user, "/")


def _whom(site: Site, user: User) -> str:
    """Who a one-time link is for: the `owner` of a new server, somebody `new`, or who was `here` before."""
    if site.passwords.has(user.id):
        return "here"
    owned = any(one.role == "owner" and site.passwords.has(one.id) for one in site.users.list())
    return "owner" if user.role == "owner" and not owned else "new"


async def _begin(site: Site, request: HttpRequest, user: User, wanted: str) -> Response[Any]:
    """A new session, whatever cookie came along: no session can be fixed from outside."""
    if old := request.cookies.get(COOKIE, ""):
        await asyncio.to_thread(site.sessions.end, old)
    agent = request.headers.get("user-agent", "")
    _, secret = await asyncio.to_thread(site.sessions.begin, user.id, agent)
    return go_to(request, wanted, [session_cookie(request, secret)])


def _useless(denied: AccessDenied) -> Response[Any]:
    """The page of a link that is wrong, used or expired."""
    shown = page("message.html", title=str(denied), words=denied.hint, action="/sign-in")
    return html(shown, 403)


HANDLERS = [show_sign_in, sign_in, sign_out, show_welcome, welcome, show_join, join]
