"""`/v1/messages` for the OpenAPI document: what is sent, what comes back and the events of a stream, as structs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from pierian.server.formats import messages, pictures
from pierian.server.formats.frames import Told
from pierian.server.formats.history import MOST_MESSAGES
from pierian.server.openapi.values import (
    AnthropicFailure,
    Cost,
    Effort,
    ModelName,
    MostTokens,
    MostTools,
    Schema,
    Share,
    Stops,
    Text,
    TextPart,
    ToolName,
    one_of,
)


class PictureSource(Struct, tag_field="type", tag="base64"):
    media_type: Annotated[str, Meta(min_length=1, examples=list(pictures.TYPES))]
    data: Annotated[
        str,
        Meta(min_length=1, description=f"Base64 of at most {pictures.MOST_PICTURE_BYTES // 2**20} MB."),
    ]


class PictureAddress(Struct, tag_field="type", tag="url"):
    """Fetched only where the server's settings say so."""

    url: Annotated[str, Meta(min_length=1, max_length=pictures.MOST_ADDRESS, pattern="^https?://")]


class ImageBlock(Struct, tag_field="type", tag="image"):
    source: PictureSource | PictureAddress


class ThinkingBlock(Struct, tag_field="type", tag="thinking"):
    """Thoughts of an earlier answer; they are passed over."""


class RedactedThinkingBlock(Struct, tag_field="type", tag="redacted_thinking"):
    """The same."""


class ToolUseBlock(Struct, tag_field="type", tag="tool_use"):
    """A call that the model made earlier in the conversation."""

    id: Text
    name: Text
    input: dict[str, Any] | None = None


ShownBlock = TextPart | ImageBlock | ThinkingBlock | RedactedThinkingBlock


class ToolResultBlock(Struct, tag_field="type", tag="tool_result"):
    """The result of a call. It stands in the turn after the call, and every call has one."""

    tool_use_id: Text
    content: str | list[ShownBlock] | None = None
    is_error: bool | None = None


class UserTurn(Struct, tag_field="role", tag="user"):
    content: str | list[TextPart | ImageBlock | ThinkingBlock | RedactedThinkingBlock | ToolResultBlock]


class AssistantTurn(Struct, tag_field="role", tag="assistant"):
    content: str | list[TextPart | ThinkingBlock | RedactedThinkingBlock | ToolUseBlock]


class SystemTurn(Struct, tag_field="role", tag="system"):
    content: str | list[TextPart]


class Thinking(Struct):
    type: Annotated[
        str | None,
        one_of(*messages.THINKING, None, description="`disabled` answers `pierian-auto` instantly."),
    ] = None
    budget_tokens: Annotated[
        MostTokens | None, Meta(description="Accepted; a mode has a budget of its own.")
    ] = None
    display: Annotated[Any, Meta(description="`omitted` leaves thoughts out of the answer.")] = None


class OutputFormat(Struct):
    """JSON that fits a schema."""

    schema: Schema
    type: Literal["json_schema"] | None = None


class OutputConfig(Struct):
    effort: Effort = None
    format: OutputFormat | None = None


class MessageTool(Struct):
    """A tool of the client's: the answer may be calls of it, which the client carries out."""

    name: ToolName
    input_schema: Schema
    description: str | None = None
    type: Literal["custom"] | None = None


class MessageToolChoice(Struct):
    """How tools are called; with the type `tool`, by its `name`."""

    type: Annotated[str, one_of(*messages.CHOICES, "tool")]
    name: str | None = None
    disable_parallel_tool_use: Annotated[
        bool | None, Meta(description="True for at most one call in an answer.")
    ] = None


class MessageRequest(Struct, kw_only=True):
    """A conversation to be answered. Null is the same as left out; fields that are not named here are ignored."""

    model: ModelName
    messages: Annotated[
        list[UserTurn | AssistantTurn | SystemTurn],
        Meta(min_length=1, max_length=MOST_MESSAGES, description="The last one is not the assistant's."),
    ]
    max_tokens: MostTokens
    system: str | list[TextPart] | None = None
    stream: Annotated[bool | None, Meta(description="Send the answer as server-sent events.")] = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    temperature: Share | None = None
    top_p: Share | None = None
    stop_sequences: Stops | None = None
    tools: Annotated[list[MessageTool], MostTools] | None = None
    tool_choice: MessageToolChoice | None = None


# ---------------------------------------------------------------- the answer


class ThinkingDetails(Struct):
    thinking_tokens: int


class MessageUsage(Struct):
    """Tokens, cached ones apart from the others, and what they cost where there is a price."""

    input_tokens: int
    cache_creation_input_tokens: Literal[0]
    cache_read_input_tokens: int
    output_tokens: int
    output_tokens_details: ThinkingDetails
    cost: Cost | UnsetType = UNSET


class AnsweredText(Struct, tag_field="type", tag="text"):
    text: str


class AnsweredThinking(Struct, tag_field="type", tag="thinking"):
    """Thoughts, where the client switched thinking on."""

    thinking: str
    signature: str


class AnsweredToolUse(Struct, tag_field="type", tag="tool_use"):
    """A call of a tool of the client's, to be carried out by the client."""

    id: str
    name: str
    input: dict[str, Any]


AnsweredBlock = AnsweredText | AnsweredThinking | AnsweredToolUse
StopReason = Literal["end_turn", "max_tokens", "stop_sequence", "tool_use"]


class MessageObject(Struct):
    """An answer."""

    id: Annotated[str, Meta(pattern="^msg_")]
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[AnsweredBlock]
    stop_reason: StopReason | None
    stop_sequence: str | None
    usage: MessageUsage
    pierian: Told | UnsetType = UNSET


# ---------------------------------------------------------------- the events of a stream


class MessageStart(Struct, tag_field="type", tag="message_start"):
    """The first event."""

    message: MessageObject


class Ping(Struct, tag_field="type", tag="ping"):
    """A sign of life."""


class BlockStart(Struct, tag_field="type", tag="content_block_start"):
    index: int
    content_block: AnsweredBlock


class GrownText(Struct, tag_field="type", tag="text_delta"):
    text: str


class GrownThinking(Struct, tag_field="type", tag="thinking_delta"):
    thinking: str


class GrownSignature(Struct, tag_field="type", tag="signature_delta"):
    signature: str


class GrownInput(Struct, tag_field="type", tag="input_json_delta"):
    partial_json: str


class BlockDelta(Struct, tag_field="type", tag="content_block_delta"):
    index: int
    delta: GrownText | GrownThinking | GrownSignature | GrownInput


class BlockStop(Struct, tag_field="type", tag="content_block_stop"):
    index: int


class MessageEnd(Struct):
    stop_reason: StopReason
    stop_sequence: str | None


class MessageDelta(Struct, tag_field="type", tag="message_delta"):
    """Why the answer ended and what it used."""

    delta: MessageEnd
    usage: MessageUsage
    pierian: Told | UnsetType = UNSET


class MessageStop(Struct, tag_field="type", tag="message_stop"):
    """The last event."""


class MessageFailed(Struct, tag_field="type", tag="error"):
    """The last event where something went wrong after the stream had begun."""

    error: AnthropicFailure
    request_id: str | None


MessageEvent = (
    MessageStart | Ping | BlockStart | BlockDelta | BlockStop | MessageDelta | MessageStop | MessageFailed
)


REFUSED = {MessageRequest: messages.REFUSED}
