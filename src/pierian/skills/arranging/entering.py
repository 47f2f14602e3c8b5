"""The plan of a meeting as the runner carries it out: find the time, then enter it into the calendar, after approval.

The plan is written before anything is read, from the user's words alone; the time comes from a step that has read
calendars, so it bears their labels and an entry is asked for. Before it is asked for, and again when it was approved,
calendars are looked at anew: where somebody is no longer free the step fails, and a time is looked for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from pierian.agents.plan import Call, Plan
from pierian.agents.progress import Scope
from pierian.agents.runner import Task
from pierian.exceptions import UserError
from pierian.models.structured import Payment
from pierian.provenance import Labelled
from pierian.skills.arranging.arranging import Arranged
from pierian.skills.arranging.calendars import Calendars
from pierian.skills.calendars import RECHECK
from pierian.tools import Context, Tool, ToolFailure, tool

FIND = "arrange_find"
CREATE = "calendar_create"
FIND_SECONDS = 60.0
WHO = "who"
"""The argument with the names of those who take part, whose calendars are looked at again."""
CHECKED = "checked"
"""What is shown beside them of how calendars are."""


class ArrangingPlanner:
    """Plans in the place of a model's planner; `invites` is whether there is somebody to invite."""

    def __init__(self, *, invites: bool) -> None:
        self._invites = invites

    async def plan(self, task: Task, so_far: Scope | None, payment: Payment) -> Plan:
        """See `agents.runner.Planner`."""
        if so_far is not None:
            last = so_far.plan.steps[-1]
            if isinstance(last, Call) and last.tool == CREATE and so_far.steps[last.id].code == "not_found":
                return _steps(len(so_far.plan.steps) + 1, invites="people" in last.arguments)
            return Plan()
        if CREATE not in task.tools:
            raise UserError(
                "The meeting is to go into your calendar, and none is linked that may be written.",
                hint="pierian accounts link caldav, or: pierian accounts switch NAME write on",
            )
        return _steps(1, invites=self._invites)


def _steps(number: int, *, invites: bool) -> Plan:
    find = f"s{number}"
    given = {"title": "title", "begins": "begins", "lasting": "minutes", WHO: "who"}
    if invites:
        given["people"] = "people"
    arguments = {name: f"${find}.{part}" for name, part in given.items()}
    return Plan(
        (Call(id=find, tool=FIND, arguments={}), Call(id=f"s{number + 1}", tool=CREATE, arguments=arguments))
    )


def finding(
    made: Arranged | None, again: Callable[[], Awaitable[Arranged | None]], calendars: Calendars
) -> Tool:
    """The tool that gives what was found, as what rests on calendars; called once more it looks `again`."""
    left = [made] if made is not None else []

    @tool(effect="read", name=FIND, timeout_seconds=FIND_SECONDS)
    async def find() -> Labelled:
        """A time at which all can meet."""
        now = left.pop() if left else await again()
        if now is None or now.found is None:
            raise ToolFailure("failed", now.text if now is not None else "There is no time that fits.")
        found: dict[str, Any] = {
            "text": told_of(now),
            "title": now.found.title,
            "begins": now.found.begins,
            "minutes": now.found.minutes,
            "people": list(now.found.people),
            "who": list(now.found.who),
        }
        return Labelled(found, calendars.labels())

    return structs.replace(find, answer_in="text")


def told_of(made: Arranged) -> str:
    """What is told of a time that is to be entered."""
    if made.found is None or not made.found.unknown:
        return made.text
    return f"{made.text}\n\nNot invited, as no one mail address is known: {', '.join(made.found.unknown)}."


def looking_again(create: Tool, calendars: Calendars) -> Tool:
    """The calendar's own tool, which looks whether everybody is still free before it is asked for and called."""

    def own(call: Callable[[Context, Mapping[str, Any]], Awaitable[Any]]) -> Any:
        async def called(context: Context, values: Mapping[str, Any]) -> Any:
            told = {name: text for name, text in context.shown.items() if name != CHECKED}
            arguments = {name: value for name, value in values.items() if name != WHO}
            return await call(structs.replace(context, shown=told), arguments)

        return called

    async def checks(context: Context, values: Mapping[str, Any]) -> dict[str, str]:
        people = [str(one) for one in values.get(WHO, ())]
        begins = datetime.fromisoformat(str(values["begins"]))
        ends = begins + timedelta(minutes=int(values["lasting"]))
        await calendars.refreshed(people, RECHECK)
        if busy := await asyncio.to_thread(calendars.busy, people, begins, ends):
            who = " and ".join(busy)
            raise ToolFailure("not_found", f"No longer free on {begins:%d %b at %H:%M}: {who}.")
        return {CHECKED: "Everybody whose calendar may be read is still free."}

    return structs.replace(
        create,
        parameters={"type": "object"},
        call=own(create.call),
        lookup=own(create.lookup) if create.lookup is not None else None,
        shows=own(create.shows) if create.shows is not None else None,
        checks=checks,
    )
