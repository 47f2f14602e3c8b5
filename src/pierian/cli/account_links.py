"""`pierian accounts link`: a guided way from an address to an account that was tried and works.

Each kind goes the same way: find the servers, show what was found and what is asked for and why, ask, sign in, check,
keep. Nothing is kept before the check has succeeded. With `--yes` nothing is asked.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pierian.cli.account_asking import Guide, in_words, say, show_checks, show_rows, where_the_key_is
from pierian.cli.storing import opened_storage
from pierian.cli.text import printable
from pierian.exceptions import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pierian.accounts.account import Account, Kind, Security, Service, Switches
    from pierian.accounts.discovery import Discovery, Found, Wanted
    from pierian.accounts.secrets import Secret
    from pierian.accounts.store import Accounts

app = typer.Typer(
    no_args_is_help=True, help="Link an account; linking it again renews its password or consent."
)

PasswordKind = Literal["caldav", "carddav", "imap"]

Address = Annotated[
    str | None, typer.Argument(metavar="ADDRESS", help="Its address, such as ann@example.org.")
]
Name = Annotated[str | None, typer.Option("--name", help="What to call it; default: its address.")]
Url = Annotated[str | None, typer.Option("--url", help="Its server, where it is not to be looked for.")]
Username = Annotated[
    str | None, typer.Option("--username", help="What one signs in with; default: the address.")
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input; needs --yes.")
]
Write = Annotated[bool, typer.Option("--write", help="It may change things: events, drafts, labels.")]
Send = Annotated[bool, typer.Option("--send", help="It may reach other people: mail, invitations.")]
BusyOnly = Annotated[
    bool, typer.Option("--free-busy-only", help="Of its calendars only when they are busy is shown.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

CALENDAR_QUESTIONS = (
    ("write", "May it create, move and cancel events, when you approve?"),
    ("send", "May it invite other people to events, when you approve?"),
)
MAIL_QUESTIONS = (
    ("write", "May it write drafts and change labels, when you approve?"),
    ("send", "May it send mail, when you approve?"),
)
ATTEMPTS = 3


@app.command("caldav")
def caldav(
    address: Address = None,
    name: Name = None,
    url: Url = None,
    username: Username = None,
    password_stdin: PasswordStdin = False,
    write: Write = False,
    send: Send = False,
    free_busy_only: BusyOnly = False,
    yes: Yes = False,
) -> None:
    """Link calendars on a CalDAV server: iCloud, Fastmail, mailbox.org, Nextcloud, Radicale and many others."""
    from pierian.accounts.account import Switches

    guide = Guide(yes=yes, password_stdin=password_stdin)
    who, found = _dav_servers(guide, "caldav", address, url, username)
    wanted = Switches(write=write, send=send, free_busy_only=free_busy_only)
    _link_by_password(guide, "caldav", who, name, found, wanted, CALENDAR_QUESTIONS)


@app.command("carddav")
def carddav(
    address: Address = None,
    name: Name = None,
    url: Url = None,
    username: Username = None,
    password_stdin: PasswordStdin = False,
    yes: Yes = False,
) -> None:
    """Link address books on a CardDAV server. They are read, never written."""
    from pierian.accounts.account import Switches

    guide = Guide(yes=yes, password_stdin=password_stdin)
    who, found = _dav_servers(guide, "carddav", address, url, username)
    _link_by_password(guide, "carddav", who, name, found, Switches(), ())


@app.command("imap")
def imap(
    address: Address = None,
    name: Name = None,
    host: Annotated[str | None, typer.Option("--host", help="Its IMAP server.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="The port there.")] = None,
    smtp_host: Annotated[
        str | None, typer.Option("--smtp-host", help="Its server for sending; default: that of --host.")
    ] = None,
    smtp_port: Annotated[
        int | None, typer.Option("--smtp-port", min=1, max=65535, help="The port there.")
    ] = None,
    security: Annotated[
        str | None,
        typer.Option("--security", help="tls, starttls, or none (only for this machine); of both servers."),
    ] = None,
    username: Username = None,
    password_stdin: PasswordStdin = False,
    write: Write = False,
    send: Send = False,
    yes: Yes = False,
) -> None:
    """Link a mailbox on an IMAP server, and the SMTP server that sends its mail."""
    from pierian.accounts.account import Switches
    from pierian.accounts.discovery import at_host

    guide = Guide(yes=yes, password_stdin=password_stdin)
    checked = _security(security)
    if host is None:
        who = _address(guide, address)
        found = _found(guide, who, ("imap", "smtp"), "imap")
        if username is not None:
            found = [_signed_in_as(one, username) for one in found]
    else:
        who = address or username or guide.word("Address", "ADDRESS")
        sign_in = username or who
        found = [
            at_host("imap", host, port, checked, sign_in),
            at_host("smtp", smtp_host or host, smtp_port, checked, sign_in),
        ]
    _link_by_password(guide, "imap", who, name, found, Switches(write=write, send=send), MAIL_QUESTIONS)


@app.command("ics")
def ics(
    address: Annotated[
        str | None, typer.Argument(metavar="ADDRESS", help="https://…, webcal://… or a file.")
    ] = None,
    name: Name = None,
    free_busy_only: BusyOnly = False,
    yes: Yes = False,
) -> None:
    """Link a calendar that others publish as a file: holidays, timetables, a calendar shared by its address."""
    from pierian.accounts.account import Switches
    from pierian.accounts.linking import ics_service, linked_before

    guide = Guide(yes=yes)
    typed = address or guide.word("Address or file", "ADDRESS")
    service, secret, called = ics_service(typed)
    switches = Switches(free_busy_only=free_busy_only)
    _show_found([(called, "a calendar file; it is read, never written")], switches)
    guide.agree("Link it?")
    old = linked_before(opened(), "ics", called, [service], name or "")
    _check_and_save(guide, "ics", called, name, [service], switches, secret, old)


@app.command("mcp")
def mcp(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it; its tools begin with it.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="The program, after `--`.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Its address, instead of a program.")] = None,
    yes: Yes = False,
) -> None:
    """Link an MCP server: it is written into mcp.json, and its tools are shown to be accepted."""
    from pierian.accounts.account import Service, Switches
    from pierian.cli.tools import accept_tools
    from pierian.exceptions import UnknownName
    from pierian.toolbox.mcp_adding import add_server, remove_server

    if (url is None) == (not command):
        raise UserError(
            "An MCP server is a program or an address.",
            hint="pierian accounts link mcp notes -- npx some-server, or … --url https://example.org/mcp",
        )
    guide, accounts = Guide(yes=yes), opened()
    say(f"Its tools run {f'at {url}' if url else 'in this program: ' + ' '.join(command or ())}")
    guide.agree("Connect to it and look at its tools?")
    service = Service(kind="mcp", url=name, sign_in="none")
    account = accounts.add(name, "mcp", url or (command or [""])[0], [service], Switches())
    added = False
    try:
        file = add_server(name, url=url or "", command=tuple(command or ()))
        added = True
        asyncio.run(accept_tools(f"{name}.*", yes=yes, server=name))
    except BaseException as error:
        accounts.unlink(account)
        if added:
            remove_server(name)
        if isinstance(error, UnknownName):
            raise UserError(
                f"{name} offers no tools; it was not linked.", hint="See what it says above."
            ) from error
        raise
    typer.echo(printable(f"Linked: {name}. It stands in {file}."))


@app.command("duffel")
def duffel(
    name: Annotated[str, typer.Option("--name", help="What to call it.")] = "duffel",
    url: Annotated[str, typer.Option("--url", help="Its address.")] = "https://api.duffel.com",
    password_stdin: PasswordStdin = False,
    yes: Yes = False,
) -> None:
    """Link Duffel, which finds flights for trips. Its key is sealed as passwords are, and goes nowhere else."""
    from pierian.accounts.account import Service, Switches
    from pierian.accounts.secrets import Secret

    guide = Guide(yes=yes, password_stdin=password_stdin)
    service, switches = Service(kind="duffel", url=url), Switches()
    secret = Secret(password=guide.password("Duffel key"))
    old = next((one for one in opened().list() if one.kind == "duffel" and one.name == name), None)
    _check_and_save(guide, "duffel", url, name, [service], switches, secret, old)


def check_mcp(server: str) -> bool:
    """Say whether an MCP server can be reached and which of its tools are accepted; True where something is wrong."""
    from pierian.runs import AcceptedTools
    from pierian.toolbox import connected, read_servers

    async def look() -> bool:
        chosen = [one for one in read_servers() if one.name == server]
        async with connected(chosen, AcceptedTools(opened_storage())) as servers:
            tools, changes = await servers.tools(), await servers.changes()
            problems = servers.problems()
        for problem in problems:
            say(f"  ✗ {problem.message}", style="red")
        if not chosen:
            say(f"  ✗ {server} no longer stands in mcp.json.", style="red")
        elif not problems:
            more = f"; {len(changes)} new or changed: pierian tools accept '{server}.*'" if changes else ""
            say(f"  ✓ MCP server: {len(tools)} accepted tools{more}")
        return bool(problems) or not chosen

    return asyncio.run(look())


def opened() -> Accounts:
    """The accounts that are linked at this machine's terminal."""
    from pierian.accounts.store import Accounts

    return Accounts(opened_storage())


