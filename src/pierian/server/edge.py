"""The outermost layer of the server: checks the Host header, numbers requests, counts and logs them, sets the headers
that every response carries.

The Host header is checked against names that this server is known by, because a page in a browser may let its own
name resolve to this machine and would then be of the same origin (DNS rebinding); a bare address cannot be rebound.
Nothing of a message is logged.
"""

from __future__ import annotations

import functools
import ipaddress
import logging
import secrets
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import msgspec

from pierian.server.metrics import Metrics

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

LOG = logging.getLogger("pierian.server")
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class Edge:
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

        async def send_marked(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name.lower() for name, _ in message["headers"]}
                added = [(name, value) for name, value in _HEADERS if name not in present]
                message["headers"] = [*message["headers"], (b"x-request-id", number.encode()), *added]
            await send(message)

        try:
            if not self._known(scope):
                await _refuse(send_marked)
                return
            await self._application(scope, receive, send_marked)
        finally:
            self._note(scope, number, status, time.perf_counter() - began)

    def _known(self, scope: Any) -> bool:
        named = [value for name, value in scope["headers"] if name == b"host"]
        if len(named) != 1:
            return False
        host = named[0].decode("latin-1").lower()
        if not host.endswith("]"):
            name, _, port = host.rpartition(":")
            host = name if name and port.isdecimal() else host
        return host in self._hosts or _is_address(host)

    def _note(self, scope: Any, number: str, status: int, seconds: float) -> None:
        route = scope.get("path_template") or "unmatched"
        self._metrics.responded(route, scope["method"], status, seconds)
        LOG.info(
            "request",
            extra={
                "fields": {
                    "request": number,
                    "method": scope["method"],
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


async def _refuse(send: Any) -> None:
    told = "This server is not known under that name. Start it with --allowed-host NAME to allow one."
    body = msgspec.json.encode(
        {
            "error": {
                "message": told,
                "type": "invalid_request_error",
                "param": None,
                "code": "host_not_allowed",
            }
        }
    )
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 421, "headers": headers})
    await send({"type": "http.response.body", "body": body})
