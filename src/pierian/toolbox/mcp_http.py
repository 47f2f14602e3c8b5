"""The transport to an MCP server at an address: the library's streamable HTTP over a client with bounds.

The library takes a body of any size, and a connection that fails ends its whole session. This client bounds each
answer, takes none that is compressed (a few bytes could become gigabytes), and turns a failed connection into an
error answer of that one request. Redirects are followed by the library, within the address's own origin.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR

from pierian.toolbox.mcp_limits import CALL_SECONDS, MOST_MESSAGE_BYTES, TOO_LARGE, UNREACHED
from pierian.toolbox.mcp_settings import McpServer


class BoundedClient(httpx2.AsyncClient):
    """A client for one MCP server; `refused` is the status that turned down the last request, 0 if none did."""

    refused = 0

    async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """The answer within bounds; an error in JSON-RPC where there is none."""
        try:
            response = await super().send(request, stream=True, **options)
        except httpx2.HTTPError as error:
            return _error(request, CONNECTION_CLOSED, f"{UNREACHED}: {error or type(error).__name__}")
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            return _error(request, INTERNAL_ERROR, "The answer is compressed, which was not asked for.")
        self.refused = response.status_code if response.status_code >= 400 else 0
        if request.method == "POST":  # the stream of notifications that a GET opens may go on for ever
            response.stream = _Bounded(response)
        if not stream:
            await response.aread()
        return response


class _Bounded(httpx2.AsyncByteStream):
    """A body up to its bound; what goes wrong becomes the error that the library expects of such a body."""

    def __init__(self, response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        self._stream = response.stream
        events = response.headers.get("content-type", "").lower().startswith("text/event-stream")
        self._failure = httpx2.SSEError if events else httpx2.StreamError

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for chunk in self._stream:
                size += len(chunk)
                if size > MOST_MESSAGE_BYTES:
                    raise self._failure(TOO_LARGE)
                yield chunk
        except httpx2.SSEError:
            raise
        except httpx2.TransportError as error:
            raise self._failure(f"{UNREACHED}: {error or type(error).__name__}") from error

    async def aclose(self) -> None:
        await self._stream.aclose()


@contextlib.asynccontextmanager
async def http_transport(server: McpServer, client: BoundedClient) -> AsyncGenerator[Any]:
    """Connect by streamable HTTP."""
    async with (
        client,
        streamable_http_client(
            server.url, http_client=client, max_sse_event_size=MOST_MESSAGE_BYTES
        ) as streams,
    ):
        yield streams


def client_for(server: McpServer) -> BoundedClient:
    """A client with the user's headers."""
    loopback = httpx2.URL(server.url).host in ("127.0.0.1", "localhost", "::1")
    return BoundedClient(
        headers={**server.headers, "Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(10.0, read=CALL_SECONDS + 10.0),
        trust_env=not loopback,  # a proxy for the outside is not told what stays on this machine
    )


def _error(request: httpx2.Request, code: int, message: str) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return httpx2.Response(400, json=body, request=request)
