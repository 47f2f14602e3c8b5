"""Finding the servers of an address: by its provider, by DNS, by what the domain itself publishes, at last by trying.

Calendars and contacts: RFC 6764 (SRV and TXT records, well-known addresses). Mail: RFC 6186 (SRV records) and the
configuration file that domains publish for mail programs. All is asked side by side, each given up within seconds,
and only by TLS with verified certificates. Nothing secret is sent: passwords come later, in `checking`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Literal, TypeVar, get_args
from urllib.parse import quote, urlsplit

from msgspec import Struct, structs

from pierian.accounts.account import Security, Service
from pierian.accounts.autoconfig import mail_services
from pierian.accounts.network import ANSWERS_SECONDS, Network, Target, open_network
from pierian.accounts.providers import DAV_PATHS, Provider, provider_at, provider_by_mail_servers, provider_of
from pierian.accounts.troubles import is_loopback
from pierian.exceptions import UserError

Value = TypeVar("Value")
DavKind = Literal["caldav", "carddav"]
MailKind = Literal["imap", "smtp"]
Wanted = DavKind | MailKind

# RFC 6186 and 8314: what is asked for, in order; the second needs STARTTLS.
_SRV: dict[str, tuple[tuple[str, Security], ...]] = {
    "imap": (("_imaps._tcp", "tls"), ("_imap._tcp", "starttls")),
    "smtp": (("_submissions._tcp", "tls"), ("_submission._tcp", "starttls")),
}
_PORTS: dict[str, dict[Security, int]] = {
    "imap": {"tls": 993, "starttls": 143, "none": 143},
    "smtp": {"tls": 465, "starttls": 587, "none": 25},
}
_GUESSES: dict[str, tuple[tuple[str, int, Security], ...]] = {
    "imap": (("imap.", 993, "tls"), ("mail.", 993, "tls"), ("", 993, "tls"), ("imap.", 143, "starttls")),
    "smtp": (
        ("smtp.", 465, "tls"),
        ("mail.", 465, "tls"),
        ("smtp.", 587, "starttls"),
        ("mail.", 587, "starttls"),
    ),
}


class Found(Struct, frozen=True, kw_only=True):
    """A server, and how it was found."""

    service: Service
    how: str
    trusted: bool = True
    """False where nothing but DNS says that it belongs to the domain: the user has to say so."""

    @property
    def where(self) -> str:
        """The address of it, for people."""
        one = self.service
        return one.url or f"{one.host}:{one.port} ({'TLS' if one.security == 'tls' else one.security})"


class Discovery(Struct, frozen=True, kw_only=True):
    """What was found for an address."""

    found: tuple[Found, ...] = ()
    provider: Provider | None = None

    def of(self, kind: Wanted) -> Found | None:
        """The server of a kind."""
        return next((one for one in self.found if one.service.kind == kind), None)


async def discover(address: str, wanted: Iterable[Wanted], network: Network | None = None) -> Discovery:
    """The servers of a mail address, as far as they can be found; raises `UserError` where it is none."""
    _, _, domain = address.rpartition("@")
    domain = ascii_domain(domain)
    kinds = tuple(wanted)
    known = provider_of(domain)
    found = _by_provider(known, address) if known is not None else {}
    if any(kind not in found for kind in kinds) and (known is None or not known.link):
        async with network or open_network() as net:
            if known is None:
                known = provider_by_mail_servers(await net.mail_servers(domain))
                found = _by_provider(known, address) if known is not None else {}
            missing = [kind for kind in kinds if kind not in found]
            asked = [_dav(net, domain, address, kind) for kind in get_args(DavKind) if kind in missing]
            for one in await asyncio.gather(*asked):
                if one is not None:
                    found[one.service.kind] = one
            mail: list[MailKind] = [kind for kind in get_args(MailKind) if kind in missing]
            if mail:
                found |= {one.service.kind: one for one in await _mail(net, domain, address, mail)}
    return Discovery(found=tuple(found[kind] for kind in kinds if kind in found), provider=known)


async def at_url(kind: DavKind, url: str, username: str, network: Network | None = None) -> Found:
    """The server at an address that the user typed: as it is, or where its host says that this lies.

    Raises `UserError` where it is no address.
    """
    typed = url if "://" in url else f"https://{url}"
    try:
        parts = urlsplit(typed)
        _ = parts.port  # read only now by the library
    except ValueError as error:
        raise UserError(f"That is no address of a server: {error}.", hint="https://host/path") from error
    service = Service(kind=kind, url=typed, username=username)
    if parts.path not in ("", "/") or not parts.hostname:
        return Found(service=service, how="as you typed it")
    async with network or open_network() as net:
        found = await _dav_at(net, f"{parts.scheme}://{parts.netloc}", kind)
    url = found or f"{typed.rstrip('/')}/"
    how = "said by that server" if found else "as you typed it"
    return Found(service=structs.replace(service, url=url), how=how)


def at_host(kind: MailKind, host: str, port: int | None, security: Security | None, username: str) -> Found:
    """The mail server that the user typed, at the usual port where they named none."""
    usual = _PORTS[kind]
    by_port: list[Security] = [name for name, usually in usual.items() if usually == port]
    chosen = security or (by_port[0] if by_port else "tls")
    service = Service(kind=kind, host=host, port=port or usual[chosen], security=chosen, username=username)
    return Found(service=service, how="as you typed it")


def ascii_domain(domain: str) -> str:
    """The domain as DNS knows it (IDNA); raises `UserError`."""
    import idna

    try:
        return idna.encode(domain.strip().rstrip("."), uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise UserError(
            f"{domain!r} is not a domain.", hint="An address looks like ann@example.org."
        ) from error


def _by_provider(provider: Provider, address: str) -> dict[str, Found]:
    how = f"settings of {provider.name}"
    return {one.kind: Found(service=one, how=how) for one in provider.services(address)}


async def _dav(net: Network, domain: str, address: str, kind: DavKind) -> Found | None:
    """RFC 6764, 6: the SRV record with the path of the TXT record, else the well-known address of the domain."""
    record, paths, own = await asyncio.gather(
        _within(net.targets(f"_{kind}s._tcp.{domain}"), []),
        _within(net.texts(f"_{kind}s._tcp.{domain}"), []),
        _within(_dav_at(net, f"https://{domain}", kind), None),
    )
    for target in record:
        base = f"https://{target.host}" + (f":{target.port}" if target.port != 443 else "")
        path = next((text[5:] for text in paths if text.lower().startswith("path=/")), None)
        url = f"{base}{quote(path, safe='/%~@:')}" if path else await _within(_dav_at(net, base, kind), None)
        return Found(
            service=Service(kind=kind, url=url or f"{base}/", username=address),
            how=f"DNS of {domain}",
            trusted=_belongs(target.host, domain),
        )
    if own is not None:
        return Found(service=Service(kind=kind, url=own, username=address), how=f"said by {domain}")
    return None


async def _dav_at(net: Network, base: str, kind: str) -> str | None:
    """Where a host has its calendars or contacts: where its well-known address leads, or at a usual path."""
    if (known := await _within(net.dav(f"{base}/.well-known/{kind}"), None)) is not None:
        return known
    tried = await asyncio.gather(*(_within(net.dav(base + path), None) for path in DAV_PATHS))
    return next((url for url in tried if url is not None), None)


async def _mail(net: Network, domain: str, address: str, kinds: list[MailKind]) -> list[Found]:
    """By the domain's DNS, else by the file it publishes for mail programs, else by trying usual names."""
    names = {kind: [*_SRV[kind]] for kind in kinds}
    records, published = await asyncio.gather(
        asyncio.gather(
            *(_within(net.targets(f"{name}.{domain}"), []) for kind in kinds for name, _ in names[kind])
        ),
        _published(net, domain, address),
    )
    by_dns = iter(records)
    found, missing = list[Found](), list[MailKind]()
    for kind in kinds:
        answers: list[tuple[list[Target], Security]] = [
            (next(by_dns), security) for _, security in names[kind]
        ]
        by_srv = [
            _from_dns(kind, targets[0], security, domain, address) for targets, security in answers if targets
        ]
        told = next((one for one in published if one.kind == kind), None)
        if by_srv and (by_srv[0].trusted or told is None):
            found.append(by_srv[0])
        elif told is not None:
            found.append(Found(service=told, how=f"said by {domain}"))
        else:
            missing.append(kind)
    guessed = await asyncio.gather(*(_guessed(net, domain, address, kind) for kind in missing))
    return found + [one for one in guessed if one is not None]


