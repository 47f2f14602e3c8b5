"""Calls of clients' own tools in all formats: one at a time where that is asked for, and what their results show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.server.official_clients import PICTURE
from tests.server.running import Running, running

from pierian.models.wire import CalledTool, CallPiece, Message, Request
from pierian.server.conversation import pictures_shown
from pierian.testing import FunctionalModel

URL = f"data:image/png;base64,{PICTURE}"
QUESTION = "How is the weather in Oslo and in Bergen?"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT: dict[str, Any] = {
    "messages": [{"role": "user", "content": QUESTION}],
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}],
}
RESPONSE: dict[str, Any] = {
    "input": QUESTION,
    "tools": [{"type": "function", "name": "weather", "parameters": SCHEMA}],
}
MESSAGE: dict[str, Any] = {
    "messages": CHAT["messages"],
    "max_tokens": 500,
    "tools": [{"name": "weather", "input_schema": SCHEMA}],
}
ONE_CHOICE = {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
ONE_CALL = {"parallel_tool_calls": False}


def reply(request: Request) -> Any:
    """Two calls, from a server that overlooks that one was asked for."""
    cities = [{"city": "Oslo"}, {"city": "Bergen"}]
    if request.schema is not None:
        steps = [{"call": "weather", "arguments": city} for city in cities]
        return json.dumps({"steps": steps})
    if any(message.role == "tool" for message in request.messages):
        return "It snows."
    return [
        CallPiece(0, "call_1", "weather", '{"city": '),
        CallPiece(1, "call_2", "weather", json.dumps(cities[1])),
        CallPiece(0, arguments='"Oslo"}'),
    ]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIERIAN_HOME", str(tmp_path_factory.mktemp("home")))
        with running(FunctionalModel(reply, name="small"), keyless=True) as one:
            yield one


def calls(path: str, text: str, *, stream: bool) -> list[dict[str, Any]]:
    """The arguments of the calls in an answer of any format."""
    found: dict[Any, str] = {}
    if not stream:
        body = json.loads(text)
        match path:
            case "/v1/chat/completions":
                made = body["choices"][0]["message"]["tool_calls"]
                return [json.loads(one["function"]["arguments"]) for one in made]
            case "/v1/responses":
                made = [one for one in body["output"] if one["type"] == "function_call"]
                return [json.loads(one["arguments"]) for one in made]
            case _:
                return [one["input"] for one in body["content"] if one["type"] == "tool_use"]
    for line in text.splitlines():
        if not line.startswith("data: {"):
            continue
        event = json.loads(line.removeprefix("data: "))
        for choice in event.get("choices", ()):
            for one in choice["delta"].get("tool_calls", ()):
                found[one["index"]] = found.get(one["index"], "") + one["function"].get("arguments", "")
        if event.get("type") == "response.function_call_arguments.delta":
            found[event["output_index"]] = found.get(event["output_index"], "") + event["delta"]
        if event.get("type") == "content_block_delta" and event["delta"]["type"] == "input_json_delta":
            found[event["index"]] = found.get(event["index"], "") + event["delta"]["partial_json"]
    return [json.loads(found[index]) for index in sorted(found)]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["small", "pierian-instant"])
@pytest.mark.parametrize(
    ("path", "body", "one"),
    [
        ("/v1/chat/completions", CHAT, ONE_CALL),
        ("/v1/responses", RESPONSE, ONE_CALL),
        ("/v1/messages", MESSAGE, ONE_CHOICE),
    ],
)
def test_one_call_comes_out_where_one_is_asked_for(
    api: Running, path: str, body: dict[str, Any], one: dict[str, Any], model: str, stream: bool
) -> None:
    with api.http("") as http:
        asked = body | {"model": model, "stream": stream}
        both = http.post(path, json=asked)
        assert both.status_code == 200, both.text
        assert calls(path, both.text, stream=stream) == [{"city": "Oslo"}, {"city": "Bergen"}]
        assert "parallel_tool_calls" not in api.upstream.bodies[-1]
        single = http.post(path, json=asked | one)
        assert calls(path, single.text, stream=stream) == [{"city": "Oslo"}]
        assert (api.upstream.bodies[-1].get("parallel_tool_calls") is False) == (model == "small")


def test_a_small_limit_of_tokens_leaves_room_for_a_call_and_for_a_form(api: Running) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    with api.http("") as http:
        limited = {"model": "pierian-instant", "max_tokens": 200}
        called = http.post("/v1/chat/completions", json=CHAT | limited)
        assert called.json()["choices"][0]["finish_reason"] == "tool_calls"
        asked = {"messages": CHAT["messages"], "response_format": form, **limited}
        shaped = http.post("/v1/chat/completions", json=asked).json()["choices"][0]
        assert (shaped["finish_reason"], type(json.loads(shaped["message"]["content"]))) == ("stop", dict)


@pytest.mark.parametrize("model", ["small", "pierian-instant"])
def test_arguments_that_a_model_wrote_badly_go_along_as_text(api: Running, model: str) -> None:
    written = '{"city": Oslo'
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": written}}
    said = [*CHAT["messages"], {"role": "assistant", "content": None, "tool_calls": [call]}]
    result = {"role": "tool", "tool_call_id": "c1", "content": "That is no JSON."}
    item = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": written}
    items = [*CHAT["messages"], item, {"type": "function_call_output", "call_id": "c1", "output": "No JSON."}]
    with api.http("") as http:
        for path, body in (
            ("/v1/chat/completions", {"messages": [*said, result]}),
            ("/v1/responses", {"input": items}),
        ):
            answered = http.post(path, json=body | {"model": model})
            assert answered.status_code == 200, answered.text
            assert "Oslo" in str(api.upstream.bodies[-1]["messages"])
            for message in api.upstream.bodies[-1]["messages"]:
                for sent in message.get("tool_calls", ()):
                    # What takes arguments apart, as servers' templates do, is given an object.
                    assert json.loads(sent["function"]["arguments"]) == {"arguments": written}


def test_pictures_of_results_are_shown_by_the_user(api: Running) -> None:
    image = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    use = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
    block = {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "image", "source": image}]}
    turns = [
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [block, {"type": "text", "text": "What is it?"}]},
    ]
    parts = [{"type": "input_text", "text": "Taken."}, {"type": "input_image", "image_url": URL}]
    items = [
        {"role": "user", "content": "Look."},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": parts},
    ]
    with api.http("") as http:
        for path, body in (
            ("/v1/messages", {"messages": turns, "max_tokens": 9}),
            ("/v1/responses", {"input": items}),
        ):
            assert http.post(path, json=body | {"model": "small"}).status_code == 200
            result, shown = api.upstream.bodies[-1]["messages"][-2:]
            assert (result["role"], shown["role"]) == ("tool", "user")
            assert isinstance(result["content"], str)
            assert shown["content"][-1]["image_url"]["url"].startswith("data:image/png;base64,")


def test_pictures_stand_behind_all_results_and_nothing_else_moves() -> None:
    calls = (CalledTool("a", "look", "{}"), CalledTool("b", "read", "{}"))
    before = (Message("user", "Look."), Message("assistant", "", calls=calls))
    results = (Message("tool", "", images=("1", "2"), answers="a"), Message("tool", "Text.", answers="b"))
    told = "The 2 pictures that look gave."
    silent = Message("tool", "A picture; it follows.", answers="a")
    shown = Message("user", told, images=("1", "2"))
    assert pictures_shown((*before, *results)) == (*before, silent, results[1], shown)
    said = Message("assistant", "I see.")
    assert pictures_shown((*before, *results, said)) == (*before, silent, results[1], shown, said)
    asked = Message("user", "And this?", images=("3",))
    together = Message("user", f"{told}\n\nAnd this?", images=("1", "2", "3"))
    assert pictures_shown((*before, *results, asked)) == (*before, silent, results[1], together)
    assert pictures_shown((*before, asked)) == (*before, asked)
