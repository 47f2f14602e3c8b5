"""Whether each service of an account can be used: who answers, whether it lets us in, what it can do.

Nothing is changed at a server, nothing is sent to anybody, nothing is synced. What is wrong is a sentence for the
person who links the account; a password goes to no server whose certificate does not prove its name.
"""

from __future__ import annotations

import imaplib
import smtplib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from pierian.accounts.account import Account, Service
from pierian.accounts.dav import CALDAV, CARDDAV, DAV, Dav, Reply, SignIn
from pierian.accounts.scopes import consented_parts
from pierian.accounts.secrets import Sealer, Secret
from pierian.accounts.signing_in import fresh_secret, ics_address
from pierian.accounts.store import Accounts
from pierian.accounts.transport import TIMEOUT, ask, client
from pierian.accounts.troubles import (
    AccountError,
    TroubleCode,
    by_status,
    explained,
    in_one_line,
    pause_after,
)
from pierian.exceptions import PierianError

SecretOf = Callable[[Service], Secret | None]

NAMES = {
    "caldav": "calendars",
    "carddav": "contacts",
    "imap": "mail",
    "smtp": "sending mail",
    "ics": "calendar file",
    "graph": "Microsoft Graph",
    "mcp": "MCP server",
    "duffel": "flights",
}


class Checked(Struct, frozen=True, kw_only=True):
    """How the check of one service went."""

    service: Service
    says: str
    """What it offers, or what is wrong."""
    code: TroubleCode | None = None
    """None where it works."""
    hint: str = ""


def check_services(services: Sequence[Service], secret_of: SecretOf) -> list[Checked]:
    """Check services side by side; `secret_of` gives what one signs in with. Blocks for at most about a minute."""
    with ThreadPoolExecutor(max(1, len(services))) as threads:
        return list(threads.map(_checked, services, repeat(secret_of)))


def check_account(accounts: Accounts, account: Account, sealer: Callable[[], Sealer]) -> list[Checked]:
    """Check all services of a linked account, and keep how it went."""
    found = check_services(
        [one for one in account.services if one.kind != "mcp"],
        lambda service: fresh_secret(accounts, account, sealer, service.kind),
    )
    failed = [AccountError(one.says, code=one.code, hint=one.hint) for one in found if one.code is not None]
    accounts.note(
        account,
        problem=problem_of(found),
        hint=in_one_line(one.hint for one in failed),
        retry_after=pause_after(failed, account.failures),
    )
    return found


def problem_of(checked: Iterable[Checked]) -> str:
    """What is wrong, in one line; empty where nothing is."""
    return in_one_line(one.says for one in checked if one.code is not None)


def where(service: Service) -> str:
    """A service as sentences name it: its host, never the rest of an address."""
    if service.host:
        return f"{service.host}:{service.port}"
    parts = urlsplit(service.url)
    return parts.netloc.rpartition("@")[2] or Path(unquote(parts.path)).name


def _checked(service: Service, secret_of: SecretOf) -> Checked:
    try:
        return Checked(service=service, says=_CHECKS[service.kind](service, secret_of(service)))
    except AccountError as error:
        trouble = error
    except PierianError as error:
        trouble = AccountError(str(error), code="failed", hint=error.hint)
    except (OSError, imaplib.IMAP4.error, smtplib.SMTPException) as error:
        trouble = explained(error, where(service)) or AccountError(
            f"{where(service)} does not answer as it should.", code="failed"
        )
    if trouble.code == "password" and service.sign_in == "oauth":
        trouble = AccountError(
            f"{where(service)} does not accept the consent that was given.",
            code="consent",
            hint="Link the account again; some organisations must allow this protocol first.",
        )
    return Checked(service=service, says=str(trouble), code=trouble.code, hint=trouble.hint)


def _caldav(service: Service, secret: Secret | None) -> str:
    return _dav(service, secret, f"{CALDAV}calendar-home-set", f"{CALDAV}calendar", "calendar")


def _carddav(service: Service, secret: Secret | None) -> str:
    return _dav(service, secret, f"{CARDDAV}addressbook-home-set", f"{CARDDAV}addressbook", "address book")


