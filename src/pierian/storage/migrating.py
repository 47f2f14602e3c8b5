"""The schema of the database and its migrations: which revision is stored, and how it is brought up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from pierian.exceptions import StorageError
from pierian.storage.database import Database, translated

if TYPE_CHECKING:
    from alembic.config import Config

# The newest revision in `migrations/versions`. Alembic takes most of a second to import, so it is
# imported only where the database is not at this revision.
HEAD = "0006"

MIGRATIONS = Path(__file__).parent / "migrations"

# Another process may be migrating a large database; nobody should wait for one that hangs, though.
MIGRATION_SECONDS = 120.0


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
