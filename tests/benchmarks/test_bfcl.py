"""Tool calls measured: what the arms are shown, how what they say is read and scored, and whole runs that go on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest

from benchmarks import bfcl, bfcl_peers, rows
from pierian.exceptions import RunError, SchemaIgnored, UserError
from pierian.models.model import Model
from pierian.models.wire import Message, Request
from pierian.testing import FunctionalModel, serve_in_thread

AREA: dict[str, Any] = {
    "name": "geometry.area",
    "description": "The area of a triangle.",
    "parameters": {
        "type": "dict",
        "properties": {
            "base": {"type": "float", "description": "In metres."},
            "corner": {"type": "tuple", "items": {"type": "float"}, "description": "Where it lies."},
            "units": {"type": "array", "items": {"type": "string"}, "enum": ["m", "cm"]},
            "note": {"type": "any", "description": "Anything.", "optional": True},
            "paint": {"type": "dict", "properties": {"colour": {"type": "string"}}, "required": ["colour"]},
            "tags": {"type": "dict", "description": "Free."},
        },
        "required": ["base"],
    },
}
ITEM = bfcl.Item(
    "simple_python_7", "simple_python", "Area of base 3?", [AREA], [{"geometry.area": {"base": [3.0]}}]
)
NOTHING = bfcl.Item("irrelevance_1", "irrelevance", "Who wrote Faust?", [AREA], [])
RIGHT = {"name": "geometry_area", "arguments": {"base": 3}}


def test_functions_become_json_schemas_that_every_framework_takes() -> None:
    tool = bfcl.tool_of(AREA)
    assert tool["name"] == "geometry_area"
    assert tool["description"].startswith("The area of a triangle.")
    jsonschema.Draft202012Validator.check_schema(tool["parameters"])
    properties = tool["parameters"]["properties"]
    assert tool["parameters"]["type"] == "object"
    assert properties["base"]["type"] == "number"
    assert properties["corner"] == {
        "type": "array",
        "items": {"type": "number", "description": "This is a float type value."},
        "description": "Where it lies.",
    }
    assert properties["units"] == {"type": "array", "items": {"type": "string", "enum": ["m", "cm"]}}
    assert properties["note"] == {"type": "string", "description": "Anything."}
    assert properties["paint"]["properties"]["colour"] == {"type": "string"}
    assert "additionalProperties" not in json.dumps(tool)  # as the leaderboard shows it
    assert AREA["parameters"]["type"] == "dict"  # and what the checker needs is as it was


def test_calls_get_the_leaderboards_names_back() -> None:
    made_up: bfcl.Call = {"name": "no_such", "arguments": {}}
    assert [call["name"] for call in bfcl.calls_back(ITEM, [RIGHT, made_up])] == ["geometry.area", "no_such"]


@pytest.mark.parametrize(
    ("arguments", "fits"),
    [
        ({"base": 3}, True),
        ({"base": 3.5, "corner": [1, 2.5], "units": ["m"], "tags": {"any": 1}}, True),
        ({}, False),
        ({"base": "3"}, False),
        ({"base": 3, "hight": 2}, False),
        ({"base": 3, "units": ["km"]}, False),
        ({"base": 3, "paint": {"colour": "red", "gloss": True}}, False),
    ],
)
def test_a_call_is_well_formed_when_its_schema_allows_it(arguments: dict[str, Any], fits: bool) -> None:
    assert bfcl.well_formed(ITEM, [{"name": "geometry.area", "arguments": arguments}]) is fits


def test_an_answer_is_well_formed_with_a_call_where_one_is_due() -> None:
    assert not bfcl.well_formed(ITEM, [])
    assert bfcl.well_formed(NOTHING, [])
    assert not bfcl.well_formed(ITEM, [{"name": "no_such", "arguments": {"base": 3}}])


BLOCK = '<tool_call>\n{"name": "geometry_area", "arguments": {"base": 3}}\n</tool_call>'


@pytest.mark.parametrize(
    ("text", "strict", "lenient"),
    [
        (BLOCK, 1, 1),
        (f"Let me see.\n{BLOCK}\n{BLOCK}", 2, 2),
        ("<tool_call>\n{broken\n</tool_call>", 0, 0),
        ('```json\n{"name": "geometry_area", "arguments": {"base": 3}}\n```', 0, 1),
        ('{{"name": "geometry_area", "arguments": {"base": 3}}}', 0, 1),
        ('[{"name": "geometry_area", "parameters": {"base": 3}}, {"name": "Ada"}]', 0, 1),
        ('{"type": "function", "function": {"name": "geometry_area", "arguments": {"base": 3}}}', 0, 1),
        ('{"name": "outer", "arguments": {"name": "inner", "arguments": {}}}', 0, 1),
        ("There is no such function {for} that [at all.", 0, 0),
    ],
)
def test_calls_are_read_from_text_strictly_and_leniently(text: str, strict: int, lenient: int) -> None:
    assert (len(bfcl.strict_calls(text)), len(bfcl.lenient_calls(text))) == (strict, lenient)


async def test_the_native_arm_is_shown_tools_the_way_its_template_shows_them() -> None:
    asked: list[Request] = []

    def reply(request: Request) -> str:
        asked.append(request)
        return BLOCK

    row = await bfcl.native(FunctionalModel(reply), ITEM, bfcl.strict_calls)
    assert row["calls"] == [RIGHT]
    (request,) = asked
    system, user = request.messages
    shown = system.content.split("<tools>\n")[1].split("\n</tools>")[0]
    assert json.loads(shown) == {"type": "function", "function": bfcl.tool_of(AREA)}
    assert '{"name": <function-name>, "arguments": <args-json-object>}' in system.content
    assert user == Message("user", "Area of base 3?")
    assert (request.temperature, request.max_tokens, request.schema) == (0.0, bfcl.MOST_TOKENS, None)


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checker that only compares names and arguments, where the leaderboard's is not installed."""

    def check(item: bfcl.Item, calls: list[dict[str, Any]]) -> dict[str, Any]:
        ((name, allowed),) = item.answers[0].items()
        right = len(calls) == 1 and all(calls[0][name][k] in v for k, v in allowed.items())
        return {"valid": right, "error_type": "value_error:others"}

    monkeypatch.setattr(bfcl, "checker", lambda: check)


