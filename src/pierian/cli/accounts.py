"""`pierian accounts`: which accounts are linked, whether they work, and what each may be used for.

Linking is in `account_links`. What the commands do is done by the room `accounts`; here it is asked and shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pierian.cli import account_consents, account_links
from pierian.cli.account_asking import in_words, say, show_checks
from pierian.cli.account_links import opened
from pierian.cli.keys import AsJson, print_json
from pierian.cli.text import printable
from pierian.exceptions import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pierian.accounts.account import Account
    from pierian.accounts.store import Accounts
    from pierian.accounts.syncing import Progress, Synced

app = typer.Typer(
    no_args_is_help=True, help="Calendars, mail and contacts: link, list, check, sync, switch, unlink."
)
app.add_typer(account_consents.app, name="link")

Which = Annotated[str, typer.Argument(metavar="NAME", help="The account's name, or the beginning of its id.")]
Some = Annotated[str | None, typer.Argument(metavar="NAME", help="One account; all without it.")]


@app.callback()
def _installed() -> None:
    from pierian.accounts.required_packages import check_installed

    check_installed()


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List the accounts, the oldest first, and what each may be used for."""
    found = opened().list()
    if as_json:
        import msgspec

        print_json([msgspec.to_builtins(one) for one in found])
        return
    if not found:
        typer.echo("No account is linked yet. For example: pierian accounts link caldav ann@example.org")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pierian.accounts.account import NOT_COPIED

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("name", "kind", "of", "may", "synced", "state"):
        table.add_column(column, no_wrap=column in ("kind", "synced"), overflow="fold")
    for one in found:
        synced = f"{one.synced_at.astimezone():%Y-%m-%d %H:%M}" if one.synced_at else "never"
        table.add_row(
            Text(printable(one.name)),
            one.kind,
            Text(printable(one.address)),
            "" if one.kind in NOT_COPIED else in_words(one.switches),
            "" if one.kind in NOT_COPIED else synced,
            Text(printable(_state(one)), style="red") if one.problem else "fine",
        )
    Console(highlight=False).print(table)


@app.command("check")
def check(name: Some = None) -> None:
    """Sign in at each server of an account and say what works. Nothing is changed or sent there."""
    from pierian.accounts.checking import check_account
    from pierian.accounts.secrets import sealer

    accounts, failed = opened(), False
    for account in _chosen(accounts, name):
        say(account.name)
        if account.kind == "mcp":
            failed |= account_links.check_mcp(account.services[0].url)
            continue
        checked = check_account(accounts, account, sealer)
        show_checks(checked)
        failed |= any(one.code is not None for one in checked)
    if failed:
        raise typer.Exit(1)


@app.command("sync")
def sync(name: Some = None) -> None:
    """Bring the copies of calendars, mail and contacts up to date."""
    from pierian.accounts.account import NOT_COPIED
    from pierian.accounts.locking import Occupied
    from pierian.accounts.secrets import sealer
    from pierian.accounts.synchronising import sync_account

    accounts, failed = opened(), False
    chosen = [one for one in _chosen(accounts, name) if one.kind not in NOT_COPIED]
    for account in chosen:
        if name is None and not account.switches.read:
            say(f"{account.name}: reading is switched off", style="dim")
            continue
        try:
            done = _with_progress(
                account, lambda progress, one=account: sync_account(accounts, one, sealer, progress)
            )
        except Occupied as error:
            say(f"{account.name}: {error}", style="yellow")
            failed = True
            continue
        typer.echo(printable(f"{account.name}: {_summary(done)}"))
        for problem in done.problems:
            say(f"  {problem}", style="red")
        failed |= bool(accounts.get(account.id).problem)
    if failed:
        raise typer.Exit(1)


@app.command("unlink")
def unlink(
    name: Which, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Delete an account here: its secret, and all that was copied from it. At the server everything stays."""
    from pierian.agents.unlinking import unlink as unlink_account

    accounts = opened()
    account = accounts.get(name)
    if not yes:
        typer.confirm(printable(f"Unlink {account.name} and delete all that was copied from it?"), abort=True)
    said = unlink_account(accounts, account)
    typer.echo(printable(f"{account.name} is no longer linked."))
    if said:
        say(said, style="dim")


@app.command("switch")
def switch(
    name: Which,
    what: Annotated[str, typer.Argument(metavar="SWITCH", help="read, write, send or free-busy-only.")],
    on_or_off: Annotated[str, typer.Argument(metavar="on|off", help="What it should be.")],
) -> None:
    """Say what an account may be used for: read, write (events, drafts, labels), send (mail, invitations)."""
    from msgspec import structs

    from pierian.accounts.linking import switched
    from pierian.accounts.secrets import sealer
    from pierian.exceptions import UnknownName

    accounts = opened()
    account = accounts.get(name)
    fields = {field.replace("_", "-"): field for field in account.switches.__struct_fields__}
    if what not in fields:
        raise UnknownName("switch", what, fields)
    if on_or_off not in ("on", "off"):
        raise UserError(
            f"{on_or_off!r} is neither on nor off.", hint=f"pierian accounts switch {name} {what} on"
        )
    wanted = structs.replace(account.switches, **{fields[what]: on_or_off == "on"})
    account = switched(accounts, account, wanted, sealer)
    typer.echo(printable(f"{account.name} may now be used to: {in_words(account.switches)}."))


@app.command("rename")
def rename(name: Which, new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")]) -> None:
    """Give an account another name. Rules that name it have to be changed by you."""
    accounts = opened()
    account = accounts.get(name)
    renamed = accounts.rename(account, new)
    typer.echo(printable(f"{account.name} is now called {renamed.name}."))


def _state(account: Account) -> str:
    """What is wrong with it, what to do, and when it is tried again without being told."""
    from pierian.storage.ids import utc_now

    retry = account.retry_at
    again = f"Tried again after {retry.astimezone():%H:%M}." if retry and retry > utc_now() else ""
    return " ".join(filter(None, (account.problem, account.hint, again)))


def _chosen(accounts: Accounts, name: str | None) -> list[Account]:
    found = [accounts.get(name)] if name is not None else accounts.list()
    if not found:
        raise UserError(
            "No account is linked yet.", hint="For example: pierian accounts link caldav ann@example.org"
        )
    return found


def _with_progress(account: Account, work: Callable[[Progress], Synced]) -> Synced:
    """Do the work while a line on the terminal says how far it is; into a pipe nothing is said."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks = dict[str, TaskID]()

        def show(collection: str, done: int, all_of_it: int) -> None:
            total = float(all_of_it) if all_of_it else None
            if collection not in tasks:
                described = printable(f"{account.name}: {collection}").replace("[", "\\[")
                tasks[collection] = bars.add_task(described, total=total)
            bars.update(tasks[collection], completed=done, total=total)

        return work(show)


def _summary(done: Synced) -> str:
    counted = ((done.added, "new"), (done.changed, "changed"), (done.removed, "removed"))
    return ", ".join(f"{number:,} {word}" for number, word in counted if number) or "nothing has changed"
