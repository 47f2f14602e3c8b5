"""Finds in a request what code can find: dates, times, amounts, addresses, quoted text, known names.

A small model that plans then refers to `date1` or `email1` and never computes a date or retypes an address. Only
the user's own words are read, the clock is the caller's `now`, and nothing is looked up. Where readings overlap,
the longest wins; where they are equally long, the most specific. What it does not find: days that recur (`every
Monday`), anything that needs understanding (`the day we met`), and other languages than English.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, cast

from msgspec import Struct

from pierian.agents.entity_amounts import Ignored, Measure, Money, duration, plain_number
from pierian.agents.entity_calendar import Day, Length, Span
from pierian.agents.entity_clock import Clock, Hours, Instant, Stretch
from pierian.agents.entity_context import in_context
from pierian.agents.entity_english import english
from pierian.agents.entity_grammar import Matcher
from pierian.agents.entity_marks import Mark, Names, marks, quotations, quoted_file, unescaped
from pierian.agents.entity_text import Folded, fold
from pierian.agents.entity_tokens import tokens

EntityKind = Literal[
    "person",
    "place",
    "account",
    "email",
    "phone",
    "url",
    "file",
    "quote",
    "date",
    "range",
    "time",
    "duration",
    "amount",
    "number",
]


class Entity(Struct, frozen=True):
    """Something in the request that a plan may name.

    `value` by kind. date: "2026-12-07". range: {"start", "end"}, both dates (inclusive), both moments, or both
    times of day. time: a moment in ISO 8601 with its offset, or "15:00" where the request names no day. duration:
    ISO 8601, such as "PT1H30M". amount: {"amount": 20.0, "currency": "EUR"} or {"amount": 3, "unit": "km"}.
    number: a number, or the digits as text where they are an identifier (007). Known names: the value that came
    with them. Others: text.
    """

    name: str
    kind: EntityKind
    text: str
    """The words in the request; empty for `today` where the request does not name that day."""
    start: int
    end: int
    value: Any


class Known(Struct, frozen=True):
    """A person, place or account that the user has named before, and what stands for it."""

    kind: EntityKind
    names: tuple[str, ...]
    value: Any


_PHRASES: tuple[tuple[str, EntityKind], ...] = (
    ("stretch", "range"),
    ("instant", "time"),
    ("span", "range"),
    ("date", "date"),
    ("hours", "range"),
    ("lone_time", "time"),
    ("length", "duration"),
    ("amount", "amount"),
    ("nothing", "number"),
    ("number", "number"),
)
"""The sets of rules that make entities, the most specific first."""


def find_entities(text: str, *, now: datetime, known: Sequence[Known] = ()) -> list[Entity]:
    """All entities of a request in the order of their places, and `today` whether it is named or not.

    `now` is the user's clock in the user's zone; raises ValueError where it has none, and never for any text.
    """
    if now.tzinfo is None:
        raise ValueError(
            "`now` has no time zone: give it the user's, such as datetime.now(ZoneInfo('Europe/Berlin'))."
        )
    folded = fold(text)
    candidates = [
        *Names((name, one.kind, one.value) for one in known for name in one.names).marks(folded.plain),
        *marks(folded.plain),
        *_phrases(folded.plain, now),
    ]
    chosen = _longest([*candidates, *_quotations(folded, candidates)])
    return _named(folded, in_context(folded.plain, chosen, now, english()), now)


def _phrases(plain: str, now: datetime) -> Iterator[Mark]:
    """The longest phrase of each set at each word."""
    language = english()
    words = tokens(plain, language)
    matcher = Matcher(language.grammar, words, now)
    for at, first in enumerate(words):
        if not first.readings and first.low not in language.grammar.keys:
            continue
        for name, kind in _PHRASES:
            if found := matcher.longest(name, at):
                end, value = found
                yield Mark(kind, first.start, words[end - 1].end, value)


def _quotations(folded: Folded, candidates: Sequence[Mark]) -> Iterator[Mark]:
    """Quoted text; where all of it is an address, a path or a known name, it is that."""
    places = {(one.start, one.end): one for one in reversed(candidates) if not isinstance(one.value, _PARSED)}
    for quote in quotations(folded.plain):
        inside = places.get((quote.start + 1, quote.value))
        start, end = folded.place(quote.start + 1, quote.value)
        inner = folded.original[start:end]
        if inside is not None:
            yield Mark(inside.kind, quote.start, quote.end, inside.value)
        else:
            yield Mark("file" if quoted_file(inner) else "quote", quote.start, quote.end, inner)


def _longest(candidates: Sequence[Mark]) -> list[Mark]:
    """Candidates that do not overlap: longer before shorter, then in the order given."""
    chosen: list[Mark] = []
    starts: list[int] = []
    for one in sorted(candidates, key=lambda mark: mark.start - mark.end):
        at = bisect_left(starts, one.end)
        if at and chosen[at - 1].end > one.start:
            continue
        chosen.insert(at, one)
        starts.insert(at, one.start)
    return [one for one in chosen if not isinstance(one.value, Ignored)]


def _named(folded: Folded, chosen: Sequence[Mark], now: datetime) -> list[Entity]:
    found: list[Entity] = []
    counts: Counter[str] = Counter()
    today = Entity("today", "date", "", 0, 0, now.date().isoformat())
    said = False
    for one in chosen:
        kind = cast(EntityKind, one.kind)
        start, end = folded.place(one.start, one.end)
        words = folded.original[start:end]
        value = _value(one.value)
        if kind == "file" and value == unescaped(folded.plain[one.start : one.end]):
            value = unescaped(words)  # on a disk ﬁ and fi are two names
        if not said and kind == "date" and value == today.value:
            said = True
            found.append(Entity("today", kind, words, start, end, value))
            continue
        counts[kind] += 1
        found.append(Entity(f"{kind}{counts[kind]}", kind, words, start, end, value))
    return found if said else [today, *found]


# Values as JSON has them


def _clock(value: Clock) -> str:
    hours, minutes = divmod(value.minute % 1440, 60)
    zone = "" if value.offset is None else _offset(value.offset)
    return f"{hours:02}:{minutes:02}{zone}"


def _offset(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="seconds")


_WRITERS: dict[type, Callable[[Any], Any]] = {
    Day: lambda value: value.date.isoformat(),
    Span: lambda value: {"start": value.start.isoformat(), "end": value.end.isoformat()},
    Clock: _clock,
    Hours: lambda value: {"start": _clock(value.first), "end": _clock(value.last)},
    Instant: lambda value: _moment(value.at),
    Stretch: lambda value: {"start": _moment(value.start), "end": _moment(value.end)},
    Length: duration,
    Money: lambda value: {"amount": float(value.amount), "currency": value.currency},
    Measure: lambda value: {"amount": plain_number(value.amount), "unit": value.unit},
    Decimal: plain_number,
}
_PARSED = (*_WRITERS, Ignored)


def _value(value: Any) -> Any:
    """A value as JSON has it; what came with a known name is left as it is."""
    writer = _WRITERS.get(cast(type[object], type(value)))
    return writer(value) if writer else value
