"""Reads from the clauses of a request who is where and when, how long each visit is, and how long the ways are.

A clause with two places and a length is a way; one with a person, a place and hours tells where somebody is;
one with a person and a length how long the visit should be. A clause without a person goes on about the one
before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from pierian.planning.clauses import Clause
from pierian.planning.constraints import (
    Activity,
    AnyWish,
    Lasts,
    Leg,
    Problem,
    Source,
    Start,
    Timeline,
    Window,
    Within,
)
from pierian.planning.meeting_reading import spans_of
from pierian.planning.mentions import DAY, Mention
from pierian.planning.naming import Names

_BOTH_WAYS = re.compile(
    r"\b(?:both|either|each) (?:ways?|directions?)\b|\band back\b|\bvice versa\b|↔|⇄|<->"
    r"|\bthere and back\b|\bbetween\b",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(?:he|she|they|who|whose)\b", re.IGNORECASE)
_SHORTEST = 15


class VisitsRead(Struct, frozen=True):
    """What was read."""

    problem: Problem
    assumed: tuple[str, ...]


class _Person(Struct):
    place: str = ""
    windows: list[Window] = []
    minutes: int = 0
    where: Source | None = None
    how_long: Source | None = None


def is_way(clause: Clause, names: Names) -> bool:
    """Whether a clause tells how long the way between places is."""
    if clause.of("hours", "clock") or clause.named(names.people()):
        return False
    places = clause.named(names.places())
    return len(places) >= 2 and bool(clause.of("minutes", "number"))


def visits(clauses: Sequence[Clause], names: Names) -> VisitsRead:
    """The problem of visiting as many as possible."""
    assumed: list[str] = []
    people = {name: _Person(windows=[]) for name in names.people()}
    ways: dict[tuple[str, str], int] = {}
    back: set[tuple[str, str]] = set()
    start: Start | None = None
    last = ""
    origin = ""
    for clause in clauses:
        own = [one.value for one in clause.named(names.people())]
        places = clause.named(names.places())
        if start is None and not own and len(places) == 1 and (at := _moment(clause)) is not None:
            start = Start("you", places[0].value, at)
            continue
        if not own and (is_way(clause, names) or (origin and _hub_line(clause, places))):
            origin = _ways(clause, names, ways, back, origin)
            continue
        origin = places[0].value if len(places) == 1 and clause.text.rstrip().endswith(":") else ""
        _about(clause, names, people, last, assumed)
        last = own[-1] if own else last
    return VisitsRead(_problem(people, ways, back, start, names, assumed), tuple(assumed))


def _moment(clause: Clause) -> int | None:
    """When one is at the only place that a clause names, where it is about nobody else."""
    times = clause.of("hours", "clock")
    if times and not _PRONOUN.search(clause.text):
        return times[0].value[0] if times[0].kind == "hours" else times[0].value
    lengths = clause.of("minutes", "number")
    if len(lengths) == 1 and re.fullmatch(r"\d{1,2}h", lengths[0].text):  # 9h is a time where nothing lasts
        return lengths[0].value
    return None


def _hub_line(clause: Clause, places: Sequence[Mention]) -> bool:
    return len(places) >= 1 and bool(clause.of("minutes", "number")) and not clause.of("hours", "clock")


def _ways(
    clause: Clause,
    names: Names,
    ways: dict[tuple[str, str], int],
    back: set[tuple[str, str]],
    origin: str,
) -> str:
    """Take in the ways of a clause; gives where they go from, where a following line goes on from there."""
    places = _directed(clause, names)
    lengths = [int(one.value) for one in clause.of("minutes", "number") if one.text[:1].isdigit()]
    if not lengths:
        lengths = [int(one.value) for one in clause.of("minutes", "number")]
    both = bool(_BOTH_WAYS.search(clause.text))
    if (
        len(places) == len(lengths) + 1
    ):  # from A: B 5, C 7; from A it is 5 to B; A to B takes 5; 5 from A to B
        told = [(places[0], place) for place in places[1:]]
        origin = places[0]
    elif len(places) == 2 * len(lengths):  # A to B 5, C to D 7
        told = list(zip(places[::2], places[1::2], strict=True))
        origin = ""
    elif origin and len(places) == len(lengths):  # in a list below A: B 5
        told = [(origin, place) for place in places]
    else:
        return origin
    for (first, then), minutes in zip(told, lengths, strict=True):
        if first != then:
            ways[first, then] = minutes
            if both:
                back.add((first, then))
    return origin


def _directed(clause: Clause, names: Names) -> list[str]:
    """The places of a clause from the first to the last; in `to A from B` B is the first."""
    marks = clause.named(names.places())
    if len(marks) == 2:
        at = clause.source.start
        before, between = (
            clause.text[: marks[0].start - at],
            clause.text[marks[0].end - at : marks[1].start - at],
        )
        if re.search(r"\bfrom\s+(?:the\s+)?$", between) and not re.search(r"\bfrom\s+(?:the\s+)?$", before):
            return [marks[1].value, marks[0].value]
    return [one.value for one in marks]


def _about(clause: Clause, names: Names, people: dict[str, _Person], last: str, assumed: list[str]) -> None:
    """Take in what a clause says of people: each thing belongs to the person named last before it, or else
    after it."""
    known = set(names.places())
    current = ""
    first_own = next((one.value for one in clause.mentions if one.kind == "name" and one.value in people), "")
    for one in clause.mentions:
        if one.kind == "name" and one.value in people:
            current = one.value
            continue
        who = people.get(current or first_own or last)
        if who is None:
            continue
        if one.kind == "name" and one.value in known and not who.place:
            who.place, who.where = one.value, clause.source
        elif one.kind in ("hours", "clock", "part") and not who.windows:
            own = [one] if one.kind != "clock" else _limits(clause, one, people)
            who.windows += [Window(*span) for span in spans_of(clause, own, assumed, wanted=True)]
            who.where = clause.source
        elif one.kind == "minutes" and who.windows and _spare(clause, one):
            begins = who.windows[-1].begins
            who.windows[-1] = Window(begins, begins + one.value)
        elif one.kind == "minutes" and not who.minutes:
            who.minutes, who.how_long = one.value, clause.source


def _limits(clause: Clause, first: Mention, people: Mapping[str, _Person]) -> list[Mention]:
    """A time and those after it that are told of the same person."""
    found: list[Mention] = []
    for one in clause.mentions:
        if one.start > first.start and one.kind == "name" and one.value in people:
            break
        if one.start >= first.start and one.kind == "clock":
            found.append(one)
    return found


def _spare(clause: Clause, one: Mention) -> bool:
    """Whether a length is how much time somebody has, not how long a visit is."""
    after = clause.text[one.end - clause.source.start :]
    return bool(re.match(r"\s*(?:to spare|of (?:free )?time|free\b|available\b|off\b|there\b)", after))


def _problem(
    people: dict[str, _Person],
    ways: dict[tuple[str, str], int],
    back: set[tuple[str, str]],
    start: Start | None,
    names: Names,
    assumed: list[str],
) -> Problem:
    complete = dict(ways)
    for (first, then), minutes in ways.items():
        if (then, first) not in complete:
            complete[then, first] = minutes
            if (first, then) not in back:
                assumed.append(f"The way from {then} to {first} takes as long as the other way.")
    activities: list[Activity] = []
    wishes: list[AnyWish] = []
    for name, one in people.items():
        if not one.place:
            continue
        activities.append(Activity(name, ("you",), one.place, optional=True, source=one.where))
        windows = tuple(one.windows) or (Window(0, DAY),)
        wishes.append(Within(windows=windows, activities=(name,), source=one.where))
        wishes.append(Lasts(activity=name, least=one.minutes or _SHORTEST, source=one.how_long or one.where))
        if not one.minutes:
            assumed.append(f"{name} is met for {_SHORTEST} minutes.")
    return Problem(
        Timeline("clock"),
        Window(0, DAY),
        tuple(activities),
        tuple(wishes),
        travel=tuple(Leg(a, b, minutes) for (a, b), minutes in complete.items()),
        starts=(start,) if start is not None else (),
        goals=("most", "preferences", "earliest"),
    )
