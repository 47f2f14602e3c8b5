"""`pierian backup`, `restore` and `export` as an operator uses them."""

from __future__ import annotations

import json
import stat
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from tests.postgresql import fresh
from tests.server.running import started
from tests.storage.test_backup import value

from pierian.access import Keys, Users
from pierian.cli.app import run
from pierian.cli.export import made
from pierian.config import Settings, load, paths, read_file
from pierian.metering.prices import load_prices
from pierian.runs import Rules, Worker
from pierian.storage import Conversations, Database, open_database
from pierian.storage.tables import metadata, workers
from pierian.testing import FunctionalModel, serve_in_thread

Home = Callable[[str], Path]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Moves to another installation."""

    def move(name: str) -> Path:
        monkeypatch.setenv("PIERIAN_HOME", str(tmp_path / name))
        return tmp_path / name

    move("first")
    return move


@pytest.fixture
def file(home: Home, tmp_path: Path) -> Path:
    """A backup of an installation with data and settings."""
    for line in (
        ["users", "create", "Ada"],
        ["config", "set", "api_key", "hidden-key"],
        ["prices", "set", "--input", "1", "--output", "2"],
    ):
        assert run(line) == 0
    paths().models.mkdir()
    (paths().models / "added.json").write_text("[]")
    (paths().models / "weights.gguf").write_bytes(b"W" * 100_000)
    assert run(["backup", str(tmp_path / "pierian.tar")]) == 0
    return tmp_path / "pierian.tar"


def opened() -> Database:
    return open_database(paths().database)


def names() -> list[str]:
    with opened() as database:
        return [one.name for one in Users(database).list()]


def test_an_installation_moves(file: Path, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["backup", str(file), "--force"]) == 0
    said = capsys.readouterr()
    assert "config.toml, prices.toml, added.json" in said.out
    assert "hold secrets" in said.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"W" * 1000 not in file.read_bytes(), "weights can be fetched again"
    home("second")
    assert run(["restore", str(file)]) == 0
    assert names() == ["Ada"]
    assert load().api_key == "hidden-key"
    assert load_prices().of("m", "").output == 2 * 10**9
    assert (paths().models / "added.json").read_text() == "[]"
    assert stat.S_IMODE(paths().config_file.stat().st_mode) == 0o600


def test_it_refuses_to_overwrite(file: Path, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["backup", str(file)]) == 2
    assert run(["backup", str(file), "--force"]) == 0
    assert run(["restore", str(file)]) == 2
    assert "--force puts the backup" in capsys.readouterr().err
    home("second")
    assert run(["config", "set", "drafts", "3"]) == 0
    assert run(["restore", str(file)]) == 2, "settings are there"
    assert "config.toml already" in capsys.readouterr().err
    assert names() == []
    assert run(["restore", str(file), "--force"]) == 0
    assert load().drafts == 8
    assert names() == ["Ada"]


def test_the_address_of_the_database_stays(
    file: Path, home: Home, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A backup of a file goes into PostgreSQL and back, and settings never name the other's database."""
    from tests.postgresql import address

    with fresh("postgresql", tmp_path, request.config) as database:
        home("second")
        assert run(["config", "set", "database_url", address(database)]) == 0
        assert run(["restore", str(file)]) == 0, "only the address was there"
        assert [one.name for one in Users(database).list()] == ["Ada"]
        assert load().database_url == address(database)
        assert load().api_key == "hidden-key"
        back = tmp_path / "postgresql.tar"
        assert run(["backup", str(back)]) == 0
    home("third")
    assert run(["restore", str(back)]) == 0
    assert names() == ["Ada"]
    assert "database_url" not in read_file(paths().config_file)


