"""The order of steps: nothing before what it needs, actions as they are written, nothing behind one that was refused."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from pierian.agents.plan import Agent, Approve, Call, Choose, Guard, Plan, Step, needs
from pierian.agents.progress import Scope, Status, StepProgress
from pierian.agents.schedule import Schedule, is_action
from pierian.provenance import Labelled


def acts(tool: str) -> bool:
    return tool == "send"


def scope_of(steps: list[Step], first: int = 0) -> Scope:
    return Scope(Plan(tuple(steps)), {}, 1, first, {step.id: StepProgress() for step in steps})


def outcome(scope: Scope, endings: Mapping[str, str | tuple[Status, str]], seed: int = 0) -> list[str]:
    """Settle everything, ready steps in any order; returns what was done or tried, in that order."""
    schedule, waiting, order, settled = Schedule(scope, acts), list[Step](), list[str](), list[str]()
    pick = random.Random(seed)
    while True:
        while (step := schedule.next()) is not None:
            assert step.id not in settled and step not in waiting
            waiting.append(step)
        if not waiting:
            break
        step = waiting.pop(pick.randrange(len(waiting)))
        progress = scope.steps[step.id]
        for name in needs(step):
            assert scope.steps[name].status != "waiting", "before what it needs"
        ending = endings.get(step.id, "done")
        if schedule.obstacle(step):
            progress.status = "skipped"
        elif isinstance(ending, tuple):
            order.append(step.id)
            progress.status, progress.code = ending
        else:
            order.append(step.id)
            progress.status, progress.value = "done", Labelled(ending)
        settled.append(step.id)
        schedule.settled(step.id)
    assert sorted(settled) == sorted(step.id for step in scope.plan.steps if step.id in settled)
    assert all(progress.status != "waiting" for progress in scope.steps.values()), "every step is settled"
    assert len(settled) == len({*settled})
    return order


def send(name: str, guard: Guard | None = None, **arguments: str) -> Call:
    return Call(id=name, guard=guard, tool="send", arguments=arguments)


def look(name: str, **arguments: str) -> Call:
    return Call(id=name, tool="look", arguments=arguments)


def choice(name: str, guard: Guard | None = None) -> Choose:
    return Choose(id=name, guard=guard, question="?", source="$s1", options=("yes", "no"))


@st.composite
def dags(draw: st.DrawFn) -> tuple[list[Step], dict[str, str | tuple[Status, str]]]:
    steps: list[Step] = []
    endings: dict[str, str | tuple[Status, str]] = {}
    for number in range(1, draw(st.integers(1, 10)) + 1):
        name = f"s{number}"
        used = draw(st.lists(st.sampled_from(steps), max_size=2)) if steps else []
        arguments = {f"a{n}": f"${step.id}" for n, step in enumerate(used)}
        choices = [step for step in steps if isinstance(step, Choose)]
        chosen = draw(st.sampled_from([None, *choices]))
        guard = Guard(chosen.id, draw(st.sampled_from(chosen.options))) if chosen else None
        kind = draw(
            st.sampled_from(["look", "look", "send", "send", "choose", "approve", "agent", "acting agent"])
        )
        uses = tuple(arguments.values())
        made: dict[str, Step] = {
            "look": Call(id=name, guard=guard, tool="look", arguments=arguments),
            "send": Call(id=name, guard=guard, tool="send", arguments=arguments),
            "choose": Choose(
                id=name, guard=guard, question="?", source=[*uses, "$s1"][0], options=("yes", "no")
            ),
            "approve": Approve(id=name, guard=guard, message="?"),
            "agent": Agent(id=name, guard=guard, task="t", tools=("look",), uses=uses),
            "acting agent": Agent(id=name, guard=guard, task="t", tools=("look", "send"), uses=uses),
        }
        step = made[kind] if kind != "choose" or steps else made["look"]
        steps.append(step)
        good = draw(st.sampled_from(["yes", "no"])) if isinstance(step, Choose) else "done"
        bad = ("failed", draw(st.sampled_from(["denied", "unknown", "timeout"])))
        endings[name] = draw(st.sampled_from([good, good, good, bad]))
    return steps, endings


@settings(max_examples=400)
@given(dag=dags(), seed=st.integers(0, 9))
def test_any_plan_is_carried_out_in_order(
    dag: tuple[list[Step], dict[str, str | tuple[Status, str]]], seed: int
) -> None:
    steps, endings = dag
    scope = scope_of(steps)
    order = outcome(scope, endings, seed)
    actions = [step.id for step in steps if is_action(step, acts)]
    tried = [name for name in order if name in actions]
    assert tried == sorted(tried, key=actions.index), "actions happen as they are written"
    for number, name in enumerate(actions):
        if scope.steps[name].status == "failed":
            assert not {*actions[number + 1 :]} & {*order}, (
                "nothing acts behind an action that failed or was refused"
            )
    for step in steps:
        if step.guard is not None and step.id in order:
            taken = scope.steps[step.guard.choice].value
            assert taken is not None and taken.value == step.guard.option
        if step.id in order:
            assert all(scope.steps[name].status == "done" for name in needs(step))
    # Everything that is written before an action has ended when the action begins, whatever it was.
    for name in tried:
        before = [step.id for step in steps[: [one.id for one in steps].index(name)]]
        assert all(order.index(one) < order.index(name) for one in before if one in order)


def test_the_second_branch_acts_when_the_first_was_not_taken() -> None:
    steps = [
        look("s1"),
        choice("s2"),
        send("s3", Guard("s2", "yes")),
        send("s4", Guard("s2", "no")),
        send("s5"),
    ]
    assert outcome(scope_of(steps), {"s2": "no"}) == ["s1", "s2", "s4", "s5"]
    assert outcome(scope_of(steps), {"s2": "yes"}) == ["s1", "s2", "s3", "s5"]


def test_a_choice_in_a_branch_that_was_not_taken_stands_in_nobodys_way() -> None:
    steps = [
        look("s1"),
        choice("s2"),
        choice("s3", Guard("s2", "yes")),
        send("s4", Guard("s3", "yes")),
        send("s5"),
    ]
    assert outcome(scope_of(steps), {"s2": "no"}) == ["s1", "s2", "s5"]


def test_a_failure_before_a_branch_that_was_not_taken_still_counts() -> None:
    steps = [look("s1"), send("s2"), choice("s3"), send("s4", Guard("s3", "yes")), send("s5")]
    assert outcome(scope_of(steps), {"s2": ("failed", "timeout"), "s3": "no"}) == ["s1", "s2", "s3"]


def test_what_waits_for_a_yes_is_not_read_before_it() -> None:
    steps: list[Step] = [look("s1"), Approve(id="s2", message="?"), look("s3"), send("s4")]
    assert outcome(scope_of(steps), {"s2": ("failed", "denied")}) == ["s1", "s2"]


def test_a_sub_agent_with_a_tool_that_acts_is_an_action() -> None:
    steps: list[Step] = [
        send("s1"),
        Agent(id="s2", task="t", tools=("send",)),
        Agent(id="s3", task="t", tools=("look",)),
    ]
    assert set(outcome(scope_of(steps), {"s1": ("failed", "denied")})) == {"s1", "s3"}


def test_reads_do_not_wait_for_each_other() -> None:
    schedule = Schedule(scope_of([look("s1"), look("s2"), look("s3", text="$s1")]), acts)
    ready = [schedule.next(), schedule.next(), schedule.next()]
    assert [step.id if step else None for step in ready] == ["s1", "s2", None]


def test_a_further_plan_may_act_after_what_it_was_made_to_mend_but_not_after_a_no() -> None:
    for code, expected in (("not_found", ["s3", "s4"]), ("denied", []), ("unknown", []), ("budget", [])):
        steps: list[Step] = [send("s1"), send("s2"), send("s3"), send("s4")]
        scope = scope_of(steps, first=2)
        scope.steps["s1"] = StepProgress("failed", code=code)
        scope.steps["s2"] = StepProgress("skipped")
        assert outcome(scope, {}) == expected, code
        # Within the further plan the rule holds again.
        scope = scope_of(steps, first=2)
        scope.steps["s1"], scope.steps["s2"] = StepProgress("failed", code=code), StepProgress("skipped")
        assert "s4" not in outcome(scope, {"s3": ("failed", "timeout")})


def test_what_was_settled_before_a_crash_is_not_done_again() -> None:
    scope = scope_of([look("s1"), send("s2"), send("s3", text="$s2")])
    scope.steps["s1"] = StepProgress("done", Labelled("a"))
    scope.steps["s2"] = StepProgress("done", Labelled("b"))
    assert outcome(scope, {}) == ["s3"]


def test_five_thousand_steps_are_put_in_order_at_once() -> None:
    steps: list[Step] = [send(f"s{n}") if n % 2 else look(f"s{n}") for n in range(5_000)]
    assert len(outcome(scope_of(steps), {})) == 5_000
