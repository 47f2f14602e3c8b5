"""The database on a real PostgreSQL server: opening, migrating, losing it, and several who use it at once."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, insert, inspect, text
from tests.postgresql import Server, fresh, is_in_the_code, server

from pierian.exceptions import DiskFull, PierianError, SettingsError, StorageError
from pierian.storage import Conversations, Database, open_storage
from pierian.storage import postgresql as module
from pierian.storage.migrating import MIGRATIONS
from pierian.storage.tables import metadata, usage

SECRET = "s3cret@:/%?#"
UNUSED = Path("unused.db")

OPEN = """
import sys
from pathlib import Path
import pierian.storage.opening as opening
import alembic.command, pierian.storage.postgresql
print("ready", flush=True)
sys.stdin.readline()
with opening.open_storage(sys.argv[1], Path("unused.db")) as opened:
    with opened.read() as connection:
        print(connection.exec_driver_sql("SELECT count(*) FROM turns").scalar())
"""


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Server:
    return server(request.config)


@pytest.fixture
def empty(running: Server) -> Iterator[str]:
    """The name of a database without tables."""
    name = running.create()
    yield name
    running.drop(name)


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with fresh("postgresql", tmp_path, request.config) as opened:
        yield opened


@pytest.fixture
def guarded(running: Server) -> Iterator[str]:
    """A user who needs a password (it is `right`), though nobody else does."""
    rules = running.folder / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"local all guarded scram-sha-256\n{before}")
    running.do("CREATE ROLE guarded LOGIN PASSWORD 'right'")
    running.do("SELECT pg_reload_conf()")
    yield "guarded"
    rules.write_text(before)
    running.ahead.submit(lambda: None).result()  # databases that are to be dropped soon are gone then
    running.do("DROP OWNED BY guarded")
    running.do("DROP ROLE guarded")
    running.do("SELECT pg_reload_conf()")


def refused(url: str) -> PierianError:
    """The error of opening what cannot be opened: one sentence, without the password."""
    with pytest.raises(PierianError) as caught:
        open_storage(url, UNUSED)
    error = caught.value
    said = f"{error}\n{error.hint}"
    assert not re.search(r"s3|cret\b", said)
    assert "\n" not in str(error)
    assert str(error).endswith(".")
    return error


def test_without_a_url_it_is_the_file(tmp_path: Path) -> None:
    with open_storage("", tmp_path / "pierian.db") as opened:
        assert opened.path == tmp_path / "pierian.db"
        assert opened.engine.dialect.name == "sqlite"
    assert (tmp_path / "pierian.db").is_file()


def test_with_a_url_it_is_the_server_and_no_file(running: Server, empty: str, tmp_path: Path) -> None:
    with open_storage(running.url(empty), tmp_path / "pierian.db") as opened:
        made = Conversations(opened).create("Grüße ✉ 中文")
        opened.scrub()
    with open_storage(running.url(empty), tmp_path / "pierian.db") as opened:
        assert Conversations(opened).get(made.id).title == "Grüße ✉ 中文"
    assert list(tmp_path.iterdir()) == []


def test_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.read() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_name": is_in_the_code}
        context = MigrationContext.configure(connection, opts=options)
        kept = [one for one in compare_metadata(context, metadata) if not is_serial(one)]
        assert kept == []


def is_serial(difference: object) -> bool:
    """The number of a turn comes from a sequence, which is a default that the tables do not name."""
    return "nextval(" in repr(difference)


def test_migrations_can_be_taken_back(database: Database) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    with database.read() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    assert Conversations(database).create("again").title == "again"


def test_processes_that_open_a_new_database_at_once_migrate_it_once(running: Server, empty: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, running.url(empty)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate() for process in processes] == [("0\n", "")] * 3


def test_a_migration_that_fails_leaves_nothing(
    running: Server, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import op

    def fails(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(op, "create_index", fails)
        with pytest.raises(KeyboardInterrupt):
            open_storage(running.url(empty), UNUSED)
    with open_storage(running.url(empty), UNUSED) as database:
        assert Conversations(database).list() == ()


def test_a_database_of_another_program_is_left_alone(running: Server, empty: str) -> None:
    with psycopg.connect(running.url(empty), autocommit=True) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    assert "another program" in str(refused(running.url(empty)))


def test_a_newer_database_is_not_touched(running: Server, empty: str) -> None:
    with open_storage(running.url(empty), UNUSED) as database, database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    error = refused(running.url(empty))
    assert isinstance(error, StorageError)
    assert f"local/{empty} was written by a newer Pierian" in str(error)
    assert "pip install --upgrade" in error.hint


def test_a_password_is_used_and_never_told(running: Server, guarded: str, empty: str) -> None:
    running.do(f"ALTER DATABASE {empty} OWNER TO guarded")
    with open_storage(running.url(empty, guarded, "right"), UNUSED) as opened:
        Conversations(opened).create("x")
        assert "right" not in f"{opened.path} {opened.engine.url} {opened}"
    error = refused(running.url(empty, guarded, SECRET))
    assert isinstance(error, StorageError)
    assert str(error) == (
        f'The database local/{empty} cannot be opened: password authentication failed for user "guarded".'
    )
    assert "check the user, the password and the name in database_url" in error.hint
    error = refused(running.url(empty, guarded))
    assert str(error) == f"The database local/{empty} cannot be opened: no password supplied."


def test_names_that_the_server_does_not_know(running: Server, empty: str) -> None:
    error = refused(running.url("nowhere", password=SECRET))
    assert isinstance(error, StorageError)
    assert str(error) == 'The database local/nowhere cannot be opened: database "nowhere" does not exist.'
    error = refused(running.url(empty, "nobody", SECRET))
    assert str(error) == f'The database local/{empty} cannot be opened: role "nobody" does not exist.'


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody listens
        port = closed.getsockname()[1]
        for url, says in (
            (f"postgresql://u:s3cret@127.0.0.1:{port}/a", "127.0.0.1/a cannot be reached: .*refused"),
            (f"postgresql://u:s3cret@/a?host={tmp_path}", "local/a cannot be reached: .*No such file"),
            ("postgresql://u:s3cret@no-such-host/a", "no-such-host/a cannot be reached: .*resolve"),
        ):
            error = refused(url)
            assert isinstance(error, StorageError)
            assert re.search(says, str(error))
            assert error.hint.startswith("Start it, or correct database_url")


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 2)  # the least that its driver takes
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = refused(f"postgresql://u:s3cret@127.0.0.1:{silent.getsockname()[1]}/a")
    assert isinstance(error, StorageError)
    assert "127.0.0.1/a cannot be reached: connection timeout expired" in str(error)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense s3cret",
        "mysql://u:s3cret@h/a",
        "sqlite:///s3cret.db",
        "postgres://u:s3cret@h/a",
        "postgresql://u:s3cret/a",  # the host was forgotten, so the password stands where a port would
        "postgresql://u:s3cret@h:9x/a",
        "postgresql://u:s3@cret@h/a",  # an @ in the password that was not written %40
    ],
)
def test_what_is_no_address_is_not_repeated(url: str) -> None:
    error = refused(url)
    assert isinstance(error, SettingsError)
    assert str(error) == "database_url is not the address of a PostgreSQL database."
    assert "postgresql://user:password@host/name" in error.hint
    assert "%40" in error.hint


def test_options_that_the_driver_does_not_know(running: Server, empty: str) -> None:
    error = refused(running.url(empty, password=SECRET) + "&bogus=1")
    assert isinstance(error, StorageError)
    assert 'invalid connection option "bogus"' in str(error)


def test_an_error_inside_a_transaction_takes_all_of_it_back(database: Database) -> None:
    for transaction in (database.write, database.append, lambda: database.append(durable=True)):
        with pytest.raises(StorageError, match="could not do what was asked"), transaction() as connection:
            connection.execute(insert(usage).values(usage_row("t1")))
            connection.execute(insert(usage).values(usage_row("t1")))
        assert tickets(database) == []
    with pytest.raises(StorageError) as caught, database.write() as connection:
        connection.execute(insert(usage).values(usage_row("t2") | {"model": "private words", "day": None}))
    assert "private words" not in str(caught.value)


def test_a_full_disk_of_the_server(database: Database) -> None:
    raises = "DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$"
    with pytest.raises(DiskFull, match="has no room left") as caught, database.write() as connection:
        connection.execute(insert(usage).values(usage_row("t1")))
        connection.execute(text(raises))
    assert caught.value.hint == "Free some space on it."
    assert tickets(database) == []


def test_reading_sees_one_state_whatever_is_written_meanwhile(database: Database) -> None:
    with database.read() as reading:
        assert reading.execute(text("SELECT count(*) FROM usage")).scalar() == 0
        with database.append() as connection:
            connection.execute(insert(usage).values(usage_row("t1")))
        assert reading.execute(text("SELECT count(*) FROM usage")).scalar() == 0
    assert tickets(database) == ["t1"]
    with database.append() as connection:  # which sees what others have stored, as it must
        assert isolation(connection) == "read committed"


def test_one_writes_at_a_time_while_others_append(database: Database) -> None:
    begun, appended = threading.Event(), threading.Event()
    order: list[str] = []

    def late() -> None:
        begun.set()
        with database.write():
            order.append("second")

    with database.write() as connection:
        other = threading.Thread(target=late)
        other.start()
        assert begun.wait(10)
        with database.append() as beside:
            beside.execute(insert(usage).values(usage_row("t1")))
            appended.set()
        until_one_waits(connection)
        order.append("first")
    other.join()
    assert appended.is_set()
    assert order == ["first", "second"]


def test_a_connection_that_the_server_ended_is_replaced(running: Server, database: Database) -> None:
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database.engine.url.database}'"
    with pytest.raises(StorageError, match="cannot be reached: terminating connection"):
        with database.write() as connection:
            connection.execute(insert(usage).values(usage_row("t1")))
            running.do(end)
            connection.execute(text("SELECT 1"))
    assert tickets(database) == []
    with database.append() as connection:
        connection.execute(insert(usage).values(usage_row("t2")))
    running.do(end)  # while nobody uses it
    assert tickets(database) == ["t2"]


def until_one_waits(connection: Connection) -> None:
    """Return when somebody waits for an advisory lock, as the server tells."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    for _ in range(10_000):
        if connection.execute(waiting).scalar():
            return
    pytest.fail("nobody waits")


def isolation(connection: Connection) -> object:
    return connection.execute(text("SHOW transaction_isolation")).scalar()


def tickets(database: Database) -> list[str]:
    with database.read() as connection:
        return [row.ticket for row in connection.execute(usage.select())]


def usage_row(ticket: str) -> dict[str, object]:
    from datetime import UTC, datetime

    return {
        "ticket": ticket,
        "day": "2026-01-01",
        "model": "m",
        "mode": "instant",
        "reserved_tokens": 1,
        "reserved_money": 0.0,
        "used_tokens": 0,
        "used_money": 0.0,
        "settled": False,
        "pid": 1,
        "process_started": 0.0,
        "created_at": datetime.now(UTC),
    }
