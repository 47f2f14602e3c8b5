"""Agent frameworks as peers on tool calls: the first step of each, on the server that it is pointed at.

This file is both ends of a pipe. `Workers` belongs to the harness. Run as a program in an interpreter that has the
frameworks (their dependencies contradict ours, so nothing of ours is imported there), it reads a task a line,
`question` and `functions`, and writes a row a line: the calls of the framework's first step, what the server counted,
what failed. Prompts are each framework's own. Set is only what must be equal: temperature 0, the limit of tokens, and
that several calls at once are allowed, which OpenAI's servers take for granted but llama.cpp does not always.
"""
# pyright: basic, reportMissingImports=false
# The frameworks are not installed where the rest is checked.

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FRAMEWORKS = ("smolagents", "langgraph", "openai_agents")
KEY = "BFCL_PEER_KEY"
"""Environment variable in which a worker gets the server's key: a command line can be read by anybody."""
PATIENCE_SECONDS = 1800.0
"""For one answer: with several workers on a small machine it waits for the others."""
LONGEST_LINE = 2**24

Step = Callable[[str, list[dict[str, Any]]], list[dict[str, Any]]]
"""A question and functions to the calls of the first step, each with `name` and `arguments` (text, if not JSON)."""


class Workers:
    """Processes that run one framework, each for one item at a time."""

    def __init__(self, command: Sequence[str], key: str, count: int) -> None:
        self._command, self._key, self._count = command, key, count
        self._free = asyncio.Queue[asyncio.subprocess.Process]()
        self._all: list[asyncio.subprocess.Process] = []
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the workers

    async def __aenter__(self) -> Workers:
        for _ in range(self._count):
            worker = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=self._said,
                env={**os.environ, KEY: self._key or "none"},
                limit=LONGEST_LINE,
            )
            self._all.append(worker)
            self._free.put_nowait(worker)
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._all:
            if worker.returncode is None:
                worker.kill()
            await worker.communicate()
        self._said.close()

    async def answer(self, question: str, functions: list[dict[str, Any]]) -> dict[str, Any]:
        """One item; raises `RunError` where the worker or the server, and not the framework, failed."""
        from pierian.exceptions import RunError

        worker = await self._free.get()
        assert worker.stdin is not None and worker.stdout is not None
        with contextlib.suppress(ConnectionError):
            worker.stdin.write(json.dumps({"question": question, "functions": functions}).encode() + b"\n")
            await worker.stdin.drain()
        line = await worker.stdout.readline()
        if not line:
            self._said.seek(0)
            last = self._said.read().decode(errors="replace").strip().splitlines()[-1:]
            raise RunError(
                f"The process of the peer ended before its answer{': ' if last else '.'}{''.join(last)}",
                hint="Install the peers' frameworks and name their interpreter with --peers-python.",
            )
        row = json.loads(line)
        if row.pop("broken"):
            raise RunError(
                f"The peer could not reach the model: {row['failure'].rstrip('.')}.",
                hint="See whether the server runs; the same command continues.",
            )
        self._free.put_nowait(worker)
        return row


@dataclass
class Setting:
    """Where the model answers and within which limit."""

    base_url: str
    model: str
    key: str
    max_tokens: int


