"""Writes plans with a model, decoded under the schema of this task's tools.

The model is shown the user's words, the entities that code found in them, and the signatures of at most
twelve tools. Of what steps came to it sees, in a further round, their types and codes, and the values that
code or the user made; nothing that came from elsewhere. The prompt begins with words that never change, so
that the engine reads only what is new.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec import structs

from pierian.agents.asking import wants_asking
from pierian.agents.earlier import ANSWERED, answers_among
from pierian.agents.finding import in_two_steps, offered
from pierian.agents.named_arguments import (
    Names,
    asked_for,
    fitting,
    found_first,
    in_own_words,
    kinds_of,
    names_of,
    only_asks,
)
from pierian.agents.plan import Call, Plan, describe
from pierian.agents.plan_schema import plan_schema, read_plan
from pierian.agents.progress import Scope
from pierian.agents.runner import Task
from pierian.agents.said_once import said_once
from pierian.agents.shortlist import shortlist
from pierian.models.model import Model
from pierian.models.structured import Payment, decoded
from pierian.models.wire import Message, Request
from pierian.provenance import Labelled, from_user
from pierian.tools import Tool

MOST_TOKENS = 700
_DATED = re.compile(r"\b(?:date|dates|day|days|today|until|since|ago|deadline|calendar)\b", re.IGNORECASE)
"""Words of tools and requests that have to do with the day it is."""
_DECIDES = re.compile(
    r"\b(?:if|unless|whether|otherwise|else|in case|depend(?:s|ing)|either|or not"
    r"|(?:did|have|has|do|does|is|are) (?:i|we|he|she|they|it)|when(?:ever)? (?:there|it|he|she|they))\b",
    re.IGNORECASE,
)
"""Words of requests that something depends on; no other is offered to decide, or small models ask before each act."""
_ORDERS = re.compile(
    r"\b(?:cancel|delete|remove|move|postpone|delay|push back|reschedule|rename|change|schedule|book|create|send"
    r"|reply|forward|answer|draft|archive|label|get rid|get back)\b",
    re.IGNORECASE,
)
"""Words that ask for something to be done: where a tool that was found by them can do it, a plan is not empty."""
_OWN = re.compile(r"\b(?:i|my|me|mine|we|our|ours|us|any|who)\b", re.IGNORECASE)
_SHOWN_VALUE = 120

SYSTEM = """\
You plan which tools to call for a request. You answer with JSON: {"steps": [...]}, at most 12 steps.
- {"call": TOOL, "arguments": {...}} calls a tool. One step for each call that the request needs, several for several.
- {"extract": WHAT, "from": "$s1", "type": TYPE} reads one value out of what step 1 gave.
- {"compute": EXPRESSION} computes with the values of steps, such as s1 * 2.
- {"choose": QUESTION, "from": "$s1", "branches": [{"when": "yes", "steps": [...]}, {"when": "no", \
"steps": []}]} decides, where the request says if; "some" and "none" are whether step 1 found anything.
- {"agent": TASK, "tools": [TOOL]} gives a larger task of its own to a helper.
Steps are called s1, s2, ... in order. Use "$s1" for the value of step 1 and "$date1" for a known value of \
that name; in the place of a number or a list write {"from": "$s1"}.
Take arguments from the request exactly; leave out optional ones that it does not mention.
All results are read afterwards and the answer is written from them, so plan no step for comparing or telling them.
If no tool fits the request, or it gives too little for a tool's required arguments, answer {"steps": []}."""

ASKING = (
    'The user wants to be asked: {"approve": QUESTION} is a step that waits for a yes, as does all that comes after '
    "it. Values may be named in the question, such as $s1."
)
"""Told where such steps are offered, and nowhere else."""

