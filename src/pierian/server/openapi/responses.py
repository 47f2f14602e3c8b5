"""`/v1/responses` for the OpenAPI document: what is sent, what comes back and the events of a stream, as structs."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from pierian.server.formats import responses, responses_input
from pierian.server.formats.frames import Told
from pierian.server.openapi.values import (
    Alternatives,
    Arguments,
    Choice,
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
    Temperature,
    Text,
    TextPart,
    TokenLogprob,
    ToolName,
    one_of,
)


class InputText(Struct, tag_field="type", tag="input_text"):
    text: str


class OutputText(Struct, tag_field="type", tag="output_text"):
    text: str


class InputImage(Struct, tag_field="type", tag="input_image"):
    image_url: DataUrl


InputParts = str | list[InputText | OutputText | TextPart | RefusalPart | InputImage]


class InputMessage(Struct, tag_field="type", tag="message"):
    """A message. Only the user's have pictures; the type may be left out."""

    role: Annotated[str, one_of(*responses_input.ROLES)]
    content: InputParts


class InputCall(Struct, tag_field="type", tag="function_call"):
    """A call that the model made earlier in the conversation."""

    call_id: Text
    name: Text
    arguments: Arguments | None = None


class InputCallOutput(Struct, tag_field="type", tag="function_call_output"):
    """The result of a call. It follows the call, and every call has one."""

    call_id: Text
    output: InputParts


class InputReasoning(Struct, tag_field="type", tag="reasoning"):
    """Thoughts of an earlier response; they are passed over."""


class Reasoning(Struct):
    effort: Effort = None
    summary: Annotated[
        str | None,
        one_of(*responses.SUMMARIES, None, description="Send the thoughts as a summary of the reasoning."),
    ] = None
    generate_summary: Annotated[str | None, one_of(*responses.SUMMARIES, None)] = None


class SchemaFormat(Struct, tag_field="type", tag="json_schema"):
    """JSON that fits a schema."""

    schema: Schema
    name: str | None = None
    strict: bool | None = None


class TextSettings(Struct):
    format: PlainFormat | ObjectFormat | SchemaFormat | None = None


class FunctionTool(Struct, tag_field="type", tag="function"):
    """A function of the client's: the response may be calls of it, which the client carries out."""

    name: ToolName
    description: str | None = None
    parameters: Schema | None = None
    strict: bool | None = None


class NamedChoice(Struct, tag_field="type", tag="function"):
    """This function has to be called."""

    name: Text


class AllowedChoice(Struct, tag_field="type", tag="allowed_tools"):
    """Only these of the tools may be called."""

    tools: list[FunctionName] | None = None
    mode: Literal["auto", "required"] | None = None


class ResponseRequest(Struct, kw_only=True):
    """What is to be answered. Null is the same as left out; fields that are not named here are ignored."""

    model: ModelName
    input: Annotated[
        str | list[InputMessage | InputCall | InputCallOutput | InputReasoning] | None,
        Meta(description="A text, or items. Needed unless an earlier response is continued."),
    ] = None
    instructions: Annotated[str | None, Meta(description="For this response only.")] = None
    previous_response_id: Annotated[
        Annotated[str, Meta(max_length=200)] | None,
        Meta(description="A stored response that this one continues."),
    ] = None
    store: Annotated[
        bool | None, Meta(description="Keep the response, to be fetched and continued. Left out, it is kept.")
    ] = None
    reasoning: Reasoning | None = None
    stream: Annotated[bool | None, Meta(description="Send the response as server-sent events.")] = None
    max_output_tokens: MostTokens | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    text: TextSettings | None = None
    tools: Annotated[list[FunctionTool], MostTools] | None = None
    tool_choice: Choice | NamedChoice | AllowedChoice | None = None
    parallel_tool_calls: Annotated[
        bool | None, Meta(description="False for at most one call in an answer.")
    ] = None
    include: Text | Annotated[list[Text], Meta(max_length=20)] | None = None
    top_logprobs: Alternatives | None = None
    metadata: Annotated[dict[str, str] | None, Meta(description="Repeated in the response.")] = None


# ---------------------------------------------------------------- the response


class InputDetails(Struct):
    cached_tokens: int
    cache_write_tokens: Literal[0]


class OutputDetails(Struct):
    reasoning_tokens: int


class ResponseUsage(Struct):
    """Tokens, and what they cost where there is a price."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int
    cost: Cost | UnsetType = UNSET


class WrittenText(Struct, tag_field="type", tag="output_text"):
    text: str
    annotations: Annotated[list[str], Meta(max_length=0)]
    logprobs: list[TokenLogprob]


class ReasoningText(Struct, tag_field="type", tag="reasoning_text"):
    text: str


class SummaryText(Struct, tag_field="type", tag="summary_text"):
    text: str


ItemStatus = Literal["in_progress", "completed", "incomplete"]


class MessageItem(Struct, tag_field="type", tag="message"):
    """A part of the answer's text."""

    id: str
    status: ItemStatus
    role: Literal["assistant"]
    content: Annotated[list[WrittenText], Meta(max_length=1)]


class ReasoningItem(Struct, tag_field="type", tag="reasoning"):
    """Thoughts; as a summary where the client asked for one."""

    id: str
    status: ItemStatus
    summary: Annotated[list[SummaryText], Meta(max_length=1)]
    content: Annotated[list[ReasoningText], Meta(max_length=1)] | UnsetType = UNSET


