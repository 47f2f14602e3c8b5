"""The wire format of `/v1/messages` (Anthropic's): a request's body as a `Call`, the items of its answer as events or
as one body.

Nothing is read or sent here. What an answer cost and what it rests on is the extension `pierian`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from pierian.models.wire import CallPiece, OfferedTool, Piece
from pierian.reasoning import Mode
from pierian.server.call import EFFORTS, MODE_MODELS, Call, Ended, Item, Used
from pierian.server.errors import ApiError, anthropic_body
from pierian.server.formats import frames
from pierian.server.formats.fields import Fields, decoded, json_object, shown, unsupported
from pierian.server.formats.frames import CONTENT_TYPE
from pierian.server.formats.messages_input import conversation
from pierian.server.formats.schemas import checked_schema
from pierian.server.formats.tools import InTurn, chosen, offered, tool

__all__ = ["CONTENT_TYPE", "Parsed", "Writer", "error_body", "parse"]

MOST_TOKENS = 2**31 - 1
MOST_STOPS = 16
SIGNATURE = "cGllcmlhbg=="
"""Clients send thoughts back with their signature and want one that is not empty; nothing here is signed."""
REFUSED = {
    "container": "Leave it out.",
    "mcp_servers": "Send their tools as your own 'tools'.",
    "top_k": "Send 'top_p'.",
}
THINKING = ("enabled", "adaptive", "between_tools", "disabled")
CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
_PING = frames.named_frame("ping", {"type": "ping"})


class Parsed(Struct, frozen=True):
    """A request that is in order."""

    call: Call
    thinking: bool
    """Whether the client wants to see thoughts. Many read the first block of an answer as its text."""


def error_body(error: ApiError, request_id: str = "") -> dict[str, Any]:
    """The body of an answer that is an error."""
    return anthropic_body(error, request_id)


def parse(body: bytes) -> Parsed:
    """What a request's body asks; raises `ApiError`."""
    fields = decoded(body)
    fields.refuse(REFUSED)
    model = fields.needed("model", most=500)
    output = fields.nested("output_config") or Fields({}, "output_config")
    thinking = fields.nested("thinking") or Fields({}, "thinking")
    kind = thinking.choice("type", THINKING)
    thinking.integer("budget_tokens", 1, MOST_TOKENS)  # a mode has a budget of its own
    mode = _mode(model, kind, output.choice("effort", EFFORTS))
    tools = offered([_tool(entry) for entry in fields.each("tools")], "tools", "input_schema")
    choice, parallel = _choice(fields, tools)
    if (limit := fields.integer("max_tokens", 1, MOST_TOKENS)) is None:
        raise fields.missing("max_tokens", "the most tokens to answer with")
    call = Call(
        model=model,
        mode=mode,
        messages=conversation(fields),
        tools=tools,
        tool_choice=choice,
        parallel_calls=parallel,
        schema=_schema(output.nested("format") or fields.nested("output_format"), followed=mode is not None),
        max_tokens=limit,
        temperature=fields.number("temperature", 0, 1),
        top_p=fields.number("top_p", 0, 1),
        stop=fields.texts("stop_sequences", most=MOST_STOPS),
        names_stop=True,
        stream=fields.flag("stream") is True,
    )
    shown_thoughts = kind not in (None, "disabled") and thinking.text("display") != "omitted"
    return Parsed(call, shown_thoughts)


def _mode(model: str, thinking: str | None, effort: str | None) -> Mode | None:
    """The mode that answers: the model's name decides, then whether to think at all, then the effort."""
    mode = MODE_MODELS.get(model)
    if mode is not Mode.AUTO or thinking is None:
        return frames.mode_of(model, effort)
    if thinking == "disabled":
        return Mode.INSTANT
    return EFFORTS[effort] if effort else Mode.THINKING


def _tool(entry: Fields) -> OfferedTool:
    if (entry.text("type") or "custom") != "custom":
        what = f"A tool of the type {shown(entry.get('type'))} is"
        raise unsupported(entry.path("type"), what, "Send tools of your own with 'name' and 'input_schema'.")
    if entry.get("input_schema") is None:
        raise entry.missing("input_schema", "the JSON schema of the tool's input")
    return tool(entry, "input_schema")


def _choice(fields: Fields, tools: tuple[OfferedTool, ...]) -> tuple[str, bool]:
    """How tools are to be called, and whether several at once may be."""
    if (asked := fields.nested("tool_choice")) is None:
        return "auto", True
    parallel = not asked.flag("disable_parallel_tool_use")
    kind = asked.choice("type", (*CHOICES, "tool"))
    match kind:
        case None:
            raise asked.missing("type", "'auto', 'any', 'tool' or 'none'")
        case "tool":
            return chosen(asked.needed("name"), tools, asked.path("name")), parallel
        case _:
            return chosen(CHOICES[kind], tools, "tool_choice"), parallel


def _schema(wanted: Fields | None, *, followed: bool) -> Mapping[str, Any] | None:
    """The JSON schema that the answer must match."""
    if wanted is None:
        return None
    wanted.choice("type", ("json_schema",))
    if (schema := wanted.nested("schema")) is None:
        raise wanted.missing("schema", "the JSON schema of the answer")
    return checked_schema(schema.mapping(), schema.where, followed=followed)


