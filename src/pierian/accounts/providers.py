"""Settings of common providers, as they publish them: where their calendars, mail and contacts are, and what to know.

They save the questions to the network that `discovery` asks for every other domain. A provider is known by the
domains of its addresses, and for people with a domain of their own by the names of its mail servers (MX). What is not
certain is left out: the network is asked for it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from pierian.accounts.account import Security, Service, ServiceKind


class Place(Struct, frozen=True):
    """A mail server."""

    host: str
    port: int
    security: Security = "tls"


class Provider(Struct, frozen=True, kw_only=True):
    """One provider."""

    name: str
    domains: tuple[str, ...]
    mail_servers: tuple[str, ...] = ()
    """The names under which its MX hosts lie; none where it hosts no other domains."""
    imap: Place | None = None
    smtp: Place | None = None
    caldav: str = ""
    carddav: str = ""
    hint: str = ""
    """What one has to know before signing in."""
    link: Literal["google", "microsoft", ""] = ""
    """Where its calendars or mail take no passwords: what to link instead."""
    local_part: bool = False
    """Its IMAP server wants the part before the @ as the user name."""

    def services(self, address: str) -> tuple[Service, ...]:
        """All that it offers to somebody who signs in with a password."""
        mail = [("imap", self.imap), ("smtp", self.smtp)]
        found = [
            Service(
                kind="imap" if kind == "imap" else "smtp",
                host=place.host,
                port=place.port,
                security=place.security,
                username=address.partition("@")[0] if kind == "imap" and self.local_part else address,
            )
            for kind, place in mail
            if place is not None
        ]
        dav: list[tuple[ServiceKind, str]] = [("caldav", self.caldav), ("carddav", self.carddav)]
        return (*(Service(kind=kind, url=url, username=address) for kind, url in dav if url), *found)

    def hosts(self) -> set[str]:
        """The hosts that these settings name."""
        from urllib.parse import urlsplit

        urls = {urlsplit(url).hostname or "" for url in (self.caldav, self.carddav) if url}
        return urls | {place.host for place in (self.imap, self.smtp) if place is not None}


def provider_of(domain: str) -> Provider | None:
    """The provider of addresses at a domain."""
    wanted = domain.lower().rstrip(".")
    return next((one for one in PROVIDERS if wanted in one.domains), None)


def provider_by_mail_servers(hosts: list[str]) -> Provider | None:
    """The provider that takes the mail of a domain, by its MX hosts."""
    for host in hosts:
        lowered = "." + host.lower().rstrip(".")
        for one in PROVIDERS:
            if any(lowered.endswith("." + name) for name in one.mail_servers):
                return one
    return None


def provider_at(host: str) -> Provider | None:
    """The provider that a server belongs to."""
    return next((one for one in PROVIDERS if host.lower() in one.hosts()), None)


_APP = (
    "It wants a password made for this program (an app password), not the one you sign in with on its pages"
)

PROVIDERS: tuple[Provider, ...] = (
    Provider(
        name="Google",
        domains=("gmail.com", "googlemail.com"),
        mail_servers=("google.com", "googlemail.com"),
        imap=Place("imap.gmail.com", 993),
        smtp=Place("smtp.gmail.com", 465),
        hint=f"{_APP}; it can be made at https://myaccount.google.com/apppasswords once two-step verification is on. "
        "Calendars and contacts need: pierian accounts link google",
        link="google",
    ),
    Provider(
        name="Microsoft",
        domains=(
            "outlook.com",
            "hotmail.com",
            "live.com",
            "msn.com",
            "outlook.de",
            "hotmail.de",
            "hotmail.co.uk",
        ),
        mail_servers=("mail.protection.outlook.com", "olc.protection.outlook.com"),
        imap=Place("outlook.office365.com", 993),
        smtp=Place("smtp.office365.com", 587, "starttls"),
        hint="It takes no passwords for mail any more: pierian accounts link microsoft",
        link="microsoft",
    ),
    Provider(
        name="iCloud",
        domains=("icloud.com", "me.com", "mac.com"),
        mail_servers=("mail.icloud.com",),
        imap=Place("imap.mail.me.com", 993),
        smtp=Place("smtp.mail.me.com", 587, "starttls"),
        caldav="https://caldav.icloud.com/",
        carddav="https://contacts.icloud.com/",
        hint=f"{_APP}; it is made at https://account.apple.com under Sign-In and Security, App-Specific Passwords.",
        local_part=True,
    ),
    Provider(
        name="Fastmail",
        domains=("fastmail.com", "fastmail.fm", "fastmail.org", "fastmail.net", "fastmail.de", "sent.com"),
        mail_servers=("messagingengine.com",),
        imap=Place("imap.fastmail.com", 993),
        smtp=Place("smtp.fastmail.com", 465),
        caldav="https://caldav.fastmail.com/",
        carddav="https://carddav.fastmail.com/",
        hint=f"{_APP}; it is made in the settings under Privacy & Security.",
    ),
    Provider(
        name="mailbox.org",
        domains=("mailbox.org",),
        mail_servers=("mailbox.org",),
        imap=Place("imap.mailbox.org", 993),
        smtp=Place("smtp.mailbox.org", 465),
        caldav="https://dav.mailbox.org/",
        carddav="https://dav.mailbox.org/",
    ),
    Provider(
        name="Posteo",
        domains=("posteo.de", "posteo.net", "posteo.eu", "posteo.org", "posteo.at", "posteo.ch"),
        imap=Place("posteo.de", 993),
        smtp=Place("posteo.de", 465),
        caldav="https://posteo.de:8443/",
        carddav="https://posteo.de:8843/",
    ),
    Provider(
        name="GMX",
        domains=("gmx.de", "gmx.net", "gmx.at", "gmx.ch"),
        imap=Place("imap.gmx.net", 993),
        smtp=Place("mail.gmx.net", 465),
        hint="IMAP has to be switched on first: E-Mail, Settings, POP3/IMAP. With two-factor sign-in it wants an app "
        "password.",
    ),
    Provider(
        name="GMX.com",
        domains=("gmx.com", "gmx.us", "gmx.co.uk"),
        imap=Place("imap.gmx.com", 993),
        smtp=Place("mail.gmx.com", 465),
        hint="IMAP has to be switched on first: E-Mail, Settings, POP3 & IMAP.",
    ),
    Provider(
        name="WEB.DE",
        domains=("web.de",),
        imap=Place("imap.web.de", 993),
        smtp=Place("smtp.web.de", 587, "starttls"),
        hint="IMAP has to be switched on first: E-Mail, Settings, POP3/IMAP. With two-factor sign-in it wants an app "
        "password.",
    ),
    Provider(
        name="Yahoo",
        domains=("yahoo.com", "yahoo.de", "yahoo.co.uk", "yahoo.fr", "ymail.com", "rocketmail.com"),
        mail_servers=("yahoodns.net",),
        imap=Place("imap.mail.yahoo.com", 993),
        smtp=Place("smtp.mail.yahoo.com", 465),
        caldav="https://caldav.calendar.yahoo.com/",
        carddav="https://carddav.address.yahoo.com/",
        hint=f"{_APP}; it is made at https://login.yahoo.com/account/security.",
    ),
    Provider(
        name="AOL",
        domains=("aol.com", "aim.com"),
        imap=Place("imap.aol.com", 993),
        smtp=Place("smtp.aol.com", 465),
        hint=f"{_APP}; it is made at https://login.aol.com/account/security.",
    ),
    Provider(
        name="Zoho",
        domains=("zohomail.com", "zoho.com"),
        imap=Place("imap.zoho.com", 993),
        smtp=Place("smtp.zoho.com", 465),
        hint="IMAP has to be switched on in its settings. With two-factor sign-in it wants an app password, which is "
        "made at https://accounts.zoho.com under Security.",
    ),
    Provider(
        name="Zoho (EU)",
        domains=("zohomail.eu", "zoho.eu"),
        imap=Place("imap.zoho.eu", 993),
        smtp=Place("smtp.zoho.eu", 465),
        hint="IMAP has to be switched on in its settings. With two-factor sign-in it wants an app password, which is "
        "made at https://accounts.zoho.eu under Security.",
    ),
    Provider(
        name="T-Online",
        domains=("t-online.de", "magenta.de"),
        imap=Place("secureimap.t-online.de", 993),
        smtp=Place("securesmtp.t-online.de", 465),
        hint="It wants the password for e-mail programs, which is set in its customer centre.",
    ),
    Provider(
        name="Proton Mail Bridge",
        domains=("proton.me", "protonmail.com", "pm.me", "protonmail.ch"),
        mail_servers=("protonmail.ch",),
        imap=Place("127.0.0.1", 1143, "starttls"),
        smtp=Place("127.0.0.1", 1025, "starttls"),
        hint="Mail is read through Proton Mail Bridge on this machine: use the password that Bridge shows, export "
        "its certificate (Settings, Advanced settings) and name that file in SSL_CERT_FILE.",
    ),
)

DAV_PATHS = ("/remote.php/dav/", "/dav/", "/caldav/", "/SOGo/dav/", "/dav.php/", "/groupdav.php/")
"""Where programs that people run themselves have their calendars and contacts, Nextcloud and ownCloud first: tried at
a host that says nothing of it."""
