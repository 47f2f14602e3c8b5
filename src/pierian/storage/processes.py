"""Whether a process that wrote a row still runs: its number and its start time together name it."""

from __future__ import annotations

from functools import lru_cache

# The system's clock is corrected now and then, and with it the start times that processes report.
SAME_START_SECONDS = 5.0


def process_start(pid: int) -> float | None:
    """When the process started, in seconds since 1970, or None if there is no such process."""
    import psutil

    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


@lru_cache(maxsize=1)
def own_start(pid: int) -> float:
    """When this process started; asked with its pid, because a fork inherits what is cached here."""
    return process_start(pid) or 0.0


def is_running(pid: int, started: float) -> bool:
    """Whether that process still runs; another one may have its number by now."""
    now = process_start(pid)
    return now is not None and abs(now - started) <= SAME_START_SECONDS
