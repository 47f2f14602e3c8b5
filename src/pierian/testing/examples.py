"""Small data that matches a JSON schema, made without a model and the same every time.

Covers what schemas of this project and of pydantic use: types, `enum`, `const`, objects, arrays, `$ref`,
`anyOf`, `oneOf`, `allOf`, bounds, `format` and `pattern`. What it cannot do (`not`, `if`, look-around in a
pattern) raises `NoExample` rather than give data that does not match.
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Mapping
from typing import Any, cast

MAX_DEPTH = 24
OPTIONAL_DEPTH = 6
"""Below this depth properties that are not required are left out, so that recursive schemas end."""

FORMATS = {
    "date": "2026-11-02",
    "time": "09:30:00Z",
    "date-time": "2026-11-02T09:30:00Z",
    "duration": "PT1H",
    "email": "someone@example.org",
    "uri": "https://example.org/",
    "url": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.org",
}

Schema = Mapping[str, Any]


class NoExample(ValueError):
    """No example could be made for a schema."""


def example(schema: Schema) -> Any:
    """Data that matches `schema`; raises `NoExample` where none is found."""
    return _value(schema, schema, 0)


def _value(schema: Any, root: Schema, depth: int) -> Any:
    if schema is True:
        return "text"
    if not isinstance(schema, Mapping):
        raise NoExample(f"Nothing matches the schema {schema!r}.")
    schema = _flat(cast(Schema, schema), root)
    if depth > MAX_DEPTH:
        raise NoExample("The schema has no end.")
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _first_of(schema, key, root, depth)
    if "not" in schema or "if" in schema:
        raise NoExample("Schemas with `not` or `if` are not supported.")
    return _of_type(_type_of(schema), schema, root, depth)


def _of_type(kind: str, schema: Schema, root: Schema, depth: int) -> Any:
    match kind:
        case "object":
            return _object(schema, root, depth)
        case "array":
            return _array(schema, root, depth)
        case "string":
            return _string(schema)
        case "integer":
            return _number(schema, whole=True)
        case "number":
            return _number(schema, whole=False)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            raise NoExample(f"There is no type {kind!r}.")


def _flat(schema: Schema, root: Schema) -> dict[str, Any]:
    """The schema with its references followed and `allOf` merged in."""
    merged = dict(schema)
    for _ in range(MAX_DEPTH):
        if "$ref" in merged:
            target = _resolve(str(merged.pop("$ref")), root)
            merged = {**target, **merged}
        elif "allOf" in merged:
            for part in merged.pop("allOf"):
                merged = _merge(merged, _flat(part, root))
        else:
            return merged
    raise NoExample("A $ref leads back to itself.")


def _merge(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged = {**one, **other}
    if "properties" in one and "properties" in other:
        merged["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        merged["required"] = [*one["required"], *other["required"]]
    return merged


def _resolve(reference: str, root: Schema) -> Schema:
    if not reference.startswith("#"):
        raise NoExample(f"The reference {reference!r} leads out of the schema.")
    found: Any = root
    for key in reference.lstrip("#/").split("/"):
        if key:
            found = found[key.replace("~1", "/").replace("~0", "~")]
    return found


def _first_of(schema: dict[str, Any], key: str, root: Schema, depth: int) -> Any:
    """The first alternative for which there is an example, together with what stands beside it."""
    rest = {k: v for k, v in schema.items() if k != key}
    reasons: list[str] = []
    for option in schema[key]:
        try:
            return _value(_merge(rest, _flat(option, root)), root, depth + 1)
        except NoExample as error:
            reasons.append(str(error))
    raise NoExample(f"None of the alternatives has an example: {'; '.join(reasons)}")


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, str):
        return kind
    if isinstance(kind, list):
        kinds = cast(list[str], kind)
        return next((k for k in kinds if k != "null"), "null")
    for found, keys in (
        ("object", ("properties", "additionalProperties", "required")),
        ("array", ("items", "prefixItems", "minItems")),
        ("string", ("pattern", "format", "minLength", "maxLength")),
        ("number", ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum")),
    ):
        if any(key in schema for key in keys):
            return found
    return "string"


def _object(schema: Schema, root: Schema, depth: int) -> dict[str, Any]:
    required = set(cast("list[str]", schema.get("required", [])))
    properties = cast(Schema, schema.get("properties", {}))
    made: dict[str, Any] = {}
    for name, inner in properties.items():
        if name not in required and depth >= OPTIONAL_DEPTH:
            continue
        try:
            made[name] = _value(inner, root, depth + 1)
        except NoExample:
            if name in required:
                raise
    more: Any = schema.get("additionalProperties", True)
    missing = [name for name in sorted(required) if name not in made]
    while len(made) + len(missing) < schema.get("minProperties", 0):
        missing.append(f"key{len(missing) + 1}")
    for name in missing:
        made[name] = _value(more, root, depth + 1)
    return made


def _array(schema: Schema, root: Schema, depth: int) -> list[Any]:
    items = [_value(inner, root, depth + 1) for inner in schema.get("prefixItems", [])]
    inner: Any = schema.get("items", True)
    least = int(schema.get("minItems", 0))
    wanted = max(least, min(1, int(schema.get("maxItems", 1))))
    if depth >= OPTIONAL_DEPTH or inner is False:
        wanted = least
    if schema.get("uniqueItems") and isinstance(inner, Mapping):
        choices = _flat(cast(Schema, inner), root).get("enum")
        if choices:
            return [*items, *choices[: wanted - len(items)]]
        if wanted - len(items) > 1:
            return [*items, *(_numbered(inner, root, depth, n) for n in range(wanted - len(items)))]
    while len(items) < wanted:
        items.append(_value(inner, root, depth + 1))
    return items


def _numbered(inner: Any, root: Schema, depth: int, number: int) -> Any:
    """One of several different items: numbers and texts can be told apart, other things cannot."""
    value = _value(inner, root, depth + 1)
    if isinstance(value, str):
        return f"{value}{number}" if number else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value + number
    raise NoExample("Several different items of that kind cannot be made.")


def _string(schema: Schema) -> str:
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    if "pattern" in schema:
        return _matching(str(schema["pattern"]), least)
    text = FORMATS.get(str(schema.get("format", "")), "text").ljust(least, "x")
    return text if most is None else text[: int(most)]


def _number(schema: Schema, *, whole: bool) -> int | float:
    low = float(schema.get("minimum", -math.inf))
    high = float(schema.get("maximum", math.inf))
    step = schema.get("multipleOf", 1)
    after, before = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
    start = max(low, after, -1 if math.isfinite(min(high, before)) else 1)
    start = min(start, high, before)
    candidates: list[float] = [math.floor(start / step) * step + n * step for n in (0, 1, 2, 3, -1)]
    if not whole:
        bottom, top = max(low, after), min(high, before)
        candidates += [x for x in (low, high, (bottom + top) / 2) if math.isfinite(x)]
    for value in candidates:
        if low <= value <= high and after < value < before:
            return int(value) if float(value).is_integer() else value
    raise NoExample(f"No number fits {dict(schema)!r}.")


def _matching(pattern: str, least: int) -> str:
    """A text that a regular expression finds, by walking its parse tree; repeats as often as the length needs."""
    parser: Any = importlib.import_module("re._parser")
    for repeats in (0, 1, least, least * 2):
        try:
            text = "".join(_node(op, argument, repeats) for op, argument in parser.parse(pattern))
        except (NoExample, re.error) as error:
            raise NoExample(f"No text can be made for the pattern {pattern!r}: {error}") from error
        if len(text) >= least and re.search(pattern, text):
            return text
    raise NoExample(f"No text can be made for the pattern {pattern!r}.")


def _node(op: Any, argument: Any, repeats: int) -> str:
    match str(op):
        case "LITERAL":
            return chr(argument)
        case "ANY":
            return "x"
        case "AT":
            return ""
        case "IN":
            return _member(argument)
        case "SUBPATTERN":
            return "".join(_node(o, a, repeats) for o, a in argument[-1])
        case "BRANCH":
            return "".join(_node(o, a, repeats) for o, a in argument[1][0])
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, high, inner = argument
            times = min(max(low, repeats), int(high))
            return "".join(_node(o, a, repeats) for o, a in inner) * times
        case other:
            raise NoExample(f"{other.lower()} is not supported")


def _member(argument: Any) -> str:
    """A character of a set; a printable one that the set does not exclude."""
    code = "".join(
        chr(c) for c in range(32, 127) if any(_in_set(op, value, chr(c)) for op, value in argument)
    )
    if str(argument[0][0]) == "NEGATE":
        excluded = argument[1:]
        code = "".join(
            chr(c) for c in range(97, 127) if not any(_in_set(op, value, chr(c)) for op, value in excluded)
        )
    if not code:
        raise NoExample("no printable character fits")
    letters = [c for c in code if c.isalnum()]
    return letters[0] if letters else code[0]


_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def _in_set(op: Any, value: Any, character: str) -> bool:
    match str(op):
        case "LITERAL":
            return chr(value) == character
        case "RANGE":
            return value[0] <= ord(character) <= value[1]
        case "CATEGORY":
            return re.fullmatch(_CATEGORIES[str(value)], character) is not None
        case _:
            return False
