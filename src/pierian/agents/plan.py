"""What a plan is: steps that refer to entities and to earlier steps, as data.

A step may only refer to steps before it, so a plan is a directed acyclic graph by its form. References are
texts that begin with a dollar sign: `$date1` for an entity, `$s2` for the value of step 2, `$s2.total` or
`$s2.0` for a part of it. How a model writes a plan is in `plan_schema`; here is what it means, whoever wrote
it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, cast, get_args

import msgspec
from msgspec import Struct

from pierian.exceptions import PlanError

MOST_STEPS = 5_000
"""Of one plan, whoever wrote it; a model's own plans are much shorter."""

ValueType = Literal["text", "number", "date", "yes_no", "list"]
VALUE_TYPES: tuple[ValueType, ...] = get_args(ValueType)

SOME, NONE = "some", "none"
"""Options of a choice that needs no reading."""

REFERENCE = re.compile(r"\$([A-Za-z_]\w*)((?:\.[\w-]+)*)")


class Guard(Struct, frozen=True):
    """The step is done only if the choice `choice` came to `option`."""

    choice: str
    option: str


class _Step(Struct, frozen=True, kw_only=True, tag_field="do"):
    id: str
    guard: Guard | None = None


class Call(_Step, frozen=True, tag="call"):
    """Call a tool. Arguments are literals or references."""

    tool: str
    arguments: dict[str, Any]


class Extract(_Step, frozen=True, tag="extract"):
    """Let a model without tools find a typed value in what another step gave."""

    want: str
    source: str
    type: ValueType = "text"


class Compute(_Step, frozen=True, tag="compute"):
    """A Python expression over the names of steps and entities, run in the sandbox."""

    expression: str


class Choose(_Step, frozen=True, tag="choose"):
    """Let a model without tools take one of the options that the plan wrote beforehand.

    Where the options are `SOME` and `NONE`, code takes one: whether the source has anything in it.
    """

    question: str
    source: str
    options: tuple[str, ...]


class Agent(_Step, frozen=True, tag="agent"):
    """Give a task to a sub-agent, which makes a plan of its own with some of the tools."""

    task: str
    tools: tuple[str, ...]
    uses: tuple[str, ...] = ()


class Approve(_Step, frozen=True, tag="approve"):
    """Wait for the user's yes; what comes after it waits too."""

    message: str


Step = Call | Extract | Compute | Choose | Agent | Approve


class Plan(Struct, frozen=True):
    """Steps in the order in which they were written; empty where nothing is to be done."""

    steps: tuple[Step, ...] = ()


def to_dicts(plan: Plan) -> tuple[dict[str, Any], ...]:
    """The steps as the journal keeps them."""
    return tuple(msgspec.to_builtins(step) for step in plan.steps)


def from_dicts(steps: Iterable[Mapping[str, Any]]) -> Plan:
    """The plan of the journal's steps; raises `PlanError` for what is none."""
    try:
        return Plan(tuple(msgspec.convert(dict(step), Step) for step in steps))
    except msgspec.ValidationError as error:
        raise PlanError(f"A step of the plan is not well formed: {error}.") from error


def checked(plan: Plan, tools: Collection[str], names: Collection[str]) -> Plan:
    """The plan, if it can be carried out with these tools and entity names; raises `PlanError` with the reason."""
    if len(plan.steps) > MOST_STEPS:
        raise PlanError(
            f"The plan has {len(plan.steps):,} steps; {MOST_STEPS:,} is the most that is run.",
            hint="Split the task.",
        )
    known = {*names}
    for step in plan.steps:
        if step.id in known:
            raise PlanError(f"Two steps or entities are called {step.id}.")
        for tool in used_tools(step):
            if tool not in tools:
                raise PlanError(f"Step {step.id} uses the tool {tool!r}, which is not there.")
        if isinstance(step, Extract | Choose) and not REFERENCE.fullmatch(step.source):
            raise PlanError(
                f"Step {step.id} reads from {step.source[:80]!r}, which is no reference such as $s1."
            )
        for name in sorted(needs(step)):
            if name not in known:
                raise PlanError(
                    f"Step {step.id} refers to ${name}, which is neither an entity nor an earlier step."
                )
        known.add(step.id)
    return plan


def used_tools(step: Step) -> tuple[str, ...]:
    """The tools that a step names."""
    match step:
        case Call(tool=tool):
            return (tool,)
        case Agent(tools=tools):
            return tools
        case _:
            return ()


def needs(step: Step) -> set[str]:
    """The names that must have a value before the step can be done."""
    found = {step.guard.choice} if step.guard else set[str]()
    match step:
        case Call(arguments=arguments):
            found |= names_in(arguments)
        case Extract(source=source) | Choose(source=source):
            found |= names_in(source)
        case Compute(expression=expression):
            found |= names_of_expression(expression)
        case Agent(uses=uses):
            found |= names_in(list(uses))
        case Approve(message=message):
            found |= {name for name, _ in REFERENCE.findall(message) if re.fullmatch(r"s\d+", name)}
    return found


def names_in(value: Any) -> set[str]:
    """The names that a literal with references in it refers to."""
    if isinstance(value, str):
        found = REFERENCE.fullmatch(value)
        return {found[1]} if found else set()
    if isinstance(value, Mapping):
        return set[str]().union(*(names_in(part) for part in cast(Mapping[str, Any], value).values()))
    if isinstance(value, Sequence):
        return set[str]().union(*(names_in(part) for part in cast(Sequence[Any], value)))
    return set()


def names_of_expression(expression: str) -> set[str]:
    """The free names of an expression that are not Python's own; raises `PlanError` for what is no expression."""
    try:
        tree = ast.parse(expression, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise PlanError(f"{expression[:80]!r} is not a Python expression.") from error
    nodes = list(ast.walk(tree))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {argument.arg for node in nodes if isinstance(node, ast.Lambda) for argument in node.args.args}
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return used - bound - _PYTHON_NAMES


def constants(expression: str) -> list[Any]:
    """The literals that stand in an expression."""
    tree = ast.parse(expression, mode="eval")
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]


_PYTHON_NAMES = frozenset(
    [
        "abs",
        "all",
        "any",
        "bool",
        "date",
        "datetime",
        "dict",
        "divmod",
        "enumerate",
        "filter",
        "float",
        "int",
        "len",
        "list",
        "map",
        "max",
        "min",
        "pow",
        "range",
        "reversed",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "timedelta",
        "tuple",
        "zip",
        "True",
        "False",
        "None",
    ]
)


def describe(step: Step) -> str:
    """What a step does, in a few words for a person."""
    match step:
        case Call(tool=tool, arguments=arguments):
            shown = ", ".join(f"{name}: {_short(value)}" for name, value in arguments.items())
            return f"{tool}({shown})"
        case Extract(want=want, source=source):
            return f"find {want} in {source}"
        case Compute(expression=expression):
            return f"compute {expression}"
        case Choose(question=question, options=options):
            return f"choose: {question} ({' or '.join(options)})"
        case Agent(task=task):
            return f"sub-agent: {task}"
        case Approve(message=message):
            return f"ask: {message}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}…"
