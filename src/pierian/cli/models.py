"""`pierian models`: list, pull, add, verify, remove, path; of models, and of the adapters that belong to them.

Only words and drawing: what happens is `pierian.models`'s. Errors are left to the command line's edge.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pierian.cli.text import printable

if TYPE_CHECKING:
    from pierian.models.discovery import LocalServer
    from pierian.models.progress import Progress, Report

app = typer.Typer(help="The models on this machine, and those that can be fetched.", no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A name from `pierian models list`.", show_default=False)
]
OptionalName = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]", help="A name from `pierian models list`; default: the one in the settings."
    ),
]

PHASES = {
    "waiting": "waiting for another process that fetches it",
    "connecting": "connecting",
    "downloading": "downloading",
    "verifying": "checking",
}


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show the models that are here, those that can be fetched, and model servers on this machine."""
    import asyncio

    from pierian.cli.adapters import adapter_rows, draw_adapters
    from pierian.models.discovery import discover

    servers = asyncio.run(discover())
    rows, adapters = _rows(), adapter_rows()
    if as_json:
        shown = {"models": rows, "adapters": adapters, "servers": [_server(s) for s in servers]}
        typer.echo(json.dumps(shown, indent=1))
        return
    _draw(rows, servers)
    draw_adapters(adapters)


def _server(server: LocalServer) -> dict[str, Any]:
    return {"kind": server.kind, "base_url": server.base_url, "models": list(server.models)}


def _rows() -> list[dict[str, Any]]:
    """One row for each known model, plain values."""
    from pierian.models import catalogue, installed

    rows: list[dict[str, Any]] = []
    for entry in catalogue.entries().values():
        found = installed.lookup(entry.name)
        rows.append(
            {
                "name": entry.name,
                "title": entry.title,
                "installed": found is not None,
                "size_bytes": found.size_bytes if found else entry.size_bytes,
                "parameters": entry.parameters,
                "quantisation": entry.quantisation,
                "context": entry.context,
                "licence": entry.licence,
                "capabilities": list(entry.capabilities),
                "path": str(found.path) if found else None,
            }
        )
    for model in catalogue.added().values():
        if model.name in catalogue.entries():
            continue
        rows.append(
            {
                "name": model.name,
                "title": model.title,
                "installed": Path(model.path).is_file(),
                "size_bytes": model.size_bytes,
                "parameters": model.parameters,
                "quantisation": model.quantisation,
                "context": model.context,
                "licence": "",
                "capabilities": ["text"],
                "path": model.path,
            }
        )
    return rows


def _draw(rows: list[dict[str, Any]], servers: list[LocalServer]) -> None:
    from rich.console import Console
    from rich.filesize import decimal
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("name", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    for column in ("weights", "context", "can", "licence"):
        table.add_column(column)
    for row in rows:
        size, context = row["size_bytes"], row["context"]
        can = [str(c) for c in row["capabilities"] if c != "text"]
        table.add_row(
            "●" if row["installed"] else "",
            escape(printable(str(row["name"]))),
            decimal(size) if size else "?",
            f"{row['parameters']} {row['quantisation']}",
            f"{context:,}" if context else "?",
            ", ".join(can),
            str(row["licence"]),
        )
    console.print(table)
    console.print(
        "● is on this machine. Fetch another: [bold]pierian models pull NAME[/bold]", highlight=False
    )
    for server in servers:
        shown = ", ".join(server.models[:4]) or "no model loaded"
        more = f" and {len(server.models) - 4} more" if len(server.models) > 4 else ""
        console.print(
            f"\n{server.kind} runs on this machine with {escape(printable(shown))}{more}. To use it:\n"
            f"  pierian config set base_url {server.base_url}"
            + (
                f"\n  pierian config set model {escape(printable(server.models[0]))}" if server.models else ""
            ),
            highlight=False,
        )


@app.command()
def pull(name: OptionalName = None) -> None:
    """Fetch a model; goes on where an interrupted pull stopped, and does nothing if it is here."""
    from pierian.cli.adapters import is_adapter, pull_adapter
    from pierian.config import load
    from pierian.models import download, installed

    name = name or load().model
    if is_adapter(name):
        pull_adapter(name, bar)
        return

    if installed.lookup(name) is not None:
        typer.echo(f"{name} is here already: {installed.path(name)}")
        return
    with bar() as report:
        path = download.pull(name, report)
    typer.echo(f"{name} is here: {path}")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE.gguf", help="A GGUF file; it stays where it is.")],
    name: Annotated[str | None, typer.Option("--name", help="Name for it; default: from the file.")] = None,
    adapter_of: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="The file is an adapter for this model.", show_default=False),
    ] = None,
    projector: Annotated[
        Path | None,
        typer.Option(metavar="FILE.gguf", help="Its vision half, with which it reads pictures."),
    ] = None,
) -> None:
    """Make a GGUF file of your own known under a name."""
    from pierian.models import adapters, installed

    if adapter_of is not None:
        from pierian.cli.adapters import add_adapter

        add_adapter(file, adapter_of, name)
        return

    model = installed.add(file, name, projector, adapters.names())
    facts = printable(" ".join(f for f in (model.architecture, model.parameters, model.quantisation) if f))
    typer.echo(f"Added {model.name} ({facts}). Ask it: pierian ask --model {model.name} …")
    if not model.chat_template:
        typer.echo(
            "It has no chat template, so it may be a base model that continues text and answers badly."
        )


@app.command()
def verify(name: Name) -> None:
    """Read every byte of a model and compare its SHA-256."""
    from pierian.cli.adapters import is_adapter
    from pierian.models import adapters, installed

    with bar() as report:
        found = adapters.verify(name, report) if is_adapter(name) else installed.verify(name, report)
    typer.echo(f"{name} is whole: SHA-256 {found.sha256}")


@app.command()
def remove(name: Name) -> None:
    """Delete a fetched model; a file that you added is only forgotten."""
    from pierian.cli.adapters import is_adapter, tell_if_set
    from pierian.models import adapters, installed

    adapter = is_adapter(name)
    removed = adapters.remove(name) if adapter else installed.remove(name)
    for file in removed:
        typer.echo(f"Deleted {file}")
    if not removed:
        typer.echo(f"Forgot {name}; its file is where it was.")
    if adapter:
        tell_if_set(name)


@app.command()
def path(name: OptionalName = None) -> None:
    """Print where the file of a model lies."""
    from pierian.cli.adapters import is_adapter
    from pierian.config import load
    from pierian.models import adapters, installed

    name = name or load().model
    typer.echo(str(adapters.find(name).path if is_adapter(name) else installed.path(name)))


@contextlib.contextmanager
def bar() -> Generator[Report]:
    """A progress bar on standard error with size, speed and time left; yields what draws one report."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[facts]}"))
    with Bar(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None, facts="")

        def report(at: Progress) -> None:
            what = f"{at.model}: {PHASES[at.phase]}"
            if at.source and at.phase in ("connecting", "downloading"):
                what += f", {at.source}"
            progress.update(
                task,
                description=escape(what),
                completed=at.done_bytes,
                total=at.total_bytes,
                facts=facts_of(at),
            )

        yield report


def facts_of(at: Progress) -> str:
    """Size, speed and time left of a report, in words."""
    from rich.filesize import decimal

    words = decimal(at.done_bytes)
    if at.total_bytes is not None:
        words += f" of {decimal(at.total_bytes)}"
    if at.speed:
        words += f", {decimal(int(at.speed))}/s"
    if at.seconds_left:
        minutes, seconds = divmod(round(at.seconds_left), 60)
        words += f", {minutes}:{seconds:02} left"
    return words
