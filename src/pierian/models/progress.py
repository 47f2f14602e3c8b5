"""How far a download or a check has come: the values that faces draw, and the meter that makes them.

Bytes and seconds only; it draws nothing and starts nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Phase = Literal["waiting", "connecting", "downloading", "verifying"]

WINDOW_SECONDS = 5.0
REPORT_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Progress:
    """One report. `speed` is in bytes a second, None until it can be told; so is `seconds_left`."""

    model: str
    file_name: str
    phase: Phase
    done_bytes: int
    total_bytes: int | None
    speed: float | None
    seconds_left: float | None
    source: str = ""


Report = Callable[[Progress], None]
"""Receives progress. What it raises stops the work, which can be resumed later."""


class Meter:
    """Turns byte counts into `Progress`, at most ten a second, with the speed of the last seconds."""

    def __init__(self, model: str, file_name: str, report: Report | None) -> None:
        self._model, self._file, self._report = model, file_name, report
        self._phase: Phase = "connecting"
        self._source = ""
        self._total: int | None = None
        self._seen: deque[tuple[float, int]] = deque()
        self._last = 0.0

    def begin(self, phase: Phase, done: int, total: int | None, source: str = "") -> None:
        """A new phase; always reported."""
        self._phase, self._total, self._source = phase, total, source
        self._seen.clear()
        self._last = 0.0
        self.at(done)

    def at(self, done: int) -> None:
        """`done` bytes of the phase are there."""
        now = time.monotonic()
        finished = done == self._total
        if self._report is None or (now - self._last < REPORT_SECONDS and not finished):
            return
        self._last = now
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > WINDOW_SECONDS:
            self._seen.popleft()
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        speed = (after - before) / (last - first) if last > first and after > before else None
        left = (self._total - done) / speed if speed and self._total is not None else None
        self._report(
            Progress(self._model, self._file, self._phase, done, self._total, speed, left, self._source)
        )
