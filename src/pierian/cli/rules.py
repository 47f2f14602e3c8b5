"""`pierian rules`: what may be done without asking each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pierian.cli.storing import opened_storage

if TYPE_CHECKING:
    from pierian.runs import Rules

app = typer.Typer(no_args_is_help=True, help="What may be done without asking you each time.")


@app.command("list")
def list_command() -> None:
    """List the rules."""
    found = _rules().list()
    if not found:
        typer.echo(
            "There are no rules: you are asked each time. For example: pierian rules add allow file_write"
        )
    for one in found:
        typer.echo(f"{one.id}  {one.text}")


@app.command("add")
def add(
    words: Annotated[
        list[str],
        typer.Argument(metavar="RULE", help="allow TOOL [ARGUMENT=PATTERN | ARGUMENT from SOURCE [and …]]"),
    ],
) -> None:
    """Add a rule, such as `allow mail.send to contacts` or `allow web_open url=https://example.org/*`."""
    one = _rules().add(" ".join(words))
    typer.echo(f"{one.id}  {one.text}")


@app.command("remove")
def remove(rule: Annotated[str, typer.Argument(metavar="ID", help="The rule's id.")]) -> None:
    """Take a rule back."""
    typer.echo(f"Removed: {_rules().remove(rule).text}")


def _rules() -> Rules:
    from pierian.runs import Rules

    return Rules(opened_storage())