def _address(guide: Guide, address: str | None) -> str:
    typed = address or guide.word("Address, such as ann@example.org", "ADDRESS")
    if "@" not in typed.strip("@"):
        raise UserError(
            f"{typed!r} is no address.",
            hint="It looks like ann@example.org; a server is named by --url or --host.",
        )
    return typed.strip()


def _dav_servers(
    guide: Guide,
    kind: Literal["caldav", "carddav"],
    address: str | None,
    url: str | None,
    username: str | None,
) -> tuple[str, list[Found]]:
    """Who signs in, and where."""
    from pierian.accounts.discovery import at_url

    if url is None:
        who = _address(guide, address)
        found = _found(guide, who, (kind,), kind)
    else:
        typed, by_url = _without_userinfo(url)
        sign_in = username or address or by_url or guide.word("User name", "--username")
        who = address or sign_in
        found = [asyncio.run(at_url(kind, typed, sign_in))]
    if username is not None:
        found = [_signed_in_as(one, username) for one in found]
    return who, found


def _without_userinfo(url: str) -> tuple[str, str]:
    """An address and the user name in it; raises `UserError` where a password stands in it."""
    from urllib.parse import unquote, urlsplit, urlunsplit

    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
    except ValueError as error:
        raise UserError(f"That is no address of a server: {error}.", hint="https://host/path") from error
    user, at, host = parts.netloc.rpartition("@")
    if ":" in unquote(user):
        raise UserError(
            "A password in an address stays in the history of your shell.",
            hint="Leave it out; it is asked for.",
        )
    return (urlunsplit(parts._replace(netloc=host)), unquote(user)) if at else (url, "")


