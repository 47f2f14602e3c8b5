"""What `pierian models` says and draws of adapters: small files that change a model, each made for one.

Only words and drawing: what happens is `pierian.models.adapters`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import typer

from pierian.cli.text import printable

if TYPE_CHECKING:
    from pierian.models.progress import Report


def is_adapter(name: str) -> bool:
    """Whether a name is that of an adapter. A model comes first where both have it."""
    from pierian.models import adapters, catalogue

    return name in adapters.names() and name not in catalogue.names()


def adapter_rows() -> list[dict[str, Any]]:
    """One row for each known adapter, plain values."""
    from pierian.models import adapters

    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys(adapters.names()):
        known, found = adapters.entries().get(name) or adapters.added()[name], adapters.lookup(name)
        rows.append(
            {
                "name": name,
                "base": known.base,
                "installed": found is not None,
                "size_bytes": known.size_bytes,
                "purpose": known.purpose,
                "approaches": list(known.approaches),
                "licence": known.licence,
                "measured": known.measured,
                "path": str(found.path) if found else None,
            }
        )
    return rows


def draw_adapters(rows: list[dict[str, Any]]) -> None:
    """A table of the adapters, where there are any."""
    from rich.console import Console
    from rich.filesize import decimal
    from rich.markup import escape
    from rich.table import Table

    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "adapter", "of the model", "size", "for", "licence"):
        table.add_column(column)
    for row in rows:
        cells = (row["name"], row["base"], decimal(row["size_bytes"]), row["purpose"], row["licence"])
        table.add_row("●" if row["installed"] else "", *(escape(printable(str(cell))) for cell in cells))
    console = Console()
    console.print()
    console.print(table)


def add_adapter(file: Path, base: str, name: str | None) -> None:
    """Record an adapter and say how to use it."""
    from pierian.models import adapters

    adapter = adapters.add(file, base, name)
    purpose = f" ({adapter.purpose})" if adapter.purpose else ""
    typer.echo(printable(f"Added the adapter {adapter.name} of {base}{purpose}."))
    ours = approach_names()
    used = [one for one in adapter.approaches if one in ours]
    strange = [one for one in adapter.approaches if one not in ours]
    if used:
        typer.echo(f"It goes into drafts by {', '.join(used)}, and into no others.")
    if strange:
        typer.echo(
            printable(f"Nothing here is attempted by {', '.join(strange)}, for which it says it is."),
            err=True,
        )
    if not used:
        typer.echo(f"So no draft will be made with it; known are {', '.join(sorted(ours))}.", err=True)
        return
    typer.echo(f"Use it: pierian config set adapter {adapter.name}")


def approach_names() -> set[str]:
    """The names of the ways in which answers are attempted."""
    from pierian.reasoning import approaches
    from pierian.reasoning.approach import Approach

    modules = [
        import_module(f"{approaches.__name__}.{one.name}") for one in iter_modules(approaches.__path__)
    ]
    return {
        value.name for module in modules for value in vars(module).values() if isinstance(value, Approach)
    }


def check_setting(value: str) -> None:
    """Raise unless the setting `adapter` may be `value`: what it names has to be here and whole."""
    from pierian.models import adapters

    if value.strip() and value.strip() not in adapters.SETTINGS:
        adapters.find(value.strip())


def tell_if_set(name: str) -> None:
    """Say that an adapter which was just removed is still set: every answer would fail."""
    from pierian.config import load

    if load().adapter == name:
        typer.echo("It is still set; answer without it: pierian config set adapter auto", err=True)


def pull_adapter(name: str, bar: Callable[[], AbstractContextManager[Report]]) -> None:
    """Fetch an adapter of the catalogue; one of the user's own is here or gone."""
    from pierian.models import adapters, download

    entry = adapters.entries().get(name)
    if entry is None or adapters.lookup(name) is not None:
        typer.echo(f"{name} is here already: {adapters.find(name).path}")
        return
    with bar() as report:
        path = download.pull(entry, report)
    typer.echo(f"{name} is here: {path}")
