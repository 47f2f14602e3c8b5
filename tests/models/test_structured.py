"""Typed output: what a server that keeps to schemas, ignores them or is cut off gives the caller."""

from __future__ import annotations

import pytest
from msgspec import Struct

from pierian.exceptions import SchemaIgnored
from pierian.models.structured import structured
from pierian.models.wire import Message, Request
from pierian.testing import AutomaticModel, ScriptedModel


class Trip(Struct):
    """An example."""

    city: str
    days: int


REQUEST = Request(messages=(Message("user", "Three days in Lisbon"),), max_tokens=100)


async def test_schema_valid_output_is_decoded() -> None:
    value, usage = await structured(AutomaticModel(), REQUEST, Trip)  # type: ignore[arg-type]
    assert isinstance(value, Trip)
    assert usage.completion_tokens > 0


async def test_output_that_does_not_fit_is_repaired_once_with_the_reason() -> None:
    model = ScriptedModel("Lisbon, three days", '```json\n{"city": "Lisbon", "days": 3}\n```')
    value, _ = await structured(model, REQUEST, Trip)  # type: ignore[arg-type]
    assert value == Trip("Lisbon", 3)
    model.assert_complete()
    repair = model.requests[1].messages
    assert repair[-2].content == "Lisbon, three days"
    assert "not valid" in repair[-1].content


async def test_a_second_failure_is_one_clear_error() -> None:
    model = ScriptedModel('{"city": "Lis', '{"city": "Lisbon", "days": "three"}')
    with pytest.raises(SchemaIgnored, match="even after one repair"):
        await structured(model, REQUEST, Trip)  # type: ignore[arg-type]
    model.assert_complete()
