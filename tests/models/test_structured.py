"""Typed output: what a server that keeps to schemas, ignores them or is cut off gives the caller."""

from __future__ import annotations

import pytest
from msgspec import Struct

from pierian.budget import Ledger, Limits
from pierian.exceptions import BudgetExhausted, SchemaIgnored
from pierian.models.structured import structured
from pierian.models.wire import Message, Request
from pierian.testing import AutomaticModel, ScriptedModel


class Trip(Struct):
    """An example."""

    city: str
    days: int


REQUEST = Request(messages=(Message("user", "Three days in Lisbon"),), max_tokens=100)


async def test_schema_valid_output_is_decoded() -> None:
    ledger = Ledger(Limits(tokens=150))
    assert isinstance(await structured(AutomaticModel(), REQUEST, Trip, ledger), Trip)
    assert 0 < ledger.spent.tokens <= 100
    assert ledger.reserved.tokens == 0


async def test_nothing_is_asked_that_the_budget_does_not_hold() -> None:
    with pytest.raises(BudgetExhausted):
        await structured(ScriptedModel(), REQUEST, Trip, Ledger(Limits(tokens=99)))


async def test_output_that_does_not_fit_is_repaired_once_with_the_reason() -> None:
    model = ScriptedModel("Lisbon, three days", '```json\n{"city": "Lisbon", "days": 3}\n```')
    value = await structured(model, REQUEST, Trip, Ledger())
    assert value == Trip("Lisbon", 3)
    model.assert_complete()
    repair = model.requests[1].messages
    assert repair[-2].content == "Lisbon, three days"
    assert "not valid" in repair[-1].content


async def test_a_second_failure_is_one_clear_error() -> None:
    model = ScriptedModel('{"city": "Lis', '{"city": "Lisbon", "days": "three"}')
    with pytest.raises(SchemaIgnored, match="even after one repair"):
        await structured(model, REQUEST, Trip, Ledger())
    model.assert_complete()
