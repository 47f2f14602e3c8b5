"""`pierian backup`: everything that cannot be had again, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pierian.cli.storing import opened_storage


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, such as pierian.tar.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write the database and the settings into one file, also while the server works.

    The file holds the keys that are in the settings, and only you may read it. It does not hold model weights, nor
    files that tools wrote.
    """
    from pierian import __version__
    from pierian.storage.backup import write_backup

    with opened_storage() as database:
        made = write_backup(database, kept_files(), file, version=__version__, force=force)
    rows = sum(part.rows for part in made.tables.values())
    files = ", ".join(made.files) or "no settings, for there are none"
    typer.echo(f"Written to {file}: {rows:,} rows of the database, {files}; {file.stat().st_size:,} bytes.")
    if made.files:
        typer.echo("It may hold secrets from your settings: keep it where only you can read it.", err=True)


def kept_files() -> dict[str, Path]:
    """The files beside the database that a backup holds, by their names in it."""
    from pierian.config import paths
    from pierian.metering.prices import prices_file
    from pierian.models.catalogue import added_file
    from pierian.toolbox.mcp_settings import mcp_file

    files = (paths().config_file, prices_file(), mcp_file(), added_file())
    return {file.name: file for file in files}
