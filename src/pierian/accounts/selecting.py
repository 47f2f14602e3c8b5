"""How plans say which events or messages they mean: all, the first, the last or the next of those in some time.

A time is given as the entities of a request have it: a date, a moment, or a range of either. The types here tell the
planner which of them belong where (`agents.named_arguments`), so that a small model has little left to choose.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta, Struct

from pierian.accounts.zones import existing, zone_of
from pierian.tools import ToolFailure

MOST_FOUND = 101
"""One more than a plan acts on at once, so that nothing acts on a part of what was meant."""

_SPAN = r"(?! (?:\w+ )?(?:days?|weeks?|months?|years?|hours?|minutes?|nights?|time))"
"""Not the last of "the last three days"."""
SAID = {
    "all": "all|every|each|any",
    "first": "first|earliest|oldest",
    "last": f"last{_SPAN}|latest|newest|most recent",
    "next": f"next{_SPAN}|upcoming",
}
Which = Annotated[
    Literal["all", "first", "last", "next"], Meta(extra_json_schema={"said": SAID, "asked": "all"})
]

_GENERIC = re.compile(
    r"a|all|an|and|any|appointments?|at|by|called|e-?mails?|events?|every|first|for|from|future|i|in|it|its|last|latest"
    r"|mails?|me|meetings?|messages?|my|named|newest|next|none|of|on|our|past|recent|the|their|them|this|to|today"
    r"|tomorrow|upcoming|what|which|with"
)


class Period(Struct, frozen=True):
    """Two dates, the second included, or two moments."""

    start: str
    end: str


When = Annotated[str | Period, Meta(extra_json_schema={"entities": ["date", "range", "time"]})]
"""A date, a moment, or a period; empty for any time."""
Point = Annotated[str, Meta(extra_json_schema={"entities": ["time", "date"]})]
"""A moment, or a date."""
Lasting = Annotated[timedelta | int, Meta(extra_json_schema={"entities": ["duration"]})]
"""How long: ISO 8601 such as PT1H30M, or minutes."""


def only(words: str) -> dict[str, Any]:
    """The schema of an argument that is of use where a request has these words."""
    return {"only": words}


def somebody(near: str) -> dict[str, Any]:
    """The schema of an argument for a person, whose name stands near these words, or of a mail, event or contact."""
    return {"entities": ["person", "email"], "near": near, "part": ["sender", "with_people", "email"]}


def quoted(near: str) -> dict[str, Any]:
    """The schema of an argument for words that are quoted near these, are the planner's own, or a title."""
    return {"entities": ["quote"], "words": "always", "near": near, "part": ["subject", "title"]}


Series = Annotated[bool, Meta(extra_json_schema=only("series|recurring|every"))]
Account = Annotated[str, Meta(extra_json_schema=only("account|calendar"))]
"""The name of an account, or of one of its calendars."""
People = Annotated[
    list[str] | str,
    Meta(extra_json_schema=somebody("to|needs?|tell|ask|send|invite|for|with|and") | {"several": True}),
]
"""Mail addresses, or one."""


EVENTS = r"calendars?|agenda|events?|meetings?|appointments?|calls?|sessions?|invitations?|stand-?ups?"
"""What a request calls things in calendars."""
MAILS = r"e-?mails?|mails?|messages?|inbox|mailbox|newsletters?|threads?|drafts?|spam|invitations?"
"""What a request calls mails."""


class Span(Struct, frozen=True):
    """From one moment to before another; None where it is open."""

    begins: datetime | None = None
    ends: datetime | None = None
    whole_days: bool = True
    """Whether it was given in days."""


def span_of(when: When, now: Callable[[], datetime]) -> Span:
    """The time that is meant; raises `ToolFailure` for what is none."""
    if isinstance(when, Period):
        first, last = point(when.start, now), point(when.end, now)
    elif when.strip():
        first = last = point(when, now)
    else:
        return Span()
    days = not isinstance(first, datetime) and not isinstance(last, datetime)
    begins, ends = _moment(first, now), _moment(last, now, closing=True)
    if ends <= begins:
        ends = begins + timedelta(minutes=1)  # a moment: what is at it
    return Span(begins, ends, whole_days=days)


def point(text: str, now: Callable[[], datetime]) -> date:
    """A date, or an aware moment in the user's zone where the text names none; raises `ToolFailure`."""
    text, moment = text.strip(), now()
    if text.lower() in ("now", "today", "tomorrow"):
        day = moment.date() + timedelta(days=text.lower() == "tomorrow")
        return moment if text.lower() == "now" else day
    try:
        if len(text) <= len("2026-12-24"):
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ToolFailure(
            "invalid",
            f"{text[:60]!r} is neither a date nor a time with its day.",
            hint="Write it as 2026-12-24 or 2026-12-24T09:00.",
        ) from error
    zone = zone_of(moment)
    try:
        return found.astimezone(zone) if found.tzinfo else existing(found.replace(tzinfo=zone))
    except OverflowError as error:
        raise ToolFailure("invalid", f"{found.isoformat()} is too far away.") from error


def _moment(found: date, now: Callable[[], datetime], *, closing: bool = False) -> datetime:
    """A moment as it is; of a date its beginning, or with `closing` its end."""
    if isinstance(found, datetime):
        return found
    try:
        day = found + timedelta(days=1) if closing else found
    except OverflowError as error:
        raise ToolFailure("invalid", f"{found.isoformat()} is too far away.") from error
    return datetime.combine(day, time(), zone_of(now()))


def length_of(lasting: timedelta | int) -> timedelta:
    """How long; a number is in minutes."""
    return lasting if isinstance(lasting, timedelta) else timedelta(minutes=lasting)


def addresses_of(people: list[str] | str) -> list[str]:
    """The addresses, each once."""
    every = people.replace(";", ",").split(",") if isinstance(people, str) else people
    return list(dict.fromkeys(one.strip() for one in every if one.strip()))


def significant(words: str) -> str:
    """Words without those that anything may be called by: "my next review meeting" is about a review."""
    return " ".join(
        word for word in words.split() if not _GENERIC.fullmatch(word.strip(".,:;!?'\"").casefold())
    )


Found = TypeVar("Found")


def selected(found: list[Found], which: str) -> list[Found]:
    """Those that are meant of what was found, which stands in the order of time."""
    match which:
        case "first" | "next":
            return found[:1]
        case "last":
            return found[-1:]
        case _:
            return found
