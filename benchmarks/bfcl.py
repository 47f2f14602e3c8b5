"""Tool calls on the Berkeley Function Calling Leaderboard: `python -m benchmarks.bfcl --arm native`.

Fixed samples of five categories (one call, one of several functions, several calls, several of several, none at all),
scored by the leaderboard's own checker. Every arm gets the same questions, the same functions as JSON schemas, the
same engine and the same limit of tokens; only its first step counts, and no function is run. Arms are `ours` (a
planner named by `--planner`), `native` (the model's own tool format in free text, read as strictly as the
leaderboard does), `native_lenient` (the same text, any call in it read) and the frameworks of `bfcl_peers`, run by
`--peers-python`. Each finished item is appended to a compressed JSON Lines file, so that an interrupted run continues
where it was. `--against FILE` compares pairwise with another arm's items.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import importlib
import importlib.util
import json
import random
import re
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

from benchmarks import bfcl_peers, rows
from benchmarks.cache import CachedModel, CallStore
from benchmarks.intervals import wilson
from benchmarks.pace import ITEM, ItemCalls
from benchmarks.peers import complete
from benchmarks.reasoning import CACHE, RESULTS, TIMED, compare, identity_of
from pierian.config import load as load_settings
from pierian.exceptions import (
    BudgetExhausted,
    ContextOverflow,
    PierianError,
    SchemaIgnored,
    UserError,
)
from pierian.models.client import Endpoint, StreamItem
from pierian.models.model import Model, open_model
from pierian.models.wire import Finished, Message, Request

CATEGORIES = ("simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance")
ARMS = ("ours", "native", "native_lenient", *bfcl_peers.FRAMEWORKS)
MOST_TOKENS = 768
"""Of one answer, for every arm. The longest right answer of the five categories takes about 500."""

Call = dict[str, Any]
"""A `name` and its `arguments`."""
Plan = Callable[[str, list[dict[str, Any]]], Awaitable[list[Call]]]
"""A question and the functions (`name`, `description`, `parameters` as JSON schema) to the calls that it asks for."""

TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": "string"}
"""The leaderboard's words for types that JSON schema has other words for. Its checker takes text for `any`."""
HINT = " Note that the provided function is in Python 3 syntax."
"""What the leaderboard adds to every description."""
SYSTEM = """You are Qwen, created by Alibaba Cloud. You are a helpful assistant.

# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""
"""What Qwen's chat template makes of tools. The template in the model's file doubles the braces of the example, by
mistake; here they stand as the leaderboard's own handler for Qwen has them."""


@dataclass(frozen=True, slots=True)
class Item:
    """One question. `answers` are the calls that are right, empty where nothing is to be called."""

    id: str
    category: str
    question: str
    functions: list[dict[str, Any]]
    answers: list[dict[str, Any]]

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The functions as every arm is shown them."""
        return [tool_of(function) for function in self.functions]


def load_items(part: str, limit: int, folder: Path | None = None) -> list[Item]:
    """The same `limit` items of each category every time, a category at a time in turn.

    `test` is what is reported; `dev`, for working on prompts, is what is left over.
    """
    folder = folder or _package() / "data"
    columns: list[list[Item]] = []
    for category in CATEGORIES:
        questions = _json_lines(folder / f"BFCL_v4_{category}.json")
        file = folder / "possible_answer" / f"BFCL_v4_{category}.json"
        answers = {row["id"]: row["ground_truth"] for row in _json_lines(file)} if file.exists() else {}
        random.Random(f"bfcl {category}").shuffle(questions)
        chosen = questions[:100] if part == "test" else questions[100:]
        columns.append([_item(category, row, answers.get(row["id"], [])) for row in chosen[:limit]])
    return [column[at] for at in range(limit) for column in columns if at < len(column)]


def _item(category: str, row: Mapping[str, Any], answers: list[dict[str, Any]]) -> Item:
    (turn,) = row["question"]
    (message,) = turn  # one turn of the user's: so it is in all five categories
    return Item(row["id"], category, message["content"], row["function"], answers)


def _json_lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def _package() -> Path:
    """Where the leaderboard's package lies."""
    found = importlib.util.find_spec("bfcl_eval")
    if found is None or not found.submodule_search_locations:
        raise UserError(
            "The leaderboard's package bfcl-eval is not installed, so there are no questions and no checker.",
            hint="In the project's folder, run `pip install --no-deps --group peers`.",
        )
    return Path(found.submodule_search_locations[0])


def tool_of(function: Mapping[str, Any]) -> dict[str, Any]:
    """A function in the leaderboard's form as one with a JSON schema and a name that every framework takes."""
    return {
        "name": safe_name(function["name"]),
        "description": function["description"] + HINT,
        "parameters": schema_of(function["parameters"]),
    }


