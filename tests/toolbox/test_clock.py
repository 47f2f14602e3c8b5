"""Dates and times: what a small model gets wrong, code must not."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.provenance import NOBODY, Labelled
from pierian.toolbox import clock_tools
from pierian.tools import Tool, ToolFailure, invoke

TOOLS: dict[str, Tool] = {
    made.name: made
    for made in clock_tools(lambda: datetime(2026, 11, 24, 23, 30, tzinfo=ZoneInfo("Europe/Berlin")))
}


async def call(name: str, **arguments: Any) -> Any:
    found = await invoke(TOOLS[name], {key: Labelled(value) for key, value in arguments.items()})
    assert found is not None
    assert found.labels == NOBODY
    return found.value


async def test_the_time_here_and_elsewhere() -> None:
    here = await call("clock_now")
    assert here == {
        "date": "2026-11-24",
        "weekday": "Tuesday",
        "time": "23:30",
        "zone": "Europe/Berlin",
        "offset": "+01:00",
    }
    there = await call("clock_now", zone="Asia/Kathmandu")
    assert (there["date"], there["time"], there["offset"]) == ("2026-11-25", "04:15", "+05:45")


@pytest.mark.parametrize(
    ("said", "zone"),
    [
        ("tokyo", "Asia/Tokyo"),
        ("New York", "America/New_York"),
        ("utc", "UTC"),
        ("EUROPE/PARIS", "Europe/Paris"),
    ],
)
async def test_zones_go_by_what_people_call_them(said: str, zone: str) -> None:
    assert (await call("clock_now", zone=said))["zone"] == zone


@pytest.mark.parametrize(
    "zone", ["Tokio", "../../etc/passwd", "/etc/localtime", "America", "x\0y", "ü" * 5000]
)
async def test_an_unknown_zone_is_named(zone: str) -> None:
    with pytest.raises(ToolFailure) as caught:
        await call("clock_now", zone=zone)
    assert caught.value.code == "not_found"
    if zone == "Tokio":
        assert "Asia/Tokyo" in caught.value.hint


@pytest.mark.parametrize(
    ("start", "shift", "ends", "weekday"),
    [
        ("2026-01-31", {"months": 1}, "2026-02-28", "Saturday"),
        ("2028-01-31", {"months": 1}, "2028-02-29", "Tuesday"),
        ("2026-12-31", {"months": 2}, "2027-02-28", "Sunday"),
        ("2026-03-31", {"months": -13}, "2025-02-28", "Friday"),
        ("today", {"weeks": 2, "days": 1}, "2026-12-09", "Wednesday"),
        ("2026-12-24", {}, "2026-12-24", "Thursday"),
    ],
)
async def test_dates_apart(start: str, shift: dict[str, int], ends: str, weekday: str) -> None:
    assert await call("date_shift", start=start, **shift) == {"date": ends, "weekday": weekday}


@given(st.dates(), st.integers(-10_000, 10_000))
async def test_days_there_and_back(start: date, days: int) -> None:
    try:
        end = start + timedelta(days=days)
    except OverflowError:
        with pytest.raises(ToolFailure):
            await call("date_shift", start=start.isoformat(), days=days)
        return
    assert (await call("date_shift", start=start.isoformat(), days=days))["date"] == end.isoformat()
    assert await call("days_between", first=start.isoformat(), second=end.isoformat()) == days


@given(st.dates(), st.integers(-200_000, 200_000))
async def test_months_keep_the_day_or_take_the_last_one(start: date, months: int) -> None:
    try:
        found = date.fromisoformat((await call("date_shift", start=start.isoformat(), months=months))["date"])
    except ToolFailure as failure:
        assert failure.code == "invalid"
        return
    assert (found.year * 12 + found.month) - (start.year * 12 + start.month) == months
    assert found.day == start.day or (found.day < start.day and (found + timedelta(days=1)).day == 1)


@pytest.mark.parametrize("text", ["24.12.2026", "2026-02-30", "soon", "2026"])
async def test_what_is_no_date_is_said(text: str) -> None:
    with pytest.raises(ToolFailure) as caught:
        await call("days_between", first="2026-01-01", second=text)
    assert (caught.value.code, text in str(caught.value)) == ("invalid", True)


@pytest.mark.parametrize("shift", [{"days": 10**30}, {"months": 10**18}, {"weeks": -(10**9)}])
async def test_a_shift_out_of_the_calendar_is_said(shift: dict[str, int]) -> None:
    with pytest.raises(ToolFailure) as caught:
        await call("date_shift", **shift)
    assert caught.value.code == "invalid"
