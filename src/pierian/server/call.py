"""What a client asks, whatever wire format it came in, and the items of which every answer is made.

`chat_completions`, `responses` and `messages` turn a request's body into a `Call` and the items of its answer into
frames and bodies of their format; `answering` turns a `Call` into items. Neither knows the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from pierian.events import Answer
from pierian.models.wire import CallPiece, Message, OfferedTool, Piece
from pierian.reasoning import Mode

MODE_MODELS = {f"pierian-{mode.value}": mode for mode in Mode}
"""Names of models that mean a mode; every other name is that of a model of the engine's."""
EFFORTS = {
    "none": Mode.INSTANT,
    "minimal": Mode.INSTANT,
    "low": Mode.THINKING,
    "medium": Mode.THINKING,
    "high": Mode.CONTEMPLATING,
    "xhigh": Mode.CONTEMPLATING,
    "max": Mode.CONTEMPLATING,
}
"""Values of `reasoning_effort`. They decide where the model is `pierian-auto`."""

EndReason = Literal["stop", "length", "tool_calls"]


class Call(Struct, frozen=True, kw_only=True):
    """One request for an answer. None means that the client did not say."""

    model: str
    """As the client wrote it."""
    mode: Mode | None
    """The mode that answers; None where a model of the engine's answers by itself."""
    messages: tuple[Message, ...]
    """The conversation in order, system messages in front."""
    tools: tuple[OfferedTool, ...] = ()
    tool_choice: str = "auto"
    """`auto`, `none`, `required`, or the name of the tool to call."""
    parallel_calls: bool = True
    schema: Mapping[str, Any] | None = None
    """JSON schema of the answer's text."""
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    names_stop: bool = False
    """Whether the client wants to know which text of `stop` ended the answer."""
    logprobs: bool = False
    top_logprobs: int | None = None
    stream: bool = False
    include_usage: bool = False
    """Whether a streamed chat completion ends with a chunk of usage."""


class Used(Struct, frozen=True):
    """Tokens and money of one answer. `completion_tokens` includes `reasoning_tokens`."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    money: float | None = None
    """None where there is no price."""


class Ended(Struct, frozen=True):
    """The last item of an answer."""

    reason: EndReason
    used: Used
    answer: Answer | None = None
    """With its receipt; None where a model of the engine's answered by itself."""
    stop: str = ""
    """The text of `Call.stop` that ended it, where that is known."""
    ignored: tuple[str, ...] = ()
    """Fields of `Call` that the client set and a mode does not follow."""


Item = Piece | CallPiece | Ended
"""Text (thoughts marked), parts of calls of tools, and the end."""
