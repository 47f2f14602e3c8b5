"""The built wheel holds all it needs and runs in an environment where nothing else was installed."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.timeout(600)
def test_the_wheel_installs_and_runs_in_an_empty_environment(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "NO_PROXY")}
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, env=environment)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "pierian/models/catalogue.toml" in names
    assert "pierian/py.typed" in names
    assert any(name.startswith("pierian/storage/migrations/versions/0001") for name in names)

    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, env=environment)
    pierian = tmp_path / "empty" / "bin" / "pierian"
    shown = subprocess.run(
        [pierian, "--version"], check=True, capture_output=True, text=True, env=environment
    )
    assert shown.stdout.startswith("pierian ")
    empty = subprocess.run(
        [pierian, "conversations", "list"], check=True, capture_output=True, text=True, env=environment
    )
    assert "no conversations" in empty.stdout.lower()
