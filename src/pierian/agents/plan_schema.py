"""How a model writes a plan: the JSON schema that it is decoded under, and how what it wrote becomes a `Plan`.

The form is short, because a small model writes thirty tokens a second: steps have no ids (the first is `s1`), and what
kind a step is, is told by its first key. The schema names only the tools that are offered, each with the schema of its
own arguments, so that a call is well formed by construction.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import msgspec

from pierian.agents.plan import (
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
)
from pierian.exceptions import PlanError
from pierian.tools import Tool

MOST_WRITTEN_STEPS = 12
_KEPT = ("type", "enum", "const", "description", "required", "minItems", "maxItems")
_DEEPEST = 6


def plan_schema(tools: Sequence[Tool], names: Collection[str], *, agents: bool = True) -> dict[str, Any]:
    """The JSON schema of a plan that may use `tools` and refer to the entities `names`."""
    reference = {"type": "string", "pattern": r"^\$[a-z_]+[0-9]*(\.[a-z_0-9]+)*$"}
    text = {"type": "string", "minLength": 1, "maxLength": 300}
    calls = [_call_schema(tool, reference) for tool in tools]
    kinds: list[dict[str, Any]] = [
        *calls,
        _object(extract=text, **{"from": reference}, type={"enum": list(VALUE_TYPES)}),
        _object(compute=text),
        _object(
            choose=text,
            **{"from": reference},
            branches={
                "type": "array",
                "minItems": 2,
                "maxItems": 4,
                "items": _object(
                    when=text, steps={"type": "array", "maxItems": 3, "items": {"anyOf": calls}}
                ),
            },
        ),
    ]
    if agents and tools:
        some = {
            "type": "array",
            "minItems": 1,
            "maxItems": 4,
            "items": {"enum": [tool.name for tool in tools]},
        }
        kinds.append(_object(agent=text, tools=some))
    return _object(steps={"type": "array", "maxItems": MOST_WRITTEN_STEPS, "items": {"anyOf": kinds}})


def read_plan(
    text: str, tools: Collection[str], names: Collection[str], earlier: Sequence[Step] = ()
) -> Plan:
    """The plan that a model wrote, its steps numbered on from those of `earlier` plans.

    Raises `PlanError` with a reason that can be sent back to the model.
    """
    try:
        written = msgspec.json.decode(text, type=dict[str, Any])
        steps = msgspec.convert(written.get("steps"), list[dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise PlanError(f"That is not a plan: {error}.") from error
    found: list[Step] = [*earlier]
    for step in steps:
        _read_step(step, found, None)
    whole = checked(Plan(tuple(found)), tools, names)
    return Plan(whole.steps[len(earlier) :])


def _read_step(step: dict[str, Any], found: list[Step], guard: Guard | None) -> None:
    """Add a written step, and those of its branches, to `found`."""
    name = f"s{len(found) + 1}"
    try:
        if "call" in step:
            arguments = msgspec.convert(step.get("arguments", {}), dict[str, Any])
            found.append(Call(id=name, guard=guard, tool=str(step["call"]), arguments=arguments))
        elif "extract" in step:
            found.append(
                msgspec.convert(
                    {
                        "do": "extract",
                        "id": name,
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
            _read_choice(step, found, name)
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


def _read_choice(step: dict[str, Any], found: list[Step], name: str) -> None:
    branches = msgspec.convert(step["branches"], list[dict[str, Any]])
    options = tuple(str(branch["when"]) for branch in branches)
    if len(set(options)) != len(options):
        raise PlanError(f"Step {name} has two branches for the same case.")
    found.append(Choose(id=name, question=str(step["choose"]), source=str(step["from"]), options=options))
    for option, branch in zip(options, branches, strict=True):
        for inner in msgspec.convert(branch.get("steps", []), list[dict[str, Any]]):
            _read_step(inner, found, Guard(name, option))


def _expression(text: str) -> str:
    """An expression without the dollar signs that references carry elsewhere."""
    return re.sub(r"\$(?=[A-Za-z_])", "", text)


def _call_schema(tool: Tool, reference: dict[str, Any]) -> dict[str, Any]:
    arguments = decodable(tool.parameters, reference)
    return _object(call={"const": tool.name}, arguments=arguments)


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def decodable(
    schema: Mapping[str, Any], reference: dict[str, Any] | None = None, *, depth: int = 0, root: Any = None
) -> dict[str, Any]:
    """A schema of the same data in the words that every engine can decode under, references allowed as values.

    Formats, patterns and bounds are left out: they are checked afterwards, when the tool is called.
    """
    root = schema if root is None else root
    schema = _resolved(schema, root)
    if depth > _DEEPEST:
        return {}
    inner: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    for key in ("anyOf", "oneOf"):
        if key in schema:
            inner["anyOf"] = [decodable(part, None, depth=depth + 1, root=root) for part in schema[key]]
    if "properties" in schema or schema.get("type") == "object":
        properties = cast(Mapping[str, Any], schema.get("properties", {}))
        inner["type"] = "object"
        inner["properties"] = {
            name: decodable(part, reference, depth=depth + 1, root=root) for name, part in properties.items()
        }
        if properties or schema.get("additionalProperties") is False:
            inner["additionalProperties"] = False
    if isinstance(schema.get("items"), Mapping):
        inner["items"] = decodable(schema["items"], reference, depth=depth + 1, root=root)
    if reference is not None and depth and not _takes_text(inner):
        return {"anyOf": [inner, reference]}
    return inner


def _takes_text(schema: Mapping[str, Any]) -> bool:
    """Whether a reference fits the schema as it is."""
    return not schema or (schema.get("type") == "string" and "enum" not in schema)


def _resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a `$ref` within the same document points at."""
    seen = 0
    while isinstance(target := schema.get("$ref"), str) and seen < _DEEPEST:
        name = target.removeprefix("#/$defs/").removeprefix("#/definitions/")
        definitions = root.get("$defs") or root.get("definitions") or {}
        schema = definitions.get(name, {})
        seen += 1
    return schema
