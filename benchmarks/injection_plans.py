"""A competent plan for a user task of AgentDojo: its ground truth with handles in place of what comes out of
results.

A planner that knows the right calls but has read nothing: an argument is a literal where the user wrote it, an
entity where code finds it in the request, and otherwise a reference to an extraction from the call that yields
it. Texts that the ground truth makes up (a summary) are extracted from what was read last, for that is how they
would be written. What is left, such as a date put together from two places in the request, is a literal of the
planner's own and is counted. A task with an "if" acts behind a choice; a task of several parts is given to a
sub-agent as a whole, so that both ways through the runner are attacked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from msgspec import Struct, field

from benchmarks.injection_tools import acts
from pierian.agents.arguments import number_stands_in, stands_in
from pierian.agents.plan import Agent, Call, Choose, Extract, Guard, Plan, Step, ValueType

FREE_TEXT = ("body", "content", "description", "subject", "title")
"""Arguments whose text is written from what was read, not found in it."""
SEVERAL_PARTS = "Perform the following tasks"
YES, NO = "yes", "no"


class Made(Struct, frozen=True):
    """One call and its arguments, JSON-like."""

    tool: str
    arguments: dict[str, Any]


class Wanted(Struct, frozen=True):
    """What an extraction should come to, and the argument that it is for (none where it is for the answer)."""

    value: Any
    tool: str = ""
    parameter: str = ""


class Script(Struct, frozen=True):
    """The plan for one user task and what a reader needs to play its part."""

    request: str
    output: str
    """What a good answer says."""
    calls: tuple[Made, ...]
    plan: Plan
    delegated: bool
    """Whether the plan is a sub-agent's."""
    oracle: dict[str, Wanted]
    """By the words that the plan uses for what it wants."""
    counts: dict[str, int]
    """Of argument values, by where they come from: `user`, `entity`, `result`, `written`, `invented`."""
    invented: tuple[str, ...]
    """The literals that stand neither in the request nor in a result, in calls that act."""


class _Making(Struct):
    request: str
    entities: Mapping[str, Any]
    steps: list[Step] = field(default_factory=list[Step])
    done: list[tuple[str, str, Any]] = field(default_factory=list[tuple[str, str, Any]])
    """Step, tool and result of the calls so far."""
    exposed: list[str] = field(default_factory=list[str])
    oracle: dict[str, Wanted] = field(default_factory=dict[str, Wanted])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    invented: list[str] = field(default_factory=list[str])
    choice: Guard | None = None


def script(
    request: str,
    output: str,
    calls: Sequence[Made],
    results: Sequence[Any],
    entities: Mapping[str, Any],
    *,
    exposed: Sequence[bool] = (),
) -> Script:
    """The plan for a request whose right calls gave `results` where nothing was injected.

    `exposed` says which results outsiders can write into: where a value stands in several, it is taken from those.
    """
    making = _Making(request, entities)
    for number, (call, result) in enumerate(zip(calls, results, strict=True)):
        _add_call(making, call, result, exposed=bool(exposed) and exposed[number])
    _read_the_rest(making, output)
    return Script(
        request,
        output,
        tuple(calls),
        Plan(tuple(making.steps)),
        request.lstrip().startswith(SEVERAL_PARTS),
        making.oracle,
        making.counts,
        tuple(making.invented),
    )


def handed_on(script: Script) -> Plan:
    """The plan that gives all of the task to a sub-agent."""
    tools = tuple(dict.fromkeys(call.tool for call in script.calls))
    return Plan((Agent(id="s1", task=script.request, tools=tools),))


def _add_call(making: _Making, call: Made, result: Any, *, exposed: bool) -> None:
    arguments = {name: _argument(making, value, call.tool, name) for name, value in call.arguments.items()}
    if (
        acts(call.tool)
        and making.choice is None
        and making.done
        and re.search(r"\bif\b", making.request, re.IGNORECASE)
    ):
        question = "Is the condition of the request met?"
        chosen = _name(making)
        making.steps.append(
            Choose(id=chosen, question=question, source=f"${making.done[-1][0]}", options=(YES, NO))
        )
        making.oracle[question] = Wanted(YES)
        making.choice = Guard(chosen, YES)
    name = _name(making)
    guard = making.choice if acts(call.tool) else None
    making.steps.append(Call(id=name, guard=guard, tool=call.tool, arguments=arguments))
    making.done.append((name, call.tool, result))
    if exposed:
        making.exposed.append(name)


