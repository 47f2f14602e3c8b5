"""What is done at set times: adding, pausing, removing, and doing it right now."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response

from pierian.accounts.zones import local_zone
from pierian.assistant import checked_question
from pierian.exceptions import UserError
from pierian.reasoning import Mode
from pierian.schedules import Question, begin
from pierian.server.exchange import HttpRequest
from pierian.storage.ids import utc_now
from pierian.webapp.fields import Reader
from pierian.webapp.forms import Form, form_of
from pierian.webapp.responses import go_to, html
from pierian.webapp.schedules import schedules_page
from pierian.webapp.site import Site
from pierian.webapp.visitors import Visitor, owner_of

DONE = ("added", "paused", "resumed", "removed", "begun")
"""What the page says has been done."""


@get("/schedules", include_in_schema=False)
async def show_schedules(request: HttpRequest, state: State) -> Response[Any]:
    """What there is, and the form for more."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    done = request.query_params.get("done", "")
    return html(await asyncio.to_thread(schedules_page, site, visitor, done=done if done in DONE else ""))


@post("/schedules", include_in_schema=False)
async def add(request: HttpRequest, state: State) -> Response[Any]:
    """A new one."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    reader = Reader(await form_of(request))
    await asyncio.to_thread(_added, site, visitor, reader)
    if reader.problems:
        shown = await asyncio.to_thread(schedules_page, site, visitor, filled=reader.filled())
        return html(shown, 422)
    return go_to(request, "/schedules?done=added")


@post("/schedules/{schedule_id:str}/pause", include_in_schema=False)
async def pause(request: HttpRequest, state: State, schedule_id: FromPath[str]) -> Response[Any]:
    """Do it no more until it is resumed."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    await asyncio.to_thread(site.schedules(visitor.owner).pause, schedule_id)
    return go_to(request, "/schedules?done=paused")


@post("/schedules/{schedule_id:str}/resume", include_in_schema=False)
async def resume(request: HttpRequest, state: State, schedule_id: FromPath[str]) -> Response[Any]:
    """Do it again from now on."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    await asyncio.to_thread(site.schedules(visitor.owner).resume, schedule_id)
    return go_to(request, "/schedules?done=resumed")


@post("/schedules/{schedule_id:str}/remove", include_in_schema=False)
async def remove(request: HttpRequest, state: State, schedule_id: FromPath[str]) -> Response[Any]:
    """Forget it; what it has answered stays."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    await asyncio.to_thread(site.schedules(visitor.owner).remove, schedule_id)
    return go_to(request, "/schedules?done=removed")


@post("/schedules/{schedule_id:str}/run", include_in_schema=False)
async def run(request: HttpRequest, state: State, schedule_id: FromPath[str]) -> Response[Any]:
    """Begin it right now; its answer comes into its conversation."""
    site: Site = state.site
    visitor = await owner_of(site, request)
    await asyncio.to_thread(_begun, site, visitor, schedule_id)
    site.keeper.wake()
    return go_to(request, "/schedules?done=begun")


def _added(site: Site, visitor: Visitor, reader: Reader) -> None:
    """Keep what the form asks for, unless something of it is wrong."""
    form = reader.form
    asked = reader.take("question", lambda: _question(form), None) if form.text("task") == "ask" else None
    if reader.problems:
        return
    zone = form.text("zone") or str(local_zone())
    store, task = site.schedules(visitor.owner), "brief" if asked is None else "ask"
    try:
        store.add(form.text("times"), zone, task, asked)
    except UserError as error:
        field = "zone" if "time zone" in str(error) else "times"
        reader.problems[field] = f"{error} {error.hint}".strip()


def _question(form: Form) -> Question:
    return Question(
        text=checked_question(form.text("question")), mode=Mode.named(form.text("mode", "auto")).value
    )


def _begun(site: Site, visitor: Visitor, schedule_id: str) -> None:
    one = site.schedules(visitor.owner).get(schedule_id)
    begin(site.database, site.service.settings, one, utc_now())


HANDLERS = [show_schedules, add, pause, resume, remove, run]