@pytest.mark.usefixtures("verdicts")
def test_rows_say_what_was_right_and_what_was_wrong() -> None:
    def row(item: bfcl.Item, *calls: Any) -> dict[str, Any]:
        return bfcl.finished_row(item, {"calls": list(calls), "failure": "", "tokens": 5})

    right = row(ITEM, RIGHT)
    assert (right["correct"], right["wrong"], right["well_formed"], right["tokens"]) == (True, "", True, 5)
    wrong = row(ITEM, {"name": "geometry_area", "arguments": {"base": 4}})
    assert (wrong["correct"], wrong["wrong"], wrong["well_formed"]) == (False, "value_error:others", True)
    surprised = row(ITEM, {"name": "no_such", "arguments": {}})  # the double raises, as the real one may
    assert (surprised["correct"], surprised["wrong"]) == (False, "checker_raised:KeyError")
    assert row(NOTHING)["correct"]
    assert not row(NOTHING, RIGHT)["correct"]


@pytest.mark.usefixtures("verdicts")
@pytest.mark.parametrize("call", [{"name": "geometry_area"}, {"name": 1, "arguments": {}}, "area(3)", None])
def test_what_is_no_call_makes_the_answer_unreadable(call: Any) -> None:
    row = bfcl.finished_row(ITEM, {"calls": [RIGHT, call], "failure": ""})
    assert (row["correct"], row["calls"], row["well_formed"]) == (False, [], False)
    assert row["failure"].startswith("not calls")


async def test_our_tokens_are_counted_over_all_calls_of_an_item() -> None:
    model = bfcl.CountingModel(FunctionalModel(lambda _: "one two three"))

    async def plan(question: str, functions: list[dict[str, Any]]) -> list[bfcl.Call]:
        assert (question, functions) == (ITEM.question, ITEM.tools)
        for _ in range(2):
            await bfcl.complete(model, Request(messages=(Message("user", question),), max_tokens=9))
        return [RIGHT]

    row = await bfcl.ours(plan, ITEM)
    assert (row["calls"], row["tokens"], row["requests"]) == ([RIGHT], 6, 2)


