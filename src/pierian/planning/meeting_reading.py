"""Reads from the clauses of a request when people can meet: whose calendar is taken, what is avoided, how long, when.

Clauses without a subject or a kind of their own (`Tuesday before 14:30.` after `Ann cannot meet on Monday.`)
take those of the clause before. Gives wishes with their sources; a time on no day is one on every day that
is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from pierian.planning.clauses import SOFT, Clause, ClauseKind
from pierian.planning.constraints import (
    Activity,
    AnyWish,
    Busy,
    Goal,
    Lasts,
    Outside,
    Problem,
    Source,
    Timeline,
    Window,
    Within,
)
from pierian.planning.mentions import DAY, Mention, mentions
from pierian.planning.naming import Names
from pierian.planning.sides import Side, side_of

MEETING = "meeting"
_EVERYBODY = re.compile(
    r"\b(?:everyone|everybody|all of (?:us|them)|the group|the team|we|nobody|no one|they all)\b", re.I
)
_ME = re.compile(r"\b(?:I|I['’](?:m|ve|d|ll)|me|my)\b")
_PRONOUN = re.compile(r"\b(?:he|she|they|his|her|their|him|them)\b", re.IGNORECASE)
_HOUR = 60


class MeetingRead(Struct, frozen=True):
    """What was read."""

    problem: Problem
    assumed: tuple[str, ...]


class _Told(Struct):
    """What the clauses said until now."""

    people: tuple[str, ...] = ()
    kind: ClauseKind | None = None
    soft: bool = False
    days: tuple[int, ...] = ()


class _Found(Struct):
    """What was found until now."""

    wishes: list[AnyWish] = []
    available: dict[tuple[str, ...], list[tuple[Window, Source, bool]]] = {}
    assumed: list[str] = []


def meeting(
    clauses: Sequence[Clause], kinds: Sequence[ClauseKind | None], names: Names, timeline: Timeline
) -> MeetingRead:
    """The problem of finding a time."""
    people = list(names.people())
    if any(_ME.search(clause.text) for clause in clauses):
        people.append("you")
    days = _days(clauses, kinds, people)
    goals: list[Goal] = ["preferences", "earliest"]
    told, found = _Told(), _Found(wishes=[], available={}, assumed=[])
    for clause, kind in zip(clauses, kinds, strict=True):
        told = _going_on(told, clause, kind, people)
        if kind == "latest":
            goals = ["preferences", "latest"]
        if kind in ("earliest", "latest", "nothing", "free") or told.kind in (None, "free"):
            found.wishes += _lasts(clause, found.wishes)
            continue
        wanted = told.kind in ("frame", "available")
        windows = windows_of(clause, told.days or days, found.assumed, wanted=wanted)
        _take_in(clause, told, tuple(windows), found)
    problem = Problem(
        timeline,
        Window(0, 7 * DAY),
        (Activity(MEETING, tuple(people), step=30 if _on_half_hours(found.wishes) else 15),),
        tuple(_complete(found, days)),
        goals=tuple(goals),
    )
    return MeetingRead(problem, tuple(found.assumed))


def _going_on(told: _Told, clause: Clause, kind: ClauseKind | None, people: Sequence[str]) -> _Told:
    """Whom a clause is about, what it says of them and on which days, with what it takes from the one before it."""
    own = tuple(dict.fromkeys(one.value for one in clause.named(people)))
    if not own and clause.header:
        below = clause.header.rsplit("\n", 1)[-1].rstrip(": ")
        own = tuple(name for name in people if below == name)
    if not own and _ME.search(clause.text):
        own = ("you",)
    days = tuple(day for one in clause.of("weekdays") for day in one.value)
    if not days and clause.header:
        days = tuple(
            day for one in mentions(clause.header, ()) if one.kind == "weekdays" for day in one.value
        )
    if not days and clause.goes_on:
        days = told.days
    if kind in ("busy", "available", "avoid", "free", "frame"):
        alone = len(told.people) == 1 and _PRONOUN.search(clause.text)
        apart = not clause.goes_on and not alone and not clause.header
        everybody = apart or bool(_EVERYBODY.search(clause.text)) or kind == "frame"
        soft = bool(SOFT.search(clause.text)) and kind != "busy"
        return _Told(own or (() if everybody else told.people), kind, soft, days)
    return _Told((own if kind is None else ()) or told.people, told.kind, told.soft, days)


def _take_in(clause: Clause, told: _Told, windows: tuple[Window, ...], found: _Found) -> None:
    timed = bool(clause.of("hours", "clock", "part"))
    whole = told.kind == "frame" or (told.kind == "available" and not told.people)
    if told.kind == "frame":
        found.wishes += _lasts(clause, found.wishes)
    if not windows or (whole and not timed):
        return  # days alone are those on which it can be: see `_days`
    match told.kind:
        case "frame" | "available" if whole and not (clause.of("weekdays") and told.kind == "available"):
            found.wishes.append(Within(windows=windows, source=clause.source, soft=told.soft))
        case "busy" | "avoid" if told.people:
            soft = told.soft and told.kind == "avoid"
            found.wishes += [
                Busy(person=one, windows=windows, source=clause.source, soft=soft) for one in told.people
            ]
        case "avoid" | "busy":
            found.wishes.append(Outside(windows=windows, source=clause.source, soft=told.soft))
        case "available" if told.people and _of_one_day(clause):
            taken = _around(windows)
            found.wishes += [Busy(person=one, windows=taken, source=clause.source) for one in told.people]
        case "available":
            for window in windows:
                found.available.setdefault(told.people, []).append((window, clause.source, told.soft))
        case _:
            pass


def _of_one_day(clause: Clause) -> bool:
    """Whether a limit is one of a certain day (`on Monday Ann only has time after 2`) and says nothing of
    the others."""
    days, limits = clause.of("weekdays"), clause.of("clock")
    if not days or not limits or clause.of("hours", "part"):
        return False
    only = re.search(r"\bonly\b", clause.text, re.IGNORECASE)
    return only is None or days[0].start - clause.source.start < only.start()


def _around(windows: Sequence[Window]) -> tuple[Window, ...]:
    """The rest of the days on which windows lie."""
    found: list[Window] = []
    for one in windows:
        day = one.begins // DAY * DAY
        found += [Window(day, one.begins), Window(one.ends, day + DAY)]
    return tuple(window for window in found if window.ends > window.begins)


def _complete(found: _Found, days: Sequence[int]) -> list[AnyWish]:
    """All wishes, with what has to be assumed where nothing was said of it."""
    wishes = list(found.wishes)
    for told in found.available.values():
        windows = tuple(sorted({window for window, _, _ in told}))
        wishes.append(Within(windows=windows, source=told[0][1], soft=all(soft for _, _, soft in told)))
    if not any(isinstance(wish, Lasts) for wish in wishes):
        found.assumed.append("It takes one hour.")
        wishes.append(Lasts(activity=MEETING, least=_HOUR))
    if _open_ended([wish for wish in wishes if isinstance(wish, Within) and not wish.soft]):
        found.assumed.append("It lies between 9:00 and 17:00.")
        wishes.append(Within(windows=tuple(Window(day * DAY + 540, day * DAY + 1020) for day in days)))
    wishes.append(Within(windows=tuple(Window(day * DAY, (day + 1) * DAY) for day in days)))
    return wishes


def _open_ended(told: Sequence[Within]) -> bool:
    """Whether what is told leaves the evening or the early morning open, and some of the working hours too."""
    if not told:
        return True
    ends = [(one.begins % DAY, one.ends - one.begins // DAY * DAY) for wish in told for one in wish.windows]
    bounded = any(begins > 0 for begins, _ in ends) and any(until < DAY for _, until in ends)
    return not bounded and all(begins < 960 and until > 600 for begins, until in ends)


def _on_half_hours(wishes: Sequence[AnyWish]) -> bool:
    ticks = [
        tick
        for wish in wishes
        if isinstance(wish, Within | Outside | Busy)
        for window in wish.windows
        for tick in (window.begins, window.ends)
    ]
    ticks += [wish.least for wish in wishes if isinstance(wish, Lasts)]
    return all(tick % 30 == 0 for tick in ticks)


def _lasts(clause: Clause, known: Sequence[AnyWish]) -> list[AnyWish]:
    lengths = clause.of("minutes")
    if not lengths or any(isinstance(wish, Lasts) for wish in known):
        return []
    return [Lasts(activity=MEETING, least=lengths[0].value, source=clause.source)]


def _days(clauses: Sequence[Clause], kinds: Sequence[ClauseKind | None], people: Sequence[str]) -> list[int]:
    """The days on which it may be: those of the clauses about the meeting itself, or all that are named."""
    framed: set[int] = set()
    going_on = False
    for clause, kind in zip(clauses, kinds, strict=True):
        own = clause.named(people) or _ME.search(clause.text) or clause.header
        about = (
            kind == "frame" or (kind == "available" and not own) or (kind is None and going_on and not own)
        )
        going_on = about
        if about:
            framed |= {day for one in clause.of("weekdays") for day in one.value}
    anywhere = {day for clause in clauses for one in clause.of("weekdays") for day in one.value}
    return sorted(framed or anywhere) or [0, 1, 2, 3, 4]


def windows_of(clause: Clause, days: Sequence[int], assumed: list[str], *, wanted: bool) -> list[Window]:
    """The times that a clause names, on the days beside which they stand."""
    marks = clause.of("weekdays", "hours", "clock", "part")
    found: list[Window] = []
    first_day = next((n for n, one in enumerate(marks) if one.kind == "weekdays"), None)
    times_first = first_day is not None and first_day > 0
    groups: list[tuple[list[int], list[Mention]]] = []
    current: list[int] = [] if first_day is not None else list(days)
    times: list[Mention] = []
    for one in marks:
        if one.kind != "weekdays":
            times.append(one)
            continue
        if times_first:
            if not times and groups:
                groups[-1][0].extend(one.value)  # on Monday and Tuesday
            else:
                groups.append((list(one.value), times))
            times = []
        else:
            if times or not current:
                if current:
                    groups.append((current, times))
                current, times = list(one.value), []
            elif not wanted and _whole_before(clause, one):
                groups.append((current, []))
                current = list(one.value)
            else:
                current = [*current, *one.value]
    if times_first:
        if times and groups:
            groups.append((groups[-1][0], times))
    elif current:
        groups.append((current, times))
    for on, at in groups:
        spans = spans_of(clause, at, assumed, wanted=wanted) if at else [(0, DAY)]
        found += [Window(day * DAY + begins, day * DAY + ends) for day in on for begins, ends in spans]
    return sorted(set(found))


def _whole_before(clause: Clause, mention: Mention) -> bool:
    """Whether the days before this one are whole days: `Monday, Tuesday before 12` (not `Monday and Tuesday`)."""
    before = clause.text[: mention.start - clause.source.start]
    return bool(re.search(r"[,.]\s*$", before))


def spans_of(
    clause: Clause, marks: Sequence[Mention], assumed: list[str], *, wanted: bool
) -> list[tuple[int, int]]:
    """The minutes of a day that times stand for: those that are wanted, or those that are taken.

    Two times of which each is a limit are one stretch where it is wanted.
    """
    if wanted and len(marks) == 2 and all(one.kind == "clock" for one in marks):
        first, last = sorted(one.value for one in marks)
        sides = {_side(clause, one, wanted=True) for one in marks}
        if first < last and (len(sides) == 2 or None in sides):
            return [(first, last)]
    return [span_of(clause, one, assumed, wanted=wanted) for one in marks]


def span_of(clause: Clause, one: Mention, assumed: list[str], *, wanted: bool = True) -> tuple[int, int]:
    """The minutes of a day that a time stands for, with the words beside it: before, after, until, from.

    `wanted` is whether the clause tells when something can be; there `not before ten` is the time from ten.
    """
    if one.kind in ("hours", "part"):
        return one.value
    side = _side(clause, one, wanted=wanted)
    if side is None:
        assumed.append(f"What is at {one.text} takes an hour.")
        return one.value, one.value + _HOUR
    left = (one.value, DAY) if side == "from" else (0, one.value)
    return left if wanted else (0, one.value) if side == "from" else (one.value, DAY)


def _side(clause: Clause, one: Mention, *, wanted: bool) -> Side | None:
    """What a time leaves of the day, by the words between it and other times."""
    at = clause.source.start
    times = [
        other for other in clause.mentions if other.kind in ("hours", "clock", "part") and other is not one
    ]
    begins = max((other.end for other in times if other.end <= one.start), default=at)
    ends = min((other.start for other in times if other.start >= one.end), default=clause.source.end)
    return side_of(
        clause.text,
        clause.text[begins - at : one.start - at],
        clause.text[one.end - at : ends - at],
        wanted=wanted,
    )
