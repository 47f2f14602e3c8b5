"""JSON schemas that come with a request, checked before any model is asked: whether they are schemas at all, whether
their references lead somewhere inside them, and whether they are small enough to be looked at.

Whether a server of models can compile a valid schema is for that server to say. Patterns are left to it as well: they
are regular expressions of JavaScript's, which nothing here reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast

from pierian.server.errors import ApiError
from pierian.server.formats.fields import shown, wrong
from pierian.server.formats.frames import ENCODER

MOST_PARTS = 10_000
"""Objects and lists in all schemas of a request: each is looked at, which takes about 0.1 ms."""
_MOST_REMEMBERED = 10_000
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_remembered: set[bytes] = set()
"""Digests of schemas that were found to be in order: clients send the same tools with each request."""


def check_schemas(schemas: Sequence[tuple[Mapping[str, Any], str]], param: str) -> None:
    """Raise `ApiError` for the first of these schemas, each with its place, that is none.

    Args:
        param: The field that holds all of them.
    """
    parts = sum(1 for schema, _ in schemas for _ in _parts(schema))
    if parts > MOST_PARTS:
        told = f"The schemas in '{param}' have {parts:,} objects and lists: send at most {MOST_PARTS:,}."
        raise wrong(param, told)
    for schema, place in schemas:
        _check(schema, place)


def checked_schema(schema: Mapping[str, Any], param: str, *, followed: bool) -> Mapping[str, Any]:
    """The schema of an answer; raises `ApiError` where it is none.

    Args:
        followed: Whether answers are checked against it here, for which everything in it has to be understood.
    """
    check_schemas([(schema, param)], param)
    if followed:
        from pierian.tools.schema import SchemaUnusable, compiled

        try:
            compiled(schema)
        except SchemaUnusable as error:
            raise wrong(param, f"Answers cannot be checked against the schema: {error}.") from error
    return schema


def _check(schema: Mapping[str, Any], place: str) -> None:
    digest = hashlib.blake2b(ENCODER.encode(schema), digest_size=16).digest()
    if digest in _remembered:
        return
    for check in (_outside, _unlike_schemas, _leading_nowhere):
        if (error := check(schema, place)) is not None:
            raise error
    if len(_remembered) >= _MOST_REMEMBERED:
        _remembered.clear()
    _remembered.add(digest)


def _parts(schema: Any) -> Iterator[Any]:
    """All objects and lists in a schema, itself included."""
    left: list[Any] = [schema]
    while left:
        inner: Any = left.pop()
        if isinstance(inner, dict):
            yield cast(Any, inner)
            left.extend(cast(dict[str, Any], inner).values())
        elif isinstance(inner, list):
            yield cast(Any, inner)
            left.extend(cast(list[Any], inner))


def _references(schema: Mapping[str, Any]) -> Iterator[str]:
    for part in _parts(schema):
        if isinstance(part, dict):
            found = cast(dict[str, Any], part)
            yield from (target for key in _REFERENCES if isinstance(target := found.get(key), str))


def _outside(schema: Mapping[str, Any], place: str) -> ApiError | None:
    """A reference to something outside, so that nobody who compiles the schema fetches anything."""
    target = next((one for one in _references(schema) if not one.startswith("#")), None)
    if target is None:
        return None
    return wrong(
        place, f"The schema refers to {shown(target)}: only parts of itself ('#/$defs/…') are allowed."
    )


def _unlike_schemas(schema: Mapping[str, Any], place: str) -> ApiError | None:
    """Where the schema breaks the rules that schemas have themselves."""
    from jsonschema import exceptions

    try:
        error: Any = cast(Any, exceptions).best_match(_rules(_dialect(schema)).iter_errors(cast(Any, schema)))
    except RecursionError:
        return wrong(place, "The schema is nested too deeply: make it flatter.")
    if error is None:
        return None
    where = place + "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path
    )
    what = error.message[:200]
    if where.endswith(".type") and isinstance(error.instance, str):
        what = f"{shown(error.instance)} is no type; send string, number, integer, boolean, object, array or null"
    return wrong(where, f"'{where}' is not as a JSON schema has it: {what}.")


def _leading_nowhere(schema: Mapping[str, Any], place: str) -> ApiError | None:
    """A reference to a part that the schema does not have."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012, specification_with

    if any(isinstance(part, dict) and "$id" in part for part in _parts(list(schema.values()))):
        return None  # its references start from there
    dialect: Any = specification_with(_dialect(schema), default=DRAFT202012)
    registry: Any = cast(Any, Registry)().with_resource("", dialect.create_resource(schema))
    resolver = registry.resolver()
    for target in dict.fromkeys(_references(schema)):
        try:
            resolver.lookup(target)
        except Unresolvable:
            return wrong(place, f"The schema refers to {shown(target)}, which it does not have.")
    return None


def _dialect(schema: Mapping[str, Any]) -> str:
    named = schema.get("$schema")
    return named if isinstance(named, str) else ""


@cache
def _rules_of(kind: Any) -> Any:
    return kind(kind.META_SCHEMA)


def _rules(dialect: str) -> Any:
    """What checks schemas of this dialect; of one that is not known, the newest is meant."""
    import jsonschema
    from jsonschema import validators

    kind: Any = cast(Any, validators).validator_for(
        {"$schema": dialect}, default=jsonschema.Draft202012Validator
    )
    return _rules_of(kind)
