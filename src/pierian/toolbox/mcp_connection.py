"""The connection to one MCP server: opened, listed, called and closed, each with an outcome and within a time.

Nothing is offered to the server (no sampling, no roots, no elicitation), and of what it offers only tools are used:
its instructions, prompts and resources are never read. The list of tools is asked for again before each call, because
what was accepted is a signature and the server may have changed it since.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pierian.config import paths
from pierian.toolbox import mcp_limits
from pierian.toolbox.mcp_limits import MOST_PAGES, MOST_QUOTED_CHARACTERS, MOST_TOOLS, TOO_LARGE, UNREACHED
from pierian.toolbox.mcp_settings import McpServer
from pierian.toolbox.mcp_signatures import Acceptances, Listed, accepted, listed, unfit
from pierian.tools import Context, FailureCode, Tool, ToolFailure
from pierian.tools.schema import Check, SchemaUnusable, compiled
from pierian.tools.tool import Call

if TYPE_CHECKING:
    import mcp_types
    from mcp import Client, MCPError

    from pierian.toolbox.mcp_http import BoundedClient

T = TypeVar("T")


class Connection:
    """One server. `problem` says in a sentence why it cannot be used, and is empty while it can."""

    def __init__(self, server: McpServer, acceptances: Acceptances) -> None:
        self.server = server
        self.problem = ""
        self.tools: tuple[Listed, ...] = ()
        """What it listed last, as far as it can be accepted at all."""
        self.unfit: tuple[str, ...] = ()
        self._acceptances = acceptances
        self._client: Client | None = None
        self._http: BoundedClient | None = None
        self._stale = False
        self._keeper: asyncio.Task[None] | None = None
        self._opened, self._closing = asyncio.Event(), asyncio.Event()
        self._checks: dict[str, tuple[Check, Check]] = {}

    @property
    def log(self) -> Path:
        """Where the standard error of a server's program goes."""
        return paths().state / "mcp" / f"{self.server.name}.log"

    async def open(self) -> None:
        """Connect and list; a server that cannot be used has a `problem` afterwards."""
        for name in ("mcp", "client"):  # the library's loggers would write what a server says on the terminal
            logging.getLogger(name).addHandler(_NOWHERE)
        self._keeper = asyncio.create_task(self._keep(), name=f"MCP server {self.server.name}")
        try:
            async with asyncio.timeout(mcp_limits.START_SECONDS):
                await self._opened.wait()
        except TimeoutError:
            self.problem = (
                f"The MCP server {self.server.name} did not answer within {mcp_limits.START_SECONDS:g} seconds."
                f"{self._where()}"
            )
            self._keeper.cancel()

    async def close(self) -> None:
        """End the connection, and the server's program; takes a few seconds at most, whatever the server does."""
        self._closing.set()
        if self._keeper is None:
            return
        await asyncio.wait({self._keeper}, timeout=mcp_limits.CLOSE_SECONDS)
        self._keeper.cancel()
        await asyncio.wait({self._keeper}, timeout=1.0)

    async def refreshed(self) -> tuple[Listed, ...]:
        """The tools now; the server is asked only if it said that they changed."""
        if self._stale and not self.problem:
            try:
                await self._list()
            except ToolFailure as error:
                self.problem = str(error)
        return () if self.problem else self.tools

    def accepts(self, one: Listed) -> bool:
        """Whether the user accepted a tool exactly as it is."""
        found = accepted(self._acceptances, one.tool.name)
        return found is not None and found.fingerprint == one.tool.fingerprint

    async def _keep(self) -> None:
        """Hold the connection open, in a task of its own: what the library raises must end nothing else."""
        try:
            async with self._connected() as client:
                self._client = client
                await self._list()
                async with asyncio.TaskGroup() as tasks:
                    following = tasks.create_task(self._follow(client))
                    self._opened.set()
                    await self._closing.wait()
                    following.cancel()
        except ToolFailure as error:
            self.problem = str(error)
        except Exception as error:  # noqa: BLE001 - the library and the server: whatever they raise ends this server only
            self.problem = self._reason(error)
        finally:
            self._client = None
            self._opened.set()

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncGenerator[Client]:
        from mcp import Client
        from mcp_types import Implementation

        if self.server.url:
            from pierian.toolbox.mcp_http import client_for, http_transport

            self._http = client_for(self.server)
            transport: Any = http_transport(self.server, self._http)
        else:
            from pierian.toolbox.mcp_process import process_transport

            transport = process_transport(self.server, self.log)
        async with Client(
            transport,
            cache=None,
            client_info=Implementation(name="pierian", version=version("pierian")),
            message_handler=self._heard,
            read_timeout_seconds=mcp_limits.CALL_SECONDS,
        ) as client:
            yield client

    async def _follow(self, client: Client) -> None:
        """Ask a server of the newer protocol to tell of changes; the older ones tell unasked (`_heard`)."""
        from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost

        tools = client.server_capabilities.tools
        if tools is None or not tools.list_changed:
            return
        with contextlib.suppress(*_library_errors(), ListenNotSupportedError, SubscriptionLost, TimeoutError):
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    pass  # each reaches `_heard` too

    async def _heard(self, message: Any) -> None:
        from mcp_types import ToolListChangedNotification

        if isinstance(message, ToolListChangedNotification):
            self._stale = True

    async def _list(self) -> None:
        """Ask for the tools, page by page; raises `ToolFailure` where the list is no use."""
        self._stale = False
        found = await self._all_pages()
        tools = [listed(self.server, said, self._caller) for said in found]
        reasons = unfit(self.server, tools)
        self.tools = tuple(one for one in tools if one.tool.name not in reasons)
        self.unfit = tuple(reasons.values())

    async def _all_pages(self) -> list[mcp_types.Tool]:
        from mcp_types import PaginatedRequestParams

        client = self._alive()
        found: list[mcp_types.Tool] = []
        if client.server_capabilities.tools is None:
            return found
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            params = PaginatedRequestParams(cursor=cursor) if cursor else None
            page = await self._answered(client.session.list_tools(params=params), "its list of tools")
            found += page.tools
            cursor = page.next_cursor
            if len(found) > MOST_TOOLS:
                break
            if not cursor:
                return found
        raise ToolFailure(
            "too_large", f"{self.server.name} lists more than {MOST_TOOLS} tools; none of them is used."
        )

    def _caller(self, own_name: str, said: Tool) -> Call:
        one = Listed(own_name=own_name, tool=said)

        async def call(_: Context, values: Mapping[str, Any]) -> Any:
            return await self._call(one, values)

        return call

    async def _call(self, one: Listed, values: Mapping[str, Any]) -> Any:
        """Call a tool that is still the one that was accepted, with arguments and a result that fit its schemas."""
        await self._list()
        name = one.tool.name
        now = next((other.tool for other in self.tools if other.own_name == one.own_name), None)
        if now is None:
            raise ToolFailure("not_found", f"{self.server.name} no longer has the tool {name}.")
        if now.fingerprint != one.tool.fingerprint or not self.accepts(one):
            raise ToolFailure(
                "denied",
                f"{name} is not what you accepted: its description, schema or effect changed.",
                hint="Look at the difference, and accept it if it is what you want.",
            )
        check_arguments, check_result = self._checked(one)
        if wrong := _found(check_arguments, dict(values), one):
            raise ToolFailure("invalid", f"{name}: {wrong}.")
        value = _value(await self._send(one, values), one)
        if one.tool.result and (wrong := _found(check_result, value, one)):
            raise ToolFailure("wrong_type", f"{name} gave something else than it declares: {wrong}.")
        return value

    async def _send(self, one: Listed, values: Mapping[str, Any]) -> mcp_types.CallToolResult:
        from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult, InputRequiredResult
        from pydantic import TypeAdapter

        # Not the session's `call_tool`: that checks the result against the schema without any bounds.
        answer: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(
            CallToolResult | InputRequiredResult
        )
        request = CallToolRequest(params=CallToolRequestParams(name=one.own_name, arguments=dict(values)))
        result = await self._answered(self._alive().session.send_request(request, answer), one.tool.name)
        if isinstance(result, InputRequiredResult):
            raise ToolFailure(
                "denied", f"{one.tool.name} asks for more input, a model or files, which servers do not get."
            )
        return result

    async def _answered(self, request: Awaitable[T], what: str) -> T:
        """The answer to a request; every way in which there is none becomes a `ToolFailure`."""
        from mcp import MCPError
        from pydantic import ValidationError

        try:
            # The library's own time limit starts only when the request is sent, which may never be.
            async with asyncio.timeout(mcp_limits.CALL_SECONDS):
                return await request
        except TimeoutError as error:
            raise ToolFailure(
                "timeout",
                f"{what}: {self.server.name} did not answer within {mcp_limits.CALL_SECONDS:g} seconds.",
            ) from error
        except ValidationError as error:
            raise ToolFailure(
                "wrong_type", f"{what}: the answer of {self.server.name} is not valid MCP."
            ) from error
        except MCPError as error:
            reason = self._reason(error)
            if self._lost(error) and not self.server.url:
                self.problem = reason  # a program that has ended does not come back
            raise ToolFailure(self._code(error), f"{what}: {reason}") from error

    def _alive(self) -> Client:
        if self._client is None:
            raise ToolFailure(
                "unreachable", self.problem or f"The MCP server {self.server.name} is not connected."
            )
        return self._client

    def _checked(self, one: Listed) -> tuple[Check, Check]:
        checks = self._checks.get(one.tool.fingerprint)
        if checks is None:
            try:
                checks = compiled(one.tool.parameters), compiled(one.tool.result)
            except SchemaUnusable as error:
                raise _no_use(one, error) from error
            self._checks[one.tool.fingerprint] = checks
        return checks

    def _code(self, error: MCPError) -> FailureCode:
        from mcp_types import INVALID_PARAMS, REQUEST_TIMEOUT

        if TOO_LARGE in error.message:
            return "too_large"
        if self._lost(error):
            return "unreachable"
        if error.code == REQUEST_TIMEOUT:
            return "timeout"
        return "invalid" if error.code == INVALID_PARAMS else "failed"

    def _lost(self, error: MCPError) -> bool:
        from mcp_types import CONNECTION_CLOSED

        # Servers use this number for errors of their own too, so it takes the library's words as well.
        return error.code == CONNECTION_CLOSED and error.message.startswith(
            ("Connection closed", "SSE stream", UNREACHED)
        )

    def _reason(self, error: BaseException) -> str:
        """What went wrong with this server, as a sentence for the person."""
        from mcp import MCPError

        error = _first(error)
        name = self.server.name
        if isinstance(error, FileNotFoundError):
            return f"The MCP server {name} cannot be started: there is no program {self.server.command!r}."
        if isinstance(error, OSError):
            return f"The MCP server {name} cannot be started: {error.strerror or error}."
        if self._http is not None and self._http.refused in (401, 403):
            return (
                f"The MCP server {name} refuses us (status {self._http.refused});"
                " it may want a key under headers in mcp.json."
            )
        if isinstance(error, MCPError) and self._lost(error):
            if self._http is not None:
                return f"The MCP server {name} cannot be reached at {self.server.url}."
            return f"The MCP server {name} has ended.{self._where()}"
        said = str(error).strip()[:MOST_QUOTED_CHARACTERS] or type(error).__name__
        return f"The MCP server {name} failed: {said}"

    def _where(self) -> str:
        return "" if self.server.url else f" What it wrote last is in {self.log}."


