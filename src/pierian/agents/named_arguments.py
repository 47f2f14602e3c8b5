"""Arguments that take what code found in a request: which names a planner may write there, by their kinds.

A tool says in the schema of an argument what belongs there:

- `"entities": ["date", "range"]`: the kinds of names;
- `"near": "from|by"`: a pattern for the words around a name, by which it is told from others of its kind;
- `"prefers": "from|since"`: the same, where it only narrows the choice;
- `"several": true`: a list of names as well as one;
- `"words": "always"`: words may stand there too, or `"instead"`: where there is no name for it;
- `"said": {"last": "last|latest"}`: of an enumeration, the words by which a request chooses, as patterns;
- `"asked": "all"`: the one that is meant by a request that only asks, and says none;
- `"only": "unread|new"`: a pattern without which in the request the argument is of no use;
- `"part": ["sender", "with_people"]`: of a record, or of each of a list, the part that is meant.

A small model that may put a name anywhere puts today's date in the place of a person, and fills in what it may leave
out; where nothing fits, an optional argument is therefore not offered at all. What it leaves out though it was named
is as bad: where the words around a name say that it belongs to an argument, or no other argument takes it, the
argument has to be given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from msgspec import Struct, structs

from pierian.tools import Tool, ToolFailure

_KIND = re.compile(r"\d+$")
_LETTERS = re.compile(r"[^\W_]+")
_STEM = 5
"""Letters by which words are the same: invoice and invoices."""
_TODAY = re.compile(r"\btoday\b", re.IGNORECASE)
_ASKS = re.compile(
    r"\s*(?:please\s+)?(?:which|what|when|where|who|whom|whose|why|how|do|does|did|am|is|are|was|were|have|has|had|will"
    r"|show|list|tell me|any|summari[sz]e)\b",
    re.IGNORECASE,
)
"""How requests begin that only ask."""
_PEOPLE = (
    "senders?|authors?|writers?|people|persons?|attendees?|participants?|guests?|organi[sz]ers?|recipients?|whoever"
    "|everybody|everyone"
)
"""Words for people of a mail or an event."""
_A_NAME = (
    r"(?!(?:the|my|our|your|a|an|any|all|last|past|this|that|these|those|next|now|me|us|them|him|her|it|with|and|to"
    rf"|{_PEOPLE})\b)[^\W\d_]+"
)
"""A word that may be the name of somebody who is not known."""
_SOMEBODY = rf"(?:(?:the|their|its|his|her|all|both|each|every) ){{0,2}}(?:{_PEOPLE})"
WORDS: dict[str, Any] = {"type": "string", "pattern": r'^[^$"\\]{1,120}$'}
"""Words to look for; names begin with a dollar sign."""


class Names(Struct, frozen=True):
    """What a request names, and its words."""

    request: str = ""
    names: tuple[str, ...] = ()
    said: Mapping[str, str] = {}
    """The words around names."""
    patterns: tuple[str, ...] = ()
    """All that tell names apart, of whatever tool."""
    unnamed: str = ""
    """The request with what it names left out."""


def names_of(
    request: str,
    entities: Sequence[str],
    said: Mapping[str, str],
    tools: Sequence[Tool] = (),
    unnamed: str = "",
) -> Names:
    """The names that may be written; today, which is always known, only where it is named."""
    kept = (name for name in entities if name != "today" or _TODAY.search(request))
    near = (
        str(one["near"]) for tool in tools for one in _declared(tool.parameters).values() if "near" in one
    )
    return Names(request, tuple(kept), said, tuple(dict.fromkeys(near)), unnamed or request)


def asked_for(tools: Sequence[Tool], request: str) -> list[Tool]:
    """The tools that a request may ask for: where it has the words of some, or only asks, not those whose words it
    lacks. Nor those that would do with something else what it asks for: who speaks of meetings deletes no mails."""
    if not (_ASKS.match(request) or any(tool.only and _is_near(tool.only, request) for tool in tools)):
        return [*tools]  # another language, perhaps
    asked = [tool for tool in tools if not tool.only or _is_near(tool.only, request)]
    meant = {
        word
        for tool in asked
        if tool.about and _is_near(tool.about, request)
        for word in _said(tool.only, request)
    }
    return [
        tool
        for tool in asked
        if not (tool.about and tool.only)
        or _is_near(tool.about, request)
        or not _said(tool.only, request) <= meant
    ]


def only_asks(request: str) -> bool:
    """Whether a request begins as those do that want to know something."""
    return _ASKS.match(request) is not None


def fitting(tool: Tool, names: Names) -> Tool:
    """The tool without optional arguments for which nothing was found, and with those required that were named."""
    required = cast(Sequence[str], tool.parameters.get("required", ()))
    declared = {
        name: schema
        for name, schema in _declared(tool.parameters).items()
        if name in required or "only" not in schema or _is_near(str(schema["only"]), names.request)
    }
    kept = {
        name: schema
        for name, schema in declared.items()
        if name in required
        or not _kinds(schema)
        or _candidates(schema, declared, names)
        or _words(schema, names)
        or _refers(schema, names)
    }
    needed = [name for name in kept if name in required or _is_named(name, kept, names)]
    if len(kept) == len(_declared(tool.parameters)) and needed == [*required]:
        return tool
    return structs.replace(tool, parameters={**tool.parameters, "properties": kept, "required": needed})


def with_names(
    decodable: dict[str, Any], tool: Tool, names: Names, reference: dict[str, Any] | None
) -> dict[str, Any]:
    """The schema of a call's arguments, in which those that take names take nothing else.

    `reference` is that of the value of a step; None where there is no step yet.
    """
    properties = dict(cast(Mapping[str, Any], decodable.get("properties", {})))
    declared = _declared(tool.parameters)
    for name, schema in declared.items():
        if name not in properties:
            continue
        if said := _chosen(schema, names.request):
            properties[name] = {"enum": said}
        elif (usual := schema.get("asked")) and only_asks(names.request):
            properties[name] = {"enum": [usual]}
        if not _kinds(schema):
            continue
        found = _candidates(schema, declared, names)
        allowed: list[dict[str, Any]] = [{"enum": found}] if found else []
        if (not found and schema.get("words")) or schema.get("words") == "always":
            allowed.append(WORDS)
        # What the request names is not looked up: where it names nothing, the value of a step may be meant.
        steps = [reference] if reference and not found else []
        many = {"type": "array", "minItems": 1, "maxItems": 20, "items": {"anyOf": allowed}}
        if options := [*allowed, *steps, *([many] if schema.get("several") and allowed else [])]:
            properties[name] = {"anyOf": options}
    return {**decodable, "properties": properties} if properties else decodable


def found_first(tools: Sequence[Tool], names: Names) -> list[Tool]:
    """The tools of which one has to find something before another can act: where a request says that somebody of a
    mail or an event belongs into an argument."""
    refers = any(
        _refers(schema, names)
        for tool in tools
        if tool.effect not in ("none", "read")
        for schema in _declared(tool.parameters).values()
    )
    finders = {tool.finds for tool in tools}
    return [tool for tool in tools if refers and tool.name in finders]


def in_own_words(tool: Tool, arguments: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """Arguments of a tool that looks for something by words, without those that the request has not, or has only in
    what it names: nothing is called "first event on December 1"."""
    said = {word[:_STEM] for word in _LETTERS.findall(names.unnamed.casefold())}
    kept = dict[str, Any]()
    for name, value in arguments.items():
        schema = _declared(tool.parameters).get(name, {})
        if names.unnamed and schema.get("words") == "always" and isinstance(value, str) and value[:1] != "$":
            value = " ".join(
                word
                for word in dict.fromkeys(value.split())
                if (letters := _LETTERS.findall(word.casefold())) and {one[:_STEM] for one in letters} <= said
            )
        if value != "" or arguments[name] == "":
            kept[name] = value
    return kept


def part_meant(tool: Tool, argument: str, value: Any) -> Any:
    """What belongs there of a value that is a record or a list of records; any other value as it is.

    Raises `ToolFailure` where a part belongs there and nothing was found: nobody is invited in the place of somebody.
    """
    parts = cast(Sequence[str], _declared(tool.parameters).get(argument, {}).get("part", ()))
    records = _listed(value)
    found: list[Any] = records
    for part in parts:
        if records and all(isinstance(one, Mapping) and part in one for one in records):
            found = [*dict.fromkeys(each for one in records for each in _listed(one[part]))]
            break
    if parts and not found:
        raise ToolFailure("not_found", f"What was found has nothing for {argument!r} of {tool.name}.")
    return value if found is records else found[0] if len(found) == 1 else found


def _listed(value: Any) -> list[Any]:
    return cast(list[Any], value) if isinstance(value, list) else [value]


def kinds_of(tool: Tool) -> list[Sequence[str]]:
    """The kinds of names that its arguments take."""
    return [_kinds(schema) for schema in _declared(tool.parameters).values()]


def _candidates(
    schema: Mapping[str, Any], declared: Mapping[str, Mapping[str, Any]], names: Names
) -> list[str]:
    """The names that belong there: of the right kind, and by the words around them not another argument's."""
    kinds = _kinds(schema)
    mine = [one for one in names.names if ("date" if one == "today" else _KIND.sub("", one)) in kinds]
    if not (near := schema.get("near")):
        prefers = schema.get("prefers")
        preferred = [one for one in mine if prefers and _is_near(prefers, names.said.get(one, ""))]
        return [f"${name}" for name in preferred or mine]
    own = {str(one["near"]) for one in declared.values() if "near" in one}
    others = [one for one in (*names.patterns, *own) if one != near]
    hits = [one for one in mine if _is_near(near, names.said.get(one, ""))]
    rest = [
        one
        for one in mine
        if one not in hits and not any(_is_near(other, names.said.get(one, "")) for other in others)
    ]
    return [
        f"${name}"
        for name in (mine if not names.said else [*hits, *rest] if schema.get("several") else hits or rest)
    ]


