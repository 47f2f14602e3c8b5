"""`pierian conversations` lists, shows, searches, exports and deletes."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pierian.cli.conversations import app
from pierian.config import paths
from pierian.exceptions import SettingsError, StorageError, UnknownName, UserError
from pierian.storage import Conversation, Conversations, open_database


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIERIAN_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


@pytest.fixture
def pens() -> Conversation:
    return fill("Pens [bold]and[/bold] change")


def fill(title: str) -> Conversation:
    with open_database(paths().database) as database:
        store = Conversations(database)
        made = store.create(title)
        store.append(made.id, "user", "How much [red]are[/red] 18 PENS?", "user")
        store.append(made.id, "assistant", "They are **8** euros.", "model", '{"drafts": 1}')
        return store.get(made.id)


def run(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, words, input=typed, catch_exceptions=False)


def test_an_empty_store() -> None:
    assert run("list").stdout == "There are no conversations yet.\n"
    assert json.loads(run("list", "--json").stdout) == []
    assert run("search", "x").stdout == "Nothing found.\n"
    with pytest.raises(UserError, match="There is no conversation"):
        run("show", "01")


def test_list(pens: Conversation) -> None:
    done = run("list")
    assert pens.short_id in done.stdout
    assert "Pens [bold]and[/bold] change" in done.stdout
    assert done.stderr == ""
    (entry,) = json.loads(run("list", "--json").stdout)
    assert (entry["id"], entry["turn_count"]) == (pens.id, 2)
    assert "turns" not in entry


def test_list_says_that_there_are_more(pens: Conversation) -> None:
    other = fill("other")
    done = run("list", "--limit", "1")
    assert other.short_id in done.stdout
    assert "1 of 2; more with --offset 1." in done.stderr
    assert pens.short_id in run("list", "--offset", "1").stdout
    assert run("list", "--offset", "5").stdout == "There are only 2.\n"
    assert run("list", "--limit", "0").exit_code == 2


def test_show(pens: Conversation) -> None:
    shown = run("show", pens.short_id).stdout
    assert "How much [red]are[/red] 18 PENS?" in shown
    assert "They are 8 euros." in shown
    whole = json.loads(run("show", pens.id, "--json").stdout)
    assert [turn["role"] for turn in whole["turns"]] == ["user", "assistant"]
    assert whole["turns"][1]["receipt"] == {"drafts": 1}


def test_nothing_stored_can_steer_the_terminal() -> None:
    made = fill("title \x1b]0;owned\x07")
    with open_database(paths().database) as database:
        text = "red \x1b[31m \x9b31m pens [here](http://example.invalid)"
        Conversations(database).append(made.id, "assistant", text, "model")
    everything = "".join(
        run(*words).output
        for words in (
            ("list",),
            ("list", "--json"),
            ("show", made.id),
            ("show", made.id, "--json"),
            ("search", "pens"),
            ("search", "pens", "--json"),
            ("delete", made.id, "--yes"),
        )
    )
    assert "http://example.invalid" in everything
    assert not set(everything) & {"\x1b", "\x9b", "\x07"}


def test_search(pens: Conversation) -> None:
    found = run("search", "18", "pens?").stdout
    assert pens.short_id in found
    assert "How much [red]are[/red] 18 PENS?" in found
    (hit,) = json.loads(run("search", "18 pens", "--json").stdout)
    assert (hit["conversation_id"], hit["position"], hit["role"]) == (pens.id, 0, "user")
    (hit,) = json.loads(run("search", "[/bold] CHANGE", "--json").stdout)
    assert (hit["position"], hit["role"], hit["snippet"]) == (None, None, pens.title)
    assert run("search", "pens 18").stdout == "Nothing found.\n"
    with pytest.raises(UserError, match="nothing to search for"):
        run("search", " ")


def test_export_to_standard_output(pens: Conversation) -> None:
    assert run("export", pens.short_id).stdout.startswith(f"# {pens.title}\n")
    assert json.loads(run("export", pens.id, "--format", "json").stdout)["id"] == pens.id
    lines = run("export", pens.id, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["position"] for line in lines] == [0, 1]
    assert run("export", pens.id, "--format", "pdf").exit_code == 2


def test_export_to_a_file(pens: Conversation, tmp_path: Path) -> None:
    file = tmp_path / "pens.md"
    file.write_text("old")
    done = run("export", pens.id, "--output", str(file))
    assert (done.stdout, done.stderr) == ("", f"Written to {file}.\n")
    assert file.read_text(encoding="utf-8").startswith(f"# {pens.title}\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data", "pens.md"]


def test_export_to_where_nothing_can_be_written(pens: Conversation, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        run("export", pens.id, "-o", str(tmp_path / "none" / "pens.md"))
    with pytest.raises(SettingsError, match="cannot be written"):
        run("export", pens.id, "-o", str(tmp_path / "data"))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data"]


def test_delete_asks_first(pens: Conversation) -> None:
    kept = run("delete", pens.short_id, typed="n\n")
    assert kept.exit_code == 1
    assert "Pens [bold]and[/bold] change  (2 turns, last used" in kept.stdout
    assert run("delete", pens.short_id, typed="").exit_code == 1  # nobody there to answer
    assert pens.id in run("list", "--json").stdout
    assert run("delete", pens.short_id, typed="y\n").exit_code == 0
    assert json.loads(run("list", "--json").stdout) == []


def test_delete_several_or_none(pens: Conversation) -> None:
    other = fill("other")
    with pytest.raises(UnknownName):
        run("delete", pens.id, "nothing", "--yes")
    assert len(json.loads(run("list", "--json").stdout)) == 2
    assert run("delete", pens.id, other.id, pens.short_id, "--yes").stdout.endswith("Deleted.\n")
    assert json.loads(run("list", "--json").stdout) == []


def test_a_damaged_database_is_reported() -> None:
    paths().database.parent.mkdir()
    paths().database.write_bytes(b"no database " * 500)
    with pytest.raises(StorageError, match="damaged"):
        run("list")
