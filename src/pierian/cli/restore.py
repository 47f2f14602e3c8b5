"""`pierian restore`: puts a backup in the place of what is there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pierian.cli.backup import kept_files
from pierian.cli.storing import opened_storage
from pierian.exceptions import UserError

if TYPE_CHECKING:
    from pierian.storage import Database
    from pierian.storage.archive import Archive

LOOK_SECONDS = 0.5


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `pierian backup` has written.")],
    force: Annotated[
        bool, typer.Option("--force", help="Put it in the place of the data and settings that are there.")
    ] = False,
) -> None:
    """Restore a backup into the database that the settings name, SQLite or PostgreSQL; all of it or nothing.

    No server may be running on it. The setting database_url stays as it is here.
    """
    from pierian.config import write_private
    from pierian.storage.archive import open_archive
    from pierian.storage.restore import restore as put

    with open_archive(file) as archive, opened_storage() as database:
        archive.verify()
        wanted = _contents(archive)
        if not force:
            _check_files(wanted)
        put(database, archive, dead=_dead_workers(database), force=force)
        rows = sum(part.rows for part in archive.manifest.tables.values())
        typer.echo(
            f"Restored {rows:,} rows into {database.path}, as of {archive.manifest.created_at:%Y-%m-%d %H:%M} "
            "UTC."
        )
    for path, text in wanted.items():
        write_private(path, text)
        typer.echo(f"Restored {path}.")


def _contents(archive: Archive) -> dict[Path, str]:
    """What the files beside the database will hold."""
    from pierian.config import paths

    known, wanted = kept_files(), dict[Path, str]()
    for name in archive.manifest.files:
        if name not in known:
            raise archive.damaged(f"it has a file {name!r} that no backup has")
        try:
            text = archive.file(name).decode()
        except UnicodeDecodeError as error:
            raise archive.damaged(f"the file {name!r} is not text") from error
        wanted[known[name]] = _settings(archive, text) if known[name] == paths().config_file else text
    return wanted


def _settings(archive: Archive, text: str) -> str:
    """The settings of the backup, with the database that is restored into."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    from pierian.config import paths, read_file

    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise archive.damaged("its settings are not valid TOML") from error
    document.pop("database_url", None)  # pyright: ignore[reportUnknownMemberType]
    if url := read_file(paths().config_file).get("database_url"):
        document["database_url"] = url
    return tomlkit.dumps(document)


def _check_files(wanted: dict[Path, str]) -> None:
    """Refuse where a file would be replaced that says something else."""
    from pierian.config import paths, read_file

    for path, text in wanted.items():
        only_address = path == paths().config_file and set(read_file(path)) <= {"database_url"}
        if path.exists() and not only_address and path.read_text(encoding="utf-8", errors="replace") != text:
            raise UserError(
                f"There is a file {path} already, and the backup has another one.",
                hint="--force puts the backup's in its place.",
            )


def _dead_workers(database: Database) -> list[str]:
    """The workers that the database lists, once all are known to be dead; raises `UserError` where one lives."""
    from sqlalchemy import select

    from pierian.runs import Workers
    from pierian.storage.restore import at_work
    from pierian.storage.tables import workers

    watch, told = Workers(database), False
    first: dict[str, int] = {}
    while True:
        dead = watch.dead()
        with database.read() as connection:
            listed = connection.execute(select(workers)).all()
        for row in listed:
            if row.beats != first.setdefault(row.id, row.beats):
                raise at_work(row.host, row.pid)
        if {row.id for row in listed} <= set(dead):
            return dead
        if not told:
            typer.echo(
                "A server or worker is listed; waiting some seconds to see whether it lives …", err=True
            )
            told = True
        time.sleep(LOOK_SECONDS)
