"""Making an account out of what was found and consented to: its services, its name, its sealed secret.

Linking what is linked already renews it: the account keeps its name, its switches and what was synced, and gets the
new secret. Finding, asking and checking come before; they are the business of `discovery`, `consenting`, `checking`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from msgspec import structs

from pierian.accounts.account import Account, Kind, Service, Switches
from pierian.accounts.checking import Checked, where
from pierian.accounts.consenting import Consent
from pierian.accounts.locking import alone
from pierian.accounts.oauth import OAuthKind
from pierian.accounts.scopes import GRAPH, PARTS, Part, consented_parts, scopes_for
from pierian.accounts.secrets import Sealer, Secret
from pierian.accounts.signing_in import WAIT_SECONDS
from pierian.accounts.store import LONGEST_NAME, Accounts, find
from pierian.accounts.troubles import PASSING, refuse_plain_text
from pierian.exceptions import UnknownName, UserError
from pierian.storage.words import fold

_ENDINGS: dict[Kind, str] = {"caldav": "calendar", "carddav": "contacts", "imap": "mail", "ics": "file"}


def linked_before(
    accounts: Accounts, kind: Kind, address: str, services: Sequence[Service], name: str = ""
) -> Account | None:
    """The account that linking would renew: of that kind and address with that name, or at the same server.

    Another address is never put into an account that is there: its mail would go out under the name of the first.
    """
    same = [one for one in accounts.list() if one.kind == kind]
    if name:
        named = (one for one in same if fold(one.name) == fold(name))
        return next((one for one in named if kind == "ics" or fold(one.address) == fold(address)), None)
    if kind == "ics":  # several files may lie at one host
        return None
    places = {where(one) for one in services}
    for one in same:
        there = not services or bool(places & {where(service) for service in one.services})
        if fold(one.address) == fold(address) and there:
            return one
    return None


def save(
    accounts: Accounts,
    old: Account | None,
    kind: Kind,
    name: str,
    address: str,
    services: Sequence[Service],
    switches: Switches,
    secret: Secret | None,
    sealer: Callable[[], Sealer],
) -> Account:
    """Keep a new account, or renew `old`; raises `UserError` where the name is taken."""
    sealed = None if secret is None else sealer().seal(secret)
    if old is None:
        return accounts.add(name, kind, address, services, switches, sealed)
    # Nobody may put a token of the old consent in the place of the new one.
    with alone(accounts.database, f"{old.id}-tokens", wait=WAIT_SECONDS):
        if sealed is not None:
            accounts.seal(old, sealed)
        renewed = accounts.switch(accounts.serve(old, services), switches)
    return accounts.note(renewed)


def default_name(accounts: Accounts, kind: Kind, address: str) -> str:
    """A name that is free: the address, with what it is for where another account has that name."""
    allowed = "".join("-" if c in "/:*?" or c.isspace() else c for c in address).strip("-")
    base = allowed[: LONGEST_NAME - 15] or kind
    ending = _ENDINGS.get(kind, kind)
    tries = [base, f"{base}-{ending}", *(f"{base}-{ending}-{n}" for n in range(2, 100))]
    known = accounts.list()

    def free(name: str) -> bool:
        try:
            find(known, name)
        except UnknownName:
            return True
        return False

    return next((name for name in tries if free(name)), base)


def services_of_consent(kind: OAuthKind, consent: Consent, parts: Sequence[Part]) -> tuple[Service, ...]:
    """The services that a consent covers: those of the parts that were asked for and granted."""
    refused = {one.name for one in consent.missing}
    left_out = {one.part for one in consent.missing if not one.name.endswith("/SMTP.Send")}
    kept: list[Part] = [part for part in PARTS if part in parts and part not in left_out]
    username = consent.username or consent.address
    google = kind == "google"
    made = google_services(consent.address, kept) if google else microsoft_services(username, kept)
    if any(name.endswith("/SMTP.Send") for name in refused):
        made = tuple(one for one in made if one.kind != "smtp")
    return made


def google_services(address: str, parts: Sequence[Part]) -> tuple[Service, ...]:
    """Google by its open protocols (developers.google.com/calendar/caldav/v2/guide, /people/carddav, /gmail/imap)."""
    calendars = f"https://apidata.googleusercontent.com/caldav/v2/{quote(address, safe='@')}/user"
    contacts = "https://www.googleapis.com/.well-known/carddav"
    made: dict[Part, tuple[Service, ...]] = {
        "calendars": (Service(kind="caldav", url=calendars, username=address, sign_in="oauth"),),
        "mail": _mail(address, "imap.gmail.com", Service(kind="smtp", host="smtp.gmail.com", port=465)),
        "contacts": (Service(kind="carddav", url=contacts, username=address, sign_in="oauth"),),
    }
    return tuple(service for part in parts for service in made[part])


def microsoft_services(username: str, parts: Sequence[Part]) -> tuple[Service, ...]:
    """Microsoft's mail by IMAP and SMTP, its calendars and contacts by Graph, for it has no CalDAV."""
    smtp = Service(kind="smtp", host="smtp.office365.com", port=587, security="starttls")
    graph = Service(kind="graph", url=f"{GRAPH}/v1.0", username=username, sign_in="oauth")
    mail = _mail(username, "outlook.office365.com", smtp) if "mail" in parts else ()
    return (*mail, graph) if "calendars" in parts or "contacts" in parts else mail


