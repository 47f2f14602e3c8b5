"""Who works, and how a worker that died is told from one that lives.

Each process that works on runs is a worker with a row whose counter it raises every second. Whoever watches
compares the counter with what it saw before, by its own monotonic clock: a counter that stands still for
`DEAD_SECONDS` belongs to a worker that is dead or paused. No clock of another machine and no time of day is
believed. A worker on the same host whose process is gone is known to be dead at once. A worker that was
paused notices by its own clock that its beats were too far apart (`unbroken`), and asks the journal before it
acts.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from types import TracebackType
from typing import Self

from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update

from pierian.exceptions import PierianError
from pierian.storage.database import Database
from pierian.storage.processes import own_start, process_start
from pierian.storage.tables import workers

BEAT_SECONDS = 1.0
FRESH_SECONDS = 4.0
"""A worker whose last beat is older asks the journal before it acts."""
DEAD_SECONDS = 6.0
"""Longer than `FRESH_SECONDS`: before anybody takes its run, a paused worker knows that it has to ask."""


def boot_clock() -> float:
    """Seconds that also pass while the machine sleeps, where the platform has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Worker:
    """This process as a worker, from entering to leaving; its heart beats in a thread of its own."""

    def __init__(self, database: Database) -> None:
        self.id = secrets.token_hex(8)
        self.database = database
        self._ended = threading.Event()
        self._last_beat = self._unbroken_since = 0.0
        self._beating = threading.Lock()
        self._thread = threading.Thread(target=self._live, name="pierian-worker", daemon=True)

    def __enter__(self) -> Self:
        with self.database.append() as connection:
            self._enlist(connection)
        self._last_beat = self._unbroken_since = boot_clock()
        self._thread.start()
        return self

    def _enlist(self, connection: Connection) -> None:
        row = {
            "id": self.id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process_started": own_start(os.getpid()),
            "beats": 1,
        }
        connection.execute(insert(workers).values(row))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        with self.database.append() as connection:
            connection.execute(delete(workers).where(workers.c.id == self.id))

    def fresh(self) -> bool:
        """Whether nobody can think yet that this worker is dead."""
        return boot_clock() - self._last_beat < FRESH_SECONDS

    def unbroken(self, since: float) -> bool:
        """Whether nobody can have thought that this worker is dead, from `since` (by `boot_clock`) until now."""
        return (
            self.fresh() and self._unbroken_since <= since
        )  # in this order: `beat` writes them the other way round

    def beat(self) -> None:
        """Show that it lives; raises as the database does."""
        with self._beating:
            begun = boot_clock()
            with self.database.append() as connection:
                listed = connection.execute(
                    update(workers).where(workers.c.id == self.id).values(beats=workers.c.beats + 1)
                ).rowcount
                if not listed:
                    self._enlist(connection)  # it was paused for so long that it was forgotten
            ended = boot_clock()
            if not listed or ended - self._last_beat > FRESH_SECONDS:
                self._unbroken_since = ended
            self._last_beat = begun

    def _live(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            try:
                self.beat()
            except PierianError:
                continue  # the database is busy or away: the next beat tries again, and `fresh` tells in between


class _Seen(Struct):
    beats: int
    since: float


class Workers:
    """Watches the others."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._seen: dict[str, _Seen] = {}

    def dead(self) -> list[str]:
        """Those that are known to be dead by now; call it every second or so."""
        now, found = time.monotonic(), list[str]()  # before reading: who watches may be paused as well
        with self.database.read() as connection:
            rows = connection.execute(select(workers)).all()
        for row in rows:
            seen = self._seen.get(row.id)
            if seen is None or seen.beats != row.beats:
                seen = self._seen[row.id] = _Seen(row.beats, now)
            # Start times of processes jump with the time of day: only a pid that nobody has tells at once.
            gone = row.host == socket.gethostname() and process_start(row.pid) is None
            if gone or now - seen.since > DEAD_SECONDS:
                found.append(row.id)
        self._seen = {row.id: self._seen[row.id] for row in rows}
        return found

    def knows(self, worker: str) -> bool:
        """Whether it was there when `dead` was last asked."""
        return worker in self._seen

    def beats(self, worker: str) -> int:
        """The count at which `dead` last saw it; 0 where it was not there."""
        return self._seen[worker].beats if worker in self._seen else 0

    def forget(self, dead: str) -> None:
        """Remove a dead worker that has no runs left, unless its heart beats again."""
        with self.database.append() as connection:
            connection.execute(
                delete(workers).where(workers.c.id == dead, workers.c.beats == self.beats(dead))
            )
