"""Where the supervisor and its clients meet: a lock that only one supervisor holds, a socket, and what is said
through it.

Nothing else is shared on disk, so nothing stale can mislead: a dead supervisor's lock is released by the
kernel, and its socket refuses connections.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Literal

import msgspec

from pierian.exceptions import EngineError
from pierian.models.machine import EngineOptions
from pierian.models.wire import Message

PROTOCOL = 3
SOCKET_PATH_LIMIT = 100
"""Unix socket paths hold 104 to 108 bytes, depending on the system."""


class Call(msgspec.Struct):
    """What a client wants: a lease on an engine, a look at what runs, or the end of everything."""

    action: Literal["lease", "status", "stop"]
    options: EngineOptions | None = None
    prefixes: list[list[Message]] = msgspec.field(default_factory=list[list[Message]])
    """Fixed beginnings of the prompts that this client will send; kept ready where that can be done."""
    keep_warm_seconds: float = 600.0
    """How long the engine stays after this lease; the latest lease decides."""
    protocol: int = PROTOCOL


class Status(msgspec.Struct, omit_defaults=True):
    """What the supervisor says. `ready` carries the address; `restarted` and `failed` carry a reason."""

    state: Literal["loading", "ready", "restarted", "failed", "info", "outdated"]
    base_url: str = ""
    api_key: str = ""
    reason: str = ""
    warm: bool = False
    engines: list[dict[str, str | int | float]] = msgspec.field(
        default_factory=list[dict[str, str | int | float]]
    )


def private_folder(folder: Path) -> Path:
    """Make `folder` enterable by its owner only; raises when it is not the user's own."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = folder.lstat()
        if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
            raise EngineError(
                f"{folder} is not a folder of yours, so Pierian does not use it.", hint="Set PIERIAN_HOME."
            )
        folder.chmod(0o700)
    except OSError as error:
        raise EngineError(
            f"The folder {folder} cannot be made: {error.strerror}.", hint="Set PIERIAN_HOME to one that can."
        ) from error
    return folder


def socket_path(state: Path) -> Path:
    """The supervisor's socket; in the temporary folder when the state folder's path is too long for one."""
    path = private_folder(state) / "supervisor.sock"
    if len(str(path)) < SOCKET_PATH_LIMIT:
        return path
    name = hashlib.sha256(str(state).encode()).hexdigest()[:16]
    return private_folder(Path(tempfile.gettempdir()) / f"pierian-{os.getuid()}-{name}") / "supervisor.sock"


@contextlib.contextmanager
def claim(state: Path) -> Generator[bool]:
    """Hold the supervisor's lock for the length of the block; False when another process holds it."""
    file = private_folder(state) / "supervisor.lock"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
