"""Backups are whole, of one moment, and come back as they were, from either kind of database into either."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    Float,
    Integer,
    LargeBinary,
    Table,
    event,
    insert,
    select,
    text,
)
from tests.postgresql import SERVERS, address, fresh

from pierian.exceptions import DiskFull, StorageError, UserError
from pierian.runs import Journal, Worker
from pierian.storage import Conversations, Database, backup, open_database, open_storage
from pierian.storage.archive import Manifest, Writer, open_archive
from pierian.storage.backup import FLEETING, write_backup
from pierian.storage.restore import restore
from pierian.storage.tables import Moment, metadata, runs, usage, workers

HARD = 'Zoë\'s "pens" \\ ¥ \U0001f58a\n\t{"a": [null]} \x7f\u2028'
KEPT = [table for table in metadata.sorted_tables if table.name not in FLEETING]

HANGING = """
import sys, time
from pathlib import Path
from pierian.storage import archive, backup, open_storage, restore
def hang(*_):
    print("in the middle", flush=True)
    time.sleep(600)
url, path, file, what = sys.argv[1:]
with open_storage(url, Path(path)) as database:
    if what == "backup":
        backup.Writer.finish = hang
        backup.write_backup(database, {}, Path(file), version="1", force=True)
    else:
        restore.update = hang
        with archive.open_archive(Path(file)) as opened:
            restore.restore(database, opened, dead=[], force=True)
