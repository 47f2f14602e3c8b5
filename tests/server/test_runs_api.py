"""Runs over the API: kept whatever happens to their client, followed from any place, carried out exactly once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.postgresql import SERVERS, address, fresh
from tests.server.running import Running, running, started, until

from pierian.access import Grant, Keys
from pierian.config import Settings
from pierian.models.wire import Request
from pierian.testing import FunctionalModel, Refuse, serve_in_thread

ASKED = {"question": "Tell me about foxes.", "mode": "instant"}
TEXT = "A fox runs over the hill."


def reply(request: Request) -> str:
    return TEXT


@pytest.fixture
def api() -> Iterator[Running]:
    with running(FunctionalModel(reply, name="small")) as one:
        yield one


def followed(http: httpx2.Client, run: str, after: int = -1) -> list[tuple[int, dict[str, Any]]]:
    """The events behind `after`, until the end of the run."""
    found: list[tuple[int, dict[str, Any]]] = []
    headers = {"Last-Event-ID": str(after)} if after >= 0 else {}
    with http.stream("GET", f"/v1/runs/{run}/events", headers=headers) as stream:
        position = -1
        for line in stream.iter_lines():
            if line.startswith("id: "):
                position = int(line[4:])
            elif line.startswith("data: ") and position >= 0:
                found.append((position, json.loads(line[6:])))
                position = -1
    return found


def said(events: list[tuple[int, dict[str, Any]]]) -> str:
    return "".join(event["text"] for _, event in events if event["event"] == "token")


def test_a_run_goes_on_without_its_client_and_is_followed_from_any_place(api: Running) -> None:
    api.upstream.tokens_per_second = 8
    with api.http() as http:
        made = http.post("/v1/runs", json=ASKED)
        assert made.status_code == 202
        run = made.json()["id"]
        with http.stream("GET", f"/v1/runs/{run}/events") as stream:
            first = next(line for line in stream.iter_lines() if line.startswith("data: "))
        assert json.loads(first[6:])["event"] == "run_opened"
        everything = followed(http, run)
        assert said(everything) == TEXT
        assert [position for position, _ in everything] == list(range(len(everything)))
        assert followed(http, run, after=2) == everything[3:]
        shown = http.get(f"/v1/runs/{run}").json()
        assert (shown["state"], shown["answer"]["text"]) == ("done", TEXT)
        assert http.get("/v1/runs").json()["data"][0]["id"] == run
        (row,) = http.get("/v1/usage").json()["data"]
        assert row["completion_tokens"] == 6
    assert len(api.upstream.bodies) == 1


def test_runs_are_their_owners_alone(api: Running) -> None:
    with api.http() as http, api.http(api.key()) as other:
        run = http.post("/v1/runs", json=ASKED).json()["id"]
        for answer in (
            other.get(f"/v1/runs/{run}"),
            other.get(f"/v1/runs/{run}/events"),
            other.post(f"/v1/runs/{run}/cancel"),
        ):
            assert answer.status_code == 404
        assert other.get("/v1/runs").json()["data"] == []
        refused = other.post("/v1/runs", json={**ASKED, "tools": ["clock"]})
        assert refused.status_code == 403


def test_a_cancelled_run_ends_at_once_and_stays_so(api: Running) -> None:
    api.upstream.tokens_per_second = 1
    with api.http() as http:
        run = http.post("/v1/runs", json=ASKED).json()["id"]
        until(api.upstream.streaming.is_set)
        assert http.post(f"/v1/runs/{run}/cancel").json()["state"] == "cancelled"
        until(api.upstream.disconnected.is_set, 3)
        assert http.post(f"/v1/runs/{run}/cancel").json()["state"] == "cancelled"
        assert http.get(f"/v1/runs/{run}").json()["answer"] is None


def test_a_run_that_fails_says_why(api: Running) -> None:
    api.upstream.faults = (Refuse(500, "broken"),)
    with api.http() as http:
        run = http.post("/v1/runs", json=ASKED).json()["id"]
        events = followed(http, run)
        assert events[-1][1]["event"] == "run_failed"
        shown = http.get(f"/v1/runs/{run}").json()
        assert shown["state"] == "failed"
        told = shown["error"]["message"]
        assert told == events[-1][1]["reason"] == "The model server failed on this request."
        assert api.upstream.base_url not in json.dumps(events)


def test_a_repeated_request_makes_one_run(api: Running) -> None:
    headers = {"Idempotency-Key": "once"}
    with api.http() as http:
        one, two = (http.post("/v1/runs", json=ASKED, headers=headers).json()["id"] for _ in range(2))
        assert one == two
        followed(http, one)
    assert len(api.upstream.bodies) == 1


def test_a_run_of_a_revoked_key_fails(api: Running) -> None:
    api.upstream.tokens_per_second = 2
    secret = api.key(Grant(concurrent=1))
    keys = Keys(api.service.database)
    with api.http(secret) as http:
        first, second = (http.post("/v1/runs", json=ASKED).json()["id"] for _ in range(2))
        until(api.upstream.streaming.is_set)  # the key has one place, which the first has taken
        keys.revoke(keys.list("partner")[0].id)
    owner = keys.list("partner")[0].user
    from pierian.runs import Journal

    journal = Journal(api.service.database, owner)
    until(lambda: journal.get(first).state == "done" and journal.get(second).state != "running", 20)
    assert {journal.get(first).state, journal.get(second).state} <= {"done", "failed"}


def test_a_run_with_tools_is_planned_and_carried_out() -> None:
    def planned(request: Request) -> str:
        if request.schema is not None and "steps" in request.schema.get("properties", {}):
            return '{"steps": [{"call": "calculate", "arguments": {"expression": "6 * 7"}}]}'
        return "It is 42."

    with running(FunctionalModel(planned, name="small")) as one, one.http() as http:
        asked = {"question": "How much is six times seven?", "mode": "instant", "tools": ["calculator"]}
        run = http.post("/v1/runs", json=asked).json()["id"]
        names = [event["event"] for _, event in followed(http, run)]
        assert names.count("plan_made") == names.count("step_finished") == names.count("answer_ready") == 1
        assert "It is 42." in http.get(f"/v1/runs/{run}").json()["answer"]["text"]


def test_a_run_whose_plan_is_empty_is_answered_by_its_mode() -> None:
    def unplanned(request: Request) -> str:
        return '{"steps": []}' if request.schema is not None else TEXT

    with running(FunctionalModel(unplanned, name="small")) as one, one.http() as http:
        run = http.post("/v1/runs", json={**ASKED, "tools": ["clock"]}).json()["id"]
        assert said(followed(http, run)) == TEXT


def test_a_run_waits_for_an_approval_and_goes_on_with_it(tmp_path: Path) -> None:
    def planned(request: Request) -> str:
        if request.schema is not None and "steps" in request.schema.get("properties", {}):
            arguments = {"path": str(tmp_path / "notes" / "a.txt"), "text": "hello"}
            return json.dumps({"steps": [{"call": "file_write", "arguments": arguments}]})
        return "It is saved."

    (tmp_path / "notes").mkdir()
    with serve_in_thread(FunctionalModel(planned, name="small")) as upstream:
        settings = Settings(base_url=upstream.base_url, model="small", folders=str(tmp_path / "notes"))
        with started(settings, upstream) as one, one.http() as http:
            asked = {"question": "Save hello in a.txt.", "mode": "instant", "tools": ["files"]}
            run = http.post("/v1/runs", json=asked).json()["id"]
            until(lambda: http.get(f"/v1/runs/{run}").json()["approvals"] != [], 20)
            until(lambda: http.get(f"/v1/runs/{run}").json()["state"] == "waiting", 20)
            shown = http.get(f"/v1/runs/{run}").json()
            (approval,) = shown["approvals"]
            assert approval["tool"] == "file_write"
            assert not (tmp_path / "notes" / "a.txt").exists()
            path = f"/v1/runs/{run}/approvals/{approval['approval']}"
            assert http.post(f"/v1/runs/{run}/approvals/none", json={"approved": True}).status_code == 404
            assert http.post(path, json={"approved": "yes"}).status_code == 400
            assert http.post(path, json={"approved": True}).status_code == 200
            assert http.post(path, json={"approved": False}).status_code == 400
            names = [event["event"] for _, event in followed(http, run)]
            assert names[-1] == "answer_ready"
            assert (tmp_path / "notes" / "a.txt").read_text() == "hello"


def test_a_worker_carries_out_what_no_server_does(tmp_path: Path) -> None:
    with serve_in_thread(FunctionalModel(reply, name="small")) as upstream:
        settings = Settings(base_url=upstream.base_url, model="small")
        with started(settings, upstream) as one, one.http() as http:
            http.post("/v1/runs", json=ASKED)
            owner = Keys(one.service.database).list()[0]
        from pierian.config import paths
        from pierian.runs import Journal
        from pierian.storage import open_database

        with open_database(paths().database) as database:
            journal = Journal(database, owner.user)
            run = journal.submit(ASKED["question"], {**ASKED, "key": owner.id, "answers": True}).id
            environment = {**os.environ, "PIERIAN_BASE_URL": upstream.base_url, "PIERIAN_MODEL": "small"}
            command = [sys.executable, "-m", "pierian", "work"]
            worker = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
            try:
                until(lambda: journal.get(run).state == "done", 30)
                worker.send_signal(signal.SIGTERM)
                assert worker.wait(20) == 0
            finally:
                worker.kill()
                worker.wait()


@pytest.mark.parametrize("kind", SERVERS)
def test_a_killed_server_loses_no_run_and_answers_none_twice(
    kind: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    with (
        fresh(kind, tmp_path / "data", pytestconfig) as database,
        serve_in_thread(FunctionalModel(reply, name="small"), tokens_per_second=10) as upstream,
    ):
        settings = Settings(base_url=upstream.base_url, model="small", database_url=address(database))
        with started(settings, upstream) as one, one.http() as http:
            other = _process(upstream.base_url, address(database), one.secret)
            try:
                with httpx2.Client(
                    base_url=other.address, headers={"Authorization": f"Bearer {one.secret}"}, timeout=20
                ) as second:
                    runs = [
                        client.post("/v1/runs", json=ASKED, headers={"Idempotency-Key": str(number)}).json()[
                            "id"
                        ]
                        for number, client in enumerate([http, second] * 6)
                    ]
                    until(lambda: len(upstream.bodies) > 4)
                    other.process.send_signal(signal.SIGKILL)
                for number, run in enumerate(runs):
                    again = http.post("/v1/runs", json=ASKED, headers={"Idempotency-Key": str(number)})
                    assert again.json()["id"] == run
                    events = followed(http, run)
                    assert [event["event"] for _, event in events].count("answer_ready") == 1
                    assert http.get(f"/v1/runs/{run}").json()["answer"]["text"] == TEXT
            finally:
                other.process.kill()
                other.process.wait()


class _Other:
    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process, self.address = process, address


def _process(base_url: str, database_url: str, secret: str) -> _Other:
    """A second server over the same database, in a process of its own."""
    environment = {
        **os.environ,
        "PIERIAN_BASE_URL": base_url,
        "PIERIAN_MODEL": "small",
        "PIERIAN_DATABASE_URL": database_url,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "pierian", "serve", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        line = process.stdout.readline()
        if line.startswith("Serving"):
            return _Other(process, line.split(" at ")[1].split("/v1")[0])
    raise AssertionError("the second server did not start")
