"""The one database while it is open: its transactions, and its errors as sentences.

Every failure leaves as a `StorageError` or `DiskFull` that says what to do. It is opened by `opening`; what is stored
is the business of `conversations`, `usage` and the others.
"""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from pierian.exceptions import DiskFull, RunError, StorageError


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
