"""As much HTTP/1.1 as a test server needs: read one request, write one response, chunked or whole."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

MAX_BODY_BYTES = 64 * 2**20


async def read_request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], Any] | None:
    """Method, path, headers (names in lower case) and body as JSON; None where no request came."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    first, *lines = head.strip().split("\r\n")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    method, path, *_ = first.split(" ")
    length = min(int(headers.get("content-length", "0")), MAX_BODY_BYTES)
    raw = await reader.readexactly(length)
    return method, path.partition("?")[0], headers, msgspec.json.decode(raw) if raw else None


class Response:
    """Writes one response. `chunk_bytes` cuts a streamed body into pieces of that many bytes."""

    def __init__(self, writer: asyncio.StreamWriter, chunk_bytes: int | None = None) -> None:
        self._writer = writer
        self._chunk_bytes = chunk_bytes
        self.complete = False
        """The whole response was handed to the operating system."""

    async def json(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        """A whole JSON response; text is sent as it is."""
        content = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
        await self.whole(status, content, "application/json; charset=utf-8", headers)

    async def whole(
        self, status: int, content: bytes, kind: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """A response with a known length."""
        self._head(status, {"Content-Type": kind, "Content-Length": str(len(content)), **(headers or {})})
        self._writer.write(content)
        self.complete = True
        await self._writer.drain()

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of a response whose body comes in chunks."""
        self._head(status, {**headers, "Transfer-Encoding": "chunked"})
        await self._writer.drain()

    async def event(self, body: Any, *, last: bool = False) -> None:
        """One server-sent event."""
        await self.send(b"data: " + msgspec.json.encode(body) + b"\n\n", last=last)

    async def send(self, content: bytes, *, last: bool = False) -> None:
        """Bytes of the body; `last` ends it."""
        size = self._chunk_bytes or len(content)
        for start in range(0, len(content), size):
            part = content[start : start + size]
            self._writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            if self._chunk_bytes:
                await self._writer.drain()
                await asyncio.sleep(0)  # let the client read it, so that the cut is seen
        if last:
            self.end()
        await self._writer.drain()

    def end(self) -> None:
        """The end of a body in chunks."""
        self._writer.write(b"0\r\n\r\n")
        self.complete = True

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {_phrase(status)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
