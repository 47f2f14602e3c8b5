"""What can be done with one turn: answer again, edit, show another version, stop, run a check again, show a page."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import Response

from pierian.reasoning import Mode
from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest
from pierian.webapp.allowances import let_in
from pierian.webapp.artifacts import ARTIFACT_HEADERS, artifact_page, written_artifact
from pierian.webapp.asking import again, busy, edit
from pierian.webapp.checks import run_again
from pierian.webapp.forms import Number, form_of
from pierian.webapp.rendering import fragment, update
from pierian.webapp.responses import done, html
from pierian.webapp.routes.conversations import question_of
from pierian.webapp.site import Site
from pierian.webapp.turns import way_of
from pierian.webapp.visitors import visitor_of


@post("/conversations/{conversation_id:str}/turns/{position:int}/retry", include_in_schema=False)
async def retry(
    request: HttpRequest, state: State, conversation_id: FromPath[str], position: Number
) -> Response[Any]:
    """Another answer to the same question, in the mode that is chosen, or the same one."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    site.service.refuse_new()
    chosen = (await form_of(request)).text("mode")
    mode = Mode.named(chosen) if chosen else None
    await let_in(site, visitor, mode)
    await asyncio.to_thread(again, site, visitor, conversation_id, position, mode)
    return done(request, f"/conversations/{conversation_id}")


@post("/conversations/{conversation_id:str}/turns/{position:int}/edit", include_in_schema=False)
async def edit_question(
    request: HttpRequest, state: State, conversation_id: FromPath[str], position: Number
) -> Response[Any]:
    """Ask an earlier question in other words: a branch of the conversation begins there."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    site.service.refuse_new()
    question = question_of(await form_of(request))
    await let_in(site, visitor, question.mode)
    await asyncio.to_thread(edit, site, visitor, conversation_id, position, question)
    return done(request, f"/conversations/{conversation_id}")


@post("/conversations/{conversation_id:str}/turns/{position:int}/show", include_in_schema=False)
async def show_version(
    request: HttpRequest, state: State, conversation_id: FromPath[str], position: Number
) -> Response[Any]:
    """Show the branch through this version of a turn."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    await asyncio.to_thread(site.conversations(visitor.owner).show, conversation_id, position)
    site.changed(visitor.owner, conversation_id)
    return done(request, f"/conversations/{conversation_id}?turn={position}#turn-{position}")


@post("/conversations/{conversation_id:str}/stop", include_in_schema=False)
async def stop(request: HttpRequest, state: State, conversation_id: FromPath[str]) -> Response[Any]:
    """End the answer that is being written, with what there is of it."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    record = await asyncio.to_thread(busy, site, visitor, conversation_id)
    if record is not None:
        await site.keeper.stop(record)
        site.changed(visitor.owner, conversation_id)
    return done(request, f"/conversations/{conversation_id}")


@post("/conversations/{conversation_id:str}/turns/{position:int}/checks/{index:int}", include_in_schema=False)
async def check_again(
    request: HttpRequest,
    state: State,
    conversation_id: FromPath[str],
    position: Number,
    index: Number,
) -> Response[Any]:
    """Run the program of a check once more."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    result = await run_again(site, visitor, conversation_id, position, index)
    return html(fragment("check_result.html", result=result))


@get("/conversations/{conversation_id:str}/turns/{position:int}/way", include_in_schema=False)
async def show_way(
    request: HttpRequest, state: State, conversation_id: FromPath[str], position: Number
) -> Response[Any]:
    """The thoughts, drafts and plan of an answer that has ended, for the folds that are empty until then."""
    site: Site = state.site
    visitor = await visitor_of(site, request)

    def way() -> str:
        turn = way_of(site, visitor.owner, conversation_id, position)
        context = {"turn": turn, "conversation": {"id": conversation_id}}
        parts = [fragment(f"parts/{part}.html", **context) for part in ("thoughts", "drafts", "plan")]
        return update(f"turn-{position}", *parts)

    return html(await asyncio.to_thread(way))


@get(
    "/conversations/{conversation_id:str}/turns/{position:int}/artifacts/{index:int}", include_in_schema=False
)
async def show_artifact(
    request: HttpRequest,
    state: State,
    conversation_id: FromPath[str],
    position: Number,
    index: Number,
) -> Response[Any]:
    """A page or drawing of an answer, for a sandboxed frame."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    shown = await asyncio.to_thread(artifact_page, site, visitor, conversation_id, position, index)
    if shown is None:
        raise ApiError(404, "The answer has no such page.", code="not_found")
    return Response(shown, media_type="text/html", headers=ARTIFACT_HEADERS)


@get("/artifacts/{name:str}", include_in_schema=False)
async def show_written_artifact(request: HttpRequest, state: State, name: FromPath[str]) -> Response[Any]:
    """A page or drawing that a tool of this machine wrote, for its owner."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    shown = await asyncio.to_thread(written_artifact, name) if visitor.owns else None
    if shown is None:
        raise ApiError(404, "There is no such page; it may have been moved or deleted.", code="not_found")
    return Response(shown, media_type="text/html", headers=ARTIFACT_HEADERS)


HANDLERS = [
    retry,
    edit_question,
    show_version,
    stop,
    check_again,
    show_way,
    show_artifact,
    show_written_artifact,
]
