"""Getting an OAuth consent from a person: in the browser of this machine, or by a code typed on any other device.

In the browser: the answer comes back to a port of this machine that only loopback reaches (RFC 8252), bound to this
request by its state and to this process by PKCE (RFC 7636). By code: RFC 8628. How the address or the code is shown
is up to the caller.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from msgspec import Struct

from pierian.accounts.oauth import (
    AuthorizationServer,
    Client,
    Pending,
    Tokens,
    post,
    refreshed,
    refusal,
    token_request,
)
from pierian.accounts.scopes import Scope
from pierian.accounts.secrets import Secret
from pierian.accounts.troubles import PASSING, AccountError

BROWSER_SECONDS = 600.0
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Consent(Struct, frozen=True, kw_only=True):
    """What a person allowed, and who they are at the provider."""

    secret: Secret
    address: str
    username: str
    missing: tuple[Scope, ...] = ()
    """What was asked for and not granted."""


class DeviceCode(Struct, frozen=True, kw_only=True):
    """What is shown to the person: type this code at that page."""

    code: str
    url: str
    minutes: int


def by_browser(
    server: AuthorizationServer,
    registered: Client,
    scopes: Sequence[Scope],
    show: Callable[[str], None],
    *,
    address: str = "",
    seconds: float = BROWSER_SECONDS,
) -> Consent:
    """Send the person to the provider's page and wait until their browser comes back.

    `show` is given the address to open. Raises `AccountError` where they refuse or do not come back in time.
    """
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
    with _Landing(state) as landing:
        redirect = f"http://{server.redirect_host}:{landing.port}/"
        asked = {
            "client_id": registered.id,
            "response_type": "code",
            "redirect_uri": redirect,
            "scope": " ".join(one.name for one in scopes),
            "state": state,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **server.extra,
            **({"login_hint": address} if address else {}),
        }
        show(f"{server.authorize_url}?{urlencode(asked)}")
        came = landing.wait(seconds)
    if "code" not in came:
        raise refusal(server.name, 400, came)
    form = {
        "grant_type": "authorization_code",
        "code": came["code"],
        "redirect_uri": redirect,
        "code_verifier": verifier,
    }
    groups = _by_resource(scopes)
    resource = next(iter(groups))
    narrowed = groups[resource] if resource else ()
    first = token_request(server.name, server.token_url, registered, form, scopes=narrowed)
    return _completed(server, registered, scopes, groups, {resource: first})


def by_code(
    server: AuthorizationServer,
    registered: Client,
    scopes: Sequence[Scope],
    show: Callable[[DeviceCode], None],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> Consent:
    """Show a code and ask the provider until the person has typed it somewhere; one code for each resource."""
    groups = _by_resource(scopes)
    got = {resource: _one_code(server, registered, names, show, pause) for resource, names in groups.items()}
    return _completed(server, registered, scopes, groups, got)


def _one_code(
    server: AuthorizationServer,
    registered: Client,
    names: Sequence[str],
    show: Callable[[DeviceCode], None],
    pause: Callable[[float], None],
) -> Tokens:
    status, given = post(server.device_url, {"client_id": registered.id, "scope": " ".join(names)})
    code, typed = given.get("device_code"), given.get("user_code")
    page = given.get("verification_uri") or given.get("verification_url")
    if status != 200 or not (isinstance(code, str) and isinstance(typed, str) and isinstance(page, str)):
        raise refusal(server.name, status, given)
    lasts, interval = _number(given.get("expires_in"), 900.0), _number(given.get("interval"), 5.0)
    show(DeviceCode(code=typed, url=page, minutes=max(1, round(lasts / 60))))
    until = time.monotonic() + lasts
    while time.monotonic() < until:
        pause(interval)
        form = {"grant_type": DEVICE_GRANT, "device_code": code}
        try:
            return token_request(server.name, server.token_url, registered, form)
        except Pending as pending:
            interval += pending.more
        except AccountError as error:
            if error.code not in PASSING:
                raise
            interval = min(interval * 2, 60.0)  # RFC 8628, 3.5: back off where the connection fails
    raise refusal(server.name, 400, {"error": "expired_token"})


def _completed(
    server: AuthorizationServer,
    registered: Client,
    scopes: Sequence[Scope],
    groups: dict[str, list[str]],
    got: dict[str, Tokens],
) -> Consent:
    """The consent with a token for each resource; a refresh token serves all resources that were consented to."""
    last = next(reversed(got.values()))
    first = next(iter(got.values()))
    refresh_token = last.refresh_token
    if not refresh_token:
        raise AccountError(
            f"{server.name} gave no token for later, so nothing could be synced after an hour.",
            code="consent",
            hint=f"Take the old consent back at {server.consents} and link again.",
        )
    granted = {_short(name) for tokens in got.values() for name in tokens.scopes}
    for resource, names in groups.items():
        if resource not in got:
            more = refreshed(server.name, server.token_url, registered, refresh_token, scopes=names)
            refresh_token = more.refresh_token or refresh_token
            got[resource] = more
            granted.update(map(_short, more.scopes))
    says = all(tokens.scopes for tokens in got.values())
    missing = [one for one in scopes if one.part is not None and says and _short(one.name) not in granted]
    kept = tuple(one.name for one in scopes if one not in missing)
    return Consent(
        secret=Secret(
            refresh_token=refresh_token,
            tokens={resource: (tokens.access_token, tokens.expires_at) for resource, tokens in got.items()},
            scopes=kept,
            token_url=server.token_url,
            client_id=registered.id,
            client_secret=registered.secret,
        ),
        address=first.address,
        username=first.username,
        missing=tuple(missing),
    )


def _by_resource(scopes: Sequence[Scope]) -> dict[str, list[str]]:
    """The names of scopes by resource; what tells who signed in goes along with each."""
    common = [one.name for one in scopes if one.part is None]
    resources = dict.fromkeys(one.resource for one in scopes if one.part is not None)
    return {
        resource: common + [one.name for one in scopes if one.part is not None and one.resource == resource]
        for resource in resources
    }


def _short(name: str) -> str:
    """A scope without its resource: Microsoft says `Calendars.Read` of what was asked for with the whole address."""
    return name.rstrip("/").rsplit("/", 1)[-1].lower()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _number(value: Any, default: float) -> float:
    return min(max(float(value), 0.0), 3600.0) if isinstance(value, int | float) else default


_PAGE = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Pierian</title>"
    "<body style='font:1.1em system-ui;max-width:30em;margin:4em auto'><p>{}</p></body></html>"
)


class _Landing:
    """A small server on loopback to which the browser comes back, once."""

    def __init__(self, state: str) -> None:
        arrived: Queue[dict[str, str]] = Queue()

        class Handler(BaseHTTPRequestHandler):
            timeout = 10  # a browser opens connections that it does not use

            def do_GET(self) -> None:
                split = urlsplit(self.path)
                came = dict(parse_qsl(split.query[:8000]))
                ours = hmac.compare_digest(came.get("state", "").encode(), state.encode())
                if split.path != "/" or not ours or not ("code" in came or "error" in came):
                    self._page(404, "There is nothing here.")
                    return
                done = "code" in came
                self._page(
                    200,
                    "Done. You can close this page and go back to the terminal."
                    if done
                    else "Nothing was linked. You can close this page and go back to the terminal.",
                )
                arrived.put(came)

            def _page(self, status: int, says: str) -> None:
                body = _PAGE.format(says).encode()
                self.send_response(status)
                for name, value in (
                    ("Content-Type", "text/html; charset=utf-8"),
                    ("Content-Length", str(len(body))),
                    ("Cache-Control", "no-store"),
                    ("Referrer-Policy", "no-referrer"),
                    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
                ):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has there
                """The address holds the code: it is written nowhere."""

        self._arrived = arrived
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def wait(self, seconds: float) -> dict[str, str]:
        """The parameters with which the browser came back."""
        try:
            return self._arrived.get(timeout=seconds)
        except Empty:
            raise AccountError(
                "Nobody came back from the provider's page.",
                code="timeout",
                hint="Start again when you are ready.",
            ) from None

    def __enter__(self) -> _Landing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
