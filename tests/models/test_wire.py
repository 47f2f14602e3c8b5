"""The wire format: request bodies, and chunks of a stream as pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.exceptions import ServerRefused, StreamBroken
from pierian.models.wire import ChunkReader, Message, Piece, PromptProgress, Request, Usage, error_text
from pierian.testing.wire_format import request_of

ASKED = (Message("system", "Be brief."), Message("user", "Why?"))


def delta(text: str, **more: Any) -> str:
    return json.dumps({"choices": [{"delta": {"content": text}, **more}]})


def read(*chunks: str) -> tuple[ChunkReader, list[Piece | PromptProgress]]:
    reader = ChunkReader()
    return reader, [item for chunk in chunks for item in reader.read(chunk)]


def test_a_body_asks_for_a_stream_with_usage_and_leaves_out_what_is_not_set() -> None:
    body = Request(messages=ASKED, max_tokens=7).body("m", embedded=False)
    assert body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}],
        "max_tokens": 7,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_only_our_own_engine_gets_what_only_it_understands() -> None:
    request = Request(messages=ASKED, max_tokens=7, top_k=20, grammar="root ::= [0-9]+")
    own, other = request.body("m", embedded=True), request.body("m", embedded=False)
    assert own["return_progress"] is True
    assert own["cache_prompt"] is True
    assert (own["top_k"], own["grammar"]) == (20, "root ::= [0-9]+")
    assert not {"return_progress", "cache_prompt", "top_k", "grammar"} & other.keys()


def test_only_what_must_repeat_does_without_the_prompt_cache() -> None:
    body = Request(messages=ASKED, max_tokens=7, seed=0, repeatable=True).body("m", embedded=True)
    assert (body["seed"], body["cache_prompt"]) == (0, False)
    sampled = Request(messages=ASKED, max_tokens=7, seed=0).body("m", embedded=True)
    assert sampled["cache_prompt"] is True


def test_a_schema_travels_as_a_strict_response_format() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    body = Request(messages=ASKED, max_tokens=7, schema=schema).body("m", embedded=False)
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "output", "strict": True, "schema": schema},
    }


@given(
    st.builds(
        Request,
        messages=st.lists(
            st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text())
        ).map(tuple),
        max_tokens=st.integers(1, 9999),
        temperature=st.floats(0, 2),
        top_p=st.none() | st.floats(0.1, 1),
        top_k=st.none() | st.integers(1, 100),
        seed=st.none() | st.integers(0, 2**31),
        stop=st.lists(st.text(min_size=1), max_size=3).map(tuple),
        schema=st.none() | st.just({"type": "string"}),
        logprobs=st.booleans(),
        extra=st.just({}) | st.just({"chat_template_kwargs": {"enable_thinking": False}}),
    )
)
def test_a_server_can_read_every_field_back(request: Request) -> None:
    body = json.loads(json.dumps(request.body("m", embedded=True)))
    assert request_of(body) == request


def test_pieces_and_thoughts_under_both_names() -> None:
    _, items = read(
        json.dumps({"choices": [{"delta": {"role": "assistant", "content": None}}]}),
        json.dumps({"choices": [{"delta": {"reasoning_content": "hm"}}]}),
        json.dumps({"choices": [{"delta": {"reasoning": "ah"}}]}),
        delta("So: 4"),
    )
    assert items == [Piece("hm", thought=True), Piece("ah", thought=True), Piece("So: 4")]


def test_log_probabilities_and_progress() -> None:
    progress = {"choices": [], "prompt_progress": {"total": 90, "cache": 30, "processed": 60, "time_ms": 5}}
    _, items = read(json.dumps(progress), delta("a", logprobs={"content": [{"token": "a", "logprob": -0.5}]}))
    assert items == [PromptProgress(60, 90, 30), Piece("a", logprob=-0.5)]


def test_the_end_carries_the_reason_and_the_servers_own_counts() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 8}}
    reader, _ = read(
        delta("a"), delta("b", finish_reason="length"), json.dumps({"choices": [], "usage": usage}), "[DONE]"
    )
    finished = reader.end()
    assert reader.done
    assert (finished.reason, finished.usage) == ("length", Usage(9, 8, 2))


def test_without_counts_pieces_are_counted_here() -> None:
    reader, _ = read(delta("a"), delta("b", finish_reason="stop"))
    assert reader.end().usage == Usage(0, 0, 2, counted_here=True)


def test_null_details_are_no_details() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": None}
    reader, _ = read(json.dumps({"choices": [], "usage": usage}), delta("", finish_reason="stop"))
    assert reader.end().usage == Usage(9, 0, 2)


@pytest.mark.parametrize("done", [[], ["[DONE]"]])
def test_an_end_without_a_reason_is_a_broken_stream_that_keeps_the_text(done: list[str]) -> None:
    reader, _ = read(delta("half"), delta(" an"), *done)
    with pytest.raises(StreamBroken, match="middle of the answer") as caught:
        reader.end()
    assert caught.value.partial == "half an"
    assert caught.value.hint


@pytest.mark.parametrize(
    "data", ["", "{", "null", "[]", "7", '{"choices": 5}', '{"choices":[{"delta":"x"}]}']
)
def test_what_is_not_the_format_is_a_broken_stream(data: str) -> None:
    reader, _ = read(delta("so far"))
    with pytest.raises(StreamBroken, match="OpenAI wire format") as caught:
        reader.read(data)
    assert caught.value.partial == "so far"


def test_an_error_in_the_stream_says_what_the_server_said() -> None:
    reader, _ = read(delta("a"))
    with pytest.raises(ServerRefused, match="slot was lost"):
        reader.read('{"error": {"message": "slot was\\nlost", "code": 500}}')


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": {"message": "no\n way"}}, "no way"),
        ({"error": "plain"}, "plain"),
        ({"message": "flat"}, "flat"),
        ("<html>", "<html>"),
        ({}, "{}"),
        (["x"], "['x']"),
        ({"error": {"message": "x" * 999}}, "x" * 300),
    ],
)
def test_the_human_part_of_an_error(body: Any, text: str) -> None:
    assert error_text(body) == text


@given(st.text())
def test_any_data_gives_pieces_or_one_of_two_errors(data: str) -> None:
    try:
        ChunkReader().read(data)
    except (StreamBroken, ServerRefused) as error:
        assert len(str(error)) < 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "content", "usage", "error", "logprobs", "index", "finish_reason", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_gives_pieces_or_one_of_two_errors(data: Any) -> None:
    try:
        ChunkReader().read(json.dumps(data))
    except (StreamBroken, ServerRefused) as error:
        assert len(str(error)) < 500
