"""OAuth 2 as a public client: the authorization servers we know, and what is said to their token endpoints.

The client id is the user's own, so that a consent is between them and their provider. `consenting` gets a consent
from a person; `signing_in` keeps tokens fresh. RFC 6749, 7636 (PKCE), 8252 (native apps), 8628 (devices), 7009.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from msgspec import Struct

from pierian.accounts.transport import ask, client
from pierian.accounts.troubles import AccountError, by_status

OAuthKind = Literal["google", "microsoft"]
LINK_AGAIN = "Link the account again: pierian accounts link {kind} {address}"
_ERROR = re.compile(r"[a-z_]{1,60}")
_MICROSOFT_ERROR = re.compile(r"AADSTS\d{4,9}")


class Pending(AccountError):
    """A device code that nobody has typed yet; wait `more` seconds longer each time."""

    def __init__(self, name: str, more: float) -> None:
        super().__init__(f"{name} waits for the code.", code="timeout")
        self.more = more


class AuthorizationServer(Struct, frozen=True, kw_only=True):
    """Where a provider asks for consent and gives tokens."""

    kind: OAuthKind
    name: str
    authorize_url: str
    token_url: str
    device_url: str = ""
    """Empty where the device flow does not give the scopes that are needed."""
    revoke_url: str = ""
    redirect_host: str = "127.0.0.1"
    """Of the address that the browser is sent back to, as the provider wants it registered."""
    extra: Mapping[str, str] = {}
    """Parameters of the authorize address that only this provider knows."""
    consents: str
    """The page on which the user sees and takes back consents."""


class Client(Struct, frozen=True, kw_only=True):
    """The registration of this program that the user made at the provider."""

    id: str
    secret: str = ""
    """Google gives one to desktop programs too, and wants it."""

    def __repr__(self) -> str:
        return f"Client({self.id})"


class Tokens(Struct, frozen=True, kw_only=True):
    """What a token endpoint gave."""

    access_token: str
    expires_at: float
    refresh_token: str = ""
    scopes: tuple[str, ...] = ()
    """What was granted; empty where the server does not say, which means: what was asked for."""
    address: str = ""
    username: str = ""
    """Who signed in, as the provider says; only with the scope `openid`."""

    def __repr__(self) -> str:
        return "Tokens(•••)"


def authorization_server(kind: OAuthKind, tenant: str = "common") -> AuthorizationServer:
    """The server of a provider; Microsoft's depends on whose accounts may sign in (`tenant`)."""
    if kind == "google":
        return AuthorizationServer(
            kind="google",
            name="Google",
            authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
            token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
            revoke_url="https://oauth2.googleapis.com/revoke",
            # Without both there is no refresh token when somebody consents for the second time.
            extra={"access_type": "offline", "prompt": "consent"},
            consents="https://myaccount.google.com/connections",
        )
    base = f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0"
    return AuthorizationServer(
        kind="microsoft",
        name="Microsoft",
        authorize_url=f"{base}/authorize",
        token_url=f"{base}/token",
        device_url=f"{base}/devicecode",
        redirect_host="localhost",
        extra={"prompt": "select_account"},
        consents="https://account.live.com/consent/Manage (work and school: https://myapps.microsoft.com)",
    )


def token_request(
    name: str, token_url: str, registered: Client, form: Mapping[str, str], *, scopes: Sequence[str] = ()
) -> Tokens:
    """Ask a token endpoint; raises `AccountError`, whose code is `consent` where only the user can mend it.

    `scopes` narrows what the token is for (Microsoft: one resource).
    """
    sent = {**form, "client_id": registered.id}
    if registered.secret:
        sent["client_secret"] = registered.secret
    if scopes:
        sent["scope"] = " ".join(scopes)
    status, answer = post(token_url, sent)
    if status != 200:
        raise refusal(name, status, answer)
    token = answer.get("access_token")
    if not isinstance(token, str) or not token or str(answer.get("token_type", "bearer")).lower() != "bearer":
        raise AccountError(f"{name} gave no token.", code="failed", hint="Try again later.")
    claims = _claims(answer.get("id_token"))
    granted = answer.get("scope")
    return Tokens(
        access_token=token,
        expires_at=time.time() + _seconds(answer.get("expires_in")),
        refresh_token=_text(answer.get("refresh_token")),
        scopes=tuple(granted.split()) if isinstance(granted, str) else (),
        address=_text(claims.get("email")) or _text(claims.get("preferred_username")),
        username=_text(claims.get("preferred_username")) or _text(claims.get("email")),
    )


