"""Opening the one database: where it lies, how its connections behave, its migrations and its errors.

`open_database` creates what is missing, brings the schema up to date and returns a `Database`, whose `read`
and `write` are transactions. Every failure leaves as a `StorageError` or `DiskFull` that says what to do.
What is stored is the business of `conversations` and `usage`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pierian.exceptions import DiskFull, RunError, StorageError

if TYPE_CHECKING:
    import sqlite3

    from alembic.config import Config

# The newest revision in `migrations/versions`. Alembic takes most of a second to import, so it is
# imported only where the database is not at this revision.
HEAD = "0006"

MIGRATIONS = Path(__file__).parent / "migrations"

# Another process may be migrating a large database; nobody should wait for one that hangs, though.
MIGRATION_SECONDS = 120.0


class Database:
    """An open database. Safe to share between threads; each process opens its own."""

    def __init__(self, engine: Engine, path: Path) -> None:
        self.engine = engine
        self.path = path

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A transaction that sees one state of the database; raises `StorageError`."""
        with self.translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def append(self, *, durable: bool = False) -> Generator[Connection]:
        """A transaction whose writes do not depend on other rows than those that they touch.

        Where the server can, others write at the same time. `durable` waits for the disk itself, so that what
        is written outlasts a loss of power; otherwise it outlasts the end of any process. Raises
        `StorageError` or `DiskFull`.
        """
        with self.translated(), self.engine.connect() as plain:
            if durable:
                autocommit = plain.execution_options(pierian_autocommit=True)
                autocommit.execute(text("PRAGMA synchronous=FULL")).close()
                autocommit.commit()
            connection = plain.execution_options(pierian_autocommit=False, pierian_write=True)
            try:
                with connection.begin():
                    yield connection
            finally:
                if durable:
                    connection.execution_options(pierian_autocommit=True)
                    connection.execute(text("PRAGMA synchronous=NORMAL")).close()

    @contextmanager
    def write(self) -> Generator[Connection]:
        """A transaction that no other writer overlaps; all of it happens or nothing does.

        Raises `StorageError` or `DiskFull`.
        """
        # The lock is taken at the start: a transaction that reads first and takes it later can be refused
        # at once, without waiting, when another writer came in between.
        with self.translated(), self.engine.connect() as plain:
            connection = plain.execution_options(pierian_write=True)
            with connection.begin():
                yield connection

    def scrub(self) -> None:
        """Empty the write-ahead log, in which deleted text could still be read.

        Pages that were freed are overwritten at once (`secure_delete`). If another process is reading right
        now, the rest of the log is emptied by the next call or when the last connection closes.
        """
        if self.engine.dialect.name != "sqlite":
            return
        with self.translated(), self.engine.connect() as connection:
            # Not inside a transaction: a checkpoint does not work there.
            autocommit = connection.execution_options(pierian_autocommit=True)
            autocommit.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).close()

    def translated(self) -> AbstractContextManager[None]:
        """Turns the errors of this database into sentences."""
        return translated(self.path)

    def close(self) -> None:
        """Close all connections; the last one to close also folds the write-ahead log into the file."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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


def stored_revision(database: Database) -> str | None:
    """The revision of the schema in the file, or None where there is none yet."""
    with database.read() as connection:
        inspector = inspect(connection)
        if not inspector.has_table("alembic_version"):
            if inspector.get_table_names():
                raise StorageError(
                    f"{database.path} is a database of another program.",
                    hint="Move it away, or name another one; Pierian then creates its own.",
                )
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(database: Database) -> None:
    """Bring the schema to `HEAD`, in one transaction, while no other process does."""
    from filelock import FileLock, Timeout

    path = database.path
    lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=MIGRATION_SECONDS, mode=0o600)
    try:
        with translated(path), lock:
            if (stored := stored_revision(database)) != HEAD:
                upgrade(database, stored)
    except Timeout as error:
        raise StorageError(
            f"The database {path} is being brought up to date by another process, which does not finish.",
            hint="End the other Pierian processes (pierian stop --all) and try again.",
        ) from error


def upgrade(database: Database, stored: str | None) -> None:
    """Run Alembic; the caller holds the lock."""
    from alembic import command

    config = migration_config(database, stored)
    with database.translated(), database.engine.connect() as connection:
        # Kept in the file, so it is set once, here, where no other process can be in the way.
        autocommit = connection.execution_options(pierian_autocommit=True)
        autocommit.execute(text("PRAGMA journal_mode=WAL")).close()
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def migration_config(database: Database, stored: str | None) -> Config:
    """Alembic's settings; raises `StorageError` where `stored` is a revision that this version does not know."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    if stored is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(stored)
        except CommandError as error:
            raise StorageError(
                f"The database {database.path} was written by a newer Pierian (its revision is {stored!r}).",
                hint="Update Pierian: pip install --upgrade pierian.",
            ) from error
    return config


@contextmanager
def translated(path: Path) -> Generator[None]:
    """Turn the errors of the database and the file system into sentences for the person who waits."""
    try:
        yield
    except DBAPIError as error:
        raise explain(path, error) from error
    except SQLAlchemyError as error:
        raise StorageError(f"The database {path} cannot be used: {error}.") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_room(path) from error
        raise StorageError(
            f"The database {path} cannot be opened: {error.strerror or error}.",
            hint="Check the folder and its permissions, or set PIERIAN_HOME to one that you may write.",
        ) from error


def no_room(path: Path) -> DiskFull:
    """The error for a full disk."""
    return DiskFull(
        f"There is no room left for the database {path}; nothing was half-written.",
        hint=f"Free some space on the disk that holds {path.parent}.",
    )


def explain(path: Path, error: DBAPIError) -> RunError:
    """The sentence for an error of the driver; SQLite's error codes: https://sqlite.org/rescode.html."""
    name: str = getattr(error.orig, "sqlite_errorname", "")
    if name.startswith("SQLITE_FULL"):
        return no_room(path)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StorageError(
            f"The database {path} is in use by another program and stays locked.",
            hint="Wait a moment and try again, or end what holds it (pierian stop --all).",
        )
    if name.startswith("SQLITE_READONLY"):
        return StorageError(
            f"The database {path} can only be read, not written.",
            hint="Check the permissions of the file and of its folder.",
        )
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return StorageError(
            f"The database {path} is damaged or is not a database.",
            hint="Put a backup in its place, or move it away: Pierian then starts a new one.",
        )
    if name.startswith("SQLITE_CANTOPEN"):
        return StorageError(
            f"The database {path} cannot be opened.",
            hint="Check that it is a file and that you may write to it and to its folder.",
        )
    return StorageError(f"The database {path} could not do what was asked: {error.orig}.")
