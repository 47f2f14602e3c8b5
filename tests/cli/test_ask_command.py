"""`pierian ask` as a person and as a program use it, against a loopback server."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pierian.cli.app import run
from pierian.config import paths
from pierian.events import AnswerReady, DraftStarted, ProgramRun, Routed, Token, decode
from pierian.models.wire import Request
from pierian.testing import (
    CloseMidStream,
    Fault,
    FunctionalModel,
    Garbage,
    ModelServer,
    NotAStream,
    Overflow,
    Refuse,
    Silence,
    serve,
    serve_in_thread,
)

PENS = "A shop sells pens at 3 for 2 euros. How much are 18 pens?"
STEPS = "Pens: 18 / 3 * 2 = 12 euros.\nAnswer: 12 euros"
PROGRAM = "```python\n# 18 pens at 3 for 2 euros\nprice = 18 / 3 * 2\nanswer = price  # euros\n```"


def thinker(request: Request) -> str:
    return PROGRAM if "Python" in request.messages[0].content else STEPS


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelServer]:
    with serve_in_thread(FunctionalModel(thinker)) as serving:
        monkeypatch.setenv("PIERIAN_BASE_URL", serving.base_url)
        monkeypatch.setenv("PIERIAN_MODEL", "double")
        monkeypatch.setenv("PIERIAN_SILENCE_SECONDS", "0.5")
        yield serving


def test_the_answer_goes_out_and_the_receipt_beside_it(
    server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ask", "--mode", "thinking", PENS]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("**Answer: 12 euros**\n")
    assert "tokens" in err
    assert "2 of 2 drafts agree" in err
    assert "a program gave 12" in err


def test_json_is_the_answer(server: ModelServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "--json", "--mode", "instant", PENS]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["value"] == "12 euros"
    assert answer["receipt"]["mode"] == "instant"
    assert answer["receipt"]["checks"][0]["outcome"] == "passed"
    assert err == ""


def test_events_are_one_a_line(server: ModelServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "--events", PENS]) == 0
    events = [decode(line) for line in capsys.readouterr().out.splitlines()]
    assert isinstance(events[0], Routed)
    assert isinstance(events[-1], AnswerReady)
    assert {DraftStarted, Token, ProgramRun} <= {type(e) for e in events}


def test_a_budget_that_runs_out_is_exit_code_3(
    server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ask", "--mode", "instant", "--budget-tokens", "4", PENS]) == 3
    out, err = capsys.readouterr()
    assert out == "Pens: 18 / 3\n"
    assert "budget" in err


def test_a_deadline_is_exit_code_3(server: ModelServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.faults = (Silence(),)
    assert run(["ask", "--budget-seconds", "0.3", PENS]) == 3
    assert "The time budget ran out." in capsys.readouterr().err


def type_in(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


@pytest.mark.parametrize("words", [["-"], []])
def test_the_question_may_come_from_standard_input(
    words: list[str], server: ModelServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in(monkeypatch, f"{PENS} “Ümläute”\n".encode())
    assert run(["ask", "--mode", "instant", *words]) == 0
    assert server.bodies[0]["messages"][-1]["content"].startswith(f"{PENS} “Ümläute”")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"caf\xe9?", "not UTF-8"), (b"", "empty"), (b" \n ", "empty"), (b"x" * 400_001, "400,001")],
    ids=["latin-1", "empty", "blank", "huge"],
)
def test_what_is_no_question_on_standard_input(
    content: bytes,
    says: str,
    server: ModelServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    type_in(monkeypatch, content)
    assert run(["ask", "-"]) == 2
    assert_one_sentence(capsys, says)
    assert server.received == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--mode", "thinkng", PENS], "'thinking'"),
        (["--mode", "", PENS], "mode"),
        (["--budget-tokens", "0", PENS], "budget-tokens"),
        (["--budget-tokens", "many", PENS], "budget-tokens"),
        (["--budget-seconds", "-1", PENS], "budget"),
        (["--budget-seconds", "nan", PENS], "budget"),
        (["--json", "--events", PENS], "exclude each other"),
        ([""], "empty"),
        (["--no-such-flag", PENS], "--no-such-flag"),
        (["one", "two"], "two"),
    ],
)
def test_misuse_is_exit_code_2_and_says_what_to_type(
    words: list[str], says: str, server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["ask", *words]) == 2
    assert_one_sentence(capsys, says)
    assert server.received == []


def test_an_unknown_model_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "--model", "smollm2-135", "Why?"]) == 2
    assert_one_sentence(capsys, "smollm2-135m")


def test_a_model_that_was_not_pulled_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "--model", "smollm2-135m", "Why?"]) in (1, 2)
    assert_one_sentence(capsys, "pierian models pull smollm2-135m")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Refuse(500), "answered 500"),
        (Refuse(401), "refused the key"),
        (Refuse(404), "does not know the model"),
        (Refuse(429, headers={"Retry-After": "7"}), "7 seconds"),
        (Refuse(500, message="\x1b[31mred\x07 " + "x" * 999), "red"),
        (Overflow(5000, 4096), "904 more than the 4,096"),
        (NotAStream(), "does not speak the OpenAI wire format"),
        (Silence(), "silent"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_a_server_that_fails_is_one_sentence_and_exit_code_1(
    fault: Fault, says: str, server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults = (fault,)
    assert run(["ask", PENS]) == 1
    assert_one_sentence(capsys, says)
    assert not (paths().state / "fault.log").exists()


@pytest.mark.parametrize(
    ("fault", "says"),
    [(CloseMidStream(2), "in the middle of the answer"), (Garbage(), "not in the OpenAI wire format")],
)
def test_what_came_before_a_failure_is_shown_with_exit_code_3(
    fault: Fault, says: str, server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.faults = (fault,)
    assert run(["ask", "--mode", "instant", PENS]) == 3
    shown = capsys.readouterr()
    assert shown.out.strip()
    assert says in shown.err
    assert "Traceback" not in shown.err


def test_the_saved_key_goes_to_no_other_server(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    paths().config.mkdir(parents=True)
    paths().config_file.write_text('base_url = "https://api.example.com/v1"\napi_key = "sk-secret"\n')
    monkeypatch.delenv("PIERIAN_BASE_URL", raising=False)
    run(["ask", "--mode", "instant", "--base-url", server.base_url, "--model", "m", PENS])
    assert "authorization" not in server.received[-1].headers


@pytest.mark.parametrize("url", ["closed port", "not a url", "http://nowhere.invalid/v1", "http://[::1"])
def test_an_unreachable_server_is_one_sentence(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        if url == "closed port":
            url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        assert run(["ask", "--base-url", url, "Why?"]) in (1, 2)
    assert_one_sentence(capsys, "http")
    assert not (paths().state / "fault.log").exists()


def assert_one_sentence(capsys: pytest.CaptureFixture[str], says: str) -> None:
    """Nothing on standard output; on standard error what went wrong, what to do, and no traceback."""
    out, err = capsys.readouterr()
    plain = " ".join(err.replace("│", " ").split())
    assert out == ""
    assert says in plain
    assert "Traceback" not in err
    assert "went wrong inside" not in err
    assert "\x1b[31m" not in err.replace("\x1b[31m\x1b[0m", "")
    assert "\x07" not in err
    assert len(plain) < 1200


def test_the_model_cannot_drive_the_terminal(server: ModelServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.model = FunctionalModel(lambda _: "safe\x1b]0;title\x07\x1b[2J \u202edone\x00 end")
    assert run(["ask", "--mode", "instant", "Why?"]) == 0
    out = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(out)
    assert "done end" in out


async def words_then_wait() -> AsyncIterator[str]:
    for word in ("half ", "an ", "answer"):
        yield word
    await asyncio.Event().wait()


async def start(server: ModelServer, tmp_path: Path, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pierian", "ask", "--base-url", server.base_url, *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PIERIAN_HOME": str(tmp_path)},
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupt_prints_what_there_is_and_exits_130(
    number: signal.Signals, tmp_path: Path
) -> None:
    async with serve(FunctionalModel(lambda _: words_then_wait())) as server:
        process = await start(server, tmp_path, "--mode", "instant", "--events", "Why?")
        assert process.stdout
        events = []
        while sum(isinstance(e, Token) for e in events) < 3:
            events.append(decode(await process.stdout.readline()))
        process.send_signal(number)
        out, err = await process.communicate()
        await asyncio.wait_for(server.disconnected.wait(), 30)
    last = decode(out.splitlines()[-1])
    assert isinstance(last, AnswerReady)
    assert last.answer.text == "half an answer"
    assert last.answer.receipt.cut_short == "You stopped it."
    assert process.returncode == 130
    assert err == b""


async def test_a_second_interrupt_ends_it_at_once(tmp_path: Path) -> None:
    """Also when the run does not end by itself: here the server never lets go of the connection."""
    async with serve(FunctionalModel(lambda _: words_then_wait())) as server:
        process = await start(server, tmp_path, "--mode", "instant", "--events", "Why?")
        assert process.stdout
        while not isinstance(decode(await process.stdout.readline()), Token):
            pass
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 130
    assert b"Traceback" not in err


async def test_stop_all_ends_an_answer_in_another_process(tmp_path: Path) -> None:
    async with serve(FunctionalModel(lambda _: words_then_wait())) as server:
        process = await start(server, tmp_path, "--mode", "instant", "--events", "Why?")
        assert process.stdout
        while not isinstance(decode(await process.stdout.readline()), Token):
            pass
        assert await asyncio.to_thread(run, ["stop", "--all"]) == 0
        out, _ = await process.communicate()
    assert isinstance(decode(out.splitlines()[-1]), AnswerReady)
    assert process.returncode == 130


async def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    async with serve(FunctionalModel(thinker)) as server:
        process = await start(server, tmp_path, "--events", PENS)
        assert process.stdout
        process.stdout._transport.close()  # type: ignore[attr-defined]
        assert process.stderr
        err = await process.stderr.read()
        await process.wait()
    assert b"Traceback" not in err
    assert process.returncode != 0
