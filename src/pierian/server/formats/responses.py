"""The wire format of `/v1/responses`: a request's body as a `Call`, the items of its answer as events or as one body.

Nothing is read, sent or stored here: where a request continues an earlier response, whoever stores responses looks up
its items and has them `joined`. What an answer cost and what it rests on is the extension `pierian`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct

from pierian.models.wire import CallPiece, OfferedTool, Piece
from pierian.server.call import EFFORTS, Call, Ended, Item, Used
from pierian.server.errors import ApiError, openai_body
from pierian.server.formats import frames
from pierian.server.formats.fields import Fields, decoded, objects, shown, unsupported, wrong
from pierian.server.formats.frames import CONTENT_TYPE, PING
from pierian.server.formats.history import checked
from pierian.server.formats.responses_events import Output
from pierian.server.formats.responses_input import turns
from pierian.server.formats.schemas import checked_schema
from pierian.server.formats.tools import CHOICES, InTurn, allowed, chosen, offered, tool

__all__ = ["CONTENT_TYPE", "Parsed", "Writer", "error_body", "joined", "parse"]

MOST_TOKENS = 2**31 - 1
REFUSED = {
    "background": "Leave it out and keep the connection open.",
    "conversation": "Send 'previous_response_id', or the whole conversation as 'input'.",
    "moderation": "Leave it out.",
    "prompt": "Send 'instructions' and 'input'.",
}
SUMMARIES = ("auto", "concise", "detailed")
_LOGPROBS = "message.output_text.logprobs"


class Parsed(Struct, frozen=True, kw_only=True):
    """A request that is in order. Where it continues an earlier response, it must be `joined` with that one's items
    before it is answered."""

    call: Call
    items: tuple[Mapping[str, Any], ...]
    """The whole input as items. With the writer's `output` behind them they are what the next request continues."""
    previous: str = ""
    """Id of the response that this one continues."""
    store: bool = True
    """Whether the client wants to continue or fetch the response later."""
    instructions: str = ""
    summarised: bool = False
    """Whether the client asked for a summary of the reasoning, and so shows nothing else."""
    echo: Mapping[str, Any]
    """What the response says of the request."""


def error_body(error: ApiError) -> dict[str, Any]:
    """The body of an answer that is an error."""
    return openai_body(error)


def parse(body: bytes) -> Parsed:
    """What a request's body asks; raises `ApiError`."""
    fields = decoded(body)
    fields.refuse(REFUSED)
    previous = fields.text("previous_response_id", most=200) or ""
    instructions = fields.text("instructions") or ""
    items = _items(fields, needed=not previous)
    # The results in it may belong to calls of the earlier response, so it is checked when it is joined.
    found = turns(objects(items, "input"), instructions)
    messages = tuple(found.messages) if previous else checked(found.messages, found.places, "input")
    model = fields.needed("model", most=500)
    reasoning = fields.nested("reasoning") or Fields({}, "reasoning")
    effort = reasoning.choice("effort", EFFORTS)
    summary = reasoning.choice("summary", SUMMARIES) or reasoning.choice("generate_summary", SUMMARIES)
    mode = frames.mode_of(model, effort)
    tools = offered([_tool(entry) for entry in fields.each("tools")], "tools", "parameters")
    left, choice, told_choice = _choice(fields, tools)
    schema, told_format = _format(fields.nested("text") or Fields({}, "text"), followed=mode is not None)
    top_logprobs = fields.integer("top_logprobs", 0, 20)
    call = Call(
        model=model,
        mode=mode,
        messages=messages,
        tools=left,
        tool_choice=choice,
        parallel_calls=fields.flag("parallel_tool_calls") is not False,
        schema=schema,
        max_tokens=fields.integer("max_output_tokens", 1, MOST_TOKENS),
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        logprobs=bool(top_logprobs) or _LOGPROBS in fields.texts("include", most=20),
        top_logprobs=top_logprobs,
        stream=fields.flag("stream") is True,
    )
    store = fields.flag("store") is not False
    echo: dict[str, Any] = {
        "instructions": instructions or None,
        "metadata": _metadata(fields),
        "previous_response_id": previous or None,
        "reasoning": {"effort": effort, "summary": summary},
        "store": store,
        "text": {"format": told_format},
        "tool_choice": told_choice,
        "tools": [_told(entry, made) for entry, made in zip(fields.each("tools"), tools, strict=True)],
        "top_logprobs": top_logprobs or 0,
    }
    return Parsed(
        call=call,
        items=items,
        previous=previous,
        store=store,
        instructions=instructions,
        summarised=summary is not None,
        echo=echo,
    )


