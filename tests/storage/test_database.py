"""Opening, migrating and losing the database."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from tests.postgresql import is_in_the_code

import pierian.storage
from pierian.exceptions import DiskFull, StorageError
from pierian.storage import Conversations, open_database
from pierian.storage.migrating import HEAD, MIGRATIONS
from pierian.storage.tables import metadata, usage

OPEN = """
import sys
from pathlib import Path
import pierian.storage.opening as opening
print("ready", flush=True)
sys.stdin.readline()
with opening.open_database(Path(sys.argv[1])) as opened:
    with opened.read() as connection:
        print(connection.exec_driver_sql("SELECT count(*) FROM turns").scalar())
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIERIAN_HOME", str(tmp_path))
    return tmp_path / "data" / "pierian.db"


def test_file_and_folder_belong_to_the_owner_only(path: Path) -> None:
    old = os.umask(0)
    try:
        with open_database(path) as database, database.write() as connection:
            connection.execute(text("DELETE FROM usage"))
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {"pierian.db", "pierian.db-wal", "pierian.db-shm"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    open_database(path).close()
    path.chmod(0o644)
    open_database(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_head_is_the_newest_migration() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_migrations_make_the_tables_that_the_code_uses(path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with open_database(path) as database, database.read() as connection:
        options = {"compare_type": True, "compare_server_default": True, "include_name": is_in_the_code}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []


def test_migrations_can_be_taken_back(path: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import inspect

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with open_database(path) as database:
        with database.write() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
        with database.read() as connection:
            assert inspect(connection).get_table_names() == ["alembic_version"]


def test_alembic_is_imported_only_to_migrate(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pierian.storage import open_database; "
        "open_database(Path(sys.argv[1])).close(); print('alembic' in sys.modules)"
    )
    answers = [
        subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert answers == ["True\n", "False\n"]


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = "import sys, pierian.storage; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_room_offers_what_it_lists() -> None:
    assert pierian.storage.__all__ == sorted(pierian.storage.__all__)
    for name in pierian.storage.__all__:
        offered = getattr(pierian.storage, name)
        assert getattr(offered, "__name__", name) == name
        assert name in dir(pierian.storage)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pierian.storage.nothing


def test_several_processes_may_open_a_new_database_at_once(path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate() for process in processes] == [("0\n", "")] * 4


def test_a_migration_that_fails_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    def fails(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(op, "create_index", fails)
        with pytest.raises(KeyboardInterrupt):
            open_database(path)
    with open_database(path) as database:
        assert Conversations(database).list() == ()


def test_a_folder_with_odd_characters(tmp_path: Path) -> None:
    for name in ("with space", "100%(a)s", "häuser?mode=ro#x"):
        with open_database(tmp_path / name / "pierian.db") as database:
            assert Conversations(database).create("x").title == "x"
        assert (tmp_path / name / "pierian.db").stat().st_size > 0


def test_a_damaged_file_is_reported_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database at all, " * 100)
    with pytest.raises(StorageError, match="damaged or is not a database") as caught:
        open_database(path)
    assert "backup" in caught.value.hint
    assert path.read_bytes().startswith(b"this is no")


def test_a_file_damaged_in_the_middle_is_reported(path: Path) -> None:
    with open_database(path) as database:
        store = Conversations(database)
        conversation = store.create("damage")
        for _ in range(50):
            store.append(conversation.id, "user", "some words " * 200, "user")
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(StorageError, match="damaged"), open_database(path) as database:
        Conversations(database).search("words")


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    import sqlite3

    path.parent.mkdir()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    with pytest.raises(StorageError, match="another program"):
        open_database(path)


def test_a_newer_database_is_not_touched(path: Path) -> None:
    with open_database(path) as database, database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match=r"newer Pierian.*'9999'") as caught:
        open_database(path)
    assert "pip install --upgrade" in caught.value.hint


def test_a_database_that_stays_locked(path: Path) -> None:
    with open_database(path) as holder, holder.write() as connection:
        connection.execute(text("DELETE FROM usage"))
        with (
            open_database(path, busy_seconds=0.01) as database,
            pytest.raises(StorageError, match="in use by another program"),
        ):
            Conversations(database).create("waits")


def test_a_full_disk(path: Path) -> None:
    with open_database(path) as database:
        conversation = Conversations(database).create("before")
        database.close()
        # A limit on the file's size makes SQLite say what it says when the disk is full.
        with pytest.raises(DiskFull, match="no room left") as caught, database.write() as connection:
            connection.execute(text("PRAGMA max_page_count = 1"))
            for number in range(1000):
                connection.execute(insert(usage).values(usage_row(number)))
        assert "Free some space" in caught.value.hint
        database.close()
        assert Conversations(database).get(conversation.id).title == "before"


def test_a_full_disk_when_the_file_is_made(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(DiskFull):
        open_database(path)


def test_a_database_that_can_only_be_read(path: Path) -> None:
    with open_database(path) as database:
        with (
            pytest.raises(StorageError, match="only be read, not written") as caught,
            database.write() as connection,
        ):
            connection.execute(text("PRAGMA query_only = ON"))
            connection.execute(text("DELETE FROM usage"))
        assert "permissions" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="cannot be opened"):
        open_database(tmp_path / "data" / "pierian.db")


def test_a_path_that_is_a_folder_or_lies_under_a_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        open_database(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be opened"):
        open_database(tmp_path / "file" / "pierian.db")


def test_errors_do_not_repeat_what_was_stored(path: Path) -> None:
    with (
        open_database(path) as database,
        pytest.raises(StorageError) as caught,
        database.write() as connection,
    ):
        row = usage_row(1) | {"model": "private words", "day": None}
        connection.execute(insert(usage).values(row))
    assert "private words" not in f"{caught.value} {caught.value.__cause__}"


def usage_row(number: int) -> dict[str, object]:
    from datetime import UTC, datetime

    return {
        "ticket": str(number),
        "day": "2026-01-01",
        "model": "m" * 1000,
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
