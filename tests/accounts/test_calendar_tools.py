"""Which events a plan means: by day, by hour, by title, by person; the first, the last, the next, all."""

from __future__ import annotations

from typing import Any

import pytest
from tests.accounts.calendar_world import World, day, vcalendar, vevent

from pierian.tools import ToolFailure

WORKDAY = next(number for number in (3, 4, 5) if day(number).weekday() < 5)


@pytest.fixture
def busy(world: World) -> World:
    """A few days with meetings; the clock stands at ten."""
    bob = ("ORGANIZER:mailto:ann@example.org", "ATTENDEE;CN=Bob Stone:mailto:bob@example.org")
    for uid, begins, summary, people in (
        ("a", day(-2, 9), "Stand-up", ()),
        ("b", day(1, 9), "Stand-up", ()),
        ("c", day(1, 11), "Budget review", bob),
        ("d", day(1, 14), "Strategic planning meeting", ()),
        ("e", day(WORKDAY, 9), "Stand-up", ()),
        ("f", day(WORKDAY, 16), "Budget talk", bob),
    ):
        world.server.put(f"/ann/work/{uid}.ics", vcalendar(vevent(uid, begins, *people, summary=summary)))
    world.sync()
    return world


def iso(days: int) -> str:
    return day(days).date().isoformat()


def at(days: int, hour: int) -> str:
    return day(days, hour).isoformat()


@pytest.mark.parametrize(
    ("wanted", "titles"),
    [
        ({"which": "first", "when": iso(1)}, ["Stand-up"]),
        ({"which": "last", "when": iso(1)}, ["Strategic planning meeting"]),
        ({"which": "next"}, ["Stand-up"]),
        ({"which": "all", "with_person": "bob@example.org"}, ["Budget review", "Budget talk"]),
        ({"which": "next", "with_person": "bob"}, ["Budget review"]),
        ({"which": "all", "called": "the next strategic planning meeting"}, ["Strategic planning meeting"]),
        ({"which": "all", "called": "my meetings", "when": iso(WORKDAY)}, ["Stand-up", "Budget talk"]),
        ({"which": "last", "called": "stand-up"}, ["Stand-up"]),
        ({"which": "all", "when": {"start": at(1, 0), "end": at(1, 14)}}, ["Stand-up", "Budget review"]),
        (
            {"which": "all", "when": {"start": at(1, 11), "end": at(2, 0)}},
            ["Budget review", "Strategic planning meeting"],
        ),
        (
            {"which": "all", "when": {"start": iso(1), "end": iso(WORKDAY)}, "called": "stand-up"},
            ["Stand-up"] * 2,
        ),
        ({"which": "all", "when": at(1, 11)}, ["Budget review"]),
        ({"which": "last"}, ["Stand-up"]),  # the one before now
        ({"which": "all", "called": "nothing of the kind"}, []),
    ],
)
async def test_the_events_that_are_meant(busy: World, wanted: dict[str, Any], titles: list[str]) -> None:
    assert [one["title"] for one in await busy.call("calendar_events", **wanted)] == titles


async def test_the_first_free_time_is_taken(busy: World) -> None:
    made = await busy.call(
        "calendar_create",
        title="Catch-up",
        people="bob@example.org",
        lasting="PT30M",
        first_free=iso(WORKDAY),
    )
    assert made["begins"] == day(WORKDAY, 10).isoformat(timespec="minutes") and made["minutes"] == 30
    assert made["with_people"] == ["bob@example.org"]
    seen = await busy.call("calendar_create", lookup=True, title="Catch-up", people="bob@example.org")
    assert seen["id"] == made["id"]


async def test_later_counts_where_a_day_is_named_beside_it(busy: World) -> None:
    (first,) = await busy.call("calendar_events", which="first", when=iso(1))
    moved = await busy.call("calendar_move", "m", event_id=first["id"], later="PT1H30M", begins=iso(1))
    assert moved["begins"] == day(1, 10, 30).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    "when", ["15:00", "soon", {"start": "09:00", "end": "17:00"}, {"start": "x", "end": "y"}]
)
async def test_a_time_without_a_day_is_refused(busy: World, when: Any) -> None:
    with pytest.raises(ToolFailure) as raised:
        await busy.call("calendar_events", which="all", when=when)
    assert raised.value.code == "invalid"


async def test_without_a_time_nothing_is_scheduled(busy: World) -> None:
    with pytest.raises(ToolFailure, match="not said when"):
        await busy.call("calendar_create", title="Plan")
