"""From what a plan writes to values with labels: references are looked up, literals are told apart by who wrote them.

A literal that stands in the user's own request is the user's; one that the planner made up is labelled as
written by a model. A closed set of words (true, false, an enumeration or a field name of the tool's) carries
no information of its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from pierian.agents.plan import REFERENCE
from pierian.agents.progress import Scope
from pierian.provenance import MODEL, NOBODY, USER, Labelled, Labels, together
from pierian.tools import ToolFailure

_INDEX = re.compile(r"[0-9]{1,9}")


def resolved(value: Any, scope: Scope, request: str, words: Collection[str] = ()) -> Labelled:
    """The value of an argument, with the labels of all that it holds; raises `ToolFailure` for a part that is
    not there.

    `words` are the tool's own (`words_of`).
    """
    if isinstance(value, str):
        found = REFERENCE.fullmatch(value)
        if found and (named := scope.value_of(found[1])) is not None:
            return part_of(named, found[2], value)
    if isinstance(value, Mapping):
        parts = {
            str(key): resolved(part, scope, request, words)
            for key, part in cast(Mapping[Any, Any], value).items()
        }
        labels = [labels_of_literal(key, request, words) for key in parts] + [
            part.labels for part in parts.values()
        ]
        return Labelled({k: p.value for k, p in parts.items()}, together(labels))
    if isinstance(value, list | tuple):
        items = [resolved(part, scope, request, words) for part in cast(Sequence[Any], value)]
        return Labelled([item.value for item in items], together(item.labels for item in items))
    return Labelled(value, labels_of_literal(value, request, words))


def labels_of_literal(literal: Any, request: str, words: Collection[str] = ()) -> Labels:
    """Who wrote a literal of a plan: the user where it stands in their request, nobody where it is out of a
    closed set."""
    if isinstance(literal, bool) or literal is None or (isinstance(literal, str) and literal in words):
        return NOBODY
    if isinstance(literal, str):
        return USER if stands_in(literal, request) else MODEL
    return USER if isinstance(literal, int | float) and number_stands_in(literal, request) else MODEL


def words_of(schema: Any) -> frozenset[str]:
    """The names of fields and the enumerated texts that a tool's schema declares."""
    found, left = set[str](), [schema]
    while left:
        part = left.pop()
        if isinstance(part, Mapping):
            part = cast(Mapping[str, Any], part)
            for key in ("properties", "enum"):  # of a mapping the keys
                if isinstance(named := part.get(key), Mapping | list):
                    found |= {one for one in cast(Sequence[Any], named) if isinstance(one, str)}
            if isinstance(only := part.get("const"), str):
                found.add(only)
            left += part.values()
        elif isinstance(part, list):
            left += cast(list[Any], part)
    return frozenset(found)


def part_of(whole: Labelled, path: str, reference: str) -> Labelled:
    """The part of a value at a path such as `.total.0`, with the labels of the whole.

    A name on a list of records is that part of each; of the only one where there is one.
    """
    value = whole.value
    for key in [part for part in path.split(".") if part]:
        if isinstance(value, dict) and key in value:
            value = cast(dict[str, Any], value)[key]
        elif isinstance(value, list) and _INDEX.fullmatch(key) and int(key) < len(cast(list[Any], value)):
            value = cast(list[Any], value)[int(key)]
        elif isinstance(value, list) and (parts := _each(cast(list[Any], value), key)):
            value = parts[0] if len(parts) == 1 else parts
        else:
            raise ToolFailure("not_found", f"{reference} is not there: the value has no part {key!r}.")
    return Labelled(value, whole.labels)


def _each(records: list[Any], key: str) -> list[Any]:
    """The part of that name of every record of a list; empty where one has none."""
    if not all(isinstance(one, dict) and key in one for one in records):
        return []
    return [cast(dict[str, Any], one)[key] for one in records]


def has_any(value: Any) -> bool:
    """Whether a value holds anything: an entry of a list, a record with something in its lists, a text, a number."""
    if isinstance(value, Mapping):
        parts = cast(Mapping[str, Any], value).values()
        lists = [cast(list[Any], part) for part in parts if isinstance(part, list)]
        return any(lists) if lists else bool(parts)
    return value is not None and value is not False and value != "" and value != []


def named_in(text: str, scope: Scope) -> dict[str, Labelled]:
    """The values that a text names, such as `$s1.total`, by those names: a person has to see what they stand for."""
    found: dict[str, Labelled] = {}
    for reference in REFERENCE.finditer(text):
        if (named := scope.value_of(reference[1])) is None:
            continue
        try:
            found[reference[0]] = part_of(named, reference[2], reference[0])
        except ToolFailure:  # the dot may have ended a sentence
            found[f"${reference[1]}"] = named
    return found


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
