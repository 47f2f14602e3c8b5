"""`pierian prices`: what a million tokens cost, per model and mode, for the caps and the usage of keys."""

from __future__ import annotations

from typing import Annotated

import typer

from pierian.cli.keys import AsJson, print_json
from pierian.cli.text import printable

app = typer.Typer(no_args_is_help=True, help="What a million tokens cost, per model and mode.")


@app.command("show")
def show(as_json: AsJson = False) -> None:
    """Show the table of prices."""
    from pierian.metering import money_text
    from pierian.metering.prices import load_prices

    entries = load_prices().entries
    if as_json:
        print_json([one.as_json() for one in entries])
        return
    if not entries:
        typer.echo(
            "There are no prices yet: everything is free. For example: pierian prices set --input 0.10 --output 0.40"
        )
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim", caption="for a million tokens")
    for column in ("model", "mode"):
        table.add_column(column, overflow="fold")
    for column in ("input", "cached", "output"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in entries:
        amounts = (money_text(amount) for amount in (one.input, one.cached, one.output))
        table.add_row(Text(printable(one.model) or "any"), one.mode or "any", *amounts)
    Console(highlight=False).print(table)


@app.command("path")
def path() -> None:
    """Print where the table of prices is."""
    from pierian.metering.prices import prices_file

    typer.echo(prices_file())


@app.command("set")
def set_command(
    input_price: Annotated[
        str, typer.Option("--input", metavar="MONEY", help="A million tokens of prompts.")
    ],
    output: Annotated[str, typer.Option("--output", metavar="MONEY", help="A million generated tokens.")],
    cached: Annotated[
        str | None,
        typer.Option("--cached", metavar="MONEY", help="A million cached tokens; default: as --input."),
    ] = None,
    model: Annotated[str, typer.Option("--model", help="The model; default: any.")] = "",
    mode: Annotated[str, typer.Option("--mode", help="The mode; default: any.")] = "",
) -> None:
    """Set the price of a model and mode; whatever says most about a call holds for it."""
    from pierian.metering import parse_money
    from pierian.metering.prices import checked_price, set_price

    typed = {"input": input_price, "output": output} | ({} if cached is None else {"cached": cached})
    wanted = checked_price(model, mode, {name: parse_money(amount) for name, amount in typed.items()})
    typer.echo(f"Written to {set_price(wanted)}.")
