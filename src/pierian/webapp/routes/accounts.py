"""Linked accounts: how each stands, what it may be used for, syncing, checking and unlinking. Linking is in
`account_links`."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response
from msgspec import structs

from pierian.accounts.account import NOT_COPIED
from pierian.exceptions import UserError
from pierian.server.exchange import HttpRequest
from pierian.webapp.accounts import accounts_page, switches_of
from pierian.webapp.forms import Form, form_of
from pierian.webapp.responses import go_to, html
from pierian.webapp.site import Site
from pierian.webapp.visitors import Visitor, owner_of

DONE = ("linked", "renewed", "switched")
"""What the page says has been done."""


@get("/accounts", include_in_schema=False)
async def show_accounts(request: HttpRequest, state: State) -> Response[Any]:
    """What is linked."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    done = request.query_params.get("done", "")
    return html(await asyncio.to_thread(accounts_page, site, visitor, done=done if done in DONE else ""))


@post("/accounts/{account_id:str}/switches", include_in_schema=False)
async def switch(request: HttpRequest, state: State, account_id: FromPath[str]) -> Response[Any]:
    """Let an account be used for what is ticked."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    form = await form_of(request)
    try:
        await asyncio.to_thread(_switched, site, visitor, account_id, form)
    except UserError as error:
        return html(await asyncio.to_thread(accounts_page, site, visitor, error=error), 422)
    return go_to(request, "/accounts?done=switched")


@post("/accounts/{account_id:str}/sync", include_in_schema=False)
async def sync(request: HttpRequest, state: State, account_id: FromPath[str]) -> Response[Any]:
    """Fetch what is new; the page shows when that has ended."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    account = await asyncio.to_thread(site.accounts(visitor.owner).get, account_id)
    if account.kind not in NOT_COPIED:
        site.service.synchroniser.want(visitor.owner, account.id)
    return go_to(request, "/accounts")


@post("/accounts/{account_id:str}/check", include_in_schema=False)
async def check(request: HttpRequest, state: State, account_id: FromPath[str]) -> Response[Any]:
    """Sign in at each of its servers, and say what works."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    return html(await asyncio.to_thread(_checked, site, visitor, account_id))


@post("/accounts/{account_id:str}/unlink", include_in_schema=False)
async def unlink(request: HttpRequest, state: State, account_id: FromPath[str]) -> Response[Any]:
    """Delete an account here."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    said = await asyncio.to_thread(_unlinked, site, visitor, account_id)
    return html(await asyncio.to_thread(accounts_page, site, visitor, done="unlinked", said=said))


def _switched(site: Site, visitor: Visitor, account_id: str, form: Form) -> None:
    from pierian.accounts.linking import switched
    from pierian.accounts.secrets import sealer

    accounts = site.accounts(visitor.owner)
    account = accounts.get(account_id)
    ticked = {name: bool(form.text(name)) for name in switches_of(account)}
    switched(accounts, account, structs.replace(account.switches, **ticked), sealer)


def _checked(site: Site, visitor: Visitor, account_id: str) -> str:
    from pierian.accounts.checking import check_account
    from pierian.accounts.secrets import sealer

    accounts = site.accounts(visitor.owner)
    account = accounts.get(account_id)
    found = check_account(accounts, account, sealer)
    return accounts_page(site, visitor, checks={account.id: found})


def _unlinked(site: Site, visitor: Visitor, account_id: str) -> str:
    from pierian.agents.unlinking import unlink as unlink_account

    accounts = site.accounts(visitor.owner)
    return unlink_account(accounts, accounts.get(account_id))


HANDLERS = [show_accounts, switch, sync, check, unlink]
