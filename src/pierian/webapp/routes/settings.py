"""A person's own settings: instructions, mode, budgets, theme, password, and where they are signed in."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response

from pierian.access import SignInRefused
from pierian.exceptions import UserError
from pierian.reasoning import Mode
from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest
from pierian.storage import Profile
from pierian.storage.profiles import THEMES, Theme
from pierian.webapp.fields import Reader
from pierian.webapp.forms import Form, form_of
from pierian.webapp.layout import settings_page
from pierian.webapp.responses import go_to, html
from pierian.webapp.site import Site
from pierian.webapp.texts import text
from pierian.webapp.visitors import Visitor, visitor_of

MOST_INSTRUCTIONS = 8_000
SAVED = ("settings", "password", "session")
"""What the page says has been done."""


@get("/settings", include_in_schema=False)
async def show_settings(request: HttpRequest, state: State) -> Response[Any]:
    """The form."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    saved = request.query_params.get("saved", "")
    return html(await asyncio.to_thread(settings_page, site, visitor, saved=saved if saved in SAVED else ""))


@post("/settings", include_in_schema=False)
async def save_settings(request: HttpRequest, state: State) -> Response[Any]:
    """Keep what was chosen."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    reader = Reader(await form_of(request))
    try:
        profile = profile_of(reader)
        if reader.problems:
            return html(await asyncio.to_thread(settings_page, site, visitor, filled=reader.filled()), 422)
        await asyncio.to_thread(site.profiles.save, visitor.owner, profile)
    except UserError as error:
        return html(await asyncio.to_thread(settings_page, site, visitor, filled=reader.filled(error)), 422)
    return go_to(request, "/settings?saved=settings")


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
    field = "current"
    try:
        site.attempts.begin(user.name, address)
        await asyncio.to_thread(site.passwords.check, user.name, form.raw("current"))
        site.attempts.succeeded(user.name, address)
        field = "password"
        await asyncio.to_thread(site.passwords.set, user.id, form.raw("password"))
    except UserError as error:
        told = (
            text("settings.wrong_password") if isinstance(error, SignInRefused) else f"{error} {error.hint}"
        )
        shown = await asyncio.to_thread(settings_page, site, visitor, passwords={field: told.strip()})
        return html(shown, 422)
    await asyncio.to_thread(site.sessions.end_all, user.id, session.id)
    return go_to(request, "/settings?saved=password")


@post("/settings/sessions/{session_id:str}/end", include_in_schema=False)
async def end_session(request: HttpRequest, state: State, session_id: FromPath[str]) -> Response[Any]:
    """Sign out somewhere else."""
    site: Site = state.site
    visitor: Visitor = await visitor_of(site, request)
    if visitor.user is not None:
        await asyncio.to_thread(site.sessions.end_one, session_id, visitor.user.id)
    return go_to(request, "/settings?saved=session")


def profile_of(reader: Reader) -> Profile:
    """What a form of settings asks for; what is wrong is left out, and told by the reader."""
    form = reader.form
    return Profile(
        instructions=reader.take("instructions", lambda: _instructions(form), ""),
        mode=Mode.named(form.text("mode", "auto")).value,
        budget_tokens=reader.number("budget_tokens", "tokens"),
        budget_seconds=reader.amount("budget_seconds", "seconds"),
        theme=_theme(form),
    )


def _instructions(form: Form) -> str:
    given = form.text("instructions").replace("\r\n", "\n")  # as forms send the ends of lines
    if len(given) > MOST_INSTRUCTIONS:
        raise UserError(
            f"The instructions have {len(given):,} characters; {MOST_INSTRUCTIONS:,} is the most.",
            hint="Every answer reads them: keep them short.",
        )
    return given


def _theme(form: Form) -> Theme:
    given = form.text("theme", "system")
    for theme in THEMES:
        if given == theme:
            return theme
    raise UserError(f"There is no theme {given[:20]!r}.", hint=f"Choose {', '.join(THEMES)}.")


HANDLERS = [show_settings, save_settings, change_password, end_session]