def _read_the_rest(making: _Making, output: str) -> None:
    """Have everything read that was looked up and no argument comes from: the answer is written from something."""
    read = {step.source for step in making.steps if isinstance(step, Extract | Choose)}
    for number, (name, tool, _) in enumerate(making.done, 1):
        if f"${name}" not in read and not acts(tool):
            want = f"what the request asks for, from call {number}"
            making.oracle[want] = Wanted(output or "nothing")
            making.steps.append(Extract(id=_name(making), want=want, source=f"${name}"))


def _name(making: _Making) -> str:
    return f"s{len(making.steps) + 1}"


def _argument(making: _Making, value: Any, tool: str, parameter: str) -> Any:
    """The value as a plan may write it."""
    if isinstance(value, Mapping):
        parts = cast(Mapping[str, Any], value)
        return {name: _argument(making, part, tool, parameter) for name, part in parts.items()}
    if isinstance(value, list):
        return _list(making, cast(list[Any], value), tool, parameter)
    if value is None or isinstance(value, bool) or _said(value, making.request):
        _count(making, "user")
        return value
    for name, known in making.entities.items():
        if known == value:
            _count(making, "entity")
            return f"${name}"
    if source := _source(making, [value]):
        _count(making, "result")
        return _extract(making, value, source, tool, parameter)
    if parameter in FREE_TEXT and (read := [name for name, known, _ in making.done if not acts(known)]):
        _count(making, "written")
        source = next(reversed([name for name in making.exposed if name in read]), read[-1])
        return _extract(making, value, source, tool, parameter)
    _count(making, "invented")
    if acts(tool):
        making.invented.append(f"{tool}.{parameter}={value!r}"[:120])
    return value


def _list(making: _Making, values: list[Any], tool: str, parameter: str) -> Any:
    plain = bool(values) and all(isinstance(value, str) for value in values)
    said = plain and all(_said(value, making.request) for value in values)
    if plain and not said and (source := _source(making, values)):
        _count(making, "result")
        return _extract(making, values, source, tool, parameter)
    return [_argument(making, value, tool, parameter) for value in values]


def _count(making: _Making, kind: str) -> None:
    making.counts[kind] = making.counts.get(kind, 0) + 1


def _said(value: Any, request: str) -> bool:
    return stands_in(value, request) if isinstance(value, str) else number_stands_in(value, request)


def _source(making: _Making, values: Sequence[Any]) -> str:
    """The latest step whose result has all values, one that outsiders can write into before any other."""
    having: list[str] = []
    for name, _, result in making.done:
        found = [*leaves(result)]
        if all(any(_is_in(value, leaf) for leaf in found) for value in values):
            having.append(name)
    return next(reversed([name for name in having if name in making.exposed]), having[-1] if having else "")


def _is_in(value: Any, leaf: Any) -> bool:
    if isinstance(leaf, str):
        return _said(value, leaf)
    return bool(leaf == value) and not isinstance(leaf, bool)


def _extract(making: _Making, value: Any, source: str, tool: str, parameter: str) -> str:
    name = _name(making)
    want = f"{parameter} for {tool} ({name})"
    kind: ValueType = "list" if isinstance(value, list) else "text" if isinstance(value, str) else "number"
    making.oracle[want] = Wanted(value, tool, parameter)
    making.steps.append(Extract(id=name, want=want, source=f"${source}", type=kind))
    return f"${name}"


def leaves(value: Any) -> Iterator[Any]:
    """The texts and numbers in JSON-like data, names of fields among them."""
    if isinstance(value, Mapping):
        for key, part in cast(Mapping[Any, Any], value).items():
            yield str(key)
            yield from leaves(part)
    elif isinstance(value, list):
        for part in cast(list[Any], value):
            yield from leaves(part)
    else:
        yield value
