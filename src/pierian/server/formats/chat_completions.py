"""The wire format of `/v1/chat/completions`: a request's body as a `Call`, the items of its answer as
chunks or as one body.

Thoughts are `reasoning_content`, as most open servers name it; what an answer cost and what it rests on is the
extension `pierian`. Nothing is read or sent here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from pierian.events import CalledTool
from pierian.models.wire import CallPiece, Message, OfferedTool, Piece, Role
from pierian.server.call import EFFORTS, Call, Ended, Item, Used
from pierian.server.errors import ApiError, openai_body
from pierian.server.formats import frames
from pierian.server.formats.fields import Fields, decoded, shown, unsupported, wrong
from pierian.server.formats.frames import CONTENT_TYPE, ENCODER, PING
from pierian.server.formats.history import checked
from pierian.server.formats.pictures import checked_url
from pierian.server.formats.schemas import checked_schema
from pierian.server.formats.tools import CHOICES, allowed, chosen, offered, tool

__all__ = ["CONTENT_TYPE", "Parsed", "Writer", "error_body", "parse"]

MOST_STOPS = 16
MOST_TOKENS = 2**31 - 1
REFUSED = {
    "audio": "Leave it out.",
    "functions": "Send 'tools'.",
    "function_call": "Send 'tool_choice'.",
    "logit_bias": "Leave it out.",
    "moderation": "Leave it out.",
    "web_search_options": "Send a search as one of your own 'tools'.",
}
ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_FUNCTIONS_ONLY = "Send tools of the type 'function'."


class Parsed(Struct, frozen=True):
    """A request that is in order."""

    call: Call


def error_body(error: ApiError) -> dict[str, Any]:
    """The body of an answer that is an error."""
    return openai_body(error)


def parse(body: bytes) -> Parsed:
    """What a request's body asks; raises `ApiError`."""
    fields = decoded(body)
    _refuse(fields)
    model = fields.needed("model", most=500)
    effort = fields.choice("reasoning_effort", EFFORTS)
    mode = frames.mode_of(model, effort)
    tools = offered([_tool(entry) for entry in fields.each("tools")], "tools", "function.parameters")
    tools, choice = _choice(fields, tools)
    options = fields.nested("stream_options")
    limit = fields.integer("max_tokens", 1, MOST_TOKENS)
    return Parsed(
        Call(
            model=model,
            mode=mode,
            messages=_messages(fields),
            tools=tools,
            tool_choice=choice,
            parallel_calls=fields.flag("parallel_tool_calls") is not False,
            schema=_schema(fields.nested("response_format"), followed=mode is not None),
            max_tokens=fields.integer("max_completion_tokens", 1, MOST_TOKENS) or limit,
            temperature=fields.number("temperature", 0, 2),
            top_p=fields.number("top_p", 0, 1),
            seed=fields.integer("seed", -(2**63), 2**63 - 1),
            stop=fields.texts("stop", most=MOST_STOPS),
            logprobs=fields.flag("logprobs") is True,
            top_logprobs=_top_logprobs(fields),
            stream=fields.flag("stream") is True,
            include_usage=options is not None and options.flag("include_usage") is True,
        )
    )


def _refuse(fields: Fields) -> None:
    fields.refuse(REFUSED)
    if fields.integer("n", 1, 128) not in (None, 1):
        raise unsupported(
            "n", "More than one choice is", "Leave 'n' out, and ask several times for several answers."
        )
    if set(fields.texts("modalities", most=10)) - {"text"}:
        raise unsupported("modalities", "An answer other than text is", "Send ['text'] or leave it out.")
    for name in ("frequency_penalty", "presence_penalty"):
        if fields.number(name, -2, 2):
            raise unsupported(name, f"'{name}' is", "Send 0 or leave it out.")


def _top_logprobs(fields: Fields) -> int | None:
    found = fields.integer("top_logprobs", 0, 20)
    if found and not fields.flag("logprobs"):
        raise wrong("top_logprobs", "'top_logprobs' needs 'logprobs': send \"logprobs\": true too.")
    return found


def _tool(entry: Fields) -> OfferedTool:
    if entry.needed("type") != "function":
        raise unsupported(
            entry.path("type"), f"A tool of the type {shown(entry.get('type'))} is", _FUNCTIONS_ONLY
        )
    if (function := entry.nested("function")) is None:
        raise entry.missing("function", "an object with the tool's name")
    return tool(function, "parameters")


