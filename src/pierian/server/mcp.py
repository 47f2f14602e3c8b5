"""`pierian mcp`: Pierian as an MCP server over standard input and output, for other people's assistants.

Two tools: `ask` answers a question, `run` carries out a request with named tools. What happens meanwhile goes out as
progress; a request that the client cancels is ended. The client is another program, so it approves nothing: a run
that needs an approval is parked, and says under which id it waits for the user.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from pierian.events import (
    Answer,
    AnswerReady,
    ApprovalNeeded,
    DraftFinished,
    DraftStarted,
    EngineRestarted,
    Escalated,
    Event,
    LookTaken,
    Merging,
    ModelLoading,
    ProgramRun,
    Receipt,
    Revising,
    Routed,
    RunParked,
    SecondLook,
    StepFailed,
    StepStarted,
    Token,
)
from pierian.exceptions import PierianError, QuestionError

if TYPE_CHECKING:
    import mcp_types
    from mcp.server import Server, ServerRequestContext

    from pierian.assistant import AskRequest, Assistant

T = TypeVar("T")

ModeName = Literal["instant", "thinking", "contemplating", "auto"]
AUTHOR = "mcp-client"
"""Who wrote what comes in: a program, often a model that has read who knows what. Its words are not the
user's own."""
HEARTBEAT_SECONDS = 2.0
"""While text is written, word goes out this often: clients give up on a server that is silent."""


class AskArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """What `ask` takes."""

    question: Annotated[str, Meta(description="The question, in plain words.")]
    mode: Annotated[
        ModeName | None, Meta(description="How deep to think; left out, as the user's settings say.")
    ] = None


class RunArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """What `run` takes."""

    request: Annotated[str, Meta(description="What is to be done, in plain words.")]
    tools: Annotated[
        tuple[str, ...],
        Meta(min_length=1, description="The full names of the user's tools that may be used."),
    ]


class RunOutcome(Struct, frozen=True):
    """How far a run came."""

    status: Literal["finished", "waiting for approval"]
    run: str = ""
    """The id under which the user finds a run that waits."""
    approvals: tuple[str, ...] = ()
    """The ids of what the user has to approve."""
    answer: Answer | None = None
    receipt: Receipt | None = None
    """What a run that waits has cost so far. Its text is for the user: it says how to approve."""


def mcp() -> None:
    """Serve Pierian to another program as an MCP server, on standard input and output."""
    import asyncio
    import signal

    from pierian.config import load

    settings = load()
    # The thread that waits for standard input cannot be woken by an exception.
    signal.signal(signal.SIGINT, signal.SIG_DFL)

    async def main() -> None:
        from mcp.server.stdio import stdio_server

        from pierian.assistant import Assistant

        async with Assistant(settings) as assistant:
            serving = server_for(assistant)
            try:
                # While it is open, what is printed by mistake goes to standard error.
                async with stdio_server() as (received, sent):
                    await serving.run(received, sent, serving.create_initialization_options())
            except* BrokenPipeError:
                pass  # the client has gone

    asyncio.run(main())


