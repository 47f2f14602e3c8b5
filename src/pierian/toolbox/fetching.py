"""Fetches what stands at an address of the open web, and is not led anywhere else.

A host's name is resolved here, its addresses are checked, and the connection goes to exactly a checked one, so that a
name which answers differently the second time (DNS rebinding) changes nothing; each redirect is checked anew. No
cookies, no credentials, no proxy settings out of the environment, and bounds on redirects, bytes (after
decompression) and seconds. It obeys robots.txt. It runs no scripts: a page that needs them comes back empty.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from pierian.toolbox.addresses import Address, may_be_fetched, resolve
from pierian.toolbox.robots import MOST_ROBOTS_BYTES, Robots
from pierian.tools import ToolFailure

if TYPE_CHECKING:
    import httpx2

USER_AGENT = f"Pierian/{version('pierian')}"
WEB_PORTS = frozenset({80, 443})
MOST_BYTES = 3_000_000
MOST_PICTURE_BYTES = 20_000_000
MOST_SECONDS = 20.0
MOST_REDIRECTS = 5
MOST_URL_CHARACTERS = 2000
MOST_ADDRESSES = 3
_CONNECT_SECONDS, _READ_SECONDS = 5.0, 10.0
_HOST = re.compile(rb"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PACKINGS = ("", "identity", "gzip", "deflate")
_KINDS: Mapping[str, Literal["html", "text"]] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/plain": "text",
    "text/markdown": "text",
    "text/csv": "text",
    "text/xml": "text",
    "application/xml": "text",
    "application/json": "text",
}

Kind = Literal["html", "text", "picture"]
Wanted = Literal["page", "picture"]
_ACCEPTED: Mapping[Wanted, str] = {
    "page": "text/html, text/plain, application/json, application/xml;q=0.9",
    "picture": "image/*, application/pdf, application/dicom",
}
Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]


class Fetched(Struct, frozen=True):
    """What stood at an address."""

    url: str
    """Where it stood in the end."""
    kind: Kind
    charset: str
    """What the server says; empty where it says nothing."""
    body: bytes
    hosts: tuple[str, ...]
    """All hosts on the way, the first one first."""


class Answer(Struct, frozen=True):
    """One response. `body` is cut off at the limit it was read with, and then not `whole`."""

    status: int
    location: str = ""
    content_type: str = ""
    body: bytes = b""
    whole: bool = True


class Fetcher:
    """A careful client for pages. `allowed` and `resolver` decide where connections go, `tls` whom they trust."""

    def __init__(
        self,
        *,
        allowed: Callable[[Address], bool] = may_be_fetched,
        resolver: Resolver = resolve,
        ports: Collection[int] = WEB_PORTS,
        seconds: float = MOST_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed, self._resolver, self._ports, self._seconds = allowed, resolver, ports, seconds
        self._tls = tls
        self._robots = Robots(self._robots_file, USER_AGENT)

    async def fetch(self, url: str, wanted: Wanted = "page") -> Fetched:
        """Get a page, or a picture, whose type is not believed; raises `ToolFailure`."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._fetch(url, wanted)
        except TimeoutError as error:
            message = f"{_shown(url)} took longer than {self._seconds:g} seconds."
            raise ToolFailure("timeout", message) from error

    async def _fetch(self, url: str, wanted: Wanted) -> Fetched:
        target = self._checked(url)
        hosts = [target.host]
        for _ in range(MOST_REDIRECTS + 1):
            if not await self._robots.allow(target):
                raise ToolFailure(
                    "denied", f"{target.host} does not want programs to read {_shown(str(target))}."
                )
            most_bytes = MOST_BYTES if wanted == "page" else MOST_PICTURE_BYTES
            answer = await self._get(target, most_bytes, wanted)
            if answer.status not in _REDIRECTS or not answer.location:
                return _fetched(target, answer, tuple(dict.fromkeys(hosts)), wanted)
            target = self._checked(answer.location, target)
            hosts.append(target.host)
        raise ToolFailure("failed", f"{_shown(url)} leads on more than {MOST_REDIRECTS} times.")

    async def _robots_file(self, origin: httpx2.URL) -> tuple[int, bytes]:
        """Status and beginning of a robots.txt, redirects followed; raises `ToolFailure` where there is none."""
        target = origin
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._get(target, MOST_ROBOTS_BYTES)
            if answer.status not in _REDIRECTS or not answer.location:
                return answer.status, answer.body
            target = self._checked(answer.location, target)
        raise ToolFailure("failed", f"The robots.txt of {origin.host} leads on and on.")

    def _checked(self, url: str, base: httpx2.URL | None = None) -> httpx2.URL:
        """The address if it is one that may be asked for, without its fragment."""
        import httpx2

        try:
            whole = url.strip() if "://" in url else f"https://{url.strip()}"
            target = base.join(url) if base is not None else httpx2.URL(whole)
            port = target.port or {"http": 80, "https": 443}.get(target.scheme, 0)
        except (httpx2.InvalidURL, ValueError, TypeError) as error:
            raise ToolFailure("invalid", f"{_shown(url)} is not an address.") from error
        if target.scheme not in ("http", "https") or not _HOST.fullmatch(target.raw_host):
            raise ToolFailure(
                "invalid",
                f"{_shown(url)} is not the address of a page.",
                hint="It begins with https:// or http://.",
            )
        if len(str(target)) > MOST_URL_CHARACTERS:
            raise ToolFailure("invalid", f"{_shown(url)} is too long for an address.")
        if target.userinfo:
            raise ToolFailure("denied", "An address with a user name or password in it is not opened.")
        if port not in self._ports:
            raise ToolFailure("denied", f"Pages are not fetched from port {port}.")
        return target.copy_with(fragment=None)

    async def _addresses(self, target: httpx2.URL) -> list[Address]:
        """The host's addresses that may be connected to; raises `ToolFailure` where there is none."""
        host = target.raw_host.decode("ascii")
        try:
            found = await self._resolver(host, target.port or (443 if target.scheme == "https" else 80))
        except (socket.gaierror, UnicodeError) as error:
            raise ToolFailure("not_found", f"There is no host called {target.host}.") from error
        except OSError as error:
            raise ToolFailure("unreachable", f"Looking up {target.host} failed: {error}.") from error
        addresses = [address for address in found if self._allowed(address)]
        if not addresses:
            raise ToolFailure(
                "denied", f"{target.host} is not on the open Internet; only public pages are fetched."
            )
        return addresses[:MOST_ADDRESSES]

    async def _get(self, target: httpx2.URL, most_bytes: int, wanted: Wanted = "page") -> Answer:
        """One request, to the first of the host's addresses that takes a connection."""
        import httpx2

        addresses = await self._addresses(target)
        self._tls = self._tls or await asyncio.to_thread(httpx2.create_ssl_context, trust_env=False)
        for number, address in enumerate(addresses, 1):
            try:
                return await _ask(target, address, self._tls, most_bytes, wanted)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                if number == len(addresses):
                    raise ToolFailure("unreachable", f"{target.host} cannot be reached: {error}.") from error
            except httpx2.TimeoutException as error:
                raise ToolFailure("timeout", f"{target.host} does not answer.") from error
            except httpx2.DecodingError as error:
                raise ToolFailure("wrong_type", f"What {target.host} sent is damaged.") from error
            except httpx2.HTTPError as error:
                raise ToolFailure(
                    "unreachable", f"{target.host} broke off, or does not speak HTTP: {error}."
                ) from error
        raise AssertionError("there is at least one address")