@dataclass
class Wire:
    """What the server said during one item."""

    tokens: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    requests: int = 0
    text: str = ""
    refusals: list[str] = field(default_factory=list[str])

    def note(self, status: int, body: Mapping[str, Any]) -> None:
        """Count one answer and keep what the model wrote in it."""
        self.requests += 1
        if status >= 400:
            self.refusals.append(f"{status}: {json.dumps(body)[:500]}")
            return
        usage = body.get("usage") or {}
        self.tokens += usage.get("completion_tokens", 0)
        self.prompt_tokens += usage.get("prompt_tokens", 0)
        self.cached_tokens += (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        self.text += json.dumps(body["choices"][0]["message"], ensure_ascii=False)

    def read(self, response: Any) -> None:
        """Hook of a synchronous client."""
        response.read()
        self.note(response.status_code, _json(response))

    async def aread(self, response: Any) -> None:
        """Hook of an asynchronous client."""
        await response.aread()
        self.note(response.status_code, _json(response))


def _json(response: Any) -> Mapping[str, Any]:
    try:
        return response.json()
    except ValueError:
        return {"error": response.text}


def client_of(wire: Wire) -> Any:
    """A synchronous HTTP client whose answers are noted."""
    import httpx2

    return httpx2.Client(event_hooks={"response": [wire.read]}, timeout=PATIENCE_SECONDS)


def smolagents(setting: Setting, wire: Wire) -> Step:
    """`ToolCallingAgent` with its own prompts. Its `final_answer` is no call of the task's."""
    from smolagents import ActionStep, OpenAIModel, ToolCallingAgent
    from smolagents.agents import ToolCall
    from smolagents.monitoring import LogLevel

    model = OpenAIModel(
        setting.model,
        api_base=setting.base_url,
        api_key=setting.key,
        client_kwargs={"http_client": client_of(wire), "max_retries": 0},
        temperature=0.0,
        max_tokens=setting.max_tokens,
        parallel_tool_calls=True,
    )

    def step(question: str, functions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        tools = [smolagents_tool(function) for function in functions]
        agent = ToolCallingAgent(tools=tools, model=model, verbosity_level=LogLevel.OFF)
        calls: list[dict[str, Any]] = []
        for event in agent.run(question, stream=True):
            if isinstance(event, ToolCall) and event.name != "final_answer":
                calls.append({"name": event.name, "arguments": event.arguments})
            # Where no answer came, what went wrong is raised after the step.
            if isinstance(event, ActionStep) and event.model_output_message is not None:
                if event.error is not None and not calls:
                    raise event.error
                break
        return calls

    return step


def smolagents_tool(function: Mapping[str, Any]) -> Any:
    """A tool the way its adapter for MCP makes them: inputs from the schema, what is not required may be null."""
    from smolagents import Tool

    class Given(Tool):
        name = function["name"]
        description = function["description"]
        inputs = {  # noqa: RUF012 - this is how the framework wants it
            name: {"description": "", **schema}
            | ({} if name in function["parameters"].get("required", ()) else {"nullable": True})
            for name, schema in function["parameters"]["properties"].items()
        }
        output_type = "string"
        skip_forward_signature_validation = True

        def forward(self, **_: Any) -> str:
            return "done"

    return Given()


def langgraph(setting: Setting, wire: Wire) -> Step:
    """The prebuilt ReAct agent on `ChatOpenAI`, without a system prompt, as it comes."""
    from langchain_core.tools import StructuredTool
    from langchain_openai import ChatOpenAI
    from langgraph.prebuilt import create_react_agent

    model = ChatOpenAI(
        model=setting.model,
        base_url=setting.base_url,
        api_key=setting.key,
        http_client=client_of(wire),
        max_retries=0,
        temperature=0.0,
        max_tokens=setting.max_tokens,
        use_responses_api=False,
        # ChatOpenAI sends the limit under its newer name alone, which not every server reads.
        extra_body={"max_tokens": setting.max_tokens, "parallel_tool_calls": True},
    )

    def step(question: str, functions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        tools = [
            StructuredTool(
                name=function["name"],
                description=function["description"],
                args_schema=function["parameters"],
                func=lambda **_: "done",
            )
            for function in functions
        ]
        graph = create_react_agent(model, tools)
        asked = {"messages": [("user", question)]}
        with contextlib.closing(graph.stream(asked, stream_mode="updates")) as updates:
            message = next(iter(updates))["agent"]["messages"][-1]
        read = [{"name": call["name"], "arguments": call["args"]} for call in message.tool_calls]
        return read + [{"name": c["name"], "arguments": c["args"]} for c in message.invalid_tool_calls]

    return step


def openai_agents(setting: Setting, wire: Wire) -> Step:
    """`Agent` without instructions on its model for Chat Completions.

    Schemas are passed as they are: its strict mode, made for OpenAI's own servers, would make every argument a
    required one.
    """
    import httpx2
    from agents.exceptions import AgentsException
    from openai import AsyncOpenAI

    from agents import (
        Agent,
        FunctionTool,
        ModelSettings,
        OpenAIChatCompletionsModel,
        RunHooks,
        Runner,
        set_tracing_disabled,
    )

    set_tracing_disabled(True)
    http = httpx2.AsyncClient(event_hooks={"response": [wire.aread]}, timeout=PATIENCE_SECONDS)
    client = AsyncOpenAI(base_url=setting.base_url, api_key=setting.key, http_client=http, max_retries=0)
    model = OpenAIChatCompletionsModel(setting.model, client)
    settings = ModelSettings(temperature=0.0, max_tokens=setting.max_tokens, parallel_tool_calls=True)
    loop = asyncio.Runner()  # the client's connections belong to one loop

    async def done(*_: Any) -> str:
        return "done"

    class FirstAnswer(RunHooks):
        """Keeps what the model said first."""

        output: list[Any] | None = None

        async def on_llm_end(self, context: Any, agent: Any, response: Any) -> None:
            if self.output is None:
                self.output = response.output

    def step(question: str, functions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        tools = [
            FunctionTool(f["name"], f["description"], f["parameters"], done, strict_json_schema=False)
            for f in functions
        ]
        agent, first = Agent("Assistant", tools=tools, model=model, model_settings=settings), FirstAnswer()
        try:
            loop.run(Runner.run(agent, question, max_turns=1, hooks=first))
        except AgentsException:  # such as the end of the first turn, which is all that is asked for
            if first.output is None:
                raise
        called = [item for item in first.output or [] if item.type == "function_call"]
        return [{"name": call.name, "arguments": _decoded(call.arguments)} for call in called]

    return step


def _decoded(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def row_of(step: Step, wire: Wire, task: Mapping[str, Any]) -> dict[str, Any]:
    """One task as a row. `broken` says that nothing can be concluded from it: the server could not be reached."""
    from openai import APIConnectionError, AuthenticationError

    calls: list[dict[str, Any]] = []
    failure, broken = "", False
    wire.__init__()
    try:
        calls = step(task["question"], task["functions"])
    except Exception as error:  # noqa: BLE001 - whatever a framework fails with is its answer to this item
        failure = f"{type(error).__name__}: {error}"[:1000]
        cause: BaseException | None = error
        while cause is not None and not broken:
            broken = isinstance(cause, APIConnectionError | AuthenticationError)
            cause = cause.__cause__ or cause.__context__
    refused = "; ".join(wire.refusals)
    counted = {key: value for key, value in vars(wire).items() if key != "refusals"}
    return {"calls": calls, "failure": refused or failure, "broken": broken} | counted


def main() -> int:
    """Answer tasks until there are no more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("framework", choices=FRAMEWORKS)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--max-tokens", type=int, required=True)
    given = parser.parse_args()
    # Rows alone go to the pipe; whatever a framework prints goes where errors go.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    wire = Wire()
    make = {"smolagents": smolagents, "langgraph": langgraph, "openai_agents": openai_agents}[given.framework]
    step = make(Setting(given.base_url, given.model, os.environ.get(KEY, "none"), given.max_tokens), wire)
    for line in sys.stdin:
        print(json.dumps(row_of(step, wire, json.loads(line)), default=str), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
