"""What reading tools found, told by code: a question about one's own days or mails is answered with what is there.

A small model that is shown an empty list says that one is free. Where all that was planned are calls of tools that
tell of themselves what they found (`Tool.listing`), and the request asks for no more than that, no model writes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pierian.agents.plan import Call
from pierian.agents.progress import Scope
from pierian.tools import Tool

MOST_LINES = 50
"""Of one result; how many more there are is told."""
_COUNTS = re.compile(r"\s*how many\b", re.IGNORECASE)


def told_by_code(request: str, scope: Scope, tools: Mapping[str, Tool]) -> str:
    """The answer as Markdown; empty where a model has to write it."""
    told = list[str]()
    for step in scope.plan.steps:
        progress = scope.steps[step.id]
        listing = tools[step.tool].listing if isinstance(step, Call) and step.tool in tools else None
        if progress.status != "done" or progress.value is None or listing is None:
            return ""
        if not re.match(rf"\s*(?:{listing.answers})", request, re.IGNORECASE):
            return ""
        lines = listing.lines(progress.value.value)
        counted = [f"{len(lines)}:", ""] if _COUNTS.match(request) and len(lines) > 1 else []
        left_out = [f"- … and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
        told.append(
            "\n".join([*counted, *(f"- {line}" for line in lines[:MOST_LINES]), *left_out]) or listing.nothing
        )
    return "\n\n".join(dict.fromkeys(told))


def told_whole(scope: Scope, tools: Mapping[str, Tool]) -> str:
    """What the last step came to whose tool has the whole answer in its value (`Tool.answer_in`), and why it was
    planned again; empty where none has."""
    for number, step in reversed([*enumerate(scope.plan.steps)]):
        tool, state = tools.get(step.tool) if isinstance(step, Call) else None, scope.steps[step.id]
        if tool is not None and tool.answer_in and state.status in ("done", "failed"):
            before = [scope.steps[one.id] for one in scope.plan.steps[:number]]
            again = [f"Planned again: {one.message}" for one in before if one.status == "failed"]
            told = str(state.value.value[tool.answer_in]) if state.value is not None else state.message
            return "\n\n".join([*again, told])
    return ""
