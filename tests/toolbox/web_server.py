"""A server on loopback for the tests of the web: says what it is told, byte by byte, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_address

from pierian.toolbox.addresses import Address

Serving = Callable[[asyncio.StreamWriter], Awaitable[None]]

HERE, ELSEWHERE = ip_address("127.0.0.1"), ip_address("127.0.0.2")


def response(
    body: bytes = b"", status: int = 200, kind: str = "text/html; charset=utf-8", headers: str = ""
) -> bytes:
    """A whole HTTP response."""
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n"
    head += f"Content-Type: {kind}\r\n" if kind else ""
    return f"{head}{headers}\r\n".encode() + body


def leading(to: str) -> bytes:
    """A redirect."""
    return response(status=302, headers=f"Location: {to}\r\n")


class WebServer:
    """Answers by path; anything else is a 404. `asked` holds the requests' first lines and Host headers."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | Serving] = {}
        self.asked: list[tuple[str, str]] = []
        self.heads: list[str] = []
        self.port = 0

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def url(self, path: str, host: str = "site.example", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.heads.append(head)
            path = head.split(" ")[1]
            host = next(line[6:] for line in head.split("\r\n") if line.lower().startswith("host: "))
            self.asked.append((path, host))
            page = self.pages.get(path, response(b"nothing here", 404))
            if isinstance(page, bytes):
                writer.write(page)
                await writer.drain()
            else:
                await page(writer)
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def serving(address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[WebServer]:
    """A server for as long as the block lasts."""
    server = WebServer()
    listening = await asyncio.start_server(server.handle, address, 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


async def here(host: str, port: int) -> list[Address]:
    """Every name leads to this server; an address leads to itself."""
    with contextlib.suppress(ValueError):
        return [ip_address(host)]
    return [HERE]
