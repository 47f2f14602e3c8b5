"""The OpenAI wire format as values: what a request says and what the pieces of a stream mean.

No input or output happens here: `Request.body` builds the JSON of a request, `ChunkReader` turns the decoded
chunks of a stream into pieces. The transport is `client`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct, field

from pierian.events import CalledTool
from pierian.exceptions import ServerRefused, StreamBroken

Role = Literal["system", "user", "assistant", "tool"]

TEMPLATE_TOKENS = 512
"""What a chat template may write of its own: the longest default system prompts of widely used families, and how to
call tools, come to about as much."""
MARK_TOKENS = 32
"""What a template may write around each message, call or tool."""
PICTURE_TOKENS = 16_384
"""Most tokens of one picture, as the Qwen-VL family takes by default; others take far fewer."""


class OfferedTool(Struct, frozen=True):
    """A tool of the client's that the model may call."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    """JSON schema of its arguments; None where it takes none."""


class Message(Struct, frozen=True, omit_defaults=True):
    """One turn as the model sees it."""

    role: Role
    content: str
    images: tuple[str, ...] = ()
    """Pictures that come with it, as `data:` URLs."""
    calls: tuple[CalledTool, ...] = ()
    """Tools that the assistant called in this turn."""
    answers: str = ""
    """Id of the call whose result this is; for the role `tool` only."""

    def wire(self) -> dict[str, Any]:
        """The message in the OpenAI wire format."""
        content: Any = self.content
        if self.images:
            pictures = [{"type": "image_url", "image_url": {"url": url}} for url in self.images]
            content = [{"type": "text", "text": self.content}, *pictures]
        found: dict[str, Any] = {"role": self.role, "content": content}
        if self.calls:
            found["tool_calls"] = [
                {
                    "id": c.id,
                    "type": "function",
                    "function": {"name": c.name, "arguments": _arguments(c.arguments)},
                }
                for c in self.calls
            ]
        if self.answers:
            found["tool_call_id"] = self.answers
        return found


