"""Runs on the pages: those under way with a button to stop them, those that have ended, and approvals."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response

from pierian.exceptions import UnknownName, UserError
from pierian.runs import Approvals, RunRecord
from pierian.server.exchange import HttpRequest
from pierian.webapp.forms import form_of
from pierian.webapp.layout import runs_page
from pierian.webapp.responses import done, go_to, html
from pierian.webapp.site import Site
from pierian.webapp.visitors import visitor_of


@get("/runs", include_in_schema=False)
async def show_runs(request: HttpRequest, state: State) -> Response[Any]:
    """The newest runs."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    return html(await asyncio.to_thread(runs_page, site, visitor))


@post("/runs/{run_id:str}/cancel", include_in_schema=False)
async def cancel_run(request: HttpRequest, state: State, run_id: FromPath[str]) -> Response[Any]:
    """Stop a run; what it has of an answer is kept."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    record = await asyncio.to_thread(site.journal(visitor.owner).get, run_id)
    await site.keeper.stop(record)
    return go_to(request, "/runs")


@post("/runs/{run_id:str}/approvals/{approval_id:str}", include_in_schema=False)
async def answer_approval(
    request: HttpRequest, state: State, run_id: FromPath[str], approval_id: FromPath[str]
) -> Response[Any]:
    """Say yes or no to what a run waits for."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    approved = (await form_of(request)).text("approved")
    if approved not in ("yes", "no"):
        raise UserError("An approval is answered with yes or no.", hint="Use one of its two buttons.")
    record = await asyncio.to_thread(site.journal(visitor.owner).get, run_id)
    approvals = Approvals(site.database, visitor.owner)
    if (await asyncio.to_thread(approvals.get, approval_id)).run != record.id:
        raise UnknownName("approval", approval_id, ())
    await asyncio.to_thread(lambda: approvals.answer(approval_id, approved=approved == "yes"))
    site.keeper.wake()
    site.changes.tell(record.id)
    return done(request, _page_of(record))


def _page_of(record: RunRecord) -> str:
    conversation = record.request.get("conversation")
    return f"/conversations/{conversation}" if conversation else "/runs"


HANDLERS = [show_runs, cancel_run, answer_approval]
