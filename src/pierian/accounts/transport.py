"""How servers of accounts are spoken to by HTTP: certificates verified, redirects looked at, answers bounded.

TLS is verified against the system's store, or the file in SSL_CERT_FILE; there is no way around it. Without TLS only
this machine is spoken to. What is asked and what is made of the answers is the business of the callers.
"""

from __future__ import annotations

import logging
import ssl
import time
from typing import TYPE_CHECKING, Any

from pierian.accounts.troubles import AccountError, explained, refuse_plain_text

if TYPE_CHECKING:
    import httpx2

TIMEOUT = 20.0
"""Seconds that any one server may be silent."""
PATIENCE = 60.0
"""Seconds after which an answer has to have come as fast as `LEAST_RATE`, or it is given up."""
LEAST_RATE = 10_000
"""Bytes a second."""
MOST_BYTES = 1_000_000
REDIRECTS = 5

# It logs the address of every request, and that of a calendar file is a secret.
logging.getLogger("httpx2").setLevel(logging.WARNING)


def tls() -> ssl.SSLContext:
    """Settings that verify certificates and names."""
    return ssl.create_default_context()


def client(timeout: float = TIMEOUT) -> httpx2.Client:
    """A client that follows no redirect by itself: `ask` looks at each."""
    import httpx2

    return httpx2.Client(verify=tls(), timeout=timeout, follow_redirects=False)


def ask(
    http: httpx2.Client,
    method: str,
    url: str,
    *,
    auth: httpx2.Auth | None = None,
    most_bytes: int = MOST_BYTES,
    **request: Any,
) -> httpx2.Response:
    """One request and the redirects it leads to, its answer read; raises `AccountError` where there is none.

    Redirects never lead from https to http. The sign-in goes along within the same site only: a server that sends us
    elsewhere does not get to choose who learns the password.
    """
    import httpx2

    where = url
    try:
        at = httpx2.URL(url)
        first = at
        for _ in range(REDIRECTS + 1):
            where = shown(at)
            if at.scheme != "https":
                refuse_plain_text(at.host)
            answer = _read(
                http, method, at, auth if same_site(at.host, first.host) else None, most_bytes, request
            )
            target = answer.headers.get("location")
            if answer.status_code not in (301, 302, 303, 307, 308) or not target:
                return answer
            after = at.join(target)
            if after.scheme != "https" and at.scheme == "https":
                raise AccountError(
                    f"{where} leads to an address without encryption, which was not followed.",
                    code="plain_text",
                )
            at = after.copy_with(userinfo=b"")
        raise AccountError(
            f"{shown(first)} leads round in circles.", code="failed", hint="Check the address."
        )
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise explained(error, where) or AccountError(f"{where} is no address.", code="not_found") from error


def _read(
    http: httpx2.Client,
    method: str,
    url: httpx2.URL,
    auth: httpx2.Auth | None,
    most_bytes: int,
    request: dict[str, Any],
) -> httpx2.Response:
    import httpx2

    with http.stream(method, url, auth=auth, **request) as answer:
        body, begun = bytearray(), time.monotonic()
        for part in answer.iter_bytes():
            body += part
            if time.monotonic() - begun > PATIENCE + len(body) / LEAST_RATE:
                raise httpx2.ReadTimeout("It sends too slowly.", request=answer.request)
            if len(body) > most_bytes:
                raise AccountError(
                    f"{shown(url)} sends more than {most_bytes // 1_000_000} MB.", code="failed"
                )
    whole = httpx2.Response(answer.status_code, content=bytes(body), request=answer.request)
    whole.headers = httpx2.Headers(
        [(k, v) for k, v in answer.headers.multi_items() if k != "content-encoding"]
    )
    return whole


def shown(url: httpx2.URL) -> str:
    """The host of an address, with its port where it is not the usual one; never the rest, which may be a secret."""
    return f"{url.host}:{url.port}" if url.port else url.host


def same_site(one: str, other: str) -> bool:
    """Whether two hosts are run by the same people, as far as their names tell."""
    return _site(one) == _site(other)


def _site(host: str) -> str:
    """The part of a name that somebody registered: two labels, or three below such as co.uk and com.au."""
    if host.replace(".", "").isdigit() or ":" in host:
        return host
    labels = host.lower().rstrip(".").split(".")
    deep = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3 if deep else -2 :])
