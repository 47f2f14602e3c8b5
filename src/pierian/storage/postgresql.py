"""The one database on a PostgreSQL server, for several workers and machines: same tables, same code.

`open_postgresql` brings the schema up to date under an advisory lock, so that any number of processes may
start at once. Where SQLite has one writer at a time, `write` takes an advisory lock; `append` lets writers
work side by side.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError

from pierian.exceptions import DiskFull, RunError, SettingsError, StorageError
from pierian.storage.database import Database
from pierian.storage.migrating import HEAD, migration_config, stored_revision

WRITERS, MIGRATIONS_LOCK = 0x7069657269616E, 0x7069657269616F
"""Keys of the advisory locks."""
PAUSED_SECONDS = 6
"""As long as a worker may stand still before its runs are taken over (`runs.workers`)."""
CONNECT_SECONDS = 10
"""How long a server that says nothing is waited for, where the URL does not say (`?connect_timeout=`)."""

# libpq repeats what the server says as it says it: its word for the severity in its own language, a colon,
# two spaces.
_REFUSED = re.compile(r".* failed: (?:[^\s:]+:  |fe_sendauth: )(.+)", re.DOTALL)


class PostgresqlDatabase(Database):
    """As `Database`; `path` is the server's address without the password, for messages."""

    def __init__(self, engine: Engine, address: str) -> None:
        super().__init__(engine, Path(address))
        self.address = address

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A transaction that sees one state of the database; by default each statement would see its own."""
        with self.translated(), self.engine.connect() as plain:
            connection = plain.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Generator[Connection]:
        """A transaction that no other `write` overlaps."""
        with self.translated(), self.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITERS})
            yield connection

    @contextmanager
    def append(self, *, durable: bool = False) -> Generator[Connection]:
        """A transaction beside others; rows are locked as they are touched. The server always waits for its disk."""
        with self.translated(), self.engine.begin() as connection:
            yield connection

    def translated(self) -> AbstractContextManager[None]:
        """Turns the errors of the server into sentences."""
        return translated(self.address)


def open_postgresql(url: str) -> Database:
    """The database at a URL such as `postgresql://user@host/name`, migrated if need be.

    Raises `SettingsError` for what is not such a URL, `StorageError` where the server cannot be used.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "postgresql" or "@" in (parsed.host or ""):
            raise ArgumentError
        query = {"connect_timeout": str(CONNECT_SECONDS), **parsed.query}
        parsed = parsed.set(drivername="postgresql+psycopg", query=query)
        engine = create_engine(parsed, pool_pre_ping=True, hide_parameters=True, pool_size=5)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        # What is wrong with it is not told: it may be a part of the password.
        raise SettingsError(
            "database_url is not the address of a PostgreSQL database.",
            hint="It should look like postgresql://user:password@host/name; "
            "in a password @ is written %40, / is %2F and : is %3A.",
        ) from error
    except ImportError as error:
        raise SettingsError(
            "PostgreSQL needs its driver, which is not installed.", hint="pip install 'pierian[postgresql]'"
        ) from error
    event.listen(engine, "connect", prepare)
    database = PostgresqlDatabase(engine, shown(parsed))
    try:
        if stored_revision(database) != HEAD:
            migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def prepare(connection: Any, _record: Any) -> None:
    """Let the server end a transaction whose process is paused or whose machine is gone: it holds locks."""
    connection.execute(f"SET idle_in_transaction_session_timeout = {1000 * PAUSED_SECONDS}")
    connection.commit()


def shown(url: URL) -> str:
    """The address without its password."""
    return f"{url.host or 'local'}/{url.database or ''}"


def migrate(database: PostgresqlDatabase) -> None:
    """Bring the schema to `HEAD`, in one transaction that others wait for."""
    from alembic import command

    with database.translated(), database.engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATIONS_LOCK})
        stored = stored_revision(database)
        if stored != HEAD:
            config = migration_config(database, stored)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


@contextmanager
def translated(address: str) -> Generator[None]:
    """Turn the server's errors into sentences for the person who waits."""
    try:
        yield
    except DBAPIError as error:
        raise explain(address, error) from error
    except SQLAlchemyError as error:
        raise StorageError(f"The database {address} cannot be used: {error}.") from error


def explain(address: str, error: DBAPIError) -> RunError:
    """The sentence for an error of the driver, by the class of its SQLSTATE."""
    state: str = getattr(error.orig, "sqlstate", None) or ""
    if state == "53100":
        return DiskFull(
            f"The server of the database {address} has no room left.", hint="Free some space on it."
        )
    refused = _REFUSED.match(first_line(error))
    if refused is not None or state.startswith("28") or state == "3D000":
        return StorageError(
            f"The database {address} cannot be opened: {refused[1] if refused else first_line(error)}.",
            hint="Its server answers: check the user, the password and the name in database_url.",
        )
    if isinstance(error, OperationalError) and (not state or state.startswith(("08", "57"))):
        return StorageError(
            f"The database server at {address} cannot be reached: {first_line(error)}.",
            hint="Start it, or correct database_url (`pierian config set database_url …`).",
        )
    return StorageError(f"The database {address} could not do what was asked: {first_line(error)}.")


def first_line(error: DBAPIError) -> str:
    """What the driver says, in one line."""
    return (str(error.orig).strip().splitlines() or ["no reason given"])[0].rstrip(".")
