"""What a key may use, who may come in, and what happens to clients that misbehave."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import openai
import pytest
from tests.postgresql import SERVERS, address, fresh
from tests.server.running import Running, running, until

from pierian.access import Grant, Invites, Keys
from pierian.models.wire import Request
from pierian.reasoning import Mode
from pierian.server import connection_limits, request_body
from pierian.testing import FunctionalModel

MESSAGES: Any = [{"role": "user", "content": "Tell me a story."}]
ASKED = {"model": "small", "messages": MESSAGES}
UNIT = 10**9


def reply(request: Request) -> str:
    return "one two three four"


@pytest.fixture(params=SERVERS)
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with fresh(request.param, tmp_path_factory.mktemp("database"), request.config) as database:
        prices = _prices(output=1000.0)
        assert prices
        with running(FunctionalModel(reply, name="small"), database_url=address(database)) as one:
            yield one


@pytest.fixture
def small_api() -> Iterator[Running]:
    with running(FunctionalModel(reply, name="small")) as one:
        yield one


def _prices(*, output: float) -> Any:
    from pierian.metering.money import parse_money
    from pierian.metering.prices import Price, set_price

    return set_price(Price(model="small", output=parse_money(str(output))))


def test_as_many_requests_succeed_as_the_cap_allows(api: Running) -> None:
    """Each may cost 4 tokens at a thousandth each, and does: a cap of 20 thousandths allows five."""
    secret = api.key(Grant(day_cap=20 * UNIT // 1000))

    def ask(_: int) -> int:
        with api.http(secret) as http:
            return http.post("/v1/chat/completions", json={**ASKED, "max_tokens": 4}).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = sorted(pool.map(ask, range(40)))
    assert statuses == [200] * 5 + [429] * 35
    with api.http(secret) as http:
        refused = http.post("/v1/chat/completions", json={**ASKED, "max_tokens": 4}).json()["error"]
        assert refused["code"] == "insufficient_quota"
        (row,) = http.get("/v1/usage").json()["data"]
        assert (row["requests"], row["completion_tokens"], row["money"]) == (5, 20, 0.02)
        table = http.get("/v1/usage", params={"format": "csv"})
        assert table.headers["content-type"].startswith("text/csv")
        assert "0.02" in table.text


def test_requests_a_minute_are_limited_and_told(small_api: Running) -> None:
    secret = small_api.key(Grant(requests_per_minute=2))
    with small_api.http(secret) as http:
        first = http.post("/v1/chat/completions", json=ASKED)
        assert (
            first.headers["x-ratelimit-limit-requests"],
            first.headers["x-ratelimit-remaining-requests"],
        ) == ("2", "1")
        http.post("/v1/chat/completions", json=ASKED)
        third = http.post("/v1/chat/completions", json=ASKED)
    assert third.status_code == 429
    assert third.json()["error"]["code"] == "rate_limit_exceeded"
    assert 0 < int(third.headers["retry-after"]) <= 61


def test_a_key_may_be_for_some_modes_and_models(small_api: Running) -> None:
    secret = small_api.key(Grant(modes=("instant",), models=("other",)))
    client = small_api.openai(secret)
    assert [one.id for one in client.models.list()] == ["pierian-instant"]
    client.chat.completions.create(model="pierian-instant", messages=MESSAGES)
    for model in ("pierian-thinking", "small"):
        with pytest.raises(openai.PermissionDeniedError):
            client.chat.completions.create(model=model, messages=MESSAGES)


def test_a_key_for_modes_or_for_models_alone_cannot_go_around_that(small_api: Running) -> None:
    for grant, allowed in (
        (Grant(modes=("instant",)), ["pierian-instant"]),
        (Grant(models=("other",)), []),
        (Grant(models=("small",)), [f"pierian-{mode.value}" for mode in Mode] + ["small"]),
        (Grant(modes=("instant",), models=("small",)), ["pierian-instant", "small"]),
    ):
        secret = small_api.key(grant)
        client = small_api.openai(secret)
        assert [one.id for one in client.models.list()] == allowed
        for model in ("pierian-instant", "small"):
            if model in allowed:
                client.chat.completions.create(model=model, messages=MESSAGES)
            else:
                with pytest.raises(openai.PermissionDeniedError):
                    client.chat.completions.create(model=model, messages=MESSAGES)
        with small_api.http(secret) as http:
            begun = http.post("/v1/runs", json={"question": "A story.", "mode": "instant"})
            assert begun.status_code == (202 if "pierian-instant" in allowed else 403)


def test_every_bad_key_is_refused_alike(small_api: Running) -> None:
    keys = Keys(small_api.service.database)
    revoked, expired = (
        small_api.key(),
        small_api.key(Grant(expires_at=datetime.now(UTC) + timedelta(seconds=0.3))),
    )
    keys.revoke(next(one for one in keys.list("partner") if one.grant.expires_at is None).id)
    until(lambda: all(one.state(datetime.now(UTC)) != "active" for one in keys.list("partner")))
    told = set[tuple[int, str]]()
    for secret in (
        revoked,
        expired,
        "pierian-" + "a" * 50,
        "nonsense",
        "pierian-\u00e9".encode().decode("latin-1"),
    ):
        with small_api.http() as http:
            answer = http.get("/v1/models", headers={"Authorization": f"Bearer {secret}".encode()})
            told.add((answer.status_code, answer.text))
    assert len(told) == 1
    assert next(iter(told))[0] == 401


def test_whoever_is_invited_makes_their_own_key_once(small_api: Running) -> None:
    expires = datetime.now(UTC) + timedelta(days=1)
    invites = Invites(small_api.service.database)
    _, code = invites.create("owner", Grant(modes=("instant",)), "partner", expires)
    with small_api.http("") as http:
        wrong = http.post("/v1/invites/accept", json={"code": "pierian-invite-x", "user_name": "Ada"})
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (403, "invalid_invitation")
        nameless = http.post("/v1/invites/accept", json={"code": code, "user_name": ""})
        assert nameless.status_code == 400
        made = http.post("/v1/invites/accept", json={"code": code, "user_name": "Ada", "key_name": "laptop"})
        assert made.status_code == 201
        again = http.post("/v1/invites/accept", json={"code": code, "user_name": "Eve"})
        assert again.status_code == 403
    names = [one.id for one in small_api.openai(made.json()["secret"]).models.list()]
    assert names == ["pierian-instant"]


def test_a_client_that_leaves_ends_the_work_at_once(small_api: Running) -> None:
    small_api.upstream.tokens_per_second = 2
    for model in ("small", "pierian-instant"):
        small_api.upstream.disconnected.clear()
        with small_api.http() as http:
            body = {**ASKED, "model": model, "stream": True}
            with http.stream("POST", "/v1/chat/completions", json=body) as stream:
                next(stream.iter_lines())
        until(small_api.upstream.disconnected.is_set, 2)
    # Also while nothing was sent yet, as of an answer that is not streamed.
    small_api.upstream.disconnected.clear()
    small_api.upstream.streaming.clear()
    with small_api.http() as http:
        with pytest.raises(httpx2.ReadTimeout):
            http.post("/v1/chat/completions", json=ASKED, timeout=0.6)
    until(small_api.upstream.disconnected.is_set, 2)


def test_the_same_idempotency_key_is_answered_once(small_api: Running) -> None:
    headers = {"Idempotency-Key": "a-1"}
    with small_api.http() as http:
        first = http.post("/v1/chat/completions", json=ASKED, headers=headers)
        again = http.post("/v1/chat/completions", json=ASKED, headers=headers)
        assert again.content == first.content
        assert again.headers["idempotency-replayed"] == "true"
        other = http.post("/v1/chat/completions", json={**ASKED, "max_tokens": 2}, headers=headers)
        assert other.status_code == 422
        streamed = {**ASKED, "stream": True}
        one, two = (
            http.post("/v1/chat/completions", json=streamed, headers={"Idempotency-Key": "a-2"}).text
            for _ in range(2)
        )
        assert one == two
        assert one.rstrip().endswith("[DONE]")
    assert len(small_api.upstream.bodies) == 2


def test_a_repetition_waits_for_the_first(small_api: Running) -> None:
    small_api.upstream.tokens_per_second = 2
    headers = {"Idempotency-Key": "b"}
    with small_api.http() as http, ThreadPoolExecutor(1) as pool:
        small_api.upstream.streaming.clear()
        first = pool.submit(lambda: http.post("/v1/chat/completions", json=ASKED, headers=headers))
        until(small_api.upstream.streaming.is_set)
        second = http.post("/v1/chat/completions", json=ASKED, headers=headers)
        assert second.status_code == 409
        assert first.result().status_code == 200


def test_a_request_that_failed_may_be_repeated_with_its_key(small_api: Running) -> None:
    from pierian.testing import Refuse

    headers = {"Idempotency-Key": "c"}
    with small_api.http() as http:
        small_api.upstream.faults = (Refuse(500, "broken"),)
        assert http.post("/v1/chat/completions", json=ASKED, headers=headers).status_code == 502
        small_api.upstream.faults = ()
        assert http.post("/v1/chat/completions", json=ASKED, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe\x00", 400),
        (b'{"model": "small", "messages": [{"role": "user", "content": "\xff"}]}', 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, 400),
        (b'{"model": "small", "messages": "hello"}', 400),
        (b'{"model": "small", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1e400}', 400),
        (b"x" * 200_000, 413),
    ],
)
def test_a_body_that_is_none_is_refused_in_words(
    small_api: Running, monkeypatch: pytest.MonkeyPatch, body: bytes, status: int
) -> None:
    monkeypatch.setattr(request_body, "MOST_BYTES", 150_000)
    for path in ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings", "/v1/runs"):
        with small_api.http() as http:
            answer = http.post(path, content=body)
            assert answer.status_code == status, (path, answer.text)
            assert answer.json()["error"]["message"]


def test_slow_heads_and_bodies_are_given_up(small_api: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(request_body, "SILENT_SECONDS", 0.3)
    host, port = small_api.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.settimeout(10)
        slow.sendall(b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n")
        assert b" 408 " in slow.recv(1000)
    with socket.create_connection((host, int(port))) as slow:
        slow.settimeout(10)
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {small_api.secret}\r\n"
        slow.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        assert b" 408 " in slow.recv(1000)
    with socket.create_connection((host, int(port))) as endless:
        endless.settimeout(10)
        endless.sendall(b"GET /v1/models HTTP/1.1\r\n" + b"X-A: " + b"a" * 100_000)
        assert b" 431 " in endless.recv(1000)


def test_another_name_of_this_machine_is_refused(small_api: Running) -> None:
    with small_api.http() as http:
        for host in ("evil.example", "localhost.evil.example", "", "localhost, evil"):
            assert http.get("/v1/models", headers={"Host": host}).status_code == 421
        for host in ("localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:80"):
            assert http.get("/v1/models", headers={"Host": host}).status_code == 200


def test_the_log_tells_no_message_and_no_secret(small_api: Running, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "pierian.server"), small_api.http() as http:
        secretly = [{"role": "user", "content": "my-secret-words"}]
        http.post("/v1/chat/completions", json={**ASKED, "messages": secretly})
        until(lambda: any("fields" in record.__dict__ for record in caplog.records))
    told = json.dumps([record.__dict__.get("fields") for record in caplog.records])
    assert "/v1/chat/completions" in told
    assert "my-secret-words" not in told
    assert small_api.secret not in told
    with small_api.http("") as http:
        counted = http.get("/metrics").text
    assert 'pierian_answers_total{end="stop",model="small"} 1.0' in counted
    assert "my-secret-words" not in counted


def test_a_server_that_is_stopped_finishes_what_it_began() -> None:
    with (
        running(FunctionalModel(reply, name="small"), tokens_per_second=4) as one,
        ThreadPoolExecutor(1) as pool,
    ):
        answering = pool.submit(
            lambda: one.openai().chat.completions.create(model="small", messages=MESSAGES)
        )
        until(one.upstream.streaming.is_set)
        one.server.should_exit = True
        assert answering.result().choices[0].message.content == "one two three four"


async def test_without_keys_the_local_user_asks() -> None:
    with running(FunctionalModel(reply, name="small"), keyless=True) as one:
        async with httpx2.AsyncClient(base_url=one.address) as http:
            answer = await asyncio.wait_for(http.post("/v1/chat/completions", json=ASKED), 20)
            assert answer.status_code == 200
            wrong = await http.get("/v1/models", headers={"Authorization": "Bearer nonsense"})
            assert wrong.status_code == 401
