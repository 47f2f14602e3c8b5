"""`/v1/chat/completions`, `/v1/responses`, `/v1/messages`: three formats of the same exchange."""

from __future__ import annotations

import time
from typing import Any

from litestar import post
from litestar.datastructures import State
from litestar.types import ASGIApp

from pierian.access import Key
from pierian.metering import Caller
from pierian.server import chat_completions
from pierian.server.bodies import read_body
from pierian.server.call import Call
from pierian.server.exchange import (
    Asked,
    HttpRequest,
    Writer,
    check_grant,
    identified,
    identity,
    note,
    respond,
)
from pierian.server.service import Service


@post("/v1/chat/completions", status_code=200, operation_id="createChatCompletion", tags=["Answers"])
async def create_chat_completion(request: HttpRequest, state: State) -> ASGIApp:
    """Answer a conversation, in the format of OpenAI's chat completions."""
    service, began, caller, key = await _opened(request, state)
    body = await read_body(request)
    parsed = chat_completions.parse(body)
    writer = chat_completions.Writer(parsed, identity("chatcmpl-"), int(time.time()))
    return await _respond(service, request, caller, key, parsed.call, writer, body, began)


async def _opened(request: HttpRequest, state: State) -> tuple[Service, float, Caller, Key | None]:
    """Who asks, before anything of a body is read."""
    service: Service = state.service
    began = time.perf_counter()
    caller, key = await identified(service, request)
    service.refuse_new()
    return service, began, caller, key


async def _respond(
    service: Service,
    request: HttpRequest,
    caller: Caller,
    key: Key | None,
    call: Call,
    writer: Writer,
    body: bytes,
    began: float,
) -> Any:
    note(request, model=call.model, stream=call.stream)
    check_grant(service, key, call)
    asked = Asked(
        caller,
        call,
        writer,
        request.url.path,
        body,
        request.headers.get("idempotency-key", ""),
        began,
    )
    return await respond(service, request, asked)