def safe_name(name: str) -> str:
    """Without the dots of modules: OpenAI's interface refuses them."""
    return re.sub(r"\W", "_", name)


def schema_of(described: Mapping[str, Any]) -> dict[str, Any]:
    """One type in the leaderboard's form as JSON schema; what is no keyword of JSON schema is left out."""
    schema = {key: value for key, value in described.items() if key != "optional"}
    kind = schema["type"] = TYPES.get(described["type"], described["type"])
    if described["type"] == "float":
        schema["description"] = f"{schema.get('description', '')} This is a float type value.".strip()
    if "properties" in schema:
        schema["properties"] = {name: schema_of(inner) for name, inner in described["properties"].items()}
    if "items" in schema:
        schema["items"] = schema_of(described["items"])
    if kind == "array" and "enum" in schema and not isinstance(schema["enum"][0], list):
        schema["items"] = {**schema.get("items", {}), "enum": schema.pop("enum")}  # it names the elements
    return schema


def calls_back(item: Item, calls: Sequence[Mapping[str, Any]]) -> list[Call]:
    """Calls with the names that the leaderboard knows; a made-up name stays as it is."""
    names = {safe_name(function["name"]): function["name"] for function in item.functions}
    return [{"name": names.get(c["name"], c["name"]), "arguments": c["arguments"]} for c in calls]


def well_formed(item: Item, calls: Sequence[Mapping[str, Any]]) -> bool:
    """Each call names a function and has arguments that its schema allows; and there is a call where one is due."""
    schemas = {function["name"]: closed(schema_of(function["parameters"])) for function in item.functions}
    fit = all(c["name"] in schemas and _allows(schemas[c["name"]], c["arguments"]) for c in calls)
    return fit and (bool(calls) or not item.answers)


def closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with objects that have no other than the named properties."""
    shut = dict(schema)
    if "properties" in schema:
        shut["properties"] = {name: closed(inner) for name, inner in schema["properties"].items()}
        shut["additionalProperties"] = False
    if "items" in schema:
        shut["items"] = closed(schema["items"])
    return shut


def _allows(schema: Mapping[str, Any], value: Any) -> bool:
    import jsonschema

    try:
        jsonschema.validate(value, schema, jsonschema.Draft202012Validator)
    except jsonschema.ValidationError:
        return False
    return True


@functools.cache
def checker() -> Callable[[Item, list[dict[str, Any]]], dict[str, Any]]:
    """The leaderboard's own checker of calls.

    Its table of models, which would load the clients of a dozen companies, is replaced: the checker only looks up
    there whether a model's calls come with dots turned into underscores, and ours were turned back.
    """
    _package()
    table = ModuleType("bfcl_eval.constants.model_config")
    table.__dict__["MODEL_CONFIG_MAPPING"] = defaultdict(lambda: SimpleNamespace(underscore_to_dot=False))
    sys.modules[table.__name__] = table
    checks = importlib.import_module("bfcl_eval.eval_checker.ast_eval.ast_checker").ast_checker
    python = importlib.import_module("bfcl_eval.constants.enums").Language.PYTHON
    return lambda item, calls: checks(item.functions, calls, item.answers, python, item.category, "-")


def score(item: Item, calls: Sequence[Mapping[str, Any]]) -> tuple[bool, str]:
    """Whether the calls are right, and if not the checker's word for what is wrong."""
    if not item.answers:
        return (False, "irrelevance_error:called") if calls else (True, "")
    said = [{c["name"]: c["arguments"]} for c in calls]
    try:
        verdict = checker()(item, said)
    except Exception as error:  # noqa: BLE001 - other people's code, which some shapes of arguments take by surprise
        return False, f"checker_raised:{type(error).__name__}"
    return bool(verdict["valid"]), "" if verdict["valid"] else str(verdict["error_type"])


def strict_calls(text: str) -> list[Any]:
    """Calls as the leaderboard's handler for Qwen finds them: whole blocks; what is not JSON is passed over."""
    found: list[Any] = []
    for block in re.findall(r"<tool_call>\n(.*?)\n</tool_call>", text, re.DOTALL):
        with contextlib.suppress(ValueError):
            found.append(json.loads(block))
    return found


def lenient_calls(text: str) -> list[Any]:
    """Every JSON object in the text that has a name and arguments, whatever stands around it."""
    found: list[Any] = []
    at = 0
    while (at := min((i for i in (text.find("{", at), text.find("[", at)) if i >= 0), default=-1)) >= 0:
        try:
            value, at = json.JSONDecoder().raw_decode(text, at)
        except ValueError:
            at += 1
        else:
            found += _calls_within(value)
    return found