def _found(guide: Guide, who: str, wanted: Sequence[Wanted], kind: PasswordKind) -> list[Found]:
    """The servers of an address; asks for what cannot be found. Raises `UserError` where a password is no way in."""
    from pierian.accounts.discovery import at_host, at_url, discover

    say(f"Looking for the servers of {who} …", style="dim")
    found = asyncio.run(discover(who, wanted))
    _refuse_where_passwords_do_not_work(found, kind, who)
    if found.of(kind) is None:
        option = "--host" if kind == "imap" else "--url"
        say(f"Nothing was found for {who}.")
        typed = guide.word("Its server", option)
        if kind == "imap":
            return [at_host("imap", typed, None, None, who), at_host("smtp", typed, None, None, who)]
        return [asyncio.run(at_url(kind, typed, who))]
    for one in found.found:
        if not one.trusted:
            _confirm_foreign(guide, one, who)
    if found.provider is not None and found.provider.hint:
        say(f"{found.provider.name}: {found.provider.hint}")
    return list(found.found)


def _refuse_where_passwords_do_not_work(found: Discovery, kind: PasswordKind, who: str) -> None:
    provider = found.provider
    if provider is None or not provider.link or (provider.link == "google" and kind == "imap"):
        return
    raise UserError(
        f"{provider.name} takes no passwords for this.", hint=f"pierian accounts link {provider.link} {who}"
    )


