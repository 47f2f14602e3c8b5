"""How a model writes a plan: whatever it writes is a plan or a `PlanError`, and what the schema allows is a plan."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agents.desk import a_tool

from pierian.agents.plan import Approve, Call, Choose, Extract, Guard, checked, from_dicts, to_dicts
from pierian.agents.plan_schema import decodable, plan_schema, read_plan
from pierian.exceptions import PlanError
from pierian.testing import example
from pierian.tools import Tool

TOOLS = {name: a_tool(name) for name in ("look", "mail_send")}
NAMES = {"today", "email1"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    ["$s1", "$s2", "$s9", "$today", "look", "mail_send", "yes", "s1 + 1", "1 +", "number", ""]
)
KEYS = st.sampled_from(
    [
        "call",
        "arguments",
        "extract",
        "from",
        "type",
        "compute",
        "choose",
        "branches",
        "when",
        "steps",
        "agent",
        "tools",
        "approve",
    ]
)
NEARLY = st.recursive(
    WORDS | JSON,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


def read(*steps: Any, **more: Any) -> Any:
    return read_plan(msgspec.json.encode({"steps": steps}).decode(), TOOLS, NAMES, **more)


@settings(max_examples=250)
@given(written=st.fixed_dictionaries({"steps": st.lists(NEARLY, max_size=5)}) | JSON)
def test_whatever_is_written_is_a_plan_or_a_plan_error(written: Any) -> None:
    try:
        plan = read_plan(msgspec.json.encode(written).decode(), TOOLS, NAMES)
    except PlanError as error:
        assert str(error)
        return
    assert from_dicts(to_dicts(checked(plan, TOOLS, NAMES))) == plan


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "{",
            "[]",
            "null",
            '{"steps": 3}',
            '{"steps": [[]]}',
            "\ufeff{}",
            '{"steps":' * 3_000,
            "9" * 5_000,
        ),
        '{"steps":[{"call":"look","arguments":{"a":' + "[" * 600 + "]" * 600 + "}}]}",
    ],
)
def test_what_is_no_json_of_a_plan_is_refused(text: str) -> None:
    with pytest.raises(PlanError):
        read_plan(text, TOOLS, NAMES)


def test_branches_become_guards_at_every_depth() -> None:
    inner = {
        "choose": "warm?",
        "from": "$s1",
        "branches": [
            {"when": "warm", "steps": [{"call": "mail_send", "arguments": {}}]},
            {"when": "cold", "steps": []},
        ],
    }
    plan = read(
        {"call": "look", "arguments": {}},
        {
            "choose": "rain?",
            "from": "$s1",
            "branches": [
                {"when": "yes", "steps": [{"extract": "it", "from": "$s1", "type": "text"}, inner]},
                {"when": "no"},
            ],
        },
        {"call": "look", "arguments": {}},
    )
    guards = {step.id: step.guard for step in plan.steps}
    rain = Guard("s2", "yes")
    assert guards == {"s1": None, "s2": None, "s3": rain, "s4": rain, "s5": Guard("s4", "warm"), "s6": None}
    assert [type(step) for step in plan.steps[1:4]] == [Choose, Extract, Choose]


@pytest.mark.parametrize(
    "branches", [[], [{"when": "yes"}], [{"when": "a"}, {"when": "a"}], [{"steps": []}], None]
)
def test_a_choice_needs_two_cases(branches: Any) -> None:
    with pytest.raises(PlanError, match="s2"):
        read({"call": "look", "arguments": {}}, {"choose": "?", "from": "$s1", "branches": branches})


def test_further_rounds_number_on_and_may_use_earlier_steps() -> None:
    earlier = read({"call": "look", "arguments": {}}, {"call": "look", "arguments": {}}).steps
    plan = read({"call": "mail_send", "arguments": {"text": "$s2"}}, earlier=earlier)
    assert [step.id for step in plan.steps] == ["s3"]
    with pytest.raises(PlanError, match=r"\$s4"):
        read({"call": "look", "arguments": {"text": "$s4"}}, earlier=earlier)


def test_dollar_signs_are_taken_out_of_expressions() -> None:
    plan = read({"call": "look", "arguments": {}}, {"compute": "$s1 * 2"})
    assert plan.steps[1] == msgspec.structs.replace(plan.steps[1], expression="s1 * 2")


def test_a_plan_of_any_length_is_counted_before_it_is_carried_out() -> None:
    with pytest.raises(PlanError, match="10,000 steps"):
        read(*[{"call": "look", "arguments": {}}] * 10_000)


def test_what_a_sub_agent_was_given_can_be_read_by_its_steps() -> None:
    schema = plan_schema([*TOOLS.values()])
    for source in ("$s1", "$given_s1", "$given_given_s12", "$given_s1_total", "$s2.Total.0"):
        jsonschema.validate({"steps": [{"extract": "it", "from": source, "type": "text"}]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"steps": [{"extract": "it", "from": "the mail", "type": "text"}]}, schema)


def test_only_the_tools_of_the_task_can_be_named() -> None:
    schema = plan_schema([TOOLS["look"]])
    for step in ({"call": "mail_send", "arguments": {}}, {"agent": "x", "tools": ["mail_send"]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"steps": [step]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(
            {"steps": [{"agent": "x", "tools": ["look"]}]}, plan_schema([TOOLS["look"]], agents=False)
        )


def _schemas() -> st.SearchStrategy[Any]:
    simple = st.sampled_from(
        [
            {"type": "string"},
            {"type": "string", "format": "date", "minLength": 2},
            {"type": "integer", "minimum": 1},
            {"type": "number"},
            {"type": "boolean"},
            {"enum": ["km", "m"]},
            {"const": 3},
            {"type": ["string", "null"]},
            {"$ref": "#/$defs/node"},
            {"$ref": "#/elsewhere"},
            {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            {"allOf": [{"type": "string"}]},
            {},
            True,
        ]
    )
    return st.recursive(
        simple,
        lambda inner: (
            st.fixed_dictionaries({"type": st.just("array"), "items": inner, "maxItems": st.just(2)})
            | _objects(inner)
            | st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)})
        ),
        max_leaves=6,
    )


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["city", "days", "Who", "x-y"])
    return st.fixed_dictionaries(
        {
            "type": st.just("object"),
            "properties": st.dictionaries(names, inner, max_size=3),
            "required": st.lists(names, unique=True, max_size=3),
        }
    )


NODE = {
    "node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "name": {"type": "string"}}}
}


@settings(max_examples=40)
@given(schemas=st.lists(_objects(_schemas()), min_size=1, max_size=3))
def test_every_plan_that_the_schema_allows_reads_back(schemas: list[dict[str, Any]]) -> None:
    tools = [a_tool(f"tool{n}", parameters={**schema, "$defs": NODE}) for n, schema in enumerate(schemas)]
    schema = plan_schema(tools)
    jsonschema.Draft202012Validator.check_schema(schema)
    arguments = [example(decodable(tool.parameters)) for tool in tools]
    steps = [{"call": tool.name, "arguments": given} for tool, given in zip(tools, arguments, strict=True)]
    steps += [{"extract": "it", "from": "$s1", "type": "date"}, {"compute": "s1"}]
    steps += [
        {
            "choose": "?",
            "from": "$s1.x",
            "branches": [{"when": "a", "steps": steps[:1]}, {"when": "b", "steps": []}],
        }
    ]
    steps += [{"agent": "look at $s1", "tools": [tools[0].name]}]
    written = {"steps": steps}
    jsonschema.validate(written, schema)
    plan = read_plan(msgspec.json.encode(written).decode(), {tool.name: tool for tool in tools}, NAMES)
    calls = [step for step in plan.steps if isinstance(step, Call)]
    assert [call.arguments for call in calls[: len(tools)]] == msgspec.json.decode(
        msgspec.json.encode(arguments)
    )


def test_asking_is_a_step_of_plans_and_branches_where_it_is_offered() -> None:
    look = {"call": "look", "arguments": {}}
    branches = [
        {"when": "dear", "steps": [{"approve": "Still buy it?"}, look]},
        {"when": "cheap", "steps": []},
    ]
    for written in (
        [{"approve": "Go on?"}],
        [look, {"choose": "how dear", "from": "$s1", "branches": branches}],
    ):
        jsonschema.validate({"steps": written}, plan_schema([TOOLS["look"]], approves=True))
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"steps": written}, plan_schema([TOOLS["look"]]))
        assert any(isinstance(step, Approve) for step in read(*written).steps)


def test_a_schema_that_doubles_at_each_step_stays_small() -> None:
    wide = {f"p{n}": {"$ref": "#/$defs/node"} for n in range(40)}
    tool = a_tool(
        "wide",
        parameters={
            "type": "object",
            "properties": wide,
            "$defs": {"node": {"type": "object", "properties": wide}},
        },
    )
    assert len(msgspec.json.encode(plan_schema([tool]))) < 300_000


def test_a_repair_is_told_what_was_wrong() -> None:
    with pytest.raises(
        PlanError, match=r"Step s2 refers to \$s7, which is neither an entity nor an earlier step."
    ):
        read({"call": "look", "arguments": {}}, {"call": "look", "arguments": {"text": "$s7"}})


def test_a_step_that_refers_to_itself_means_the_one_before() -> None:
    plan = read({"call": "look", "arguments": {}}, {"call": "look", "arguments": {"text": "$s2.subject"}})
    assert isinstance(plan.steps[1], Call)
    assert plan.steps[1].arguments == {"text": "$s1.subject"}
    with pytest.raises(PlanError):
        read({"call": "look", "arguments": {"text": "$s1"}})


def test_what_has_to_be_found_first_is_the_first_step() -> None:
    schema = plan_schema(list(TOOLS.values()), finders=[TOOLS["look"]])
    written = {
        "find": {"call": "look", "arguments": {}},
        "steps": [{"call": "mail_send", "arguments": {"text": "$s1"}}],
    }
    valid = jsonschema.Draft202012Validator(schema).is_valid
    assert valid(written) and not valid({"steps": written["steps"]})
    plan = read_plan(msgspec.json.encode(written).decode(), TOOLS, ())
    assert [step.tool for step in plan.steps if isinstance(step, Call)] == ["look", "mail_send"]


def test_tools_keep_their_own_words() -> None:
    tool = Tool(
        name="t",
        description="d",
        parameters={"type": "object", "properties": {"unit": {"enum": ["km", "m"]}}, "required": ["unit"]},
        call=TOOLS["look"].call,
        effect="read",
    )
    schema = plan_schema([tool])
    jsonschema.validate({"steps": [{"call": "t", "arguments": {"unit": "km"}}]}, schema)
    for wrong in ({"unit": "feet"}, {}, {"unit": "km", "more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"steps": [{"call": "t", "arguments": wrong}]}, schema)
