"""A request read, solved, checked and told: what was understood, the plan with what binds, or why there is none.

All sentences are written by code from values that were solved and checked. A request that cannot be read as one to
arrange something comes back as None, for others to answer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct, structs

from pierian.exceptions import RunError, UserError
from pierian.planning import explain, explain_conflict, explained_conflict, faults, saying, solve
from pierian.planning.constraints import Activity, Busy, Lasts, Plan, Problem, Within
from pierian.planning.extracting import Extracted, extract
from pierian.planning.judging import Judge
from pierian.planning.meeting_reading import MEETING
from pierian.skills.arranging.calendars import Calendars
from pierian.skills.calendars import ME

MOST_PEOPLE = 50
SECONDS = 10.0
FRESH = timedelta(minutes=5)
"""Copies of calendars that are older are brought up to date before a time is looked for."""
_US = re.compile(r"\b(?:I|me|my|we|us|our|with)\b")
_TITLE = re.compile(r"\b(?:called|titled|named|about the)\s+[\"“']?([^\"”'.,;?!\n]{2,60})")


class Found(Struct, frozen=True):
    """A meeting that can be entered into a calendar."""

    title: str
    begins: str
    """ISO 8601 with its offset."""
    minutes: int
    people: tuple[str, ...]
    """Mail addresses of those who are to be invited."""
    who: tuple[str, ...] = ()
    """The names of all who take part."""
    unknown: tuple[str, ...] = ()
    """Those whose address is not known, or not certain."""


class Arranged(Struct, frozen=True):
    """What a request came to."""

    text: str
    """Markdown."""
    checked: str
    """What code checked, for the receipt; empty where there is no plan."""
    found: Found | None = None


async def arranged(
    request: str,
    judge: Judge | None,
    *,
    now: datetime,
    calendars: Calendars | None = None,
    dates: tuple[date, date] | None = None,
) -> Arranged | None:
    """What is to be told; None where the request is not one to arrange something.

    `now` is in the user's zone; `dates` are the first and the last day that the request names. With `calendars` a
    meeting heeds them. Raises `RunError` where no plan can be found in time.
    """
    connected = calendars if calendars is not None and calendars.any else None
    title = _TITLE.search(request)
    words = (
        request
        if title is None
        else request[: title.start(1)] + " " * len(title[1]) + request[title.end(1) :]
    )
    try:
        read = await extract(words, judge, now=now if connected else None, dates=dates)
    except UserError:
        return None
    if not _enough(read, connected=connected is not None):
        return None
    problem, notes = read.problem, list(read.assumed)
    if connected is not None and read.form == "meeting":
        problem = _with_us(request, problem)
        notes += await connected.refreshed(problem.activities[0].people, FRESH)
        problem, more = await asyncio.to_thread(_with_calendars, problem, connected)
        notes += more
    told = _echo(read, problem, notes)
    try:
        plan = await asyncio.to_thread(solve, problem, seconds=SECONDS)
    except UserError:
        return None
    if plan is None:
        conflict = await asyncio.to_thread(explain_conflict, problem)
        return Arranged("\n".join([*explained_conflict(problem, conflict), "", *told]), "")
    if wrong := faults(problem, plan):
        raise RunError(f"The plan found does not hold: {wrong[0]}")
    lines = await asyncio.to_thread(_lines, problem, plan)
    found = _entry(request, problem, plan, connected) if read.form == "meeting" else None
    return Arranged("\n".join([*lines, "", *told]), _checked(problem, plan), found)


def _enough(read: Extracted, *, connected: bool) -> bool:
    """Whether so much was read that a plan says something."""
    problem = read.problem
    match read.form:
        case "meeting":
            people = problem.activities[0].people
            said = [one for one in problem.wishes if one.source is not None and not isinstance(one, Lasts)]
            told = bool(said) or (connected and any(one.source is not None for one in problem.wishes))
            return 0 < len(people) <= MOST_PEOPLE and told and (connected or len(people) > 1)
        case "visits":
            return len(problem.activities) > 1 and bool(problem.travel) and bool(problem.starts)
        case "trip":
            return len(problem.activities) > 1 and bool(problem.travel)


def _with_us(request: str, problem: Problem) -> Problem:
    """The problem of a meeting in which whoever asks takes part, where the request says so."""
    meeting = problem.activities[0]
    if ME in meeting.people or not _US.search(request):
        return problem
    return structs.replace(problem, activities=(structs.replace(meeting, people=(*meeting.people, ME)),))


def _with_calendars(problem: Problem, calendars: Calendars) -> tuple[Problem, list[str]]:
    """The problem with when people are busy, and what is to be said of their calendars."""
    people = problem.activities[0].people
    taken, more = calendars.taken(people, problem.timeline, problem.horizon)
    wishes = (*problem.wishes, *(one.times for one in taken if one.times is not None))
    notes = [
        f"{'Your' if one.person == ME else one.person + chr(8217) + 's'} calendar was heeded "
        f"({one.number} busy {'time' if one.number == 1 else 'times'})."
        for one in taken
    ]
    return structs.replace(problem, wishes=wishes), [*notes, *more]


def _echo(read: Extracted, problem: Problem, notes: Sequence[str]) -> list[str]:
    """What was understood, what was assumed and what could not be read."""
    told = dict.fromkeys(saying.wish(problem, one) for one in problem.wishes if one.source is not None)
    lines = ["Understood:", *(f"- {one}" for one in told)]
    if notes:
        lines += ["", "Assumed:", *(f"- {one}" for one in dict.fromkeys(notes))]
    if read.unread:
        lines += ["", "Not read, so not heeded:", *(f"- “{one.text}”" for one in read.unread)]
    return lines


def _lines(problem: Problem, plan: Plan) -> list[str]:
    told = explain(problem, plan)
    lines = [f"**{line}**" if len(told.lines) == 1 else f"- {line}" for line in told.lines]
    lines += [*told.notes]
    binding = [problem.wishes[number] for number in told.binding if problem.wishes[number].source is not None]
    if binding:
        said = "; ".join(dict.fromkeys(saying.wish(problem, one) for one in binding))
        lines += ["", f"It could be better but for this: {said}."]
    return lines


def _checked(problem: Problem, plan: Plan) -> str:
    """What was checked of a plan, in words."""
    parts = [f"{len(problem.wishes) - len(plan.not_kept)} of {len(problem.wishes)} wishes kept"]
    if any(isinstance(one, Busy) for one in problem.wishes):
        parts.append("no overlap with what people have")
    if problem.travel:
        parts.append("every way is there and long enough")
    if any(isinstance(one, Within) for one in problem.wishes):
        parts.append("within the hours given")
    return f"Plan checked: {', '.join(parts)}."


def _entry(request: str, problem: Problem, plan: Plan, calendars: Calendars | None) -> Found | None:
    if problem.timeline.kind != "dated" or calendars is None:
        return None
    at = plan.of(MEETING)
    if at is None:
        return None
    meeting: Activity = problem.activity(MEETING)
    others = [one for one in meeting.people if one != ME]
    addresses = calendars.addresses(others)
    title = _TITLE.search(request)
    named = title[1].strip() if title else f"Meeting with {' and '.join(others)}" if others else "Meeting"
    return Found(
        named,
        problem.timeline.local(at.begins).isoformat(timespec="minutes"),
        at.ends - at.begins,
        tuple(addresses[one] for one in others if one in addresses),
        tuple(meeting.people),
        tuple(one for one in others if one not in addresses),
    )
