"""What people choose for themselves is kept, and what cannot be meant is refused."""

from __future__ import annotations

import math

import pytest
from msgspec import structs

from pierian.exceptions import UserError
from pierian.reasoning.mode import Mode
from pierian.storage import Database, Profile, Profiles
from pierian.storage.profiles import MODES

CHOSEN = Profile("Answer in verse.\n", "thinking", 500, 2.5, "dark")


def test_it_comes_back_as_it_was_saved(database: Database) -> None:
    profiles = Profiles(database)
    assert profiles.get("ada") == Profile()
    kept = profiles.save("ada", CHOSEN)
    assert profiles.get("ada") == kept == structs.replace(CHOSEN, instructions="Answer in verse.")
    assert profiles.get("bob") == Profile()
    profiles.save("ada", Profile())
    assert profiles.get("ada") == Profile()


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "deep"},
        {"theme": "pink"},
        {"budget_tokens": 0},
        {"budget_tokens": 2**63},
        {"budget_seconds": 0.0},
        {"budget_seconds": math.nan},
        {"budget_seconds": math.inf},
        {"instructions": "x" * 10_001},
    ],
)
def test_what_cannot_be_meant(database: Database, change: dict[str, object]) -> None:
    with pytest.raises(UserError) as caught:
        Profiles(database).save("ada", structs.replace(CHOSEN, **change))
    assert caught.value.hint
    assert Profiles(database).get("ada") == Profile()


def test_any_text_can_be_an_instruction(database: Database) -> None:
    Profiles(database).save("ada", Profile("a\x00b\udcff"))
    assert Profiles(database).get("ada").instructions == "a\ufffdb" + "\ufffd" * 3


def test_its_modes_are_those_that_there_are() -> None:
    assert sorted(MODES) == sorted(mode.value for mode in Mode)