_NOWHERE = logging.NullHandler()


def _first(error: BaseException) -> BaseException:
    """The first error of a group, however deep."""
    while isinstance(error, BaseExceptionGroup):
        error = cast(BaseExceptionGroup[BaseException], error).exceptions[0]
    return error


def _library_errors() -> tuple[type[Exception], ...]:
    from mcp import MCPError
    from pydantic import ValidationError

    return MCPError, ValidationError


def _found(check: Check, value: Any, one: Listed) -> str:
    try:
        return check(value)
    except SchemaUnusable as error:
        raise _no_use(one, error) from error


def _no_use(one: Listed, error: SchemaUnusable) -> ToolFailure:
    return ToolFailure("wrong_type", f"{one.tool.name} declares a schema that cannot be used: {error}.")


def _value(result: mcp_types.CallToolResult, one: Listed) -> Any:
    """What a result holds: structured content where there is any, else its text."""
    from mcp_types import EmbeddedResource, TextContent, TextResourceContents

    texts: list[str] = []
    left_out: list[str] = []
    for block in result.content:
        if isinstance(block, TextContent):
            texts.append(block.text)
        elif isinstance(block, EmbeddedResource) and isinstance(block.resource, TextResourceContents):
            texts.append(block.resource.text)
        else:
            left_out.append(block.type)
    if result.is_error:
        said = "\n".join(texts).strip()[:MOST_QUOTED_CHARACTERS] or "it does not say why"
        raise ToolFailure("failed", f"{one.tool.name}: {said}")
    if result.structured_content is not None:
        return result.structured_content
    if one.tool.result:
        raise ToolFailure("wrong_type", f"{one.tool.name} gave no structured content, which it declares.")
    if left_out and not texts:
        raise ToolFailure(
            "wrong_type", f"{one.tool.name} gave {left_out[0]}, which is not read from a server."
        )
    return "\n".join(texts)
