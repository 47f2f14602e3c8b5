"""What the program writes for itself is for its user alone, whatever the umask."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

import pytest

from pierian.cli.app import run
from pierian.config import paths
from pierian.runs import stopping


@pytest.fixture(autouse=True)
def open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_all_files_are_private_and_an_old_fault_becomes_so(monkeypatch: pytest.MonkeyPatch) -> None:
    state = paths().state
    assert run(["stop", "--all"]) == 0 and (state / "stop").exists()
    (state / "fault.log").write_text("from an older version")

    def broken(_state: object) -> None:
        raise ValueError("secret words")

    monkeypatch.setattr(stopping, "stop_all", broken)
    assert run(["stop", "--all"]) == 1
    assert "secret words" in (state / "fault.log").read_text()
    assert run(["accounts", "list"]) == 0
    assert run(["config", "set", "mode", "instant"]) == 0
    files = [file for file in paths().state.parent.rglob("*") if file.is_file()]
    assert {"fault.log", "stop", "pierian.db"} <= {file.name for file in files}
    assert not [str(file) for file in files if stat.S_IMODE(file.stat().st_mode) & 0o077]
