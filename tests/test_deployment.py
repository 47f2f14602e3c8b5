"""What an operator installs: the container's file, the systemd unit, and an upgrade under parked runs.

The image itself is not built here: each path and command in its file is tried as far as that goes without an engine.
"""

from __future__ import annotations

import asyncio
import configparser
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from tests.agents.test_service import Place
from tests.postgresql import SERVERS, server
from tests.server.running import started, until
from typer.testing import CliRunner

from pierian.cli.app import COMMANDS, build
from pierian.config import Settings
from pierian.exceptions import StorageError
from pierian.runs import Approvals, Journal, Worker
from pierian.server.process import GRACE_SECONDS
from pierian.storage import Database, open_storage
from pierian.storage.migrating import HEAD, migration_config
from pierian.storage.opening import make_engine
from pierian.storage.postgresql import PostgresqlDatabase
from pierian.testing import FunctionalModel, serve_in_thread

ROOT = Path(__file__).parent.parent
PORT = "8420"


def instructions() -> list[tuple[str, str]]:
    """The instructions of the container's file, lines joined."""
    joined = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1].strip()) for line in lines]


def the(name: str) -> str:
    """What the one instruction of that name says."""
    (found,) = (what for instruction, what in instructions() if instruction == name)
    return found


def test_the_image_is_built_from_what_is_there() -> None:
    ignore = [
        line for line in (ROOT / ".containerignore").read_text().splitlines() if line[:1] not in ("", "#")
    ]
    let_through = [line[1:] for line in ignore if line.startswith("!")]
    assert ignore[0] == "*"
    for instruction, what in instructions():
        if instruction == "COPY" and not what.startswith("--from"):
            for source in what.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert any(fnmatch.fnmatch(source.removeprefix("./"), one) for one in let_through), source
        if instruction == "FROM":
            assert re.match(r"python:3\.\d+-slim\b", what), "pinned by a tag"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (extra,) = re.findall(r"'\.\[(\w+)\]'", " ".join(what for name, what in instructions() if name == "RUN"))
    assert extra in project["optional-dependencies"]
    # What the build reads of the project has to be copied before.
    assert {project["readme"], *project["license-files"]} <= {*let_through}


def test_the_image_runs_as_nobody_special_and_keeps_its_data() -> None:
    runs = " ".join(what for name, what in instructions() if name == "RUN")
    assert f"--uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin {the('USER')}" in runs
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert f"PIERIAN_HOME={the('VOLUME')}" in the("ENV")
    assert f"install -d -o {the('USER')} -g {the('USER')} -m 0700 {the('VOLUME')}" in runs
    assert the("EXPOSE") == PORT
    assert the("STOPSIGNAL") == "SIGTERM"


def test_what_the_image_starts_serves_and_is_found_healthy(tmp_path: Path) -> None:
    """The command of the image, and its check of health, in a process of this machine."""
    program, command = json.loads(the("ENTRYPOINT")), json.loads(the("CMD"))
    assert program == ["pierian"]
    assert command[0] in COMMANDS
    check = json.loads(the("HEALTHCHECK").partition("CMD ")[2])
    with serve_in_thread(FunctionalModel(lambda _: "yes", name="small")) as upstream:
        environment = {
            **os.environ,
            "PIERIAN_HOME": str(tmp_path / "data"),
            "PIERIAN_BASE_URL": upstream.base_url,
            "PIERIAN_MODEL": "small",
            "PYTHONUNBUFFERED": "1",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "pierian", *command, "--port", "0"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        said = ""
        while "Serving" not in said:
            said = process.stdout.readline()
            assert said, process.communicate()
        (port,) = re.findall(r"http://0\.0\.0\.0:(\d+)/v1", said)
        asked = [sys.executable, *(one.replace(PORT, port) for one in check[1:])]
        assert check[0] == "python"
        try:
            assert subprocess.run(asked, timeout=20).returncode == 0
        finally:
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=60)
        assert subprocess.run(asked, timeout=20, capture_output=True).returncode != 0
    assert process.returncode in (0, -signal.SIGTERM), log
    for line in log.splitlines():
        assert json.loads(line)["level"] == "info"


@pytest.fixture
def unit() -> Iterator[dict[str, list[str]]]:
    """The settings of the unit, each with all its values."""

    class Several(dict[str, object]):
        def __setitem__(self, key: str, value: object) -> None:
            both = isinstance(value, list) and isinstance(self.get(key), list)
            super().__setitem__(key, [*self[key], *value] if both else value)  # type: ignore[misc]

    read = configparser.RawConfigParser(dict_type=Several, strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment]
    read.read(ROOT / "deploy" / "pierian.service")
    yield {key: value.splitlines() for section in read.sections() for key, value in read[section].items()}


