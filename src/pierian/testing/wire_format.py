"""The server's side of the OpenAI wire format: a request's JSON as a `Request`, stream items as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pierian.models.client import StreamItem
from pierian.models.embeddings import Embeddings
from pierian.models.wire import (
    CalledTool,
    CallPiece,
    Finished,
    Message,
    OfferedTool,
    Piece,
    PromptProgress,
    Request,
    Usage,
)

DEFAULT_MAX_TOKENS = 4096
DEFAULT_LOGPROB = -0.1

_KNOWN = frozenset(
    """model messages max_tokens max_completion_tokens temperature top_p top_k seed stop stream stream_options
    response_format grammar logprobs top_logprobs tools tool_choice return_progress cache_prompt""".split()  # noqa: SIM905 - easier to read
)


def request_of(body: Mapping[str, Any]) -> Request:
    """The request that a JSON body means; fields that nobody knows are kept in `extra`."""
    stop: Any = body.get("stop") or ()
    return Request(
        messages=tuple(map(_message, body.get("messages", ()))),
        max_tokens=body.get("max_tokens") or body.get("max_completion_tokens") or DEFAULT_MAX_TOKENS,
        temperature=body.get("temperature", 1.0),
        top_p=body.get("top_p"),
        top_k=body.get("top_k"),
        seed=body.get("seed"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        schema=_schema(body.get("response_format")),
        grammar=body.get("grammar", ""),
        logprobs=bool(body.get("logprobs")),
        top_logprobs=body.get("top_logprobs"),
        tools=tuple(map(_tool, body.get("tools") or ())),
        tool_choice=_choice(body.get("tool_choice")),
        extra={key: value for key, value in body.items() if key not in _KNOWN},
    )


def chunk(
    model: str, item: Piece | CallPiece | PromptProgress | Finished | Usage, *, logprobs: bool = False
) -> dict[str, Any]:
    """One chunk of a stream. The last two are the finish reason and, on its own, the usage."""
    body: dict[str, Any] = {"id": "chatcmpl-test", "object": "chat.completion.chunk", "model": model}
    match item:
        case Piece(text, thought, logprob):
            choice: dict[str, Any] = {"index": 0, "finish_reason": None}
            choice["delta"] = {"reasoning_content" if thought else "content": text}
            if logprobs:
                value = DEFAULT_LOGPROB if logprob is None else logprob
                told = list(item.logprobs) or [{"token": text, "logprob": value}]
                choice["logprobs"] = {"content": told}
            return {**body, "choices": [choice]}
        case CallPiece():
            delta = {"tool_calls": [_call_delta(item)]}
            return {**body, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        case PromptProgress(processed, total, cached):
            progress = {"total": total, "cache": cached, "processed": processed, "time_ms": 0}
            return {**body, "choices": [], "prompt_progress": progress}
        case Finished(reason):
            return {**body, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
        case Usage():
            return {**body, "choices": [], "usage": _usage(item)}


def whole(model: str, items: Sequence[StreamItem]) -> dict[str, Any]:
    """A completion that is not streamed."""
    text = "".join(i.text for i in items if isinstance(i, Piece) and not i.thought)
    thought = "".join(i.text for i in items if isinstance(i, Piece) and i.thought)
    end = next((i for i in items if isinstance(i, Finished)), Finished("stop", Usage(0, 0, 0)))
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if thought:
        message["reasoning_content"] = thought
    if calls := _joined([i for i in items if isinstance(i, CallPiece)]):
        message["tool_calls"] = calls
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": end.reason}],
        "usage": _usage(end.usage),
    }


def embedded(model: str, found: Embeddings) -> dict[str, Any]:
    """The answer to a request for embeddings."""
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, vector in enumerate(found.vectors)
    ]
    tokens = found.usage.prompt_tokens
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": model, "data": data, "usage": usage}


def error_object(message: str, kind: str, code: int) -> dict[str, Any]:
    """An error body as OpenAI and llama.cpp send it."""
    return {"error": {"message": message, "type": kind, "code": code}}


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def _message(wire: Mapping[str, Any]) -> Message:
    content: Any = wire.get("content")
    parts = cast("list[dict[str, Any]]", content) if isinstance(content, list) else []
    calls = [
        CalledTool(call["id"], call["function"]["name"], call["function"]["arguments"])
        for call in wire.get("tool_calls") or ()
    ]
    return Message(
        wire["role"],
        _text(content),
        images=tuple(part["image_url"]["url"] for part in parts if part.get("type") == "image_url"),
        calls=tuple(calls),
        answers=wire.get("tool_call_id", ""),
    )


def _tool(wire: Mapping[str, Any]) -> OfferedTool:
    function = wire["function"]
    return OfferedTool(function["name"], function.get("description", ""), function.get("parameters"))


def _choice(wire: Any) -> str:
    """A `tool_choice`, which is a word or names one tool."""
    if isinstance(wire, Mapping):
        named = cast("Mapping[str, Mapping[str, Any]]", wire)
        return str(named["function"]["name"])
    return str(wire or "auto")


def _call_delta(piece: CallPiece) -> dict[str, Any]:
    """A part of a call; its id and name stand in the first part only."""
    function = {"name": piece.name} if piece.name else {}
    found: dict[str, Any] = {"index": piece.index, "function": {**function, "arguments": piece.arguments}}
    if piece.id:
        found |= {"id": piece.id, "type": "function"}
    return found


def _joined(pieces: Sequence[CallPiece]) -> list[dict[str, Any]]:
    """Whole calls out of their parts."""
    calls: dict[int, dict[str, Any]] = {}
    for piece in pieces:
        empty = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        call = calls.setdefault(piece.index, empty)
        call["id"] += piece.id
        call["function"]["name"] += piece.name
        call["function"]["arguments"] += piece.arguments
    return list(calls.values())


def _text(content: Any) -> str:
    """A message's text; of a list of parts the text parts."""
    if isinstance(content, list):
        parts = cast("list[dict[str, Any]]", content)
        return "".join(str(part.get("text", "")) for part in parts)
    return str(content or "")


def _schema(response_format: Any) -> Mapping[str, Any] | None:
    """The schema of a `response_format`, in OpenAI's form or llama.cpp's."""
    if not isinstance(response_format, dict):
        return None
    wanted = cast("dict[str, Any]", response_format)
    if wanted.get("type") == "json_schema":
        return wanted["json_schema"]["schema"]
    if wanted.get("type") == "json_object":
        return wanted.get("schema", {"type": "object"})
    return None
