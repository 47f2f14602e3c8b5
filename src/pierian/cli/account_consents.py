"""`pierian accounts link google` and `microsoft`: linking by a consent in the browser, with the user's own client id.

Registered with the commands of `account_links`, which is where the common way is told.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pierian.cli.account_asking import Guide, say, show_checks, show_rows, show_scopes, where_the_key_is
from pierian.cli.account_links import (
    Address,
    BusyOnly,
    Name,
    Send,
    Write,
    Yes,
    app,
    opened,
    switches_for,
)
from pierian.cli.text import printable
from pierian.exceptions import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pierian.accounts.account import Account, Switches
    from pierian.accounts.consenting import Consent, DeviceCode
    from pierian.accounts.oauth import AuthorizationServer, Client, OAuthKind
    from pierian.accounts.scopes import Part, Scope

ClientId = Annotated[
    str | None, typer.Option("--client-id", metavar="ID", help="The client id that you registered there.")
]
ClientFile = Annotated[
    Path | None,
    typer.Option("--client-file", metavar="FILE", help="The JSON file of the client, as Google gives it."),
]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only", metavar="PART", help="calendars, mail or contacts, once for each; default: all of them."
    ),
]
QUESTIONS = (
    ("write", "May it change events, write drafts and set labels, when you approve?"),
    ("send", "May it send mail and invite other people to events, when you approve?"),
)
REGISTER = {
    "google": "A client id of your own is made at https://console.cloud.google.com/auth/clients: kind Desktop app, "
    "with the CalDAV and CardDAV APIs switched on in the project.",
    "microsoft": "A client id of your own is made at https://entra.microsoft.com under App registrations: platform "
    "Mobile and desktop applications, redirect URI http://localhost, public client flows allowed.",
}


@app.command("google")
def google(
    address: Address = None,
    name: Name = None,
    client_id: ClientId = None,
    client_file: ClientFile = None,
    only: Only = None,
    write: Write = False,
    send: Send = False,
    free_busy_only: BusyOnly = False,
    yes: Yes = False,
) -> None:
    """Link calendars, mail and contacts at Google, by your consent in the browser."""
    from pierian.accounts.account import Switches
    from pierian.accounts.oauth import authorization_server

    guide = Guide(yes=yes)
    old = _before("google", address, name)
    registered = _client(guide, "google", old, client_id, client_file)
    wanted = Switches(write=write, send=send, free_busy_only=free_busy_only)
    switches = switches_for(guide, old, wanted, QUESTIONS)
    _link(
        guide,
        authorization_server("google"),
        registered,
        address,
        name,
        switches,
        _parts(only, old),
        device=False,
    )


@app.command("microsoft")
def microsoft(
    address: Address = None,
    name: Name = None,
    client_id: ClientId = None,
    tenant: Annotated[
        str,
        typer.Option(
            "--tenant", help="Whose accounts the client id is for: common, or an organisation's id."
        ),
    ] = "common",
    device: Annotated[
        bool,
        typer.Option("--device", help="Show a code to type on another device, instead of a browser here."),
    ] = False,
    only: Only = None,
    write: Write = False,
    send: Send = False,
    free_busy_only: BusyOnly = False,
    yes: Yes = False,
) -> None:
    """Link calendars, mail and contacts at Microsoft (Outlook.com, Microsoft 365), by your consent."""
    from urllib.parse import quote

    from pierian.accounts.account import Switches
    from pierian.accounts.oauth import authorization_server

    guide = Guide(yes=yes)
    old = _before("microsoft", address, name)
    registered = _client(guide, "microsoft", old, client_id, None)
    wanted = Switches(write=write, send=send, free_busy_only=free_busy_only)
    switches = switches_for(guide, old, wanted, QUESTIONS)
    server = authorization_server("microsoft", quote(tenant, safe=""))
    _link(guide, server, registered, address, name, switches, _parts(only, old), device=device)


def _before(kind: OAuthKind, address: str | None, name: str | None) -> Account | None:
    """The account that this would renew, as far as it can be known before somebody signs in."""
    from pierian.accounts.linking import linked_before

    return linked_before(opened(), kind, address or "", (), name or "") if address or name else None


def _parts(only: list[str] | None, old: Account | None) -> tuple[Part, ...]:
    """What is asked for. An account that is renewed keeps to what it had, unless something else is asked for."""
    from pierian.accounts.scopes import PARTS, consented_parts
    from pierian.accounts.secrets import sealer
    from pierian.exceptions import UnknownName

    if not only and old is not None and (sealed := opened().sealed(old)) is not None:
        return consented_parts(sealer().open(sealed).scopes)

    for one in only or ():
        if one not in PARTS:
            raise UnknownName("part of an account", one, PARTS)
    return tuple(one for one in PARTS if one in only) if only else PARTS


def _client(
    guide: Guide, kind: OAuthKind, old: Account | None, client_id: str | None, file: Path | None
) -> Client:
    """The user's registration: from the options, else that of the account that is renewed, else asked for."""
    from pierian.accounts.oauth import Client
    from pierian.accounts.secrets import sealer

    if file is not None:
        return _client_in(file)
    if client_id is None and old is not None and (sealed := opened().sealed(old)) is not None:
        secret = sealer().open(sealed)
        return Client(id=secret.client_id, secret=secret.client_secret)
    if client_id is None:
        say(REGISTER[kind])
        client_id = guide.word("Client id", "--client-id" + (" or --client-file" if kind == "google" else ""))
    if kind == "google":
        if guide.silent:
            raise UserError(
                "Google wants the client's secret too.", hint="Give the file with both: --client-file"
            )
        return Client(id=client_id, secret=guide.password("Client secret"))
    return Client(id=client_id)


