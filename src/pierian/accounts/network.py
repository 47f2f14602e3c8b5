"""What `discovery` asks the network: records of DNS, small documents by HTTPS. Whatever fails counts as no answer.

DNS by `dnspython`, which the system's resolver settings feed. Redirects are followed from https to https only.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

from pierian.accounts.account import Security
from pierian.accounts.transport import REDIRECTS, tls
from pierian.accounts.troubles import is_loopback

if TYPE_CHECKING:
    import httpx2
    from dns.asyncresolver import Resolver

ANSWERS_SECONDS = 5.0
"""How long any one answer is waited for."""
MOST_BYTES = 100_000
PRINCIPAL = b'<?xml version="1.0"?><propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>'


class Target(NamedTuple):
    """A host and a port that a SRV record names."""

    host: str
    port: int


class Network:
    """The network, asked without any secret."""

    def __init__(self, resolver: Resolver | None, http: httpx2.AsyncClient) -> None:
        self._resolver = resolver
        self._http = http

    async def targets(self, name: str) -> list[Target]:
        """The SRV records of a name, the first choice first."""
        found = sorted(
            (one.priority, -one.weight, one.target.to_text(omit_final_dot=True), one.port)
            for one in await self._records(name, "SRV")
        )
        # A single dot says that there is no such service (RFC 2782).
        return [Target(host.lower(), port) for _, _, host, port in found if host not in ("", ".")]

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a name."""
        return [
            text.decode("utf-8", "replace")
            for one in await self._records(name, "TXT")
            for text in (*one.strings, b"".join(one.strings))
        ]

    async def mail_servers(self, domain: str) -> list[str]:
        """The hosts that take the mail of a domain."""
        found = sorted((one.preference, one.exchange.to_text()) for one in await self._records(domain, "MX"))
        return [host for _, host in found]

    async def _records(self, name: str, kind: Literal["SRV", "TXT", "MX"]) -> list[Any]:
        import dns.exception

        if self._resolver is None:
            return []
        try:
            answer = await self._resolver.resolve(
                name, kind, lifetime=ANSWERS_SECONDS, raise_on_no_answer=False
            )
        except (dns.exception.DNSException, OSError, ValueError):
            return []
        return list(answer.rrset or ())

    async def dav(self, url: str) -> str | None:
        """Where the DAV server behind an address is, None where none answers."""
        answer = await self._ask("PROPFIND", url, PRINCIPAL)
        if answer is None:
            return None
        signs_in = answer.status_code == 401 and "www-authenticate" in answer.headers
        return str(answer.url) if answer.status_code == 207 or signs_in else None

    async def file(self, url: str) -> bytes | None:
        """A small document."""
        answer = await self._ask("GET", url)
        return answer.content if answer is not None and answer.status_code == 200 else None

    async def _ask(self, method: str, url: str, body: bytes = b"") -> httpx2.Response | None:
        import httpx2

        try:
            at = httpx2.URL(url)
            for _ in range(REDIRECTS + 1):
                if at.scheme != "https" and not is_loopback(at.host):
                    return None
                answer = await self._read(method, at, body)
                target = answer.headers.get("location")
                if answer.status_code not in (301, 302, 303, 307, 308) or not target:
                    return answer
                after = at.join(target)
                if at.scheme == "https" and after.scheme != "https":
                    return None
                at = after
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError):
            pass
        return None

    async def _read(self, method: str, url: httpx2.URL, sent: bytes) -> httpx2.Response:
        import httpx2

        async with self._http.stream(method, url, content=sent, headers={"Depth": "0"}) as answer:
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise ValueError("too long")
        return httpx2.Response(
            answer.status_code,
            content=bytes(body),
            request=answer.request,
            headers={
                name: answer.headers[name]
                for name in ("location", "www-authenticate")
                if name in answer.headers
            },
        )

    async def greets(self, kind: Literal["imap", "smtp"], host: str, port: int, security: Security) -> bool:
        """Whether a mail server greets there, behind a good certificate where it speaks TLS from the start."""
        settings = tls() if security == "tls" else None
        writer = None
        try:
            reader, writer = await asyncio.open_connection(host, port, ssl=settings)
            greeting = await reader.readline()
        except (OSError, ssl.SSLError, ValueError):
            return False
        finally:
            if writer is not None:
                writer.close()
        return greeting.startswith(b"* OK" if kind == "imap" else b"220")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()


def open_network() -> Network:
    """The network of this machine."""
    import dns.asyncresolver
    import dns.exception
    import httpx2

    try:
        resolver = dns.asyncresolver.Resolver()
    except (dns.exception.DNSException, OSError):
        resolver = None  # no settings to be found: what is published by HTTPS can still be asked for
    return Network(
        resolver, httpx2.AsyncClient(verify=tls(), timeout=ANSWERS_SECONDS, follow_redirects=False)
    )