async def test_a_plan_that_cannot_be_made_is_an_answer_and_a_dead_engine_is_none() -> None:
    async def ignored(question: str, functions: list[dict[str, Any]]) -> list[bfcl.Call]:
        raise SchemaIgnored("Not what the schema asks for.")

    async def dead(question: str, functions: list[dict[str, Any]]) -> list[bfcl.Call]:
        raise RunError("The engine is gone.")

    assert (await bfcl.ours(ignored, ITEM))["failure"] == "SchemaIgnored: Not what the schema asks for."
    with pytest.raises(RunError):
        await bfcl.ours(dead, ITEM)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """A folder in the leaderboard's form, with more items than are ever taken."""
    (tmp_path / "possible_answer").mkdir()
    for category in bfcl.CATEGORIES:
        ids = [f"{category}_{n}" for n in range(130)]
        asked = [[{"role": "user", "content": "Area of base 3?"}]]
        lines = [json.dumps({"id": i, "question": asked, "function": [AREA]}) for i in ids]
        (tmp_path / f"BFCL_v4_{category}.json").write_text("\n".join(lines))
        if category != "irrelevance":
            answers = [json.dumps({"id": i, "ground_truth": ITEM.answers}) for i in ids]
            (tmp_path / "possible_answer" / f"BFCL_v4_{category}.json").write_text("\n".join(answers))
    return tmp_path


def test_samples_are_the_same_every_time_and_parts_do_not_meet(questions: Path) -> None:
    def ids(part: str, limit: int) -> list[str]:
        return [item.id for item in bfcl.load_items(part, limit, questions)]

    test = ids("test", 100)
    assert len(test) == len(set(test)) == 500
    assert ids("test", 100) == test
    assert ids("test", 10) == test[:50]  # a smaller sample is a beginning of a larger one, categories in turn
    assert [item.category for item in bfcl.load_items("test", 2, questions)] == list(bfcl.CATEGORIES) * 2
    assert len(ids("dev", 100)) == 150 and not set(ids("dev", 100)) & set(test)
    assert all(
        bool(i.answers) == (i.category != "irrelevance") for i in bfcl.load_items("test", 3, questions)
    )


Measure = Callable[..., dict[str, Any]]


