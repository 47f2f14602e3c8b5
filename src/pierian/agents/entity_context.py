"""Reads what was found once more, beside its neighbours: what one phrase leaves open, its sentence may decide.

A time of day goes onto the only day of its sentence (`lunch tomorrow with Bob at 1`). Days without a year or a week
lie in the past where the sentence says so (`what did I spend in October`) or what came on them (`the mail from
October 19`). A day of the month that follows another
date is the next after that (`from the 3rd of January, returning on the 6th`). A bare figure beside an amount has its
unit (`20 to 30 euros`). Nothing is added or dropped here.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from pierian.agents.entity_amounts import Measure, Money
from pierian.agents.entity_calendar import Day, Span, day_of_month, past
from pierian.agents.entity_clock import Clock, Hours, Instant, Stretch, moment
from pierian.agents.entity_marks import Mark
from pierian.agents.entity_spans import past_span
from pierian.agents.entity_tokens import Language

_SENTENCE_END = re.compile(r"[.!?;](?=\s)|\n")
_WORD = re.compile(r"[^\W\d_]+")


def in_context(plain: str, found: Sequence[Mark], now: datetime, language: Language) -> list[Mark]:
    """The same marks, in the order of their places, with what their neighbours say about their values."""
    found = _with_units(plain, found, language)
    received = re.compile(language.received, re.IGNORECASE)
    found = [
        _changed(one, _past(one.value, now))
        if received.search(plain[max(0, one.start - 60) : one.start])
        else one
        for one in found
    ]
    result: list[Mark] = []
    for words, sentence in _sentences(plain, found):
        read = _earlier(sentence, now) if words & language.past and not words & language.ahead else sentence
        result.extend(_on_their_day(read, now))
    return _one_after_another(result, now)


def _changed(mark: Mark, value: Any) -> Mark:
    return Mark(mark.kind, mark.start, mark.end, value)


def _sentences(plain: str, found: Sequence[Mark]) -> Iterator[tuple[set[str], list[Mark]]]:
    """The marks of each sentence and its words."""
    starts = [one.start for one in found]
    ends = [
        match.end()
        for match in _SENTENCE_END.finditer(plain)
        if not (at := bisect_left(starts, match.end()))
        or found[at - 1].end < match.end()  # not that of "9 a.m."
    ]
    marks: dict[int, list[Mark]] = {}
    for one in found:
        marks.setdefault(bisect_left(ends, one.end), []).append(one)
    edges = [0, *ends, len(plain)]
    for number, sentence in marks.items():
        text = plain[edges[number] : edges[number + 1]]
        yield {match[0].lower() for match in _WORD.finditer(text)}, sentence


def _with_units(plain: str, found: Sequence[Mark], language: Language) -> list[Mark]:
    result = list(found)
    for at in range(len(result) - 1):
        left, right = result[at], result[at + 1]
        gap = plain[left.end : right.start]
        if len(gap) > 5 or gap.strip().lower() not in language.joins:
            continue
        if isinstance(left.value, Decimal) and isinstance(right.value, Money | Measure):
            result[at] = Mark("amount", left.start, left.end, _of_unit(left.value, right.value))
        elif isinstance(left.value, Money) and isinstance(right.value, Decimal):
            result[at + 1] = Mark("amount", right.start, right.end, _of_unit(right.value, left.value))
    return result


def _of_unit(amount: Decimal, other: Money | Measure) -> Money | Measure:
    return Money(amount, other.currency) if isinstance(other, Money) else Measure(amount, other.unit)


def _earlier(sentence: Sequence[Mark], now: datetime) -> list[Mark]:
    return [_changed(one, _past(one.value, now)) for one in sentence]


def _past(value: Any, now: datetime) -> Any:
    try:
        if isinstance(value, Day) and value.roll:
            return past(now, value)
        if isinstance(value, Span) and value.roll:
            return past_span(now, value)
    except (ValueError, OverflowError):  # before the first year there is no other
        return value
    return value


def _on_their_day(sentence: Sequence[Mark], now: datetime) -> list[Mark]:
    days = [one.value for one in sentence if isinstance(one.value, Day)]
    if len(days) > 1:  # what came on a day that is past is not at that hour
        days = [day for day in days if day.date >= now.date()]
    if len(days) != 1 or any(isinstance(one.value, Instant | Stretch | Span) for one in sentence):
        return list(sentence)
    return [_changed(one, _on_day(one.value, days[0], now)) for one in sentence]


def _on_day(value: Any, day: Day, now: datetime) -> Any:
    try:
        if isinstance(value, Clock):
            return Instant(moment(now, day.date, value))
        if isinstance(value, Hours):
            return Stretch(moment(now, day.date, value.first), moment(now, day.date, value.last))
    except (ValueError, OverflowError):  # at the ends of the calendar a time keeps to itself
        return value
    return value


def _one_after_another(found: Sequence[Mark], now: datetime) -> list[Mark]:
    result: list[Mark] = []
    earlier: date | None = None
    for one in found:
        value = one.value
        if isinstance(value, Day) and value.roll == "month" and earlier and earlier > now.date():
            value = day_of_month(datetime.combine(earlier, time(), now.tzinfo), value.date.day)
        earlier = _first_day(value) or earlier
        result.append(_changed(one, value))
    return result


def _first_day(value: Any) -> date | None:
    if isinstance(value, Day):
        return value.date
    if isinstance(value, Span):
        return value.start
    return value.at.date() if isinstance(value, Instant) else None