_TASKS = (
    "Tools:\ntask_list(which: all|first|last|next, when?: text, person?: text, called?: text) - Tasks.\n"
    "task_delete(which: all|first|last|next, when?: text, person?: text, called?: text) - Delete tasks.\n"
    "task_add(title: text, person: text, due?: text) - Give somebody a task."
)
EXAMPLES: tuple[tuple[str, str], ...] = (
    (
        "Tools:\nweather(city: text, days?: integer) - The forecast for a city.\nmail_send(to: text, "
        "subject: text, body: "
        "text) - Send a mail.\nKnown: $email1 = ann@example.org\nRequest: How warm is it in Oslo and in "
        "Bergen? Mail the "
        "difference to ann@example.org.",
        '{"steps": [{"call": "weather", "arguments": {"city": "Oslo"}}, {"call": "weather", '
        '"arguments": {"city": "Bergen"}}'
        ', {"extract": "the temperature", "from": "$s1", "type": "number"}, {"extract": "the '
        'temperature", "from": "$s2", '
        '"type": "number"}, {"compute": "s3 - s4"}, {"call": "mail_send", "arguments": {"to": "$email1", "subject": '
        '"Temperature difference", "body": "$s5"}}]}',
    ),
    (
        f"{_TASKS}\nKnown: $date1 = 2026-03-02\nRequest: Can you delete my last task on 2 March?",
        '{"steps": [{"call": "task_delete", "arguments": {"which": "last", "when": "$date1"}}]}',
    ),
    (
        f'{_TASKS}\nKnown: $person1 = lee@example.org; $range1 = {{"start":"2026-03-01","end":"2026-03-07"}}; '
        "$date1 = 2026-03-09; $quote1 = Review\nRequest: If Lee has no tasks this week, add one for them called "
        "'Review', due on Monday.",
        '{"steps": [{"call": "task_list", "arguments": {"which": "all", "when": "$range1", "person": "$person1"}}, '
        '{"choose": "Are there tasks?", "from": "$s1", "branches": [{"when": "none", "steps": [{"call": "task_add", '
        '"arguments": {"title": "$quote1", "person": "$person1", "due": "$date1"}}]}, {"when": "some", '
        '"steps": []}]}]}',
    ),
    (
        f"{_TASKS}\nnote_send(to: text, title: text, text: text) - Send somebody a note.\n"
        "Known: $date1 = 2026-03-02; $quote1 = Please hurry.\n"
        "Request: Send a note to the people of the first task on 2 March. Title it like the "
        "task and tell them 'Please hurry.'",
        '{"steps": [{"call": "task_list", "arguments": {"which": "first", "when": "$date1"}}, {"call": "note_send", '
        '"arguments": {"to": "$s1", "title": "$s1", "text": "$quote1"}}]}',
    ),
    (
        "Tools:\nconvert(amount: number, from_unit: text, to_unit: text) - Convert a quantity between units.\n"
        "Request: What is the capital of Peru?",
        '{"steps": []}',
    ),
    (
        "Tools:\nstock_price(symbol: text, date?: date) - Price of a share.\nstock_news(symbol: text, "
        "limit?: integer) - "
        "Latest news on a share.\nKnown: $date1 = 2026-03-02\nRequest: What did ACME cost on 2 March?",
        '{"steps": [{"call": "stock_price", "arguments": {"symbol": "ACME", "date": "$date1"}}]}',
    ),
)


def fixed_prompt() -> tuple[Message, ...]:
    """The part of the prompt that never changes."""
    found = [Message("system", SYSTEM)]
    for asked, answered in EXAMPLES:
        found += [Message("user", asked), Message("assistant", answered)]
    return tuple(found)


class ModelPlanner:
    """A planner that asks a model.

    Args:
        tools: All tools of this user; each plan is offered the dozen that fit best.
    """

    def __init__(self, model: Model, tools: Mapping[str, Tool]) -> None:
        self._model = model
        self._tools = tools

    async def plan(self, task: Task, so_far: Scope | None, payment: Payment) -> Plan:
        """A plan, or further steps after failures; raises `SchemaIgnored` where the model cannot write one."""
        known = [offered(self._tools[name], self._tools) for name in task.tools if name in self._tools]
        chosen = shortlist(known, task.request)
        names = names_of(task.request, [*task.entities], task.said, chosen, task.unnamed)
        if so_far is not None:  # a run that was taken up knows earlier answers from its journal
            task = structs.replace(task, entities={**so_far.entities, **task.entities})
        steps = so_far.plan.steps if so_far else ()
        fits = [fitting(tool, names) for tool in asked_for(chosen, task.request)]
        asked, asks = told(task, chosen), wants_asking(task.request)
        looks = _only_looks(task.request, fits)
        if asks:
            asked = f"{asked}\n{ASKING}"
        if so_far is not None:
            asked = (
                f"{asked}\n{outcome(so_far)}\nPlan other steps for what failed, from s{len(steps) + 1} on."
            )
        request = Request(
            messages=(*fixed_prompt(), Message("user", asked)),
            max_tokens=MOST_TOKENS,
            schema=plan_schema(
                fits,
                decides=so_far is not None or _DECIDES.search(task.request) is not None,
                least=int(so_far is None and (looks or _is_order(task.request, chosen))),
                names=names,
                agents=task.may_delegate,
                approves=asks,
                answers=answers_among(task.entities),
                finders=found_first(fits, names) if so_far is None else (),
                only_calls=looks,
            ),
            extra=self._model.profile.thinking_off,
        )
        tools = {tool.name: tool for tool in chosen}

        def read(text: str) -> Plan:
            plan = said_once(
                read_plan(text, tools, task.entities, earlier=steps), tools, task.request, task.entities
            )
            return _in_own_words(in_two_steps(plan, self._tools, steps), self._tools, names)

        return await decoded(self._model, request, read, payment)


