"""Sub-agents: what they are given, how deep they go, what they spend, what becomes of what they were refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.agents.desk import (
    Bench,
    Calls,
    Written,
    a_tool,
    call,
    plan,
    raises,
)

from pierian.agents.plan import Call, Step
from pierian.agents.runner import DEEPEST
from pierian.budget import Amount
from pierian.events import PlanMade, StepFailed
from pierian.tools import ToolFailure


async def test_a_sub_agent_names_what_it_was_given_as_its_task_does() -> None:
    seen: list[Any] = []

    async def echo(**arguments: Any) -> Any:
        seen.append(arguments)
        return arguments

    planner = Written(
        plan(call("look"), {"agent": "echo $s1 and $s1", "tools": ["echo", "look"]}),
        scopes={
            "s2": [plan(call("look"), {"agent": "echo $s1 with $given_s1", "tools": ["echo"]})],
            "s2/s2": [plan(call("echo", a="$given_given_s1", b="$given_s1"))],
        },
    )

    async def look(**arguments: Any) -> str:
        return f"look {len(planner.asked)}"

    await Bench([a_tool("look", does=look), a_tool("echo", does=echo)], planner).run()
    assert [task.request for task, _ in planner.asked] == [
        "do it",
        "echo $given_s1 and $given_s1",
        "echo $given_given_s1 with $given_s1",
    ]
    assert seen == [{"a": "look 2", "b": "look 1"}]


async def test_sub_agents_are_only_so_deep() -> None:
    inner = plan({"agent": "deeper", "tools": ["look"]}, call("look"))
    scopes = {"/".join(["s1"] * depth): [inner] for depth in range(1, 6)}
    planner = Written(inner, scopes=scopes)
    bench = Bench([a_tool("look")], planner)
    await bench.run()
    assert len(bench.recorder.of(PlanMade)) == 1 + DEEPEST
    (failed,) = bench.recorder.of(StepFailed)
    assert (failed.step, failed.code) == ("/".join(["s1"] * (DEEPEST + 1)), "denied")
    assert [task.may_delegate for task, _ in planner.asked] == [True, True, False]


async def test_a_sub_agent_has_no_tools_but_those_that_it_was_given() -> None:
    calls = Calls()
    tools = [calls.tool("send"), a_tool("look")]
    given: list[Step] = [Call(id="s1", tool="send", arguments={})]
    planner = Written(plan({"agent": "look", "tools": ["look"]}))
    planner.scopes = {"s1": [given]}  # type: ignore[dict-item]
    bench = Bench(tools, planner)
    await bench.run()
    assert not calls.seen
    assert bench.step("s1").status == "failed"


async def test_a_sub_agent_spends_its_share_and_gives_back_the_rest() -> None:
    """Two sub-agents may each use a third of what is left, and one that is greedy leaves the other its own."""
    left: dict[str, int | None] = {}

    class Spending(Written):
        async def plan(self, task: Any, so_far: Any, payment: Any) -> Any:
            left[task.scope] = payment.ledger.tokens_left()
            if task.scope == "s1":
                for _ in range(100):
                    payment.ledger.reserve(Amount(100)).settle(Amount(100))  # until its share is used up
            return await super().plan(task, so_far, payment)

    agent = {"agent": "x", "tools": ["look"]}
    bench = Bench(
        [a_tool("look")], Spending(plan(agent, agent), scopes={"s2": [plan(call("look"))]}), tokens=3_000
    )
    scope = await bench.run()
    assert left == {"": 3_000, "s1": 1_000, "s2": 1_000}
    assert (scope.steps["s1"].code, scope.steps["s2"].status) == ("budget", "done")
    assert bench.ledger.tokens_left() == 2_000, "what the second did not use is there again"
    assert bench.ledger.reserved.tokens == 0


@pytest.mark.parametrize("inner", ["denied", "unknown"])
async def test_what_was_refused_inside_a_sub_agent_stops_the_actions_behind_it(inner: Any) -> None:
    calls = Calls()
    tools = [calls.tool("send"), a_tool("book", "spend", raises(ToolFailure(inner, "no"))), a_tool("look")]
    planner = Written(
        plan({"agent": "book it", "tools": ["book", "look"]}, call("send", to="ann")),
        scopes={"s1": [plan(call("look"), call("book"))]},
    )
    bench = Bench(tools, planner, request="book it and mail ann", rules=["allow book"])
    await bench.run()
    assert bench.step("s1").code == inner
    assert not calls.seen and bench.step("s2").status == "skipped"
    assert len([1 for task, _ in planner.asked if not task.scope]) == 1, "no further plan gets around a no"
