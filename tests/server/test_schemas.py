"""Schemas that clients send: what is wrong with one is told with its place, before any model is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.server.running import Running, running

from pierian.models.wire import Request
from pierian.server.errors import ApiError
from pierian.server.formats import schemas
from pierian.server.formats.schemas import check_schemas, checked_schema
from pierian.testing import FunctionalModel

ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "Name an animal."}]}
WRONG = {"type": "object", "properties": {"name": {"type": "strin"}}}


def reply(request: Request) -> str:
    return '{"name": "fox"}'


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIERIAN_HOME", str(tmp_path_factory.mktemp("home")))
        with running(FunctionalModel(reply, name="small"), keyless=True) as one:
            yield one


def _chat(schema: Any) -> dict[str, Any]:
    return ASKED | {
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    }


def _response(schema: Any) -> dict[str, Any]:
    return {"input": "Hello", "text": {"format": {"type": "json_schema", "name": "a", "schema": schema}}}


def _message(schema: Any) -> dict[str, Any]:
    return ASKED | {"max_tokens": 9, "output_config": {"format": {"type": "json_schema", "schema": schema}}}


@pytest.mark.parametrize("model", ["small", "pierian-instant", "pierian-thinking"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_schema_that_is_none_is_refused_with_its_place(api: Running, model: str, stream: bool) -> None:
    function = {"name": "a", "parameters": WRONG}
    cases = [
        ("/v1/chat/completions", _chat(WRONG), "response_format.json_schema.schema"),
        (
            "/v1/chat/completions",
            ASKED | {"tools": [{"type": "function", "function": function}]},
            "tools[0].function.parameters",
        ),
        ("/v1/responses", _response(WRONG), "text.format.schema"),
        (
            "/v1/responses",
            {"input": "Hello", "tools": [{"type": "function", **function}]},
            "tools[0].parameters",
        ),
        ("/v1/messages", _message(WRONG), "output_config.format.schema"),
        (
            "/v1/messages",
            ASKED | {"max_tokens": 9, "tools": [{"name": "a", "input_schema": WRONG}]},
            "tools[0].input_schema",
        ),
    ]
    with api.http("") as http:
        for path, body, place in cases:
            refused = http.post(path, json=body | {"model": model, "stream": stream})
            assert refused.status_code == 400, path
            error = refused.json()["error"]
            where = f"{place}.properties.name.type"
            assert "'strin' is no type" in error["message"]
            assert where in (error.get("param"), error["message"].partition(":")[0])
    assert api.upstream.bodies == []


@pytest.mark.parametrize(
    ("schema", "place", "told"),
    [
        ({"required": "name"}, ".required", "is not of type 'array'"),
        ({"properties": {"a": {"anyOf": []}}}, ".properties.a.anyOf", "non-empty"),
        ({"type": ["string", "nul"]}, ".type[1]", "'nul' is no"),
        ({"minLength": -1}, ".minLength", "minimum of 0"),
        ({"$ref": "#/$defs/none"}, "", "which it does not have"),
        ({"properties": {"a": {"$ref": "https://example.org/a"}}}, "", "only parts of itself"),
        ({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": "1"}, ".minimum", "'number'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(schema: dict[str, Any], place: str, told: str) -> None:
    for _ in range(2):
        with pytest.raises(ApiError, match=r".") as caught:
            checked_schema(schema, "schema", followed=False)
        assert (caught.value.status, caught.value.param) == (400, f"schema{place}")
        assert told in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string", "pattern": r"^\p{L}+$"},
        {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": True},
        {"$schema": "https://example.org/own", "type": "object"},
        {"$schema": 5, "type": "object"} | {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"$defs": {"a/b": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/a~1b"}}},
        {"properties": {"next": {"$ref": "#"}, "$ref": {"type": "string"}}},
        {"$defs": {"a": {"$anchor": "here", "type": "string"}}, "$ref": "#here"},
    ],
)
def test_what_servers_of_models_may_understand_is_let_through(schema: dict[str, Any]) -> None:
    assert checked_schema(schema, "schema", followed=False) == schema


def test_where_answers_are_checked_here_all_of_the_schema_has_to_be_understood() -> None:
    with pytest.raises(ApiError, match="cannot be checked"):
        checked_schema({"type": "string", "pattern": "("}, "schema", followed=True)


def test_a_schema_that_can_never_be_checked_is_the_clients_fault(api: Running) -> None:
    endless = {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}
    with api.http("") as http:
        refused = http.post("/v1/chat/completions", json=_chat(endless) | {"model": "pierian-instant"})
    assert refused.status_code == 400
    assert "cannot be used" in refused.json()["error"]["message"]


def test_schemas_are_not_looked_at_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {"properties": {f"p{number}": {} for number in range(schemas.MOST_PARTS // 2)}}
    with pytest.raises(ApiError, match="objects and lists"):
        check_schemas([(many, "tools[0]"), (many, "tools[1]")], "tools")
    deep: dict[str, Any] = {}
    for _ in range(98):
        deep = {"not": deep}
    try:
        checked_schema(deep, "schema", followed=True)
    except ApiError as error:
        assert error.status == 400
    looked: list[str] = []
    monkeypatch.setattr(schemas, "_unlike_schemas", lambda schema, place: looked.append(place))
    for _ in range(3):
        check_schemas([({"title": "asked again and again"}, "tools[0]")], "tools")
    assert looked == ["tools[0]"]