def _calls_within(value: Any) -> Iterator[Call]:
    if isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from _calls_within(inner)
    elif isinstance(value, dict):
        known = cast("dict[str, Any]", value)
        given = known.get("arguments", known.get("parameters"))
        if isinstance(known.get("name"), str) and isinstance(given, dict):
            yield {"name": known["name"], "arguments": given}
        else:
            yield from _calls_within(list(known.values()))


async def native(model: Model, item: Item, read: Callable[[str], list[Any]]) -> dict[str, Any]:
    """The model's own format for tools, in free text."""
    tools = "\n".join(json.dumps({"type": "function", "function": t}, ensure_ascii=False) for t in item.tools)
    messages = (Message("system", SYSTEM.format(tools=tools)), Message("user", item.question))
    row = await complete(model, Request(messages=messages, max_tokens=MOST_TOKENS))
    kept = ("text", "tokens", "prompt_tokens", "cached_tokens", "cut_short")
    return {key: row[key] for key in kept} | {"calls": read(row["text"]), "failure": ""}


class Spent:
    """The tokens of one item."""

    def __init__(self) -> None:
        self.tokens = self.prompt_tokens = self.cached_tokens = self.requests = 0


SPENT: ContextVar[Spent] = ContextVar("spent")
"""Of the item in progress; tasks that a planner starts inherit it."""


class CountingModel(Model):
    """A model that adds up what each item spends on it."""

    def __init__(self, inner: Model) -> None:
        # Deliberately without Model.__init__: the inner model has the connections.
        self.name, self.profile, self.slots = inner.name, inner.profile, inner.slots
        self._inner = inner

    @property
    def endpoint(self) -> Endpoint:
        """Where the inner model answers."""
        return self._inner.endpoint

    @property
    def embedded(self) -> bool:
        """As the inner model."""
        return self._inner.embedded

    async def stream(self, request: Request) -> AsyncGenerator[StreamItem]:
        """As the inner model, counted at its end."""
        async with contextlib.aclosing(self._inner.stream(request)) as items:
            async for item in items:
                if isinstance(item, Finished):
                    spent = SPENT.get()
                    spent.requests += 1
                    spent.tokens += item.usage.completion_tokens
                    spent.prompt_tokens += item.usage.prompt_tokens
                    spent.cached_tokens += item.usage.cached_tokens
                yield item

    async def recover(self, error: Any) -> str:
        """As the inner model."""
        return await self._inner.recover(error)

    async def close(self) -> None:
        """Nothing of its own to close."""


async def ours(plan: Plan, item: Item) -> dict[str, Any]:
    """Our planner. A plan that could not be made is its answer; an engine that does not answer is not."""
    spent, calls, failure = Spent(), list[Any](), ""
    SPENT.set(spent)
    try:
        calls = await plan(item.question, item.tools)
    except (BudgetExhausted, ContextOverflow, SchemaIgnored) as error:
        failure = f"{type(error).__name__}: {error}"
    return {"calls": calls, "failure": failure, "text": ""} | vars(spent)


def finished_row(item: Item, found: dict[str, Any]) -> dict[str, Any]:
    """A row: what the arm gave, read and scored. Calls that are none make the whole answer unreadable."""
    calls: list[Any] = found.pop("calls")
    if not all(_is_call(call) for call in calls):
        found["failure"] = found["failure"] or f"not calls: {json.dumps(calls, default=str)[:500]}"
        calls = []
    calls = calls_back(item, calls)
    correct, wrong = score(item, calls)
    row = {"id": item.id, "group": item.category, "correct": correct, "wrong": wrong, "calls": calls}
    return row | {"well_formed": well_formed(item, calls)} | found


def _is_call(call: Any) -> bool:
    if not isinstance(call, dict):
        return False
    known = cast("dict[str, Any]", call)
    return isinstance(known.get("name"), str) and isinstance(known.get("arguments"), dict)


async def run(arguments: argparse.Namespace, items: list[Item], out: Path) -> None:
    """Every item that is not in the file yet, `--parallel` at a time."""
    rows.mend(out)
    done = {row["id"] for row in rows.read(out)}
    left = [item for item in items if item.id not in done]
    print(f"{len(items)} items, {len(items) - len(left)} of them already in {out}", file=sys.stderr)
    gate = asyncio.Semaphore(arguments.parallel)
    async with contextlib.AsyncExitStack() as stack:
        answer = await answerer(arguments, stack)

        async def one(item: Item) -> None:
            async with gate:
                calls = ItemCalls()
                ITEM.set(calls)
                started = time.monotonic()
                row = finished_row(item, await answer(item))
                alone = arguments.parallel == 1 and not calls.replayed
                row["seconds"] = round(time.monotonic() - started, 2) if alone else None
                rows.append(out, row)
                print("." if row["correct"] else "x", end="", flush=True, file=sys.stderr)

        await asyncio.gather(*(asyncio.create_task(one(item)) for item in left))
    print(file=sys.stderr)


