"""`pierian users`: who may have keys to the server and sign in to the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pierian.cli.keys import AsJson, print_json
from pierian.cli.storing import opened_storage
from pierian.cli.text import printable

if TYPE_CHECKING:
    from pierian.access import Users

app = typer.Typer(
    no_args_is_help=True, help="Users of the server: create, list, rename, link, disable, delete."
)

Who = Annotated[str, typer.Argument(metavar="USER", help="The user's name, id, or the beginning of the id.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name.")]


@app.command("create")
def create(
    name: Name,
    role: Annotated[str, typer.Option("--role", help="owner, administrator, member or partner.")] = "member",
) -> None:
    """Add a user. A key of theirs is then made with `pierian keys create --user NAME`."""
    from pierian.access.users import checked_role

    one = opened().create(name, checked_role(role))
    typer.echo(printable(f"{one.id}  {one.name} ({one.role})"))


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List users, the oldest first."""
    found = opened().list()
    if as_json:
        import msgspec

        print_json(msgspec.to_builtins(found))
        return
    if not found:
        typer.echo("There are no users yet. One is made so: pierian users create NAME")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("id", "name", "role", "since", "state"):
        table.add_column(column, no_wrap=column != "name", overflow="fold")
    for one in found:
        state = "disabled" if one.disabled_at else "active"
        since = f"{one.created_at.astimezone():%Y-%m-%d}"
        table.add_row(one.id, Text(printable(one.name)), one.role, since, state)
    Console(highlight=False).print(table)


@app.command("rename")
def rename(user: Who, name: Name) -> None:
    """Give a user another name."""
    typer.echo(printable(f"The user is now called {opened().rename(user, name).name}."))


@app.command("link")
def link(
    user: Who,
    hours: Annotated[float, typer.Option("--hours", help="How long it works.")] = 24,
) -> None:
    """Make a link with which a user chooses a password for the app, once. Older ones of theirs no longer work."""
    from pierian.access import Links

    store = opened()
    one = store.get(user)
    typer.echo(f"/welcome/{Links(store.database).create(one.id, hours)}")
    typer.echo(
        printable(
            f"Put the server's address in front of it and give it to {one.name}: it works once, for {hours:g} hours, "
            "and whoever has it signs in as them."
        ),
        err=True,
    )


@app.command("disable")
def disable(user: Who) -> None:
    """Let none of a user's keys, passwords and sessions work until `enable`."""
    typer.echo(printable(f"The keys of {opened().disable(user).name} no longer work."))


@app.command("enable")
def enable(user: Who) -> None:
    """Let a user's keys, passwords and sessions work again."""
    typer.echo(printable(f"The keys of {opened().enable(user).name} work again."))


@app.command("delete")
def delete(
    user: Who,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete a user with keys, conversations, runs and answers. What was used stays counted, without a name.

    What owners asked, at the terminal too, goes with the last of them.
    """
    store = opened()
    one = store.get(user)
    shared = one.role == "owner" and not store.is_last_owner(one)
    if not yes:
        also = ", with what was asked at the terminal," if one.role == "owner" and not shared else ""
        typer.confirm(printable(f"Delete {one.name} and all that is theirs{also} for good?"), abort=True)
    store.delete(one.id)
    typer.echo("Deleted.")
    if shared:
        typer.echo("What owners asked belongs to all of them, and stays.", err=True)


def opened() -> Users:
    """The users in this user's database."""
    from pierian.access import Users

    return Users(opened_storage())
