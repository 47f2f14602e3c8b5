"""The three tasks of NATURAL PLAN as problems with their true constraints, and the scorer of plans.

The source is google-deepmind/natural-plan (Apache-2.0): `KIND.dev.jsonl` with requests and golden plans, beside it
`KIND.dev.constraints.json`. Golden plans and constraint files are read here alone: for the scorer, and for the upper
bound that the engine reaches when nothing has to be read. Calendar and meeting plans are right when they keep every
constraint (and as many people are met as in the golden plan); journeys are right when they are the golden plan.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pierian.planning.constraints import (
    Activity,
    AnyWish,
    Covers,
    Fills,
    Lasts,
    Leg,
    Outside,
    Plan,
    Problem,
    Start,
    Timeline,
    Window,
    Within,
)

FILES = {"calendar": "calendar_scheduling", "meeting": "meeting_planning", "trip": "trip_planning"}
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOUR = re.compile(r"(\d+):(\d+)\s*([AP]M)?")
_STAY = re.compile(r"\*\*Day (\d+)-(\d+):\*\* (?:Arriving in ([^*]+?) and v|V)isit ([^*]+?) for \d+ days")
_MET = re.compile(r"^You meet (\w+) for")


@dataclass(frozen=True, slots=True)
class Item:
    """One request; `golden` and `constraints` are for the scorer alone."""

    id: str
    task: str
    request: str
    golden: Any
    constraints: dict[str, Any]


def load(folder: Path, task: str, limit: int | None = None) -> list[Item]:
    """The items of a task."""
    rows = [json.loads(line) for line in (folder / f"{FILES[task]}.dev.jsonl").read_text().splitlines()]
    truth = json.loads((folder / f"{FILES[task]}.dev.constraints.json").read_text())
    found = [
        Item(
            row["id"],
            task,
            _request(row["prompt_0shot"]),
            row["golden_plan"],
            truth[row["id"]]["constraints"] if row["id"] in truth else {},
        )
        for row in rows
    ]
    return found[:limit]


def _request(prompt: str) -> str:
    """The task of a prompt, without what tells a model how to answer."""
    text = prompt.split("TASK:")[-1]
    text = re.sub(r"Your response should start with 'SOLUTION:'\.?|SOLUTION:\s*$", "", text)
    return text.strip()


# True constraints as problems


def true_problem(item: Item) -> Problem:
    """The problem of an item as its constraint file states it."""
    return {"calendar": _calendar, "meeting": _meeting, "trip": _trip}[item.task](item.constraints)


def _calendar(told: dict[str, Any]) -> Problem:
    taken = [(DAYS.index(one["day"]), one["start"], one["end"]) for one in told["disallowed_ranges"]]
    windows = tuple(Window(day * 1440 + round(a * 60), day * 1440 + round(b * 60)) for day, a, b in taken)
    days = sorted({day for day, _, _ in taken})
    wishes: list[AnyWish] = [
        Lasts(activity="meeting", least=round(told["meeting_duration"] * 60)),
        Within(windows=tuple(Window(day * 1440, (day + 1) * 1440) for day in days)),
        Outside(windows=windows),
    ]
    return Problem(
        Timeline("weekdays"), Window(0, 7 * 1440), (Activity("meeting", ("all",), step=30),), tuple(wishes)
    )


def _meeting(told: dict[str, Any]) -> Problem:
    legs = tuple(
        Leg(one["place"]["from"], one["place"]["to"], one["walking_time"]) for one in told["travel_distances"]
    )
    activities, wishes = list[Activity](), list[AnyWish]()
    for one in told["people_to_meet"]:
        activities.append(Activity(one["name"], ("you",), one["location"], optional=True))
        window = Window(minute(one["time_of_day"]["from"]), minute(one["time_of_day"]["to"]))
        wishes.append(Within(windows=(window,), activities=(one["name"],)))
        wishes.append(Lasts(activity=one["name"], least=one["min_meeting_duration"]))
    start = Start("you", told["start"]["location"], minute(told["start"]["time_of_day"]))
    return Problem(
        Timeline("clock"), Window(0, 1440), tuple(activities), tuple(wishes), travel=legs, starts=(start,)
    )


def _trip(told: dict[str, Any]) -> Problem:
    days = told["trip_length"]
    activities = tuple(Activity(one["city"], ("you",), one["city"]) for one in told["city_length"])
    wishes: list[AnyWish] = [Fills(window=Window(1, days))]
    wishes += [
        Lasts(activity=o["city"], least=o["days"] - 1, most=o["days"] - 1) for o in told["city_length"]
    ]
    wishes += [
        Covers(activity=o["city"], window=Window(o["start"], o["end"])) for o in told["city_day_ranges"]
    ]
    ways = {(one["from"], one["to"]) for one in told["direct_flights"]}
    return Problem(
        Timeline("days"),
        Window(1, days),
        activities,
        tuple(wishes),
        travel=tuple(Leg(a, b) for a, b in sorted(ways | {(b, a) for a, b in ways})),
        gapless=True,
    )


def minute(text: str) -> int:
    """`2:45PM` or `13:30` as a minute of the day."""
    found = _HOUR.search(text)
    assert found is not None, text
    hour, rest, half = int(found[1]), int(found[2]), found[3]
    if half:
        hour = hour % 12 + (12 if half == "PM" else 0)
    return hour * 60 + rest


# The scorer


def right(item: Item, plan: Plan | None, problem: Problem | None) -> bool:
    """Whether a plan for a request is what the set asks for."""
    if plan is None or problem is None or not plan.placed:
        return False
    return {"calendar": _calendar_right, "meeting": _meeting_right, "trip": _trip_right}[item.task](
        item, plan, problem
    )


def _calendar_right(item: Item, plan: Plan, problem: Problem) -> bool:
    if len(plan.placed) != 1:
        return False
    at = plan.placed[0]
    if problem.timeline.kind == "dated":
        local = problem.timeline.local(at.begins)
        day, begins = local.weekday(), local.hour * 60 + local.minute
    else:
        day, begins = divmod(at.begins, 1440)
    ends = begins + at.ends - at.begins
    if ends - begins != round(item.constraints["meeting_duration"] * 60):
        return False
    days = {one["day"] for one in item.constraints["disallowed_ranges"]}
    if day > 6 or DAYS[day] not in days:
        return False
    return not any(
        one["day"] == DAYS[day] and begins < one["end"] * 60 and one["start"] * 60 < ends
        for one in item.constraints["disallowed_ranges"]
    )


def _meeting_right(item: Item, plan: Plan, problem: Problem) -> bool:
    told = item.constraints
    people = {one["name"]: one for one in told["people_to_meet"]}
    ways = {
        (one["place"]["from"], one["place"]["to"]): one["walking_time"] for one in told["travel_distances"]
    }
    where, now = told["start"]["location"], minute(told["start"]["time_of_day"])
    met = set[str]()
    for at in plan.placed:
        person = people.get(at.activity)
        if person is None or at.activity in met:
            return False
        now += ways[where, person["location"]] if where != person["location"] else 0
        where = person["location"]
        opens, closes = (minute(person["time_of_day"][side]) for side in ("from", "to"))
        if at.begins < max(now, opens) or at.ends > closes:
            return False
        if at.ends - at.begins < person["min_meeting_duration"]:
            return False
        now = at.ends
        met.add(at.activity)
    golden = sum(bool(_MET.match(line)) for line in item.golden)
    return len(met) >= golden


def _trip_right(item: Item, plan: Plan, problem: Problem) -> bool:
    return [(at.activity, at.begins, at.ends) for at in plan.placed] == golden_stays(item)


def golden_stays(item: Item) -> list[tuple[str, int, int]]:
    """The stays of a golden journey."""
    return [(found[4], int(found[1]), int(found[2])) for found in _STAY.finditer(item.golden)]


def flown(item: Item) -> list[tuple[str, str]]:
    """The journeys between the cities of a golden plan."""
    return [(a, b) for (a, _, _), (b, _, _) in pairwise(golden_stays(item))]
