"""Calls that act on what a reading tool finds: one for the planner, two steps for the runner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from tests.agents.desk import Bench, Written

from pierian.agents.finding import in_two_steps, offered
from pierian.agents.plan import Call, Guard, Plan
from pierian.agents.planner import signature
from pierian.events import ApprovalNeeded, EffectIntended
from pierian.runs.approvals import ApprovalState
from pierian.tools import Context, Tool, ToolFailure, tool


class Meeting(Struct):
    """What is found."""

    id: int
    title: str


def calendar(*titles: str) -> tuple[dict[str, Tool], list[int]]:
    """Two tools over these meetings, and which were cancelled."""
    cancelled: list[int] = []

    @tool(effect="read", source="calendar:work")
    async def meetings(title: str = "", which: Literal["all", "first"] = "all") -> list[Meeting]:
        """Meetings."""
        found = [Meeting(number, one) for number, one in enumerate(titles) if title in one]
        return found[:1] if which == "first" else found

    async def gone(_: Context, values: Mapping[str, Any]) -> str | None:
        return "cancelled" if values["event"] in cancelled else None

    @tool(effect="send", finds="meetings", found="event", lookup=gone)
    async def cancel(event: int, because: str = "") -> str:
        """Cancel meetings."""
        if "private" in titles[event]:
            raise ToolFailure("denied", "That one is not yours.")
        cancelled.append(event)
        return "cancelled"

    return {one.name: one for one in (meetings, cancel)}, cancelled


def test_a_planner_is_shown_one_call_with_the_words_of_both() -> None:
    tools, _ = calendar()
    shown = signature(offered(tools["cancel"], tools))
    assert shown == "cancel(title?: text, which?: all|first, because?: text) - Cancel meetings."
    assert offered(tools["meetings"], tools) is tools["meetings"]


def test_a_call_becomes_a_step_that_finds_and_one_that_acts() -> None:
    tools, _ = calendar()
    guard = Guard("s1", "none")
    written = Call(id="s2", guard=guard, tool="cancel", arguments={"title": "$quote1", "because": "ill"})
    made = in_two_steps(Plan((written, Call(id="s3", tool="meetings", arguments={}))), tools)
    assert made.steps == (
        Call(id="s2_found", guard=guard, tool="meetings", arguments={"title": "$quote1"}),
        Call(id="s2", guard=guard, tool="cancel", arguments={"event": "$s2_found", "because": "ill"}),
        Call(id="s3", tool="meetings", arguments={}),
    )
    assert in_two_steps(made, tools) == made
    assert in_two_steps(Plan((written,)), tools, made.steps[:1]).steps[-1] == made.steps[1]


async def ran(tools: dict[str, Tool], arguments: dict[str, Any]) -> tuple[Bench, list[ApprovalNeeded]]:
    asked: list[ApprovalNeeded] = []

    def person(needed: ApprovalNeeded) -> ApprovalState:
        asked.append(needed)
        return "approved"

    steps = in_two_steps(Plan((Call(id="s1", tool="cancel", arguments=arguments),)), tools).steps
    bench = Bench(
        [*tools.values()], Written([*steps]), request="cancel the stand-up", person=person, waits=True
    )
    await bench.run()
    return bench, asked


async def test_whoever_approves_sees_what_was_found() -> None:
    tools, cancelled = calendar("stand-up", "review", "stand-up")
    _, (asked,) = await ran(tools, {"title": "stand-up", "which": "first"})
    (shown,) = asked.arguments
    assert (shown.name, shown.value) == ("event", [{"id": 0, "title": "stand-up"}])
    assert shown.source == "calendar:work, your own words"
    assert cancelled == [0]


async def test_nobody_is_asked_about_nothing() -> None:
    tools, cancelled = calendar("review")
    bench, asked = await ran(tools, {"title": "stand-up"})
    assert asked == [] and cancelled == []
    assert bench.step("s1").status == "done"


async def test_one_yes_is_for_all_and_each_is_an_effect_of_its_own() -> None:
    tools, cancelled = calendar("stand-up", "review", "stand-up")
    bench, asked = await ran(tools, {"title": "stand-up"})
    assert len(asked) == 1 and cancelled == [0, 2]
    step = bench.step("s1")
    assert (step.value.value, step.confirmed) == (["cancelled", "cancelled"], True)
    intended = [event for event in bench.recorder.events if isinstance(event, EffectIntended)]
    assert [event.part for event in intended] == ["0", "1"]
    assert len({event.key for event in intended}) == 2


async def test_what_was_done_before_a_crash_is_not_done_again() -> None:
    tools, cancelled = calendar("stand-up", "review", "stand-up")
    bench, _ = await ran(tools, {"title": "stand-up"})
    events = bench.recorder.events
    last = max(at for at, event in enumerate(events) if isinstance(event, EffectIntended))
    again = Bench([*tools.values()], Written(), request="cancel the stand-up", waits=True)
    for event in events[:last]:  # the second effect was not yet about to happen
        again.recorder.progress.apply(event)
    cancelled.remove(2)
    await again.run()
    assert cancelled == [0, 2]


async def test_what_failed_is_told_beside_what_was_done() -> None:
    tools, cancelled = calendar("stand-up", "private stand-up")
    bench, _ = await ran(tools, {"title": "stand-up"})
    step = bench.step("s1")
    assert (step.status, step.value.value) == ("done", ["cancelled", {"id": 1, "failed": "denied"}])
    assert not step.confirmed and cancelled == [0]
    tools, _ = calendar("private stand-up")
    bench, _ = await ran(tools, {"title": "stand-up"})
    assert (bench.step("s1").status, bench.step("s1").code) == ("failed", "denied")
