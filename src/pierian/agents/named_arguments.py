"""Arguments that take what code found in a request: which names a planner may write there, by their kinds.

A tool says in the schema of an argument what belongs there. `"entities": ["date", "range"]` are the kinds of names;
with `"words": "always"` words may stand there too, with `"instead"` where nothing of these kinds was found. `"said"`
are the words by which a request chooses one of several, as patterns: `{"last": "last|latest"}`. A small model that
may put a name anywhere puts today's date in the place of a person, and fills in what it may leave out; where nothing
fits, an argument is therefore not offered at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from msgspec import structs

from pierian.tools import Tool

_KIND = re.compile(r"\d+$")
_TODAY = re.compile(r"\btoday\b", re.IGNORECASE)
WORDS: dict[str, Any] = {"type": "string", "pattern": r'^[^$"\\]{1,120}$'}
"""Words to look for; names begin with a dollar sign."""


def names_for(request: str, entities: Sequence[str]) -> list[str]:
    """The names that may be written; today, which is always known, only where it is named."""
    return [name for name in entities if name != "today" or _TODAY.search(request)]


def fitting(tool: Tool, names: Sequence[str]) -> Tool:
    """The tool without the optional arguments for which nothing was found."""
    declared = _declared(tool.parameters)
    required = cast(Sequence[str], tool.parameters.get("required", ()))
    kept = {
        name: schema
        for name, schema in declared.items()
        if name in required or not _kinds(schema) or schema.get("words") or candidates(schema, names)
    }
    if len(kept) == len(declared):
        return tool
    return structs.replace(tool, parameters={**tool.parameters, "properties": kept})


def with_names(
    decodable: dict[str, Any], tool: Tool, request: str, names: Sequence[str], reference: dict[str, Any]
) -> dict[str, Any]:
    """The schema of a call's arguments, in which those that take entities take nothing else."""
    properties = dict(cast(Mapping[str, Any], decodable.get("properties", {})))
    for name, schema in _declared(tool.parameters).items():
        if name not in properties:
            continue
        if said := chosen(schema, request):
            properties[name] = {"enum": said}
        if not _kinds(schema):
            continue
        found = candidates(schema, names)
        allowed: list[dict[str, Any]] = [{"enum": found}] if found else []
        if not found or schema.get("words") == "always":
            allowed.append(WORDS if schema.get("words") else {"type": "string"})
        one = {"anyOf": [*allowed, reference]}
        many = {"type": "array", "minItems": 1, "maxItems": 20, "items": {"anyOf": allowed}}
        properties[name] = {"anyOf": [*allowed, reference, many]} if schema.get("several") else one
    return {**decodable, "properties": properties} if properties else decodable


def kinds_of(tool: Tool) -> list[Sequence[str]]:
    """The kinds of names that its arguments take."""
    return [_kinds(schema) for schema in _declared(tool.parameters).values()]


def candidates(schema: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """The names of the kinds that belong there."""
    kinds = _kinds(schema)
    return [f"${name}" for name in names if ("date" if name == "today" else _KIND.sub("", name)) in kinds]


def chosen(schema: Mapping[str, Any], request: str) -> list[str]:
    """Which of several the request names; empty where it names none."""
    said = cast(Mapping[str, str], schema.get("said", {}))
    return [one for one, words in said.items() if re.search(rf"\b(?:{words})\b", request, re.IGNORECASE)]


def _kinds(schema: Mapping[str, Any]) -> Sequence[str]:
    return cast(Sequence[str], schema.get("entities", ()))


def _declared(parameters: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    declared = cast(Mapping[str, Any], parameters.get("properties", {}))
    return {
        name: cast(Mapping[str, Any], schema) if isinstance(schema, Mapping) else {}
        for name, schema in declared.items()
    }
