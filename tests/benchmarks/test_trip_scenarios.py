"""Trips from requests in words against trying everything out; 70, 75 and 86 are such as the solver once got wrong."""

from __future__ import annotations

import pytest
from benchmarks.trip_scenarios import best, broken_by, case, fewest, planned, reason_of


@pytest.mark.parametrize("seed", [0, 3, 70, 75, 86])
async def test_the_best_trip_or_the_true_reason(seed: int) -> None:
    made = case(seed)
    trip = await planned(made)
    assert trip.total == best(made, made.wishes)
    if trip.possible:
        assert not broken_by(made, trip)
    else:
        reason = reason_of(made, trip)
        assert reason and best(made, reason) is None and len(reason) == fewest(made)
