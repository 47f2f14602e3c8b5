"""What pages answer with: HTML under a strict policy, fragments for htmx, and other addresses to go to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litestar.datastructures import Cookie
from litestar.response import Response

from pierian.server.exchange import HttpRequest

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
