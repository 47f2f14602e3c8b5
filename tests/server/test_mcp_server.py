"""Pierian as an MCP server: driven by a real client over stdio, and with runs that are parked."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from pierian.assistant import AskRequest
from pierian.events import (
    Answer,
    AnswerReady,
    ApprovalNeeded,
    Event,
    Receipt,
    RunParked,
    Spend,
    StepStarted,
    Token,
)
from pierian.exceptions import RunError
from pierian.models.wire import Request
from pierian.server import mcp as face
from pierian.server.mcp import server_for
from pierian.testing import FunctionalModel, ModelServer, Refuse, serve

PENS = "A shop sells pens at 3 for 2 euros. How much are 18 pens?"
STEPS = "Pens: 18 / 3 * 2 = 12 euros.\nAnswer: 12 euros"
PROGRAM = "```python\n# 18 pens at 3 for 2 euros\nprice = 18 / 3 * 2\nanswer = price  # euros\n```"
COMMAND = ("-c", "from pierian.server.mcp import mcp; mcp()")


def thinker(request: Request) -> str:
    return PROGRAM if "Python" in request.messages[0].content else STEPS


async def words_then_wait() -> AsyncIterator[str]:
    for word in ("half ", "an ", "answer"):
        yield word
    await asyncio.Event().wait()


def environment(server: ModelServer) -> dict[str, str]:
    own = {"PIERIAN_BASE_URL": server.base_url, "PIERIAN_MODEL": "double", "NO_PROXY": "*"}
    return own | {"PIERIAN_HOME": os.environ["PIERIAN_HOME"]}


def client(server: ModelServer, mode: str = "auto") -> Client:
    program = StdioServerParameters(command=sys.executable, args=list(COMMAND), env=environment(server))
    return Client(program, mode=mode)


class Told:
    """The progress that reached the client."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.numbers: list[float] = []

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.numbers.append(progress)
        self.messages.append(message or "")


# --- as a client sees it


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_asks_and_gets_the_answer_with_its_receipt(mode: str) -> None:
    told = Told()
    async with serve(FunctionalModel(thinker)) as server, client(server, mode) as assistant:
        tools = {tool.name: tool for tool in (await assistant.list_tools()).tools}
        assert set(tools) == {"ask", "run"}
        assert tools["ask"].input_schema["required"] == ["question"]
        # The client checks the result against the declared schema.
        result = await assistant.call_tool(
            "ask", {"question": PENS, "mode": "thinking"}, progress_callback=told
        )
    assert not result.is_error
    assert result.content[0].text.endswith("**Answer: 12 euros**")  # type: ignore[union-attr]
    answer = result.structured_content
    assert answer["value"] == "12 euros"
    assert answer["receipt"]["agreeing"] == 2
    assert answer["receipt"]["spend"]["completion_tokens"] > 0
    assert told.numbers == sorted(set(told.numbers))
    assert "A program gave 12" in told.messages
    assert told.messages[0].startswith("Thinking")


async def test_an_answer_that_was_cut_short_says_so() -> None:
    async with serve(FunctionalModel(thinker)) as server:
        program = StdioServerParameters(
            command=sys.executable,
            args=list(COMMAND),
            env={**environment(server), "PIERIAN_BUDGET_TOKENS": "4"},
        )
        async with Client(program) as assistant:
            result = await assistant.call_tool("ask", {"question": PENS, "mode": "instant"})
    assert result.content[0].text.startswith("Pens: 18 / 3\n\n(")  # type: ignore[union-attr]
    assert "budget" in result.structured_content["receipt"]["cut_short"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "question"),
        ({"question": PENS, "mode": "deep"}, "mode"),
        ({"question": PENS, "more": 1}, "more"),
        ({"question": " "}, "The question is empty."),
    ],
)
async def test_misuse_is_an_error_that_says_what_is_wrong(arguments: dict[str, Any], says: str) -> None:
    async with serve(FunctionalModel(thinker)) as server, client(server) as assistant:
        result = await assistant.call_tool("ask", arguments)
    assert result.is_error
    assert says in result.content[0].text  # type: ignore[union-attr]
    assert server.received == []


async def test_a_model_server_that_fails_is_an_error_and_the_next_question_is_answered() -> None:
    async with serve(FunctionalModel(thinker)) as server, client(server) as assistant:
        server.faults = (Refuse(500),)
        result = await assistant.call_tool("ask", {"question": PENS})
        assert result.is_error
        assert "answered 500" in result.content[0].text  # type: ignore[union-attr]
        server.faults = ()
        result = await assistant.call_tool("ask", {"question": PENS, "mode": "instant"})
    assert result.structured_content["value"] == "12 euros"


async def test_a_request_that_the_client_cancels_is_ended() -> None:
    async with serve(FunctionalModel(lambda _: words_then_wait())) as server, client(server) as assistant:
        asking = asyncio.create_task(assistant.call_tool("ask", {"question": "Why?", "mode": "instant"}))
        await asyncio.wait_for(server.streaming.wait(), 30)
        asking.cancel()
        await asyncio.wait_for(server.disconnected.wait(), 30)
        server.model = FunctionalModel(thinker)
        result = await assistant.call_tool("ask", {"question": PENS, "mode": "instant"})
    assert result.structured_content["value"] == "12 euros"


async def test_questions_are_answered_beside_each_other() -> None:
    async with serve(FunctionalModel(thinker)) as server, client(server) as assistant:
        results = await asyncio.gather(
            *(assistant.call_tool("ask", {"question": PENS, "mode": "instant"}) for _ in range(3))
        )
    assert [result.structured_content["value"] for result in results] == ["12 euros"] * 3


# --- the process


def frame(**message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"


HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "raw", "version": "1"},
}


