"""Opening the one database, a file or one at a server: created where it is missing, its schema brought up to date."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from pierian.storage.database import Database, translated
from pierian.storage.migrating import HEAD, migrate, stored_revision

if TYPE_CHECKING:
    import sqlite3


def open_database(path: Path, *, busy_seconds: float = 10.0) -> Database:
    """Open the database file `path`, created and migrated if need be.

    `busy_seconds` is how long a transaction waits for another one to finish. Raises `StorageError` or
    `DiskFull`. Several processes may open a new database at the same time.
    """
    create_private(path)
    database = Database(make_engine(path, busy_seconds), path)
    try:
        if stored_revision(database) != HEAD:
            migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def open_storage(url: str, path: Path) -> Database:
    """The database at `url` where there is one, else the file `path`."""
    if not url:
        return open_database(path)
    from pierian.storage.postgresql import open_postgresql

    return open_postgresql(url)


def create_private(path: Path) -> None:
    """Make sure that folder and file exist and that only their owner can read the file."""
    with translated(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite would create the file with the process's umask; its own side files copy this file's mode.
        # A file that exists is not opened here: closing it again would drop the locks that this process
        # holds through other connections (https://sqlite.org/howtocorrupt.html, 2.2).
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            mode = path.stat().st_mode
            if path.is_file() and mode & 0o077:
                # Some file systems know no owners, and refuse.
                with suppress(PermissionError):
                    path.chmod(mode & 0o700)


def make_engine(path: Path, busy_seconds: float) -> Engine:
    """An engine whose connections wait for locks, keep foreign keys and overwrite what is deleted."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": busy_seconds},
        pool_size=2,
        hide_parameters=True,  # what people wrote does not belong in error messages
    )

    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own transactions begin too late (at the first write); `begin` below does it.
        connection.isolation_level = None
        for pragma in ("foreign_keys=ON", "secure_delete=ON", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}").close()

    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get("pierian_autocommit"):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("pierian_write") else "BEGIN")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine
