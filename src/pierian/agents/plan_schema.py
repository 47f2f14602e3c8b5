"""How a model writes a plan: the JSON schema that it is decoded under, and how what it wrote becomes a `Plan`.

The form is short, because a small model writes thirty tokens a second: steps have no ids (the first is `s1`),
and what kind a step is, is told by its first key. The schema names only the tools that are offered, each with
the schema of its own arguments, so that a call is well formed by construction.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec import structs

from pierian.agents.named_arguments import Names, with_names
from pierian.agents.plan import (
    REFERENCE,
    VALUE_TYPES,
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
    used_tools,
)
from pierian.exceptions import PlanError
from pierian.models.structured import closed_object
from pierian.tools import Tool

MOST_WRITTEN_STEPS = 12
NOTHING = Names()
REFERENCE_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": r"^\$(given_)*s[0-9]+(_[A-Za-z0-9_]+)?(\.[A-Za-z0-9_-]+)*$",
}
"""The value of a step, one that a sub-agent was given, or a part of it."""
FROM_STEP: dict[str, Any] = {
    "type": "object",
    "properties": {"from": REFERENCE_SCHEMA},
    "required": ["from"],
    "additionalProperties": False,
}
"""The same in the place of a number, a list or a record. Not a text: small models like to put numbers into quotation
marks, and where a quotation mark may begin a reference, only a reference can follow it."""
_STEP = re.compile(r"\$s([0-9]{1,3})(?=\.|$)")
_KEPT = ("type", "enum", "const", "description", "required", "minItems", "maxItems")
_DEEPEST = 6
_MOST_PARTS = 400
"""Of one tool's schema: references that double at each step would have no end."""


def plan_schema(
    tools: Sequence[Tool],
    *,
    agents: bool = True,
    approves: bool = False,
    answers: Sequence[str] = (),
    decides: bool = True,
    least: int = 0,
    names: Names = NOTHING,
    finders: Sequence[Tool] = (),
    only_calls: bool = False,
) -> dict[str, Any]:
    """The JSON schema of a plan that may use `tools`.

    Args:
        agents: Whether it may start sub-agents.
        approves: Whether it may have steps that wait for the user's yes.
        answers: Names of earlier answers, out of which values may be read.
        decides: Whether it may decide between branches.
        least: How many steps it has at least.
        names: What the request names, for the arguments that say what they take of that.
        finders: Tools of which one is called first, where what it finds has to be known for the rest.
        only_calls: Whether it has calls of tools alone.

    Where a text is wanted a model may write the name of an entity or of a step. In place of a number, a list
    or a record only the value of a step may stand, and a choice among words is always written out: small
    models that may put a name anywhere put today's date in the place of yes or no.
    """
    reference: dict[str, Any] = REFERENCE_SCHEMA
    if answers:
        reference = {"anyOf": [REFERENCE_SCHEMA, {"enum": [f"${name}" for name in answers]}]}
    text = {"type": "string", "minLength": 1, "maxLength": 300}
    calls = [_call_schema(tool, names) for tool in tools]
    asks = [closed_object(approve=text)] if approves else []
    kinds: list[dict[str, Any]] = [
        *calls,
        *asks,
        closed_object(extract=text, **{"from": reference}, type={"enum": list(VALUE_TYPES)}),
        closed_object(compute=text),
    ]
    if only_calls:
        kinds = calls
    elif decides:
        kinds.append(_choice_schema([*calls, *asks], text, reference))
    if agents and tools and not only_calls:
        kinds.append(_agent_schema(tools, text))
    most = {"type": "array", "maxItems": MOST_WRITTEN_STEPS, "items": {"anyOf": kinds}}
    steps = most | ({"minItems": least} if least else {})
    if finders:
        first = [_call_schema(tool, names, refers=False) for tool in finders]
        return closed_object(find={"anyOf": first}, steps=steps)
    return closed_object(steps=steps)


def _choice_schema(
    kinds: Sequence[dict[str, Any]], text: dict[str, Any], reference: dict[str, Any]
) -> dict[str, Any]:
    inner = {"type": "array", "maxItems": 3, "items": {"anyOf": [*kinds]}}
    branches = {
        "type": "array",
        "minItems": 2,
        "maxItems": 4,
        "items": closed_object(when=text, steps=inner),
    }
    return closed_object(choose=text, **{"from": reference}, branches=branches)


def _agent_schema(tools: Sequence[Tool], text: dict[str, Any]) -> dict[str, Any]:
    named = {"enum": [tool.name for tool in tools]}
    return closed_object(agent=text, tools={"type": "array", "minItems": 1, "maxItems": 4, "items": named})


def read_plan(
    text: str, tools: Mapping[str, Tool], names: Collection[str], earlier: Sequence[Step] = ()
) -> Plan:
    """The plan that a model wrote, its steps numbered on from those of `earlier` plans, whose tools are there too.

    Raises `PlanError` with a reason that can be sent back to the model.
    """
    try:
        written = msgspec.json.decode(text, type=dict[str, Any])
        steps = msgspec.convert(written.get("steps"), list[dict[str, Any]])
        if "find" in written:
            steps.insert(0, msgspec.convert(written["find"], dict[str, Any]))
        found: list[Step] = [*earlier]
        for step in steps:
            _read_step(step, found, None)
        known = {*tools, *(name for step in earlier for name in used_tools(step))}
        whole = checked(Plan(tuple(found)), known, names)
        added = [
            _checked_call(step, tools[step.tool]) if isinstance(step, Call) else step
            for step in whole.steps[len(earlier) :]
        ]
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise PlanError(f"That is not a plan: {error}.") from error
    except RecursionError as error:
        raise PlanError("That is not a plan: it is nested too deeply.") from error
    return Plan(tuple(added))


def _checked_call(step: Call, tool: Tool) -> Call:
    """The call with plain references; raises `PlanError` where its arguments are not what the tool takes, for
    a server may ignore schemas."""
    from pierian.tools.schema import SchemaUnusable, compiled

    try:
        wrong = compiled(decodable(tool.parameters, FROM_STEP))(step.arguments)
    except SchemaUnusable:
        wrong = ""  # a schema that cannot be checked is the business of the tool itself
    if wrong:
        raise PlanError(f"Step {step.id}, {wrong[:200]}.")
    return structs.replace(step, arguments=_named(step.arguments))


def _named(value: Any) -> Any:
    """Arguments in which a reference is a text wherever it stands."""
    if isinstance(value, dict):
        parts = cast(dict[str, Any], value)
        if len(parts) == 1 and isinstance(named := parts.get("from"), str) and REFERENCE.fullmatch(named):
            return named
        return {key: _named(part) for key, part in parts.items()}
    if isinstance(value, list):
        return [_named(part) for part in cast(list[Any], value)]
    return value


def _read_step(step: dict[str, Any], found: list[Step], guard: Guard | None) -> None:
    """Add a written step, and those of its branches, to `found`."""
    name = f"s{len(found) + 1}"
    try:
        if "call" in step:
            arguments = msgspec.convert(step.get("arguments", {}), dict[str, Any])
            arguments = cast(dict[str, Any], _of_earlier(arguments, len(found) + 1))
            found.append(Call(id=name, guard=guard, tool=str(step["call"]), arguments=arguments))
        elif "extract" in step:
            found.append(
                msgspec.convert(
                    {
                        "do": "extract",
                        "id": name,
                        "guard": guard and msgspec.to_builtins(guard),
                        "want": step["extract"],
                        "source": step["from"],
                        "type": step["type"],
                    },
                    Extract,
                )
            )
        elif "compute" in step:
            found.append(Compute(id=name, guard=guard, expression=_expression(str(step["compute"]))))
        elif "choose" in step:
            _read_choice(step, found, name, guard)
        elif "agent" in step:
            tools = msgspec.convert(step["tools"], tuple[str, ...])
            uses = tuple(dict.fromkeys(re.findall(r"\$s\d+(?:\.\w+)*", str(step["agent"]))))
            found.append(Agent(id=name, guard=guard, task=str(step["agent"]), tools=tools, uses=uses))
        elif "approve" in step:
            found.append(Approve(id=name, guard=guard, message=str(step["approve"])))
        else:
            raise PlanError(f"Step {name} is of no known kind: {', '.join(step)}.")
    except (KeyError, msgspec.ValidationError) as error:
        raise PlanError(f"Step {name} is not well formed: {error}.") from error


def _of_earlier(value: Any, own: int) -> Any:
    """Arguments of a call that does not refer to itself: a small model that counts one too many means the step
    before."""
    if isinstance(value, str) and own > 1 and (found := _STEP.match(value)) and int(found[1]) == own:
        return f"$s{own - 1}{value[found.end() :]}"
    if isinstance(value, dict):
        return {key: _of_earlier(part, own) for key, part in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_of_earlier(part, own) for part in cast(list[Any], value)]
    return value


def _read_choice(step: dict[str, Any], found: list[Step], name: str, guard: Guard | None) -> None:
    branches = msgspec.convert(step["branches"], list[dict[str, Any]])
    options = tuple(str(branch["when"]) for branch in branches)
    if len(set(options)) != len(options):
        raise PlanError(f"Step {name} has two branches for the same case.")
    if len(options) < 2:
        raise PlanError(f"Step {name} chooses between fewer than two branches.")
    question, source = str(step["choose"]), str(step["from"])
    found.append(Choose(id=name, guard=guard, question=question, source=source, options=options))
    for option, branch in zip(options, branches, strict=True):
        for inner in msgspec.convert(branch.get("steps", []), list[dict[str, Any]]):
            _read_step(inner, found, Guard(name, option))


def _expression(text: str) -> str:
    """An expression without the dollar signs that references carry elsewhere."""
    return re.sub(r"\$(?=[A-Za-z_])", "", text)


def _call_schema(tool: Tool, names: Names, *, refers: bool = True) -> dict[str, Any]:
    plain = decodable(tool.parameters, FROM_STEP if refers else None)
    arguments = with_names(plain, tool, names, REFERENCE_SCHEMA if refers else None)
    return closed_object(call={"const": tool.name}, arguments=arguments)


def decodable(schema: Mapping[str, Any], reference: dict[str, Any] | None = None) -> dict[str, Any]:
    """A schema of the same data in the words that every engine can decode under, references allowed as values.

    Formats, patterns and bounds are left out: they are checked afterwards, when the tool is called.
    """
    return _Decodable(schema, reference).part(schema, 0)


class _Decodable:
    """The parts of one schema, as long as there are not too many of them: any data is allowed for the rest."""

    def __init__(self, root: Mapping[str, Any], reference: dict[str, Any] | None) -> None:
        self._root = root
        self._reference = reference
        self._left = _MOST_PARTS

    def part(self, schema: Any, depth: int, *, refers: bool = True) -> dict[str, Any]:
        """A part of the schema; `refers` where a reference may stand for its data."""
        self._left -= 1
        schema = _resolved(schema, self._root)
        if depth > _DEEPEST or self._left < 0:
            return {}
        inner: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
        for key in ("anyOf", "oneOf"):
            if key in schema:
                inner["anyOf"] = [self.part(one, depth + 1, refers=False) for one in schema[key]]
        if "properties" in schema or schema.get("type") == "object":
            properties = cast(Mapping[str, Any], schema.get("properties", {}))
            required = dict.fromkeys(cast(Sequence[str], schema.get("required", ())), True)
            inner["type"] = "object"
            inner["properties"] = {
                name: self.part(one, depth + 1, refers=refers)
                for name, one in {**required, **properties}.items()
            }
            if properties or schema.get("additionalProperties") is False:
                inner["additionalProperties"] = False
        if isinstance(schema.get("items"), Mapping):
            inner["items"] = self.part(schema["items"], depth + 1, refers=refers)
        if self._reference is not None and refers and depth and _takes_steps(inner):
            return {"anyOf": [inner, self._reference]}
        return inner


def _takes_steps(schema: Mapping[str, Any]) -> bool:
    """Whether the value of a step may stand there, beside what the schema itself allows."""
    return schema.get("type") in ("number", "integer", "array", "object") and "enum" not in schema


def _resolved(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a `$ref` within the same document points at; true and false, which are schemas too, say nothing here."""
    seen = 0
    while isinstance(schema, Mapping):
        schema = cast(Mapping[str, Any], schema)
        if not isinstance(target := schema.get("$ref"), str) or seen == _DEEPEST:
            return schema
        name = target.removeprefix("#/$defs/").removeprefix("#/definitions/")
        definitions = cast(Mapping[str, Any], root.get("$defs") or root.get("definitions") or {})
        schema = definitions.get(name)
        seen += 1
    return {}
