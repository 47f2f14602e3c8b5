"""API keys on the pages: everybody sees their own and may rotate or revoke them, administrators make them for all."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response

from pierian.access import Grant, Key
from pierian.access.invites import WEB_KEY
from pierian.exceptions import UserError
from pierian.reasoning import Mode
from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest
from pierian.storage.ids import utc_now
from pierian.webapp.administration import keys_page
from pierian.webapp.fields import Reader
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
    reader = Reader(form)
    grant = msgspec.structs.replace(grant_of(reader), expires_at=_end_of(reader))
    user = form.text("user") or (visitor.user.id if visitor.user else "")
    try:
        if not user:
            raise UserError("A key belongs to somebody.", hint="Choose whose it is to be.")
        _check_role(visitor, (await asyncio.to_thread(site.users.get, user)).role)
        if reader.problems:
            return html(await asyncio.to_thread(keys_page, site, visitor, filled=reader.filled()), 422)
        key, secret = await asyncio.to_thread(site.keys.create, user, form.text("name"), grant)
    except UserError as error:
        shown = await asyncio.to_thread(keys_page, site, visitor, filled=reader.filled(error))
        return html(shown, 422)
    return html(await asyncio.to_thread(keys_page, site, visitor, made=key, secret=secret))


@post("/keys/{key_id:str}/rotate", include_in_schema=False)
async def rotate_key(request: HttpRequest, state: State, key_id: FromPath[str]) -> Response[Any]:
    """A new secret for a key, shown once; the old one ends."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    found = await asyncio.to_thread(_own, site, visitor, key_id)
    if found.name == WEB_KEY:
        raise UserError("This key has no secret: it is the account of what somebody asks on these pages.")
    key, secret = await asyncio.to_thread(site.keys.rotate, found.id)
    return html(await asyncio.to_thread(keys_page, site, visitor, made=key, secret=secret))


@post("/keys/{key_id:str}/revoke", include_in_schema=False)
async def revoke_key(request: HttpRequest, state: State, key_id: FromPath[str]) -> Response[Any]:
    """End a key for good."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    found = await asyncio.to_thread(_own, site, visitor, key_id)
    if found.name == WEB_KEY and not visitor.administers:
        raise ApiError(403, "Only administrators end what somebody may ask.", code="not_allowed")
    await asyncio.to_thread(site.keys.revoke, found.id)
    return go_to(request, "/keys")


def _own(site: Site, visitor: Visitor, key: str) -> Key:
    """A key that this person may change; to others it is as if there were none."""
    found = site.keys.show(key)
    if not visitor.administers and (visitor.user is None or found.user != visitor.user.id):
        raise ApiError(404, "There is no such key of yours.", code="not_found")
    _check_role(visitor, found.role)
    return found


def _check_role(visitor: Visitor, role: str) -> None:
    """An owner's key uses the tools of this machine: nobody else gets hold of its secret."""
    if role == "owner" and not visitor.owns:
        raise ApiError(403, "Only an owner changes the keys of an owner.", code="not_allowed")


def grant_of(reader: Reader) -> Grant:
    """What a form allows; what is wrong is left out, and told by the reader."""
    form = reader.form
    return Grant(
        modes=reader.take("modes", lambda: _modes(form), ()),
        models=_models(form),
        requests_per_minute=reader.number("requests_per_minute", "requests"),
        tokens_per_minute=reader.number("tokens_per_minute", "tokens"),
        concurrent=reader.number("concurrent", "requests"),
        day_cap=reader.money("day_cap"),
        month_cap=reader.money("month_cap"),
    )


def _end_of(reader: Reader) -> datetime | None:
    """When a key ends; None for never."""
    days = reader.take("days", lambda: days_of(reader.form, MOST_DAYS), None)
    return utc_now() + timedelta(days=days) if days else None


def days_of(form: Form, most: int) -> int | None:
    """The days that a form names; None where it names none. Raises `UserError` for more than `most`."""
    days = form.number("days", "days")
    if days is not None and days > most:
        raise UserError(f"That is more than {most:,} days.", hint="Choose fewer, or leave it empty.")
    return days


def _modes(form: Form) -> tuple[str, ...]:
    """The modes that are ticked; none where that is all of them, and no models are named: then all is allowed."""
    ticked = tuple(Mode.named(one).value for one in form.all("modes"))
    if not ticked and not _models(form):
        raise UserError("Nothing is allowed yet.", hint="Tick a mode, or name a model.")
    return () if len(set(ticked)) == len(Mode) and not _models(form) else ticked


def _models(form: Form) -> tuple[str, ...]:
    return tuple(form.text("models").replace(",", " ").split())


HANDLERS = [show_keys, create_key, rotate_key, revoke_key]
