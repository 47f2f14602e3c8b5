"""A backup that was damaged or made by an enemy is refused, and nothing is changed."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.test_backup import everything, fill, put_back, saved

from pierian.exceptions import PierianError, StorageError, UserError
from pierian.storage import Database, archive, open_database
from pierian.storage.archive import FORMAT, Manifest, TablePart, Writer, open_archive
from pierian.storage.migrating import HEAD
from pierian.storage.tables import metadata


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Database]:
    with open_database(tmp_path / "target" / "pierian.db") as opened:
        fill(opened, 2)
        yield opened


@pytest.fixture
def good(tmp_path: Path) -> bytes:
    """A backup with something in every table."""
    with open_database(tmp_path / "source" / "pierian.db") as opened:
        fill(opened, 3)
        return saved(opened, tmp_path / "good.tar").read_bytes()


@pytest.fixture
def refused(target: Database, tmp_path: Path) -> Callable[[bytes], str]:
    """Tries to restore these bytes; fails where that does anything but refuse. Returns what was said."""
    before, file = everything(target), tmp_path / "bad.tar"

    def check(content: bytes) -> str:
        file.write_bytes(content)
        with pytest.raises(StorageError) as caught, open_archive(file) as opened:
            opened.verify()
        with pytest.raises(PierianError):
            put_back(target, file, force=True)
        assert everything(target) == before
        return str(caught.value)

    return check


@settings(max_examples=150)
@given(data=st.data())
def test_any_changed_byte_is_noticed(
    data: st.DataObject, good: bytes, refused: Callable[[bytes], str]
) -> None:
    at = data.draw(st.integers(0, len(good) - 1), "at")
    changed = bytearray(good)
    changed[at] ^= data.draw(st.integers(1, 255), "by")
    assert "damaged" in (said := refused(bytes(changed))) or "newer" in said


def test_a_changed_bit_is_noticed_all_over_the_file(good: bytes, tmp_path: Path) -> None:
    """One bit of every 29th byte: headers, rows, padding, manifest, end."""
    file = tmp_path / "bad.tar"
    for at in range(0, len(good), 29):
        changed = bytearray(good)
        changed[at] ^= 1
        file.write_bytes(changed)
        with pytest.raises(StorageError), open_archive(file) as opened:
            opened.verify()


@settings(max_examples=40)
@given(data=st.data())
def test_what_is_cut_off_or_has_more_is_noticed(
    data: st.DataObject, good: bytes, refused: Callable[[bytes], str]
) -> None:
    at = data.draw(st.integers(0, len(good) - 1), "at")
    refused(good[:at])
    refused(good[:at] + data.draw(st.binary(min_size=1, max_size=600), "more") + good[at:])


def test_what_is_no_backup_at_all(refused: Callable[[bytes], str], tmp_path: Path) -> None:
    for content in (b"", b"\0", bytes(512), bytes(1024), b"hello " * 1000):
        assert "is not a backup of Pierian" in refused(content)
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(UserError, match="There is no backup"), open_archive(path):
            pass


def tar_of(*members: tuple[tarfile.TarInfo, bytes], **options: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", **options) as made:
        for info, content in members:
            info.size = len(content) if info.type == tarfile.REGTYPE else info.size
            made.addfile(info, io.BytesIO(content))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, 0o600
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def test_nothing_of_a_hostile_tar_is_unpacked(refused: Callable[[bytes], str], tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    for hostile in (
        member("../outside"),
        member(str(outside)),
        member("manifest.json", tarfile.SYMTYPE, linkname=str(outside)),
        member("manifest.json", tarfile.LNKTYPE, linkname=str(outside)),
        member("manifest.json", tarfile.FIFOTYPE),
        member("manifest.json", tarfile.GNUTYPE_SPARSE),
        member("tables/runs.jsonl", mode=0o4777),
        member("manifest.json/"),
        member("x" * 300),
    ):
        refused(tar_of((hostile, b"")))
        refused(tar_of((hostile, b""), format=tarfile.PAX_FORMAT))
    assert not outside.exists()


def test_a_part_that_claims_to_be_enormous(refused: Callable[[bytes], str]) -> None:
    for size in (2**30, 2**40, 2**62):
        assert "cut off" in refused(archive.header("manifest.json", size, 0) + bytes(1024))


def forged(change: Callable[[dict[str, Any]], None] = lambda _: None, **tables: bytes) -> bytes:
    """An archive whose hashes are right, with these tables, whatever they are; `change` edits its manifest."""
    out, now = io.BytesIO(), datetime(2026, 11, 25, tzinfo=UTC)
    writer, parts = Writer(out, now), dict[str, TablePart]()
    for name, content in tables.items():
        part = writer.add(archive.table_name(name), [content])
        known = metadata.tables.get(name)
        columns = () if known is None else tuple(str(column.name) for column in known.c)
        parts[name] = TablePart(columns, content.count(b"\n"), part.bytes, part.sha256)
    made = msgspec.to_builtins(Manifest(FORMAT, "1.2.3", HEAD, "sqlite", now, parts, {}))
    change(made)
    writer.finish(made)
    return out.getvalue()


def rule(**fields: Any) -> bytes:
    row = {"id": "a", "owner": "local", "text": "allow x", "created_at": "2026-11-25T00:00:00.000000+00:00"}
    return msgspec.json.encode(row | fields) + b"\n"


def test_a_forged_one_that_is_right_is_restored(target: Database, tmp_path: Path) -> None:
    """What the tests below change is what makes the difference."""
    (tmp_path / "forged.tar").write_bytes(forged(rules=rule()))
    put_back(target, tmp_path / "forged.tar", force=True)
    assert everything(target)["rules"][0][:3] == ("a", "local", "allow x")


@pytest.mark.parametrize(
    "content",
    [
        rule(id=1),
        rule(owner=None),
        rule(text=[]),
        rule(extra=1),
        rule()[:-1],
        rule() * 2,
        rule(created_at=True),
        b"[1]\n",
        b"\n",
        b"\xff\n",
        b"[" * 100_000 + b"\n",
        b'{"id": 1e999}\n',
    ],
)
def test_rows_that_do_not_fit_leave_everything_as_it_was(
    target: Database, tmp_path: Path, content: bytes
) -> None:
    before = everything(target)
    (tmp_path / "bad.tar").write_bytes(forged(rules=content))
    with pytest.raises(StorageError):
        put_back(target, tmp_path / "bad.tar", force=True)
    assert everything(target) == before


def test_numbers_that_no_database_holds(target: Database, tmp_path: Path) -> None:
    before = everything(target)
    for number in (2**63, -(2**63) - 1, 10**30):
        row = {column.name: "1" for column in metadata.tables["key_totals"].c} | {"requests": 7}
        content = msgspec.json.encode(row).replace(b"7", str(number).encode()) + b"\n"
        (tmp_path / "bad.tar").write_bytes(forged(key_totals=content))
        with pytest.raises(StorageError):
            put_back(target, tmp_path / "bad.tar", force=True)
    assert everything(target) == before


def test_tables_and_columns_that_there_are_not(target: Database, tmp_path: Path) -> None:
    before, bad = everything(target), tmp_path / "bad.tar"

    def other_columns(made: dict[str, Any]) -> None:
        made["tables"]["rules"]["columns"] = ["id"]

    for content in (
        forged(sqlite_master=b""),
        forged(alembic_version=b'{"version_num": "1"}\n'),
        forged(workers=b""),
        forged(other_columns, rules=b""),
    ):
        bad.write_bytes(content)
        with pytest.raises(StorageError, match="damaged"):
            put_back(target, bad, force=True)
    assert everything(target) == before


def test_what_a_newer_pierian_has_written(target: Database, tmp_path: Path) -> None:
    before, new = everything(target), tmp_path / "new.tar"
    new.write_bytes(forged(lambda made: made.update(revision="9999")))
    with pytest.raises(
        StorageError, match=r"newer Pierian \(version 1\.2\.3, its revision is '9999'\)"
    ) as caught:
        put_back(target, new, force=True)
    assert "pip install --upgrade" in caught.value.hint
    new.write_bytes(forged(lambda made: made.update(format=2, surprise=True)))
    with pytest.raises(StorageError, match="newer Pierian, in the format 2"), open_archive(new):
        pass
    assert everything(target) == before


def test_a_manifest_that_says_something_else(refused: Callable[[bytes], str]) -> None:
    for change in (
        lambda made: made["tables"].update(runs=made["tables"]["rules"]),
        lambda made: made["tables"].clear(),
        lambda made: made["files"].update({"../../outside": {"bytes": 0, "sha256": ""}}),
        lambda made: made["tables"]["rules"].update(rows=2),
        lambda made: made["tables"]["rules"].update(bytes=2),
        lambda made: made.update(created_at="2020-01-01T00:00:00Z"),
        lambda made: made.pop("revision"),
    ):
        refused(forged(change, rules=rule()))


def test_memory_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that never ends is given up, not gathered."""
    monkeypatch.setattr(archive, "LONGEST_LINE", 1000)
    (tmp_path / "bad.tar").write_bytes(forged(rules=b"x" * 5000 + b"\n"))
    with (
        pytest.raises(StorageError, match="a line without an end"),
        open_archive(tmp_path / "bad.tar") as opened,
    ):
        opened.verify()


