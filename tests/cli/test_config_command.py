"""`pierian config` shows, sets and unsets."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from pierian.cli.config import app
from pierian.config import keys, load
from pierian.exceptions import SettingsError, UnknownName


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("PIERIAN_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIERIAN_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "config" / "config.toml"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, words, catch_exceptions=False)


def test_show_names_every_setting_and_its_source(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("set", "model", "mine[bold]")
    run("set", "threads", "2")
    monkeypatch.setenv("PIERIAN_THREADS", "3")
    lines = {line.split()[0]: line.split()[1:] for line in run("show").stdout.splitlines() if line.split()}
    assert set(keys()) <= set(lines)
    assert lines["mode"][:2] == ["auto", "default"]
    assert lines["model"][:2] == ["mine[bold]", "file"]
    assert lines["threads"][:2] == ["3", "environment"]
    assert lines["daily_tokens"][:2] == ["–", "default"]


def test_show_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIERIAN_DAILY_MONEY", "1.5")
    shown = json.loads(run("show", "--json").stdout)
    assert list(shown) == list(keys())
    assert shown["daily_money"] == {"value": 1.5, "from": "environment"}
    assert shown["daily_tokens"] == {"value": None, "from": "default"}


def test_path_prints_the_file_and_nothing_else(file: Path) -> None:
    assert run("path").stdout == f"{file}\n"


def test_set_says_what_it_wrote(file: Path) -> None:
    done = run("set", "mode", "instant")
    assert (done.stdout, done.stderr) == (f"mode = instant, written to {file}.\n", "")
    assert load().mode == "instant"


def test_set_warns_where_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIERIAN_MODE", "thinking")
    assert "PIERIAN_MODE is set in the environment" in run("set", "mode", "instant").stderr
    assert "PIERIAN_MODE is set in the environment" in run("unset", "mode").stderr


def test_secrets_are_never_printed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run("set", "api_key", "sk-secret").output
    shown += run("show").output + run("show", "--json").output
    monkeypatch.setenv("PIERIAN_API_KEY", "sk-secret")
    shown += run("show").output + run("unset", "api_key").output
    assert "sk-secret" not in shown
    assert "•••" in shown


@pytest.mark.parametrize("key", list(keys()))
def test_every_setting_can_be_unset(file: Path, key: str) -> None:
    file.parent.mkdir()
    file.write_text(f"# kept\n{key} = 1\n")
    assert "removed from" in run("unset", key).stdout
    assert file.read_text() == "# kept\n"
    assert "was not in" in run("unset", key).stdout


def test_unset_without_a_file_writes_none(file: Path) -> None:
    assert "its default is auto" in run("unset", "mode").stdout
    assert not file.exists()


def test_a_mistyped_key_in_the_file_can_be_removed(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('modell = "x"\nmode = "instant"\n')
    with pytest.raises(SettingsError, match="config.toml has an unknown setting 'modell'"):
        run("show")
    assert "modell removed from" in run("unset", "modell").stdout
    assert "instant" in run("show").stdout


def test_none_takes_a_limit_away(file: Path) -> None:
    run("set", "daily_tokens", "100")
    assert "daily_tokens is no longer in" in run("set", "daily_tokens", "none").stdout
    assert load().daily_tokens is None


@pytest.mark.parametrize("value", ["-5", "0", "x"])
def test_bad_values_reach_the_check(file: Path, value: str) -> None:
    with pytest.raises(SettingsError, match="daily_tokens"):
        run("set", "daily_tokens", value)
    assert not file.exists()


@pytest.mark.parametrize("words", [("set", "modell", "x"), ("unset", "modell")])
def test_unknown_keys_name_the_nearest(words: tuple[str, ...]) -> None:
    with pytest.raises(UnknownName) as caught:
        run(*words)
    assert caught.value.nearest == "model"


def test_missing_words_are_usage_errors() -> None:
    assert run("set", "mode").exit_code == 2
    assert run().exit_code == 2