def joined(parsed: Parsed, earlier: Sequence[Mapping[str, Any]]) -> Parsed:
    """The request behind all items of the response that it continues; raises `ApiError`.

    The instructions of the earlier request do not hold any more, as the format has it.
    """
    before = (Fields(item, "previous_response_id") for item in earlier)
    found = turns((*before, *objects(parsed.items, "input")), parsed.instructions)
    messages = checked(found.messages, found.places, "input")
    call = msgspec.structs.replace(parsed.call, messages=messages)
    return msgspec.structs.replace(parsed, call=call, items=(*earlier, *parsed.items))


def _items(fields: Fields, *, needed: bool) -> tuple[Mapping[str, Any], ...]:
    """The input as items."""
    found = fields.get("input")
    if isinstance(found, str):
        part = {"type": "input_text", "text": found}
        return ({"type": "message", "role": "user", "content": [part]},)
    if found is None and needed:
        raise fields.missing("input", "a text or a list of items")
    if found is not None and not isinstance(found, list):
        raise fields.mistyped("input", "a text or a list of items")
    return tuple(item.mapping() for item in fields.each("input"))


def _tool(entry: Fields) -> OfferedTool:
    if entry.needed("type") != "function":
        instead = "Send tools of the type 'function'."
        raise unsupported(entry.path("type"), f"A tool of the type {shown(entry.get('type'))} is", instead)
    return tool(entry, "parameters")


def _told(entry: Fields, made: OfferedTool) -> dict[str, Any]:
    """A tool as the response repeats it."""
    found = {
        "type": "function",
        "name": made.name,
        "parameters": made.parameters,
        "strict": entry.flag("strict"),
    }
    return found | ({"description": made.description} if made.description else {})


def _choice(fields: Fields, tools: tuple[OfferedTool, ...]) -> tuple[tuple[OfferedTool, ...], str, Any]:
    """The tools that may be called, how, and how the response repeats it."""
    found = fields.get("tool_choice")
    if found is None or isinstance(found, str):
        choice = chosen(fields.choice("tool_choice", CHOICES) or "auto", tools, "tool_choice")
        return tools, choice, choice
    if (asked := fields.nested("tool_choice")) is None:
        return tools, "auto", "auto"
    match asked.needed("type"):
        case "function":
            name = chosen(asked.needed("name"), tools, asked.path("name"))
            return tools, name, {"type": "function", "name": name}
        case "allowed_tools":
            names = [entry.needed("name") for entry in asked.each("tools")]
            left = allowed(names, tools, asked.path("tools"))
            mode = chosen(asked.choice("mode", ("auto", "required")) or "auto", left, asked.path("mode"))
            listed = [{"type": "function", "name": made.name} for made in left]
            return left, mode, {"type": "allowed_tools", "mode": mode, "tools": listed}
        case kind:
            instead = "Send 'auto', 'none', 'required' or {\"type\": \"function\", \"name\": …}."
            raise unsupported("tool_choice", f"A tool choice of the type {shown(kind)} is", instead)


def _format(text: Fields, *, followed: bool) -> tuple[Mapping[str, Any] | None, dict[str, Any]]:
    """The JSON schema that the answer must match, and how the response repeats it."""
    if (wanted := text.nested("format")) is None:
        return None, {"type": "text"}
    match wanted.choice("type", ("text", "json_object", "json_schema")):
        case "json_object":
            return {"type": "object"}, {"type": "json_object"}
        case "json_schema":
            if (schema := wanted.nested("schema")) is None:
                raise wanted.missing("schema", "the JSON schema of the answer")
            found = checked_schema(schema.mapping(), schema.where, followed=followed)
            told = {"type": "json_schema", "name": wanted.text("name") or "output", "schema": found}
            return found, told | {"strict": wanted.flag("strict")}
        case "text":
            return None, {"type": "text"}
        case _:
            raise wanted.missing("type", "'text', 'json_object' or 'json_schema'")


