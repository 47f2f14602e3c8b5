"""Checks of values against schemas that other people wrote, and how long they may take."""

from __future__ import annotations

from typing import Any

import pytest

from pierian.tools.schema import SchemaUnusable, compiled


@pytest.mark.parametrize(
    ("schema", "value", "wrong"),
    [
        (
            {"type": "object", "properties": {"a": {"type": "integer"}}},
            {"a": "x"},
            "a: 'x' is not of type 'integer'",
        ),
        ({"additionalProperties": False, "properties": {"a": {}}}, {"b": 1}, "'b' was unexpected"),
        ({"additionalProperties": False, "patternProperties": {"(b+)+$": {}}}, {"b" * 50 + "!": 1}, ""),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]},
            [1],
            "0: 1 is not",
        ),
        (
            {"$defs": {"t": {"items": {"$ref": "#/$defs/t"}, "type": "array"}}, "$ref": "#/$defs/t"},
            [[], [[]]],
            "",
        ),
        ({"uniqueItems": True}, [{"a": 1}, {"a": 1}], ""),
        ({}, None, ""),
    ],
)
def test_schemas_are_checked(schema: dict[str, Any], value: Any, wrong: str) -> None:
    found = compiled(schema)(value)
    assert wrong in found
    assert bool(wrong) == bool(found)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "text"},
        {"properties": []},
        {"$ref": "#/$defs/none"},
        {"$ref": "http://127.0.0.1:9/schema"},
        {"$ref": "#"},
        {"$id": 7, "$schema": ["x"]},
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
    ],
)
def test_a_schema_of_no_use_is_told_apart(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaUnusable):
        compiled(schema)({"a": 1})


def test_a_check_keeps_no_copies_of_a_large_value() -> None:
    check = compiled({"anyOf": [{"type": "integer"}] * 2000})
    try:
        assert len(check("x" * 1_000_000)) < 400
    except SchemaUnusable as error:
        assert "longer than" in str(error)