"""


def value(table: Table, name: str, number: int) -> Any:
    """A value for a column, different for each number."""
    column = table.c[name]
    if column.foreign_keys:
        return value(next(iter(column.foreign_keys)).column.table, "id", number)
    if column.nullable and number % 2:
        return None
    match column.type:
        case Moment():
            return datetime(2026, 11, 25, 12, 0, 0, number, UTC)
        case Boolean():
            return bool(number % 2)
        case Float():
            return number + 0.1
        case LargeBinary():
            return b"\x00\xff\n" + bytes([number % 256])
        case BigInteger():
            return 2**60 + number
        case Integer():
            return number
        case _:
            long = f"{table.name[:6]}{number}"
            return long if column.primary_key or column.unique else f"{long} {HARD}"[: column.type.length]


def fill(database: Database, rows: int = 7) -> None:
    with database.write() as connection:
        for table in KEPT:
            made = [
                {
                    column.name: value(table, column.name, number)
                    for column in table.c
                    if (table.name, column.name) != ("turns", "id")
                }
                for number in range(rows)
            ]
            connection.execute(insert(table), made)


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    with database.read() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in KEPT
        }


def saved(database: Database, file: Path, **options: Any) -> Path:
    write_backup(database, {}, file, version="1.2.3", **options)
    return file


def put_back(database: Database, file: Path, **options: Any) -> None:
    with open_archive(file) as archive:
        restore(database, archive, **{"dead": (), **options})


@pytest.fixture
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Database]]:
    """Makes another empty database of one kind."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        folder = tmp_path / "other"
        yield lambda kind: stack.enter_context(fresh(kind, folder, request.config))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of a backup."""
    return tmp_path / "pierian.tar"


@pytest.mark.parametrize("target", SERVERS)
def test_either_kind_into_either(
    database: Database, other: Callable[[str], Database], file: Path, target: str
) -> None:
    fill(database)
    said = Conversations(database).create("Pens").id
    Conversations(database).append(said, "user", HARD, "user")
    before = everything(database)
    put_back(into := other(target), saved(database, file))
    after = everything(into)
    for row in before["runs"]:
        assert row[4] != "running"  # these would come back as waiting
    assert after == before
    # New rows are numbered behind those that came back.
    assert Conversations(into).append(said, "assistant", "8 euros", "model").position == 1


def test_many_rows(database: Database, other: Callable[[str], Database], file: Path) -> None:
    fill(database, 1_203)
    put_back(into := other("sqlite"), saved(database, file))
    assert everything(into) == everything(database)


def test_it_is_of_one_moment(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch, other: Callable[[str], Database]
) -> None:
    """Others write while it is read, also into tables that are read later."""
    fill(database)
    before, add, written = everything(database), Writer.add, list[str]()

    def adding(self: Writer, name: str, chunks: Any) -> Any:
        part = add(self, name, chunks)
        with open_storage(address(database), database.path) as theirs:
            written.append(Conversations(theirs).append_all("", [], title=name))
        return part

    with monkeypatch.context() as patched:
        patched.setattr(Writer, "add", adding)
        saved(database, file)
    assert len(written) > len(KEPT)
    put_back(into := other("sqlite"), file)
    assert everything(into) == before


def test_only_its_owner_can_read_it_and_nothing_is_overwritten(database: Database, file: Path) -> None:
    old = os.umask(0)
    try:
        saved(database, file)
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = file.read_bytes()
    with pytest.raises(UserError, match="is there already"):
        saved(database, file)
    assert file.read_bytes() == first
    fill(database)
    saved(database, file, force=True)
    assert file.read_bytes() != first
    with pytest.raises(UserError, match="no folder"):
        saved(database, file.parent / "nowhere" / "pierian.tar")
    with pytest.raises(UserError, match="is there already"):
        saved(database, file.parent, force=True)


def test_tar_can_unpack_it_and_sha256sum_check_it(database: Database, file: Path, tmp_path: Path) -> None:
    fill(database)
    (tmp_path / "config.toml").write_text("drafts = 2\n")
    files = {"config.toml": tmp_path / "config.toml", "prices.toml": tmp_path / "none"}
    manifest = write_backup(database, files, file, version="1.2.3")
    assert list(manifest.files) == ["config.toml"]
    (unpacked := tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "xf", file], cwd=unpacked, check=True)
    subprocess.run(["sha256sum", "-c", "manifest.sha256"], cwd=unpacked, check=True, capture_output=True)
    assert (unpacked / "files" / "config.toml").read_text() == "drafts = 2\n"
    assert len((unpacked / "tables" / "runs.jsonl").read_bytes().strip().split(b"\n")) == 7


def test_a_disk_with_too_little_room_is_refused_at_once(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 4_096))
    with pytest.raises(DiskFull, match=r"no room for .*pierian\.tar; nothing was written"):
        saved(database, file)
    assert list(file.parent.glob("pierian.tar*")) == []


def test_a_disk_that_fills_up_leaves_nothing(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(database, file)
    first = file.read_bytes()
    fill(database)

    def full(self: Writer, manifest: Manifest) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Writer, "finish", full)
    with pytest.raises(DiskFull, match="nothing was written"):
        saved(database, file, force=True)
    assert file.read_bytes() == first
    assert list(file.parent.glob("*.partial")) == []


def test_a_full_disk_while_it_is_restored_changes_nothing(
    database: Database, other: Callable[[str], Database], file: Path
) -> None:
    fill(source := other("sqlite"), 900)
    saved(source, file)
    fill(database)
    before = everything(database)
    with pytest.raises(DiskFull), full_disk(database):
        put_back(database, file, force=True)
    assert everything(database) == before


class full_disk:  # noqa: N801 (a context)
    """The disk is full for what a restore writes."""

    FULL = """
    CREATE FUNCTION full_now() RETURNS event_trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
    CREATE EVENT TRIGGER full_now ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION full_now();
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def __enter__(self) -> None:
        if self.database.engine.dialect.name == "postgresql":
            with self.database.append() as connection:
                connection.execute(text(self.FULL))
            return
        self.database.close()
        event.listen(self.database.engine, "begin", self.limit)

    def __exit__(self, *_: object) -> None:
        if self.database.engine.dialect.name == "postgresql":
            with self.database.append() as connection:
                connection.execute(text("DROP FUNCTION full_now CASCADE"))
            return
        event.remove(self.database.engine, "begin", self.limit)
        self.database.close()

    @staticmethod
    def limit(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1").close()


def killed_in_the_middle(database: Database, file: Path, what: str) -> None:
    command = [sys.executable, "-c", HANGING, address(database), database.path, file, what]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        process.send_signal(signal.SIGKILL)


def test_killed_in_the_middle_of_a_backup(
    database: Database, file: Path, other: Callable[[str], Database]
) -> None:
    saved(database, file)
    first = file.read_bytes()
    fill(database)
    killed_in_the_middle(database, file, "backup")
    assert file.read_bytes() == first, "the one before is whole"
    saved(database, file, force=True)
    put_back(into := other("sqlite"), file)
    assert everything(into) == everything(database)
    assert list(file.parent.glob("*.partial")) == []


def test_killed_in_the_middle_of_a_restore(database: Database, file: Path) -> None:
    saved(database, file)
    fill(database)
    before = everything(database)
    killed_in_the_middle(database, file, "restore")
    assert everything(database) == before
    put_back(database, file, force=True)
    assert not any(everything(database).values())


def test_two_backups_into_one_file_do_not_mix(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Writer.finish

    def meanwhile(self: Writer, manifest: Manifest) -> None:
        with pytest.raises(UserError, match="Another process is writing"):
            saved(database, file)
        finish(self, manifest)

    monkeypatch.setattr(backup.Writer, "finish", meanwhile)
    saved(database, file)
    with open_archive(file) as archive:
        archive.verify()


def test_what_is_there_is_replaced_only_when_told(database: Database, file: Path) -> None:
    saved(database, file)
    Conversations(database).create("New")
    with pytest.raises(UserError, match="is not empty: it has conversations") as caught:
        put_back(database, file)
    assert "--force" in caught.value.hint
    assert Conversations(database).count() == 1
    put_back(database, file, force=True)
    assert Conversations(database).count() == 0


def test_nothing_is_restored_under_a_running_process(database: Database, file: Path) -> None:
    saved(database, file)
    with Worker(database) as worker:
        with pytest.raises(UserError, match=f"process {os.getpid()} on"):
            put_back(database, file, force=True)
        put_back(database, file, dead=[worker.id])
        worker.beat()  # it enlists itself again, for its row is gone


def test_runs_in_hand_wait_for_a_worker_and_reservations_stay_counted(database: Database, file: Path) -> None:
    with Worker(database) as worker:
        claim = Journal(database).create("Q", {"answers": True}, worker.id)
        with database.write() as connection:
            row = {column.name: value(usage, column.name, 2) for column in usage.c} | {"settled": False}
            connection.execute(insert(usage).values(row))
        saved(database, file)
    put_back(database, file, force=True)
    found = Journal(database).get(claim.run)
    assert (found.state, found.worker) == ("waiting", None)
    assert Journal(database).unattended([]) == [(claim.run, None)]
    assert Journal(database).claim(claim.run, "next").fence == claim.fence + 2, "the one before has lost it"
    with database.read() as connection:
        assert connection.execute(select(usage.c.settled, usage.c.reserved_tokens)).all() == [
            (False, 2**60 + 2)
        ]
        assert connection.execute(select(workers)).all() == []


def test_deleted_text_is_gone_from_the_file_after_a_restore(tmp_path: Path, file: Path) -> None:
    with open_database(tmp_path / "pierian.db") as database:
        saved(database, file)
        said = Conversations(database).create("t").id
        Conversations(database).append(said, "user", "a very private word " * 300, "user")
        put_back(database, file, force=True)
        for one in tmp_path.glob("pierian.db*"):
            assert b"very private" not in one.read_bytes()


def test_a_run_that_ended_stays_as_it_was(database: Database, file: Path) -> None:
    fill(database)
    with database.write() as connection:
        connection.execute(runs.update().values(state="done"))
    before = everything(database)["runs"]
    saved(database, file)
    put_back(database, file, force=True)
    assert everything(database)["runs"] == before


def test_no_folder_of_a_backup_that_cannot_be_written(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "replace", forbidden)
    with pytest.raises(StorageError, match=r"pierian\.tar cannot be written: Permission denied"):
        saved(database, file)
