"""`/v1/chat/completions` and `/v1/embeddings` for the OpenAPI document: what is sent and what comes back, as structs.

Fields that the parser ignores are not here; those that it refuses are in its own table (`REFUSED`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from pierian.server.call import EndReason
from pierian.server.formats import chat_completions as chat
from pierian.server.formats import embeddings
from pierian.server.formats.frames import Told
from pierian.server.openapi.values import (
    Alternatives,
    Arguments,
    Choice,
    Conversation,
    Cost,
    DataUrl,
    Effort,
    FunctionName,
    ModelName,
    MostTokens,
    MostTools,
    ObjectFormat,
    PlainFormat,
    RefusalPart,
    Schema,
    Seconds,
    Share,
    Stops,
    Temperature,
    Text,
    TextPart,
    TokenLogprob,
    ToolName,
    one_of,
)


class ImageAddress(Struct):
    url: DataUrl


class ImagePart(Struct, tag_field="type", tag="image_url"):
    image_url: ImageAddress


WrittenParts = str | list[TextPart | RefusalPart]
ShownParts = str | list[TextPart | RefusalPart | ImagePart]


class FunctionCall(Struct):
    name: Text
    arguments: Arguments | None = None


class ToolCall(Struct):
    """A call that the model made earlier in the conversation."""

    id: Text
    function: FunctionCall
    type: Literal["function"] | None = "function"


class SystemMessage(Struct, tag_field="role", tag="system"):
    """Instructions, moved to the front wherever they stand."""

    content: WrittenParts


class DeveloperMessage(Struct, tag_field="role", tag="developer"):
    """The same as a system message."""

    content: WrittenParts


class UserMessage(Struct, tag_field="role", tag="user"):
    """What the user said, with pictures where the model sees."""

    content: ShownParts


class AssistantMessage(Struct, tag_field="role", tag="assistant"):
    """An earlier answer: a text, calls, both, or a refusal."""

    content: WrittenParts | None = None
    tool_calls: list[ToolCall] | None = None
    refusal: str | None = None


class ToolMessage(Struct, tag_field="role", tag="tool"):
    """The result of a call. It follows the message that makes the call, and every call has one."""

    tool_call_id: Text
    content: WrittenParts | None = None


ChatMessage = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage


class FunctionDefinition(Struct):
    name: ToolName
    description: str | None = None
    parameters: Schema | None = None


class ChatTool(Struct, tag_field="type", tag="function"):
    """A function of the client's: the answer may be calls of it, which the client carries out."""

    function: FunctionDefinition


class NamedFunction(Struct):
    function: FunctionName


class ChatNamedChoice(Struct, tag_field="type", tag="function"):
    """This function has to be called."""

    function: FunctionName


class AllowedTools(Struct):
    tools: list[NamedFunction] | None = None
    mode: Choice | None = None


class ChatAllowedChoice(Struct, tag_field="type", tag="allowed_tools"):
    """Only these of the tools may be called."""

    allowed_tools: AllowedTools


class StreamOptions(Struct):
    include_usage: Annotated[
        bool | None, Meta(description="End a stream with a chunk that has the usage and no choice.")
    ] = None


class NamedSchema(Struct):
    schema: Schema


class ChatSchemaFormat(Struct, tag_field="type", tag="json_schema"):
    """JSON that fits a schema."""

    json_schema: NamedSchema