@pytest.fixture
def measure(
    tmp_path: Path,
    questions: Path,
    verdicts: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Measure:
    """Runs the command on two items of each category and gives its report."""
    monkeypatch.setattr(bfcl, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(bfcl, "CACHE", tmp_path / "cache" / "calls.db")
    load = bfcl.load_items

    def load_here(part: str, limit: int) -> list[bfcl.Item]:
        return load(part, limit, questions)

    monkeypatch.setattr(bfcl, "load_items", load_here)

    def run(base_url: str, *options: str) -> dict[str, Any]:
        monkeypatch.setattr("sys.argv", ["bfcl", "--limit", "2", "--base-url", base_url, *options])
        assert bfcl.main() == 0
        return json.loads(capsys.readouterr().out)

    return run


def planner(model: Model) -> bfcl.Plan:
    """What `--planner` names in these tests."""

    async def plan(question: str, functions: list[dict[str, Any]]) -> list[bfcl.Call]:
        request = Request(messages=(Message("user", question),), max_tokens=50)
        return json.loads((await bfcl.complete(model, request))["text"])

    return plan


def test_arms_are_run_once_and_compared_pair_by_pair(measure: Measure) -> None:
    def reply(request: Request) -> str:
        return json.dumps([RIGHT]) if request.messages[0].role == "user" else "I would call the area."

    ours = ("--arm", "ours", "--planner", f"{__name__}:planner")
    with serve_in_thread(FunctionalModel(reply, embedded=False)) as server:
        native = measure(server.base_url, "--arm", "native")
        assert native["all"]["items"] == 10
        assert native["all"]["correct"] == native["irrelevance"]["correct"] == 2
        assert native["all"]["well_formed"] == 2
        asked = len(server.bodies)
        measure(server.base_url, "--arm", "native")  # all there
        measure(server.base_url, "--arm", "native_lenient")  # the same calls, from the cache
        assert len(server.bodies) == asked
        other = bfcl.RESULTS / "bfcl-test-native.jsonl.gz"
        found = measure(server.base_url, *ours, "--against", str(other))
    assert found["simple_python"]["correct"] == 2
    assert found["all"]["correct"] == 8  # it called where nothing was to be called
    assert found["all"]["well_formed"] == 10
    assert found["all"]["against"]["items"] == 10
    assert found["all"]["against"]["points"] == 60.0
    assert found["irrelevance"]["against"]["points"] == -100.0
    row = rows.read(bfcl.RESULTS / "bfcl-test-ours.jsonl.gz")[0]
    assert row["calls"] == [{"name": "geometry.area", "arguments": {"base": 3}}]
    assert row["requests"] == 1 and row["tokens"] > 0 and row["prompt_tokens"] > 0


PEER = """
import json, os, sys
for line in sys.stdin:
    task = json.loads(line)
    if task["question"] == "die":
        sys.exit("ModuleNotFoundError: no such framework")
    name = task["functions"][0]["name"]
    print(json.dumps({"calls": [{"name": name, "arguments": {"key": os.environ["BFCL_PEER_KEY"]}}],
                      "failure": "no server", "broken": task["question"] == "broken"}), flush=True)
"""


async def test_peers_answer_in_processes_of_their_own() -> None:
    functions = ITEM.tools
    async with bfcl_peers.Workers([sys.executable, "-c", PEER], "secret", 2) as workers:
        for _ in range(3):
            row = await workers.answer("hello", functions)
            assert row["calls"] == [{"name": "geometry_area", "arguments": {"key": "secret"}}]
        with pytest.raises(RunError, match="could not reach the model: no server"):
            await workers.answer("broken", functions)
    async with bfcl_peers.Workers([sys.executable, "-c", PEER], "", 1) as workers:
        with pytest.raises(RunError, match="no such framework"):
            await workers.answer("die", functions)


def test_what_the_server_counted_is_added_up() -> None:
    wire = bfcl_peers.Wire()
    usage = {"prompt_tokens": 90, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 64}}
    wire.note(200, {"choices": [{"message": {"content": "Ja."}}], "usage": usage})
    wire.note(200, {"choices": [{"message": {"content": "Nein."}}], "usage": {"completion_tokens": 2}})
    wire.note(500, {"error": {"message": "Failed to parse input"}})
    assert (wire.tokens, wire.prompt_tokens, wire.cached_tokens, wire.requests) == (22, 90, 64, 3)
    assert "Ja." in wire.text and "Nein." in wire.text
    assert wire.refusals == ['500: {"error": {"message": "Failed to parse input"}}']


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        return None

    monkeypatch.setattr("importlib.util.find_spec", nothing)
    with pytest.raises(UserError) as caught:
        bfcl.load_items("test", 1)
    assert "pip install" in caught.value.hint


def answer_of(item: bfcl.Item) -> list[bfcl.Call]:
    """The calls that the leaderboard holds for right, the first of what is allowed, what may be left out left out."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return chosen(cast("dict[str, list[Any]]", value))
        return [plain(inner) for inner in cast("list[Any]", value)] if isinstance(value, list) else value

    def chosen(allowed: dict[str, list[Any]]) -> dict[str, Any]:
        return {name: plain(values[0]) for name, values in allowed.items() if "" not in values}

    return [{"name": n, "arguments": chosen(a)} for answer in item.answers for n, a in answer.items()]


def test_the_leaderboards_answers_are_right_and_fit_their_schemas() -> None:
    """So no arm is held back by our form of its functions. The few exceptions are slips of the leaderboard's own."""
    pytest.importorskip("bfcl_eval")
    items = [item for item in bfcl.load_items("test", 100) if item.answers]
    assert len(items) == 400
    scored = [bfcl.score(item, answer_of(item))[0] for item in items]
    formed = [bfcl.well_formed(item, answer_of(item)) for item in items]
    assert sum(scored) >= 395 and sum(formed) >= 395
    (simple,) = [item for item in items if item.category == "simple_python"][:1]
    assert bfcl.score(simple, []) == (False, "simple_function_checker:wrong_count")
