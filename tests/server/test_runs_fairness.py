"""Runs of many owners on one server: nobody waits for another's limits, outages are waited out, storage is bounded."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.postgresql import SERVERS, fresh
from tests.server.running import Running, running, until

from pierian.access import Grant
from pierian.models.wire import Request
from pierian.runs import Journal
from pierian.server import keeper, runs
from pierian.testing import FunctionalModel, Refuse

ASKED = {"question": "Tell me about foxes.", "mode": "instant"}


@pytest.fixture
def api() -> Iterator[Running]:
    with running(FunctionalModel(lambda request: "A fox runs over the hill.", name="small")) as one:
        yield one


def begun(http: httpx2.Client, **more: Any) -> str:
    made = http.post("/v1/runs", json={**ASKED, **more})
    assert made.status_code == 202, made.text
    return made.json()["id"]


def state(http: httpx2.Client, run: str) -> str:
    return http.get(f"/v1/runs/{run}").json()["state"]


def told(request: Request) -> str:
    return "and so on " * 100 if "bears" in request.messages[-1].content else "It is so."


def test_a_key_without_a_free_place_stops_nobody_else() -> None:
    with running(FunctionalModel(told, name="small"), tokens_per_second=5) as api:
        with api.http(api.key(Grant(concurrent=1))) as crowded, api.http() as free:
            held = [begun(crowded, question="Tell me all about bears.") for _ in range(8)]
            until(api.upstream.streaming.is_set)
            run = begun(free)
            until(lambda: state(free, run) == "done", 8)
            for one in reversed(held):
                assert crowded.post(f"/v1/runs/{one}/cancel").json()["state"] == "cancelled"
                assert state(crowded, one) == "cancelled"


def test_one_owner_cannot_hold_every_place() -> None:
    with running(FunctionalModel(told, name="small"), tokens_per_second=5) as api:
        with api.http(api.key()) as greedy, api.http() as other:
            held = [begun(greedy, question="Tell me all about bears.") for _ in range(8)]
            until(lambda: [state(greedy, one) for one in held].count("running") == 4)
            run = begun(other)
            until(lambda: state(other, run) == "done", 8)
            assert [state(greedy, one) for one in held].count("running") == 4
            for one in held:
                greedy.post(f"/v1/runs/{one}/cancel")


def test_beginning_a_run_counts_as_one_request(api: Running) -> None:
    with api.http(api.key(Grant(requests_per_minute=2))) as http:
        made = http.post("/v1/runs", json=ASKED)
        assert made.headers["x-ratelimit-remaining-requests"] == "1"
        until(lambda: state(http, made.json()["id"]) == "done")
        last = begun(http)
        refused = http.post("/v1/runs", json=ASKED)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        until(lambda: state(http, last) == "done", 5)  # it was counted when it was begun


def test_a_refused_run_leaves_its_idempotency_key_free(api: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"Idempotency-Key": "once"}
    with api.http() as http:
        monkeypatch.setattr(runs, "MOST_OPEN", 0)
        assert http.post("/v1/runs", json=ASKED, headers=headers).json()["error"]["code"] == "too_many_runs"
        monkeypatch.setattr(runs, "MOST_OPEN", 10)
        assert http.post("/v1/runs", json=ASKED, headers=headers).status_code == 202


def test_what_a_run_keeps_is_bounded(api: Running) -> None:
    with api.http() as http:
        half = "é" * 250_001
        turns = [{"role": "user", "content": half}]
        assert http.post("/v1/runs", json={**ASKED, "history": turns}).status_code == 202
        both = http.post("/v1/runs", json={**ASKED, "history": turns, "instructions": half})
        assert (both.status_code, both.json()["error"]["param"]) == (400, "history")
        assert http.post("/v1/runs", content=b" " * (2 * 2**20 + 1)).status_code == 413


def test_lists_show_runs_without_reading_what_they_were_asked_with(api: Running) -> None:
    with api.http() as http:
        run = begun(http, instructions="Be \x00brief.", tools=["clock"])
        (listed,) = http.get("/v1/runs").json()["data"]
        assert (listed["id"], listed["mode"], listed["tools"]) == (run, "instant", ["clock"])


@pytest.mark.parametrize("kind", SERVERS)
def test_a_summary_has_of_the_request_what_lists_show(
    kind: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    with fresh(kind, tmp_path, pytestconfig) as database:
        journal = Journal(database)
        older = journal.submit("One?", {"base_url": "http://elsewhere"}).id
        said = {"mode": "instant", "tools": ["clock"], "conversation": "c1"}
        newer = journal.submit("Two?", said | {"instructions": "Be brief."}).id
        assert [(record.id, record.request) for record in journal.summaries()] == [
            (newer, said),
            (older, {"mode": None, "tools": [], "conversation": None}),
        ]
        assert Journal(database, "somebody else").summaries() == []


def test_followers_of_one_owner_are_limited(api: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "MOST_FOLLOWERS", 1)
    api.upstream.tokens_per_second = 0.5
    with api.http() as http, api.http(api.key()) as other:
        run, theirs = begun(http), begun(other)
        with http.stream("GET", f"/v1/runs/{run}/events") as one:
            lines = one.iter_lines()  # kept: the stream is closed with it
            next(lines)
            refused = http.get(f"/v1/runs/{run}/events")
            assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_followers")
            with other.stream("GET", f"/v1/runs/{theirs}/events") as stream:
                assert stream.status_code == 200

        def again() -> bool:
            with http.stream("GET", f"/v1/runs/{run}/events") as stream:
                return stream.status_code == 200

        until(again)


def test_a_server_that_is_stopped_lets_its_followers_go() -> None:
    with running(FunctionalModel(lambda request: "One two three.", name="small")) as api, api.http() as http:
        api.upstream.tokens_per_second = 0.2
        run = begun(http)
        with http.stream("GET", f"/v1/runs/{run}/events") as stream:
            lines = stream.iter_lines()
            next(lines)
            began = time.monotonic()
            api.server.should_exit = True
            rest = list(lines)  # it ends as it should, not in the middle
        assert time.monotonic() - began < 5
        assert "event: end" not in rest


def test_a_run_outlasts_an_outage(api: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "FIRST_PAUSE_SECONDS", 0.05)
    api.upstream.faults = (Refuse(503, "restarting"),)
    with api.http() as http:
        run = begun(http)
        until(lambda: len(api.upstream.bodies) >= 2)
        assert state(http, run) in ("waiting", "running")
        api.upstream.faults = ()
        until(lambda: state(http, run) == "done")
        with http.stream("GET", f"/v1/runs/{run}/events") as stream:
            told = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
        assert {"event": "run_opened", "run": run, "resumed": True} in told
        assert not any(event.get("event") == "run_failed" for event in told)


def test_an_outage_that_does_not_end_fails_the_run(api: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(keeper, "MOST_ATTEMPTS", 2)
    api.upstream.faults = (Refuse(503, "secret words"),)
    with api.http() as http:
        run = begun(http)
        until(lambda: state(http, run) == "failed")
        error = http.get(f"/v1/runs/{run}").json()["error"]
        assert error == {"message": "The model server is busy. Try again shortly.", "hint": ""}


def test_the_beginning_of_an_id_names_no_run(api: Running) -> None:
    with api.http() as http:
        run = begun(http)
        for beginning in (run[:-1], run[:10], run + "0"):
            assert http.get(f"/v1/runs/{beginning}").status_code == 404
            assert http.post(f"/v1/runs/{beginning}/cancel").status_code == 404
        assert http.get(f"/v1/runs/{run}").status_code == 200
