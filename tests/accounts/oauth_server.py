"""An OAuth server on loopback for tests, as strict as the real ones: PKCE, redirect, one use for each code and, where
it rotates, for each refresh token. What a person would do at its pages is said beforehand.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from urllib.parse import urlencode

from tests.accounts.web_server import Reply, Request, WebServer

from pierian.accounts.oauth import AuthorizationServer, OAuthKind

CLIENT_ID, CLIENT_SECRET = "client-1", "canary-client-secret"


@dataclass
class OAuthServer:
    """Its state, and what it does next."""

    address: str = "ann@example.org"
    refuse: bool = False
    """The person refuses."""
    grants: tuple[str, ...] | None = None
    """The scopes that the person leaves ticked; None for all."""
    lasts: int = 3600
    short_scopes: bool = False
    """Says granted scopes without their resource, as Microsoft Graph does."""
    answers: list[str] = field(default_factory=list[str])
    """What the device flow answers first: `authorization_pending`, `slow_down` …"""
    revoked: set[str] = field(default_factory=set[str])
    refreshes: int = 0
    home: str = ""
    """Where its services are, for tests that link them."""
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    tokens: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """Forms that came to the token endpoint."""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    _refresh: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def running(self, kind: OAuthKind = "google") -> Iterator[AuthorizationServer]:
        routes = {
            "/authorize": self._authorize,
            "/token": self._token,
            "/devicecode": self._device,
            "/revoke": self._revoke,
        }
        with WebServer(routes) as web:
            yield AuthorizationServer(
                kind=kind,
                name=kind.capitalize(),
                authorize_url=f"{web.url}/authorize",
                token_url=f"{web.url}/token",
                device_url=f"{web.url}/devicecode",
                revoke_url=f"{web.url}/revoke" if kind == "google" else "",
                redirect_host="127.0.0.1" if kind == "google" else "localhost",
                extra={"prompt": "consent"},
                consents="https://example.org/consents",
            )

    def _authorize(self, request: Request) -> Reply:
        asked = request.query
        self.asked.append(asked)
        back = asked["redirect_uri"]
        if self.refuse:
            return _redirect(f"{back}?{urlencode({'error': 'access_denied', 'state': asked['state']})}")
        code = f"code-{next(self._numbers)}"
        self._codes[code] = asked
        return _redirect(f"{back}?{urlencode({'code': code, 'state': asked['state']})}")

    def _token(self, request: Request) -> Reply:
        form = request.form
        with self._lock:
            self.tokens.append(form)
            if form["client_id"] != CLIENT_ID:
                return _error("invalid_client")
            match form["grant_type"]:
                case "authorization_code":
                    return self._by_code(form)
                case "refresh_token":
                    return self._by_refresh(form)
                case _:
                    return self._by_device(form)

    def _by_code(self, form: dict[str, str]) -> Reply:
        asked = self._codes.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if asked is None or asked["redirect_uri"] != form["redirect_uri"]:
            return _error("invalid_grant")
        if asked["code_challenge"] != challenge or asked["code_challenge_method"] != "S256":
            return _error("invalid_grant")
        return self._given(form.get("scope", asked["scope"]).split(), asked["scope"].split())

    def _by_refresh(self, form: dict[str, str]) -> Reply:
        scopes = self._refresh.pop(form["refresh_token"], None)  # it can be used once
        if scopes is None or form["refresh_token"] in self.revoked:
            return _error("invalid_grant", "AADSTS700082: the refresh token has expired")
        self.refreshes += 1
        return self._given(form.get("scope", " ".join(scopes)).split(), scopes)

    def _by_device(self, form: dict[str, str]) -> Reply:
        if self.answers:
            return _error(self.answers.pop(0))
        scopes = self._codes.pop(form["device_code"])["scope"].split()
        return self._given(scopes, [scope for held in self._refresh.values() for scope in held] + scopes)

    def _given(self, scopes: list[str], consented: list[str]) -> Reply:
        number = next(self._numbers)
        granted = [one for one in scopes if self.grants is None or one in self.grants]
        self._refresh[refresh := f"canary-refresh-{number}"] = consented
        claims = json.dumps({"email": self.address, "preferred_username": self.address}).encode()
        body = {
            "access_token": f"canary-access-{number}",
            "token_type": "Bearer",
            "expires_in": self.lasts,
            "refresh_token": refresh,
            "scope": " ".join(one.rsplit("/", 1)[-1] if self.short_scopes else one for one in granted),
            "id_token": f"e30.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.",
        }
        return Reply(body=json.dumps(body).encode())

    def _device(self, request: Request) -> Reply:
        self.asked.append(request.form)
        code = f"device-{next(self._numbers)}"
        self._codes[code] = request.form
        body = {
            "device_code": code,
            "user_code": "ABCD-EFGH",
            "verification_uri": "https://example.org/device",
            "expires_in": 900,
            "interval": 5,
        }
        return Reply(body=json.dumps(body).encode())

    def _revoke(self, request: Request) -> Reply:
        self.revoked.add(request.form["token"])
        return Reply()


def _redirect(to: str) -> Reply:
    return Reply(302, headers={"Location": to})


def _error(code: str, description: str = "") -> Reply:
    return Reply(400, json.dumps({"error": code, "error_description": description}).encode())
