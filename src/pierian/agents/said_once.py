"""What a request says once is meant once: the new name of a meeting is not what it is called now.

A small model that is to rename a meeting looks for it by the new name, and looks for meetings by the title of the
mail that it is to write. Words that are written somewhere are therefore no words to look for, unless they stand in
the request a second time. Where a search is left without any, an argument may say where a request has them: the
schema's `"stands"` is a pattern whose first group they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from msgspec import structs

from pierian.agents.plan import Call, Plan
from pierian.provenance import Labelled
from pierian.tools import Tool


def said_once(plan: Plan, tools: Mapping[str, Tool], request: str, named: Mapping[str, Labelled]) -> Plan:
    """The plan whose searches do not look for what it writes; `tools` as they are offered."""
    written = [
        words
        for step in plan.steps
        if isinstance(step, Call)
        for name, value in step.arguments.items()
        if not _looks_for(tools[step.tool], name) and (words := _words(value, named))
    ]
    once = {words for words in written if request.casefold().count(words) <= 1}
    return Plan(
        tuple(
            structs.replace(step, arguments=_without(tools[step.tool], step.arguments, once, request, named))
            if isinstance(step, Call)
            else step
            for step in plan.steps
        )
    )


def _without(
    tool: Tool, arguments: Mapping[str, Any], once: set[str], request: str, named: Mapping[str, Labelled]
) -> dict[str, Any]:
    kept = dict[str, Any]()
    for name, value in arguments.items():
        if _looks_for(tool, name) and _words(value, named) in once:
            stands = _schema(tool, name).get("stands")
            found = re.search(stands, request, re.IGNORECASE) if stands else None
            if found is None:
                continue
            value = found[1].strip()
        kept[name] = value
    return kept


def _looks_for(tool: Tool, name: str) -> bool:
    """Whether an argument has words to look for: an optional one of a tool that reads, or of what it acts on."""
    if name in cast(tuple[str, ...], tool.parameters.get("required", ())):
        return False
    return _schema(tool, name).get("words") == "always" and (tool.effect == "read" or bool(tool.finds))


def _words(value: Any, named: Mapping[str, Labelled]) -> str:
    if isinstance(value, str) and value.startswith("$"):
        value = named[value[1:]].value if value[1:] in named else ""
    return " ".join(value.casefold().split()) if isinstance(value, str) else ""


def _schema(tool: Tool, name: str) -> Mapping[str, Any]:
    return cast(Mapping[str, Mapping[str, Any]], tool.parameters.get("properties", {})).get(name, {})
