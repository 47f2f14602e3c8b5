"""The outermost layer of the server: checks the Host header, numbers requests, counts and logs them, sets the headers
that every response carries, answers HEAD as GET without the body.

The Host header is checked against names that this server is known by, because a page in a browser may let its own
name resolve to this machine and would then be of the same origin (DNS rebinding); a bare address cannot be rebound.
A page of another origin is refused too: a browser sends its requests even where it may not read the answers. Nothing
of a message is logged.
"""

from __future__ import annotations

import functools
import ipaddress
import logging
import secrets
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, cast

import msgspec

from pierian.server.errors import ApiError, anthropic_body, openai_body
from pierian.server.metrics import Metrics

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

LOG = logging.getLogger("pierian.server")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class Middleware:
    """Wraps the application.

    Args:
        hosts: Names under which it may be asked for, without ports, beside addresses.
    """

    def __init__(self, application: ASGIApp, hosts: Collection[str], metrics: Metrics) -> None:
        self._application = application
        self._hosts = frozenset(host.lower() for host in hosts)
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, in the ASGI way."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        number, began, status = f"req_{secrets.token_hex(12)}", time.perf_counter(), 0
        scope["state"]["request_id"] = number
        method, ended = scope["method"], False
        if method == "HEAD":
            # A copy: whoever sends the response has to know that it has no body.
            scope = cast("Scope", {**scope, "method": "GET"})

        async def send_marked(message: Any) -> None:
            nonlocal status, ended
            if ended:
                return  # the events of a stream, of which HEAD wants none
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name.lower() for name, _ in message["headers"]}
                added = [(name, value) for name, value in _HEADERS if name not in present]
                message["headers"] = [*message["headers"], (b"x-request-id", number.encode()), *added]
            elif method == "HEAD":
                message, ended = {"type": "http.response.body", "body": b""}, True
            await send(message)

        try:
            headers = scope["headers"]
            if not self._known(headers):
                told = "This server is not known under that name. Start it with --allowed-host NAME to allow one."
                await _refuse(scope, send_marked, ApiError(421, told, code="host_not_allowed"))
                return
            if _from_another_page(scope["method"], headers):
                told = "Pages of other origins may not use this server. Ask from a program of your own."
                await _refuse(scope, send_marked, ApiError(403, told, code="origin_not_allowed"))
                return
            await self._application(scope, receive, send_marked)
        finally:
            self._note(scope, method, number, status, time.perf_counter() - began)

    def _known(self, headers: Any) -> bool:
        named = [value for name, value in headers if name == b"host"]
        if len(named) != 1:
            return False
        host = named[0].decode("latin-1").lower()
        if not host.endswith("]"):
            name, _, port = host.rpartition(":")
            host = name if name and port.isdecimal() else host
        return host in self._hosts or _is_address(host)

    def _note(self, scope: Any, method: str, number: str, status: int, seconds: float) -> None:
        route = scope.get("path_template") or "unmatched"
        self._metrics.responded(route, method, status, seconds)
        # A page comes with some thirty files; they are counted, and only their failures logged.
        quiet = route.startswith("/static/") and 0 < status < 400
        LOG.log(
            logging.DEBUG if quiet else logging.INFO,
            "request",
            extra={
                "fields": {
                    "request": number,
                    "method": method,
                    "route": route,
                    "status": status or "client left",
                    "seconds": round(seconds, 4),
                    **scope["state"].get("log", {}),
                }
            },
        )


@functools.lru_cache(maxsize=1024)
def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _from_another_page(method: str, headers: Any) -> bool:
    """Whether a browser says that the request comes from a page of another origin; programs say nothing of it.

    Somebody who follows a link to a page of ours is welcome: they see the page, and the one they came from does not.
    """
    told = dict(headers)
    if told.get(b"sec-fetch-site", b"same-origin") not in (b"same-origin", b"none"):
        followed = told.get(b"sec-fetch-mode") == b"navigate" and told.get(b"sec-fetch-dest") == b"document"
        return not (method == "GET" and followed)
    page = told.get(b"origin")
    if page is None and method != "GET":
        page = told.get(b"referer")  # of old browsers; GET changes nothing here
    if page is None:
        return False
    return page.partition(b"://")[2].partition(b"/")[0].lower() != told.get(b"host", b"").lower()


async def _refuse(scope: Any, send: Any, error: ApiError) -> None:
    number = scope["state"]["request_id"]
    spoken = anthropic_body(error, number) if scope["path"].startswith("/v1/messages") else openai_body(error)
    body = msgspec.json.encode(spoken)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
