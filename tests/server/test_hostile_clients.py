"""What pages, partners and broken clients try, and what they may learn."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.server.running import Running, running, until

from pierian.exceptions import StorageError
from pierian.models.wire import Request
from pierian.server import event_stream
from pierian.server.formats import chat_completions
from pierian.server.idempotency import Idempotency
from pierian.testing import CloseMidStream, FunctionalModel, Refuse

MESSAGES: Any = [{"role": "user", "content": "Tell me a story."}]
ASKED = {"model": "small", "messages": MESSAGES}


def reply(request: Request) -> str:
    return "one two three four"


@pytest.fixture
def api() -> Iterator[Running]:
    with running(FunctionalModel(reply, name="small"), keyless=True) as one:
        yield one


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:1"},
    ],
)
def test_pages_of_other_origins_are_refused(api: Running, headers: dict[str, str]) -> None:
    with api.http("") as http:
        for path, body in (("/v1/runs", {"question": "x"}), ("/v1/messages", ASKED)):
            refused = http.post(path, json=body, headers=headers)
            assert refused.status_code == 403
            assert "origin" in str(refused.json()["error"])
        assert http.get("/v1/models", headers={"Origin": api.address}).status_code == 200
    assert api.upstream.bodies == []


@pytest.mark.parametrize(
    "fault",
    [
        Refuse(400, "no such file /srv/models/x.gguf at http://10.0.0.7:8000"),
        Refuse(400, "the image at gpu-7.internal:8000 and /srv cannot be read"),
        Refuse(422, "schema: models/x.gguf of [fd00::7]"),
        Refuse(404, "http://10.0.0.7:8000"),
        Refuse(500, "/srv/models/x.gguf"),
        CloseMidStream(1, politely=False),
    ],
)
@pytest.mark.parametrize("model", ["small", "pierian-instant"])
def test_no_error_tells_where_something_is(api: Running, fault: Any, model: str) -> None:
    api.upstream.faults = (fault,)
    place = api.upstream.base_url.removeprefix("http://").removesuffix("/v1")
    with api.http("") as http:
        for path in ("/v1/chat/completions", "/v1/messages"):
            for stream in (False, True):
                asked = {**ASKED, "model": model, "stream": stream, "max_tokens": 50}
                told = http.post(path, json=asked).text
                for secret in (place, "/srv", "x.gguf", "10.0.0.7", "gpu-7", "fd00::"):
                    assert secret not in told, told


@pytest.mark.parametrize("model", ["small", "pierian-instant"])
@pytest.mark.parametrize("stream", [False, True])
def test_the_log_says_what_clients_are_not_told(
    api: Running, caplog: pytest.LogCaptureFixture, model: str, stream: bool
) -> None:
    api.upstream.faults = (CloseMidStream(1, politely=False) if stream else Refuse(500, "no file /srv/x"),)
    with caplog.at_level(logging.WARNING, "pierian.server"), api.http("") as http:
        asked = {**ASKED, "model": "small" if stream else model, "stream": stream}
        answer = http.post("/v1/chat/completions", json=asked)
    number = answer.headers["x-request-id"]
    told = [record.__dict__["fields"] for record in caplog.records if "fields" in record.__dict__]
    (cause,) = [fields["cause"] for fields in told if fields.get("request") == number and "cause" in fields]
    assert api.upstream.base_url in cause
    assert api.upstream.base_url not in answer.text


def test_a_fault_of_ours_in_a_stream_is_told_and_logged(
    api: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: object) -> list[bytes]:
        raise ValueError("a fault")

    monkeypatch.setattr(chat_completions.Writer, "closing", broken)
    with caplog.at_level(logging.ERROR, "pierian.server"), api.http("") as http:
        told = http.post("/v1/chat/completions", json={**ASKED, "stream": True}).text
    assert "went wrong inside the server" in told
    assert any("a fault" in str(record.exc_info) for record in caplog.records)


def test_a_stream_is_kept_before_its_end_is_sent(api: Running) -> None:
    headers = {"Idempotency-Key": "k"}
    for _ in range(3):
        with api.http("") as http:
            asked = {**ASKED, "stream": True}
            with http.stream("POST", "/v1/chat/completions", json=asked, headers=headers) as stream:
                for line in stream.iter_lines():
                    if line == "data: [DONE]":
                        break  # and leave at once, as some clients do
    assert len(api.upstream.bodies) == 1


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(
    api: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any, **__: Any) -> None:
        raise StorageError("no room")

    monkeypatch.setattr(Idempotency, "keep", full)
    with api.http("") as http:
        for stream in (False, True):
            answer = http.post(
                "/v1/chat/completions",
                json={**ASKED, "stream": stream},
                headers={"Idempotency-Key": f"k{stream}"},
            )
            assert answer.status_code == 200
            assert "four" in answer.text


def test_names_that_clients_make_up_are_no_labels_and_no_lines(
    api: Running, caplog: pytest.LogCaptureFixture
) -> None:
    from pierian.server.logs import PlainLines

    forged = "x\n12:00:00 request key=forged status=200"
    with caplog.at_level(logging.INFO, "pierian.server"), api.http("") as http:
        http.post("/v1/chat/completions", json={**ASKED, "model": forged})
        until(lambda: any("fields" in record.__dict__ for record in caplog.records))
        counted = http.get("/metrics").text
    assert "forged" not in counted
    lines = [PlainLines().format(record) for record in caplog.records]
    assert all("\n" not in line for line in lines)
    assert not any(" key=forged" in line and 'model="' not in line for line in lines)


def test_a_client_that_reads_nothing_is_taken_to_have_gone(
    api: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "PING_SECONDS", 0.1)
    monkeypatch.setattr(event_stream, "UNREAD_SECONDS", 0.3)
    api.upstream.model = FunctionalModel(lambda request: "word " * 4_000, name="small")
    host, port = api.address.removeprefix("http://").split(":")
    body = httpx2.Request("POST", api.address, json={**ASKED, "stream": True, "max_tokens": 100_000}).content
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_000)
        deaf.connect((host, int(port)))
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        deaf.sendall(head.encode() + body)
        until(lambda: b"pierian_answers_in_progress 1.0" in api.service.metrics.text())
        until(lambda: b"pierian_answers_in_progress 0.0" in api.service.metrics.text(), 15)


def test_a_large_body_behind_a_small_head_is_no_large_head(api: Running) -> None:
    with api.http("") as http:
        asked = {**ASKED, "messages": [{"role": "user", "content": "x" * 300_000}]}
        assert http.post("/v1/chat/completions", json=asked).status_code == 200
    host, port = api.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as large:
        large.settimeout(10)
        large.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 100_000 + b"\r\n\r\n")
        assert b" 431 " in large.recv(1000)
