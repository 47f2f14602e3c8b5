"""Questions that a listing answers are answered by code, and an empty listing says what it means."""

from __future__ import annotations

from typing import Any

import pytest

from pierian.agents.answering import asked
from pierian.agents.plan import Call, Extract, Plan, Step
from pierian.agents.progress import Scope, StepProgress
from pierian.agents.ready_answers import told_by_code
from pierian.provenance import Labelled
from pierian.tools import Tool
from pierian.tools.tool import Listing

LISTING = Listing(
    lines=lambda found: [str(one) for one in found], nothing="There is none.", answers=r"which|how many"
)


async def nothing(*_: Any) -> None:
    """A tool that is not called."""


TOOLS = {
    name: Tool(name=name, description=name, parameters={}, effect="read", call=nothing, listing=listing)
    for name, listing in (("events", LISTING), ("weather", None))
}


def scope(*steps: tuple[Step, Any]) -> Scope:
    made = Scope(Plan(tuple(step for step, _ in steps)))
    for step, value in steps:
        status = "failed" if value is None else "done"
        made.steps[step.id] = StepProgress(
            status=status,
            value=None if value is None else Labelled(value),
            code="not_found" if value is None else "",
        )
    return made


EVENTS = Call(id="s1", tool="events", arguments={})


@pytest.mark.parametrize(
    ("request_", "steps", "told"),
    [
        ("Which meetings?", [(EVENTS, ["Budget", "Lunch"])], "- Budget\n- Lunch"),
        ("How many meetings?", [(EVENTS, ["Budget", "Lunch"])], "2:\n\n- Budget\n- Lunch"),
        ("Which meetings?", [(EVENTS, [])], "There is none."),
        ("Why are there meetings?", [(EVENTS, ["Budget"])], ""),
        ("Which meetings?", [(EVENTS, None)], ""),
        ("Which?", [(EVENTS, ["A"]), (Call(id="s2", tool="weather", arguments={}), ["rain"])], ""),
        ("Which?", [(EVENTS, ["A"]), (Extract(id="s2", want="x", source="$s1"), "x")], ""),
    ],
)
def test_a_listing_answers_what_asks_for_one(request_: str, steps: Any, told: str) -> None:
    assert told_by_code(request_, scope(*steps), TOOLS) == told


def test_a_writer_is_told_what_an_empty_list_means() -> None:
    assert "There is none." in asked("Why?", scope((EVENTS, [])), TOOLS)
