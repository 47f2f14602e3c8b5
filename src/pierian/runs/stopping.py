"""`stop --all` for every run of this user, whichever process it is in and whatever serves its model.

One file's changed contents are the signal: a run that started before it ends. No process list is kept, so none
can be out of date, and a library user's process is never killed, only its runs.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from pierian.config import write_private
from pierian.exceptions import PierianError, StorageError

INTERVAL_SECONDS = 0.2


def stop_all(state: Path) -> None:
    """End every run that has started up to now."""
    try:
        write_private(state / "stop", f"{time.time_ns()}\n")
    except PierianError as error:
        raise StorageError(f"Nothing was stopped: {error}", hint="Check PIERIAN_HOME.") from error


def _signalled(state: Path) -> str:
    try:
        return (state / "stop").read_text()
    except OSError:
        return ""


async def stopped(state: Path) -> None:
    """Return when `stop_all` is called after this was."""
    before = _signalled(state)
    while _signalled(state) == before:
        await asyncio.sleep(INTERVAL_SECONDS)
