"""Workers: who lives, who is dead, and who may only have been asleep."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from sqlalchemy import insert, select, update
from tests.postgresql import address

from pierian.exceptions import StorageError
from pierian.runs import Worker, Workers
from pierian.runs import workers as module
from pierian.runs.workers import DEAD_SECONDS, FRESH_SECONDS
from pierian.storage import Database, open_database
from pierian.storage.tables import workers


class Clock:
    """The clocks of this machine, moved by hand: time that passes, time asleep, and a time of day that is corrected."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.awake = self.asleep = 1000.0
        stand_in = SimpleNamespace(
            monotonic=lambda: self.awake,
            clock_gettime=lambda _: self.awake + self.asleep,
            CLOCK_BOOTTIME=7,
            CLOCK_MONOTONIC=1,
        )
        monkeypatch.setattr(module, "time", stand_in)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(module, "BEAT_SECONDS", 3600.0)  # the heart beats when the test says so
    return Clock(monkeypatch)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Whoever enlists now is on another machine."""
    with monkeypatch.context() as patch:
        patch.setattr(socket, "gethostname", lambda: "another machine")
        yield patch


def beats_of(database: Database, worker: str) -> int | None:
    with database.read() as connection:
        return connection.execute(select(workers.c.beats).where(workers.c.id == worker)).scalar()


def test_it_is_listed_as_long_as_it_works(database: Database) -> None:
    watcher = Workers(database)
    with Worker(database) as worker:
        assert watcher.dead() == []
        assert watcher.knows(worker.id)
        assert worker.fresh()
    assert watcher.dead() == []
    assert not watcher.knows(worker.id)


def test_the_heart_beats_by_itself(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    with Worker(database) as worker:
        until(lambda: (beats_of(database, worker.id) or 0) > 3)
    threads = {thread.name for thread in threading.enumerate()}
    assert "pierian-worker" not in threads


def test_a_heart_goes_on_after_the_database_was_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    with open_database(tmp_path / "x.db", busy_seconds=0.01) as database, Worker(database) as worker:
        failed, beat = threading.Event(), worker.beat

        def noted() -> None:
            try:
                beat()
            except StorageError:
                failed.set()
                raise

        monkeypatch.setattr(worker, "beat", noted)
        with database.write():
            assert failed.wait(10)
        before = beats_of(database, worker.id) or 0
        until(lambda: (beats_of(database, worker.id) or 0) > before)


def test_a_counter_that_stands_still_is_a_dead_worker(
    database: Database, clock: Clock, elsewhere: pytest.MonkeyPatch
) -> None:
    with Worker(database) as worker:
        elsewhere.undo()
        watcher = Workers(database)
        assert watcher.dead() == []
        clock.awake += DEAD_SECONDS - 0.1
        assert watcher.dead() == []
        worker.beat()
        clock.awake += DEAD_SECONDS - 0.1
        assert watcher.dead() == []
        clock.awake += DEAD_SECONDS - 0.1
        assert watcher.dead() == []  # first seen at the last look
        clock.awake += 0.2
        assert watcher.dead() == [worker.id]
        worker.beat()
        assert watcher.dead() == []


def test_a_worker_knows_that_it_may_be_thought_dead_before_anybody_thinks_so(
    clock: Clock, tmp_path: Path
) -> None:
    assert FRESH_SECONDS < DEAD_SECONDS
    with open_database(tmp_path / "x.db") as database, Worker(database) as worker:
        clock.awake += FRESH_SECONDS - 0.1
        assert worker.fresh()
        clock.awake += 0.2
        assert not worker.fresh()
        worker.beat()
        assert worker.fresh()
        clock.asleep += FRESH_SECONDS + 0.1  # the machine slept; its monotonic clock did not run
        assert not worker.fresh()


def test_a_beat_after_a_pause_does_not_undo_what_others_may_have_done(clock: Clock, tmp_path: Path) -> None:
    with open_database(tmp_path / "x.db") as database, Worker(database) as worker:
        held = module.boot_clock()
        clock.awake += 1
        worker.beat()
        assert worker.unbroken(held)
        clock.asleep += 60
        assert not worker.unbroken(held)
        worker.beat()  # of its own thread, before the run's is awake
        assert worker.fresh()
        assert not worker.unbroken(held)
        assert worker.unbroken(module.boot_clock())  # once the journal was asked again


def test_a_pause_in_the_middle_of_a_beat_counts_as_well(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_database(tmp_path / "x.db") as database, Worker(database) as worker:
        held = module.boot_clock()
        append = database.append

        def slow(*, durable: bool = False) -> object:
            clock.awake += 60
            return append(durable=durable)

        monkeypatch.setattr(database, "append", slow)
        worker.beat()
        monkeypatch.undo()
        assert not worker.unbroken(held)


def test_who_was_forgotten_while_asleep_is_listed_again(database: Database, clock: Clock) -> None:
    watcher = Workers(database)
    with Worker(database) as worker:
        held = module.boot_clock()
        watcher.dead()
        watcher.forget(worker.id)
        assert beats_of(database, worker.id) is None
        clock.awake += 0.5
        worker.beat()
        assert beats_of(database, worker.id) == 1
        assert not worker.unbroken(held)  # somebody may have its run
        assert watcher.dead() == []
        assert watcher.knows(worker.id)


def test_a_heart_that_beats_again_is_not_forgotten(database: Database, clock: Clock) -> None:
    watcher = Workers(database)
    with Worker(database) as worker:
        watcher.dead()
        assert watcher.beats(worker.id) == 1
        worker.beat()
        watcher.forget(worker.id)
        assert beats_of(database, worker.id) == 2
        assert watcher.beats("nobody") == 0
        watcher.forget("nobody")


def test_a_killed_process_on_this_machine_is_dead_at_once(database: Database, tmp_path: Path) -> None:
    watcher = Workers(database)
    command = [sys.executable, "-c", WORK, address(database), tmp_path / "pierian.db"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        worker = process.stdout.readline().strip()
        assert watcher.dead() == []
        assert watcher.knows(worker)
        process.kill()
    assert watcher.dead() == [worker]
    watcher.forget(worker)
    assert watcher.dead() == []
    assert not watcher.knows(worker)


def test_the_number_of_a_dead_process_says_nothing_on_another_machine(
    tmp_path: Path, clock: Clock, elsewhere: pytest.MonkeyPatch
) -> None:
    with open_database(tmp_path / "x.db") as database, Worker(database) as worker:
        elsewhere.undo()
        with database.append() as connection:
            connection.execute(update(workers).values(pid=2**22 + 1))
        assert Workers(database).dead() == []
        with database.append() as connection:
            connection.execute(update(workers).values(host=socket.gethostname()))
        assert Workers(database).dead() == [worker.id]


def test_a_corrected_time_of_day_kills_nobody(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = psutil.Process.create_time
    with Worker(database) as worker:
        watcher = Workers(database)
        assert watcher.dead() == []
        for jump in (-(10**9), 7200, 10**9):
            with monkeypatch.context() as patch:
                # What a process tells of its start is counted from the time of day at which the machine started.
                patch.setattr(psutil.Process, "create_time", lambda self, jump=jump: started(self) + jump)
                patch.setattr(time, "time", lambda jump=jump: 1.8e9 + jump)
                assert watcher.dead() == []
                assert Workers(database).dead() == []
                assert worker.fresh()


def test_a_reused_number_of_a_process_is_told_by_the_heart(tmp_path: Path, clock: Clock) -> None:
    """A process that has the number of a dead worker's has no heart of its own in the list."""
    with open_database(tmp_path / "x.db") as database:
        row = {"id": "before", "host": socket.gethostname(), "pid": 1, "process_started": 5.0, "beats": 9}
        with database.append() as connection:
            connection.execute(insert(workers).values(row))
        watcher = Workers(database)
        watcher.dead()
        clock.awake += DEAD_SECONDS + 0.1
        assert watcher.dead() == ["before"]


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Return as soon as a condition holds; fail when it does not come to hold."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not come to hold"
        time.sleep(0.005)


WORK = """
import sys
from pathlib import Path
from pierian.runs import Worker
from pierian.storage import open_storage
with Worker(open_storage(sys.argv[1], Path(sys.argv[2]))) as worker:
    print(worker.id, flush=True)
    sys.stdin.read()
    sys.exit("it should have been killed")
"""