def test_an_older_backup_is_brought_up_to_date(tmp_path: Path, target: Database) -> None:
    """As version 0002 would have written it: without the tables and columns that came later."""
    later = {
        "users", "keys", "invites", "key_totals", "key_rates", "idempotent_requests", "responses",
        "attachments", "shares", "profiles", "passwords", "sessions", "links", "accounts", "account_secrets", "sent_messages",
        "schedules",
    }  # fmt: skip
    new = {
        "usage": ("owner", "key_id", "requests", "prompt_tokens", "cached_tokens"),
        "turns": ("parent", "run", "pending"),
        "conversations": ("head",),
    }
    with open_database(tmp_path / "source" / "pierian.db") as opened:
        fill(opened, 3)
        kept = everything(opened)
        saved(opened, tmp_path / "today.tar")
    with open_archive(tmp_path / "today.tar") as today:
        rows = {name: list(today.rows(name)) for name in today.manifest.tables if name not in later}
    for table, columns in new.items():
        for row in rows[table]:
            for column in columns:
                del row[column]
    contents = {
        name: b"".join(msgspec.json.encode(row) + b"\n" for row in found) for name, found in rows.items()
    }

    def older(made: dict[str, Any]) -> None:
        made["revision"] = "0002"
        for table in new:
            made["tables"][table]["columns"] = [*rows[table][0]]

    (tmp_path / "old.tar").write_bytes(forged(older, **contents))
    put_back(target, tmp_path / "old.tar", force=True)
    found = everything(target)
    assert found["run_entries"] == kept["run_entries"]
    assert [row[:-3] for row in found["turns"]] == [row[:-3] for row in kept["turns"]]
    assert [row[-3:] for row in found["turns"]] == [(None, None, False)] * 3, (
        "each is alone in its conversation"
    )
    assert [row[-1] for row in found["conversations"]] == [0, 1, 2], "and is shown"
    assert found["users"] == []
    assert [row[-3:] for row in found["usage"]] == [(1, 0, 0)] * 3
