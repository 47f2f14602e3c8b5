"""`schedules` and `brief` as a person uses them, against a loopback server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from pierian.cli.app import run
from pierian.config import Settings, paths
from pierian.models.wire import Request
from pierian.runs import Journal
from pierian.schedules import begin_due
from pierian.storage import open_database
from pierian.storage.tables import schedules
from pierian.testing import FunctionalModel, ModelServer, serve_in_thread


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    def reply(request: Request) -> str:
        return "Foxes are red."

    with serve_in_thread(FunctionalModel(reply)) as serving:
        monkeypatch.setenv("PIERIAN_BASE_URL", serving.base_url)
        monkeypatch.setenv("PIERIAN_MODEL", "double")
        yield serving


def added(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The id of a new schedule."""
    assert run(["schedules", "add", *arguments]) == 0
    return capsys.readouterr().out.split()[0]


def due() -> None:
    """What is scheduled has become due."""
    with open_database(paths().database) as database, database.write() as connection:
        connection.execute(update(schedules).values(next_at=datetime(2026, 1, 1, tzinfo=UTC)))


def test_adding_says_when_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schedules", "add", "every weekday 7:30", "brief", "--zone", "Europe/Berlin"]) == 0
    told = capsys.readouterr().out
    assert "At 07:30 on Monday through Friday (Europe/Berlin). The first time: " in told
    assert "pierian serve" in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["whenever", "brief"],
        ["every day 7:30", "dance"],
        ["every day 7:30", "ask"],
        ["every day 7:30", "brief", "What?"],
        ["every day 7:30", "ask", "What?", "--mode", "dreaming"],
        ["every day 7:30", "brief", "--zone", "Mars"],
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schedules", "add", *arguments]) == 2
    assert "Error: " in capsys.readouterr().err
    assert run(["schedules", "list"]) == 0
    assert "no schedules yet" in capsys.readouterr().out


def test_what_is_due_is_carried_out_once_without_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    ask = added(capsys, "every day 7:30", "ask", "Tell me about foxes.", "--mode", "instant")
    added(capsys, "every day 8:00", "brief")
    assert run(["schedules", "run"]) == 0
    assert "Nothing is due." in capsys.readouterr().out
    due()
    assert run(["schedules", "run"]) == 0
    told = capsys.readouterr().out
    assert "Foxes are red." in told and "No account is linked yet" in told
    assert run(["schedules", "run"]) == 0
    assert "Nothing is due." in capsys.readouterr().out
    assert run(["schedules", "show", ask]) == 0
    shown = capsys.readouterr().out
    assert "is done." in shown
    found = re.search(r"conversations show (\w+)", shown)
    assert found is not None
    assert run(["conversations", "show", found[1]]) == 0
    assert "Foxes are red." in capsys.readouterr().out


def test_a_schedule_can_be_run_now_paused_resumed_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    one = added(capsys, "every day 7:30", "ask", "Tell me about foxes.", "--mode", "instant")
    assert run(["schedules", "run", one]) == 0
    assert "Foxes are red." in capsys.readouterr().out
    assert run(["schedules", "pause", one]) == 0
    due()
    assert run(["schedules", "run"]) == 0
    assert run(["schedules", "list"]) == 0
    told = capsys.readouterr().out
    assert "Nothing is due." in told and "paused" in told
    assert run(["schedules", "resume", one]) == 0
    assert run(["schedules", "remove", one]) == 0
    assert run(["schedules", "list", "--json"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "[]"
    assert run(["schedules", "show", one]) == 2


def test_one_who_waits_does_each_at_its_time_until_everything_is_stopped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = added(capsys, "every day 7:30", "ask", "Tell me about foxes.", "--mode", "instant")
    due()
    waiting = [sys.executable, "-m", "pierian", "schedules", "run", "--wait"]
    with subprocess.Popen(waiting, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Waiting for schedules")
            assert process.stdout.readline() == "Foxes are red.\n"
            assert run(["stop", "--all"]) == 0
            assert process.wait(30) == 0
        finally:
            process.kill()
    assert run(["schedules", "show", one]) == 0
    assert "is done." in capsys.readouterr().out


def test_what_a_process_left_that_is_gone_is_carried_on(capsys: pytest.CaptureFixture[str]) -> None:
    added(capsys, "every day 7:30", "ask", "Tell me about foxes.", "--mode", "instant")
    due()
    with open_database(paths().database) as database:
        (begun,) = begin_due(database, Settings(), datetime(2026, 1, 2, tzinfo=UTC))
        Journal(database).claim(begun, "a-process-that-is-gone")
    assert run(["schedules", "run"]) == 0
    assert "Foxes are red." in capsys.readouterr().out


def test_the_daily_cap_holds_for_schedules_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, server: ModelServer
) -> None:
    monkeypatch.setenv("PIERIAN_DAILY_TOKENS", "1")
    one = added(capsys, "every day 7:30", "ask", "Tell me about foxes.", "--mode", "instant")
    assert run(["schedules", "run", one]) == 3
    assert capsys.readouterr().out.strip() == "Foxes"
    assert run(["schedules", "run", one]) == 1
    told = capsys.readouterr()
    assert "Foxes" not in told.out and "daily" in told.err
    assert run(["schedules", "show", one]) == 0
    assert "is failed." in capsys.readouterr().out


def test_a_brief_without_accounts_says_how_to_link_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["brief"]) == 0
    assert "`pierian accounts link` does it." in capsys.readouterr().out
    assert run(["brief", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["events"] == [] and found["notes"]