def _dav(service: Service, secret: Secret | None, home: str, kind: str, called: str) -> str:
    """From the principal to the home, and how many collections are there (RFC 6764, 6; RFC 4791, 6.2.1)."""
    principal, types = f"{DAV}current-user-principal", f"{DAV}resourcetype"
    with Dav(service, secret, silence=TIMEOUT) as dav:
        reply = dav.propfind(service.url, [principal, home, types])
        homes = _addresses(reply, home)
        if not homes and (found := _addresses(reply, principal)):
            homes = _addresses(dav.propfind(dav.url(found[0]), [home]), home)
        if homes:
            reply = dav.propfind(dav.url(homes[0]), [types], depth=1)
        number = sum(kind in one.names(types) for one in reply.resources)
    if not homes and not number:
        raise AccountError(
            f"{where(service)} answers, but has no {called}s there.",
            code="not_found",
            hint="Check the address.",
        )
    return f"signed in; {number} {called}{'' if number == 1 else 's'}"


def _addresses(reply: Reply, name: str) -> list[str]:
    return [address for one in reply.resources for address in one.addresses(name)]


def _imap(service: Service, secret: Secret | None) -> str:
    from pierian.accounts.mail.connection import signed_in

    with signed_in(service, secret) as imap:
        number = len(imap.mailboxes())
        quick = next((one for one in ("QRESYNC", "CONDSTORE") if imap.can(one)), "")
    changes = f"; says what has changed ({quick})" if quick else ""
    return f"signed in; {number} mailbox{'' if number == 1 else 'es'}{changes}"


def _smtp(service: Service, secret: Secret | None) -> str:
    from pierian.accounts.mail.sending import signed_in_smtp

    with signed_in_smtp(service, secret) as smtp:
        most = smtp.esmtp_features.get("size", "")
    size = f"; messages up to {int(most) // 1_000_000} MB" if most.isdigit() and int(most) > 1_000_000 else ""
    return f"{'signed in' if service.sign_in != 'none' else 'answers'}; nothing was sent{size}"


def _ics(service: Service, secret: Secret | None) -> str:
    from pierian.accounts.calendars.ics_file import take_apart
    from pierian.accounts.calendars.ics_sync import MOST_BYTES

    url = ics_address(service, secret)
    if url.startswith("file:"):
        data = _file(Path(unquote(urlsplit(url).path)), MOST_BYTES)
    else:
        with client() as http:
            answer = ask(http, "GET", url, most_bytes=MOST_BYTES)
        if not answer.is_success:
            raise by_status(
                answer.status_code, answer.request.url.host, retry_after=answer.headers.get("retry-after")
            )
        data = answer.content
    try:
        number = len(take_apart(data.decode("utf-8", "replace")).parts)
    except ValueError as error:
        raise AccountError(
            f"What {where(service)} gives {error}.", code="not_found", hint="Check the address."
        ) from error
    return f"{number:,} event{'' if number == 1 else 's'}"


def _file(file: Path, most_bytes: int) -> bytes:
    try:
        if file.stat().st_size > most_bytes:
            raise AccountError(f"{file.name} is larger than {most_bytes // 1_000_000} MB.", code="failed")
        return file.read_bytes()
    except OSError as error:
        raise AccountError(
            f"The file {file} cannot be read: {error.strerror}.", code="not_found", hint="Check its name."
        ) from error


def _graph(service: Service, secret: Secret | None) -> str:
    held = secret or Secret()
    parts = [part for part in consented_parts(held.scopes) if part != "mail"]
    with client() as http:
        for part in parts:
            answer = ask(
                http,
                "GET",
                f"{service.url}/me/{part}?$top=1&$select=id",
                auth=SignIn(service, held),
            )
            if not answer.is_success:
                raise by_status(
                    answer.status_code, where(service), retry_after=answer.headers.get("retry-after")
                )
    return f"signed in; {' and '.join(parts)} can be read"


def _mcp(service: Service, _secret: Secret | None) -> str:
    raise AccountError("An MCP server is checked by: pierian tools list", code="failed")


def _duffel(service: Service, secret: Secret | None) -> str:
    """Asks for one airline: that needs the key and costs nothing."""
    headers = {"Authorization": f"Bearer {secret.password if secret else ''}", "Duffel-Version": "v2"}
    with client() as http:
        answer = ask(http, "GET", f"{service.url.rstrip('/')}/air/airlines?limit=1", headers=headers)
    if answer.status_code in (401, 403):
        raise AccountError(
            "Duffel does not accept the key.", code="password", hint="Make a new one in Duffel's dashboard."
        )
    if answer.status_code != 200:
        raise AccountError(f"Duffel answered with status {answer.status_code}.", code="failed")
    return "flights can be searched"


_CHECKS: dict[str, Callable[[Service, Secret | None], str]] = {
    "caldav": _caldav,
    "carddav": _carddav,
    "imap": _imap,
    "smtp": _smtp,
    "ics": _ics,
    "graph": _graph,
    "mcp": _mcp,
    "duffel": _duffel,
}