async def answerer(
    arguments: argparse.Namespace, stack: contextlib.AsyncExitStack
) -> Callable[[Item], Awaitable[dict[str, Any]]]:
    """What answers an item in the asked-for arm."""
    settings = load_settings(model=arguments.model, base_url=arguments.base_url)
    model = await stack.enter_async_context(open_model(settings))
    if arguments.arm in bfcl_peers.FRAMEWORKS:
        end = model.endpoint
        options = ["--base-url", end.base_url, "--model", end.model, "--max-tokens", str(MOST_TOKENS)]
        command = [arguments.peers_python, bfcl_peers.__file__, arguments.arm, *options]
        workers = await stack.enter_async_context(
            bfcl_peers.Workers(command, end.api_key, arguments.parallel)
        )
        return lambda item: workers.answer(item.question, item.tools)
    if not arguments.no_cache:
        store = stack.enter_context(CallStore(CACHE))
        model = CachedModel(model, store, identity_of(settings))
    if arguments.arm == "ours":
        module, _, name = arguments.planner.partition(":")
        plan: Plan = getattr(importlib.import_module(module), name)(CountingModel(model))
        return lambda item: ours(plan, item)
    read = strict_calls if arguments.arm == "native" else lenient_calls
    return lambda item: native(model, item, read)


def summary(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is reported of some rows."""
    total, correct = len(found), sum(row["correct"] for row in found)
    timed = [row["seconds"] for row in found if row["seconds"]]
    return {
        "items": total,
        "correct": correct,
        "accuracy": round(correct / total, 4) if total else 0.0,
        "interval": [round(x, 4) for x in wilson(correct, total)],
        "well_formed": sum(row["well_formed"] for row in found),
        "failures": sum(bool(row["failure"]) for row in found),
        "tokens_per_item": round(sum(row["tokens"] for row in found) / total, 1) if total else 0.0,
        "prompt_tokens_per_item": round(sum(r["prompt_tokens"] for r in found) / total, 1) if total else 0.0,
        "seconds_per_item": round(sum(timed) / len(timed), 2) if timed else None,
    }


def report(found: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]] | None) -> dict[str, Any]:
    """Each category and all together, and the paired difference with another arm where there is one."""

    def part(category: str | None) -> dict[str, Any]:
        mine = [row for row in found if category in (None, row["group"])]
        if others is None:
            return summary(mine)
        theirs = [row for row in others if category in (None, row["group"])]
        return summary(mine) | {"against": compare(mine, theirs)}

    return {category: part(category) for category in CATEGORIES} | {"all": part(None)}


def arguments_of(command_line: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.bfcl", description=__doc__)
    parser.add_argument("--arm", choices=ARMS, required=True)
    parser.add_argument("--part", choices=["test", "dev"], default="test")
    parser.add_argument("--limit", type=int, default=100, help="items of each category")
    parser.add_argument(
        "--planner", help="of `ours`: MODULE:FUNCTION, given the model it returns plan(question, functions)"
    )
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that has the frameworks")
    parser.add_argument("--model", default=None)
    parser.add_argument("--base-url", default=None, help="its key is taken from PIERIAN_API_KEY")
    parser.add_argument(
        "--parallel", type=int, default=1, help="items at a time; seconds are taken only with 1"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="ask the model for every call, into rows of their own"
    )
    parser.add_argument("--against", type=Path, help="items of another arm to compare with, pair by pair")
    found = parser.parse_args(command_line)
    if found.arm == "ours" and ":" not in (found.planner or ""):
        parser.error("--arm ours needs --planner MODULE:FUNCTION")
    return found


def file_of(arguments: argparse.Namespace) -> Path:
    """Where the rows of a run go."""
    timed = TIMED if arguments.no_cache else ""
    parts = [arguments.model or "", "bfcl", arguments.part, arguments.arm, timed]
    return RESULTS / f"{'-'.join(part for part in parts if part)}.jsonl.gz"


def main() -> int:
    """Run, score, summarise."""
    arguments = arguments_of()
    out = file_of(arguments)
    RESULTS.mkdir(exist_ok=True)
    try:
        items = load_items(arguments.part, arguments.limit)
        checker()
        asyncio.run(run(arguments, items, out))
    except PierianError as error:
        print(f"\n{error} {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the same command continues.", file=sys.stderr)
    wanted = {item.id for item in load_items(arguments.part, arguments.limit)}
    found = [row for row in rows.read(out) if row["id"] in wanted]
    others = rows.read(arguments.against) if arguments.against else None
    print(json.dumps({"arm": arguments.arm, "part": arguments.part} | report(found, others), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
