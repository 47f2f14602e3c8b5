"""The measures of accounts keep what is done, run in turn, and find the calendars in packages."""

from __future__ import annotations

import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from benchmarks.accounts_files import collected
from benchmarks.accounts_runs import Kept, in_turn, rates, watched


def test_rows_are_kept_one_by_one_and_told_by_what_they_are(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "results" / "rows.json")
    assert kept.rows("mail") == []
    for number in range(3):
        kept.add("mail", {"run": number, "messages": 10 * (number % 2)})
    kept.add("events", {"run": 0})
    again = Kept(kept.path)
    assert [row["run"] for row in again.rows("mail", messages=0)] == [0, 2]
    again.forget("mail")
    assert again.all() == {"events": [{"run": 0}]}


def test_programs_run_in_turn_and_are_watched(tmp_path: Path) -> None:
    hundred = (
        "data = b'x' * 100_000_000; import subprocess, sys; subprocess.run([sys.executable, '-c', 'pass'])"
    )
    sides = {
        "pierian": lambda place: watched([sys.executable, "-c", hundred]),
        "other": lambda place: watched([sys.executable, "-c", "print(len(input()))"], given=b"four\n"),
    }
    rows = [in_turn(sides, number, tmp_path) for number in range(2)]
    assert [row["first"] for row in rows] == ["other", "pierian"]
    found = rates(rows, 10, "other")
    assert found["n"] == 2 and found["rate by that of other"][0] > 0
    assert not list(tmp_path.iterdir())
    assert sides["other"](tmp_path).said == "4\n"
    with pytest.raises(RuntimeError, match="ended with 3"):
        watched([sys.executable, "-c", "raise SystemExit(3)"])


def test_calendars_are_found_in_packages_each_once(tmp_path: Path) -> None:
    text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nEND:VEVENT\nEND:VCALENDAR\n"
    files = {
        "p/one.ics": text,
        "p/same.ICS": text,
        "p/test.py": f'BAD = """{text.replace("UID:a", "UID:b")}"""\nNAME = "BEGIN:VCALENDAR"\n',
        "p/README.md": f"An example:\n{text.replace('UID:a', 'UID:c')}\nthe end\n",
        "p/broken.py": "def (",
        "p/picture.png": text,
    }
    with tarfile.open(tmp_path / "p-1.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, BytesIO(content.encode()))
    found = collected(tmp_path)
    assert [(one.name, one.kind) for one in found] == [
        ("p/one.ics#0", "file"), ("p/test.py#0", "text"), ("p/README.md#0", "text"),
    ]  # fmt: skip
    assert all(one.package == "p-1.tar.gz" for one in found)