def _is_named(name: str, declared: Mapping[str, Mapping[str, Any]], names: Names) -> bool:
    """Whether the request names what an optional argument takes, and nothing else of the tool's takes it."""
    schema = declared[name]
    found = _candidates(schema, declared, names)
    if not found:
        return _refers(schema, names)
    if near := schema.get("near"):
        return any(_is_near(near, names.said.get(one.removeprefix("$"), "")) for one in found)
    others = {kind for other, one in declared.items() if other != name for kind in _kinds(one)}
    return schema.get("words") != "always" and not others & {*_kinds(schema)}


def _words(schema: Mapping[str, Any], names: Names) -> bool:
    """Whether words may stand there."""
    words, near = schema.get("words"), schema.get("near")
    return words == "always" or (
        words == "instead" and (not near or _is_near(rf"(?:{near})\s+{_A_NAME}", names.unnamed))
    )


def _refers(schema: Mapping[str, Any], names: Names) -> bool:
    """Whether the request says that a part of something found belongs there: a meeting with the sender."""
    near = schema.get("near")
    return bool(near and "part" in schema and _is_near(rf"(?:{near})\s+{_SOMEBODY}", names.unnamed))


def _is_near(pattern: str, words: str) -> bool:
    return re.search(rf"\b(?:{pattern})\b", words, re.IGNORECASE) is not None


def _said(pattern: str, words: str) -> set[str]:
    return {found[0].casefold() for found in re.finditer(rf"\b(?:{pattern})\b", words, re.IGNORECASE)}


def _chosen(schema: Mapping[str, Any], request: str) -> list[str]:
    """Which of several the request names; empty where it names none."""
    said = cast(Mapping[str, str], schema.get("said", {}))
    return [one for one, words in said.items() if _is_near(words, request)]


def _kinds(schema: Mapping[str, Any]) -> Sequence[str]:
    return cast(Sequence[str], schema.get("entities", ()))


def _declared(parameters: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    declared = cast(Mapping[str, Any], parameters.get("properties", {}))
    return {
        name: cast(Mapping[str, Any], schema) if isinstance(schema, Mapping) else {}
        for name, schema in declared.items()
    }
