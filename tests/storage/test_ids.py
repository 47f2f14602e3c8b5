"""Ids that sort as they were made."""

from __future__ import annotations

import time

import pytest

from pierian.storage.ids import ID_LENGTH, new_id


def test_ids_of_one_process_sort_as_they_were_made_even_when_the_clock_is_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = time.time_ns() + 1_000_000_000
    clock = iter([now] * 500 + [now - 3_600_000_000_000] * 500)
    monkeypatch.setattr(time, "time_ns", lambda: next(clock))
    made = [new_id() for _ in range(1000)]
    assert made == sorted(set(made))
    assert {len(each) for each in made} == {ID_LENGTH}