def _choice(fields: Fields, tools: tuple[OfferedTool, ...]) -> tuple[tuple[OfferedTool, ...], str]:
    """The tools that may be called, and how."""
    found = fields.get("tool_choice")
    if found is None or isinstance(found, str):
        return tools, chosen(fields.choice("tool_choice", CHOICES) or "auto", tools, "tool_choice")
    if (asked := fields.nested("tool_choice")) is None:
        return tools, "auto"
    match asked.needed("type"):
        case "function":
            return tools, chosen(_named(asked), tools, asked.path("function.name"))
        case "allowed_tools" if (several := asked.nested("allowed_tools")) is not None:
            names = [_named(entry) for entry in several.each("tools")]
            left = allowed(names, tools, several.path("tools"))
            return left, chosen(several.choice("mode", CHOICES) or "auto", left, several.path("mode"))
        case _:
            known = 'Send \'auto\', \'none\', \'required\' or {"type": "function", "function": {"name": …}}.'
            raise unsupported(
                "tool_choice", f"A tool choice of the type {shown(asked.get('type'))} is", known
            )


def _named(fields: Fields) -> str:
    if (function := fields.nested("function")) is None:
        raise fields.missing("function", "an object with the tool's name")
    return function.needed("name")


def _schema(wanted: Fields | None, *, followed: bool) -> Any:
    """The JSON schema that the answer must match."""
    if wanted is None:
        return None
    match wanted.choice("type", ("text", "json_object", "json_schema")):
        case "json_object":
            return {"type": "object"}
        case "json_schema":
            named = wanted.nested("json_schema")
            if named is None or (schema := named.nested("schema")) is None:
                raise wanted.missing("json_schema.schema", "the JSON schema of the answer")
            return checked_schema(schema.mapping(), schema.where, followed=followed)
        case "text":
            return None
        case _:
            raise wanted.missing("type", "'text', 'json_object' or 'json_schema'")


def _messages(fields: Fields) -> tuple[Message, ...]:
    entries = list(fields.each("messages"))
    return checked([_message(entry) for entry in entries], [entry.where for entry in entries], "messages")


def _message(entry: Fields) -> Message:
    role = ROLES.get(entry.needed("role"))
    if role is None:
        known = ", ".join(ROLES)
        place = entry.path("role")
        raise wrong(place, f"'{place}' is {shown(entry.get('role'))}: send one of {known}.")
    entry.refuse({"function_call": "Send 'tool_calls'.", "audio": "Send its words as 'content'."})
    text, pictures = _content(entry)
    if pictures and role != "user":
        raise unsupported(
            entry.path("content"), f"A picture in a message of the role {role!r} is", "Send it as the user."
        )
    if role == "tool":
        return Message(role, text, answers=entry.needed("tool_call_id"))
    calls = tuple(_called(call) for call in entry.each("tool_calls"))
    if calls and role != "assistant":
        raise wrong(entry.path("tool_calls"), "Only messages of the role 'assistant' have 'tool_calls'.")
    if entry.get("content") is None and not calls:
        if role != "assistant" or not (refusal := entry.text("refusal")):
            raise entry.missing("content", "the message's text")
        return Message(role, refusal)
    return Message(role, text, images=pictures, calls=calls)


def _content(entry: Fields) -> tuple[str, tuple[str, ...]]:
    """The text and the pictures of a message."""
    found = entry.get("content")
    if found is None or isinstance(found, str):
        return found or "", ()
    if not isinstance(found, list):
        raise entry.mistyped("content", "a text or a list of parts")
    texts: list[str] = []
    pictures: list[str] = []
    for part in entry.each("content"):
        match part.needed("type"):
            case "text":
                texts.append(_text(part, "text"))
            case "refusal":
                texts.append(_text(part, "refusal"))
            case "image_url":
                if (url := part.nested("image_url")) is None:
                    raise part.missing("image_url", "an object with the picture's 'url'")
                pictures.append(checked_url(url.needed("url"), url.path("url")))
            case kind:
                what = f"A part of the type {shown(kind)} is"
                raise unsupported(part.path("type"), what, "Send 'text' and 'image_url'.")
    return "\n".join(texts), tuple(pictures)


def _text(part: Fields, name: str) -> str:
    if (text := part.text(name)) is None:
        raise part.missing(name, "a text")
    return text


def _called(entry: Fields) -> CalledTool:
    if (entry.text("type") or "function") != "function":
        raise unsupported(
            entry.path("type"), f"A call of the type {shown(entry.get('type'))} is", _FUNCTIONS_ONLY
        )
    if (function := entry.nested("function")) is None:
        raise entry.missing("function", "an object with the tool's name and arguments")
    # What a model wrote comes back as it was, also where it is no JSON.
    arguments = (function.text("arguments") or "").strip() or "{}"
    return CalledTool(entry.needed("id"), function.needed("name"), arguments)


class _Function(Struct, omit_defaults=True):
    name: str | UnsetType = UNSET
    arguments: str | UnsetType = UNSET


class _CallDelta(Struct, omit_defaults=True):
    index: int
    id: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    function: _Function | UnsetType = UNSET


class Delta(Struct, omit_defaults=True):
    role: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    reasoning_content: str | UnsetType = UNSET
    tool_calls: tuple[_CallDelta, ...] | UnsetType = UNSET


class _Choice(Struct):
    index: int
    delta: Delta
    logprobs: dict[str, Any] | None = None
    finish_reason: str | None = None


