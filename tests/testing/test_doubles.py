"""The doubles themselves: what users' tests rely on."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Literal

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.exceptions import ServerRefused, StreamBroken
from pierian.models.client import Client, Endpoint
from pierian.models.wire import Finished, Message, Piece, Request, Usage
from pierian.testing import (
    AutomaticModel,
    Double,
    FunctionalModel,
    NoExample,
    Reply,
    ScriptedModel,
    UnexpectedCall,
    UnusedReplies,
    example,
    serve,
    serve_in_thread,
)

HI = Request(messages=(Message("user", "Hi there"),), max_tokens=50)


async def said(model: Double, request: Request = HI) -> str:
    return "".join([item.text async for item in model.stream(request) if isinstance(item, Piece)])


async def test_a_script_is_strict_in_both_directions() -> None:
    model = ScriptedModel("one", "two")
    assert await said(model) == "one"
    with pytest.raises(UnusedReplies, match=r"1 replies .* 'two'"):
        model.assert_complete()
    assert await said(model) == "two"
    model.assert_complete()
    with pytest.raises(UnexpectedCall, match=r"Call 3 .* 'Hi there'"):
        await said(model)


async def test_a_with_block_checks_the_script_but_hides_no_error() -> None:
    with pytest.raises(UnusedReplies), ScriptedModel("one"):
        pass
    with pytest.raises(KeyError), ScriptedModel("one"):
        raise KeyError


async def test_requests_are_kept_as_they_were() -> None:
    extra: dict[str, Any] = {"options": ["a"]}
    model = ScriptedModel("one")
    await said(model, Request(messages=HI.messages, max_tokens=5, extra=extra))
    extra["options"].append("b")
    assert model.requests[0].extra == {"options": ["a"]}


async def test_an_exception_in_the_script_is_raised() -> None:
    model = ScriptedModel(ServerRefused("No.", status=400))
    with pytest.raises(ServerRefused):
        await said(model)


async def test_words_are_tokens_and_limits_are_kept() -> None:
    model = AutomaticModel("one two\nthree  four ")
    items = [item async for item in model.stream(HI)]
    assert [i.text for i in items if isinstance(i, Piece)] == ["one", " two", "\nthree", "  four", " "]
    assert items[-1] == Finished("stop", Usage(2, 0, 5))
    short = Request(messages=HI.messages, max_tokens=2, stop=("four",))
    assert [item async for item in model.stream(short)][-1] == Finished("length", Usage(2, 0, 2))
    stopped = Request(messages=HI.messages, max_tokens=9, stop=("four", "three"))
    assert await said(model, stopped) == "one two\n"


async def test_a_reply_may_say_how_it_ends() -> None:
    model = ScriptedModel(
        Reply(["a", Piece("b", thought=True)], reason="content_filter", usage=Usage(1, 1, 9))
    )
    assert [item async for item in model.stream(HI)] == [
        Piece("a"),
        Piece("b", thought=True),
        Finished("content_filter", Usage(1, 1, 9)),
    ]


async def test_only_an_embedded_double_recovers() -> None:
    error = StreamBroken("broke")
    embedded, other = AutomaticModel(), AutomaticModel(embedded=False)
    assert await embedded.recover(error)
    with pytest.raises(StreamBroken):
        await other.recover(error)
    with pytest.raises(ServerRefused):
        await embedded.recover(ServerRefused("no", status=500))
    await embedded.close()
    assert embedded.closed


async def test_a_mistake_behind_the_wire_fails_the_test_that_made_it() -> None:
    with pytest.raises(UnexpectedCall):
        async with serve(ScriptedModel()) as server, Client(Endpoint(server.base_url, "m")) as client:
            with pytest.raises(StreamBroken):
                async for _ in client.stream(HI):
                    pass


def test_a_mistake_in_a_thread_does_too() -> None:
    with pytest.raises(UnexpectedCall), serve_in_thread(ScriptedModel()) as server:
        with pytest.raises(httpx2.HTTPError):
            httpx2.post(
                f"{server.base_url}/chat/completions", json=HI.body("m", embedded=False), trust_env=False
            )


async def test_model_errors_travel_as_the_wire_has_them() -> None:
    async with (
        serve(ScriptedModel(ServerRefused("No slot.", status=500), StreamBroken("x"))) as server,
        Client(Endpoint(server.base_url, "m")) as client,
    ):
        with pytest.raises(ServerRefused, match="No slot"):
            _ = [item async for item in client.stream(HI)]
        with pytest.raises(StreamBroken):
            _ = [item async for item in client.stream(HI)]


async def test_an_answer_that_is_not_streamed() -> None:
    async with serve(AutomaticModel("Plain.")) as server, httpx2.AsyncClient(trust_env=False) as http:
        body = {**HI.body("m", embedded=False), "stream": False}
        answer = (await http.post(f"{server.base_url}/chat/completions", json=body)).json()
        assert (await http.get(f"{server.base_url}/nowhere")).status_code == 404
    assert answer["choices"][0]["message"] == {"role": "assistant", "content": "Plain."}
    assert answer["usage"]["completion_tokens"] == 1


async def test_a_fixed_rate_is_never_exceeded() -> None:
    loop = asyncio.get_running_loop()
    async with (
        serve(AutomaticModel("a " * 20), tokens_per_second=100) as server,
        Client(Endpoint(server.base_url, "m")) as client,
    ):
        started = loop.time()
        items = [item async for item in client.stream(HI)]
    assert loop.time() - started >= 0.2
    assert len(items) >= 20


async def test_leaving_the_block_ends_answers_in_progress() -> None:
    async def never() -> Any:
        yield "first "
        await asyncio.Event().wait()

    async with serve(FunctionalModel(lambda _: never())) as server:
        client = Client(Endpoint(server.base_url, "m"))
        items = client.stream(HI)
        assert await anext(items) == Piece("first ")
    with pytest.raises(StreamBroken):
        await anext(items)
    await client.__aexit__(None, None, None)


SCHEMAS: list[tuple[Any, Any]] = [
    ({"type": "integer"}, 1),
    ({"type": "integer", "minimum": 7}, 7),
    ({"type": "integer", "exclusiveMinimum": 7}, 8),
    ({"type": "integer", "maximum": -3}, -3),
    ({"type": "integer", "multipleOf": 5, "minimum": 7}, 10),
    ({"type": "number", "minimum": 0.25, "maximum": 0.5}, 0.25),
    ({"type": "string", "minLength": 6}, "textxx"),
    ({"type": "string", "maxLength": 2}, "te"),
    ({"type": "string", "format": "date"}, "2026-11-02"),
    ({"type": "string", "pattern": "^[0-9]{4}-[A-Z]+$"}, "0000-A"),
    ({"type": "string", "pattern": "^(yes|no)$"}, "yes"),
    ({"type": ["null", "boolean"]}, True),
    ({"type": "null"}, None),
    ({"enum": ["b", "a"]}, "b"),
    ({"const": {"x": 1}}, {"x": 1}),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
    ({"type": "array", "items": {"type": "integer"}, "minItems": 2, "uniqueItems": True}, [1, 2]),
    ({"type": "array", "prefixItems": [{"const": 1}, {"const": 2}], "items": False}, [1, 2]),
    ({"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}, {"a": True}),
    ({"anyOf": [{"not": {}}, {"type": "integer"}]}, 1),
    ({"allOf": [{"type": "integer"}, {"minimum": 4}]}, 4),
    ({"$ref": "#/$defs/n", "$defs": {"n": {"const": 5}}}, 5),
    ({"type": "object", "required": ["z"], "additionalProperties": {"type": "integer"}}, {"z": 1}),
    ({}, "text"),
]


@pytest.mark.parametrize(("schema", "data"), SCHEMAS, ids=[json.dumps(s)[:50] for s, _ in SCHEMAS])
def test_the_example_of_a_schema(schema: Any, data: Any) -> None:
    assert example(schema) == data


def test_a_recursive_schema_ends() -> None:
    tree = {
        "type": "object",
        "properties": {"n": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["n"],
    }
    assert example(tree)["n"] == 1


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "colour"},
        {"not": {"type": "string"}},
        {"$ref": "#"},
        {"$ref": "http://elsewhere/"},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"type": "string", "pattern": "^(?=a)b$"},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    ],
)
def test_no_example_is_said_rather_than_a_wrong_one_given(schema: Any) -> None:
    with pytest.raises(NoExample):
        example(schema)


async def test_a_pydantic_model_accepts_its_example() -> None:
    pydantic = pytest.importorskip("pydantic")
    plan = pydantic.create_model(
        "Plan",
        title=(str, pydantic.Field(min_length=3, max_length=9)),
        count=(int, pydantic.Field(gt=2, le=5)),
        kind=(Literal["a", "b"], ...),
        share=(float | None, None),
        tags=(list[Literal["x", "y"]], pydantic.Field(min_length=1)),
    )
    asked = Request(messages=HI.messages, max_tokens=50, schema=plan.model_json_schema())
    plan.model_validate_json(await said(AutomaticModel(), asked))


@given(
    st.from_regex(r"\^([a-z0-9]|\[a-f\]|\\d|\.|\([ab]\|c\)|[a-z]\{2,3\}){1,6}\$", fullmatch=True),
    st.integers(0, 3),
)
def test_patterns_are_matched(pattern: str, least: int) -> None:
    import re

    try:
        text = example({"type": "string", "pattern": pattern, "minLength": least})
    except NoExample:
        return
    assert re.search(pattern, text)
