"""Turns a request in a person's words into a problem: wishes with their sources, told back in plain words.

Sentence by sentence: code reads times, days, lengths and names; what kind of wish a sentence is, it tells by common
words, and asks the judge (a model that picks one of a few options) where these are missing. Nothing is made
up: what had to be assumed, and sentences with times that nobody could read, are told. English only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Literal, cast
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from pierian.exceptions import UserError
from pierian.planning import saying
from pierian.planning.clauses import ASKED_KINDS, Clause, ClauseKind, clauses, kind_of, likely_kind
from pierian.planning.constraints import (
    AnyWish,
    Busy,
    Outside,
    Problem,
    Source,
    Timeline,
    Window,
    Within,
)
from pierian.planning.judging import Judge
from pierian.planning.meeting_reading import meeting
from pierian.planning.mentions import DAY
from pierian.planning.naming import Names, Role, by_company, names_in, roles_of
from pierian.planning.tables import in_both_directions, table_clauses, tables, without_headings
from pierian.planning.trip_reading import is_connection, trip
from pierian.planning.visit_reading import is_way, visits

Form = Literal["meeting", "visits", "trip"]
FORMS: tuple[Form, ...] = ("meeting", "visits", "trip")
MOST_DAYS = 62
"""Most days that are looked at for a meeting."""
LONGEST = 20_000
"""Most characters of a request."""


class Extracted(Struct, frozen=True):
    """What was read in a request."""

    form: Form
    problem: Problem
    echo: tuple[str, ...]
    """The wishes in plain words, in the order of the request."""
    assumed: tuple[str, ...]
    unread: tuple[Source, ...]
    """Sentences that name times and could not be read."""
    asked: int
    """How many questions the judge was asked."""


class _Asking:
    """The judge, with a count; without one nothing is told."""

    def __init__(self, judge: Judge | None) -> None:
        self._judge, self.count = judge, 0
        self._known: dict[str, str] = {}

    async def choose(
        self, asked: str, sentence: str, options: Sequence[str], like: str = "", likely: str = ""
    ) -> str | None:
        """One of the options; sentences of which `like` is the same are asked about once. `likely` is what code
        takes it for."""
        if self._judge is None:
            return None
        if like and like in self._known:
            return self._known[like]
        self.count += 1
        answer = await self._judge.choose(asked, sentence, options, likely)
        if like:
            self._known[like] = answer
        return answer


async def extract(
    request: str,
    judge: Judge | None,
    *,
    now: datetime | None = None,
    dates: tuple[date, date] | None = None,
) -> Extracted:
    """The problem that a request asks to solve; raises `UserError` where it names nothing to plan.

    With `now` (in the user's zone) weekdays are those that come next, or those from the first to the last of `dates`,
    and the plan has dates.
    """
    if len(request) > LONGEST:
        raise UserError(f"The request is longer than {LONGEST:,} characters.", hint="Shorten it.")
    asking = _Asking(judge)
    names = await _named(request, asking)
    found = _all_clauses(request, names)
    form = await _form(request, found, names, asking)
    unread: list[Source] = []
    guessed: list[str] = []
    if form == "meeting":
        kinds: list[ClauseKind | None] = [
            await _kind(found, number, names, asking, guessed) for number in range(len(found))
        ]
        unread += [
            one.source for one, kind in zip(found, kinds, strict=True) if kind == "nothing" and _timed(one)
        ]
        read = meeting(found, kinds, names, Timeline("weekdays"))
        problem, assumed = read.problem, read.assumed
        if now is not None:
            problem = dated(problem, now, dates or _coming(request, now))
    else:
        told = visits(found, names) if form == "visits" else trip(found, names)
        problem, assumed = told.problem, told.assumed
        unread += _left_over(found, problem, names, form)
    if not problem.activities:
        raise UserError(
            "Nothing to plan was found in the request.",
            hint="Say who or what, how long, and when it can be.",
        )
    ordered = sorted(problem.wishes, key=lambda wish: wish.source.start if wish.source else len(request))
    echo = tuple(dict.fromkeys(saying.wish(problem, wish) for wish in ordered))
    return Extracted(form, problem, echo, (*assumed, *guessed), tuple(unread), asking.count)


def _timed(clause: Clause) -> bool:
    return bool(clause.of("hours", "clock", "weekdays", "part"))


def _left_over(found: Sequence[Clause], problem: Problem, names: Names, form: Form) -> list[Source]:
    """Clauses that name times or lengths of which nothing was made."""
    used = {wish.source for wish in problem.wishes}
    begun = {start.place for start in problem.starts}
    kinds = ("days", "nights", "day_range") if form == "trip" else ("hours", "clock", "minutes")
    return [
        one.source
        for one in found
        if one.of(*kinds)
        and one.source not in used
        and len(one.named(names.places())) < 2
        and not (begun & {place.value for place in one.named(names.places())})
    ]


def _all_clauses(request: str, names: Names) -> list[Clause]:
    """The clauses of the sentences and of the tables, in their order."""
    drawn = tables(request)
    rest = request
    for one in drawn:
        blank = re.sub(r"[^\n]", " ", request[one.start : one.end])
        rest = rest[: one.start] + blank + rest[one.end :]
    rest = (
        re.sub(r"^[ \t|:+-]+$", lambda match: " " * len(match[0]), rest, flags=re.MULTILINE)
        if drawn
        else rest
    )
    found = clauses(rest, names)
    for one in drawn:
        found += table_clauses(one, names.all)
    return sorted(found, key=lambda clause: clause.source.start)


async def _named(request: str, asking: _Asking) -> Names:
    """The names of a request; the judge says what those name of which their neighbours do not."""
    drawn = tables(request)
    names = roles_of(request, names_in(without_headings(request, drawn)), in_both_directions(drawn))
    roles: dict[str, Role] = dict(names.roles)
    for name in names.all:
        if roles[name] != "open":
            continue
        places = [found.start() for found in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", request)]
        if len(places) < 2 and not _inside(request, places):
            continue  # a capital letter at the beginning of a sentence, and nowhere else
        start = request.rfind("\n", 0, places[0]) + 1
        sentence = f"Name: {name}\n{request[max(start, places[0] - 80) : places[0] + 80]}"
        answer = await asking.choose("name", sentence, ("person", "place", "neither"))
        if answer in ("person", "place"):
            roles[name] = cast(Role, answer)
            roles = by_company(request, roles)  # who is listed beside it needs no question
    kept = tuple(name for name in names.all if roles[name] != "open")
    return Names(kept, {name: roles[name] for name in kept})


def _inside(request: str, places: Sequence[int]) -> bool:
    return any(re.search(r"[\w,;'’] $", request[:place]) for place in places)


async def _form(request: str, found: Sequence[Clause], names: Names, asking: _Asking) -> Form:
    people, places = names.people(), names.places()
    trip_like = sum(
        bool(one.named(places) and one.of("days", "nights", "day_range")) or is_connection(one, names)
        for one in found
    )
    visit_like = sum(
        is_way(one, names) or bool(one.named(people) and one.named(places) and one.of("hours", "clock"))
        for one in found
    )
    meeting_like = sum(
        bool(one.of("hours", "clock", "weekdays", "part") and not one.named(places)) for one in found
    )
    scores: dict[Form, int] = {"trip": trip_like, "visits": visit_like, "meeting": meeting_like}
    best = max(scores.values())
    fitting: list[Form] = [form for form in FORMS if scores[form] == best]
    if len(fitting) == 1:
        return fitting[0]
    if not best and any(one.of("minutes") for one in found) and people:
        return "meeting"  # how long with whom, and when is to be found
    if not best:
        raise UserError(
            "The request names no times, days or lengths to plan with.",
            hint="Say when it can be and how long it is.",
        )
    answer = await asking.choose("form", request[:500], fitting)
    matching: list[Form] = [form for form in fitting if form == answer]
    return (matching or fitting)[0]


async def _kind(
    found: Sequence[Clause], number: int, names: Names, asking: _Asking, guessed: list[str]
) -> ClauseKind | None:
    """What kind of wish a clause is; None for one that goes on with the kind of the clause before it.

    Where its words do not tell, what it names does: times beside one person are most often those of a calendar, and
    times beside nobody those of the plan. The judge is asked whether it is so; what nobody confirmed is told.
    """
    clause = found[number]
    if clause.of("minutes") and len({one.value for one in clause.named(names.people())}) > 1:
        return "frame"  # how long, for several
    kind = kind_of(clause)
    if kind is not None or (number and _fragment(clause, names)):
        return kind
    likely = likely_kind(clause, found[number - 1] if number else None, names.people())
    sentence = clause.text if not clause.header else f"{clause.header} {clause.text}"
    answer = await asking.choose("kind", sentence, ASKED_KINDS, _pattern(clause), likely)
    if answer is None:
        guessed.append(f"“{clause.text}” is read as {_READ_AS.get(likely, likely)}.")
        return likely
    return cast(ClauseKind, answer)


_READ_AS = {"busy": "a time that is taken", "frame": "when it can be"}


def _pattern(clause: Clause) -> str:
    """The words of a clause without what it names: sentences that differ only in these are of one kind."""
    rest = clause.text
    for one in clause.mentions:
        rest = rest.replace(one.text, " ")
    words = re.findall(r"[a-zA-Z'’]{3,}", rest.lower())
    limits = "|".join(sorted({one.kind for one in clause.mentions if one.kind in ("clock", "hours", "part")}))
    return f"{clause.header}|{limits}|{' '.join(dict.fromkeys(word for word in words if word != 'and'))}"


def _fragment(clause: Clause, names: Names) -> bool:
    """Whether a clause is only times: it has neither a subject nor a verb."""
    rest = clause.text
    for one in clause.mentions:
        rest = rest.replace(one.text, " ")
    words = re.findall(r"[a-zA-Z']{3,}", rest)
    little = {
        "and",
        "the",
        "before",
        "after",
        "until",
        "from",
        "during",
        "between",
        "also",
        "then",
        "for",
        "till",
    }
    return not [word for word in words if word.lower() not in little] and not clause.named(names.people())


def _coming(request: str, now: datetime) -> tuple[date, date]:
    """The days that are meant where no dates are named: those of next week, or the next seven."""
    wait = 7 - now.weekday() if re.search(r"\bnext week\b", request, re.IGNORECASE) else 0
    first = now.date() + timedelta(days=wait)
    return first, first + timedelta(days=6)


def dated(problem: Problem, now: datetime, dates: tuple[date, date]) -> Problem:
    """A problem of weekdays as one of dates: each of its windows on every day from the first to the last."""
    zone = now.tzinfo
    if not isinstance(zone, ZoneInfo):
        raise UserError("The time zone has no name.", hint="Set one such as Europe/Berlin.")
    first = max(dates[0], now.date())
    days = [first + timedelta(days=number) for number in range(min((dates[1] - first).days + 1, MOST_DAYS))]
    line = Timeline("dated", origin=datetime.combine(first, time(), zone), zone=zone.key)

    def at(day: date, minute: int) -> int:
        return line.tick(datetime.combine(day, time(), zone) + timedelta(minutes=minute))

    def moved(windows: Sequence[Window]) -> tuple[Window, ...]:
        return tuple(
            sorted(
                Window(at(day, one.begins % DAY), at(day, one.ends - one.begins // DAY * DAY))
                for day in days
                for one in windows
                if one.begins // DAY == day.weekday()
            )
        )

    wishes: list[AnyWish] = [
        structs.replace(wish, windows=moved(wish.windows))
        if isinstance(wish, Within | Outside | Busy)
        else wish
        for wish in problem.wishes
    ]
    begins = max(0, line.tick(now))
    return structs.replace(
        problem,
        timeline=line,
        horizon=Window(begins, max(begins, at(first, len(days) * DAY))),
        wishes=tuple(wishes),
    )
