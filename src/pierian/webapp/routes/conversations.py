"""Conversations: their pages, asking in them, and what can be done with a whole one."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from litestar import get, post
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery
from litestar.response import Response
from litestar.types import ASGIApp

from pierian.reasoning import Mode
from pierian.server.event_stream import EventStream
from pierian.server.exchange import HttpRequest
from pierian.webapp.allowances import let_in
from pierian.webapp.asking import Question, ask, check_free
from pierian.webapp.forms import Form, form_of
from pierian.webapp.layout import conversation_page, earlier_turns
from pierian.webapp.live import Seen, live
from pierian.webapp.responses import HEADERS, done, go_to, html
from pierian.webapp.site import Site
from pierian.webapp.visitors import COOKIE, visitor_of


@get("/", include_in_schema=False)
async def show_new(request: HttpRequest, state: State) -> Response[Any]:
    """An empty conversation."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    return html(await asyncio.to_thread(conversation_page, site, visitor, ""))


@get("/conversations/{conversation_id:str}", include_in_schema=False)
async def show_conversation(
    request: HttpRequest, state: State, conversation_id: FromPath[str], turn: FromQuery[int | None] = None
) -> Response[Any]:
    """One conversation, with its last turns, or those from `turn` on."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    return html(await asyncio.to_thread(conversation_page, site, visitor, conversation_id, turn))


@get("/conversations/{conversation_id:str}/turns", include_in_schema=False)
async def show_earlier(
    request: HttpRequest, state: State, conversation_id: FromPath[str], before: FromQuery[int]
) -> Response[Any]:
    """The turns before a position."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    return html(await asyncio.to_thread(earlier_turns, site, visitor, conversation_id, before))


@get("/conversations/{conversation_id:str}/live", include_in_schema=False)
async def follow(
    request: HttpRequest,
    state: State,
    conversation_id: FromPath[str],
    seen: FromQuery[str] = "",
    listed: FromQuery[int] = 0,
) -> ASGIApp:
    """What happens in the conversation from now on, as parts of its page."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    await asyncio.to_thread(
        site.conversations(visitor.owner).page, conversation_id, limit=1
    )  # that it is there
    again = Seen.from_text(request.headers.get("last-event-id", ""))  # it connects once more
    has = again or Seen.from_text(seen) or Seen()
    session = request.cookies.get(COOKIE, "")
    return EventStream(live(site, visitor, session, conversation_id, has, listed), HEADERS)


@post("/ask", include_in_schema=False)
async def ask_question(request: HttpRequest, state: State) -> Response[Any]:
    """Ask, in a new conversation or at the end of one; what comes of it arrives by its stream."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    site.service.refuse_new()
    form = await form_of(request)
    conversation = form.text("conversation")
    question = question_of(form)
    if conversation:  # what is refused anyway is not counted
        await asyncio.to_thread(check_free, site, visitor, conversation)
    await let_in(site, visitor, question.mode)
    asked = await asyncio.to_thread(ask, site, visitor, conversation, question)
    place = f"/conversations/{asked.conversation}"
    return done(request, place) if conversation else go_to(request, place)


@post("/conversations/{conversation_id:str}/rename", include_in_schema=False)
async def rename(request: HttpRequest, state: State, conversation_id: FromPath[str]) -> Response[Any]:
    """Give it another title."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    title = (await form_of(request)).text("title")
    await asyncio.to_thread(site.conversations(visitor.owner).rename, conversation_id, title)
    site.changed(visitor.owner, conversation_id)
    return go_to(request, f"/conversations/{quote(conversation_id)}")


@post("/conversations/{conversation_id:str}/delete", include_in_schema=False)
async def delete(request: HttpRequest, state: State, conversation_id: FromPath[str]) -> Response[Any]:
    """Delete it with everything in it; an answer that is being written ends."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    await asyncio.to_thread(site.conversations(visitor.owner).delete, conversation_id)
    site.changed(visitor.owner, conversation_id)
    return go_to(request, "/")


@get("/conversations/{conversation_id:str}/export", include_in_schema=False)
async def export(
    request: HttpRequest,
    state: State,
    conversation_id: FromPath[str],
    format: FromQuery[str] = "markdown",  # noqa: A002 (its name in the address)
) -> Response[Any]:
    """The conversation as a file."""
    site: Site = state.site
    visitor = await visitor_of(site, request)
    text = await asyncio.to_thread(site.conversations(visitor.owner).export, conversation_id, format)
    ending = {"markdown": "md"}.get(format, format)
    headers = {
        **HEADERS,
        "content-disposition": f'attachment; filename="conversation-{conversation_id[:12]}.{ending}"',
    }
    return Response(text, media_type="text/plain", headers=headers)


def question_of(form: Form) -> Question:
    """The question in the form of the composer."""
    return Question(
        form.raw("question"),
        Mode.named(chosen) if (chosen := form.text("mode")) else None,
        tuple(one for one in form.all("attachments") if one),
        form.number("drafts", "drafts"),
    )


HANDLERS = [
    show_new,
    show_conversation,
    show_earlier,
    follow,
    ask_question,
    rename,
    delete,
    export,
]
