"""Answers against OpenAI's published description of its API, where PIERIAN_OPENAPI names that file (YAML, or .gz)."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.server.official_clients import CALLS, END, USED, WEATHER, WORDS, events, streamed, whole

from pierian.models.wire import Piece
from pierian.server.call import Ended, Item
from pierian.server.errors import ApiError, openai_body
from pierian.server.formats import chat_completions, embeddings, responses

# The fixtures clean the environment of every test.
FILE = os.environ.get("PIERIAN_OPENAPI", "")
pytestmark = pytest.mark.skipif(not FILE, reason="PIERIAN_OPENAPI names no file")

SAID = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}
LIKELY: list[Item] = [Piece("Hi", logprobs=(SAID,)), END]
CUT: list[Item] = [Piece("12 eu"), Ended("length", USED)]


@pytest.fixture(scope="module")
def description() -> Any:
    import yaml

    content = Path(FILE).read_bytes()
    text = gzip.decompress(content) if FILE.endswith(".gz") else content
    return _without_nullable(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def _without_nullable(value: Any) -> Any:
    """OpenAPI 3.0's `nullable`, which stands in this description of version 3.1 too, as JSON schema knows it."""
    if isinstance(value, list):
        return [_without_nullable(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    found = {key: _without_nullable(entry) for key, entry in value.items() if key != "nullable"}
    return {"anyOf": [found, {"type": "null"}]} if value.get("nullable") is True else found


def check(description: Any, name: str, value: Any) -> None:
    from jsonschema import Draft202012Validator

    components = {"components": description["components"], "$ref": f"#/components/schemas/{name}"}
    errors = list(Draft202012Validator(components).iter_errors(value))
    assert not errors, f"{value}\n{errors[0].message[:500]} at {list(errors[0].absolute_path)}"


@pytest.mark.parametrize("items", [WORDS, CALLS, LIKELY, CUT])
def test_chat_completions(description: Any, items: list[Item]) -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": "x"}], "logprobs": True}
    for usage in (False, True):
        body = json.dumps(asked | {"stream": True, "stream_options": {"include_usage": usage}}).encode()
        parsed = chat_completions.parse(body)
        for event in events(streamed(chat_completions.Writer(parsed, "chatcmpl-1", 1), items)):
            check(description, "CreateChatCompletionStreamResponse", event)
    check(
        description,
        "CreateChatCompletionResponse",
        whole(chat_completions.Writer(parsed, "chatcmpl-1", 1), items),
    )


@pytest.mark.parametrize("items", [WORDS, CALLS, LIKELY, CUT])
@pytest.mark.parametrize("summary", [None, "auto"])
def test_responses(description: Any, items: list[Item], summary: str | None) -> None:
    tool = {"type": "function", "name": "weather", "parameters": WEATHER}
    asked = {
        "model": "m",
        "input": "x",
        "instructions": "y",
        "reasoning": {"summary": summary},
        "tools": [tool],
    }
    schema = {"type": "json_schema", "name": "s", "schema": WEATHER}
    for extra in ({}, {"text": {"format": schema}, "tool_choice": {"type": "function", "name": "weather"}}):
        body = json.dumps(asked | {"include": ["message.output_text.logprobs"]} | extra).encode()
        parsed = responses.parse(body)
        for event in events(streamed(responses.Writer(parsed, "resp_1", 1), items)):
            check(description, "ResponseStreamEvent", event)
        check(description, "Response", whole(responses.Writer(parsed, "resp_1", 1), items))


def test_a_failed_response(description: Any) -> None:
    writer = responses.Writer(responses.parse(b'{"model": "m", "input": "x"}'), "resp_1", 1)
    frames = [*writer.opening(), *writer.failed(ApiError(503, "Busy."))]
    for event in events(b"".join(frames)):
        check(description, "ResponseStreamEvent", event)


def test_embeddings_and_errors(description: Any) -> None:
    parsed = embeddings.Parsed("m", ("a",), None, "float")
    check(description, "CreateEmbeddingResponse", embeddings.whole(parsed, [[0.5]], 1))
    check(description, "ErrorResponse", openai_body(ApiError(400, "No.")))
