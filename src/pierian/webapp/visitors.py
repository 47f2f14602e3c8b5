"""Who looks at a page: the session in their cookie, the person behind it, and what they chose for themselves.

On a server that answers without keys whoever is at this machine is its owner, and nobody signs in.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote, urlsplit

from litestar.datastructures import Cookie
from msgspec import Struct

from pierian.access import AccessDenied, Session, User, data_owner
from pierian.access.users import LOCAL
from pierian.exceptions import PierianError
from pierian.server.errors import ApiError
from pierian.server.exchange import HttpRequest, note
from pierian.storage import Profile
from pierian.webapp.site import Site
from pierian.webapp.views import Person

COOKIE = "pierian-session"
COOKIE_SECONDS = 90 * 86_400
ADMINISTRATORS = ("owner", "administrator")


class SignInNeeded(PierianError):
    """Nobody is signed in; `next` is the page that was asked for."""

    def __init__(self, next_page: str) -> None:
        super().__init__(
            "You are not signed in, or were signed out meanwhile.", hint="Sign in and try again."
        )
        self.next_page = next_page


class Visitor(Struct, frozen=True):
    """Somebody who is signed in; `user` and `session` are None on a server without keys."""

    owner: str
    """Whose conversations, runs and settings these are."""
    profile: Profile
    user: User | None = None
    session: Session | None = None

    @property
    def administers(self) -> bool:
        """Whether they manage people, invitations and everybody's keys."""
        return self.user is None or self.user.role in ADMINISTRATORS

    @property
    def owns(self) -> bool:
        """Whether this machine's tools are theirs to use."""
        return self.owner == LOCAL

    def person(self) -> Person:
        """As the pages show them."""
        user = self.user
        return Person(
            user.id if user else LOCAL,
            user.name if user else "You",
            user.role if user else "owner",
            self.administers,
            self.profile.theme,
            self.profile.mode,
            self.owns,
        )


async def visitor_of(site: Site, request: HttpRequest) -> Visitor:
    """Who asks; raises `SignInNeeded`."""
    if site.service.keyless:
        return Visitor(LOCAL, await asyncio.to_thread(site.profiles.get, LOCAL))
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        raise SignInNeeded(page_of(request))
    try:
        session, user = await asyncio.to_thread(site.sessions.check, secret)
    except AccessDenied as denied:
        raise SignInNeeded(page_of(request)) from denied
    note(request, user=user.id[:12])
    owner = data_owner(user)
    return Visitor(owner, await asyncio.to_thread(site.profiles.get, owner), user, session)


async def administrator(site: Site, request: HttpRequest) -> Visitor:
    """Who asks, where they may manage others; raises `ApiError` where they may not."""
    visitor = await visitor_of(site, request)
    if not visitor.administers:
        raise ApiError(403, "Only administrators see this page.", code="not_allowed")
    return visitor


async def owner_of(site: Site, request: HttpRequest) -> Visitor:
    """Who asks, where this machine is theirs; raises `ApiError` where it is not.

    What is linked reaches servers from this machine with its key, and what is scheduled counts against no limits of
    a key: both are the owner's alone.
    """
    visitor = await visitor_of(site, request)
    if not visitor.owns:
        raise ApiError(403, "Only the owner of this machine sees this page.", code="not_allowed")
    return visitor


def session_cookie(request: HttpRequest, secret: str) -> Cookie:
    """The cookie that holds a session; an empty secret takes it back.

    It is marked secure where the page came over TLS, which is known from the origin that the browser names: TLS may
    end at a proxy in front of this server.
    """
    origin = request.headers.get("origin") or request.headers.get("referer") or ""
    return Cookie(
        COOKIE,
        value=secret,
        path="/",
        max_age=COOKIE_SECONDS if secret else 0,
        httponly=True,
        samesite="lax",
        secure=origin.startswith("https://"),
    )


def page_of(request: HttpRequest) -> str:
    """The page that somebody is on or wants: that of a fragment or a form is the page around it."""
    if request.headers.get("hx-request") or request.method != "GET":
        around = request.headers.get("hx-current-url") or request.headers.get("referer", "")
        return local_page("/" + "".join(around.split("/", 3)[3:]))
    query = request.url.query
    return local_page(f"{request.url.path}?{query}" if query else request.url.path)


def local_page(given: str) -> str:
    """A page of this server, from what may be an address of anybody's: no open redirects."""
    try:
        parts = urlsplit(given.replace("\\", "/"))
    except ValueError:  # half an address of IPv6, for one
        return "/"
    path = parts.path
    if parts.scheme or parts.netloc or not path.startswith("/") or path.startswith("//"):
        return "/"
    safe = quote(path, safe="/-_.~%", errors="replace")
    return f"{safe}?{quote(parts.query, safe='=&%+-_.~', errors='replace')}" if parts.query else safe
