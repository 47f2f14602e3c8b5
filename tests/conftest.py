"""What holds for every test: no real home, no real settings, no network, and no real model without the mark.

A test marked `model` finds the weights that the user has pulled, through links that it may delete, and keeps
its state in a short temporary folder (Unix socket paths are short).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from pierian.config import paths
from pierian.models import installed
from pierian.models.installed import InstalledModel

REAL_MODELS = paths().models  # before any fixture changes the environment
SMALL = "smollm2-135m"
LOOPBACK = ("127.", "::1", "localhost")

hypothesis.settings.register_profile(
    "pierian",
    deadline=None,
    derandomize=True,  # a change is judged by what it changes, not by the luck of a run
    database=None,
    print_blob=True,
    suppress_health_check=[
        hypothesis.HealthCheck.too_slow,
        hypothesis.HealthCheck.function_scoped_fixture,
    ],
)
hypothesis.settings.load_profile("pierian")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several processes share the tests, a file stays whole, and only one of them has an engine."""
    for item in items:
        group = "model" if item.get_closest_marker("model") else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def clean_environment(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[None]:
    """An empty home, no settings from outside; for tests marked `model` a short home with links to weights."""
    for name in list(os.environ):
        if name.startswith(("PIERIAN_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("user")))
    monkeypatch.setenv("NO_PROXY", "*")
    if request.node.get_closest_marker("model") is None:
        monkeypatch.setenv("PIERIAN_HOME", str(tmp_path))
        yield
        return
    with tempfile.TemporaryDirectory(prefix="pierian-", dir="/tmp") as home:
        monkeypatch.setenv("PIERIAN_HOME", home)
        link_weights(paths().models)
        yield
        # Whatever the test did, its engine does not outlive it.
        subprocess.run(
            [sys.executable, "-m", "pierian", "stop", "--all"],
            env={**os.environ, "PIERIAN_HOME": home},
            capture_output=True,
            check=True,
            timeout=60,
        )


def link_weights(models: Path) -> None:
    """Make the user's models visible in `models`: weights as links, records as copies."""
    models.mkdir(parents=True)
    for file in REAL_MODELS.glob("*.gguf"):
        (models / file.name).symlink_to(file)
    for record in REAL_MODELS.glob("*.gguf.json"):
        shutil.copy(record, models)


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave this machine in no test; names resolve as on a machine without a network."""
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(sock: socket.socket, address: Any) -> None:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(LOOPBACK):
            pytest.fail(f"A test tried to connect to {address[0]}; tests may use loopback only.")

    def guarded(sock: socket.socket, address: Any) -> None:
        check(sock, address)
        connect(sock, address)

    def guarded_ex(sock: socket.socket, address: Any) -> int:
        check(sock, address)
        return connect_ex(sock, address)

    def loopback_names(host: Any, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and not name[0].isdigit() and ":" not in name and name != "localhost":
            raise socket.gaierror(socket.EAI_NONAME, f"tests have no network: {name}")
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_ex)
    monkeypatch.setattr(socket, "getaddrinfo", loopback_names)


@pytest.fixture(autouse=True)
def no_real_model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the mark `model`, starting the supervisor is a failure of the test."""
    if request.node.get_closest_marker("model") is not None:
        return

    async def refuse(state: Path) -> None:
        pytest.fail("A test tried to start the engine; mark it `model`, or use pierian.testing.")

    monkeypatch.setattr("pierian.models.lease._start", refuse)


@pytest.fixture
def small_model(clean_environment: None) -> InstalledModel:
    """The small real model of the catalogue; the test is skipped where it was not pulled."""
    found = installed.lookup(SMALL)
    if found is None:
        pytest.skip(f"The small test model is missing: run `pierian models pull {SMALL}`.")
    return found
