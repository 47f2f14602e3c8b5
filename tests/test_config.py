"""Settings: where they come from, which one wins, and what is said about bad ones."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from pierian import config
from pierian.exceptions import DiskFull, SettingsError, UnknownName


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("PIERIAN_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIERIAN_HOME", str(tmp_path))
    return tmp_path / "config" / "config.toml"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_defaults_need_no_file() -> None:
    assert config.load() == config.Settings()


def test_one_home_holds_everything(tmp_path: Path) -> None:
    found = config.paths()
    assert found.config_file == tmp_path / "config" / "config.toml"
    assert found.database == tmp_path / "data" / "pierian.db"
    assert found.models == tmp_path / "data" / "models"
    assert found.state == tmp_path / "state"


def test_without_a_home_the_platform_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIERIAN_HOME")
    assert config.paths().config_file.parts[-2:] == ("pierian", "config.toml")


def test_file_then_environment_then_flags(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(file, 'model = "from-file"\nmode = "instant"\ndaily_tokens = 5\n')
    monkeypatch.setenv("PIERIAN_MODEL", "from-environment")
    monkeypatch.setenv("PIERIAN_DAILY_TOKENS", "7")
    settings = config.load(daily_tokens=9, mode=None)
    assert (settings.model, settings.mode, settings.daily_tokens) == ("from-environment", "instant", 9)


def test_text_from_the_environment_gets_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIERIAN_BUDGET_SECONDS", "2.5")
    monkeypatch.setenv("PIERIAN_THREADS", "2")
    monkeypatch.setenv("PIERIAN_DAILY_TOKENS", "none")
    settings = config.load()
    assert (settings.budget_seconds, settings.threads, settings.daily_tokens) == (2.5, 2, None)


@pytest.mark.parametrize("bad", ["mode = ", "[mode", 'mode = "a"\nmode = "b"'])
def test_a_file_that_is_not_toml(file: Path, bad: str) -> None:
    write(file, bad)
    with pytest.raises(SettingsError, match="not valid TOML") as caught:
        config.load()
    assert str(file) in str(caught.value)
    with pytest.raises(SettingsError):
        config.save("mode", "instant")
    assert file.read_text() == bad


def test_a_file_that_is_not_text(file: Path) -> None:
    write(file, "")
    file.write_bytes(b"model = '\xff\xfe'")
    with pytest.raises(SettingsError, match="not valid TOML"):
        config.load()


def test_a_folder_in_place_of_the_file(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(SettingsError, match="cannot be read"):
        config.load()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mode", "deep"),
        ("budget_tokens", "0"),
        ("budget_tokens", "many"),
        ("budget_tokens", "1.5"),
        ("budget_seconds", "-1"),
        ("budget_seconds", "nan"),
        ("daily_money", "-0.1"),
        ("daily_money", "nan"),
        ("keep_warm_minutes", "0"),
    ],
)
def test_values_that_do_not_fit(file: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str) -> None:
    with pytest.raises(
        SettingsError, match=f"The setting {key} on the command line cannot be '{value}'"
    ) as caught:
        config.save(key, value)
    assert caught.value.hint.startswith(f"{key}: ")
    assert not file.exists()
    monkeypatch.setenv(f"PIERIAN_{key.upper()}", value)
    with pytest.raises(SettingsError, match=f"from PIERIAN_{key.upper()}"):
        config.load()


def test_a_bad_value_in_the_file_names_the_file(file: Path) -> None:
    write(file, "threads = [1]\n")
    with pytest.raises(SettingsError) as caught:
        config.load()
    assert f"threads in {file}" in str(caught.value)


def test_an_unknown_key_names_the_nearest(file: Path) -> None:
    with pytest.raises(UnknownName) as caught:
        config.save("daily_token", "5")
    assert caught.value.nearest == "daily_tokens"
    write(file, "modell = 'x'\n")
    with pytest.raises(SettingsError, match="config.toml has an unknown setting 'modell'") as unknown:
        config.load()
    assert "'model'" in unknown.value.hint


def test_secrets_are_masked() -> None:
    settings = config.load(api_key="sk-very-secret")
    assert settings.api_key == "sk-very-secret"
    assert "sk-very-secret" not in str(settings.public())
    assert config.load().public()["api_key"] == ""


def test_a_secret_does_not_show_in_an_error(file: Path) -> None:
    write(file, "api_key = ['sk-very-secret']\n")
    with pytest.raises(SettingsError) as caught:
        config.load()
    assert "sk-very-secret" not in str(caught.value)


def test_saving_keeps_comments_and_order(file: Path) -> None:
    write(file, '# my settings\nmodel = "x"  # the small one\n\n# how deep\nmode = "thinking"\n')
    assert config.save("mode", "instant") == file
    config.save("daily_tokens", "1000")
    assert file.read_text() == (
        '# my settings\nmodel = "x"  # the small one\n\n# how deep\nmode = "instant"\ndaily_tokens = 1000\n'
    )
    config.save("daily_tokens", "none")
    assert "daily_tokens" not in file.read_text()
    assert config.load().mode == "instant"


def test_what_is_saved_is_loaded_again(file: Path) -> None:
    words = 'Answer in "German".\nUse \\ and ä.'
    config.save("instructions", words)
    config.save("budget_seconds", "2.5")
    assert (config.load().instructions, config.load().budget_seconds) == (words, 2.5)
    config.save("instructions", "")
    assert "instructions" not in file.read_text(encoding="utf-8")


def test_the_file_belongs_to_the_owner_only(file: Path) -> None:
    old = os.umask(0)
    try:
        config.save("api_key", "sk-secret")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        file.chmod(0o644)
        config.save("mode", "instant")
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["config.toml"]


def test_a_file_that_cannot_be_written_is_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(file, 'mode = "instant"\n')

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DiskFull, match="no room left"):
        config.save("mode", "thinking")
    assert file.read_text() == 'mode = "instant"\n'
    assert [one.name for one in file.parent.iterdir()] == ["config.toml"]


def test_every_setting_is_documented() -> None:
    assert all(doc.endswith(".") for doc in config.keys().values())


SEVERAL = "http://one:8000/v1, https://user:pw@two/v1,http://one:8000/v1,"


def test_several_addresses_are_taken_apart_and_each_is_once() -> None:
    assert config.addresses(SEVERAL) == ("http://one:8000/v1", "https://user:pw@two/v1")
    assert config.addresses("http://one/v1") == ("http://one/v1",)
    settings = config.load(base_url=SEVERAL)
    assert settings.base_url == SEVERAL
    assert "pw" not in settings.public()["base_url"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("http://one/v1,two", "'two'"),
        ("ftp://one,http://two/v1", "'ftp://one'"),
        ("http://one:99999/v1,http://two", "'http://one:99999/v1'"),
        ("http://[::1,http://two", r"'http://\[::1'"),
        ("http://user:secret@,http://two", "no http address"),
        (",", "','"),
    ],
)
def test_each_of_several_addresses_must_be_one(text: str, wrong: str) -> None:
    with pytest.raises(SettingsError, match=wrong) as caught:
        config.load(base_url=text)
    assert "commas" in caught.value.hint
    assert "secret" not in str(caught.value)
