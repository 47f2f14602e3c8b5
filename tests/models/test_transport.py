"""The server's connections: every failure has the name that `httpx2` gives it, and none is kept that cannot serve.

What a client makes of them, and of every other fault of a server, is in `test_client`, which runs here again.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import os
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

import httpx2
import pytest
from tests.models.test_client import *  # noqa: F403 (all of it holds for these connections too)

from pierian.models.client import Client, Endpoint
from pierian.models.transport import PooledTransport, pooled_connections

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
BEGUN = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n"


@pytest.fixture(autouse=True)
def _pooled() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]
    with pooled_connections():
        yield


class Peer:
    """A server that is told what to say on each connection, and counts them."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.connections = 0
        self.closed = asyncio.Event()
        """Set when a client has closed a connection."""
        self.heads: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while not reader.at_eof():
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                await self._talk(reader, writer)
                await writer.drain()
                if writer.is_closing():
                    break
        self.closed.set()
        writer.close()


def says(*parts: bytes, close: bool = False) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(parts))
        if close:
            writer.close()

    return talk


@contextlib.asynccontextmanager
async def opened(talk: Talk) -> AsyncGenerator[tuple[Peer, PooledTransport, httpx2.URL]]:
    peer, transport = Peer(talk), PooledTransport(verify=False)
    server = await asyncio.start_server(peer, "127.0.0.1", 0)
    url = httpx2.URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/models?a=%2F&b=c%20d")
    try:
        yield peer, transport, url
    finally:
        await transport.aclose()
        server.close()


async def ask(
    transport: PooledTransport,
    url: httpx2.URL,
    *,
    read: float = 10.0,
    connect: float = 10.0,
    body: bytes = b"",
) -> bytes:
    timeout = httpx2.Timeout(read, connect=connect).as_dict()
    request = httpx2.Request("POST" if body else "GET", url, content=body, extensions={"timeout": timeout})
    response = await transport.handle_async_request(request)
    async with contextlib.aclosing(response):
        return await response.aread()


async def test_an_answer_that_was_read_out_leaves_its_connection_to_the_next() -> None:
    async with opened(says(WHOLE)) as (peer, transport, url):
        assert [await ask(transport, url) for _ in range(3)] == [b"ok"] * 3
        assert peer.connections == 1


async def test_a_request_is_sent_as_it_is() -> None:
    async with opened(says(WHOLE)) as (peer, transport, url):
        request = httpx2.Request("GET", url, headers=[("x-one", "1"), ("x-one", "2")])
        await (await transport.handle_async_request(request)).aread()
        first, *fields = peer.heads[0].decode().lower().split("\r\n")
        assert first == "get /v1/models?a=%2f&b=c%20d http/1.1"
        assert sorted(filter(None, fields)) == [f"host: 127.0.0.1:{url.port}", "x-one: 1", "x-one: 2"]


async def test_an_answer_left_early_ends_its_connection_at_once() -> None:
    async with opened(says(BEGUN)) as (peer, transport, url):
        response = await transport.handle_async_request(httpx2.Request("GET", url))
        async with contextlib.aclosing(response):
            async for part in response.aiter_raw():
                assert part == b"ab"
                break
        async with asyncio.timeout(5):
            await peer.closed.wait()


async def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    async with opened(says(WHOLE, close=True)) as (peer, transport, url):
        await ask(transport, url)
        async with asyncio.timeout(5):
            await peer.closed.wait()
        for _ in range(10):  # until the event loop has seen it too
            await asyncio.sleep(0)
        assert await ask(transport, url, body=b"{}") == b"ok"
        assert peer.connections == 2


async def test_a_packed_answer_is_unpacked_once() -> None:
    packed = gzip.compress(b"ok")
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    async with opened(says(head, packed)) as (_, transport, url):
        assert await ask(transport, url) == b"ok"


@pytest.mark.parametrize(
    ("talk", "name"),
    [
        (says(close=True), httpx2.RemoteProtocolError),
        (says(BEGUN, close=True), httpx2.RemoteProtocolError),
        (says(b"SSH-2.0-OpenSSH_9.9\r\n"), httpx2.RemoteProtocolError),
        (says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", close=True), httpx2.RemoteProtocolError),
        (says(b""), httpx2.ReadTimeout),
        (says(BEGUN), httpx2.ReadTimeout),
    ],
)
async def test_each_failure_has_its_name(talk: Talk, name: type[Exception]) -> None:
    async with opened(talk) as (_, transport, url):
        with pytest.raises(name):
            await ask(transport, url, read=0.2)


async def test_a_server_that_takes_no_body_is_given_up() -> None:
    async def read_no_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with opened(read_no_more) as (_, transport, url):
        async with asyncio.timeout(10):
            with pytest.raises(httpx2.TimeoutException):
                await ask(transport, url, read=0.2, connect=0.2, body=bytes(50_000_000))


async def test_nobody_there_and_nobody_who_answers() -> None:
    transport = PooledTransport(verify=False)
    with socket.socket() as closed, socket.socket() as full:
        closed.bind(("127.0.0.1", 0))
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with contextlib.ExitStack() as waiting:
            for _ in range(3):  # the queue of those that nobody takes is full then
                one = waiting.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            with pytest.raises(httpx2.ConnectError):
                await ask(transport, httpx2.URL(f"http://127.0.0.1:{closed.getsockname()[1]}/"))
            with pytest.raises(httpx2.ConnectTimeout):
                await ask(transport, httpx2.URL(f"http://127.0.0.1:{full.getsockname()[1]}/"), connect=0.2)
    await transport.aclose()


async def test_they_are_for_whoever_opens_a_client_meanwhile_and_never_pass_by_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def kind(url: str) -> bool:
        return isinstance(Client(Endpoint(url, "m"))._http._transport, PooledTransport)  # pyright: ignore[reportPrivateUsage]

    for name in os.environ:
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("no_proxy", "localhost")
    monkeypatch.setattr(Client, "make_transport", None)
    with pooled_connections():
        assert kind("http://127.0.0.1:1/v1")
        assert kind("http://models.example/v1")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:2")
        assert kind("http://127.0.0.1:1/v1")
        assert not kind("http://models.example/v1")
    assert not kind("http://127.0.0.1:1/v1")