class Writer:
    """Writes one answer: events of a stream as items come, or `whole` after the last of them.

    Args:
        identity: Such as `msg_…`.
        created: Seconds since 1970; the format does not say it.
    """

    def __init__(self, parsed: Parsed, identity: str, created: int) -> None:
        self._parsed = parsed
        self._identity = identity
        self._blocks: list[dict[str, Any]] = []
        self._kind: Literal["", "thinking", "text", "tool_use"] = ""
        self._texts: list[str] = []
        self._index = -1
        """Of the call that is open."""
        self._in_turn = InTurn()
        self._begun: set[int] = set()
        self._ended: Ended | None = None

    def opening(self) -> list[bytes]:
        message = self._body() | {"usage": usage(Used())}
        return [self._event("message_start", message=message), _PING]

    def item(self, item: Item) -> list[bytes]:
        match item:
            case Piece():
                return [*self._calls(self._in_turn.flush()), *self._piece(item)]
            case CallPiece():
                return self._calls(self._in_turn.feed(item))
            case Ended():
                return self._end(item)

    def failed(self, error: ApiError) -> list[bytes]:
        return [frames.named_frame("error", error_body(error))]

    def closing(self) -> list[bytes]:
        return []

    def ping(self) -> bytes:
        return _PING

    def whole(self) -> dict[str, Any]:
        """The body of an answer that is not streamed; the last item must have been fed."""
        if self._ended is None:
            raise RuntimeError("the answer has not ended")
        body = self._body() | {
            "content": self._blocks,
            **_stop(self._ended),
            "usage": usage(self._ended.used),
        }
        return body | self._extension(self._ended)

    def _piece(self, piece: Piece) -> list[bytes]:
        if not piece.thought:
            found = self._opened({"type": "text", "text": ""}) if self._kind != "text" else []
            return [*found, self._grown("text_delta", "text", piece.text)]
        if not self._parsed.thinking:
            return []
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        found = self._opened(empty) if self._kind != "thinking" else []
        return [*found, self._grown("thinking_delta", "thinking", piece.text)]

    def _calls(self, pieces: list[CallPiece]) -> list[bytes]:
        found: list[bytes] = []
        for piece in pieces:
            if piece.index not in self._begun:
                self._begun.add(piece.index)
                named = frames.identified(piece, self._identity)
                found += self._opened({"type": "tool_use", "id": named.id, "name": named.name, "input": {}})
                self._index = piece.index
            if piece.arguments:
                found.append(self._grown("input_json_delta", "partial_json", piece.arguments))
        return found

    def _opened(self, block: dict[str, Any]) -> list[bytes]:
        """Begin a block after the one that is open."""
        found = self._close()
        self._kind, self._texts = block["type"], []
        found.append(self._event("content_block_start", index=len(self._blocks), content_block=block))
        self._blocks.append(dict(block))
        return found

    def _grown(self, kind: str, name: str, text: str) -> bytes:
        self._texts.append(text)
        delta = {"type": kind, name: text}
        return self._event("content_block_delta", index=len(self._blocks) - 1, delta=delta)

    def _close(self) -> list[bytes]:
        """Close the open block, if there is one."""
        if not self._kind:
            return []
        found: list[bytes] = []
        block, text, place = self._blocks[-1], "".join(self._texts), len(self._blocks) - 1
        match self._kind:
            case "text":
                block["text"] = text
            case "thinking":
                block |= {"thinking": text, "signature": SIGNATURE}
                delta = {"type": "signature_delta", "signature": SIGNATURE}
                found.append(self._event("content_block_delta", index=place, delta=delta))
            case "tool_use":
                # Cut off in the middle it is no object; what there was is in the events of a stream.
                block["input"] = json_object(text) or {}
        self._kind = ""
        return [*found, self._event("content_block_stop", index=place)]

    def _end(self, item: Ended) -> list[bytes]:
        found = [*self._calls(self._in_turn.flush()), *self._close()]
        self._ended = item
        told = self._event(
            "message_delta", delta=_stop(item), usage=usage(item.used), **self._extension(item)
        )
        return [*found, told, self._event("message_stop")]

    def _body(self) -> dict[str, Any]:
        return {
            "id": self._identity,
            "type": "message",
            "role": "assistant",
            "model": self._parsed.call.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }

    def _extension(self, item: Ended) -> dict[str, Any]:
        told = frames.told(item)
        return {} if told is None else {"pierian": msgspec.to_builtins(told)}

    def _event(self, name: str, /, **fields: Any) -> bytes:
        return frames.named_frame(name, {"type": name, **fields})


def _stop(ended: Ended) -> dict[str, Any]:
    """Why the answer ended, and which of the client's texts ended it, where that is known."""
    if ended.reason == "stop" and ended.stop:
        return {"stop_reason": "stop_sequence", "stop_sequence": ended.stop}
    return {"stop_reason": _REASONS[ended.reason], "stop_sequence": None}


def usage(used: Used) -> dict[str, Any]:
    """Tokens in this format, in which cached ones are not among the others; `cost` is an extension."""
    found: dict[str, Any] = {
        "input_tokens": max(0, used.prompt_tokens - used.cached_tokens),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": used.cached_tokens,
        "output_tokens": used.completion_tokens,
        "output_tokens_details": {"thinking_tokens": used.reasoning_tokens},
    }
    if used.money is not None:
        found["cost"] = used.money
    return found