class CallItem(Struct, tag_field="type", tag="function_call"):
    """A call of a function of the client's, to be carried out by the client."""

    id: str
    status: ItemStatus
    call_id: str
    name: str
    arguments: str


OutputItem = MessageItem | ReasoningItem | CallItem


class ResponseFailure(Struct):
    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class IncompleteDetails(Struct):
    reason: Literal["max_output_tokens"]


class ToldReasoning(Struct):
    effort: Effort
    summary: str | None


class ToldText(Struct):
    format: PlainFormat | ObjectFormat | SchemaFormat


class ToldAllowedChoice(Struct, tag_field="type", tag="allowed_tools"):
    mode: Literal["auto", "required"]
    tools: list[NamedChoice]


class ResponseObject(Struct):
    """A response, with what it says of the request."""

    id: Annotated[str, Meta(pattern="^resp_")]
    object: Literal["response"]
    created_at: Seconds
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    background: Literal[False]
    error: ResponseFailure | None
    incomplete_details: IncompleteDetails | None
    max_output_tokens: int | None
    model: str
    output: list[OutputItem]
    parallel_tool_calls: bool
    temperature: float | None
    top_p: float | None
    truncation: Literal["disabled"]
    instructions: str | None
    metadata: dict[str, str]
    previous_response_id: str | None
    reasoning: ToldReasoning
    store: bool
    text: ToldText
    tool_choice: Choice | NamedChoice | ToldAllowedChoice
    tools: list[FunctionTool]
    top_logprobs: int
    usage: ResponseUsage | UnsetType = UNSET
    pierian: Told | UnsetType = UNSET


class DeletedResponse(Struct):
    """The response is forgotten."""

    id: str
    object: Literal["response"]
    deleted: Literal[True]


# ---------------------------------------------------------------- the events of a stream


class _Numbered(Struct):
    sequence_number: Annotated[int, Meta(ge=0)]


class _OfItem(_Numbered):
    item_id: str
    output_index: int


class _Whole(_Numbered):
    response: ResponseObject


class ResponseCreated(_Whole, tag_field="type", tag="response.created"):
    """The first event."""


class ResponseInProgress(_Whole, tag_field="type", tag="response.in_progress"):
    """The second event."""


class ResponseCompleted(_Whole, tag_field="type", tag="response.completed"):
    """The last event of a whole answer."""


class ResponseIncomplete(_Whole, tag_field="type", tag="response.incomplete"):
    """The last event of an answer that is cut short."""


class ResponseFailed(_Whole, tag_field="type", tag="response.failed"):
    """The last event where something went wrong after the stream had begun."""


class ItemAdded(_Numbered, tag_field="type", tag="response.output_item.added"):
    output_index: int
    item: OutputItem


class ItemDone(_Numbered, tag_field="type", tag="response.output_item.done"):
    output_index: int
    item: OutputItem


class PartAdded(_OfItem, tag_field="type", tag="response.content_part.added"):
    content_index: Literal[0]
    part: WrittenText | ReasoningText


class PartDone(_OfItem, tag_field="type", tag="response.content_part.done"):
    content_index: Literal[0]
    part: WrittenText | ReasoningText


class TextDelta(_OfItem, tag_field="type", tag="response.output_text.delta"):
    content_index: Literal[0]
    delta: str
    logprobs: list[TokenLogprob]


class TextDone(_OfItem, tag_field="type", tag="response.output_text.done"):
    content_index: Literal[0]
    text: str
    logprobs: list[TokenLogprob]


class ReasoningDelta(_OfItem, tag_field="type", tag="response.reasoning_text.delta"):
    content_index: Literal[0]
    delta: str


class ReasoningDone(_OfItem, tag_field="type", tag="response.reasoning_text.done"):
    content_index: Literal[0]
    text: str


class SummaryAdded(_OfItem, tag_field="type", tag="response.reasoning_summary_part.added"):
    summary_index: Literal[0]
    part: SummaryText


class SummaryDone(_OfItem, tag_field="type", tag="response.reasoning_summary_part.done"):
    summary_index: Literal[0]
    part: SummaryText


class SummaryDelta(_OfItem, tag_field="type", tag="response.reasoning_summary_text.delta"):
    summary_index: Literal[0]
    delta: str


class SummaryTextDone(_OfItem, tag_field="type", tag="response.reasoning_summary_text.done"):
    summary_index: Literal[0]
    text: str


class ArgumentsDelta(_OfItem, tag_field="type", tag="response.function_call_arguments.delta"):
    delta: str


class ArgumentsDone(_OfItem, tag_field="type", tag="response.function_call_arguments.done"):
    name: str
    arguments: str


ResponseEvent = (
    ResponseCreated
    | ResponseInProgress
    | ResponseCompleted
    | ResponseIncomplete
    | ResponseFailed
    | ItemAdded
    | ItemDone
    | PartAdded
    | PartDone
    | TextDelta
    | TextDone
    | ReasoningDelta
    | ReasoningDone
    | SummaryAdded
    | SummaryDone
    | SummaryDelta
    | SummaryTextDone
    | ArgumentsDelta
    | ArgumentsDone
)


REFUSED = {ResponseRequest: responses.REFUSED}
