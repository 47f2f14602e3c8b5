"""Acting on what a reading tool finds: a planner writes one call, out of which two steps are made.

"Cancel my first meeting on Friday" is one call of `calendar_cancel` with the words of `calendar_events`: which, when,
with whom. The first step finds the events and is journalled, the second acts on them. So a small model has nothing to
put together; whoever approves sees what was found, and not the words by which it was looked for; and after a crash
the same events are meant, though the first one on Friday may be another by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from msgspec import structs

from pierian.agents.plan import Call, Plan, Step
from pierian.tools import Tool

FOUND = "found"
"""What the name of the step that finds ends in."""


def offered(tool: Tool, tools: Mapping[str, Tool]) -> Tool:
    """The tool as a planner is shown it: with the arguments of the tool that finds what it acts on."""
    finder = tools.get(tool.finds)
    if finder is None:
        return tool
    own, its = _properties(tool), _properties(finder)
    parameters = {
        **tool.parameters,
        "properties": {**its, **{name: schema for name, schema in own.items() if name != tool.found}},
        "required": [name for name in (*_required(finder), *_required(tool)) if name != tool.found],
    }
    if definitions := {**finder.parameters.get("$defs", {}), **tool.parameters.get("$defs", {})}:
        parameters["$defs"] = definitions
    return structs.replace(tool, parameters=parameters)


def in_two_steps(plan: Plan, tools: Mapping[str, Tool], earlier: Sequence[Step] = ()) -> Plan:
    """The plan with a step that finds before each call that acts on what is found.

    A search that stands in the plan already, or among the `earlier` steps of other rounds, is not made again.
    """
    steps = list[Step](earlier)
    for step in plan.steps:
        tool = tools.get(step.tool) if isinstance(step, Call) else None
        finder = tools.get(tool.finds) if tool is not None else None
        if (
            isinstance(step, Call)
            and tool is not None
            and finder is not None
            and tool.found not in step.arguments
        ):
            name, own = f"{step.id}_{FOUND}", _properties(tool)
            looked_for = {key: value for key, value in step.arguments.items() if key not in own}
            if found := _found_before(steps, finder.name, looked_for):
                name = found
            else:
                steps.append(Call(id=name, guard=step.guard, tool=finder.name, arguments=looked_for))
            rest = {key: value for key, value in step.arguments.items() if key in own}
            step = structs.replace(step, arguments={tool.found: f"${name}", **rest})
        steps.append(step)
    return Plan(tuple(steps[len(earlier) :]))


def _found_before(steps: Sequence[Step], finder: str, looked_for: Mapping[str, Any]) -> str:
    """The last search of a plan, where what is meant now says nothing that it did not say."""
    for step in reversed(steps):
        if isinstance(step, Call) and step.tool == finder and step.guard is None:
            return step.id if looked_for.items() <= step.arguments.items() else ""
    return ""


def _properties(tool: Tool) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], tool.parameters.get("properties", {}))


def _required(tool: Tool) -> Sequence[str]:
    return cast(Sequence[str], tool.parameters.get("required", ()))
