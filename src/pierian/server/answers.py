"""`/v1/chat/completions`, `/v1/responses`, `/v1/messages`: three formats of the same exchange."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from litestar import delete, get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import Struct

from pierian.access import Key
from pierian.metering import Caller
from pierian.server.answering import vectors
from pierian.server.call import Call
from pierian.server.errors import ApiError
from pierian.server.exchange import (
    Asked,
    HttpRequest,
    Writer,
    check_grant,
    identified,
    identity,
    json_response,
    note,
    respond,
)
from pierian.server.formats import chat_completions, embeddings, messages, responses
from pierian.server.request_body import read_body, while_there
from pierian.server.response_store import MOST_STORED_BYTES
from pierian.server.service import Service
from pierian.storage.words import clean

SHORT_BYTES = 8 * 1024
T = TypeVar("T")


@post("/v1/chat/completions", status_code=200, operation_id="createChatCompletion", tags=["Answers"])
async def create_chat_completion(request: HttpRequest, state: State) -> ASGIApp:
    """Answer a conversation, in the format of OpenAI's chat completions."""
    opened = await _opened(request, state)
    parsed = await _parsed(chat_completions.parse, opened.body)
    writer = chat_completions.Writer(parsed, identity("chatcmpl-"), int(time.time()))
    return await _respond(request, opened, parsed.call, writer)


@post("/v1/messages", status_code=200, operation_id="createMessage", tags=["Answers"])
async def create_message(request: HttpRequest, state: State) -> ASGIApp:
    """Answer a conversation, in the format of Anthropic's messages."""
    opened = await _opened(request, state)
    parsed = await _parsed(messages.parse, opened.body)
    writer = messages.Writer(parsed, identity("msg_"), int(time.time()))
    return await _respond(request, opened, parsed.call, writer)


@post("/v1/responses", status_code=200, operation_id="createResponse", tags=["Answers"])
async def create_response(request: HttpRequest, state: State) -> ASGIApp:
    """Answer, in the format of OpenAI's responses; a response that is stored can be continued."""
    opened = await _opened(request, state)
    parsed = await _parsed(responses.parse, opened.body)
    store, owner = opened.service.responses, opened.caller.owner
    if parsed.previous:
        earlier = await store.items(owner, clean(parsed.previous), param="previous_response_id")
        parsed = responses.joined(parsed, earlier)
    if parsed.store and len(msgspec.json.encode(parsed.items)) > MOST_STORED_BYTES:
        told = f'More than {MOST_STORED_BYTES // 2**20} MiB of a conversation are not stored. Send "store": false.'
        raise ApiError(400, told, param="store", code="invalid_value")
    writer = responses.Writer(parsed, identity("resp_"), int(time.time()))

    async def keep() -> None:
        if parsed.store:
            await store.keep(owner, parsed.previous, [*parsed.items, *writer.output()], writer.whole())

    return await _respond(request, opened, parsed.call, writer, keep)


@post("/v1/embeddings", status_code=200, operation_id="createEmbedding", tags=["Answers"])
async def create_embedding(request: HttpRequest, state: State) -> ASGIApp:
    """Vectors of texts, where a server of the engine's gives them."""
    opened = await _opened(request, state)
    service, parsed = opened.service, embeddings.parse(opened.body)
    note(request, model=parsed.model)
    check_grant(opened.key, model=parsed.model)
    admission = await service.meter.admit(opened.caller)
    try:
        found, tokens = await while_there(
            request, vectors(service, opened.caller, parsed.model, parsed.texts)
        )
    finally:
        service.meter.leave(admission)
    body = msgspec.json.encode(embeddings.whole(parsed, found, tokens))
    return json_response(body, admission.standing.headers())


@get("/v1/responses/{response_id:str}", operation_id="retrieveResponse", tags=["Answers"])
async def show_response(request: HttpRequest, state: State, response_id: FromPath[str]) -> dict[str, Any]:
    """A stored response."""
    service: Service = state.service
    caller, _ = await identified(service, request)
    return await service.responses.body(caller.owner, clean(response_id))


@delete("/v1/responses/{response_id:str}", status_code=200, operation_id="deleteResponse", tags=["Answers"])
async def delete_response(request: HttpRequest, state: State, response_id: FromPath[str]) -> dict[str, Any]:
    """Forget a stored response."""
    service: Service = state.service
    caller, _ = await identified(service, request)
    await service.responses.delete(caller.owner, clean(response_id))
    return {"id": response_id, "object": "response", "deleted": True}


class _Opened(Struct, frozen=True):
    service: Service
    began: float
    caller: Caller
    key: Key | None
    body: bytes


async def _opened(request: HttpRequest, state: State) -> _Opened:
    """Who asks, found out before anything of a body is read, and the body."""
    service: Service = state.service
    began = time.perf_counter()
    caller, key = await identified(service, request)
    service.refuse_new()
    return _Opened(service, began, caller, key, await read_body(request))


async def _parsed(parse: Callable[[bytes], T], body: bytes) -> T:
    """What a body asks. A long one is read beside the event loop: its schemas and pictures take their time."""
    return parse(body) if len(body) <= SHORT_BYTES else await asyncio.to_thread(parse, body)


async def _respond(
    request: HttpRequest,
    opened: _Opened,
    call: Call,
    writer: Writer,
    keep: Callable[[], Awaitable[None]] | None = None,
) -> Any:
    note(request, model=call.model, stream=call.stream)
    if call.mode is None:
        check_grant(opened.key, model=call.model)
    else:
        check_grant(opened.key, mode=call.mode.value, model=opened.service.settings.model)
    again = request.headers.get("idempotency-key", "")
    asked = Asked(opened.caller, call, writer, request.url.path, opened.body, again, opened.began, keep)
    return await respond(opened.service, request, asked)