async def start(server: ModelServer, *command: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *(command or COMMAND)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment(server)},
    )
    assert process.stdin
    process.stdin.write(frame(id=1, method="initialize", params=HELLO))
    process.stdin.write(frame(method="notifications/initialized"))
    return process


async def test_standard_output_carries_nothing_but_the_protocol() -> None:
    """Also when something prints while it works."""
    noisy = (
        "import os, pierian.assistant.assistant as a; from pierian.server.mcp import mcp; classify = a.classify\n"
        "def loud(text):\n"
        "    print('noise'); os.system('echo noise'); return classify(text)\n"
        "a.classify = loud; mcp()"
    )
    async with serve(FunctionalModel(thinker)) as server:
        process = await start(server, "-c", noisy)
        assert process.stdin
        assert process.stdout
        arguments = {"question": PENS, "mode": "thinking"}
        process.stdin.write(frame(id=2, method="tools/call", params={"name": "ask", "arguments": arguments}))
        lines: list[bytes] = []
        while not lines or json.loads(lines[-1]).get("id") != 2:
            lines.append(await process.stdout.readline())
        rest, errors = await asyncio.wait_for(process.communicate(b""), 30)
    assert rest == b""
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in lines)
    assert b"noise" in errors
    assert b"Traceback" not in errors
    assert process.returncode == 0


async def test_it_ends_with_its_client_and_so_does_the_work() -> None:
    async with serve(FunctionalModel(lambda _: words_then_wait())) as server:
        process = await start(server)
        assert process.stdin
        arguments = {"question": "Why?", "mode": "instant"}
        process.stdin.write(frame(id=2, method="tools/call", params={"name": "ask", "arguments": arguments}))
        await asyncio.wait_for(server.streaming.wait(), 30)
        _, errors = await asyncio.wait_for(process.communicate(b""), 30)
        await asyncio.wait_for(server.disconnected.wait(), 30)
    assert process.returncode == 0
    assert b"Traceback" not in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_at_once(number: signal.Signals) -> None:
    async with serve(FunctionalModel(thinker)) as server:
        process = await start(server)
        assert process.stdout
        await process.stdout.readline()
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), 10) == -number


# --- runs


class Scripted:
    """An assistant whose events are given."""

    def __init__(self, *events: Event | Exception) -> None:
        self.events = events
        self.requests: list[AskRequest] = []
        self.ended = False

    async def stream(self, request: AskRequest) -> AsyncGenerator[Event]:
        self.requests.append(request)
        for event in self.events:
            self.ended = event is self.events[-1]
            if isinstance(event, Exception):
                raise event
            yield event


ANSWER = Answer("Done.", Receipt("instant", "double", Spend()))
MAIL = ApprovalNeeded("s2", "approval-7", "mail.send", "send", (), "It goes to somebody.")


async def run_with(assistant: Scripted, told: Told | None = None) -> Any:
    async with Client(server_for(assistant)) as connection:  # type: ignore[arg-type]
        arguments = {"request": "Tell Ada.", "tools": ["mail.send"]}
        return await connection.call_tool("run", arguments, progress_callback=told)


async def test_a_run_gets_the_named_tools_and_gives_its_answer() -> None:
    assistant, told = Scripted(StepStarted("s1", "Look Ada up"), AnswerReady(ANSWER)), Told()
    result = await run_with(assistant, told)
    (request,) = assistant.requests
    assert (request.question, request.tools) == ("Tell Ada.", ("mail.send",))
    assert result.structured_content["status"] == "finished"
    assert result.structured_content["answer"]["text"] == "Done."
    assert told.messages == ["Look Ada up"]


async def test_a_run_that_needs_an_approval_is_left_waiting_for_the_user() -> None:
    assistant = Scripted(MAIL, RunParked("run-3", "approval"), AnswerReady(ANSWER))
    result = await run_with(assistant)
    assert result.content[0].text == "The run run-3 is waiting for approval of approval-7."
    outcome = result.structured_content
    assert (outcome["status"], outcome["run"], outcome["approvals"]) == (
        "waiting for approval",
        "run-3",
        ["approval-7"],
    )
    assert outcome["answer"] is None
    assert outcome["receipt"]["model"] == "double"
    assert assistant.ended


async def test_a_question_is_answered_without_tools_whatever_the_settings_say() -> None:
    assistant = Scripted(AnswerReady(ANSWER))
    async with Client(server_for(assistant)) as connection:  # type: ignore[arg-type]
        await connection.call_tool("ask", {"question": "Who is Ada?"})
    assert assistant.requests[0].tools == ()


async def test_a_run_that_fails_is_an_error() -> None:
    result = await run_with(Scripted(RunError("It went wrong.", hint="Try again.")))
    assert result.is_error
    assert result.content[0].text == "It went wrong. Try again."


async def test_a_run_without_tools_is_misuse() -> None:
    async with Client(server_for(Scripted())) as connection:  # type: ignore[arg-type]
        result = await connection.call_tool("run", {"request": "Tell Ada.", "tools": []})
    assert result.is_error


async def test_an_unknown_tool_is_told_apart() -> None:
    async with Client(server_for(Scripted())) as connection:  # type: ignore[arg-type]
        with pytest.raises(Exception, match="There is no tool called 'delete'. Known: ask, run."):
            await connection.call_tool("delete", {})


async def test_while_text_is_written_word_goes_out_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face, "HEARTBEAT_SECONDS", 0.0)
    told = Told()
    progress = face.Progress(told)
    for _ in range(3):
        await progress.tell(Token(1, "word", "answer"))
    assert told.messages[-1] == "3 pieces of text so far"
    monkeypatch.setattr(face, "HEARTBEAT_SECONDS", 1000.0)
    await progress.tell(Token(1, "word", "answer"))
    assert len(told.messages) == 3