def _client_in(file: Path) -> Client:
    """The client in the file that Google lets one download."""
    import json
    from typing import Any

    from pierian.accounts.oauth import Client

    try:
        read: Any = json.loads(file.read_text(encoding="utf-8-sig"))
        inside = read["installed"]
        return Client(id=str(inside["client_id"]), secret=str(inside["client_secret"]))
    except OSError as error:
        raise UserError(f"The file {file} cannot be read: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UserError(
            f"{file} is no client file of a desktop program.",
            hint="Make a client of the kind Desktop app and download its JSON.",
        ) from error


def _link(
    guide: Guide,
    server: AuthorizationServer,
    registered: Client,
    address: str | None,
    name: str | None,
    switches: Switches,
    parts: Sequence[Part],
    *,
    device: bool,
) -> None:
    from pierian.accounts.scopes import scopes_for

    scopes = scopes_for(server.kind, switches, tuple(parts))
    show_scopes(scopes, server.name)
    if switches.free_busy_only:
        say(
            f"Of its calendars only when they are busy is shown, though {server.name} has no such scope here."
        )
    guide.agree("Go on?")
    consent = _consent(server, registered, scopes, address or "", device=device)
    _refuse_somebody_else(server, consent, address)
    _keep(guide, server, consent, address or consent.address, name, switches, parts)


def _consent(
    server: AuthorizationServer, registered: Client, scopes: Sequence[Scope], address: str, *, device: bool
) -> Consent:
    from pierian.accounts.consenting import by_browser, by_code

    if device:
        return by_code(server, registered, scopes, _show_code)
    return by_browser(server, registered, scopes, _open_browser, address=address)


def _show_code(code: DeviceCode) -> None:
    say(f"On any device open {code.url} and type the code {code.code} within {code.minutes} minutes.")


def _open_browser(url: str) -> None:
    """Open the provider's page, and show its address in case that no browser opens."""
    import webbrowser
    from urllib.parse import parse_qs, urlsplit

    say("Your browser opens; if it does not, open this address in it:")
    say(url)
    redirect = parse_qs(urlsplit(url).query)["redirect_uri"][0]
    port = urlsplit(redirect).port
    say(f"Is your browser on another machine? ssh -L {port}:127.0.0.1:{port} to this one first.", style="dim")
    webbrowser.open(url)


def _refuse_somebody_else(server: AuthorizationServer, consent: Consent, address: str | None) -> None:
    """Linking one address and consenting as somebody else is a slip, and would mix up two accounts."""
    signed_in = {one.lower() for one in (consent.address, consent.username) if one}
    if address and signed_in and address.lower() not in signed_in:
        raise UserError(
            f"You signed in at {server.name} as {consent.address}, not as {address}. Nothing was linked.",
            hint="Choose the other account there, or leave the address out.",
        )


def _keep(
    guide: Guide,
    server: AuthorizationServer,
    consent: Consent,
    address: str,
    name: str | None,
    switches: Switches,
    parts: Sequence[Part],
) -> None:
    from msgspec import structs

    from pierian.accounts.checking import check_services
    from pierian.accounts.linking import default_name, linked_before, save, services_of_consent, usable
    from pierian.accounts.scopes import resource_of
    from pierian.accounts.secrets import sealer
    from pierian.accounts.troubles import AccountError

    if not address:
        raise AccountError(
            f"{server.name} does not say who signed in.",
            code="consent",
            hint="Give your address, and link again.",
        )
    named = structs.replace(consent, address=address if not consent.address else consent.address)
    if consent.missing:
        say("Not allowed by you, and left out:")
        show_rows((one.name, one.why) for one in consent.missing)
    services = services_of_consent(server.kind, named, parts)
    tokens = consent.secret.tokens
    checked = check_services(
        services,
        lambda service: structs.replace(
            consent.secret, access_token=tokens[resource_of(service.kind, server.kind)][0]
        ),
    )
    show_checks(checked)
    kept = usable(checked)
    if not any(one.code is None for one in checked):
        problem = checked[0] if checked else None
        raise AccountError(
            f"{problem.says if problem else 'Nothing was allowed.'} Nothing was linked.",
            code=problem.code if problem and problem.code else "consent",
            hint=problem.hint if problem else f"Take the consent back at {server.consents} and link again.",
        )
    accounts = opened()
    old = linked_before(accounts, server.kind, address, (), name or "")
    called = name or (old.name if old is not None else default_name(accounts, server.kind, address))
    account = save(accounts, old, server.kind, called, address, kept, switches, consent.secret, sealer)
    say(
        f"Its tokens are sealed with the key in {where_the_key_is()}. The consent: {server.consents}",
        style="dim",
    )
    typer.echo(printable(f"{'Renewed' if old is not None else 'Linked'}: {account.name}"))
    if not guide.silent:
        say(f"Next: pierian accounts sync {account.name}", style="dim")
