"""`pierian brief`: what today holds, what waits for an answer, what has changed; without a model.

It is made of what is on the disk. What is new at the servers is fetched first if it comes in some seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pierian.cli.keys import AsJson, print_json
from pierian.cli.storing import opened_storage
from pierian.cli.text import printable

if TYPE_CHECKING:
    from rich.text import Text

    from pierian.accounts.brief import Brief, Line
    from pierian.accounts.store import Accounts

_COLOURS = {"conflict": "red", "travel": "yellow", "cancelled": "red", "moved": "yellow", "new": "green"}


def brief(
    sync: Annotated[
        bool, typer.Option("--sync", help="Wait until all that is new is there, however long it takes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show today's events with conflicts, mail that waits for your answer, and what changed in your calendars."""
    from pierian.accounts.brief import day_brief
    from pierian.accounts.store import Accounts
    from pierian.accounts.zones import local_zone
    from pierian.storage.ids import utc_now

    accounts = Accounts(opened_storage())
    if sync:
        _sync(accounts)
    else:
        _refresh(accounts)
    found = day_brief(accounts, utc_now(), local_zone())
    if as_json:
        import msgspec

        print_json(msgspec.to_builtins(found))
    else:
        _show(found)


def _refresh(accounts: Accounts) -> None:
    """Fetch what is new, as far as it comes in some seconds."""
    if not accounts.list():
        return
    from pierian.accounts import sealer
    from pierian.accounts.refreshing import Refreshing
    from pierian.config import load
    from pierian.storage.ids import utc_now

    Refreshing(accounts, load().sync_minutes, sealer, utc_now()).wait()


def _sync(accounts: Accounts) -> None:
    from pierian.accounts import sealer, sync_account
    from pierian.accounts.account import NOT_COPIED
    from pierian.exceptions import PierianError

    for one in accounts.list():
        if one.kind not in NOT_COPIED and one.switches.read:
            try:
                sync_account(accounts, one, sealer)
            except PierianError as error:  # the brief is made of what there is
                typer.echo(f"{printable(one.name)}: {error}", err=True)


def _show(found: Brief) -> None:
    from datetime import date

    from rich.console import Console
    from rich.text import Text

    from pierian.accounts.brief_text import more, sections, silence

    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(f"{date.fromisoformat(found.day):%A, %d %B %Y}", style="bold"))
    for name, title, lines in sections(found):
        console.print()
        console.print(Text(title, style="bold"))
        for one in lines:
            console.print(_line(one))
        if left := more(found, name):
            console.print(Text(f"  {left}", style="dim"))
    if nothing := silence(found):
        console.print()
        console.print(nothing)
    if found.notes:
        console.print()
    for note in found.notes:
        console.print(Text(printable(note), style="yellow"))


def _line(one: Line) -> Text:
    from rich.text import Text

    time = f"{one.time:<13}" if one.time else ""
    line = Text(f"  {time}", style="dim")
    line.append(" ".join(printable(one.text).split()), style=_COLOURS.get(one.kind, "default"))
    line.append(f"  {printable(', '.join(one.sources))}", style="dim")
    return line
