"""One process at a time does what must not happen twice at once: syncing an account, refreshing its tokens.

With SQLite the lock is a file beside the database, with PostgreSQL an advisory lock of the server, so that other
machines are kept out as well. Either is gone when the process ends, however it ends.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import text

from pierian.exceptions import StorageError
from pierian.storage.database import Database

LOOK_AGAIN_SECONDS = 0.1


class Occupied(StorageError):
    """Another process does it right now."""


@contextmanager
def alone(database: Database, what: str, *, wait: float = 0.0) -> Generator[None]:
    """Hold the lock called `what`; raises `Occupied` where another holds it for more than `wait` seconds."""
    if database.engine.dialect.name == "postgresql":
        with _on_server(database, what, wait):
            yield
        return
    from filelock import FileLock, Timeout

    folder = database.path.parent / "locks"
    with database.translated():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(folder / f"{what}.lock", timeout=wait, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise _occupied(what) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _on_server(database: Database, what: str, wait: float) -> Generator[None]:
    key = {"key": int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)}
    with database.translated(), database.engine.connect() as plain:
        # Outside a transaction: the server ends those that stand still.
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        until = time.monotonic() + wait
        while not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), key).scalar():
            if time.monotonic() >= until:
                raise _occupied(what)
            time.sleep(LOOK_AGAIN_SECONDS)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), key)


def _occupied(what: str) -> Occupied:
    return Occupied(f"Another process does this already ({what}).", hint="Wait until it has finished.")