def test_a_damaged_backup_changes_nothing(file: Path, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray(file.read_bytes())
    content[content.index(b"hidden-key")] ^= 1
    file.write_bytes(content)
    home("second")
    assert run(["restore", str(file), "--force"]) == 1
    assert "damaged" in capsys.readouterr().err
    assert names() == []
    assert not paths().config_file.exists()


def test_a_running_server_is_noticed(file: Path, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with serve_in_thread(FunctionalModel(lambda _: "yes", name="small")) as upstream:
        with started(Settings(base_url=upstream.base_url, model="small"), upstream) as server:
            assert run(["restore", str(file), "--force"]) == 2
            assert "A server or worker is running on this database" in capsys.readouterr().err
            assert server.http().get("/v1/models").status_code == 200, "it goes on"
    assert run(["restore", str(file), "--force"]) == 0
    assert names() == ["Ada"]


def test_a_worker_that_died_is_in_nobodys_way(file: Path, home: Home) -> None:
    with opened() as database, Worker(database) as lives:
        with database.write() as connection:
            gone = {"id": "gone", "host": "elsewhere", "pid": 1, "process_started": 0.0, "beats": 7}
            connection.execute(insert(workers).values(gone))
        assert run(["restore", str(file), "--force"]) == 2
        assert lives.fresh()
    # It stands still: some seconds later it is known to be dead.
    assert run(["restore", str(file), "--force"]) == 0


def fill(database: Database, owner: str, user: str) -> None:
    """A row in every table of what may belong to somebody, for `user`, and other rows beside."""
    with database.write() as connection:
        for table in metadata.sorted_tables:
            for number, (whose, of) in enumerate(((owner, user), ("someone", "else"))):
                row: dict[str, Any] = {
                    c.name: value(table, c.name, 2 * number)
                    for c in table.c
                    if c.name != "id" or table.name != "turns"
                }
                row |= {name: whose for name in ("owner", "user_id", "used_by", "created_by") if name in row}
                if table.name == "users":
                    row["id"] = whose
                if "key_id" in row:
                    row["key_id"] = f"keys{2 * number}"
                row |= {c.name: f'"{of} secret-{c.name}"' for c in table.c if c.name.endswith("_hash")}
                connection.execute(insert(table).values(row))


def exported(target: Path) -> dict[str, Any]:
    return {str(one.relative_to(target)): json.loads(one.read_text()) for one in target.rglob("*.json")}


def test_all_that_is_a_users_is_exported_and_nothing_of_others(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with opened() as database:
        user = Users(database).create("Ada").id
        Users(database).delete(user)
        fill(database, user, "Ada")
    with opened() as database:
        shown = Users(database).list()[0].name
    assert run(["export", "--user", user, str(tmp_path / "ada")]) == 0
    found = exported(tmp_path / "ada")
    told = {*(Path(name).parts[0] for name in found)}
    assert told == {
        "user.json", "keys.json", "key_totals.json", "kept_answers.json", "invitations.json", "rules.json",
        "accepted_tools.json", "usage.json", "conversations", "runs", "responses", "shares.json", "sessions.json",
        "links.json", "attachments", "password.json", "profile.json", "schedules.json", "accounts.json",
    }  # fmt: skip
    assert shown == found["user.json"][0]["name"]
    (run_name,) = (name for name in found if name.startswith("runs/"))
    assert len(found[run_name]["events"]) == len(found[run_name]["approvals"]) == 1
    (said,) = (name for name in found if name.startswith("conversations/"))
    assert len(found[said]["turns"]) == 1
    everything = json.dumps(found)
    assert "secret-" not in everything
    assert "someone" not in everything
    assert "keys2" not in everything
    assert stat.S_IMODE((tmp_path / "ada").stat().st_mode) == 0o700
    # Whatever table is added later has to be exported too, or to be none of a user's.
    theirs = {
        t.name for t in metadata.sorted_tables if {"owner", "user_id", "key_id", "run_id"} & {*t.c.keys()}
    }
    assert theirs - {"key_rates", "key_leases", "run_entries", "approvals"} == {
        "accepted_tools", "accounts", "attachments", "conversations", "idempotent_requests", "key_totals", "keys", "links",
        "passwords", "profiles", "responses", "rules", "runs", "schedules", "sessions", "shares", "usage",
    }  # fmt: skip


def test_the_local_user_is_exported_by_default(home: Home, tmp_path: Path) -> None:
    with opened() as database:
        said = Conversations(database).create("Pens").id
        Conversations(database).append(said, "user", "How much?", "user", '{"drafts": 1}')
        Rules(database).add("allow file_write")
        Keys(database).create(Users(database).create("Ada").id)
    assert run(["export", str(tmp_path / "mine.zip")]) == 0
    assert stat.S_IMODE((tmp_path / "mine.zip").stat().st_mode) == 0o600
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        assert sorted(archive.namelist()) == [f"conversations/{said}.json", "rules.json"]
        conversation = json.loads(archive.read(f"conversations/{said}.json"))
    assert (conversation["title"], conversation["turns"][0]["receipt"]) == ("Pens", {"drafts": 1})


def test_an_owner_is_exported_with_what_was_asked_at_the_terminal(home: Home, tmp_path: Path) -> None:
    with opened() as database:
        said = Conversations(database).create("Pens").id
        Rules(database).add("allow file_write")
        owner, member = Users(database).create("Ada", "owner"), Users(database).create("Bob")
        Keys(database).create(owner.id)
        Conversations(database, member.id).create("Private")
    assert run(["export", "--user", "Ada", str(tmp_path / "ada")]) == 0
    names = {"keys.json", "user.json", "rules.json", f"conversations/{said}.json"}
    assert {*exported(tmp_path / "ada")} == names
    assert run(["export", "--user", "Bob", str(tmp_path / "bob")]) == 0
    assert "Pens" not in json.dumps(exported(tmp_path / "bob"))


def test_an_export_appears_whole_or_not_at_all(home: Home, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    for name in ("some.zip", "some"):
        with pytest.raises(KeyboardInterrupt), made(tmp_path / name) as put:
            put("one.json", b"1")
            raise KeyboardInterrupt
    assert sorted(tmp_path.iterdir()) == before
    (tmp_path / "some").mkdir()
    assert run(["export", str(tmp_path / "some")]) == 2
    assert run(["export", str(tmp_path / "nowhere" / "some")]) == 2
    assert run(["export", "--user", "nobody", str(tmp_path / "new")]) == 2


def test_times_are_told_as_people_write_them(home: Home, tmp_path: Path) -> None:
    with opened() as database:
        Conversations(database, clock=lambda: datetime(2026, 11, 25, tzinfo=UTC)).create("Pens")
    assert run(["export", str(tmp_path / "mine")]) == 0
    (found,) = exported(tmp_path / "mine").values()
    assert found["created_at"] == "2026-11-25T00:00:00Z"
