"""Writing a backup: everything in the database, as it was at one moment, and the files beside it, in one file.

It is read in one transaction, beside processes that go on writing, and is the same whatever kind of database it comes
from (`archive` says how it is laid out; `restore` reads it). The file appears whole or not at all, and only its owner
may read it: settings have secrets in them. Rows about processes that run at the moment are left out, and so are model
weights, which can be fetched again.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from sqlalchemy import Connection, LargeBinary, String, Table, select, text, type_coerce

from pierian.exceptions import DiskFull, StorageError, UserError
from pierian.storage.archive import FORMAT, Manifest, Part, TablePart, Writer, file_name, table_name
from pierian.storage.database import Database
from pierian.storage.migrating import HEAD
from pierian.storage.tables import COPIES, Moment, key_leases, links, metadata, sessions, workers

FLEETING = frozenset({workers.name, key_leases.name, sessions.name, links.name, *COPIES})
"""Tables that are in no backup: processes end, a session or a link that has ended must not come back with one, and
what was copied from a server is synced again."""
BATCH, BATCH_OF_FILES = 500, 4
"""Rows that are in memory at once; of a table that holds whole files, few."""
STALLED_SECONDS = 600
"""How long a disk may stall before the server gives the transaction up."""


def write_backup(
    database: Database, files: Mapping[str, Path], target: Path, *, version: str, force: bool = False
) -> Manifest:
    """Write a backup to `target`, which must not exist without `force`; returns what is in it.

    `files` are kept under their names here; those that do not exist are left out. Raises `UserError` or `DiskFull`,
    or `StorageError` as the database does; `target` is then as it was.
    """
    if not target.parent.is_dir():
        raise UserError(f"There is no folder {target.parent} to write {target.name} into.")
    _check_free(target, force)
    partial = target.with_name(f"{target.name}.partial")
    with writing(target), _exclusive(partial) as out:
        try:
            with database.read() as connection, writing(target):
                _check_room(connection, target)
                manifest = _write(connection, out, files, version)
            out.flush()
            os.fsync(out.fileno())
            _check_free(target, force)
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    return manifest


def patient(connection: Connection) -> None:
    """Let a PostgreSQL server wait for a disk that stalls while the transaction is idle."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = {1000 * STALLED_SECONDS}"))


@contextmanager
def writing(target: Path) -> Generator[None]:
    """Turns the errors of a file that is written into sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_room(target) from error
        raise StorageError(
            f"{target} cannot be written: {error.strerror or error}.",
            hint="Choose another place, or change its permissions.",
        ) from error


def no_room(target: Path) -> DiskFull:
    """The error for a full disk."""
    return DiskFull(
        f"There is no room for {target}; nothing was written.",
        hint=f"Free some space on the disk that holds {target.parent}, or choose another.",
    )


def _write(connection: Connection, out: BinaryIO, files: Mapping[str, Path], version: str) -> Manifest:
    patient(connection)
    created_at = datetime.now(UTC).replace(microsecond=0)
    writer, tables = Writer(out, created_at), dict[str, TablePart]()
    for table in metadata.sorted_tables:
        if table.name not in FLEETING:
            lines = _Lines(connection, table)
            part = writer.add(table_name(table.name), lines)
            tables[str(table.name)] = TablePart(lines.columns, lines.count, part.bytes, part.sha256)
    kept = dict[str, Part]()
    for name, path in files.items():
        if path.is_file():
            kept[name] = writer.add(file_name(name), [path.read_bytes()])
    kind = connection.dialect.name
    manifest = Manifest(FORMAT, version, HEAD, kind, created_at, tables, kept)
    writer.finish(manifest)
    return manifest


def batch_of(table: Table) -> int:
    """How many rows of a table are read or written at once."""
    return BATCH_OF_FILES if any(isinstance(column.type, LargeBinary) for column in table.c) else BATCH


class _Lines:
    """The rows of a table as lines of JSON, values as they are stored, bytes in base 64; counts them."""

    def __init__(self, connection: Connection, table: Table) -> None:
        # Times stay the text that they are.
        columns = [type_coerce(c, String).label(c.name) if isinstance(c.type, Moment) else c for c in table.c]
        query = select(*columns).order_by(*table.primary_key.columns)
        self._rows = connection.execute(query, execution_options={"yield_per": batch_of(table)})
        self.columns = tuple(str(column.name) for column in table.c)
        self.count = 0

    def __iter__(self) -> Iterator[bytes]:
        for rows in self._rows.partitions():
            self.count += len(rows)
            named = (dict(zip(self.columns, row, strict=True)) for row in rows)
            yield b"".join(msgspec.json.encode(row) + b"\n" for row in named)


def _check_free(target: Path, force: bool) -> None:
    if target.is_dir() or (target.exists() and not force):
        raise UserError(
            f"{target} is there already.", hint="Choose another name, or overwrite it with --force."
        )


def _check_room(connection: Connection, target: Path) -> None:
    """Refuse at once where the disk has less room than the database has data."""
    if connection.dialect.name == "postgresql":
        size = int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    else:
        pages, unused, page = (
            int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
            for name in ("page_count", "freelist_count", "page_size")
        )
        size = (pages - unused) * page
    if shutil.disk_usage(target.parent).free < size:
        raise no_room(target)


@contextmanager
def _exclusive(partial: Path) -> Generator[BinaryIO]:
    """A new file of this process alone. What a process that was killed left under its name is written over."""
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w+b") as out:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            own = os.path.samestat(os.fstat(descriptor), partial.stat())  # or it was finished meanwhile
        except (BlockingIOError, FileNotFoundError):
            own = False
        if not own:
            raise UserError(
                f"Another process is writing {partial.name} right now.", hint="Choose another name."
            )
        os.fchmod(descriptor, 0o600)
        out.truncate()
        yield out