def _mail(username: str, imap: str, smtp: Service) -> tuple[Service, ...]:
    return (
        Service(kind="imap", host=imap, port=993, username=username, sign_in="oauth"),
        structs.replace(smtp, username=username, sign_in="oauth"),
    )


def usable(checked: Iterable[Checked]) -> list[Service]:
    """The services that are worth keeping: of those that only failed for now, the next check or sync will tell."""
    return [one.service for one in checked if one.code is None or one.code in PASSING]


def switched(accounts: Accounts, account: Account, wanted: Switches, sealer: Callable[[], Sealer]) -> Account:
    """The account with other switches; raises `UserError` where its consent does not cover them."""
    sealed = accounts.sealed(account)
    if sealed is not None and missing_scopes(account, sealer().open(sealed), wanted):
        options = "".join(
            f" --{name}"
            for name in ("write", "send")
            if getattr(wanted, name) > getattr(account.switches, name)
        )
        raise UserError(
            f"The consent for {account.name} does not cover this.",
            hint=f"Link it again to be asked: pierian accounts link {account.kind} {account.address}{options}",
        )
    return accounts.switch(account, wanted)


def missing_scopes(account: Account, secret: Secret, switches: Switches) -> tuple[str, ...]:
    """What the consent of an account lacks for other switches; nothing where it needs no consent."""
    if account.kind not in ("google", "microsoft"):
        return ()
    wanted = scopes_for(account.kind, switches, consented_parts(secret.scopes))
    # What may be changed may be read.
    covered = {*secret.scopes, *(name.replace(".ReadWrite", ".Read") for name in secret.scopes)}
    return tuple(one.name for one in wanted if one.name not in covered)


def ics_service(address: str) -> tuple[Service, Secret | None, str]:
    """A calendar file by its address or path: the service, what is secret of it, and what to call it.

    Raises `UserError` for what is neither, `AccountError` where it would be fetched without encryption.
    """
    scheme = address.partition("://")[0].lower() if "://" in address else ""
    if scheme in ("", "file"):
        typed = unquote(urlsplit(address).path) if scheme else address
        file = Path(typed).expanduser().absolute()
        if not file.is_file():
            raise UserError(
                f"There is no file {file}.",
                hint="Give a file, or an address such as https://example.org/a.ics.",
            )
        return Service(kind="ics", url=file.as_uri(), sign_in="none"), None, file.stem
    if scheme not in ("http", "https", "webcal", "webcals"):
        raise UserError(
            f"{scheme}:// is no address of a calendar file.", hint="It begins with https or webcal."
        )
    none = UserError("This address has no host.", hint="It looks like https://example.org/a.ics.")
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise none from None
    if not host:
        raise none
    http = scheme == "http"
    if http:
        refuse_plain_text(host)
    safe: Literal["http", "https"] = "http" if http else "https"
    whole = urlunsplit((safe, parts.netloc, parts.path or "/", parts.query, ""))
    at = f"[{host}]" if ":" in host else host
    shown = f"{safe}://{at}{f':{port}' if port else ''}/"
    return Service(kind="ics", url=shown, sign_in="none"), Secret(password=whole), host
