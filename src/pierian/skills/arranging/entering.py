"""The plan of a meeting as the runner carries it out: find the time, then enter it into the calendar, after approval.

The plan is written before anything is read, from the user's words alone; the time comes from a step that has read
calendars, so it bears their labels and an entry is asked for.
"""

from __future__ import annotations

from typing import Any

from pierian.agents.plan import Call, Plan
from pierian.agents.progress import Scope
from pierian.agents.runner import Task
from pierian.exceptions import UserError
from pierian.models.structured import Payment
from pierian.provenance import Labelled, Labels
from pierian.skills.arranging.arranging import Arranged
from pierian.tools import Tool, ToolFailure, tool

SKILL = "arranging"
FIND = "arrange_find"
CREATE = "calendar_create"


class ArrangingPlanner:
    """Plans in the place of a model's planner; `invites` is whether there is somebody to invite."""

    def __init__(self, *, invites: bool) -> None:
        self._invites = invites

    async def plan(self, task: Task, so_far: Scope | None, payment: Payment) -> Plan:
        """See `agents.runner.Planner`."""
        if so_far is not None:
            return Plan()
        if CREATE not in task.tools:
            raise UserError(
                "The meeting is to go into your calendar, and none is linked that may be written.",
                hint="pierian accounts link caldav, or: pierian accounts switch NAME write on",
            )
        given = {"title": "title", "begins": "begins", "lasting": "minutes"}
        if self._invites:
            given["people"] = "people"
        return Plan(
            (
                Call(id="s1", tool=FIND, arguments={}),
                Call(id="s2", tool=CREATE, arguments={name: f"$s1.{part}" for name, part in given.items()}),
            )
        )


def finding(made: Arranged, labels: Labels) -> Tool:
    """The tool that gives what was found, as what rests on calendars."""

    @tool(effect="read", name=FIND)
    async def find() -> Labelled:
        """A time at which all can meet."""
        if made.found is None:
            raise ToolFailure("not_found", "There is no time that fits.")
        found: dict[str, Any] = {
            "text": made.text,
            "title": made.found.title,
            "begins": made.found.begins,
            "minutes": made.found.minutes,
            "people": list(made.found.people),
        }
        return Labelled(found, labels)

    return find
