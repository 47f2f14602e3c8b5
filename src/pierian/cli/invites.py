"""`pierian invites`: codes with which partners make their own keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pierian.cli.keys import (
    AsJson,
    Concurrent,
    DayCap,
    Models,
    Modes,
    MonthCap,
    Requests,
    Tokens,
    allows,
    grant_of,
    moment_now,
    parse_expiry,
    print_json,
    print_secret,
)
from pierian.cli.storing import opened_storage
from pierian.cli.text import printable

if TYPE_CHECKING:
    from pierian.access import Invites

app = typer.Typer(
    no_args_is_help=True, help="Invitations to make one's own key: create, list, revoke, accept."
)


@app.command("create")
def create(
    role: Annotated[str, typer.Option("--role", help="owner, administrator, member or partner.")] = "partner",
    expires: Annotated[
        str, typer.Option("--expires", metavar="WHEN", help="Until when the code works: 7d, or a last day.")
    ] = "7d",
    key_expires: Annotated[
        str | None,
        typer.Option("--key-expires", metavar="WHEN", help="Until when the key made with it will work."),
    ] = None,
    modes: Modes = None,
    models: Models = None,
    requests: Requests = None,
    tokens: Tokens = None,
    concurrent: Concurrent = None,
    day_cap: DayCap = None,
    month_cap: MonthCap = None,
    as_json: AsJson = False,
) -> None:
    """Make an invitation. Its code is printed once; whoever has it can make one key that allows what is said here."""
    from pierian.access.invites import invite_as_json
    from pierian.access.users import checked_role

    grant = grant_of(modes, models, requests, tokens, concurrent, day_cap, month_cap, key_expires)
    one, code = opened().create("local", grant, checked_role(role), parse_expiry(expires))
    if as_json:
        print_json(invite_as_json(one) | {"code": code})
        return
    typer.echo(code)
    typer.echo(
        f"This is the code of the invitation {one.id}. It is not shown again, works once, and until "
        f"{one.expires_at.astimezone():%Y-%m-%d %H:%M}.",
        err=True,
    )


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List invitations, the oldest first."""
    from pierian.access.invites import invite_as_json

    found = opened().list()
    if as_json:
        print_json([invite_as_json(one) for one in found])
        return
    if not found:
        typer.echo("There are no invitations yet. One is made so: pierian invites create")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("id", "state", "role", "expires", "allows"):
        table.add_column(column, no_wrap=column != "allows", overflow="fold")
    now = moment_now()
    for one in found:
        expires = f"{one.expires_at.astimezone():%Y-%m-%d %H:%M}"
        table.add_row(one.id, one.state(now), one.role, expires, Text(printable(allows(one.grant))))
    Console(highlight=False).print(table)


@app.command("revoke")
def revoke(
    invite: Annotated[str, typer.Argument(metavar="ID", help="The invitation's id, or the beginning of it.")],
) -> None:
    """Take an invitation back that was not used yet."""
    typer.echo(f"The invitation {opened().revoke(invite).id} no longer works.")


@app.command("accept")
def accept(
    user: Annotated[str, typer.Option("--user", help="The name of the new user.")],
    name: Annotated[str, typer.Option("--name", help="What to call the key.")] = "key",
    code: Annotated[
        str,
        typer.Option(
            "--code", prompt=True, hide_input=True, help="The code; asked for where it is left out."
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Make a user and a key with an invitation's code. The secret of the key is printed once."""
    _, key, secret = opened().accept(code.strip(), user, name)
    print_secret(key, secret, as_json=as_json)


def opened() -> Invites:
    """The invitations in this user's database."""
    from pierian.access import Invites

    return Invites(opened_storage())
