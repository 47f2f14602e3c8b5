"""The format of messages: what requests mean, and that Anthropic's own client reads the answers."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from anthropic.types import Message as AnthropicMessage
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from tests.server.official_clients import (
    CALLS,
    END,
    PICTURE,
    USED,
    WEATHER,
    WORDS,
    Server,
    events,
    streamed,
    whole,
)

from pierian.events import CalledTool
from pierian.models.wire import CallPiece, Message, OfferedTool, Piece
from pierian.reasoning import Mode
from pierian.server.call import Ended, Item
from pierian.server.errors import ApiError
from pierian.server.formats.messages import Parsed, Writer, error_body, parse

ASKED: Any = [{"role": "user", "content": "Hello"}]
HELLO: dict[str, Any] = {"model": "pierian-auto", "max_tokens": 100, "messages": ASKED}
TOOL: dict[str, Any] = {"name": "weather", "description": "Tells it.", "input_schema": WEATHER}
CALLED: dict[str, Any] = {
    "role": "assistant",
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "x"},
        {"type": "text", "text": "One moment."},
        {"type": "tool_use", "id": "c1", "name": "weather", "input": {"city": "Paris"}},
    ],
}
RESULT: dict[str, Any] = {
    "type": "tool_result",
    "tool_use_id": "c1",
    "content": [{"type": "text", "text": "Rain"}],
}
IMAGE: dict[str, Any] = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": PICTURE},
}


class Sum(BaseModel):
    total: int


def parsed(**fields: Any) -> Parsed:
    return parse(json.dumps(HELLO | fields).encode())


def writer(**fields: Any) -> Writer:
    return Writer(parsed(**{"thinking": {"type": "adaptive"}} | fields), "msg_1", 1_700_000_000)


def user(*blocks: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(blocks)}]


def test_every_field_of_a_request_reaches_the_call() -> None:
    call = parsed(
        model="qwen",
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        tools=[TOOL],
        tool_choice={"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
        output_config={"format": {"type": "json_schema", "schema": WEATHER}},
        temperature=1,
        top_p=0.5,
        stop_sequences=["END"],
        stream=True,
        metadata={"user_id": "u"},
        service_tier="auto",
    ).call
    assert call.messages == (Message("system", "Be brief."), Message("user", "Hello"))
    assert call.mode is None and call.tools == (OfferedTool("weather", "Tells it.", WEATHER),)
    assert (call.tool_choice, call.parallel_calls, call.schema) == ("weather", False, WEATHER)
    assert (call.max_tokens, call.temperature, call.top_p, call.stop) == (100, 1.0, 0.5, ("END",))
    assert call.stream


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({}, Mode.AUTO),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, Mode.THINKING),
        ({"thinking": {"type": "adaptive"}}, Mode.THINKING),
        ({"thinking": {"type": "disabled"}}, Mode.INSTANT),
        ({"output_config": {"effort": "max"}}, Mode.CONTEMPLATING),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}, Mode.CONTEMPLATING),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}, Mode.INSTANT),
        ({"model": "pierian-instant", "thinking": {"type": "adaptive"}}, Mode.INSTANT),
        ({"model": "claude", "thinking": {"type": "adaptive"}}, None),
    ],
)
def test_the_mode(fields: dict[str, Any], mode: Mode | None) -> None:
    assert parsed(**fields).call.mode is mode


def test_blocks_become_turns_results_first() -> None:
    failed = {**RESULT, "content": "no such city", "is_error": True}
    messages = parsed(
        messages=[*ASKED, CALLED, *user({"type": "text", "text": "And?"}, failed, IMAGE)]
    ).call.messages
    assert messages[1] == Message(
        "assistant", "One moment.", calls=(CalledTool("c1", "weather", '{"city":"Paris"}'),)
    )
    assert messages[2] == Message("tool", "Error: no such city", answers="c1")
    assert messages[3] == Message("user", "And?", images=(f"data:image/png;base64,{PICTURE}",))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"max_tokens": None}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [], "system": "Be brief."}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [*ASKED, {"role": "assistant", "content": "The answer is"}]}, "messages"),
        ({"messages": user(RESULT)}, "messages[0]"),
        ({"messages": [*ASKED, CALLED, *ASKED]}, "messages[2]"),
        ({"messages": user({"type": "document", "source": {}})}, "messages[0].content[0].type"),
        (
            {"messages": user({"type": "image", "source": {"type": "file", "file_id": "a"}})},
            "messages[0].content[0].source.type",
        ),
        (
            {"messages": user({"type": "image", "source": {**IMAGE["source"], "data": "%%"}})},
            "messages[0].content[0].source.data",
        ),
        ({"system": [IMAGE]}, "system[0].type"),
        ({"temperature": 1.5}, "temperature"),
        ({"top_k": 4}, "top_k"),
        ({"thinking": {"type": "sometimes"}}, "thinking.type"),
        ({"output_config": {"effort": "huge"}}, "output_config.effort"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"name": "weather"}]}, "tools[0].input_schema"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"mcp_servers": [{"url": "https://x"}]}, "mcp_servers"),
    ],
)
def test_a_request_that_is_wrong_is_refused_by_the_name_of_the_field(
    fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(ApiError) as refused:
        parsed(**fields)
    assert (refused.value.status, refused.value.param) == (400, param)


INNER = st.sampled_from(
    ["type", "role", "content", "text", "id", "name", "input", "tool_use_id", "source", "data", "format"]
)
WORDS_OF_IT = st.sampled_from(
    ["user", "assistant", "text", "tool_use", "tool_result", "image", "base64", "image/png"]
)
NEARLY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | WORDS_OF_IT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(INNER, inner, max_size=5),
    max_leaves=15,
)
FIELDS = st.sampled_from(
    ["messages", "tools", "tool_choice", "system", "thinking", "output_config", "stop_sequences"]
)


@given(st.dictionaries(FIELDS, NEARLY, max_size=5))
def test_whatever_the_fields_hold_a_request_is_parsed_or_refused(fields: dict[str, Any]) -> None:
    try:
        parse(json.dumps(HELLO | fields).encode())
    except ApiError as error:
        assert error.status == 400 and str(error)


def test_the_client_reads_a_stream() -> None:
    made = streamed(writer(stream=True), WORDS)
    with Server(made).anthropic.messages.stream(model="m", max_tokens=9, messages=ASKED) as stream:
        told = list(stream)
        final = stream.get_final_message()
    thinking, text = final.content
    assert thinking.type == "thinking" and thinking.thinking == "18 pens in threes." and thinking.signature
    assert text.type == "text" and text.text == "12 euros\n"
    assert final.stop_reason == "end_turn"
    usage = final.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (20, 100, 40)
    assert usage.output_tokens_details is not None and usage.output_tokens_details.thinking_tokens == 25
    delta = next(event for event in told if event.type == "message_delta")
    assert delta.model_extra is not None and delta.model_extra["pierian"]["agreeing"] == 2
    assert delta.usage.model_extra == {"cost": 0.0021}


async def test_the_asynchronous_client_reads_calls() -> None:
    made = streamed(writer(stream=True, tools=[TOOL]), CALLS)
    client = Server(made).anthropic_async
    async with client.messages.stream(model="m", max_tokens=9, messages=ASKED) as stream:
        final = await stream.get_final_message()
    calls = [(block.id, block.name, block.input) for block in final.content if block.type == "tool_use"]
    assert calls == [("call_a", "weather", {"city": "Paris"}), ("call_b", "clock", {})]
    assert final.stop_reason == "tool_use"


def test_calls_that_arrive_together_are_put_out_one_after_the_other() -> None:
    items: list[Item] = [
        CallPiece(0, "a", "weather", '{"city":'),
        CallPiece(1, "b", "clock", '{"zone":'),
        CallPiece(0, arguments='"Paris"}'),
        CallPiece(1, arguments='"UTC"}'),
        Ended("tool_calls", USED),
    ]
    with Server(streamed(writer(stream=True), items)).anthropic.messages.stream(
        model="m", max_tokens=9, messages=ASKED
    ) as stream:
        final = stream.get_final_message()
    assert [getattr(block, "input", None) for block in final.content] == [{"city": "Paris"}, {"zone": "UTC"}]


@pytest.mark.parametrize("items", [WORDS, CALLS])
def test_the_client_reads_a_whole_answer(items: list[Item]) -> None:
    body = whole(writer(), items)
    made = Server(body).anthropic.messages.create(model="m", max_tokens=9, messages=ASKED)
    assert AnthropicMessage.model_validate(body, strict=True)
    assert [block.type for block in made.content] == (
        ["thinking", "text"] if items is WORDS else ["text", "tool_use", "tool_use"]
    )


@pytest.mark.parametrize("thinking", [None, {"type": "disabled"}, {"type": "adaptive", "display": "omitted"}])
def test_thoughts_are_shown_only_to_clients_that_want_them(thinking: Any) -> None:
    body = whole(writer(thinking=thinking), WORDS)
    assert [block["type"] for block in body["content"]] == ["text"]
    assert "thinking_delta" not in streamed(writer(thinking=thinking), WORDS).decode()


def test_the_client_parses_what_a_schema_bound() -> None:
    server = Server(whole(writer(), [Piece('{"total": 12}'), END]))
    made = server.anthropic.messages.parse(
        model="pierian-auto", max_tokens=9, messages=ASKED, output_format=Sum
    )
    assert made.parsed_output == Sum(total=12)
    schema = parse(server.bodies[0]).call.schema
    assert schema is not None and schema["required"] == ["total"]


def test_an_answer_that_hits_its_limit_says_so() -> None:
    items: list[Item] = [CallPiece(0, "a", "weather", '{"ci'), Ended("length", USED)]
    body = whole(writer(), items)
    assert body["stop_reason"] == "max_tokens" and body["content"][0]["input"] == {}


def test_a_failure_in_a_stream_is_raised_by_the_client() -> None:
    made = writer(stream=True)
    frames = [*made.opening(), *made.item(Piece("Hal")), *made.failed(ApiError(503, "Too busy."))]
    stream = Server(b"".join(frames)).anthropic.messages.create(
        model="m", max_tokens=9, messages=ASKED, stream=True
    )
    with pytest.raises(anthropic.APIStatusError, match="Too busy"):
        list(stream)


def test_an_error_of_the_format_is_the_clients_exception() -> None:
    body = error_body(ApiError(400, "Send less.", param="messages"), "req_1")
    with pytest.raises(anthropic.BadRequestError) as raised:
        Server(body, 400).anthropic.messages.create(model="m", max_tokens=9, messages=ASKED)
    assert raised.value.body == {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "messages: Send less."},
        "request_id": "req_1",
    }


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.booleans()), max_size=12))
def test_frames_give_back_exactly_the_text_of_the_pieces(pieces: list[tuple[str, bool]]) -> None:
    items: list[Item] = [Piece(text, thought=thought) for text, thought in pieces]
    told = events(streamed(writer(stream=True), [*items, END]))
    deltas = [event["delta"] for event in told if event["type"] == "content_block_delta"]
    for name, thought in (("text", False), ("thinking", True)):
        wanted = "".join(text for text, thinking in pieces if thinking is thought)
        assert "".join(delta.get(name, "") for delta in deltas) == wanted
    begun = [event["index"] for event in told if event["type"] == "content_block_start"]
    assert (
        begun
        == [event["index"] for event in told if event["type"] == "content_block_stop"]
        == list(range(len(begun)))
    )
