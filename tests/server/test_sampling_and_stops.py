"""What clients say of sampling and of where an answer ends, and what they are told about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.server.running import Running, running

from pierian.models.wire import ChunkReader, Request
from pierian.server import answering
from pierian.server.call import Call
from pierian.server.stops import StopFinder, before_stop
from pierian.testing import FunctionalModel
from pierian.testing import server as testing_server

MESSAGES: Any = [{"role": "user", "content": "Tell me a story about a fox."}]
STORY = "A fox ran. THE END. And it ran on."


def reply(request: Request) -> str:
    return STORY


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIERIAN_HOME", str(tmp_path_factory.mktemp("home")))
        with running(FunctionalModel(reply, name="small")) as one:
            yield one


def told(api: Running, model: str, stop: list[str]) -> tuple[str, Any, Any]:
    """Text, reason and stop of a message, which are the same whole and streamed."""
    client = api.anthropic()
    asked: dict[str, Any] = {"model": model, "max_tokens": 99, "messages": MESSAGES, "stop_sequences": stop}
    whole = client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    found = [
        (
            "".join(block.text for block in one.content if block.type == "text"),
            one.stop_reason,
            one.stop_sequence,
        )
        for one in (whole, streamed)
    ]
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (["ran on", "THE END", "fox!"], ("A fox ran. ", "stop_sequence", "THE END")),
        (["nowhere"], (STORY, "end_turn", None)),
    ],
)
def test_a_mode_says_which_text_ended_its_answer(api: Running, stop: list[str], expected: Any) -> None:
    assert told(api, "pierian-instant", stop) == expected


def test_the_engine_is_told_no_stops_and_they_are_found_here(
    api: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server of the tests passes for one elsewhere; the engine's answers are looked through.
    monkeypatch.setattr(answering, "_cuts", lambda call, model: bool(call.stop))
    assert told(api, "small", ["THE END", "on."]) == ("A fox ran. ", "stop_sequence", "THE END")
    assert "stop" not in api.upstream.bodies[-1]
    assert told(api, "small", ["THE ENDS"]) == (STORY, "end_turn", None)


def test_only_the_engine_is_watched_and_only_for_clients_that_want_to_know() -> None:
    call = Call(model="small", mode=None, messages=(), stop=("x",), names_stop=True)
    engine, elsewhere = (FunctionalModel(reply, name="small", embedded=one) for one in (True, False))
    assert answering._cuts(call, engine)
    assert not answering._cuts(call, elsewhere)
    assert not answering._cuts(msgspec.structs.replace(call, names_stop=False), engine)
    assert not answering._cuts(msgspec.structs.replace(call, stop=()), engine)


@pytest.mark.parametrize("field", ["stop_reason", "matched_stop"])
@pytest.mark.parametrize(("named", "expected"), [("THE END", "THE END"), (128001, None), ("<eos>", None)])
def test_a_server_that_names_the_stop_is_believed(
    api: Running, monkeypatch: pytest.MonkeyPatch, field: str, named: Any, expected: str | None
) -> None:
    plain = testing_server.chunk

    def naming(model: str, item: Any, **options: Any) -> dict[str, Any]:
        found = plain(model, item, **options)
        for choice in found["choices"]:
            choice[field] = named if choice["finish_reason"] else None
        return found

    monkeypatch.setattr(testing_server, "chunk", naming)
    text, reason, stop = told(api, "small", ["THE END"])
    assert (text.strip(), stop) == ("A fox ran.", expected)
    assert reason == ("end_turn" if expected is None else "stop_sequence")


def test_a_server_that_does_not_say_leaves_it_open(api: Running) -> None:
    assert told(api, "small", ["THE END"])[1:] == ("end_turn", None)
    reader = ChunkReader()
    reader.read('{"choices": [{"delta": {}, "finish_reason": "stop"}]}')
    assert reader.end().stop == ""


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_a_stop_is_found_however_the_text_is_cut(size: int) -> None:
    for text, expected in (
        ("one two ##END three", ("one two ", "##END")),
        ("one ##EN two #", ("one ##EN two #", "")),
        ("###END", ("#", "##END")),
    ):
        finder, out, mark = StopFinder(("##END", "three")), "", ""
        for at in range(0, len(text), size):
            part, mark = finder.feed(text[at : at + size])
            out += part
            if mark:
                break
        assert (out if mark else out + finder.rest(), mark) == expected
    assert before_stop("a b", ()) == ("a b", "")


@pytest.mark.parametrize("stream", [False, True])
def test_a_mode_says_what_it_does_not_follow(api: Running, stream: bool) -> None:
    asked = {"messages": MESSAGES, "stream": stream, "temperature": 0.9, "top_p": 0.5, "seed": 3}
    with api.http() as http:
        for path, more in (
            ("/v1/chat/completions", {}),
            ("/v1/messages", {"max_tokens": 99}),
            ("/v1/responses", {"input": "Hello", "messages": None}),
        ):
            answer = http.post(path, json={**asked, **more, "model": "pierian-instant"})
            assert '"ignored":["temperature","top_p"]' in answer.text
            direct = http.post(path, json={**asked, **more, "model": "small"})
            assert "ignored" not in direct.text
            assert (api.upstream.bodies[-1]["temperature"], api.upstream.bodies[-1]["top_p"]) == (0.9, 0.5)
        plain = http.post("/v1/chat/completions", json={"messages": MESSAGES, "model": "pierian-instant"})
        assert "ignored" not in plain.text