class Request(Struct, frozen=True, kw_only=True):
    """One generation. `max_tokens` bounds it hard."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float | None = 0.0
    """None for what the server does by itself."""
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    repeatable: bool = False
    """Ask the embedded engine for the same numerics each time, which costs its prompt cache."""
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    """JSON schema that the output must match."""
    grammar: str = ""
    """GBNF grammar; understood by llama.cpp only."""
    logprobs: bool = False
    top_logprobs: int | None = None
    """How many alternatives to each token to report."""
    tools: tuple[OfferedTool, ...] = ()
    tool_choice: str = "auto"
    """`auto`, `none`, `required`, or the name of the tool to call."""
    parallel_calls: bool = True
    """Whether it may call several tools at once; servers may overlook that it may not."""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Fields of a model family, such as `chat_template_kwargs`."""
    adapter_scale: float = 0.0
    """How much of the adapter that the engine has loaded goes in, where it has one; 1 is as it was trained."""

    def prompt_bound(self) -> int:
        """More tokens than the prompt has, whatever the model's tokenizer and template, for what it may cost.

        A token is at least one byte, so texts count with their bytes. Tools and the schema, which some servers write
        into the prompt, count as JSON, twice: templates write it indented and escaped. Pictures count with a fixed
        bound each, since a server scales them down, whatever the size of their file. What the template adds itself
        cannot be seen from here; the two surcharges stand for it.
        """
        found = TEMPLATE_TOKENS
        for message in self.messages:
            found += MARK_TOKENS + len(message.content.encode()) + len(message.answers.encode())
            found += PICTURE_TOKENS * len(message.images)
            for call in message.calls:
                found += MARK_TOKENS + sum(
                    len(text.encode()) for text in (call.id, call.name, call.arguments)
                )
        if self.tools:
            offered = _offered(self.tools, self.tool_choice)
            found += MARK_TOKENS * len(self.tools) + 2 * len(msgspec.json.encode(offered))
        if self.schema is not None:
            found += MARK_TOKENS + 2 * len(msgspec.json.encode(dict(self.schema)))
        return found

    def body(self, model: str, *, embedded: bool, adapter: bool = False) -> dict[str, Any]:
        """The request's JSON. `embedded` adds what only our own llama.cpp server understands; `adapter` says that it
        has one loaded."""
        body: dict[str, Any] = {
            "model": model,
            "messages": [message.wire() for message in self.messages],
            "max_tokens": self.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            **self.extra,
        }
        optional = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
            "stop": list(self.stop) or None,
        }
        body |= {key: value for key, value in optional.items() if value is not None}
        if self.logprobs:
            body["logprobs"] = True
            if self.top_logprobs is not None:
                body["top_logprobs"] = self.top_logprobs
        if self.tools:
            body |= _offered(self.tools, self.tool_choice)
            if not self.parallel_calls:
                body["parallel_tool_calls"] = False
        if self.schema is not None:
            wrapped = {"name": "output", "strict": True, "schema": dict(self.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": wrapped}
        if embedded:
            # Progress makes the server write during prefill, where alone it notices that the client has gone.
            body["return_progress"] = True
            # A warm prompt cache changes the numerics, so a seed alone would not repeat.
            body["cache_prompt"] = not self.repeatable
            if self.top_k is not None:
                body["top_k"] = self.top_k
            if self.grammar:
                body["grammar"] = self.grammar
            if adapter:
                # In every request: one that names no scale would be answered from what a slot read at another.
                body["lora"] = [{"id": 0, "scale": self.adapter_scale}]
        return body


def _arguments(text: str) -> str:
    """Arguments of an earlier call as servers want them: the JSON text of an object.

    Templates take them apart, and servers fail on what a model wrote that is none; it goes along as a text in one.
    """
    try:
        msgspec.json.decode(text, type=dict[str, Any])
    except (RecursionError, msgspec.MsgspecError, UnicodeError):
        return msgspec.json.encode({"arguments": text}).decode()
    return text


def _offered(tools: tuple[OfferedTool, ...], choice: str) -> dict[str, Any]:
    """The fields of a request that offer tools."""
    offered: list[dict[str, Any]] = []
    for tool in tools:
        function: dict[str, Any] = {"name": tool.name, "description": tool.description}
        if tool.parameters is not None:
            function["parameters"] = dict(tool.parameters)
        offered.append({"type": "function", "function": function})
    named = choice not in ("auto", "none", "required")
    chosen: Any = {"type": "function", "function": {"name": choice}} if named else choice
    return {"tools": offered, "tool_choice": chosen}


class Piece(Struct, frozen=True):
    """Text as it arrives; `thought` for what the model thinks aloud natively."""

    text: str
    thought: bool = False
    logprob: float | None = None
    logprobs: tuple[Mapping[str, Any], ...] = ()
    """What the server says of each token, alternatives included, where they were asked for."""


class CallPiece(Struct, frozen=True):
    """A part of a call of a tool: its id and name once, its arguments (JSON text) as they arrive."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


class PromptProgress(Struct, frozen=True):
    """Prompt tokens processed so far, of `total`; `cached` of them were not computed again."""

    processed: int
    total: int
    cached: int


class Usage(Struct, frozen=True):
    """Token counts as the server reports them; `counted_here` where it reported none."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    counted_here: bool = False


class Finished(Struct, frozen=True):
    """The end of a stream: `length` means that `max_tokens` cut it off."""

    reason: str
    usage: Usage
    stop: str = ""
    """The text of `Request.stop` that ended it, where the server says which."""


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _CallDelta(msgspec.Struct):
    index: int = 0
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_CallDelta] | None = None


class _Logprobs(msgspec.Struct):
    content: list[dict[str, Any]] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None
    index: int = 0
    logprobs: _Logprobs | None = None
    stop_reason: Any = None
    """vLLM's: the text that ended it, or the number of a token."""
    matched_stop: Any = None
    """SGLang's, of the same kinds."""


class _Details(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _Details | None = None


class _Progress(msgspec.Struct):
    total: int = 0
    cache: int = 0
    processed: int = 0


class _Chunk(msgspec.Struct):
    choices: list[_Choice] = msgspec.field(default_factory=list[_Choice])
    usage: _Usage | None = None
    prompt_progress: _Progress | None = None
    error: Any = None


_DECODER = msgspec.json.Decoder(_Chunk)


class ChunkReader:
    """Reads the `data` of each server-sent event of one stream, in order; `end` closes it.

    Args:
        detailed: Keep all that the server says of each token.
    """

    def __init__(self, *, detailed: bool = False) -> None:
        self.text = ""
        self._detailed = detailed
        self.pieces = 0
        self.done = False
        self._reason = self._stop = ""
        self._usage: Usage | None = None

    def read(self, data: str) -> list[Piece | CallPiece | PromptProgress]:
        """What one event means; raises `StreamBroken` or `ServerRefused`."""
        if data.strip() == "[DONE]":
            self.done = True
            return []
        try:
            chunk = _DECODER.decode(data)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise StreamBroken(
                f"The model server sent something that is not in the OpenAI wire format: {data[:80]!r}.",
                partial=self.text,
                hint="Check that the base URL points at an OpenAI-compatible server.",
            ) from error
        if chunk.error is not None:
            raise ServerRefused(
                f"The model server failed while it answered: {error_text(chunk.error)}",
                status=500,
                hint="Try again.",
            )
        self._note_usage(chunk.usage)
        found: list[Piece | CallPiece | PromptProgress] = []
        if (progress := chunk.prompt_progress) is not None:
            found.append(PromptProgress(progress.processed, progress.total, progress.cache))
        for choice in chunk.choices:
            found.extend(self._read_choice(choice))
        return found

    def end(self) -> Finished:
        """How the stream ended; raises `StreamBroken` when it ended before the answer did."""
        if not self._reason:
            raise StreamBroken(
                "The model server closed the connection in the middle of the answer.",
                partial=self.text,
                hint="Try again; if it happens again, look at the server's log.",
            )
        return Finished(self._reason, self.usage(), self._stop)

    def usage(self) -> Usage:
        """The server's counts, or our own count of pieces where it sent none (or was cancelled)."""
        return self._usage or Usage(0, 0, self.pieces, counted_here=True)

    def _note_usage(self, usage: _Usage | None) -> None:
        if usage is not None:
            details = usage.prompt_tokens_details
            cached = (details.cached_tokens or 0) if details else 0
            self._usage = Usage(usage.prompt_tokens, cached, usage.completion_tokens)

    def _read_choice(self, choice: _Choice) -> list[Piece | CallPiece]:
        if choice.finish_reason:
            self._reason = choice.finish_reason
            named = choice.stop_reason or choice.matched_stop
            self._stop = named if isinstance(named, str) else ""
        if choice.delta is None:
            return []
        found: list[Piece | CallPiece] = []
        logprob, told = None, tuple[dict[str, Any], ...]()
        if choice.logprobs and choice.logprobs.content:
            logprob = _number(choice.logprobs.content[0].get("logprob"))
            told = tuple(choice.logprobs.content) if self._detailed else ()
        if thought := choice.delta.reasoning_content or choice.delta.reasoning:
            found.append(Piece(thought, thought=True, logprob=logprob, logprobs=told))
        if choice.delta.content:
            found.append(Piece(choice.delta.content, logprob=logprob, logprobs=told))
            self.text += choice.delta.content
        for call in choice.delta.tool_calls or ():
            function = call.function or _Function()
            found.append(CallPiece(call.index, call.id or "", function.name or "", function.arguments or ""))
        self.pieces += len(found)
        return found


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def error_text(error: Any) -> str:
    """The human part of an error body, whatever its shape, in one line."""
    found: Any = error
    for key in ("error", "message"):
        if isinstance(found, dict):
            found = cast(dict[str, Any], found).get(key, cast(Any, found))
    return " ".join(str(found).split())[:300]
