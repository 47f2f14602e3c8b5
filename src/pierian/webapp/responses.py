"""What pages answer with: HTML under a strict policy, fragments for htmx, and other addresses to go to.

`packing` compresses pages on their way. Compression lets an observer of the wire guess at a secret where they can put
guesses beside it and look again and again (BREACH). A key, an invitation or a link is on one page once and is another
one the next time; and what other sites send a signed-in browser to, with guesses in a query, is not compressed.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from litestar.datastructures import Cookie
from litestar.response import Response

from pierian.server.exchange import HttpRequest

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; worker-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing is loaded from elsewhere, nothing inline runs, nobody frames us."""
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "x-frame-options": "DENY",
}
WORTH_PACKING = 1_000
"""Bytes; what is smaller fits into a packet anyway."""
PACKED_AT_ONCE = 32_000
"""Bytes; what is larger is compressed beside the loop (32 KB take a third of a millisecond)."""
LEVEL = 5
"""Of gzip: 9 takes three times as long for two per cent."""


def html(
    body: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    cookies: Sequence[Cookie] = (),
) -> Response[str]:
    """A page, or a part of one."""
    told = {**HEADERS, **(headers or {})}
    return Response(body, status_code=status, media_type="text/html", headers=told, cookies=list(cookies))


def nothing(headers: Mapping[str, str] | None = None, cookies: Sequence[Cookie] = ()) -> Response[Any]:
    """Nothing to put on the page: what changed comes by another way."""
    return Response(None, status_code=204, headers={**HEADERS, **(headers or {})}, cookies=list(cookies))


def go_to(request: HttpRequest, page: str, cookies: Sequence[Cookie] = ()) -> Response[Any]:
    """Send the browser to another page of this server, from a form or from htmx."""
    if is_fragment(request):
        return nothing({"hx-redirect": page}, cookies)
    return Response(None, status_code=303, headers={**HEADERS, "location": page}, cookies=list(cookies))


def done(request: HttpRequest, page: str) -> Response[Any]:
    """What changed arrives by the stream of the page; a form that was sent without scripts leads back to it."""
    return nothing() if is_fragment(request) else go_to(request, page)


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks, for a part of a page that is there already."""
    return request.headers.get("hx-request") == "true"


def packing(app: ASGIApp) -> ASGIApp:
    """An application with its pages and fragments compressed for browsers that take it; streams stay as they are."""

    async def packed(scope: Scope, receive: Receive, send: Send) -> None:
        held: Any = None
        takes = _takes_packed(dict(scope["headers"]))

        async def send_packed(message: Any) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_page(message):
                held = message  # until its body says how long it is
                return
            if held is not None:
                start, held = held, None
                body, headers = message.get("body", b""), [*start["headers"], (b"vary", b"accept-encoding")]
                if takes and len(body) >= WORTH_PACKING and not message.get("more_body", False):
                    body = await _gzip(body)
                    headers = [(name, value) for name, value in headers if name.lower() != b"content-length"]
                    headers += [
                        (b"content-length", str(len(body)).encode()),
                        (b"content-encoding", b"gzip"),
                    ]
                start["headers"] = headers
                await send(start)
                message = {**message, "body": body}
            await send(message)

        await app(scope, receive, send_packed)

    return packed


def _takes_packed(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser takes gzip, and no other site sent it here with its cookie."""
    sent = headers.get(b"sec-fetch-site") == b"cross-site" and b"cookie" in headers
    return b"gzip" in headers.get(b"accept-encoding", b"") and not sent


def _is_page(start: Any) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/html") for name, value in start["headers"]
    )


async def _gzip(body: bytes) -> bytes:
    if len(body) <= PACKED_AT_ONCE:
        return gzip.compress(body, LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, LEVEL, mtime=0)
