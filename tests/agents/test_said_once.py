"""What a request says once is not looked for and written at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pierian.agents.plan import Call, Plan
from pierian.agents.said_once import said_once
from pierian.provenance import USER, Labelled
from pierian.tools import Tool

WORDS = {"type": "string", "words": "always"}


async def nothing(*_: Any) -> None:
    """A tool that is not called."""


def made(name: str, effect: Any, required: tuple[str, ...], finds: str = "", **properties: Any) -> Tool:
    schema = {"type": "object", "properties": properties, "required": [*required]}
    return Tool(name=name, description=name, parameters=schema, effect=effect, call=nothing, finds=finds)


TOOLS = {
    one.name: one
    for one in (
        made("events", "read", (), called=WORDS),
        made("rename", "write", ("title",), "events", title=WORDS, called=WORDS | {"stands": r"next (\w+ )meeting"}),
        made("send", "send", ("subject",), subject=WORDS),
    )
}  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "steps", "left"),
    [
        (
            "Rename the next sync meeting to Stand-up.",
            [("rename", {"title": "stand-up", "called": "Stand-Up"})],
            [{"title": "stand-up", "called": "sync"}],
        ),
        (
            "Rename it to Stand-up.",
            [("rename", {"title": "stand-up", "called": "stand-up"})],
            [{"title": "stand-up"}],
        ),
        (
            "If I have no meeting, send a mail titled 'Lunch?'",
            [("events", {"called": "$quote1"}), ("send", {"subject": "$quote1"})],
            [{}, {"subject": "$quote1"}],
        ),
        (
            "Is there a meeting 'Lunch?' If not, send a mail titled 'Lunch?'",
            [("events", {"called": "$quote1"}), ("send", {"subject": "$quote1"})],
            [{"called": "$quote1"}, {"subject": "$quote1"}],
        ),
        (
            "Find the review and send 'Hello'.",
            [("events", {"called": "review"}), ("send", {"subject": "Hello"})],
            [{"called": "review"}, {"subject": "Hello"}],
        ),
    ],
)
def test_what_is_written_is_not_looked_for(
    request_: str, steps: list[tuple[str, Mapping[str, Any]]], left: list[Mapping[str, Any]]
) -> None:
    plan = Plan(tuple(Call(id=f"s{n}", tool=name, arguments=given) for n, (name, given) in enumerate(steps)))
    named = {"quote1": Labelled("Lunch?", USER)}
    kept = said_once(plan, TOOLS, request_, named)
    assert [step.arguments for step in kept.steps if isinstance(step, Call)] == left
