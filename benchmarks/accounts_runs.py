"""What the measures of accounts share: programs that run in turn and are watched, and results that outlast a kill.

Rows are kept in one file as they come, so that a measure that was ended goes on where it was; `Kept` is used by
several processes at once. Time is that of the whole program, its start included; memory is the sum of what each of
its processes had at its largest (VmHWM), which is never less than what they had together at any moment.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from benchmarks.intervals import quantile_and_interval

RESULTS = Path(__file__).parent / "results" / "accounts.json"
LOOK_SECONDS = 0.2
OURS = "pierian"

Row = dict[str, Any]


class Watched(Struct, frozen=True, kw_only=True):
    """One run of a program."""

    seconds: float
    processor_seconds: float
    """Of all its processes."""
    megabytes: float
    said: str
    """Its standard output."""


class Kept:
    """Rows of measures in a file."""

    def __init__(self, path: Path = RESULTS) -> None:
        self.path = path

    def all(self) -> dict[str, list[Row]]:
        """The rows of all measures."""
        return json.loads(self.path.read_text(encoding="utf-8")) if self.path.exists() else {}

    def rows(self, measure: str, **alike: Any) -> list[Row]:
        """The rows of a measure that have these values."""
        every = self.all().get(measure, [])
        return [row for row in every if all(row.get(name) == value for name, value in alike.items())]

    def add(self, measure: str, row: Row) -> None:
        """Keep one more row."""
        with self._alone():
            found = self.all()
            found.setdefault(measure, []).append(row)
            self._write(found)

    def forget(self, measure: str) -> None:
        """Drop the rows of a measure."""
        with self._alone():
            found = self.all()
            found.pop(measure, None)
            self._write(found)

    def _write(self, found: dict[str, list[Row]]) -> None:
        lines = [
            f" {json.dumps(name)}: [\n" + ",\n".join(f"  {json.dumps(row)}" for row in found[name]) + "\n ]"
            for name in sorted(found)
        ]
        new = self.path.with_suffix(".new")
        new.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        new.replace(self.path)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def in_turn(sides: dict[str, Callable[[Path], Watched]], number: int, folder: Path) -> Row:
    """All programs once, each in an empty folder; who is first changes with the number of the run."""
    names = list(sides) if number % 2 else list(reversed(sides))
    row: Row = {"run": number, "first": names[0], "load": round(os.getloadavg()[0], 2)}
    for name in names:
        with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=folder) as place:
            done = sides[name](Path(place))
        row[name] = {
            "seconds": round(done.seconds, 3),
            "processor seconds": round(done.processor_seconds, 3),
            "megabytes": round(done.megabytes, 1),
        }
    return row


def watched(command: Sequence[str], *, given: bytes | None = None) -> Watched:
    """Run a program to its end; raises `RuntimeError` with what it said where it fails."""
    largest: dict[int, int] = {}
    ended = threading.Event()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=errors)
        looker = threading.Thread(target=_look, args=(process.pid, largest, ended))
        looker.start()
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
                stdin.write(given or b"")
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        looker.join()
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {errors.read()[-2000:]!r}")
        return Watched(
            seconds=seconds,
            processor_seconds=usage.ru_utime + usage.ru_stime,
            megabytes=sum(largest.values()) * 1024 / 1e6,
            said=out.read().decode(),
        )


def _look(process: int, largest: dict[int, int], ended: threading.Event) -> None:
    """Note how large each process of a family has been, in KiB."""
    while True:
        over = ended.wait(LOOK_SECONDS)
        for one in _family(process):
            with contextlib.suppress(OSError, ValueError, IndexError):
                status = Path(f"/proc/{one}/status").read_text()
                line = next((line for line in status.splitlines() if line.startswith("VmHWM")), "")
                largest[one] = int(
                    line.split()[1]
                )  # of its program: what it was before it began that is gone
        if over:
            return


def _family(process: int) -> Iterator[int]:
    yield process
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            with contextlib.suppress(OSError):
                for child in (thread / "children").read_text().split():
                    yield from _family(int(child))


def rates(rows: Sequence[Row], amount: int, peer: str) -> dict[str, Any]:
    """What runs in turn come to: medians with their intervals, and the ratio of the two in the same run."""
    pairs, work, sizes = (
        [(row[OURS][name], row[peer][name]) for row in rows]
        for name in ("seconds", "processor seconds", "megabytes")
    )
    return {
        "n": len(rows),
        "items": amount,
        "items a second": middle([amount / one for one, _ in pairs], 1),
        f"items a second, {peer}": middle([amount / other for _, other in pairs], 1),
        f"rate by that of {peer}": middle([other / one for one, other in pairs], 3),
        "megabytes, most": max(one for one, _ in sizes),
        f"megabytes, most, {peer}": max(other for _, other in sizes),
        "processor seconds": middle([one for one, _ in work], 1),
        f"processor seconds, {peer}": middle([other for _, other in work], 1),
        "load average": [row["load"] for row in rows],
    }


def middle(values: Sequence[float], digits: int) -> list[float]:
    """The median with its 95% bootstrap interval; of a few values it says no more than the least and the most."""
    found, (low, high) = quantile_and_interval(values, 0.5, digits)
    return [found, low, high]


def times(milliseconds: Sequence[float]) -> dict[str, Any]:
    """What many timed questions come to."""
    found, (low, high) = quantile_and_interval(milliseconds, 0.95, 2)
    return {
        "n": len(milliseconds),
        "median": middle(milliseconds, 2),
        "95% quantile": [found, low, high],
        "most": round(max(milliseconds), 2),
    }


def chance(*parts: object) -> random.Random:
    """The same numbers for the same parts, so that a run that goes on draws what it would have drawn."""
    return random.Random(":".join(map(str, parts)))
