"""Putting a backup in the place of what is in a database: all of it in one transaction, or nothing.

The schema is made as it was when the backup was written, filled, and brought up to date by the usual migrations, so
that older backups can be restored. Runs that were in somebody's hands then wait for a worker; reservations that were
open stay counted in full, as those of a process that died. The files beside the database are the caller's business.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)

from pierian.exceptions import StorageError, UserError
from pierian.storage.archive import Archive, Value
from pierian.storage.backup import FLEETING, batch_of, patient
from pierian.storage.database import Database
from pierian.storage.migrating import migration_config
from pierian.storage.tables import metadata, runs, workers

if TYPE_CHECKING:
    from alembic.config import Config


def restore(database: Database, archive: Archive, *, dead: Collection[str], force: bool = False) -> None:
    """Put what is in `archive` into `database`, which must be empty without `force`.

    Args:
        archive: It is checked while it is read; `verify` tells beforehand, without holding anybody up.
        dead: Workers of the database that are known to be dead. While there is another, nothing is restored.

    Raises:
        UserError: A process works on the database, or it is not empty.
        StorageError: The backup is damaged or from a newer Pierian, or the database cannot be used.
        DiskFull: There is no room. In all cases nothing was changed.
    """
    config = _migrations(database, archive)
    with database.write() as connection:
        _alone(connection, dead)
        if not force:
            check_empty(database, connection)
        _clear(connection)
        config.attributes["connection"] = connection
        _upgrade(config, archive.manifest.revision)
        _fill(connection, archive)
        _upgrade(config, "head")
        connection.execute(
            update(runs)
            .where(runs.c.state == "running")
            .values(state="waiting", worker=None, fence=runs.c.fence + 1)
        )
    database.scrub()


def check_empty(database: Database, connection: Connection) -> None:
    """Raise `UserError` where there is anything that a restored backup would replace."""
    for table in metadata.sorted_tables:
        if table.name not in FLEETING and connection.execute(select(table).limit(1)).first() is not None:
            raise UserError(
                f"The database {database.path} is not empty: it has {table.name.replace('_', ' ')}.",
                hint="--force puts the backup in the place of everything in it; back it up before.",
            )


def _migrations(database: Database, archive: Archive) -> Config:
    """Alembic's settings; refuses a backup whose schema this version does not know."""
    from alembic.script import ScriptDirectory

    config = migration_config(database, None)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    revision = archive.manifest.revision
    if revision not in known:
        raise StorageError(
            f"{archive.path} was written by a newer Pierian (version {archive.manifest.version}, its revision is "
            f"{revision!r}).",
            hint="Nothing was changed. Update Pierian: pip install --upgrade pierian.",
        )
    return config


def _upgrade(config: Config, revision: str) -> None:
    from alembic import command

    command.upgrade(config, revision)


def _alone(connection: Connection, dead: Collection[str]) -> None:
    """Make sure that nobody works on the database, until the end of the transaction."""
    patient(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text("LOCK TABLE workers IN ACCESS EXCLUSIVE MODE"))
    found = connection.execute(select(workers.c.host, workers.c.pid).where(workers.c.id.not_in(dead))).first()
    if found is not None:
        raise at_work(found.host, found.pid)


def at_work(host: str, pid: int) -> UserError:
    """The error where a process works on the database."""
    return UserError(
        f"A server or worker is running on this database: process {pid} on {host}. Nothing was changed.",
        hint="Stop all of them, restore, and start them again.",
    )


def _clear(connection: Connection) -> None:
    """Remove all tables, also the one in which Alembic keeps the revision."""
    metadata.drop_all(connection)
    connection.execute(text("DROP TABLE alembic_version"))


def _fill(connection: Connection, archive: Archive) -> None:
    """Put all rows into the tables, which are those of the backup's revision."""
    there = set(inspect(connection).get_table_names()) - FLEETING - {"alembic_version"}
    tables = archive.manifest.tables
    if unknown := set(tables) - there:
        raise archive.damaged(f"its revision has no table {min(unknown)!r}")
    made = MetaData()
    made.reflect(connection, only=list(tables))
    for name, part in tables.items():
        table, batch = made.tables[name], list[dict[str, object]]()
        if set(part.columns) != set(table.c.keys()):
            raise archive.damaged(f"the table {name!r} has other columns in its revision")
        kinds = {column.name: _kinds(column) for column in table.c}
        binary = [column.name for column in table.c if column.type.python_type is bytes]
        most = batch_of(table)
        for row in archive.rows(name):
            try:
                filled: dict[str, object] = {**row, **{one: _bytes(row[one]) for one in binary}}
            except ValueError as error:
                raise archive.damaged(f"the table {name!r} has bytes that cannot be read") from error
            if any(type(value) not in kinds[column] for column, value in filled.items()):
                raise archive.damaged(f"the table {name!r} has a value that does not fit its column")
            batch.append(filled)
            if len(batch) == most:
                connection.execute(insert(table), batch)
                batch.clear()
        if batch:
            connection.execute(insert(table), batch)
        _count_on(connection, table)


def _bytes(value: Value) -> Value | bytes:
    """What a text of base 64 stands for; raises `ValueError`."""
    return b64decode(value, validate=True) if isinstance(value, str) else value


def _kinds(column: Column[object]) -> set[type]:
    """The types that a column's values may have."""
    kind = column.type.python_type
    allowed = {float, int} if kind is float else {kind}
    return {*allowed, type(None)} if column.nullable else allowed


def _count_on(connection: Connection, table: Table) -> None:
    """Let a PostgreSQL server number new rows behind those that there are; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.primary_key.columns:
        if isinstance(column.type, Integer):
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            last = select(func.max(column)).scalar_subquery()
            connection.execute(
                select(func.setval(sequence, last)).where(sequence.is_not(None), last.is_not(None))
            )
