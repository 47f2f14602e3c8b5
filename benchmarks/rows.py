"""Finished items of a measurement as compressed JSON Lines: appended one by one, read back after any interruption.

Each row is a gzip member of its own, so that a run can be killed at any moment: what was cut off in the middle is
dropped the next time the file is opened for writing, and everything before it stays.
"""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file, none where it is not there; the first of an id counts, should one ever stand twice."""
    found: dict[str, dict[str, Any]] = {}
    for row in _whole(path)[0]:
        found.setdefault(row["id"], row)
    return list(found.values())


def append(path: Path, row: dict[str, Any]) -> None:
    """Add one row."""
    with path.open("ab") as file:
        file.write(gzip.compress(json.dumps(row, ensure_ascii=False).encode() + b"\n"))


def mend(path: Path) -> None:
    """Cut off what an interruption left half-written, so that rows can be appended again."""
    rows, length = _whole(path)
    if path.exists() and length < path.stat().st_size:
        with path.open("r+b") as file:
            file.truncate(length)
    assert len(rows) == len(_whole(path)[0])


def _whole(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The rows of whole members from the beginning, and where the last of them ends."""
    if not path.exists():
        return [], 0
    data, rows, at = path.read_bytes(), list[dict[str, Any]](), 0
    while at < len(data):
        member = zlib.decompressobj(wbits=31)
        try:
            text = member.decompress(data[at:])
            if not member.eof:
                break
            rows += [json.loads(line) for line in text.decode().splitlines()]
        except (zlib.error, ValueError):
            break
        at = len(data) - len(member.unused_data)
    return rows, at
