"""Linking an account: the form, looking for the servers of an address, trying and keeping it."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

from litestar import get, post
from litestar.datastructures import State
from litestar.response import Response

from pierian.accounts.required_packages import check_installed
from pierian.exceptions import PierianError, UserError
from pierian.server.exchange import HttpRequest
from pierian.webapp.account_links import KINDS, Kind, NotWorking, WrongField, link_page, linked, suggested
from pierian.webapp.fields import Filled
from pierian.webapp.forms import Form, form_of
from pierian.webapp.responses import go_to, html
from pierian.webapp.site import Site
from pierian.webapp.visitors import owner_of


@get("/accounts/link", include_in_schema=False)
async def show_link(request: HttpRequest, state: State) -> Response[Any]:
    """The form for an account of a kind: its address, or with `by=hand` its servers."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    check_installed()
    kind = _kind(request.query_params.get("kind", ""))
    step = "server" if request.query_params.get("by") == "hand" else "address"
    return html(await asyncio.to_thread(link_page, site, visitor, kind, step=step))


@post("/accounts/link/find", include_in_schema=False)
async def find(request: HttpRequest, state: State) -> Response[Any]:
    """Look for the servers of an address, and show what was found."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    form = await form_of(request)
    check_installed()
    kind = _kind(form.text("kind"))
    try:
        found = await asyncio.to_thread(suggested, kind, form.text("address"))
    except UserError as error:
        filled = Filled(form, {"address": str(error)}, str(error), error.hint)
        return html(await asyncio.to_thread(link_page, site, visitor, kind, filled=filled), 422)
    shown = await asyncio.to_thread(
        link_page,
        site,
        visitor,
        kind,
        step="server",
        filled=Filled(found.form, {}, found.error),
        note=found.note,
        foreign=found.foreign,
    )
    return html(shown)


@post("/accounts/link", include_in_schema=False)
async def link(request: HttpRequest, state: State) -> Response[Any]:
    """Try what the form says, and keep it if it works."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    form = await form_of(request)
    check_installed()
    kind = _kind(form.text("kind"))
    try:
        _, renewed = await asyncio.to_thread(linked, site, visitor, kind, form)
    except PierianError as error:
        field = error.field if isinstance(error, NotWorking | WrongField) else ""
        shown = await asyncio.to_thread(
            link_page,
            site,
            visitor,
            kind,
            step="server",
            filled=Filled(
                _without_password(form), {field: str(error)} if field else {}, str(error), error.hint
            ),
            foreign=form.text("foreign"),
            checked=error.checked if isinstance(error, NotWorking) else (),
        )
        return html(shown, 422)
    return go_to(request, f"/accounts?done={'renewed' if renewed else 'linked'}")


def _without_password(form: Form) -> Form:
    """The form as it may be shown again."""
    kept = {name: values for name, values in form.fields.items() if name != "password"}
    # Before an @ there may be a password, however it is written; a calendar file's address may be a secret itself.
    if "@" in unquote(form.text("url")) or form.text("kind") == "ics":
        kept.pop("url", None)
    return Form(kept)


def _kind(given: str) -> Kind:
    for kind in KINDS:
        if kind == given:
            return kind
    return "caldav"


HANDLERS = [show_link, find, link]
