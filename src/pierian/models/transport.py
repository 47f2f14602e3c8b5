"""Connections to model servers for a process that asks many times: those of `aiohttp`, under `httpx2`'s client.

The connections that come with `httpx2` parse in Python and ask the kernel about every idle one before and after each
request; `aiohttp` parses in C, and the event loop tells it when an idle one ends. It takes twice as long to load, so
only the server does. Encodings, cookies and redirects stay the business of the client above; proxies are not used.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import ssl
from collections.abc import AsyncGenerator, Generator

import aiohttp
import httpx2
from yarl import URL

from pierian.models.client import IDLE_SECONDS, Client

AT_ONCE_BYTES = 512 * 1024
"""Of a body; more is sent in parts, between which the event loop turns to others."""

# The first that fits counts; all are errors of a library that has a name of its own for each.
_NAMES: tuple[tuple[type[Exception], type[httpx2.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx2.ConnectTimeout),
    (TimeoutError, httpx2.ReadTimeout),
    (aiohttp.ClientConnectorError, httpx2.ConnectError),
    (aiohttp.InvalidURL, httpx2.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx2.UnsupportedProtocol),
    (aiohttp.ClientOSError, httpx2.ReadError),
    (aiohttp.ClientError, httpx2.RemoteProtocolError),
    (OSError, httpx2.ReadError),
)


@contextlib.contextmanager
def pooled_connections() -> Generator[None]:
    """Within it, every `Client` that this process opens has such connections."""
    before, Client.make_transport = Client.make_transport, PooledTransport
    try:
        yield
    finally:
        Client.make_transport = before


class PooledTransport(httpx2.AsyncBaseTransport):
    """Connections that stay open between requests, of one event loop.

    Args:
        verify: Whether certificates are loaded, to check those of servers that are asked by https.
    """

    def __init__(self, *, verify: bool) -> None:
        self._tls = httpx2.create_ssl_context() if verify else False
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; the body of its answer is read as it comes."""
        if self._session is None:  # made here, for it belongs to the event loop that runs
            self._session = _opened(self._tls)
        limits: dict[str, float | None] = request.extensions.get("timeout", {})
        connect, write, read = (limits.get(name) for name in ("connect", "write", "read"))
        body = await request.aread()
        with _renamed(request):
            # `aiohttp` waits without end for a server that takes no more of a body.
            async with asyncio.timeout(_sum(connect, write, read)):
                response = await self._session.request(
                    request.method,
                    URL(str(request.url), encoded=True),
                    headers=request.headers.multi_items(),
                    data=(io.BytesIO(body) if len(body) > AT_ONCE_BYTES else body) or None,
                    timeout=aiohttp.ClientTimeout(connect=connect, sock_read=read),
                    allow_redirects=False,
                )
        return httpx2.Response(
            response.status, headers=list(response.raw_headers), stream=_Body(response, request)
        )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()


class _Body(httpx2.AsyncByteStream):
    """The body of an answer. Read to its end it gives the connection back; closed before, it ends it."""

    def __init__(self, response: aiohttp.ClientResponse, request: httpx2.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        with _renamed(self._request):
            while part := await self._response.content.readany():
                yield part

    async def aclose(self) -> None:
        self._response.close()


def _sum(*seconds: float | None) -> float | None:
    known = [one for one in seconds if one is not None]
    return sum(known) if len(known) == len(seconds) else None


def _opened(tls: ssl.SSLContext | bool) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_SECONDS, ssl=tls),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
    )


@contextlib.contextmanager
def _renamed(request: httpx2.Request) -> Generator[None]:
    """Raise what `aiohttp` raises under the names that `httpx2` has for it."""
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        name = next(name for kind, name in _NAMES if isinstance(error, kind))
        raise name(str(error) or type(error).__name__, request=request) from error
