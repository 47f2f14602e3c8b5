"""The file in which a domain says to mail programs where its servers are (Mozilla's "autoconfig", config-v1.1.xml).

Read as data of strangers: no entities, no document types, only servers that speak TLS, only names that can be hosts.
"""

from __future__ import annotations

import re
from typing import Literal
from xml.etree.ElementTree import Element, ParseError, fromstring

from pierian.accounts.account import Security, Service

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))+")
_SECURITY: dict[str, Security] = {"SSL": "tls", "TLS": "tls", "STARTTLS": "starttls"}


def mail_services(file: bytes, address: str) -> tuple[Service, ...]:
    """The first IMAP and the first SMTP server in it that take a password; nothing where it is no such file."""
    root = _parsed(file)
    if root is None:
        return ()
    kinds: tuple[tuple[Literal["imap", "smtp"], str], ...] = (
        ("imap", "incomingServer"),
        ("smtp", "outgoingServer"),
    )
    found = list[Service]()
    for kind, tag in kinds:
        servers = [one for one in root.iter(tag) if one.get("type", "").lower() == kind]
        read = (_service(one, kind, address) for one in servers)
        found += [one for one in read if one is not None][:1]
    return tuple(found)


def _parsed(document: bytes) -> Element | None:
    """An XML document of strangers; None where it is none, or declares entities or a document type."""
    # An entity is how a small file becomes a large one, and how it names other files; no such file needs any.
    if b"<!" in document.replace(b"<!--", b"") or document[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return None
    try:
        return fromstring(document)  # noqa: S314 - no entities, see above
    except (ParseError, ValueError, LookupError):
        return None


def _service(server: Element, kind: Literal["imap", "smtp"], address: str) -> Service | None:
    local, _, domain = address.rpartition("@")

    def text(tag: str) -> str:
        written = (server.findtext(tag) or "").strip()
        for name, value in (("ADDRESS", address), ("LOCALPART", local), ("DOMAIN", domain)):
            written = written.replace(f"%EMAIL{name}%", value)
        return written

    host, port = text("hostname").lower(), text("port")
    security = _SECURITY.get(text("socketType").upper())
    ways = [(one.text or "").strip() for one in server.iter("authentication")]
    if security is None or not _HOST.fullmatch(host) or not (port.isascii() and port.isdigit()):
        return None
    if ways and not any(one.startswith("password-") for one in ways):
        return None
    if not 0 < int(port[:6]) < 65_536:
        return None
    username = text("username") or address
    return Service(kind=kind, host=host, port=int(port), security=security, username=username)