def _is_order(request: str, tools: Sequence[Tool]) -> bool:
    """Whether the request asks for something to be done with what a tool finds."""
    return any(tool.finds for tool in tools) and _ORDERS.search(request) is not None


def _only_looks(request: str, tools: Sequence[Tool]) -> bool:
    """Whether the request asks about what is one's own, and tools look that up: then nothing else has to be done."""
    looking = [tool for tool in tools if tool.listing]
    return (
        bool(looking and _OWN.search(request))
        and only_asks(request)
        and not (_ORDERS.search(request) or any(tool.acts for tool in tools))
    )


def _in_own_words(plan: Plan, tools: Mapping[str, Tool], names: Names) -> Plan:
    return Plan(
        tuple(
            structs.replace(step, arguments=in_own_words(tools[step.tool], step.arguments, names))
            if isinstance(step, Call) and tools[step.tool].effect == "read"
            else step
            for step in plan.steps
        )
    )


def told(task: Task, tools: Sequence[Tool]) -> str:
    """The part of the prompt that belongs to this task."""
    lines = ["Tools:", *(signature(tool) for tool in tools)]
    dated = any(_DATED.search(signature(tool)) for tool in tools) or _DATED.search(task.request)
    lengths = any("duration" in kinds for tool in tools for kinds in kinds_of(tool))
    shown = [
        f"${name} = {shown_value(value)}"
        for name, value in task.entities.items()
        if (name != "today" or dated) and (lengths or not name.startswith("duration"))
    ]
    if shown:
        lines.append(f"Known: {'; '.join(shown)}")
    if task.earlier:
        lines.append("Earlier requests, the latest last:")
        lines += [
            f"- {one.request}{f' (its answer: ${one.answer})' * bool(one.answer)}" for one in task.earlier
        ]
    lines.append(f"Request: {task.request}")
    return "\n".join(lines)


def signature(tool: Tool) -> str:
    """A tool in one line: its name, its arguments with their types, what it is for."""
    required = set(cast(Sequence[str], tool.parameters.get("required", ())))
    declared = cast(Mapping[str, Any], tool.parameters.get("properties", {}))
    properties: dict[str, Mapping[str, Any]] = {
        name: schema if isinstance(schema, Mapping) else {} for name, schema in declared.items()
    }
    arguments = ", ".join(
        f"{name}{'' if name in required else '?'}: {type_name(schema)}" for name, schema in properties.items()
    )
    notes = [f"{name}: {text}" for name, schema in properties.items() if (text := schema.get("description"))]
    explained = f" ({'; '.join(' '.join(note.split()) for note in notes)})" if notes else ""
    return f"{tool.name}({arguments}) - {' '.join(tool.description.split())}{explained}"


def type_name(schema: Mapping[str, Any]) -> str:
    """The type of a schema in a word or a few."""
    if choices := schema.get("enum"):
        return "|".join(str(choice) for choice in choices)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            parts = [cast(Mapping[str, Any], part) for part in schema[key] if isinstance(part, Mapping)]
            return "|".join(dict.fromkeys(type_name(part) for part in parts if part.get("type") != "null"))
    kind = schema.get("type", "any")
    if kind == "array":
        items = schema.get("items")
        return (
            f"list of {type_name(cast(Mapping[str, Any], items))}" if items and items is not True else "list"
        )
    if kind == "string":
        return str(schema.get("format", "text"))
    return str(kind)


def shown_value(value: Labelled) -> str:
    """A value as a planner may see it: in full where the user or code made it, else its type alone; of an earlier
    answer also its length."""
    if value.labels == ANSWERED:
        return f"<an earlier answer of {len(value.value):,} characters>"
    if from_user(value.labels):
        text = value.value if isinstance(value.value, str) else msgspec.json.encode(value.value).decode()
        text = re.sub(r"\s+", " ", text)
        return text if len(text) <= _SHOWN_VALUE else f"{text[: _SHOWN_VALUE - 1]}…"
    return f"<{kind_of(value.value)}>"


def kind_of(value: Any) -> str:
    """The type of a JSON-like value in a word."""
    kinds: dict[type, str] = {
        str: "text",
        bool: "yes_no",
        int: "number",
        float: "number",
        list: "list",
        dict: "record",
    }
    return kinds.get(type(cast(object, value)), "nothing")


def outcome(scope: Scope) -> str:
    """What the steps so far came to, in types and codes."""
    lines = ["So far:"]
    for step in scope.plan.steps:
        progress = scope.steps[step.id]
        match progress.status:
            case "done" if progress.value is not None:
                lines.append(f"{step.id} {describe(step)}: done, {shown_value(progress.value)}")
            case "failed":
                lines.append(f"{step.id} {describe(step)}: failed, {progress.code}")
            case other:
                lines.append(f"{step.id} {describe(step)}: {other}")
    return "\n".join(lines)
