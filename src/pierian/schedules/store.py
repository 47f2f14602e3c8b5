"""The schedules of one owner: what is to be done, when, and what came of it last.

Beginning one is the business of `beginning`. A schedule is named by its id or the beginning of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Struct
from sqlalchemy import Row, delete, insert, select, update

from pierian.exceptions import UnknownName, UserError
from pierian.runs.journal import Journal
from pierian.schedules.times import next_after, read_times
from pierian.storage.database import Database
from pierian.storage.ids import new_id, utc_now
from pierian.storage.tables import schedules
from pierian.storage.words import clean

MOST = 200
"""Schedules of one owner."""
TaskName = Literal["brief", "ask"]


class Question(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a schedule asks, and how; empty for a brief."""

    text: str = ""
    mode: str = "auto"
    tools: tuple[str, ...] | None = None
    """None for those of the settings."""


class Schedule(Struct, frozen=True, kw_only=True):
    """Something that is done at set times."""

    id: str
    owner: str
    said: str
    """When, as the user wrote it."""
    times: str
    """When, as `times` keeps it."""
    zone: str
    task: TaskName
    question: Question
    paused: bool
    created_at: datetime
    next_at: datetime | None
    due_at: datetime | None = None
    """When the last run was due."""
    begun_at: datetime | None = None
    last_run: str = ""
    conversation_id: str = ""
    """Where its answers are."""

    @property
    def short_id(self) -> str:
        """What one types: the end of the id, which differs most."""
        return self.id[-6:]


_QUESTION = msgspec.json.Decoder(Question)


class Schedules:
    """The schedules of one owner."""

    def __init__(
        self, database: Database, owner: str = "local", *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.database = database
        self.owner = owner
        self._clock = clock

    def add(self, said: str, zone: str, task: TaskName, question: Question | None = None) -> Schedule:
        """A new schedule; raises `UserError` where the times or the zone are none."""
        try:
            here = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise UserError(
                f"There is no time zone called {zone!r}.", hint="Name one such as Europe/Berlin."
            ) from error
        now = self._clock()
        times = read_times(clean(said), now.astimezone(here))
        made = Schedule(
            id=new_id(),
            owner=self.owner,
            said=" ".join(clean(said).split()),
            times=times,
            zone=zone,
            task=task,
            question=question or Question(),
            paused=False,
            created_at=now,
            next_at=next_after(times, zone, now),
        )
        row = {
            "id": made.id,
            "owner": made.owner,
            "said": made.said,
            "times": made.times,
            "zone": made.zone,
            "task": made.task,
            "request": clean(msgspec.json.encode(made.question).decode()),
            "paused": False,
            "created_at": now,
            "next_at": made.next_at,
        }
        with self.database.write() as connection:
            mine = schedules.c.owner == self.owner
            if len(connection.execute(select(schedules.c.id).where(mine).limit(MOST)).all()) == MOST:
                raise UserError(f"There are {MOST} schedules already.", hint="Remove some of them.")
            connection.execute(insert(schedules).values(row))
        return made

    def list(self) -> list[Schedule]:
        """All of them, the oldest first."""
        query = select(schedules).where(schedules.c.owner == self.owner).order_by(schedules.c.id)
        with self.database.read() as connection:
            return [schedule_of(row) for row in connection.execute(query)]

    def get(self, schedule: str) -> Schedule:
        """One of them; raises `UnknownName`."""
        known, wanted = self.list(), schedule.strip().lower()
        found = [one for one in known if wanted and (one.id == wanted or one.short_id.startswith(wanted))]
        if len(found) != 1:
            raise UnknownName("schedule", schedule, [one.short_id for one in known])
        return found[0]

    def left_over(self, dead: Sequence[str]) -> list[tuple[str, str | None]]:
        """Runs of these schedules that nobody works on any more, with the worker of `dead` that has left them."""
        mine = {one.last_run for one in self.list() if one.last_run}
        return [(run, by) for run, by in Journal(self.database, self.owner).unattended(dead) if run in mine]

    def pause(self, schedule: str) -> Schedule:
        """Do it no more until it is resumed."""
        return self._change(self.get(schedule), {"paused": True})

    def resume(self, schedule: str) -> Schedule:
        """Do it again from now on; what fell into the pause is not caught up."""
        one = self.get(schedule)
        if not one.paused:
            return one
        coming = next_after(one.times, one.zone, self._clock())
        if coming is None:
            raise UserError(f"{one.said!r} is over.", hint="Remove this schedule, and add another.")
        return self._change(one, {"paused": False, "next_at": coming})

    def remove(self, schedule: str) -> Schedule:
        """Forget it; what it has answered stays."""
        one = self.get(schedule)
        with self.database.write() as connection:
            connection.execute(delete(schedules).where(schedules.c.id == one.id))
        return one

    def _change(self, one: Schedule, values: dict[str, Any]) -> Schedule:
        with self.database.write() as connection:
            connection.execute(update(schedules).where(schedules.c.id == one.id).values(values))
        return self.get(one.id)


def schedule_of(row: Row[Any]) -> Schedule:
    """The schedule of a row."""
    return Schedule(
        id=row.id,
        owner=row.owner,
        said=row.said,
        times=row.times,
        zone=row.zone,
        task=cast(TaskName, row.task),
        question=_QUESTION.decode(row.request),
        paused=row.paused,
        created_at=row.created_at,
        next_at=row.next_at,
        due_at=row.due_at,
        begun_at=row.begun_at,
        last_run=row.last_run or "",
        conversation_id=row.conversation_id or "",
    )
