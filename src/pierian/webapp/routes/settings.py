"""A person's own settings: instructions, mode, budgets, theme, password, and where they are signed in."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response

from pierian.exceptions import UserError
from pierian.reasoning import Mode
from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest
from pierian.storage import Profile
from pierian.webapp.forms import Form, form_of
from pierian.webapp.layout import settings_page
from pierian.webapp.responses import go_to, html
from pierian.webapp.site import Site
from pierian.webapp.visitors import Visitor, visitor_of

MOST_INSTRUCTIONS = 8_000
THEMES = ("system", "light", "dark")


@get("/settings", include_in_schema=False)
async def show_settings(request: HttpRequest, state: State) -> Response[Any]:
    """The form."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    saved = request.query_params.get("saved") == "1"
    return html(await asyncio.to_thread(settings_page, site, visitor, saved=saved))


@post("/settings", include_in_schema=False)
async def save_settings(request: HttpRequest, state: State) -> Response[Any]:
    """Keep what was chosen."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    form = await form_of(request)
    try:
        profile = profile_of(form)
    except UserError as error:
        shown = await asyncio.to_thread(settings_page, site, visitor, error=str(error), hint=error.hint)
        return html(shown, 422)
    await asyncio.to_thread(site.profiles.save, visitor.owner, profile)
    return go_to(request, "/settings?saved=1")


@post("/settings/password", include_in_schema=False)
async def change_password(request: HttpRequest, state: State) -> Response[Any]:
    """Another password; every other session ends."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    user, session = visitor.user, visitor.session
    if user is None or session is None:
        raise ApiError(403, "Nobody signs in on a server without keys.", code="not_allowed")
    form = await form_of(request)
    address = request.client.host if request.client else ""
    try:
        site.attempts.begin(user.name, address)
        await asyncio.to_thread(site.passwords.check, user.name, form.raw("current"))
        site.attempts.succeeded(user.name, address)
        await asyncio.to_thread(site.passwords.set, user.id, form.raw("password"))
    except UserError as error:
        shown = await asyncio.to_thread(settings_page, site, visitor, error=str(error), hint=error.hint)
        return html(shown, 422)
    await asyncio.to_thread(site.sessions.end_all, user.id, session.id)
    return go_to(request, "/settings?saved=1")


@post("/settings/sessions/{session_id:str}/end", include_in_schema=False)
async def end_session(request: HttpRequest, state: State, session_id: FromPath[str]) -> Response[Any]:
    """Sign out somewhere else."""
    site: Site = state.site
    visitor: Visitor = await visitor_of(site, request)
    if visitor.user is not None:
        await asyncio.to_thread(site.sessions.end_one, session_id, visitor.user.id)
    return go_to(request, "/settings?saved=1")


def profile_of(form: Form) -> Profile:
    """What a form of settings asks for; raises `UserError`."""
    instructions = form.text("instructions")
    if len(instructions) > MOST_INSTRUCTIONS:
        raise UserError(
            f"The instructions have {len(instructions):,} characters; {MOST_INSTRUCTIONS:,} is the most.",
            hint="Every answer reads them: keep them short.",
        )
    theme = form.text("theme", "system")
    if theme not in THEMES:
        raise UserError(f"There is no theme {theme[:20]!r}.", hint=f"Choose {', '.join(THEMES)}.")
    return Profile(
        instructions=instructions,
        mode=Mode.named(form.text("mode", "auto")).value,
        budget_tokens=form.number("budget_tokens", "tokens"),
        budget_seconds=form.amount("budget_seconds", "seconds"),
        theme=theme,
    )


HANDLERS = [show_settings, save_settings, change_password, end_session]
