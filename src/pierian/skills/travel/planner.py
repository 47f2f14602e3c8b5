"""The plan of a trip as the runner carries it out: plan it, then put it into the calendar where that was asked for.

It is written before anything is read, from the user's words alone, by code; the model is asked only which of several
places is meant. When offers or calendars have changed since the trip was approved, the same is planned again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from pierian.agents.entities import Entity, Known, find_entities
from pierian.agents.plan import Call, Plan
from pierian.agents.progress import Scope
from pierian.agents.quarantine import Reader
from pierian.agents.runner import Task
from pierian.exceptions import UserError
from pierian.models.structured import Payment
from pierian.skills.travel.reading import wishes_of
from pierian.skills.travel.tools import CALENDAR, PLAN

SKILL = "trip"
"""Under which a run's record says that it is one."""
WISHES = "trip"
"""Name of the entity that holds what is wished."""
AGAIN = ("not_found", "unreachable")
"""Failures of the second step after which a trip is planned again."""


class TripPlanner:
    """Plans in the place of a model's planner; `read` comes first."""

    def __init__(self, reader: Reader, now: datetime, known: Sequence[Known] = ()) -> None:
        self._reader = reader
        self._now = now
        self._known = known

    async def read(self, request: str, payment: Payment) -> list[Entity]:
        """The wishes of a request, as the one entity that the plan names; raises `UserError`."""

        async def choose(question: str, options: Sequence[str]) -> str:
            return await self._reader.choose(request, question, options, payment)

        entities = find_entities(request, now=self._now, known=self._known)
        wishes = await wishes_of(request, entities, self._now.date(), choose)
        return [Entity(WISHES, "place", wishes.destination, 0, 0, msgspec.to_builtins(wishes))]

    async def plan(self, task: Task, so_far: Scope | None, payment: Payment) -> Plan:
        """See `agents.runner.Planner`."""
        if so_far is None:
            calendar = task.entities[WISHES].value["calendar"]
            if calendar and CALENDAR not in task.tools:
                raise UserError(
                    "The trip is to go into your calendar, and none is linked that may be written.",
                    hint="pierian accounts link caldav, or: pierian accounts switch NAME write on",
                )
            return _steps(1, calendar=calendar)
        last = so_far.plan.steps[-1]
        if isinstance(last, Call) and last.tool == CALENDAR and so_far.steps[last.id].code in AGAIN:
            return _steps(len(so_far.plan.steps) + 1, calendar=True)
        return Plan()


def _steps(number: int, *, calendar: bool) -> Plan:
    first = Call(id=f"s{number}", tool=PLAN, arguments={"wishes": f"${WISHES}"})
    if not calendar:
        return Plan((first,))
    given = {
        part: f"${first.id}.{name}"
        for part, name in (("entry", "entries"), ("offers", "offers"), ("away", "away"))
    }
    return Plan((first, Call(id=f"s{number + 1}", tool=CALENDAR, arguments=given)))
