"""What a plan may say: references lead back, names are known, and what is wrong is told in one sentence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pierian.agents.plan import (
    Agent,
    Approve,
    Call,
    Choose,
    Compute,
    Extract,
    Guard,
    Plan,
    Step,
    checked,
    constants,
    describe,
    from_dicts,
    names_of_expression,
    needs,
    to_dicts,
)
from pierian.exceptions import PlanError

TOOLS = {"look", "mail_send"}
NAMES = {"today", "email1"}


def call(name: str, **arguments: Any) -> Call:
    return Call(id=name, tool="look", arguments=arguments)


@pytest.mark.parametrize(
    ("step", "named"),
    [
        (call("s2", text="$s3"), "$s3"),
        (call("s2", text="$s2"), "$s2"),
        (call("s2", text={"deep": ["$nobody.part"]}), "$nobody"),
        (Extract(id="s2", want="it", source="$s2"), "$s2"),
        (Compute(id="s2", expression="s1 + s9"), "$s9"),
        (Agent(id="s2", task="do", tools=("look",), uses=("$s5",)), "$s5"),
        (Approve(id="s2", message="send $s7?"), "$s7"),
        (Call(id="s2", guard=Guard("s4", "yes"), tool="look", arguments={}), "$s4"),
    ],
)
def test_what_is_not_there_yet_is_refused_by_its_name(step: Step, named: str) -> None:
    with pytest.raises(PlanError) as raised:
        checked(Plan((call("s1"), step)), TOOLS, NAMES)
    assert named in str(raised.value) and "s2" in str(raised.value)


def test_what_leads_back_is_allowed() -> None:
    plan = Plan(
        (
            call("s1", text="$email1"),
            Extract(id="s2", want="it", source="$s1.0"),
            Compute(id="s3", expression="sum(x for x in [s2, 1]) + (lambda y: y)(2)"),
            Choose(id="s4", question="?", source="$s3", options=("yes", "no")),
            Call(id="s5", guard=Guard("s4", "yes"), tool="mail_send", arguments={"to": ["$s2"]}),
        )
    )
    assert checked(plan, TOOLS, NAMES) is plan
    assert needs(plan.steps[4]) == {"s4", "s2"}


def test_dates_can_be_computed_with() -> None:
    step = Compute(id="s1", expression="date.fromisoformat('2026-01-01') + timedelta(days=3)")
    assert checked(Plan((step,)), TOOLS, NAMES)


@pytest.mark.parametrize(
    "expression", ["1 +", "import os", "$5 * 2", "\0", "(" * 500 + ")" * 500, "-" * 9_000 + "1"]
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(PlanError):
        names_of_expression(expression)


def test_a_name_that_is_bound_inside_still_needs_no_value() -> None:
    assert names_of_expression("[s1 for s1 in s2]") == {"s2"}


def test_the_literals_of_an_expression_are_found_wherever_they_stand() -> None:
    found = constants("s1 * 2 + len('ab') + (lambda x: x)(f'c{s1}d')")
    assert {str(one) for one in found} == {"2", "ab", "c", "d"}


def test_unknown_tools_are_refused_also_inside_sub_agents() -> None:
    for step in (Call(id="s1", tool="gone", arguments={}), Agent(id="s1", task="x", tools=("look", "gone"))):
        with pytest.raises(PlanError, match="'gone'"):
            checked(Plan((step,)), TOOLS, NAMES)


def test_two_steps_of_one_name_and_a_step_named_as_an_entity_are_refused() -> None:
    for steps in ((call("s1"), call("s1")), (call("email1"),)):
        with pytest.raises(PlanError, match="called"):
            checked(Plan(steps), TOOLS, NAMES)


def test_a_source_that_is_no_reference_is_refused() -> None:
    for step in (
        Extract(id="s2", want="it", source="s1"),
        Choose(id="s2", question="?", source="the mail", options=("yes", "no")),
    ):
        with pytest.raises(PlanError, match="no reference"):
            checked(Plan((call("s1"), step)), TOOLS, NAMES)


def test_ten_thousand_steps_are_refused_with_one_sentence() -> None:
    with pytest.raises(PlanError) as raised:
        checked(Plan(tuple(call(f"s{n}") for n in range(10_000))), TOOLS, NAMES)
    assert str(raised.value) == "The plan has 10,000 steps; 5,000 is the most that is run."
    assert raised.value.hint


def test_what_is_no_step_of_a_journal_is_told() -> None:
    with pytest.raises(PlanError, match="not well formed"):
        from_dicts([{"do": "call", "id": "s1"}])


LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans in which each step may use any step before it."""
    steps: list[Step] = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        name = f"s{number}"
        back = [f"$s{n}" for n in range(1, number)] + ["$today", "$s1.a.0" if number > 1 else "$today.a"]
        choices = [step for step in steps if isinstance(step, Choose)]
        chosen = draw(st.sampled_from([None, *choices]))
        guard = Guard(chosen.id, draw(st.sampled_from(chosen.options))) if chosen else None
        source = draw(st.sampled_from(back))
        kind = draw(st.integers(0, 5))
        value = draw(LITERALS.filter(lambda one: "$" not in repr(one)))
        step: Step = [
            Call(id=name, guard=guard, tool="look", arguments={"a": value, "b": [source]}),
            Extract(id=name, guard=guard, want="it", source=source, type="number"),
            Compute(id=name, guard=guard, expression=" + ".join(one[1:].split(".")[0] for one in back)),
            Choose(id=name, guard=guard, question="?", source=source, options=("yes", "no")),
            Agent(id=name, guard=guard, task="do", tools=("look",), uses=tuple(back[:-2])),
            Approve(id=name, guard=guard, message="sure?"),
        ][kind]
        steps.append(step)
    return Plan(tuple(steps))


@settings(max_examples=150)
@given(plan=plans())
def test_a_plan_is_the_same_after_the_journal(plan: Plan) -> None:
    checked(plan, TOOLS, NAMES)
    assert from_dicts(to_dicts(plan)) == plan
    for step in plan.steps:
        assert describe(step) and needs(step) <= {"today", *(one.id for one in plan.steps)}
