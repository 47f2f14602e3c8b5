"""MCP servers for the tests, well behaved and not, and somebody who accepts their tools."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pierian.provenance import USER, Labelled
from pierian.toolbox.mcp_servers import Connected, McpServer, connected
from pierian.tools import Tool, ToolFailure, invoke

SERVERS = Path(__file__).parent / "servers"


class Accepted:
    """What the user accepted, in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def signature(self, tool: str) -> dict[str, Any] | None:
        return self.kept.get(tool)

    async def everything(self, servers: Connected) -> dict[str, Tool]:
        """Accept all that is there; the tools that are offered then."""
        for change in await servers.changes():
            self.kept[change.tool] = msgspec.to_builtins(change.now)
        return {tool.name: tool for tool in await servers.tools()}


def program(script: str, *args: str, name: str = "s", **more: Any) -> McpServer:
    return McpServer(name=name, command=sys.executable, args=(str(SERVERS / script), *args), **more)


def calendar(**more: Any) -> McpServer:
    return program("well_behaved.py", name="calendar", **more)


def misbehaving(how: str, **more: Any) -> McpServer:
    return program("misbehaving.py", how, **more)


@contextlib.asynccontextmanager
async def all_accepted(*servers: McpServer) -> AsyncIterator[tuple[Connected, dict[str, Tool]]]:
    accepted = Accepted()
    async with connected(servers, accepted) as now:
        yield now, await accepted.everything(now)


async def call(tool: Tool, **values: Any) -> Any:
    result = await invoke(tool, {name: Labelled(value, USER) for name, value in values.items()})
    assert result is not None
    return result.value


async def failure(tool: Tool, **values: Any) -> ToolFailure:
    with pytest.raises(ToolFailure) as raised:
        await call(tool, **values)
    return raised.value
