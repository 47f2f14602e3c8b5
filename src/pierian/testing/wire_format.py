"""The server's side of the OpenAI wire format: a request's JSON as a `Request`, stream items as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from pierian.models.client import StreamItem
from pierian.models.wire import Finished, Message, Piece, PromptProgress, Request, Usage

DEFAULT_MAX_TOKENS = 4096
DEFAULT_LOGPROB = -0.1

_KNOWN = frozenset(
    """model messages max_tokens max_completion_tokens temperature top_p top_k seed stop stream stream_options
    response_format grammar logprobs return_progress cache_prompt""".split()  # noqa: SIM905 - easier to read
)


def request_of(body: Mapping[str, Any]) -> Request:
    """The request that a JSON body means; fields that nobody knows are kept in `extra`."""
    stop: Any = body.get("stop") or ()
    return Request(
        messages=tuple(Message(m["role"], _text(m.get("content"))) for m in body.get("messages", ())),
        max_tokens=body.get("max_tokens") or body.get("max_completion_tokens") or DEFAULT_MAX_TOKENS,
        temperature=body.get("temperature", 1.0),
        top_p=body.get("top_p"),
        top_k=body.get("top_k"),
        seed=body.get("seed"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        schema=_schema(body.get("response_format")),
        grammar=body.get("grammar", ""),
        logprobs=bool(body.get("logprobs")),
        extra={key: value for key, value in body.items() if key not in _KNOWN},
    )


def chunk(
    model: str, item: Piece | PromptProgress | Finished | Usage, *, logprobs: bool = False
) -> dict[str, Any]:
    """One chunk of a stream. The last two are the finish reason and, on its own, the usage."""
    body: dict[str, Any] = {"id": "chatcmpl-test", "object": "chat.completion.chunk", "model": model}
    match item:
        case Piece(text, thought, logprob):
            choice: dict[str, Any] = {"index": 0, "finish_reason": None}
            choice["delta"] = {"reasoning_content" if thought else "content": text}
            if logprobs:
                value = DEFAULT_LOGPROB if logprob is None else logprob
                choice["logprobs"] = {"content": [{"token": text, "logprob": value}]}
            return {**body, "choices": [choice]}
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
    message = {"role": "assistant", "content": text}
    if thought:
        message["reasoning_content"] = thought
    return {
        "id": "chatcmpl-test",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": end.reason}],
        "usage": _usage(end.usage),
    }


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
