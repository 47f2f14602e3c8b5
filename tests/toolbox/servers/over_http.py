"""An MCP server over streamable HTTP on a free loopback port; it prints its address.

With the argument `json` it answers in plain JSON instead of event streams. It wants the header `X-Key: secret`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

server = MCPServer("remote")


@server.tool(structured_output=False)
def double(number: int) -> str:
    """Twice a number."""
    return str(2 * number)


@server.tool(structured_output=False)
def huge() -> str:
    """A hundred megabytes."""
    return "x" * 100_000_000


@server.tool(structured_output=False)
def die() -> str:
    """End the server in the middle of the call."""
    os._exit(3)


@server.tool(structured_output=False)
async def grow(context: Context) -> str:
    """Get a further tool."""

    def further() -> str:
        """Grown."""
        return "further"

    server.add_tool(further, structured_output=False)
    await context.notify_tools_changed()
    return "grown"


def guarded(app: ASGIApp) -> ASGIApp:
    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and Request(scope).headers.get("x-key") != "secret":
            await Response("no", 401)(scope, receive, send)
        else:
            await app(scope, receive, send)

    return run


async def main() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
    app = server.streamable_http_app(json_response="json" in sys.argv)
    await uvicorn.Server(uvicorn.Config(guarded(app), log_level="error")).serve([listening])


asyncio.run(main())
