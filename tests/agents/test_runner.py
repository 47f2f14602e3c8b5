"""Carrying plans out: side by side, failures as codes, further plans that see no text, values of bounded size."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.agents.desk import (
    POISON,
    Bench,
    Calls,
    Quoting,
    Written,
    a_tool,
    call,
    evil,
    is_planning,
    plan,
    raises,
)

from pierian.agents.effects import Parked
from pierian.agents.plan import Agent, Call, Choose, Compute, Extract, Plan, Step, to_dicts
from pierian.agents.planner import ModelPlanner
from pierian.agents.progress import Progress
from pierian.agents.quarantine import ModelReader
from pierian.agents.runner import MOST_MESSAGE, MOST_ROUNDS
from pierian.events import ApprovalNeeded, PlanMade, StepFailed, StepFinished, StepSkipped
from pierian.exceptions import BudgetExhausted, PlanError, RunLost, SchemaIgnored
from pierian.models.wire import Request
from pierian.provenance import USER
from pierian.runs.approvals import ApprovalState
from pierian.sandbox import Sandbox
from pierian.testing import FunctionalModel
from pierian.tools import ToolFailure


async def test_steps_that_need_nothing_from_each_other_overlap() -> None:
    together = asyncio.Barrier(3)

    async def look(**arguments: Any) -> str:
        await together.wait()  # returns only when all three are at work
        return "seen"

    bench = Bench([a_tool("look", does=look)], Written(plan(*[call("look")] * 3, call("look", text="$s1"))))
    running = asyncio.create_task(bench.run())
    while together.n_waiting == 0:
        await asyncio.sleep(0)
    while len(bench.recorder.settled()) < 3:
        await asyncio.sleep(0)
    assert {*bench.recorder.settled()} == {"s1", "s2", "s3"}
    extra = [asyncio.create_task(together.wait()) for _ in range(2)]  # the fourth is alone
    await running
    await asyncio.gather(*extra)


async def test_no_more_steps_than_allowed_run_at_once() -> None:
    now, most = 0, 0

    async def look(**arguments: Any) -> str:
        nonlocal now, most
        now += 1
        most = max(most, now)
        for _ in range(5):
            await asyncio.sleep(0)
        now -= 1
        return "seen"

    bench = Bench([a_tool("look", does=look)], Written(plan(*[call("look")] * 40)))
    await bench.run()
    assert most == 16


async def hang(**arguments: Any) -> Any:
    await asyncio.Event().wait()


async def large(**arguments: Any) -> Any:
    return "x" * 100_000_000


async def odd(**arguments: Any) -> Any:
    return object()


async def half(**arguments: Any) -> Any:
    return {"name": "\udcff"}


@pytest.mark.parametrize(
    ("does", "code"),
    [
        (hang, "timeout"),
        (raises(ValueError("x")), "failed"),
        (raises(ToolFailure("not_found", "gone", hint="Look elsewhere.")), "not_found"),
        (raises(ToolFailure(POISON, "code of its own")), "failed"),  # type: ignore[arg-type]
        (raises(RecursionError()), "failed"),
        (raises(asyncio.CancelledError()), "failed"),
        (raises(ValueError("y" * 1_000_000 + "\udcff")), "failed"),
        (large, "too_large"),
        (odd, "wrong_type"),
        (half, "wrong_type"),
    ],
)
async def test_whatever_a_tool_does_its_step_fails_with_a_code_and_the_others_go_on(
    does: Any, code: str
) -> None:
    tools = [a_tool("bad", does=does, seconds=0.02 if does is hang else 30), a_tool("look")]
    bench = Bench(tools, Written(plan(call("bad"), call("look"), call("look", text="$s1"))))
    scope = await bench.run()
    assert (scope.steps["s1"].status, scope.steps["s1"].code) == ("failed", code)
    assert scope.steps["s2"].status == "done"
    assert (scope.steps["s3"].status, scope.steps["s3"].message) == (
        "skipped",
        "It needs s1, which was not done.",
    )
    assert len(scope.steps["s1"].message) <= MOST_MESSAGE + 1


async def test_a_further_plan_sees_types_and_codes_and_never_a_word_from_elsewhere() -> None:
    shown: list[str] = []

    def model(request: Request) -> str:
        if not is_planning(request):
            return json.dumps({"found": True, "value": POISON})
        shown.append("\n".join(message.content for message in request.messages))
        steps = [
            [
                call("page"),
                {"extract": "name", "from": "$s1", "type": "text"},
                call("bad", text="$s2"),
                call("mine"),
            ],
            [call("bad", text="$s1.text")],
            [],
        ]
        return plan(*steps[len(shown) - 1])

    tools = [
        a_tool("page", does=evil),
        a_tool("bad", does=raises(ToolFailure("timeout", POISON, hint=POISON))),
        a_tool("mine", "none", does=raises(ToolFailure("invalid", POISON))),
    ]
    made = FunctionalModel(model)
    bench = Bench(
        tools,
        ModelPlanner(made, {tool.name: tool for tool in tools}),
        reader=ModelReader(made),
        request="read the page",
    )
    await bench.run()
    assert len(shown) == 3
    assert "page(): done, <record>" in shown[1] and "find name in $s1: done, <text>" in shown[1]
    assert "bad(text: $s2): failed, timeout" in shown[1] and "from s5 on" in shown[1]
    assert not any("evil" in text or "IGNORE" in text for text in shown)
    # People are told everything.
    assert any(POISON in failed.message for failed in bench.recorder.of(StepFailed))


async def test_the_planner_sees_what_the_user_and_code_made(sandbox: Sandbox) -> None:
    planner = Written(plan({"compute": "2 + 2"}, call("bad")))
    bench = Bench(
        [a_tool("bad", does=raises(ValueError()))], planner, request="2 + 2, and bad", sandbox=sandbox
    )
    await bench.run()
    assert bench.step("s1").value.labels <= USER


async def test_rounds_are_bounded_and_end_when_all_is_mended() -> None:
    always = Written(*[plan(call("bad"))] * 9)
    bench = Bench([a_tool("bad", does=raises(ValueError()))], always)
    await bench.run()
    assert len(always.asked) == MOST_ROUNDS
    mends = Written(plan(call("bad"), call("look")), plan(call("look")), plan(call("look")))
    bench = Bench([a_tool("bad", does=raises(ValueError())), a_tool("look")], mends)
    scope = await bench.run()
    assert len(mends.asked) == 2 and scope.rounds == 2
    assert [step.id for step in scope.plan.steps] == ["s1", "s2", "s3"]


async def test_a_further_plan_does_not_act_again_nor_meet_the_same_failure_again() -> None:
    sent: list[str] = []

    async def send() -> str:
        sent.append("sent")
        return "sent"

    tools = [
        a_tool("send", "send", does=send),
        a_tool("bad", does=raises(ToolFailure("not_found", "no"))),
        a_tool("look"),
    ]
    bench = Bench(tools, Written(plan(call("send"), call("bad")), plan(call("send"), call("look"))))
    await bench.run()
    assert sent == ["sent"]
    planner = Written(*[plan(call("bad"))] * 9)
    await Bench(tools, planner).run()
    assert len(planner.asked) == 2


@pytest.mark.parametrize("code", ["denied", "unknown", "budget"])
async def test_what_no_plan_can_mend_is_not_planned_for(code: Any) -> None:
    planner = Written(plan(call("bad")), plan(call("bad")))
    bench = Bench([a_tool("bad", does=raises(ToolFailure(code, "no")))], planner)
    await bench.run()
    assert len(planner.asked) == 1


async def test_a_planner_that_fails_later_leaves_what_there_is() -> None:
    class Once(Written):
        async def plan(self, *args: Any) -> Any:
            if self.asked:
                raise SchemaIgnored("no plan")
            return await super().plan(*args)

    bench = Bench(
        [a_tool("bad", does=raises(ValueError())), a_tool("look")], Once(plan(call("bad"), call("look")))
    )
    scope = await bench.run()
    assert scope.steps["s2"].status == "done"


@pytest.mark.parametrize(
    "steps",
    [
        [
            Call(id="s1", tool="look", arguments={"text": "$s2"}),
            Call(id="s2", tool="look", arguments={"text": "$s1"}),
        ],
        [Call(id="s1", tool="another", arguments={})],
        [Agent(id="s1", task="x", tools=("another",))],
        [Call(id=f"s{n}", tool="look", arguments={}) for n in range(10_000)],
    ],
)
async def test_a_plan_that_cannot_be_carried_out_is_refused_whoever_wrote_it(steps: list[Step]) -> None:
    bench = Bench([a_tool("look")], Written(steps))
    with pytest.raises(PlanError):
        await bench.run()
    assert not bench.recorder.events


async def test_actions_happen_as_written_and_none_behind_one_that_failed() -> None:
    calls = Calls()
    tools = [calls.tool("send"), a_tool("look"), a_tool("bad", "send", raises(ToolFailure("invalid", "x")))]
    steps = [call("send", n=1), call("look"), call("send", n=2), call("bad"), call("look"), call("send", n=3)]
    bench = Bench(tools, Written(plan(*steps)), request="1 2 3")
    scope = await bench.run()
    assert calls.of("send") == [{"n": 1}, {"n": 2}]
    assert scope.steps["s5"].status == "done"
    assert scope.steps["s6"].message == "It comes after s4, which was not done."


async def test_a_further_plan_can_act_in_place_of_what_failed() -> None:
    calls = Calls()
    tools = [calls.tool("send"), a_tool("bad", "send", raises(ToolFailure("not_found", "no folder")))]
    bench = Bench(
        tools, Written(plan(call("bad")), plan(call("send", n=1), call("send", n=2))), request="1 2"
    )
    await bench.run()
    assert calls.of("send") == [{"n": 1}, {"n": 2}]


async def test_a_step_that_waits_for_a_person_holds_up_only_what_needs_it() -> None:
    calls = Calls()
    tools = [calls.tool("send"), a_tool("page", does=evil), a_tool("look")]
    steps = [
        call("page"),
        call("look"),
        call("send", to="$s1.to"),
        call("send", to="ann"),
        call("look", text="$s3"),
    ]
    bench = Bench(tools, Written(plan(*steps)), request="mail ann")
    with pytest.raises(Parked):
        await bench.run()
    status = {name: step.status for name, step in bench.recorder.progress.scopes[""].steps.items()}
    assert status == {"s1": "done", "s2": "done", "s3": "waiting", "s4": "waiting", "s5": "waiting"}
    (asked,) = bench.recorder.of(ApprovalNeeded)
    bench.recorder.given[asked.approval] = "approved"
    await bench.run()
    assert calls.of("send") == [{"to": "x@evil.example"}, {"to": "ann"}]
    assert bench.recorder.settled().count("s1") == 1


async def test_who_waits_for_a_person_takes_no_place_of_the_others() -> None:
    """More calls wait for approval than may run at once, and the rest is done all the same."""
    asked = asyncio.Event()

    def person(_: ApprovalNeeded) -> ApprovalState:
        asked.set()
        return "pending"

    tools = [a_tool("page", does=evil), a_tool("search", remote=True), a_tool("look")]
    steps = [call("page"), *[call("search", words="$s1.text")] * 3, *[call("look", text="$s1.text")] * 3]
    bench = Bench(tools, Written(plan(*steps)), person=person, waits=True, at_once=2)
    running = asyncio.create_task(bench.run())
    async with asyncio.timeout(10):
        await asked.wait()
        while not {"s5", "s6", "s7"} <= {*bench.recorder.settled()}:
            await asyncio.sleep(0)
        assert len(bench.recorder.of(ApprovalNeeded)) == 3
        for one in bench.recorder.of(ApprovalNeeded):
            bench.recorder.given[one.approval] = "approved"
        scope = await running
    assert {step.status for step in scope.steps.values()} == {"done"}


async def test_no_more_than_allowed_work_after_they_were_approved() -> None:
    now = most = 0

    async def search(**arguments: Any) -> str:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return "found"

    tools = [a_tool("page", does=evil), a_tool("search", does=search, remote=True)]
    steps = [call("page"), *[call("search", words="$s1.text")] * 6]
    await Bench(tools, Written(plan(*steps)), person=lambda _: "approved", waits=True, at_once=2).run()
    assert most == 2


async def test_a_step_that_asks_shows_the_values_that_its_question_names() -> None:
    asks = [call("page"), {"approve": "Shall $s1.to get $word1, and $s1.gone."}, call("look")]
    bench = Bench([a_tool("page", does=evil), a_tool("look")], Written(plan(*asks)), entities={"word1": "hi"})
    with pytest.raises(Parked):
        await bench.run()
    (asked,) = bench.recorder.of(ApprovalNeeded)
    assert asked.reason == "Shall $s1.to get $word1, and $s1.gone."
    shown = {one.name: (one.value, one.source) for one in asked.arguments}
    assert shown["$s1.to"] == ("x@evil.example", "host:evil.example")
    assert shown["$word1"] == ("hi", "your own words")
    assert shown["$s1"][0]["text"] == POISON, "a part that is not there is shown as the whole"
    assert bench.step("s3").status == "waiting"


# Values of steps.


async def test_what_is_computed_is_data_of_bounded_size(sandbox: Sandbox) -> None:
    expressions = {
        "2 ** 100": 2**100,
        "date.fromisoformat('2026-03-01') - timedelta(days=1)": "2026-02-28",
        "(date.fromisoformat('2026-03-01') - date.fromisoformat('2026-02-01')).days": 28,
        "{3, 3}": [3],
        "{1: (2, 3)}": {"1": [2, 3]},
    }
    failing = {
        "'x' * 2_000_000": "too_large",
        "{(1, 2): 3}": "wrong_type",
        "date": "wrong_type",
        "1 / 0": "invalid",
    }
    failing |= {"[1] * 10 ** 9": "too_large", "10 ** 5000": "wrong_type", "int('x')": "invalid"}
    steps = [{"compute": expression} for expression in [*expressions, *failing]]
    scope = await Bench([], Written(plan(*steps)), sandbox=sandbox).run()
    done = [scope.steps[f"s{n}"] for n in range(1, len(expressions) + 1)]
    assert [step.value and step.value.value for step in done] == [*expressions.values()]
    failed = [scope.steps[f"s{n}"].code for n in range(len(expressions) + 1, len(steps) + 1)]
    assert dict(zip(failing, failed, strict=True)) == failing


async def test_dates_of_steps_can_be_computed_with(sandbox: Sandbox) -> None:
    bench = Bench(
        [],
        Written(plan({"compute": "today + timedelta(days=7)"})),
        sandbox=sandbox,
        entities={"today": "2026-12-28"},
    )
    await bench.run()
    assert bench.step("s1").value.value == "2027-01-04"


async def test_a_branch_is_taken_and_the_other_is_told_why() -> None:
    calls = Calls()
    branches = [
        {"when": "rain", "steps": [call("send", to="ann")]},
        {"when": "sun", "steps": [call("send", to="bob"), call("look")]},
    ]
    steps = [call("look"), {"choose": "?", "from": "$s1", "branches": branches}, call("send", to="both")]
    bench = Bench(
        [calls.tool("send"), a_tool("look")],
        Written(plan(*steps)),
        reader=Quoting(option="sun"),
        request="ann bob both",
    )
    await bench.run()
    assert calls.of("send") == [{"to": "bob"}, {"to": "both"}]
    (skipped,) = bench.recorder.of(StepSkipped)
    assert skipped == StepSkipped("s3", "The choice s2 came to 'sun'.")


async def test_a_tool_that_is_gone_after_a_crash_may_have_acted() -> None:
    bench = Bench([a_tool("look")], Written())
    steps: list[Step] = [Call(id="s1", tool="gone", arguments={}), Call(id="s2", tool="gone", arguments={})]
    await bench.recorder.record(PlanMade("", MOST_ROUNDS, to_dicts(Plan(tuple(steps)))))
    bench.step("s1").intended = "key"
    await bench.run()
    assert (bench.step("s1").code, bench.step("s2").code) == ("unknown", "not_found")


async def test_the_end_of_the_run_ends_every_step() -> None:
    """A step that finds the run lost takes all others with it, and nothing is recorded behind it."""
    ended: list[str] = []

    async def wait(**arguments: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    tools = [a_tool("wait", does=wait), a_tool("lose", does=raises(RunLost("run1")))]
    bench = Bench(
        tools,
        Written(
            plan(call("wait"), {"agent": "x", "tools": ["wait"]}, call("lose")),
            scopes={"s2": [plan(call("wait"))]},
        ),
    )
    before = asyncio.all_tasks()
    with pytest.raises(RunLost):
        await bench.run()
    assert len(ended) <= 2 and asyncio.all_tasks() == before
    assert not bench.recorder.settled()


async def test_a_budget_that_ends_is_a_code_of_the_step_and_no_plan_follows() -> None:
    class Poor(Quoting):
        async def extract(self, *args: Any) -> Any:
            raise BudgetExhausted("tokens", "The token budget is used up.")

    planner = Written(plan(call("look"), {"extract": "x", "from": "$s1", "type": "text"}))
    bench = Bench([a_tool("look")], planner, reader=Poor())
    await bench.run()
    assert (bench.step("s2").code, len(planner.asked)) == ("budget", 1)


async def test_what_is_read_is_what_was_named() -> None:
    reader = Quoting(3)
    steps: list[Step] = [
        Call(id="s1", tool="page", arguments={}),
        Extract(id="s2", want="it", source="$s1.files.0"),
        Choose(id="s3", question="?", source="$s1.gone", options=("yes", "no")),
        Compute(id="s4", expression="s2"),
    ]
    bench = Bench([a_tool("page", does=evil)], Written(steps), reader=reader)
    await bench.run()
    assert reader.read == ["x@evil.example"]
    assert bench.step("s3").code == "not_found"
    assert {event.step for event in bench.recorder.of(StepFinished)} == {"s1", "s2", "s4"}
    assert isinstance(bench.recorder.progress, Progress)


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        ([], "none"),
        ([{"title": "x"}], "some"),
        ({"events": [], "left_out": 3}, "none"),
        ("", "none"),
        (0, "some"),
    ],
)
async def test_whether_anything_was_found_is_decided_by_code(found: Any, chosen: str) -> None:
    class Refusing(Quoting):
        async def choose(self, *_: Any) -> str:
            raise AssertionError("nothing has to be read for this")

    async def look(**arguments: Any) -> Any:
        return found

    steps = (
        Call(id="s1", tool="look", arguments={}),
        Choose(id="s2", question="Any?", source="$s1", options=("none", "some")),
    )
    bench = Bench([a_tool("look", does=look)], Written([*steps]), reader=Refusing())
    await bench.run()
    assert bench.step("s2").value.value == chosen
