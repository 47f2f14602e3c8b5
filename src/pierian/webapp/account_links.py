"""Linking an account on a page: from an address to its servers, from a form to an account that was tried and works.

The steps are those of `pierian accounts link`; what was found comes back as fields that can be changed. A password is
tried and sealed, and never part of a page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import unquote, urlsplit, urlunsplit

from msgspec import Struct, structs

from pierian.accounts.account import Account, Security, Service, ServiceKind, Switches
from pierian.exceptions import UserError
from pierian.webapp.accounts import lines_of, switches_for
from pierian.webapp.fields import Filled
from pierian.webapp.forms import Form
from pierian.webapp.layout import frame
from pierian.webapp.rendering import page
from pierian.webapp.site import Site
from pierian.webapp.texts import text
from pierian.webapp.visitors import Visitor

if TYPE_CHECKING:
    from pierian.accounts.checking import Checked
    from pierian.accounts.discovery import Wanted
    from pierian.accounts.secrets import Secret

Kind = Literal["caldav", "carddav", "imap", "ics"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SECURITIES: tuple[Security, ...] = ("tls", "starttls", "none")
LONGEST_PASSWORD = 4096


class NotWorking(UserError):
    """The servers do not let us in as the form says; `checked` tells of each, `field` where to mend it."""

    def __init__(self, checked: Sequence[Checked], field: str) -> None:
        super().__init__(f"{checked[0].says} {text('link.nothing_linked')}", hint=checked[0].hint)
        self.checked = checked
        self.field = field


class WrongField(UserError):
    """One field of the form is not right."""

    def __init__(self, field: str, told: str) -> None:
        super().__init__(told)
        self.field = field


class Foreign(UserError):
    """Nothing but DNS says that the servers are those of the address."""


def link_page(
    site: Site,
    visitor: Visitor,
    kind: Kind,
    *,
    step: Literal["address", "server"] = "address",
    filled: Filled | None = None,
    note: str = "",
    foreign: str = "",
    checked: Sequence[Checked] = (),
) -> str:
    """The form.

    Args:
        step: Whether the servers are still to be looked for.
        filled: What was typed or found, with what is wrong of it.
        note: What a provider wants one to know.
        foreign: The host of somebody else's that DNS names.
        checked: How the servers answered.
    """
    services: tuple[ServiceKind, ...] = ("imap", "smtp") if kind == "imap" else (kind,)
    return page(
        "account_link.html",
        **frame(site, visitor, "accounts"),
        kind=kind,
        kinds=KINDS,
        step="server" if kind == "ics" else step,
        filled=filled or Filled(),
        note=note,
        foreign=foreign,
        checks=lines_of(checked) if checked else [],
        switches=[one for one in switches_for(services) if one != "read"],
        securities=SECURITIES,
    )


class Suggested(Struct, frozen=True):
    """A form with the servers that were found."""

    form: Form
    note: str = ""
    foreign: str = ""
    error: str = ""


def suggested(kind: Kind, address: str) -> Suggested:
    """The form with the servers of an address. Blocks for some seconds.

    Raises `UserError` where it is no address, or where a password is no way in.
    """
    from pierian.accounts.discovery import discover

    if "@" not in address.strip("@"):
        raise UserError(text("link.no_address"), hint=text("link.no_address_hint"))
    if kind == "ics":
        raise UserError(text("link.no_file"))
    wanted: tuple[Wanted, ...] = ("imap", "smtp") if kind == "imap" else (kind,)
    found = asyncio.run(discover(address, wanted))
    provider = found.provider
    if provider is not None and provider.link and not (provider.link == "google" and kind == "imap"):
        raise UserError(
            f"{provider.name} takes no passwords for this.",
            hint=f"At a terminal of this machine: pierian accounts link {provider.link} {address}",
        )
    fields = {"kind": [kind], "address": [address], "username": [address]}
    for one in found.found:
        service = one.service
        prefix = "smtp_" if service.kind == "smtp" else ""
        fields |= {
            f"{prefix}username": [service.username],
            f"{prefix}host": [service.host],
            f"{prefix}port": [str(service.port or "")],
            f"{prefix}security": [service.security],
        }
        if service.url:
            fields["url"] = [service.url]
    if found.of(kind) is None:
        return Suggested(Form(fields), error=text("link.nothing_found", address=address))
    foreign = next((one.service.host or one.where for one in found.found if not one.trusted), "")
    return Suggested(Form(fields), provider.hint if provider is not None else "", foreign)


def linked(site: Site, visitor: Visitor, kind: Kind, form: Form) -> tuple[Account, bool]:
    """The account that the form asks for, and whether it was there before; nothing is kept unless it works. Blocks.

    Raises `NotWorking`, `Foreign`, or another `UserError` where the form is not right.
    """
    from pierian.accounts.checking import check_services
    from pierian.accounts.linking import default_name, linked_before, save, usable
    from pierian.accounts.secrets import sealer

    if form.text("foreign") and not form.text("mine"):
        raise Foreign(text("link.foreign_unconfirmed"), hint=text("link.foreign_unconfirmed_hint"))
    accounts = site.accounts(visitor.owner)
    services, secret, address = _services(kind, form)
    old = linked_before(accounts, kind, address, services, form.text("name"))
    checked = check_services(services, lambda _service: secret)
    if checked[0].code is not None:
        place = "host" if kind == "imap" else "url"
        raise NotWorking(checked, "password" if checked[0].code == "password" else place)
    ticked = {name: bool(form.text(name)) for name in ("write", "send", "free_busy_only")}
    had = old.switches if old is not None else Switches()
    switches = structs.replace(had, **{name: on or getattr(had, name) for name, on in ticked.items()})
    name = form.text("name") or (old.name if old is not None else default_name(accounts, kind, address))
    made = save(accounts, old, kind, name, address, usable(checked), switches, secret, sealer)
    site.service.synchroniser.want(visitor.owner, made.id)
    return made, old is not None


def _services(kind: Kind, form: Form) -> tuple[list[Service], Secret | None, str]:
    """The servers that the form names, what one signs in with, and whose account it is."""
    if kind == "ics":
        return _calendar_file(form)
    from pierian.accounts.secrets import Secret

    password = form.raw("password")
    if not password or len(password) > LONGEST_PASSWORD or any(c in "\r\n\0" for c in password):
        raise WrongField("password", text("link.no_password"))
    username = form.text("username")
    if not username:
        raise WrongField("username", text("link.no_username"))
    address = form.text("address") or username
    if kind == "imap":
        return _mail_servers(form, username), Secret(password=password), address
    from pierian.accounts.discovery import at_url

    url = _without_userinfo(form.text("url"))
    found = asyncio.run(at_url(kind, url, username))
    return [found.service], Secret(password=password), address


def _calendar_file(form: Form) -> tuple[list[Service], Secret | None, str]:
    from pierian.accounts.linking import ics_service

    url = form.text("url")
    if "://" not in url or url.lower().startswith("file:"):  # what this server can read is not for a page
        raise WrongField("url", text("link.no_file"))
    service, secret, called = ics_service(url)
    return [service], secret, called


def _mail_servers(form: Form, username: str) -> list[Service]:
    from pierian.accounts.discovery import at_host

    host = form.text("host")
    if not host:
        raise WrongField("host", text("link.no_server"))
    imap = at_host("imap", host, _port(form, "port"), _security(form, "security"), username)
    smtp = at_host(
        "smtp",
        form.text("smtp_host") or host,
        _port(form, "smtp_port"),
        _security(form, "smtp_security"),
        form.text("smtp_username") or username,
    )
    return [imap.service, smtp.service]


def _port(form: Form, name: str) -> int | None:
    given = form.text(name)
    if not given:
        return None
    if not (given.isascii() and given.isdecimal()) or not 0 < int(given[:6]) < 65_536:
        raise WrongField(name, text("link.no_port"))
    return int(given)


def _security(form: Form, name: str) -> Security | None:
    return next((one for one in SECURITIES if one == form.text(name)), None)


def _without_userinfo(url: str) -> str:
    """The address without a user name; a password in it would be kept in the history of a browser."""
    if not url:
        raise WrongField("url", text("link.no_server"))
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        user, _, host = parts.netloc.rpartition("@")
    except ValueError:
        raise WrongField("url", text("link.no_server")) from None
    if ":" in unquote(user) or parts.scheme not in ("http", "https") or not host:
        raise WrongField("url", text("link.no_url"))
    return urlunsplit(parts._replace(netloc=host))
