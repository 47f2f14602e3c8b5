"""Address books at a CardDAV server (RFC 6352): which there are, what is in them, and what changed since a token.

It asks and reads; what is kept of it is the business of `syncing`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from pierian.accounts.dav import CALENDAR_SERVER, CARDDAV, DAV, Dav, Reply, Resource, quoted
from pierian.accounts.troubles import AccountError

_TYPE, _PRIVILEGES = f"{DAV}resourcetype", f"{DAV}current-user-privilege-set"
_CTAG, _TOKEN, _ETAG = f"{CALENDAR_SERVER}getctag", f"{DAV}sync-token", f"{DAV}getetag"
_HOME, _PRINCIPAL, _DATA = (
    f"{CARDDAV}addressbook-home-set",
    f"{DAV}current-user-principal",
    f"{CARDDAV}address-data",
)
_ABOUT = (_TYPE, f"{DAV}displayname", _PRIVILEGES, _CTAG, _TOKEN)
_WRITING = frozenset(f"{DAV}{name}" for name in ("all", "write", "write-content", "bind"))
PASSED_OVER = ("denied", "not_found", "failed")
"""Troubles with one request that say nothing of the server as a whole."""


class Book(Struct, frozen=True, kw_only=True):
    """An address book at the server; `token` is empty where it knows no RFC 6578, `ctag` where it has none."""

    url: str
    name: str
    writable: bool
    ctag: str
    token: str


class Listing(Struct, frozen=True):
    """Versions of what is there (or, with `gone`, of what changed), and the token from which to go on."""

    etags: dict[str, str]
    gone: frozenset[str] | None
    """What was deleted; None where everything that is there is listed."""
    token: str


class Fetched(Struct, frozen=True):
    """A card as it stands at the server."""

    href: str
    etag: str
    text: str


def find_books(dav: Dav) -> list[Book]:
    """The address books to which the address of a service leads: itself, or those of who signs in there."""
    trouble: AccountError | None = None
    for start in (dav.base, urljoin(dav.base, "/.well-known/carddav")):
        try:
            homes = _homes(dav, dav.url(start))
        except AccountError as error:
            if error.code not in PASSED_OVER:
                raise
            trouble = trouble or error
            continue
        if homes:
            found = (
                _book(dav, home, one)
                for home in homes
                for one in dav.propfind(home, _ABOUT, depth=1).resources
                if f"{CARDDAV}addressbook" in one.names(_TYPE)
            )
            return list({one.url: one for one in found}.values())
    raise trouble or AccountError(
        f"{urlsplit(dav.base).hostname} has no address books at this address.",
        code="not_found",
        hint="Give the address of your address books with --url.",
    )


def listed(dav: Dav, book: Book, token: str) -> Listing:
    """What changed since `token`; everything where it is empty, or the server knows it no longer."""
    for since in [token, ""] if token else [""]:
        if not book.token:
            break
        try:
            return _changes(dav, book, since)
        except AccountError as error:
            # Statuses for a token that is no longer known (RFC 6578, 3.2) differ from server to server.
            if error.code not in PASSED_OVER:
                raise
    reply = dav.propfind(book.url, [_ETAG, _TYPE], depth=1)
    return Listing({one.path: one.text(_ETAG) for one in reply.resources if _is_card(book, one)}, None, "")


def fetched(dav: Dav, book: Book, hrefs: Sequence[str]) -> Iterator[Fetched]:
    """These cards; those that are gone meanwhile are left out."""
    named = "".join(f"<d:href>{quoted(href)}</d:href>" for href in hrefs)
    asked = f"<d:prop><d:getetag/><a:address-data/></d:prop>{named}"
    reply = Reply([])
    try:
        reply = dav.report(book.url, f"{CARDDAV}addressbook-multiget", asked, depth=1)
    except AccountError as error:
        if error.code not in PASSED_OVER:
            raise
    answered = {one.path: one for one in reply.resources}
    for href in hrefs:
        found = answered.get(href)
        if found is not None and _DATA in found.properties:
            yield Fetched(href, found.text(_ETAG), found.properties[_DATA].text or "")
        elif found is None or found.status < 400:  # the server does not hand out several at once
            answer = dav.request("GET", dav.url(href), fine=(404, 410))
            if answer.is_success:
                yield Fetched(href, answer.headers.get("etag", ""), answer.content.decode("utf-8", "replace"))


def _homes(dav: Dav, url: str) -> list[str]:
    """Where the address books are; nothing where the server does not say at this address."""
    reply = dav.propfind(url, (_TYPE, _HOME, _PRINCIPAL))
    about = reply.resources[0] if reply.resources else None
    if about is None:
        return []
    if f"{CARDDAV}addressbook" in about.names(_TYPE):
        return [url]
    homes = about.addresses(_HOME)
    if not homes and (principal := about.addresses(_PRINCIPAL)):
        found = dav.propfind(dav.url(principal[0]), [_HOME]).resources
        homes = found[0].addresses(_HOME) if found else []
    return [dav.url(one) for one in homes]


def _book(dav: Dav, home: str, one: Resource) -> Book:
    privileges = one.names(_PRIVILEGES)
    return Book(
        url=dav.url(f"//{urlsplit(home).netloc}{one.path}"),
        name=one.text(f"{DAV}displayname") or one.path.strip("/").rpartition("/")[2],
        writable=not privileges or not privileges.isdisjoint(_WRITING),
        ctag=one.text(_CTAG),
        token=one.text(_TOKEN),
    )


def _changes(dav: Dav, book: Book, since: str) -> Listing:
    etags, gone, token = dict[str, str](), set[str](), since
    while True:
        asked = (
            f"<d:sync-token>{quoted(token)}</d:sync-token><d:sync-level>1</d:sync-level>"
            "<d:prop><d:getetag/><d:resourcetype/></d:prop>"
        )
        reply = dav.report(book.url, f"{DAV}sync-collection", asked)
        for one in reply.resources:
            if one.status in (404, 410):
                gone.add(one.path)
                etags.pop(one.path, None)
            elif _is_card(book, one):
                etags[one.path] = one.text(_ETAG)
                gone.discard(one.path)
        if not reply.truncated:
            return Listing(etags, frozenset(gone) if since else None, reply.token)
        if reply.token in ("", token):
            raise AccountError("The server cuts its list short and never goes on.", code="failed")
        token = reply.token


def _is_card(book: Book, one: Resource) -> bool:
    """Whether it is a card, not the book itself or a collection inside."""
    own = urlsplit(book.url).path.rstrip("/")
    return one.path.rstrip("/") != own and f"{DAV}collection" not in one.names(_TYPE)