def test_the_unit_gives_the_server_time_and_keeps_its_data(unit: dict[str, list[str]]) -> None:
    assert int(unit["TimeoutStopSec"][0]) > GRACE_SECONDS + 10
    assert unit["KillMode"] == ["mixed"], "the engine works until the answers have ended"
    assert unit["Restart"] == ["on-failure"]
    home = f"/var/lib/{unit['StateDirectory'][0]}"
    assert unit["Environment"] == [f"PIERIAN_HOME={home}"]
    program, command, *options = shlex.split(unit["ExecStart"][0])
    assert program.startswith("/opt/pierian/bin/")
    assert command in COMMANDS
    shown = subprocess.run(
        [sys.executable, "-m", "pierian", command, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert all(option in shown for option in options)


def test_the_unit_is_hardened(unit: dict[str, list[str]]) -> None:
    assert unit["User"] != ["root"]
    for key, value in {
        "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "UMask": "0077",
        "SystemCallFilter": "@system-service",
        "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
    }.items():
        assert " ".join(unit[key]) == value


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    written = (ROOT / "deploy" / "pierian.service").read_text()
    there = written.replace("/opt/pierian/bin/pierian", shutil.which("true") or "/bin/true")
    (tmp_path / "pierian.service").write_text(there)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "pierian.service"],
        capture_output=True, text=True, timeout=60, env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


# As version 0002 wrote a planned run that waits for a yes, and as 0003 wrote one of the API that waits for a worker.
PARKED = [
    "INSERT INTO runs VALUES ('01kxparked0000000000000000', 'local', 'Send it.', '{}', 'waiting', NULL, 1, "
    "'2026-10-01T08:00:00.000000+00:00', '2026-10-01T08:00:01.000000+00:00')",
    "INSERT INTO run_entries VALUES ('01kxparked0000000000000000', 0, "
    '\'{"event":"plan_made","scope":"","round":1,"steps":[{"do":"call","tool":"send","arguments":{"name":"letter"},'
    '"id":"s1","guard":null}],"entities":{}}\')',
    "INSERT INTO run_entries VALUES ('01kxparked0000000000000000', 1, "
    '\'{"event":"approval_needed","step":"s1","approval":"abcd1234","tool":"send","effect":"send","arguments":[],'
    '"reason":"It acts."}\')',
    "INSERT INTO approvals VALUES ('abcd1234', '01kxparked0000000000000000', 's1', "
    '\'{"event":"approval_needed","step":"s1","approval":"abcd1234","tool":"send","effect":"send","arguments":[],'
    "\"reason\":\"It acts.\"}', 'pending', '2026-10-01T08:00:01.000000+00:00', NULL)",
]
ASKED = [
    "INSERT INTO runs VALUES ('01kxasked00000000000000000', 'local', 'Say yes.', "
    '\'{"question":"Say yes.","mode":"instant","key":"","answers":true}\', \'waiting\', NULL, 1, '
    "'2026-11-01T08:00:00.000000+00:00', '2026-11-01T08:00:00.000000+00:00')",
]


@pytest.fixture(params=SERVERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Where an old database is made: an address, or none and a path."""
    path = tmp_path / "data" / "pierian.db"
    path.parent.mkdir()
    if request.param == "sqlite":
        yield "", path
        return
    running = server(request.config)
    name = running.create()
    yield running.url(name), path
    running.drop(name)


def write_old(place: tuple[str, Path], revision: str, rows: list[str]) -> None:
    """A database as it was at a revision, with these rows."""
    from alembic import command

    url, path = place
    if url:
        engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1))
        old: Database = PostgresqlDatabase(engine, "old")
    else:
        old = Database(make_engine(path, 10.0), path)
    config = migration_config(old, None)
    with old, old.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for row in rows:
            connection.exec_driver_sql(row)


@pytest.mark.parametrize("revision", sorted({"0002", "0003", HEAD}))
async def test_a_run_that_was_parked_before_an_upgrade_goes_on(
    place: tuple[str, Path], revision: str
) -> None:
    write_old(place, revision, PARKED)
    with open_storage(*place) as database, Worker(database) as worker:
        one = Place(database, worker)
        async with one.serving():
            Approvals(database).answer("abcd1234", approved=True)
            assert await asyncio.wait_for(one.closed.get(), 20) == "01kxparked0000000000000000"
        assert one.called == ["letter"]
        assert Journal(database).get("01kxparked0000000000000000").state == "done"


@pytest.mark.parametrize("revision", sorted({"0003", HEAD}))
def test_a_run_of_the_api_goes_on_in_the_upgraded_server(place: tuple[str, Path], revision: str) -> None:
    write_old(place, revision, ASKED)
    with serve_in_thread(FunctionalModel(lambda _: "yes", name="small")) as upstream:
        settings = Settings(base_url=upstream.base_url, model="small", database_url=place[0])
        with started(settings, upstream) as upgraded:
            journal = Journal(upgraded.service.database)
            until(lambda: journal.get("01kxasked00000000000000000").state == "done", 30)


def test_an_older_pierian_leaves_the_upgraded_database_alone(place: tuple[str, Path]) -> None:
    """What version 0003 does with a database of tomorrow, every version does with one that is newer than itself."""
    write_old(place, HEAD, [*PARKED, "UPDATE alembic_version SET version_num = 'tomorrow'"])
    with pytest.raises(StorageError, match="was written by a newer Pierian") as caught:
        open_storage(*place)
    assert "pip install --upgrade pierian" in caught.value.hint
    url, path = place
    engine = (
        create_engine(url.replace("postgresql:", "postgresql+psycopg:", 1)) if url else make_engine(path, 1)
    )
    with engine.connect() as connection:
        assert connection.execute(text("SELECT state FROM approvals")).scalar() == "pending"
    engine.dispose()


def test_the_operators_page_names_commands_and_files_that_there_are() -> None:
    page = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    shell = "\n".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL)).replace("\\\n", " ")
    lines = re.findall(r"^.*\bpierian ([a-z]+.*)$", shell, re.MULTILINE) + re.findall(
        r"`pierian ([^`]+)`", page
    )
    assert len(lines) > 25
    for line in lines:
        words = shlex.split(line)
        assert words[0] in COMMANDS, line
        named = [words[0]] + [word for word in words[1:2] if word.isalpha() and word.islower()]
        shown = [CliRunner().invoke(build(named), [*named[:length], "--help"]) for length in (1, 2)]
        whole = "".join(one.stdout for one in shown if one.exit_code == 0)
        for option in (word.partition("=")[0] for word in words if word.startswith("--")):
            assert option in whole, line
    for target in re.findall(r"\]\((?!http)([^)#]+)", page):
        assert (ROOT / "docs" / target).exists(), target
