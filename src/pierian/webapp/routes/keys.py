"""API keys on the pages: everybody sees their own and may rotate or revoke them, administrators make them for all."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response

from pierian.access import Grant, Key
from pierian.exceptions import UserError
from pierian.metering import parse_money
from pierian.reasoning import Mode
from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest
from pierian.storage.ids import utc_now
from pierian.webapp.administration import keys_page
from pierian.webapp.forms import Form, form_of
from pierian.webapp.responses import go_to, html
from pierian.webapp.site import Site
from pierian.webapp.visitors import Visitor, administrator, visitor_of

MOST_DAYS = 3650


@get("/keys", include_in_schema=False)
async def show_keys(request: HttpRequest, state: State) -> Response[Any]:
    """The list, and the form for a new one."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    return html(await asyncio.to_thread(keys_page, site, visitor))


@post("/keys", include_in_schema=False)
async def create_key(request: HttpRequest, state: State) -> Response[Any]:
    """A new key; its secret is shown on this one page only."""
    site: Site = state.site
    visitor = await administrator(site, request)
    form = await form_of(request)
    user = form.text("user") or (visitor.user.id if visitor.user else "")
    try:
        if not user:
            raise UserError("A key belongs to somebody.", hint="Choose whose it is to be.")
        key, secret = await asyncio.to_thread(site.keys.create, user, form.text("name"), grant_of(form))
    except UserError as error:
        shown = await asyncio.to_thread(keys_page, site, visitor, error=str(error), hint=error.hint)
        return html(shown, 422)
    return html(await asyncio.to_thread(keys_page, site, visitor, made=key, secret=secret))


@post("/keys/{key_id:str}/rotate", include_in_schema=False)
async def rotate_key(request: HttpRequest, state: State, key_id: FromPath[str]) -> Response[Any]:
    """A new secret for a key, shown once; the old one ends."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    await asyncio.to_thread(_own, site, visitor, key_id)
    key, secret = await asyncio.to_thread(site.keys.rotate, key_id)
    return html(await asyncio.to_thread(keys_page, site, visitor, made=key, secret=secret))


@post("/keys/{key_id:str}/revoke", include_in_schema=False)
async def revoke_key(request: HttpRequest, state: State, key_id: FromPath[str]) -> Response[Any]:
    """End a key for good."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    await asyncio.to_thread(_own, site, visitor, key_id)
    await asyncio.to_thread(site.keys.revoke, key_id)
    return go_to(request, "/keys")


def _own(site: Site, visitor: Visitor, key: str) -> Key:
    """A key that this person may change; to others it is as if there were none."""
    found = site.keys.show(key)
    if not visitor.administers and (visitor.user is None or found.user != visitor.user.id):
        raise ApiError(404, "There is no such key of yours.", code="not_found")
    return found


def grant_of(form: Form) -> Grant:
    """What a form allows; raises `UserError`."""
    days = form.number("days", "days")
    if days is not None and days > MOST_DAYS:
        raise UserError(f"A key lasts {MOST_DAYS:,} days at most.", hint="Leave it empty for no end.")
    day, month = form.text("day_cap"), form.text("month_cap")
    return Grant(
        modes=tuple(Mode.named(one).value for one in form.all("modes")),
        models=tuple(one for one in form.text("models").replace(",", " ").split()),
        requests_per_minute=form.number("requests_per_minute", "requests"),
        tokens_per_minute=form.number("tokens_per_minute", "tokens"),
        concurrent=form.number("concurrent", "requests"),
        day_cap=parse_money(day) if day else None,
        month_cap=parse_money(month) if month else None,
        expires_at=utc_now() + timedelta(days=days) if days else None,
    )


HANDLERS = [show_keys, create_key, rotate_key, revoke_key]
