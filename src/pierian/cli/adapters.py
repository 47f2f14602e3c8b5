"""What `pierian models` says and draws of adapters: small files that change a model, each made for one.

Only words and drawing: what happens is `pierian.models.adapters`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
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
    typer.echo(f"Use it: pierian config set adapter {adapter.name}")


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
