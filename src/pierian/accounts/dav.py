"""WebDAV as CalDAV and CardDAV need it: PROPFIND, REPORT, conditional PUT and DELETE, and how a reply is read.

RFC 4918, with RFC 6578's truncated replies. Addresses that a server names are followed within its own site only,
since the password goes along. A reply is bounded, and may declare no entities. What is asked is the business of the
callers.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import quote, unquote, urljoin, urlsplit
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import escape

import httpx2
from msgspec import Struct

from pierian.accounts.account import Service
from pierian.accounts.secrets import Secret
from pierian.accounts.transport import TIMEOUT, ask, client, same_site
from pierian.accounts.troubles import AccountError, by_status

if TYPE_CHECKING:
    from collections.abc import Sequence

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
CARDDAV = "{urn:ietf:params:xml:ns:carddav}"
CALENDAR_SERVER = "{http://calendarserver.org/ns/}"
MOST_BYTES = 32_000_000
"""Of one reply: the names and versions of a hundred thousand objects."""
READ_SECONDS = 120.0
PATIENCE_SECONDS = 15.0
"""How long a server that asks to be left alone is waited for."""
_PREFIXES = {DAV: "d", CALDAV: "c", CARDDAV: "a", CALENDAR_SERVER: "s"}
_SPACES = " ".join(f'xmlns:{prefix}="{space[1:-1]}"' for space, prefix in _PREFIXES.items())
_KEPT = "!$&'()*+,;=:@~"


class Resource(Struct, frozen=True):
    """What a reply says of one resource."""

    path: str
    """In the one spelling that `spelled` gives it."""
    status: int
    properties: Mapping[str, Element]
    """Those that it has, by their names with the namespace in braces."""

    def text(self, name: str) -> str:
        """A property as text; empty where it is not there."""
        found = self.properties.get(name)
        return (found.text or "").strip() if found is not None else ""

    def names(self, name: str) -> frozenset[str]:
        """The names of all elements inside a property."""
        found = self.properties.get(name)
        return frozenset(one.tag for one in found.iter()) - {name} if found is not None else frozenset()

    def addresses(self, name: str) -> list[str]:
        """The addresses inside a property, as they are written."""
        found = self.properties.get(name)
        return [] if found is None else [one.text.strip() for one in found.iter(f"{DAV}href") if one.text]


class Reply(Struct, frozen=True):
    """A multistatus."""

    resources: list[Resource]
    token: str = ""
    truncated: bool = False


class SignIn(httpx2.Auth):
    """A bearer token, or a password by Basic or, where the server wants that, Digest."""

    def __init__(self, service: Service, secret: Secret) -> None:
        self._bearer = secret.access_token
        self._basic = httpx2.BasicAuth(service.username, secret.password)
        self._digest = httpx2.DigestAuth(service.username, secret.password)
        self._by_digest = False

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response]:
        """Signs each request."""
        if self._bearer:
            request.headers["Authorization"] = f"Bearer {self._bearer}"
            yield request
            return
        if not self._by_digest:
            answer = yield from self._by_basic(request)
            offers = answer.headers.get("www-authenticate", "").lower()
            if answer.status_code != 401 or "digest" not in offers or "basic" in offers:
                return
            self._by_digest = True
            request.headers.pop("Authorization", None)
        yield from self._digest.auth_flow(request)

    def _by_basic(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, httpx2.Response]:
        flow = self._basic.auth_flow(request)
        return (yield next(flow))


class Dav:
    """One server, signed in at one service of an account. Blocks; raises `AccountError`."""

    def __init__(self, service: Service, secret: Secret | None, *, silence: float = READ_SECONDS) -> None:
        self.base = service.url
        self._auth = SignIn(service, secret) if secret is not None and service.sign_in != "none" else None
        self._oauth = service.sign_in == "oauth"
        self._http = client()
        # A server may have to read a whole calendar before it says anything.
        self._http.timeout = httpx2.Timeout(TIMEOUT, read=silence)

    def url(self, address: str) -> str:
        """An address that the server names, whole; raises `AccountError` where it belongs to somebody else."""
        whole = urljoin(self.base, address)
        parts, own = urlsplit(whole), urlsplit(self.base)
        if parts.scheme not in ("https", own.scheme) or not same_site(
            parts.hostname or "", own.hostname or ""
        ):
            raise AccountError(
                f"{own.hostname} names an address of somebody else, which was not followed.", code="failed"
            )
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{spelled(parts.path)}"

    def propfind(self, url: str, names: Iterable[str], *, depth: Literal[0, 1] = 0) -> Reply:
        """The properties of a resource, and with `depth` of 1 of those inside."""
        asked = "".join(f"<{_prefixed(name)}/>" for name in names)
        body = f"<d:propfind {_SPACES}><d:prop>{asked}</d:prop></d:propfind>"
        return self._multistatus("PROPFIND", url, body, depth)

    def report(self, url: str, kind: str, inside: str, *, depth: Literal[0, 1] = 0) -> Reply:
        """A report of some kind; `inside` is what it asks, as XML with the prefixes d, c, a and s."""
        name = _prefixed(kind)
        return self._multistatus("REPORT", url, f"<{name} {_SPACES}>{inside}</{name}>", depth)

    def request(
        self,
        method: str,
        url: str,
        *,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        fine: Sequence[int] = (),
        most_bytes: int = MOST_BYTES,
        waits: bool = True,
    ) -> httpx2.Response:
        """Any request; raises `AccountError` for a status that is neither success nor one of `fine`.

        With `waits` a server that asks for a pause is asked again after it.
        """
        patience = PATIENCE_SECONDS if waits else 0.0
        while True:
            answer = ask(
                self._http,
                method,
                url,
                auth=self._auth,
                most_bytes=most_bytes,
                content=body.encode(),
                headers={**(headers or {}), "Accept-Encoding": "gzip, deflate"},
            )
            if answer.is_success or answer.status_code in fine:
                return answer
            trouble = self._trouble(answer)
            pause = 1.0 if trouble.wait is None else max(trouble.wait, 0.1)
            if answer.status_code not in (429, 503) or pause > patience:
                raise trouble
            patience -= pause
            time.sleep(pause)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _multistatus(self, method: str, url: str, body: str, depth: int) -> Reply:
        headers = {"Depth": str(depth), "Content-Type": 'application/xml; charset="utf-8"'}
        answer = self.request(
            method, url, body=f'<?xml version="1.0" encoding="utf-8"?>{body}', headers=headers
        )
        return read_reply(answer.content, urlsplit(url).hostname or "", str(answer.request.url))

    def _trouble(self, answer: httpx2.Response) -> AccountError:
        where, status = answer.request.url.host, answer.status_code
        if status == 401 and self._oauth:
            return AccountError(
                f"{where} no longer accepts the consent that was given.",
                code="consent",
                hint="Link the account again: pierian accounts link",
            )
        return by_status(status, where, retry_after=answer.headers.get("retry-after"))


def read_reply(body: bytes, where: str, url: str = "") -> Reply:
    """A multistatus as a value; raises `AccountError` where it is none."""
    root = _tree(body, where)
    if root.tag != f"{DAV}multistatus":
        raise AccountError(f"{where} does not answer in the way of WebDAV.", code="failed")
    found: list[Resource] = []
    truncated = False
    for response in root.iterfind(f"{DAV}response"):
        status = _status(response.find(f"{DAV}status"))
        properties: dict[str, Element] = {}
        for part in response.iterfind(f"{DAV}propstat"):
            if _status(part.find(f"{DAV}status")) < 300:
                properties |= {one.tag: one for holder in part.iterfind(f"{DAV}prop") for one in holder}
        for address in response.iterfind(f"{DAV}href"):
            if status == 507 and not properties:
                truncated = True
            elif address.text:
                path = urlsplit(urljoin(url, address.text.strip())).path
                found.append(Resource(spelled(path), status, properties))
    token = root.find(f"{DAV}sync-token")
    return Reply(found, (token.text or "").strip() if token is not None else "", truncated)


def failed_precondition(error_body: bytes) -> frozenset[str]:
    """What a reply with an error status names as its reasons (RFC 4918, 16); nothing where it names none."""
    try:
        root = _tree(error_body, "")
    except AccountError:
        return frozenset()
    return frozenset(one.tag for one in root.iter())


def spelled(path: str) -> str:
    """A path with everything quoted that needs it and nothing else: servers spell one path in several ways."""
    return "/".join(quote(unquote(part), safe=_KEPT) for part in path.split("/")) or "/"


def quoted(text: str) -> str:
    """A text inside XML."""
    return escape("".join(c for c in text if c >= " " or c in "\t\n\r"))


def _tree(body: bytes, where: str) -> Element:
    # An entity is how a small reply becomes a large one; no DAV server needs any.
    if b"<!ENTITY" in body or b"<!DOCTYPE" in body or body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise AccountError(f"{where} sends XML of a kind that is not read.", code="failed")
    try:
        return fromstring(body)  # noqa: S314 - no entities, see above
    except (ParseError, ValueError, LookupError) as error:
        raise AccountError(f"{where} does not answer in the way of WebDAV.", code="failed") from error


def _status(element: Element | None) -> int:
    parts = (element.text or "").split() if element is not None else []
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 200


def _prefixed(name: str) -> str:
    space, _, local = name.partition("}")
    return f"{_PREFIXES[space + '}']}:{local}"