def server_for(assistant: Assistant) -> Server[Any]:
    """The protocol's side of an assistant."""
    from mcp import MCPError
    from mcp.server import Server
    from mcp_types import INVALID_PARAMS, CallToolRequestParams, CallToolResult, ListToolsResult

    from pierian import __version__

    async def list_tools(
        _: ServerRequestContext[Any], __: mcp_types.PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=_tools())

    async def call_tool(context: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        calls = {"ask": _ask, "run": _run}
        if params.name not in calls:
            raise MCPError(INVALID_PARAMS, f"There is no tool called {params.name!r}. Known: ask, run.")
        try:
            return await calls[params.name](assistant, context, params.arguments or {})
        except PierianError as error:
            return _failed(f"{error} {error.hint}".strip())

    return Server(
        "pierian",
        version=__version__,
        instructions="Answers by open-weight models on the user's own machine, checked, with receipts.",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _tools() -> list[mcp_types.Tool]:
    from mcp_types import Tool, ToolAnnotations

    from pierian.tools.tool import object_schema

    return [
        Tool(
            name="ask",
            description="Answer a question with the user's own model; the answer comes checked, with a receipt.",
            input_schema=object_schema(AskArguments),
            output_schema=object_schema(Answer),
            annotations=ToolAnnotations(read_only_hint=True),
        ),
        Tool(
            name="run",
            description="Plan and carry out a request with the user's tools. What needs the user's approval waits"
            " for it: the result then says so.",
            input_schema=object_schema(RunArguments),
            output_schema=object_schema(RunOutcome),
            annotations=ToolAnnotations(read_only_hint=False, destructive_hint=True),
        ),
    ]


async def _ask(
    assistant: Assistant, context: ServerRequestContext[Any], given: dict[str, Any]
) -> mcp_types.CallToolResult:
    from pierian.assistant import AskRequest
    from pierian.reasoning.mode import Mode

    arguments = _converted(given, AskArguments)
    mode = Mode.named(arguments.mode) if arguments.mode else None
    # No tools, also where the settings name some: `ask` promises to change nothing.
    request = AskRequest(question=arguments.question, mode=mode, tools=(), author=AUTHOR)
    answer = (await _followed(assistant, context, request)).answer
    assert answer is not None
    return _result(_text(answer), answer)


async def _run(
    assistant: Assistant, context: ServerRequestContext[Any], given: dict[str, Any]
) -> mcp_types.CallToolResult:
    from pierian.assistant import AskRequest

    arguments = _converted(given, RunArguments)
    request = AskRequest(question=arguments.request, tools=arguments.tools, author=AUTHOR)
    outcome = await _followed(assistant, context, request)
    if outcome.answer is not None:
        return _result(_text(outcome.answer), outcome)
    waiting = ", ".join(outcome.approvals)
    return _result(
        f"The run {outcome.run} is waiting for approval" + (f" of {waiting}." if waiting else "."), outcome
    )


async def _followed(
    assistant: Assistant, context: ServerRequestContext[Any], request: AskRequest
) -> RunOutcome:
    """Work on a request until it is answered or parked, telling the client of it."""
    import anyio

    progress = Progress(context.session.report_progress)
    approvals: list[str] = []
    parked = ""
    async with AsyncExitStack() as stack:
        events = assistant.stream(request)

        async def close() -> None:
            # Also when the client has cancelled: the run is over only when its generation has ended.
            with anyio.CancelScope(shield=True):
                await events.aclose()

        stack.push_async_callback(close)
        async for event in events:
            await progress.tell(event)
            match event:
                case ApprovalNeeded(approval=approval):
                    approvals.append(approval)
                case RunParked(run=run):
                    parked = run  # the journal is written after this, so the stream is followed to its end
                case AnswerReady(answer=answer) if parked:
                    return RunOutcome(
                        "waiting for approval", parked, tuple(approvals), receipt=answer.receipt
                    )
                case AnswerReady(answer=answer):
                    return RunOutcome("finished", answer=answer)
                case _:
                    pass
    raise AssertionError("a run ends with an answer or an error")


class Progress:
    """Tells a client what happens: one notification for each event that a person would want to see."""

    def __init__(self, report: Callable[[float, float | None, str | None], Any]) -> None:
        self._report = report
        self._sent = 0
        self._pieces = 0
        self._last = time.monotonic()

    async def tell(self, event: Event) -> None:
        """Send word of an event, or that text is being written."""
        said = said_of(event)
        if isinstance(event, Token):
            self._pieces += 1
            if time.monotonic() - self._last >= HEARTBEAT_SECONDS:
                said = f"{self._pieces:,} pieces of text so far"
        if said:
            self._sent += 1
            self._last = time.monotonic()
            await self._report(self._sent, None, said)


def said_of(event: Event) -> str:
    """An event in a few words; empty for those that are not worth a word."""
    match event:
        case ModelLoading(model=model):
            return f"Loading {model}"
        case EngineRestarted(reason=reason):
            return f"The engine was restarted: {reason}"
        case Routed(mode=mode, reason=reason):
            return f"{mode.capitalize()}: {reason}" if reason else mode.capitalize()
        case DraftStarted(draft=draft, approach=approach):
            return f"Draft {draft}: {approach}"
        case DraftFinished(draft=draft, value=value):
            return f"Draft {draft} came to {value}" if value else f"Draft {draft} is finished"
        case ProgramRun(value=value, error=error):
            return f"A program failed: {error}" if error else f"A program gave {value}"
        case LookTaken(look=look):
            return f"Look {look.text}"
        case SecondLook(reason=reason) | Revising(reason=reason) | Escalated(reason=reason):
            return reason
        case Merging(how=how):
            return f"Merging {how}"
        case StepStarted(what=what):
            return what
        case StepFailed(step=step, code=code):
            return f"{step} failed: {code}"
        case ApprovalNeeded(tool=tool):
            return f"{tool} needs the user's approval"
        case _:
            return ""


def _converted(given: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise QuestionError(f"The arguments are wrong: {error}.") from error


def _text(answer: Answer) -> str:
    return (
        f"{answer.text}\n\n({answer.receipt.cut_short})".strip() if answer.receipt.cut_short else answer.text
    )


def _result(text: str, value: Struct) -> mcp_types.CallToolResult:
    from mcp_types import CallToolResult, TextContent

    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=msgspec.to_builtins(value)
    )


def _failed(text: str) -> mcp_types.CallToolResult:
    from mcp_types import CallToolResult, TextContent

    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
