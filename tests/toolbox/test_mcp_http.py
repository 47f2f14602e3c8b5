"""MCP servers over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator

import pytest
from tests.toolbox.mcp_peers import (
    SERVERS,
    Accepted,
    all_accepted,
    call,
    failure,
)

from pierian.toolbox import mcp_limits
from pierian.toolbox.mcp_servers import McpServer, connected


@contextlib.asynccontextmanager
async def over_http(*args: str) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SERVERS / "over_http.py"),
        *args,
        stdout=asyncio.subprocess.PIPE,
        env=dict(os.environ),
    )
    assert process.stdout
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def remote(url: str, key: str = "secret") -> McpServer:
    return McpServer(name="remote", url=url, headers={"X-Key": key})


@pytest.mark.parametrize("form", ["json", "events"])
async def test_over_http(form: str) -> None:
    async with over_http(form) as url, all_accepted(remote(url)) as (servers, tools):
        assert await call(tools["remote.double"], number=21) == "42"
        assert (await failure(tools["remote.double"], number="x")).code == "invalid"
        assert (await failure(tools["remote.huge"])).code == "too_large"
        assert await call(tools["remote.double"], number=2) == "4"
        assert servers.problems() == ()
        failed = await failure(tools["remote.die"])
        assert failed.code == "unreachable"
        failed = await failure(tools["remote.double"], number=2)
        assert (failed.code, url in str(failed)) == ("unreachable", True)


async def test_over_http_changes_are_heard() -> None:
    async with over_http() as url, all_accepted(remote(url)) as (servers, tools):
        await call(tools["remote.grow"])
        async with asyncio.timeout(10):
            while not (changes := await servers.changes()):  # it comes on another connection, when it comes
                await asyncio.sleep(0.01)
    assert [change.tool for change in changes] == ["remote.further"]


async def test_over_http_a_refusal_says_what_may_be_missing() -> None:
    async with over_http() as url, all_accepted(remote(url, key="wrong")) as (servers, _):
        (problem,) = servers.problems()
    assert "status 401" in problem.message
    assert "headers in mcp.json" in problem.message


async def test_over_http_a_hanging_server_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_limits, "START_SECONDS", 0.5)
    ended = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        ended.set()

    listening = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        begin = time.monotonic()
        async with connected([remote(f"http://127.0.0.1:{port}/mcp")], Accepted()) as servers:
            (problem,) = servers.problems()
        assert time.monotonic() - begin < 5
        await asyncio.wait_for(ended.wait(), 10)
    assert "did not answer within 0.5 seconds" in problem.message