async def _ask(
    target: httpx2.URL, address: Address, tls: ssl.SSLContext, most_bytes: int, wanted: Wanted
) -> Answer:
    """Ask one address for a page of a host.

    The connection goes to the address; the host's name is in the Host header and in the TLS handshake, whose
    certificate must be for it. A new connection each time: one that is kept would belong to the address,
    not to the host.
    """
    import httpx2

    host = target.raw_host.decode("ascii")
    request = httpx2.Request(
        "GET",
        target.copy_with(host=str(address)),
        headers={
            "Host": target.netloc.decode("ascii"),
            "User-Agent": USER_AGENT,
            "Accept": _ACCEPTED[wanted],
            "Accept-Encoding": "gzip",
            "Connection": "close",
        },
        extensions={
            "sni_hostname": host,
            "timeout": {"connect": _CONNECT_SECONDS, "read": _READ_SECONDS, "write": _READ_SECONDS},
        },
    )
    async with httpx2.AsyncHTTPTransport(verify=tls, trust_env=False) as transport:
        response = await transport.handle_async_request(request)
        try:
            return await _answer(response, most_bytes)
        finally:
            await response.aclose()


async def _answer(response: httpx2.Response, most_bytes: int) -> Answer:
    headers = response.headers
    if response.status_code in _REDIRECTS and "location" in headers:
        return Answer(response.status_code, headers["location"])
    packed = headers.get("content-encoding", "").strip().lower()
    if packed not in _PACKINGS:  # one that is packed twice can grow a millionfold, and names both
        raise ToolFailure("wrong_type", f"The page is packed in a way that was not asked for: {packed[:40]}.")
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > most_bytes:
            break
    return Answer(
        response.status_code,
        content_type=headers.get("content-type", ""),
        body=bytes(body[:most_bytes]),
        whole=len(body) <= most_bytes,
    )


def _fetched(target: httpx2.URL, answer: Answer, hosts: tuple[str, ...], wanted: Wanted) -> Fetched:
    shown = _shown(str(target))
    match answer.status:
        case status if 200 <= status < 300:
            pass
        case 404 | 410:
            raise ToolFailure("not_found", f"There is no page {shown}.")
        case 401 | 402 | 403 | 407 | 451:
            raise ToolFailure("denied", f"{target.host} does not show {shown} to everyone ({answer.status}).")
        case 429 | 500 | 502 | 503 | 504:
            raise ToolFailure(
                "unreachable",
                f"{target.host} cannot give {shown} now ({answer.status}).",
                hint="Try again later.",
            )
        case _:
            raise ToolFailure("failed", f"{target.host} answered {answer.status} for {shown}.")
    if not answer.whole:
        raise ToolFailure(
            "too_large", f"{shown} is larger than the {len(answer.body):,} bytes that are read."
        )
    if wanted == "picture":
        return Fetched(str(target), "picture", "", answer.body, hosts)
    media, _, parameters = answer.content_type.partition(";")
    media = media.strip().lower()
    kind = _KINDS.get(media) or ("text" if media.endswith(("+xml", "+json")) else None)
    if kind is None:
        raise ToolFailure(
            "wrong_type", f"{shown} is no page of text, but {media[:60] or 'of no named type'}."
        )
    charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", parameters, re.IGNORECASE)
    return Fetched(str(target), kind, charset[1] if charset else "", answer.body, hosts)


def _shown(url: str) -> str:
    """An address for a message, shortened."""
    return url if len(url) <= 120 else f"{url[:120]}…"