def refreshed(
    name: str, token_url: str, registered: Client, refresh_token: str, *, scopes: Sequence[str] = ()
) -> Tokens:
    """New tokens for a refresh token; its answer may hold another refresh token that takes its place."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return token_request(name, token_url, registered, form, scopes=scopes)


def revoke(server: AuthorizationServer, refresh_token: str) -> bool:
    """Take a consent back at the provider (RFC 7009); False where it offers no such thing or did not do it."""
    if not server.revoke_url or not refresh_token:
        return False
    try:
        status, _ = post(server.revoke_url, {"token": refresh_token})
    except AccountError:
        return False
    return status == 200


def post(url: str, form: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """Send a form; the status and the JSON object of the answer, empty where it is none."""
    with client() as http:
        answer = ask(http, "POST", url, data=dict(form), headers={"Accept": "application/json"})
    if answer.status_code in (429, 500, 502, 503, 504):
        raise by_status(answer.status_code, answer.url.host, retry_after=answer.headers.get("retry-after"))
    try:
        read = json.loads(answer.content)
    except (ValueError, RecursionError):
        read = None
    return answer.status_code, cast(dict[str, Any], read) if isinstance(read, dict) else {}


def error_code(answer: Mapping[str, Any]) -> str:
    """The `error` of an answer (RFC 6749, 5.2), empty where it is none of the protocol's words."""
    code = answer.get("error")
    return code if isinstance(code, str) and _ERROR.fullmatch(code) else ""


def refusal(name: str, status: int, answer: Mapping[str, Any]) -> AccountError:
    """The sentence for an error of an authorization server."""
    code = error_code(answer)
    number = _MICROSOFT_ERROR.search(_text(answer.get("error_description")))
    told = number[0] if number else code or str(status)
    match code:
        case "authorization_pending":
            return Pending(name, 0.0)
        case "slow_down":
            return Pending(name, 5.0)
        case "invalid_grant" | "interaction_required" | "consent_required":
            return AccountError(
                f"The consent at {name} has ended: it was taken back, or it ran out ({told}).", code="consent"
            )
        case "access_denied" | "authorization_declined":
            return AccountError(
                f"The consent was refused at {name}.", code="consent", hint="Nothing was linked."
            )
        case "expired_token" | "code_expired":
            return AccountError(
                f"The code of {name} ran out before anybody signed in.", code="consent", hint="Start again."
            )
        case "invalid_client" | "unauthorized_client":
            return AccountError(
                f"{name} does not know this client id, or wants its secret ({told}).",
                code="consent",
                hint="Check --client-id (and --client-file) with the registration at the provider; "
                "its kind must be a desktop (public) client.",
            )
        case "invalid_scope":
            return AccountError(
                f"{name} does not give all of these permissions to this client id ({told}).",
                code="consent",
                hint="Allow them in its registration, or ask for less with --only.",
            )
        case "redirect_uri_mismatch":
            return AccountError(
                f"{name} does not send the browser back to this machine for this client id.",
                code="consent",
                hint="Its registration must be one for desktop programs (Microsoft: redirect URI http://localhost).",
            )
        case _:
            return AccountError(f"{name} refuses to give a token ({told}).", code="failed")


def _claims(id_token: Any) -> dict[str, Any]:
    """What an id token says. It came from the token endpoint over verified TLS, which stands for its signature
    (OpenID Connect Core 1.0, 3.1.3.7)."""
    try:
        body = str(id_token).split(".")[1]
        read = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return {}
    return cast(dict[str, Any], read) if isinstance(read, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _seconds(value: Any) -> float:
    """How long a token lives; servers write numbers and texts, and some nothing."""
    try:
        return min(max(float(value), 0.0), 86_400.0)
    except (TypeError, ValueError):
        return 3600.0