def _confirm_foreign(guide: Guide, found: Found, who: str) -> None:
    """DNS can be forged, and named a host that is not the domain's own: only the person can say that it is theirs."""
    host = found.service.host or found.where
    if guide.silent:
        option = "--host" if found.service.host else "--url"
        raise UserError(
            f"The servers of {who} lie with somebody else: {found.where}.",
            hint=f"If that is right: {option} {host}",
        )
    say(f"DNS says that the servers of {who} lie with somebody else: {found.where}", style="yellow")
    guide.agree("Is that where your account is? Your password goes there.")


def _signed_in_as(found: Found, username: str) -> Found:
    from msgspec import structs

    return structs.replace(found, service=structs.replace(found.service, username=username))


def _security(text: str | None) -> Security | None:
    if text not in (None, "tls", "starttls", "none"):
        raise UserError(f"{text!r} is no kind of security.", hint="It is tls, starttls or none.")
    return text


def _show_found(rows: list[tuple[str, str]], switches: Switches) -> None:
    say("This will be linked:")
    show_rows([*rows, ("may be used to", in_words(switches))])


def switches_for(
    guide: Guide, old: Account | None, wanted: Switches, questions: Sequence[tuple[str, str]]
) -> Switches:
    """What it may be used for. An account that is renewed keeps its switches, and gets those that are asked for."""
    from msgspec import structs

    if old is None:
        return guide.switches(wanted, questions)
    say(f"This renews the account {old.name}; what was synced stays.")
    had = old.switches
    return structs.replace(
        had,
        write=had.write or wanted.write,
        send=had.send or wanted.send,
        free_busy_only=had.free_busy_only or wanted.free_busy_only,
    )


def _link_by_password(
    guide: Guide,
    kind: PasswordKind,
    who: str,
    name: str | None,
    found: Sequence[Found],
    wanted: Switches,
    questions: Sequence[tuple[str, str]],
) -> None:
    from pierian.accounts.checking import NAMES
    from pierian.accounts.linking import linked_before
    from pierian.accounts.secrets import Secret

    services = [one.service for one in found]
    old = linked_before(opened(), kind, who, services, name or "")
    switches = switches_for(guide, old, wanted, questions)
    rows = [(NAMES[one.service.kind], f"{one.where}, as {one.service.username} ({one.how})") for one in found]
    _show_found(rows, switches)
    guide.agree("Link it?")
    for attempt in range(ATTEMPTS):
        secret = Secret(password=guide.password(f"Password of {who}"))
        again = not guide.silent and attempt + 1 < ATTEMPTS
        if _check_and_save(guide, kind, who, name, services, switches, secret, old, again=again):
            return


def _check_and_save(
    guide: Guide,
    kind: Kind,
    who: str,
    name: str | None,
    services: Sequence[Service],
    switches: Switches,
    secret: Secret | None,
    old: Account | None,
    *,
    again: bool = False,
) -> bool:
    """Keep the account if its services work; False where the password is wrong and may be typed `again`."""
    from pierian.accounts.checking import NAMES, check_services
    from pierian.accounts.linking import default_name, save, usable
    from pierian.accounts.secrets import sealer
    from pierian.accounts.troubles import AccountError

    say("Signing in …", style="dim")
    checked = check_services(services, lambda _service: secret)
    show_checks(checked)
    wrong = checked[0]
    if wrong.code == "password" and again:
        return False
    if wrong.code is not None:
        raise AccountError(f"{wrong.says} Nothing was linked.", code=wrong.code, hint=wrong.hint)
    kept = usable(checked)
    accounts = opened()
    called = name or (old.name if old is not None else default_name(accounts, kind, who))
    account = save(accounts, old, kind, called, who, kept, switches, secret, sealer)
    if secret is not None:
        say(f"Its secret is sealed with the key in {where_the_key_is()}.", style="dim")
    if len(kept) < len(checked):
        say(f"Left out: {', '.join(NAMES[one.service.kind] for one in checked if one.service not in kept)}.")
    typer.echo(printable(f"{'Renewed' if old is not None else 'Linked'}: {account.name}"))
    if not guide.silent:
        say(f"Next: pierian accounts sync {account.name}", style="dim")
    return True
