"""`pierian usage`: what was used, per day, model and mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pierian.cli.keys import AsJson, print_json
from pierian.cli.storing import opened_storage
from pierian.cli.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pierian.metering import UsageRow


def usage(
    key: Annotated[str | None, typer.Option("--key", metavar="ID", help="Only through this key.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="Only by this user: a name or an id.")] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="How many days, with today.")] = 30,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for a spreadsheet.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what was used, per day, model and mode, by all or by one key or user."""
    from pierian.access import Keys, Users, owners_of
    from pierian.metering import UsageReport
    from pierian.metering import as_csv as table_of

    database = opened_storage()
    rows = UsageReport(database).by_day(
        key=None if key is None else Keys(database).show(key).id,
        owners=None if user is None else owners_of(Users(database).get(user)),
        days=days,
    )
    if as_json:
        print_json([row.as_json() for row in rows])
    elif as_csv:
        typer.echo(table_of(rows), nl=False)
    elif not rows:
        typer.echo("Nothing was used." if days == 1 else f"Nothing was used in the last {days} days.")
    else:
        print_table(rows)


def print_table(rows: Sequence[UsageRow]) -> None:
    """The rows, and their sum where there are several."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pierian.metering import money_text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("day", "model", "mode"):
        table.add_column(column, no_wrap=column != "model", overflow="fold")
    for column in ("requests", "prompt", "cached", "generated", "money", "open"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in rows:
        counts = (one.requests, one.prompt_tokens, one.cached_tokens, one.completion_tokens)
        table.add_row(
            one.day,
            Text(printable(one.model)),
            Text(printable(one.mode)),
            *(f"{count:,}" for count in counts),
            money_text(one.money),
            money_text(one.open_money) if one.open_money else "",
        )
    console = Console(highlight=False)
    console.print(table)
    if len(rows) > 1:
        total = sum(one.money for one in rows)
        console.print(f"{sum(one.requests for one in rows):,} requests, {money_text(total)} in all.")
