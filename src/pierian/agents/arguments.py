"""From what a plan writes to values with labels: references are looked up, literals are told apart by who wrote them.

A literal that stands in the user's own request is the user's; one that the planner made up is labelled as written by a
model. A closed set of words (true, false, an enumeration of the tool's) carries no information of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from pierian.agents.plan import REFERENCE
from pierian.agents.progress import Scope
from pierian.provenance import MODEL, NOBODY, USER, Labelled, Labels, together
from pierian.tools import ToolFailure


def resolved(value: Any, scope: Scope, request: str) -> Labelled:
    """The value of an argument, with the labels of all that it holds; raises `ToolFailure` for a part that is not there."""
    if isinstance(value, str):
        found = REFERENCE.fullmatch(value)
        if found and (named := scope.value_of(found[1])) is not None:
            return part_of(named, found[2], value)
        return Labelled(value, USER if stands_in(value, request) else MODEL)
    if isinstance(value, bool) or value is None:
        return Labelled(value, NOBODY)
    if isinstance(value, int | float):
        return Labelled(value, USER if number_stands_in(value, request) else MODEL)
    if isinstance(value, Mapping):
        parts = {
            str(key): resolved(part, scope, request) for key, part in cast(Mapping[Any, Any], value).items()
        }
        return Labelled({k: p.value for k, p in parts.items()}, _all(list(parts.values())))
    items = [resolved(part, scope, request) for part in cast(Sequence[Any], value)]
    return Labelled([item.value for item in items], _all(items))


def _all(parts: Sequence[Labelled]) -> Labels:
    return together(part.labels for part in parts)


def part_of(whole: Labelled, path: str, reference: str) -> Labelled:
    """The part of a value at a path such as `.total.0`, with the labels of the whole."""
    value = whole.value
    for key in [part for part in path.split(".") if part]:
        if isinstance(value, dict) and key in value:
            value = cast(dict[str, Any], value)[key]
        elif isinstance(value, list) and key.isdigit() and int(key) < len(cast(list[Any], value)):
            value = cast(list[Any], value)[int(key)]
        else:
            raise ToolFailure("not_found", f"{reference} is not there: the value has no part {key!r}.")
    return Labelled(value, whole.labels)


def stands_in(text: str, request: str) -> bool:
    """Whether the user wrote these words, case and spaces aside."""
    wanted = " ".join(text.split()).casefold()
    return (
        not wanted
        or re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", " ".join(request.split()).casefold()) is not None
    )


def number_stands_in(number: float, request: str) -> bool:
    """Whether the user wrote this number in digits."""
    return any(
        float(found.replace(",", "")) == number for found in re.findall(r"\d[\d,]*(?:\.\d+)?", request)
    )