class ChatCompletionRequest(Struct, kw_only=True):
    """A conversation to be answered. Null is the same as left out; fields that are not named here are ignored."""

    model: ModelName
    messages: Annotated[list[ChatMessage], Conversation]
    reasoning_effort: Effort = None
    stream: Annotated[bool | None, Meta(description="Send the answer as server-sent events.")] = None
    stream_options: StreamOptions | None = None
    max_completion_tokens: MostTokens | None = None
    max_tokens: MostTokens | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None = None
    stop: Stops | None = None
    tools: Annotated[list[ChatTool], MostTools] | None = None
    tool_choice: Choice | ChatNamedChoice | ChatAllowedChoice | None = None
    parallel_tool_calls: Annotated[
        bool | None, Meta(description="False for at most one call in an answer.")
    ] = None
    response_format: PlainFormat | ObjectFormat | ChatSchemaFormat | None = None
    logprobs: bool | None = None
    top_logprobs: Alternatives | None = None
    n: Annotated[int | None, Meta(extra_json_schema={"enum": [1, None]}, description="One choice only.")] = (
        None
    )
    modalities: (
        Literal["text"]
        | Annotated[list[Literal["text"]], Meta(max_length=10, description="Text only.")]
        | None
    ) = None
    frequency_penalty: Annotated[float | None, Meta(extra_json_schema={"enum": [0, None]})] = None
    presence_penalty: Annotated[float | None, Meta(extra_json_schema={"enum": [0, None]})] = None


# ---------------------------------------------------------------- the answer


class PromptDetails(Struct):
    cached_tokens: int


class CompletionDetails(Struct):
    reasoning_tokens: int


class ChatUsage(Struct):
    """Tokens, and what they cost where there is a price."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    completion_tokens_details: CompletionDetails
    cost: Cost | UnsetType = UNSET


class ChatLogprobs(Struct):
    content: list[TokenLogprob]
    refusal: None = None


class MadeFunction(Struct):
    name: str
    arguments: Arguments


class MadeCall(Struct):
    """A call of a tool of the client's, to be carried out by the client."""

    id: str
    type: Literal["function"]
    function: MadeFunction


class AnswerMessage(Struct):
    role: Literal["assistant"]
    content: str | None
    refusal: None
    reasoning_content: Annotated[str | UnsetType, Meta(description="The thoughts, where there are any.")] = (
        UNSET
    )
    tool_calls: list[MadeCall] | UnsetType = UNSET


class AnswerChoice(Struct):
    index: Literal[0]
    message: AnswerMessage
    logprobs: ChatLogprobs | None
    finish_reason: EndReason


class ChatCompletion(Struct):
    """An answer."""

    id: Annotated[str, Meta(pattern="^chatcmpl-")]
    object: Literal["chat.completion"]
    created: Seconds
    model: str
    choices: Annotated[list[AnswerChoice], Meta(min_length=1, max_length=1)]
    usage: ChatUsage
    pierian: Told | UnsetType = UNSET


class ChunkChoice(Struct):
    index: Literal[0]
    delta: chat.Delta
    logprobs: ChatLogprobs | None
    finish_reason: EndReason | None


class ChatCompletionChunk(Struct):
    """A piece of an answer that is streamed. The last one with a choice says why the answer ended."""

    id: Annotated[str, Meta(pattern="^chatcmpl-")]
    object: Literal["chat.completion.chunk"]
    created: Seconds
    model: str
    choices: Annotated[list[ChunkChoice], Meta(max_length=1)]
    usage: Annotated[
        ChatUsage | UnsetType | None,
        Meta(
            description="Where the client asked for it: in the last chunk, which has no choice; null before."
        ),
    ] = UNSET
    pierian: Told | UnsetType = UNSET


class EmbeddingRequest(Struct, kw_only=True):
    """Texts, each of which becomes a vector. Null is the same as left out."""

    model: ModelName
    input: Text | Annotated[list[Text], Meta(min_length=1, max_length=embeddings.MOST_TEXTS)]
    encoding_format: Annotated[
        str | None,
        one_of(
            "float", "base64", None, description="`base64` is four bytes for each number, the lowest first."
        ),
    ] = None


class Embedding(Struct):
    object: Literal["embedding"]
    index: int
    embedding: Annotated[list[float] | str, Meta(description="Numbers, or base64 where that was asked for.")]


class EmbeddingUsage(Struct):
    prompt_tokens: int
    total_tokens: int


class EmbeddingList(Struct):
    """One vector for each text, in their order."""

    object: Literal["list"]
    model: str
    data: list[Embedding]
    usage: EmbeddingUsage


REFUSED = {ChatCompletionRequest: chat.REFUSED, EmbeddingRequest: embeddings.REFUSED}
