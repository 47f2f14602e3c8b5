"""`pierian approvals`: what waits for a yes or a no."""

from __future__ import annotations

from typing import Annotated

import typer

from pierian.cli.storing import opened_storage

app = typer.Typer(no_args_is_help=True, help="What waits for your yes or no.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The approval's id, or the beginning of it.")]


@app.command("list")
def list_command(
    everything: Annotated[bool, typer.Option("--all", help="Also those that were answered.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is asked: what would happen, and where each argument comes from."""
    from pierian.runs import Approvals

    found = Approvals(opened_storage()).list(pending=not everything)
    if as_json:
        import msgspec

        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    if not found:
        typer.echo("Nothing waits for your approval.")
        return
    from rich.console import Console

    from pierian.cli.approving import shown

    console = Console(highlight=False)
    for one in found:
        console.print(f"{one.id} · {one.state} · run {one.run}", markup=False, style="bold")
        console.print(shown(one.asked))
        console.print()


@app.command("show")
def show(approval: Id) -> None:
    """Show one approval with its values in full."""
    from pierian.characters import marked
    from pierian.runs import Approvals

    one = Approvals(opened_storage()).get(approval)
    typer.echo(
        f"{one.id} · {one.state} · run {one.run} · {marked(one.asked.tool)}\n{marked(one.asked.reason)}"
    )
    for argument in one.asked.arguments:
        typer.echo(f"{marked(argument.name)}  ← {marked(argument.source)}")
        typer.echo("\n".join(f"  │ {line}" for line in marked(argument.text).split("\n")))


@app.command("approve")
def approve(approval: Id) -> None:
    """Say yes. The run goes on by itself where somebody works on it, else with `pierian runs resume`."""
    _answer(approval, approved=True)


@app.command("reject")
def reject(approval: Id) -> None:
    """Say no. The step and what depends on it are not done."""
    _answer(approval, approved=False)


def _answer(approval: str, *, approved: bool) -> None:
    from pierian.runs import Approvals, Journal

    database = opened_storage()
    one = Approvals(database).answer(approval, approved=approved)
    typer.echo(f"{one.id} is {one.state}.")
    if Journal(database).get(one.run).state == "waiting":
        typer.echo(f"pierian runs resume {one.run} goes on with its run.")
