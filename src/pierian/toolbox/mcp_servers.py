"""Tools of the user's MCP servers, as far as the user accepted them.

    async with connected(read_servers(), acceptances) as servers:
        tools = await servers.tools()

Each server runs beside the others and may fail alone: what is wrong with it is one of `problems`. A tool that is new,
or that differs from what was accepted, is not among the tools; `changes` tells what it says now and what it said.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable

from msgspec import Struct

from pierian.toolbox.mcp_connection import Connection
from pierian.toolbox.mcp_settings import McpServer, mcp_file, read_servers
from pierian.toolbox.mcp_signatures import Acceptances, Change, Signature, accepted
from pierian.tools import Tool

__all__ = [
    "Acceptances",
    "Change",
    "Connected",
    "McpServer",
    "Problem",
    "Signature",
    "connected",
    "mcp_file",
    "read_servers",
]


class Problem(Struct, frozen=True):
    """Why a server, or a tool of it, cannot be used; a sentence for the person, never for a planner."""

    server: str
    message: str


class Connected:
    """The servers while they are connected."""

    def __init__(self, connections: Iterable[Connection], acceptances: Acceptances) -> None:
        self._connections = tuple(connections)
        self._acceptances = acceptances

    async def tools(self) -> tuple[Tool, ...]:
        """What may be offered to a planner now: accepted, and unchanged since."""
        found: list[Tool] = []
        for connection in self._connections:
            found += [one.tool for one in await connection.refreshed() if connection.accepts(one)]
        return tuple(found)

    async def changes(self) -> tuple[Change, ...]:
        """What the user has to look at before it is offered: new tools and changed ones."""
        found: list[Change] = []
        for connection in self._connections:
            server = connection.server.name
            for one in await connection.refreshed():
                if not connection.accepts(one):
                    before = accepted(self._acceptances, one.tool.name)
                    found.append(Change(server=server, tool=one.tool.name, before=before, now=one.signature))
        return tuple(found)

    def problems(self) -> tuple[Problem, ...]:
        """What cannot be used, and why."""
        found: list[Problem] = []
        for connection in self._connections:
            name = connection.server.name
            if connection.problem:
                found.append(Problem(name, connection.problem))
                continue
            found += [Problem(name, f"{reason}; it is not offered.") for reason in connection.unfit]
            known = {name for one in connection.tools for name in (one.own_name, one.short_name)}
            found += [
                Problem(name, f"mcp.json gives {tool} an effect, but {name} has no such tool.")
                for tool in connection.server.effects
                if tool not in known
            ]
        return tuple(found)


@contextlib.asynccontextmanager
async def connected(servers: Iterable[McpServer], acceptances: Acceptances) -> AsyncGenerator[Connected]:
    """Start and connect to all servers at once, and end them with the block; a server that fails raises nothing."""
    connections = [Connection(server, acceptances) for server in servers]
    try:
        await asyncio.gather(*(connection.open() for connection in connections))
        yield Connected(connections, acceptances)
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))