def _from_dns(kind: MailKind, target: Target, security: Security, domain: str, address: str) -> Found:
    service = Service(kind=kind, host=target.host, port=target.port, security=security, username=address)
    return Found(service=service, how=f"DNS of {domain}", trusted=_belongs(target.host, domain))


async def _published(net: Network, domain: str, address: str) -> tuple[Service, ...]:
    """The servers in the file that a domain publishes for mail programs, at either of its two usual places."""
    places = (
        f"https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={quote(address)}",
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    )
    files = await asyncio.gather(*(_within(net.file(url), None) for url in places))
    for file in files:
        if file is not None and (services := mail_services(file, address)):
            return services
    return ()


async def _guessed(net: Network, domain: str, address: str, kind: MailKind) -> Found | None:
    tries: list[tuple[str, int, Security]] = [
        (f"{name}{domain}", port, security) for name, port, security in _GUESSES[kind]
    ]
    answers = await asyncio.gather(*(_within(net.greets(kind, *one), False) for one in tries))
    for (host, port, security), answered in zip(tries, answers, strict=True):
        if answered:
            service = Service(kind=kind, host=host, port=port, security=security, username=address)
            return Found(service=service, how="tried and found")
    return None


def _belongs(host: str, domain: str) -> bool:
    """Whether a host that DNS names is the domain's own, or a known provider's: anything else may be a forgery."""
    return host == domain or host.endswith(f".{domain}") or provider_at(host) is not None or is_loopback(host)


async def _within(asked: Awaitable[Value], otherwise: Value) -> Value:
    try:
        async with asyncio.timeout(ANSWERS_SECONDS):
            return await asked
    except TimeoutError:
        return otherwise
