"""Begins what is due: one run in the journal and two turns in a conversation, in one transaction.

The row of the schedule moves on to its next time in the same transaction, and only from the time that it was read at:
of several processes that see it due, one begins it, and a crash leaves it begun or due, never half. Times that were
missed, however many, are caught up by one run. Who carries the run out is the business of others: questions of
whoever answers runs of the API, briefs of `scheduler`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from pierian.agents import named
from pierian.config import Settings
from pierian.exceptions import UserError
from pierian.runs.journal import Journal
from pierian.schedules.store import Schedule, schedule_of
from pierian.schedules.times import next_after
from pierian.storage import Asked, Conversations, Database, Profiles
from pierian.storage.ids import new_id
from pierian.storage.tables import schedules

LOCAL = "local"
"""Whose the tools of this machine are."""
BRIEF = "Day brief"
MOST_AT_ONCE = 50


def begin_due(
    database: Database, settings: Settings, now: datetime, *, owner: str | None = None
) -> list[str]:
    """Begin everything that is due, of one owner or of all; returns the runs."""
    due = (schedules.c.paused.is_(False)) & (schedules.c.next_at <= now)
    query = select(schedules).where(due).order_by(schedules.c.next_at).limit(MOST_AT_ONCE)
    if owner is not None:
        query = query.where(schedules.c.owner == owner)
    with database.read() as connection:
        found = [schedule_of(row) for row in connection.execute(query)]
    return [run for one in found if (run := _begin_at_its_time(database, settings, one, now))]


def begin(database: Database, settings: Settings, schedule: Schedule, now: datetime) -> str:
    """Begin a schedule because somebody says so, whenever it is due; returns the run."""
    run, request = new_id(), _request(database, settings, schedule, now)
    with database.write() as connection:
        asked = _stored(connection, database, schedule, run, request)
        connection.execute(
            update(schedules)
            .where(schedules.c.id == schedule.id)
            .values(begun_at=now, due_at=now, last_run=run, conversation_id=asked.conversation)
        )
    return run


def _begin_at_its_time(database: Database, settings: Settings, schedule: Schedule, now: datetime) -> str:
    """The run that was begun; empty where another process was first, or somebody has changed it meanwhile."""
    assert schedule.next_at is not None
    run, request = new_id(), _request(database, settings, schedule, schedule.next_at)
    moved = {
        "next_at": next_after(schedule.times, schedule.zone, now),
        "due_at": schedule.next_at,
        "begun_at": now,
        "last_run": run,
    }
    still = (
        (schedules.c.id == schedule.id)
        & (schedules.c.next_at == schedule.next_at)
        & (schedules.c.paused.is_(False))
    )
    with database.write() as connection:
        if not connection.execute(update(schedules).where(still).values(moved)).rowcount:
            return ""
        asked = _stored(connection, database, schedule, run, request)
        connection.execute(
            update(schedules).where(schedules.c.id == schedule.id).values(conversation_id=asked.conversation)
        )
    return run


def _request(database: Database, settings: Settings, schedule: Schedule, due: datetime) -> dict[str, Any]:
    """What is kept with the run, in the words of the API's runs where it is a question."""
    common = {"schedule": schedule.id, "due": due.isoformat()}
    if schedule.task == "brief":
        return common | {"brief": True, "zone": schedule.zone}
    profile, question = Profiles(database).get(schedule.owner), schedule.question
    tools = named(settings.tools) if question.tools is None else question.tools
    return common | {
        "question": question.text,
        "mode": question.mode,
        "tools": list(tools) if schedule.owner == LOCAL else [],
        "instructions": profile.instructions,
        "budget_tokens": profile.budget_tokens,
        "budget_seconds": profile.budget_seconds,
        "key": "",
        "answers": True,
    }


def _stored(
    connection: Connection, database: Database, schedule: Schedule, run: str, request: dict[str, Any]
) -> Asked:
    """The question with its answer to come, and the run that makes it."""
    text = BRIEF if schedule.task == "brief" else schedule.question.text
    store = Conversations(database, schedule.owner)
    try:
        asked = store.ask_within(connection, schedule.conversation_id, text, run, title=_title(text))
    except UserError:  # it was deleted, or its last question still waits, for an approval perhaps
        asked = store.ask_within(connection, "", text, run, title=_title(text))
    kept = request | {"conversation": asked.conversation}
    Journal(database, schedule.owner).submit_within(connection, text, kept, run=run)
    return asked


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
