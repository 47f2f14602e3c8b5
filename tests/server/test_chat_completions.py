"""Chat completions: what requests mean, and that OpenAI's own client reads the answers."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel
from tests.server.official_clients import (
    CALLS,
    END,
    PICTURE,
    WEATHER,
    WORDS,
    Server,
    events,
    streamed,
    whole,
)

from pierian.models.wire import CallPiece, Message, OfferedTool, Piece
from pierian.reasoning import Mode
from pierian.server.call import Ended, Item, Used
from pierian.server.errors import ApiError
from pierian.server.formats.chat_completions import Parsed, Writer, error_body, parse

HELLO: dict[str, Any] = {"model": "pierian-auto", "messages": [{"role": "user", "content": "Hello"}]}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "weather", "description": "Tells it.", "parameters": WEATHER, "strict": True},
}
CALLED: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}],
}
RESULT: dict[str, Any] = {"role": "tool", "tool_call_id": "c1", "content": "Rain"}
IMAGE: dict[str, Any] = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}


class Sum(BaseModel):
    total: int


def parsed(**fields: Any) -> Parsed:
    return parse(json.dumps(HELLO | fields).encode())


def writer(**fields: Any) -> Writer:
    return Writer(parsed(**fields), "chatcmpl-1", 1_700_000_000)


def user(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def test_every_field_of_a_request_reaches_the_call() -> None:
    call = parsed(
        model="qwen",
        messages=[{"role": "user", "content": "Hello"}, {"role": "developer", "content": "Be brief."}],
        tools=[TOOL],
        tool_choice={"type": "function", "function": {"name": "weather"}},
        parallel_tool_calls=False,
        response_format={"type": "json_schema", "json_schema": {"name": "sum", "schema": WEATHER}},
        max_tokens=9,
        max_completion_tokens=10,
        temperature=1,
        top_p=0.5,
        seed=-3,
        stop="END",
        logprobs=True,
        top_logprobs=2,
        stream=True,
        stream_options={"include_usage": True},
        reasoning_effort="high",
        user="u",
        metadata={"a": 1},
        store=True,
        service_tier="auto",
        brand_new={"x": []},
    ).call
    assert call.mode is None and call.model == "qwen"
    assert call.messages == (Message("system", "Be brief."), Message("user", "Hello"))
    assert call.tools == (OfferedTool("weather", "Tells it.", WEATHER),)
    assert (call.tool_choice, call.parallel_calls, call.schema) == ("weather", False, WEATHER)
    assert (call.max_tokens, call.temperature, call.top_p, call.seed) == (10, 1.0, 0.5, -3)
    assert (call.stop, call.logprobs, call.top_logprobs) == (("END",), True, 2)
    assert call.stream and call.include_usage


@pytest.mark.parametrize(
    ("model", "effort", "mode"),
    [
        ("pierian-auto", None, Mode.AUTO),
        ("pierian-auto", "minimal", Mode.INSTANT),
        ("pierian-auto", "medium", Mode.THINKING),
        ("pierian-auto", "high", Mode.CONTEMPLATING),
        ("pierian-instant", "high", Mode.INSTANT),
        ("pierian-contemplating", None, Mode.CONTEMPLATING),
        ("gpt-6", "high", None),
    ],
)
def test_the_name_of_the_model_wins_over_the_effort(
    model: str, effort: str | None, mode: Mode | None
) -> None:
    assert parsed(model=model, reasoning_effort=effort).call.mode is mode


def test_a_conversation_with_calls_results_and_a_picture() -> None:
    call = parsed(
        messages=[*user({"type": "text", "text": "Look"}, IMAGE), CALLED, RESULT], tools=[TOOL]
    ).call
    seen, called, result = call.messages
    assert seen == Message("user", "Look", images=(f"data:image/png;base64,{PICTURE}",))
    assert called.calls[0].name == "weather" and called.content == ""
    assert result == Message("tool", "Rain", answers="c1")


def test_a_choice_of_allowed_tools_leaves_the_others_out() -> None:
    other = {"type": "function", "function": {"name": "clock"}}
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [other]}}
    call = parsed(tools=[TOOL, other], tool_choice=choice).call
    assert [tool.name for tool in call.tools] == ["clock"] and call.tool_choice == "required"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"model": ""}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [RESULT]}, "messages[0]"),
        ({"messages": [CALLED, RESULT, RESULT]}, "messages[2]"),
        ({"messages": [CALLED]}, "messages"),
        ({"messages": [CALLED, {"role": "user", "content": "?"}]}, "messages[1]"),
        ({"messages": [{"role": "assistant", "content": None}]}, "messages[0].content"),
        ({"messages": user({"type": "input_audio"})}, "messages[0].content[0].type"),
        ({"messages": user({"type": "file", "file": {}})}, "messages[0].content[0].type"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
        ({"seed": 2**70}, "seed"),
        ({"stop": [""]}, "stop"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"stream": "yes"}, "stream"),
        ({"reasoning_effort": "enormous"}, "reasoning_effort"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "alloy"}}, "audio"),
        ({"web_search_options": {"search_context_size": "low"}}, "web_search_options"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"logit_bias": {"50256": -100}}, "logit_bias"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, "tools[0].type"),
        ({"tools": [TOOL, TOOL]}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "none"}}]}, "tools[0].function.name"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice.function.name"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
    ],
)
def test_a_request_that_is_wrong_is_refused_by_the_name_of_the_field(
    fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(ApiError) as refused:
        parsed(**fields)
    assert (refused.value.status, refused.value.param) == (400, param)
    assert len(str(refused.value)) > 20


@pytest.mark.parametrize(
    "url",
    [
        f"https://example.org/{'a' * 2000}.png",
        "file:///etc/passwd",
        "data:image/bmp;base64,Qk0=",
        "data:image/svg+xml;base64,PGh0bWw+",
        "data:image/png,rawbytes",
        "data:image/png;base64,not base64!",
        f"data:image/jpeg;base64,{PICTURE}",
        f"data:image/png;base64,{PICTURE}{'AAAA' * 7_500_000}",
    ],
)
def test_a_picture_is_inline_whole_and_of_its_type(url: str) -> None:
    with pytest.raises(ApiError) as refused:
        parsed(messages=user({"type": "image_url", "image_url": {"url": url}}))
    assert refused.value.param == "messages[0].content[0].image_url.url"


def test_a_schema_that_refers_to_the_network_is_refused() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "http://169.254.169.254/schema"}}}
    with pytest.raises(ApiError, match="only parts of itself"):
        parsed(response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": schema}})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b'"\xff"',
        b"[" * 200_000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b"9" * 9000,
        b"{",
        b"1e999",
    ],
)
def test_a_body_that_is_no_plain_object_is_refused(body: bytes) -> None:
    with pytest.raises(ApiError) as refused:
        parse(body)
    assert refused.value.status == 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
FIELDS = st.sampled_from(
    ["messages", "tools", "tool_choice", "response_format", "stop", "n", "stream_options", "seed"]
)
INNER = st.sampled_from(
    ["role", "content", "tool_calls", "type", "function", "id", "image_url", "url", "name", "arguments"]
)
NEARLY = st.recursive(
    JSON
    | st.sampled_from(
        ["user", "assistant", "tool", "text", "function", "image_url", "data:image/png;base64,AA=="]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(INNER, inner, max_size=5),
    max_leaves=15,
)


@given(st.dictionaries(FIELDS, NEARLY, max_size=5))
def test_whatever_the_fields_hold_a_request_is_parsed_or_refused(fields: dict[str, Any]) -> None:
    try:
        parse(json.dumps(HELLO | fields).encode())
    except ApiError as error:
        assert error.status == 400 and str(error)


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_arbitrary_bodies_raise_nothing_but_an_api_error(body: bytes) -> None:
    with pytest.raises(ApiError):
        parse(body)


def test_the_client_reads_a_stream() -> None:
    made = streamed(writer(stream=True, stream_options={"include_usage": True}), WORDS)
    stream = Server(made).openai.chat.completions.create(model="m", messages=[], stream=True)
    chunks = [ChatCompletionChunk.model_validate(chunk.model_dump(), strict=True) for chunk in stream]
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "12 euros\n"
    assert (
        "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "18 pens in threes."
    )
    assert chunks[-2].choices[0].finish_reason == "stop"
    receipt = chunks[-2].model_extra["pierian"]  # type: ignore[index]
    assert (
        receipt["took"] == "thinking"
        and receipt["agreeing"] == 2
        and receipt["checks"][0]["outcome"] == "passed"
    )
    usage = chunks[-1].usage
    assert (
        usage is not None
        and usage.completion_tokens_details is not None
        and usage.prompt_tokens_details is not None
    )
    assert (usage.total_tokens, usage.completion_tokens_details.reasoning_tokens) == (160, 25)
    assert usage.prompt_tokens_details.cached_tokens == 100 and usage.model_extra == {"cost": 0.0021}


async def test_the_asynchronous_client_reads_a_stream_with_calls() -> None:
    made = streamed(writer(stream=True, tools=[TOOL]), CALLS)
    async with Server(made).openai_async.chat.completions.stream(model="m", messages=[]) as stream:
        choice = (await stream.get_final_completion()).choices[0]
    assert choice.finish_reason == "tool_calls" and choice.message.tool_calls is not None
    called = [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls]
    assert called == [("call_a", "weather", '{"city": "Paris"}'), ("call_b", "clock", "{}")]


def test_usage_stands_in_the_last_chunk_where_it_is_asked_for() -> None:
    assert not any("usage" in event for event in events(streamed(writer(stream=True), WORDS)))
    told = events(streamed(writer(stream=True, stream_options={"include_usage": True}), WORDS))
    assert [event["usage"] is None for event in told] == [True] * (len(told) - 1) + [False]


@pytest.mark.parametrize("items", [WORDS, CALLS])
def test_the_client_reads_a_whole_answer(items: list[Item]) -> None:
    made = Server(whole(writer(tools=[TOOL]), items)).openai.chat.completions.create(model="m", messages=[])
    message = made.choices[0].message
    if items is CALLS:
        assert (
            message.tool_calls is not None
            and len(message.tool_calls) == 2
            and message.content == "Let me look."
        )
        return
    assert message.content == "12 euros\n" and message.model_extra == {
        "reasoning_content": "18 pens in threes."
    }
    assert made.model_extra is not None and made.model_extra["pierian"]["mode"] == "auto"


def test_an_answer_of_calls_alone_has_no_content() -> None:
    body = whole(writer(), [CallPiece(0, "", "clock", "{}"), Ended("tool_calls", Used())])
    message = body["choices"][0]["message"]
    assert message["content"] is None and message["tool_calls"][0]["id"]
    assert "cost" not in body["usage"] and "pierian" not in body


def test_the_client_parses_what_a_schema_bound() -> None:
    server = Server(whole(writer(), [Piece('{"total": 12}'), END]))
    made = server.openai.chat.completions.parse(
        model="pierian-auto", messages=HELLO["messages"], response_format=Sum
    )
    assert made.choices[0].message.parsed == Sum(total=12)
    assert parse(server.bodies[0]).call.schema == openai.lib._pydantic.to_strict_json_schema(Sum)


def test_logprobs_in_stream_and_whole() -> None:
    said = {
        "token": "Hi",
        "logprob": -0.1,
        "id": 3,
        "top_logprobs": [{"token": "Yo", "logprob": float("-inf")}],
    }
    items = [Piece("Hi", logprobs=(said,)), END]
    body = whole(writer(logprobs=True, top_logprobs=1), items)
    entry = Server(body).openai.chat.completions.create(model="m", messages=[]).choices[0].logprobs
    assert entry is not None and entry.content is not None
    assert entry.content[0].bytes == [72, 105] and entry.content[0].top_logprobs[0].logprob == -9999.0
    chunk = events(streamed(writer(logprobs=True, stream=True), items))[1]
    assert chunk["choices"][0]["logprobs"]["content"][0]["token"] == "Hi"
    assert whole(writer(), items)["choices"][0]["logprobs"] is None


def test_a_failure_in_a_stream_is_raised_by_the_client() -> None:
    made = writer(stream=True)
    error = ApiError(502, "The model server broke off.", code="model_broke_off")
    frames = [*made.opening(), *made.item(Piece("Hal")), *made.failed(error)]
    stream = Server(b"".join(frames)).openai.chat.completions.create(model="m", messages=[], stream=True)
    with pytest.raises(openai.APIError, match="broke off") as raised:
        list(stream)
    assert raised.value.code == "model_broke_off"


def test_an_error_of_the_format_is_the_clients_exception() -> None:
    error = ApiError(400, "'n' is not supported.", code="unsupported_parameter", param="n")
    with pytest.raises(openai.BadRequestError) as raised:
        Server(error_body(error), 400).openai.chat.completions.create(model="m", messages=[])
    assert (raised.value.param, raised.value.code) == ("n", "unsupported_parameter")


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.booleans()), max_size=12))
def test_frames_give_back_exactly_the_text_of_the_pieces(pieces: list[tuple[str, bool]]) -> None:
    items: list[Item] = [Piece(text, thought=thought) for text, thought in pieces]
    deltas = [event["choices"][0]["delta"] for event in events(streamed(writer(stream=True), [*items, END]))]
    assert "".join(delta.get("content", "") for delta in deltas) == "".join(
        t for t, thought in pieces if not thought
    )
    assert "".join(d.get("reasoning_content", "") for d in deltas) == "".join(
        t for t, thought in pieces if thought
    )


def test_a_name_like_a_frame_does_no_harm() -> None:
    made = Writer(parsed(model='x":""}],"delta":{"content":""}'), "chatcmpl-1", 1)
    assert events(b"".join(made.item(Piece("Hi"))))[0]["choices"][0]["delta"] == {"content": "Hi"}


def test_a_whole_answer_needs_its_end() -> None:
    with pytest.raises(RuntimeError):
        writer().whole()