def _metadata(fields: Fields) -> dict[str, str]:
    if (found := fields.nested("metadata")) is None:
        return {}
    if not all(isinstance(value, str) for value in found.mapping().values()):
        raise wrong("metadata", "'metadata' must be an object whose values are texts.", code="invalid_type")
    return cast(dict[str, str], dict(found.mapping()))


class Writer:
    """Writes one answer: events of a stream as items come, or `whole` after the last of them.

    Args:
        parsed: Joined with what it continues.
        identity: Such as `resp_…`.
        created: Seconds since 1970.
    """

    def __init__(self, parsed: Parsed, identity: str, created: int) -> None:
        self._parsed = parsed
        self._identity, self._created = identity, created
        self._tail = identity.rpartition("_")[2]
        self._output = Output(self._tail)
        self._in_turn = InTurn()
        self._begun: set[int] = set()
        self._ended: Ended | None = None

    def opening(self) -> list[bytes]:
        names = ("response.created", "response.in_progress")
        return [self._output.event(name, response=self._body("in_progress")) for name in names]

    def item(self, item: Item) -> list[bytes]:
        match item:
            case Piece():
                return [*self._calls(self._in_turn.flush()), *self._piece(item)]
            case CallPiece():
                return self._calls(self._in_turn.feed(item))
            case Ended():
                return self._end(item)

    def failed(self, error: ApiError) -> list[bytes]:
        body = self._body("failed") | {"error": {"code": _code(error), "message": str(error)}}
        return [self._output.event("response.failed", response=body)]

    def closing(self) -> list[bytes]:
        return []

    def ping(self) -> bytes:
        return PING

    def output(self) -> list[dict[str, Any]]:
        """The items that were put out, for whoever stores them."""
        return self._output.items

    def whole(self) -> dict[str, Any]:
        """The body of an answer; the last item must have been fed. Also what is stored of one that was streamed."""
        if self._ended is None:
            raise RuntimeError("the answer has not ended")
        cut = self._ended.reason == "length"
        body = self._body("incomplete" if cut else "completed") | {"usage": usage(self._ended.used)}
        if cut:
            body["incomplete_details"] = {"reason": "max_output_tokens"}
        if (told := frames.told(self._ended)) is not None:
            body["pierian"] = msgspec.to_builtins(told)
        return body

    def _piece(self, piece: Piece) -> list[bytes]:
        if piece.thought:
            return self._output.thought(piece.text, summarised=self._parsed.summarised)
        wanted = piece.logprobs if self._parsed.call.logprobs else ()
        return self._output.text(piece.text, frames.token_logprobs(wanted))

    def _calls(self, pieces: Sequence[CallPiece]) -> list[bytes]:
        found: list[bytes] = []
        for piece in pieces:
            if piece.index not in self._begun:
                self._begun.add(piece.index)
                found += self._output.call(frames.identified(piece, self._tail))
            else:
                found += self._output.call(piece)
        return found

    def _end(self, item: Ended) -> list[bytes]:
        found = self._calls(self._in_turn.flush())
        cut = item.reason == "length"
        found += self._output.close("incomplete" if cut else "completed")
        self._ended = item
        name = "response.incomplete" if cut else "response.completed"
        return [*found, self._output.event(name, response=self.whole())]

    def _body(self, status: str) -> dict[str, Any]:
        call = self._parsed.call
        return {
            "id": self._identity,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "max_output_tokens": call.max_tokens,
            "model": call.model,
            "output": list(self._output.items),
            "parallel_tool_calls": call.parallel_calls,
            "temperature": call.temperature,
            "top_p": call.top_p,
            "truncation": "disabled",
            **self._parsed.echo,
        }


def usage(used: Used) -> dict[str, Any]:
    """Tokens in this format; `cost` is an extension and stands there where there is a price."""
    found: dict[str, Any] = {
        "input_tokens": used.prompt_tokens,
        "input_tokens_details": {"cached_tokens": used.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": used.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
        "total_tokens": used.prompt_tokens + used.completion_tokens,
    }
    if used.money is not None:
        found["cost"] = used.money
    return found


def _code(error: ApiError) -> str:
    """The code of a failure, from the few that the format knows."""
    if error.status == 429:
        return "rate_limit_exceeded"
    return "server_error" if error.status >= 500 else "invalid_prompt"
