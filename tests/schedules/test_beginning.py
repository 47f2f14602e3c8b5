"""What is due is begun once: by one of several processes, whole or not at all, however many times were missed."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from pierian.config import Settings, paths
from pierian.exceptions import StorageError, UnknownName, UserError
from pierian.runs import Journal
from pierian.schedules import Question, Schedules, begin, begin_due
from pierian.storage import Conversations, Database, Profile, Profiles, open_database
from pierian.storage.tables import runs, turns

NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 28, 7, 30, tzinfo=UTC)
SETTINGS = Settings(tools="clock")


def schedules(database: Database, owner: str = "local") -> Schedules:
    return Schedules(database, owner, clock=lambda: NOW)


def count(database: Database) -> tuple[int, int]:
    with database.read() as connection:
        return (
            connection.execute(select(func.count()).select_from(runs)).scalar_one(),
            connection.execute(select(func.count()).select_from(turns)).scalar_one(),
        )


def test_a_question_is_begun_at_its_time_as_a_run_of_the_api(database: Database) -> None:
    Profiles(database).save("local", Profile(instructions="Be brief.", budget_tokens=500))
    made = schedules(database).add(
        "every day 7:30", "UTC", "ask", Question(text="What is new?", mode="instant")
    )
    assert begin_due(database, SETTINGS, DUE - timedelta(seconds=1)) == []
    (run,) = begin_due(database, SETTINGS, DUE)
    record = Journal(database).get(run)
    assert (record.question, record.state) == ("What is new?", "waiting")
    assert record.request["answers"] is True and record.request["mode"] == "instant"
    assert record.request["tools"] == ["clock"]
    assert (record.request["instructions"], record.request["budget_tokens"]) == ("Be brief.", 500)
    after = schedules(database).get(made.id)
    assert (after.last_run, after.due_at, after.next_at) == (run, DUE, DUE + timedelta(days=1))
    conversation = Conversations(database).get(after.conversation_id, pending=True)
    assert [(one.text, one.pending) for one in conversation.turns] == [("What is new?", False), ("", True)]
    assert conversation.turns[1].run == run


def test_missed_times_are_caught_up_once(database: Database) -> None:
    made = schedules(database).add("every 2 hours", "UTC", "brief")
    later = NOW + timedelta(days=3, minutes=5)
    assert len(begin_due(database, SETTINGS, later)) == 1
    assert begin_due(database, SETTINGS, later) == []
    assert schedules(database).get(made.id).next_at == later.replace(minute=0) + timedelta(hours=2)


def test_several_processes_begin_each_time_once(database: Database) -> None:
    for _ in range(10):
        schedules(database).add("every day 7:30", "UTC", "brief")
    with ThreadPoolExecutor(8) as pool:
        found = [
            one for some in pool.map(lambda _: begin_due(database, SETTINGS, DUE), range(8)) for one in some
        ]
    assert len(found) == len(set(found)) == 10
    assert count(database) == (10, 20)


def test_a_crash_leaves_it_begun_or_due(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    made = schedules(database).add("every day 7:30", "UTC", "brief")

    def broken(*_: object, **__: object) -> None:
        raise StorageError("The disk is gone.")

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "submit_within", broken)
        with pytest.raises(StorageError):
            begin_due(database, SETTINGS, DUE)
    assert count(database) == (0, 0)
    assert schedules(database).get(made.id).next_at == DUE
    assert len(begin_due(database, SETTINGS, DUE)) == 1


def test_what_is_done_once_is_never_due_again(database: Database) -> None:
    made = schedules(database).add("2026-11-28 7:30", "UTC", "brief")
    assert len(begin_due(database, SETTINGS, DUE)) == 1
    assert schedules(database).get(made.id).next_at is None
    assert begin_due(database, SETTINGS, DUE + timedelta(days=400)) == []


def test_a_pause_is_not_caught_up(database: Database) -> None:
    made = schedules(database).add("every day 7:30", "UTC", "brief")
    schedules(database).pause(made.short_id)
    assert begin_due(database, SETTINGS, DUE + timedelta(days=2)) == []
    later = Schedules(database, clock=lambda: DUE + timedelta(days=2, hours=1))
    assert later.resume(made.short_id).next_at == DUE + timedelta(days=3)
    assert begin_due(database, SETTINGS, DUE + timedelta(days=2, hours=1)) == []


def test_answers_go_to_one_conversation_unless_it_is_gone_or_waits(database: Database) -> None:
    made = schedules(database).add("every day 7:30", "UTC", "ask", Question(text="What is new?"))
    store, journal = Conversations(database), Journal(database)
    (first,) = begin_due(database, SETTINGS, DUE)
    one = schedules(database).get(made.id).conversation_id
    (second,) = begin_due(database, SETTINGS, DUE + timedelta(days=1))  # the first is not answered yet
    other = schedules(database).get(made.id).conversation_id
    assert other != one
    journal.cancel(second)
    begin_due(database, SETTINGS, DUE + timedelta(days=2))
    assert schedules(database).get(made.id).conversation_id == other
    store.delete(other)
    assert schedules(database).get(made.id).conversation_id == ""
    begin_due(database, SETTINGS, DUE + timedelta(days=3))
    assert schedules(database).get(made.id).conversation_id not in ("", one, other)
    assert journal.get(first).state == "waiting"


def test_one_may_be_begun_by_hand_and_keeps_its_time(database: Database) -> None:
    made = schedules(database).add("every day 7:30", "UTC", "brief")
    run = begin(database, SETTINGS, made, NOW)
    after = schedules(database).get(made.id)
    assert (after.last_run, after.next_at) == (run, DUE)


def test_tools_of_this_machine_are_for_its_owner_alone(database: Database) -> None:
    schedules(database, "somebody").add("every day 7:30", "UTC", "ask", Question(text="x", tools=("files",)))
    (run,) = begin_due(database, SETTINGS, DUE)
    assert Journal(database, "somebody").get(run).request["tools"] == []


def test_owners_do_not_see_each_others_schedules(database: Database) -> None:
    made = schedules(database, "somebody").add("every day 7:30", "UTC", "brief")
    assert schedules(database).list() == []
    with pytest.raises(UnknownName):
        schedules(database).remove(made.id)
    assert begin_due(database, SETTINGS, DUE, owner="local") == []


def test_a_zone_that_there_is_not_is_refused(database: Database) -> None:
    for zone in ("Mars/Olympus", "", "../../etc/passwd"):
        with pytest.raises(UserError, match="no time zone"):
            schedules(database).add("every day 7:30", zone, "brief")


KILLED = """
import os, sys
from datetime import datetime
from pierian.config import Settings, paths
from pierian.schedules import begin_due
from pierian.storage import open_database
from sqlalchemy import event
opened, left = open_database(paths().database), [int(sys.argv[1])]
def before(*_):
    left[0] -= 1
    if left[0] < 0:
        os._exit(9)
event.listen(opened.engine, "before_cursor_execute", before)
begin_due(opened, Settings(), datetime.fromisoformat(sys.argv[2]))
"""


@pytest.mark.parametrize("statement", range(0, 24, 3))
def test_a_process_that_is_killed_anywhere_leaves_it_begun_or_due(statement: int) -> None:
    with open_database(paths().database) as opened:
        schedules(opened).add("every day 7:30", "UTC", "brief")
        program = [sys.executable, "-c", KILLED, str(statement), DUE.isoformat()]
        subprocess.run(program, env=dict(os.environ), timeout=60, check=False)
        begin_due(opened, Settings(), DUE)
        assert count(opened) == (1, 2)