class _Chunk(Struct):
    id: str
    object: str
    created: int
    model: str
    choices: tuple[_Choice, ...]
    usage: dict[str, Any] | UnsetType | None = UNSET
    pierian: frames.Told | UnsetType = UNSET


class Writer:
    """Writes one answer: frames of a stream as items come, or `whole` after the last of them.

    Args:
        identity: Such as `chatcmpl-…`.
        created: Seconds since 1970.
    """

    def __init__(self, parsed: Parsed, identity: str, created: int) -> None:
        self._call = parsed.call
        self._identity, self._created = identity, created
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._logprobs: list[dict[str, Any]] = []
        self._ended: Ended | None = None
        # Everything in a chunk but its text is the same each time and is encoded once.
        self._text_around = self._around(Delta(content=""))
        self._thought_around = self._around(Delta(reasoning_content=""))

    def opening(self) -> list[bytes]:
        return [self._frame(Delta(role="assistant", content=""))]

    def item(self, item: Item) -> list[bytes]:
        match item:
            case Piece():
                return [self._piece(item)]
            case CallPiece():
                return [self._call_piece(item)]
            case Ended():
                return self._end(item)

    def failed(self, error: ApiError) -> list[bytes]:
        return [frames.frame(error_body(error))]

    def closing(self) -> list[bytes]:
        return [b"data: [DONE]\n\n"]

    def ping(self) -> bytes:
        return PING

    def whole(self) -> dict[str, Any]:
        """The body of an answer that is not streamed; the last item must have been fed."""
        if self._ended is None:
            raise RuntimeError("the answer has not ended")
        text = "".join(self._texts)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": text or (None if self._calls else ""),
            "refusal": None,
        }
        if self._thoughts:
            message["reasoning_content"] = "".join(self._thoughts)
        if self._calls:
            message["tool_calls"] = [self._calls[index] for index in sorted(self._calls)]
        logprobs = {"content": self._logprobs, "refusal": None} if self._logprobs else None
        choice = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": self._ended.reason}
        body: dict[str, Any] = {
            "id": self._identity,
            "object": "chat.completion",
            "created": self._created,
            "model": self._call.model,
            "choices": [choice],
            "usage": usage(self._ended.used),
        }
        if (told := frames.told(self._ended)) is not None:
            body["pierian"] = msgspec.to_builtins(told)
        return body

    def _piece(self, piece: Piece) -> bytes:
        (self._thoughts if piece.thought else self._texts).append(piece.text)
        if piece.logprobs and self._call.logprobs and not piece.thought:
            tokens = frames.token_logprobs(piece.logprobs)
            self._logprobs += tokens
            return self._frame(Delta(content=piece.text), logprobs={"content": tokens, "refusal": None})
        head, tail = self._thought_around if piece.thought else self._text_around
        return b"%b%b%b" % (head, frames.one_line(ENCODER.encode(piece.text)), tail)

    def _call_piece(self, piece: CallPiece) -> bytes:
        function = _Function(arguments=piece.arguments)
        delta = _CallDelta(piece.index, function=function)
        if piece.index not in self._calls:
            piece = frames.identified(piece, self._identity)
            delta.id, delta.type, function.name = piece.id, "function", piece.name
            made = {"name": piece.name, "arguments": ""}
            self._calls[piece.index] = {"id": piece.id, "type": "function", "function": made}
        self._calls[piece.index]["function"]["arguments"] += piece.arguments
        return self._frame(Delta(tool_calls=(delta,)))

    def _end(self, item: Ended) -> list[bytes]:
        self._ended = item
        last = self._chunk((_Choice(0, Delta(), finish_reason=item.reason),))
        last.pierian = frames.told(item) or UNSET
        found = [frames.frame(last)]
        if self._call.include_usage:
            counted = self._chunk(())
            counted.usage = usage(item.used)
            found.append(frames.frame(counted))
        return found

    def _frame(self, delta: Delta, logprobs: dict[str, Any] | None = None) -> bytes:
        return frames.frame(self._chunk((_Choice(0, delta, logprobs),)))

    def _chunk(self, choices: Sequence[_Choice]) -> _Chunk:
        chunk = _Chunk(
            self._identity, "chat.completion.chunk", self._created, self._call.model, tuple(choices)
        )
        if self._call.include_usage:
            chunk.usage = None  # as the format has it: null in every chunk but the last
        return chunk

    def _around(self, delta: Delta) -> tuple[bytes, bytes]:
        """What stands before and after the text of a chunk. No text of the client's can hold the bare `:""}`."""
        head, _, tail = self._frame(delta).partition(b':""}')
        return head + b":", b"}" + tail


def usage(used: Used) -> dict[str, Any]:
    """Tokens in this format; `cost` is an extension and stands there where there is a price."""
    found: dict[str, Any] = {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "total_tokens": used.prompt_tokens + used.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": used.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": used.reasoning_tokens},
    }
    if used.money is not None:
        found["cost"] = used.money
    return found
