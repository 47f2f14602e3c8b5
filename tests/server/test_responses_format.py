"""The format of responses: what requests mean, and that OpenAI's own client reads the answers."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
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
from pierian.exceptions import StreamBroken
from pierian.models.wire import CallPiece, Message, OfferedTool, Piece
from pierian.reasoning import Mode
from pierian.server.call import Ended, Item
from pierian.server.errors import ApiError
from pierian.server.formats.responses import Parsed, Writer, error_body, joined, parse

HELLO: dict[str, Any] = {"model": "pierian-auto", "input": "Hello"}
TOOL: dict[str, Any] = {"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}
CALLED: dict[str, Any] = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
RESULT: dict[str, Any] = {"type": "function_call_output", "call_id": "c1", "output": "Rain"}
SECOND: dict[str, Any] = {"type": "function_call", "call_id": "c2", "name": "weather", "arguments": ""}
SECOND_RESULT: dict[str, Any] = {**RESULT, "call_id": "c2", "output": [{"type": "input_text", "text": "Sun"}]}


class Sum(BaseModel):
    total: int


def parsed(**fields: Any) -> Parsed:
    return parse(json.dumps(HELLO | fields).encode())


def writer(**fields: Any) -> Writer:
    return Writer(parsed(**fields), "resp_1", 1_700_000_000)


def user(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def test_every_field_of_a_request_reaches_the_call() -> None:
    made = parsed(
        model="qwen",
        instructions="Be brief.",
        tools=[TOOL],
        tool_choice={"type": "function", "name": "weather"},
        parallel_tool_calls=False,
        text={"format": {"type": "json_schema", "name": "sum", "schema": WEATHER, "strict": True}},
        max_output_tokens=10,
        temperature=1,
        top_p=0.5,
        include=["message.output_text.logprobs", "reasoning.encrypted_content"],
        top_logprobs=2,
        stream=True,
        store=False,
        truncation="auto",
        metadata={"a": "b"},
    )
    call = made.call
    assert call.messages == (Message("system", "Be brief."), Message("user", "Hello"))
    assert call.mode is None and call.tools == (OfferedTool("weather", "", WEATHER),)
    assert (call.tool_choice, call.parallel_calls, call.schema) == ("weather", False, WEATHER)
    assert (call.max_tokens, call.temperature, call.top_p) == (10, 1.0, 0.5)
    assert call.logprobs and call.top_logprobs == 2 and call.stream and not made.store


@pytest.mark.parametrize(
    ("model", "effort", "mode"),
    [
        ("pierian-auto", "high", Mode.CONTEMPLATING),
        ("pierian-auto", None, Mode.AUTO),
        ("pierian-instant", "high", Mode.INSTANT),
    ],
)
def test_the_effort_decides_where_the_name_does_not(model: str, effort: str | None, mode: Mode) -> None:
    assert parsed(model=model, reasoning={"effort": effort}).call.mode is mode


def test_items_become_turns() -> None:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PICTURE}", "detail": "auto"}
    said = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "One moment."}],
    }
    items = [
        *user({"type": "input_text", "text": "Look"}, picture),
        said,
        CALLED,
        SECOND,
        RESULT,
        SECOND_RESULT,
    ]
    messages = parsed(input=[*items, {"type": "reasoning", "id": "r", "summary": []}]).call.messages
    assert messages[0].images == (f"data:image/png;base64,{PICTURE}",)
    calls = (CalledTool("c1", "weather", "{}"), CalledTool("c2", "weather", "{}"))
    assert messages[1] == Message("assistant", "One moment.", calls=calls)
    assert messages[2:] == (Message("tool", "Rain", answers="c1"), Message("tool", "Sun", answers="c2"))


def test_a_response_is_continued_with_what_it_put_out() -> None:
    first = parsed(instructions="Be brief.", tools=[TOOL])
    answering = Writer(first, "resp_1", 1)
    for item in CALLS:
        answering.item(item)
    stored = json.loads(json.dumps([*first.items, *answering.output()]))
    results = [{**RESULT, "call_id": "call_a"}, {**RESULT, "call_id": "call_b"}]
    second = parsed(input=results, previous_response_id="resp_1")
    assert second.previous == "resp_1"
    whole_of_it = joined(second, stored)
    roles = [message.role for message in whole_of_it.call.messages]
    assert roles == ["user", "assistant", "tool", "tool"]
    assert whole_of_it.call.messages[1].calls[0].arguments == '{"city": "Paris"}'
    assert list(whole_of_it.items) == [*stored, *results]
    with pytest.raises(ApiError, match="does not follow"):
        joined(second, stored[:1])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 3}, "input"),
        ({"input": ["hi"]}, "input[0]"),
        ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
        ({"input": [RESULT]}, "input[0]"),
        ({"input": [CALLED]}, "input"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
        ({"input": [{"type": "computer_call"}]}, "input[0].type"),
        ({"input": user({"type": "input_file", "file_id": "f"})}, "input[0].content[0].type"),
        (
            {"input": user({"type": "input_image", "image_url": "file:///b.png"})},
            "input[0].content[0].image_url",
        ),
        ({"input": user({"type": "input_image", "file_id": "f"})}, "input[0].content[0].file_id"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "p"}}, "prompt"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "tools[0].type"),
        ({"tool_choice": {"type": "file_search"}}, "tool_choice"),
        ({"tool_choice": {"type": "function", "name": "x"}}, "tool_choice.name"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"reasoning": "high"}, "reasoning"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema"),
        ({"max_output_tokens": -1}, "max_output_tokens"),
        ({"metadata": {"a": 1}}, "metadata"),
    ],
)
def test_a_request_that_is_wrong_is_refused_by_the_name_of_the_field(
    fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(ApiError) as refused:
        parsed(**fields)
    assert (refused.value.status, refused.value.param) == (400, param)


INNER = st.sampled_from(
    ["type", "role", "content", "text", "call_id", "name", "arguments", "output", "image_url", "format"]
)
WORDS_OF_IT = st.sampled_from(
    ["message", "function_call", "function_call_output", "user", "input_text", "input_image"]
)
NEARLY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | WORDS_OF_IT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(INNER, inner, max_size=5),
    max_leaves=15,
)
FIELDS = st.sampled_from(
    ["input", "tools", "tool_choice", "text", "reasoning", "include", "previous_response_id", "metadata"]
)


@given(st.dictionaries(FIELDS, NEARLY, max_size=5))
def test_whatever_the_fields_hold_a_request_is_parsed_or_refused(fields: dict[str, Any]) -> None:
    try:
        made = parse(json.dumps(HELLO | fields).encode())
        joined(made, [])
        Writer(made, "resp_1", 1).opening()
    except ApiError as error:
        assert error.status == 400 and str(error)


@pytest.mark.parametrize("summary", [None, "auto"])
def test_the_client_reads_a_stream(summary: str | None) -> None:
    made = streamed(writer(stream=True, reasoning={"summary": summary}, tools=[TOOL]), WORDS)
    with Server(made).openai.responses.stream(model="m", input="Hello") as stream:
        told = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in told] == list(range(len(told)))
    assert final.output_text == "12 euros\n"
    reasoning = final.output[0]
    assert reasoning.type == "reasoning"
    shown = reasoning.summary if summary else reasoning.content
    assert [part.text for part in shown or []] == ["18 pens in threes."]
    assert final.usage is not None and final.usage.input_tokens_details.cached_tokens == 100
    assert final.usage.model_extra == {"cost": 0.0021}
    assert final.model_extra is not None and final.model_extra["pierian"]["took"] == "thinking"
    kinds = [event.type for event in told]
    middle = "reasoning_summary_text" if summary else "reasoning_text"
    assert kinds[:2] == ["response.created", "response.in_progress"] and kinds[-1] == "response.completed"
    assert kinds.count(f"response.{middle}.delta") == 2 and f"response.{middle}.done" in kinds


async def test_the_asynchronous_client_reads_calls() -> None:
    made = streamed(writer(stream=True, tools=[TOOL]), CALLS)
    async with Server(made).openai_async.responses.stream(model="m", input="Hello") as stream:
        final = await stream.get_final_response()
    calls = [item for item in final.output if item.type == "function_call"]
    assert [(call.call_id, call.name, call.arguments) for call in calls] == [
        ("call_a", "weather", '{"city": "Paris"}'),
        ("call_b", "clock", "{}"),
    ]
    assert len({item.id for item in final.output}) == 3


def test_calls_that_arrive_together_are_put_out_one_after_the_other() -> None:
    items: list[Item] = [
        CallPiece(0, "a", "weather", '{"city":'),
        CallPiece(1, "b", "clock", '{"zone":'),
        CallPiece(0, arguments='"Paris"}'),
        CallPiece(1, arguments='"UTC"}'),
        Ended("tool_calls", USED),
    ]
    made = streamed(writer(stream=True), items)
    with Server(made).openai.responses.stream(model="m", input="Hello") as stream:
        calls = stream.get_final_response().output
    assert [getattr(call, "arguments", "") for call in calls] == ['{"city":"Paris"}', '{"zone":"UTC"}']


def test_a_call_that_goes_on_after_its_end_breaks_the_answer() -> None:
    made = writer()
    made.item(CallPiece(0, "a", "weather", "{}"))
    made.item(Piece("There."))
    with pytest.raises(StreamBroken):
        made.item(CallPiece(0, arguments='{"more": 1}'))


def test_the_client_reads_a_whole_answer() -> None:
    schema = {"format": {"type": "json_schema", "name": "w", "schema": WEATHER}}
    made = Server(
        whole(writer(tools=[TOOL], text=schema, instructions="Be brief."), WORDS)
    ).openai.responses.create(model="m", input="Hello")
    assert made.output_text == "12 euros\n" and made.status == "completed"
    assert made.instructions == "Be brief." and made.tools[0].type == "function"
    assert made.text is not None and made.text.format is not None and made.text.format.type == "json_schema"


def test_the_client_parses_what_a_schema_bound() -> None:
    server = Server(whole(writer(), [Piece('{"total": 12}'), END]))
    made = server.openai.responses.parse(model="pierian-auto", input="Add.", text_format=Sum)
    assert made.output_parsed == Sum(total=12)
    assert parse(server.bodies[0]).call.schema == openai.lib._pydantic.to_strict_json_schema(Sum)


def test_an_answer_that_hits_its_limit_is_incomplete() -> None:
    items: list[Item] = [Piece("12 eu"), Ended("length", USED)]
    with Server(streamed(writer(stream=True), items)).openai.responses.stream(
        model="m", input="Hello"
    ) as stream:
        last = list(stream)[-1]
    assert last.type == "response.incomplete" and last.response.incomplete_details is not None
    assert last.response.incomplete_details.reason == "max_output_tokens"
    assert whole(writer(), items)["output"][0]["status"] == "incomplete"


def test_logprobs_are_told_where_they_are_asked_for() -> None:
    said = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}
    items: list[Item] = [Piece("Hi", logprobs=(said,)), END]
    made = whole(writer(include=["message.output_text.logprobs"]), items)
    assert made["output"][0]["content"][0]["logprobs"] == [said]
    assert whole(writer(), items)["output"][0]["content"][0]["logprobs"] == []


def test_a_failure_in_a_stream_is_told() -> None:
    made = writer(stream=True)
    error = ApiError(502, "The model server broke off.", code="model_broke_off")
    frames = [*made.opening(), *made.item(Piece("Hal")), *made.failed(error)]
    last = list(Server(b"".join(frames)).openai.responses.create(model="m", input="x", stream=True))[-1]
    assert last.type == "response.failed" and last.response.error is not None
    assert (last.response.error.code, last.response.error.message) == (
        "server_error",
        "The model server broke off.",
    )


def test_an_error_of_the_format_is_the_clients_exception() -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        Server(error_body(ApiError(404, "No such model.", param="model")), 404).openai.responses.create(
            model="m", input="x"
        )
    assert raised.value.param == "model"


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.booleans()), max_size=12))
def test_frames_give_back_exactly_the_text_of_the_pieces(pieces: list[tuple[str, bool]]) -> None:
    items: list[Item] = [Piece(text, thought=thought) for text, thought in pieces]
    told = events(streamed(writer(stream=True), [*items, END]))
    for kind, thought in (("output_text", False), ("reasoning_text", True)):
        wanted = "".join(text for text, thinking in pieces if thinking is thought)
        assert "".join(e["delta"] for e in told if e["type"] == f"response.{kind}.delta") == wanted
        assert "".join(e["text"] for e in told if e["type"] == f"response.{kind}.done") == wanted
    assert told[-1]["response"]["output"] == [
        e["item"] for e in told if e["type"] == "response.output_item.done"
    ]
