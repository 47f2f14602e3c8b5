"""When a trip is to be and how long: the window of days in which it lies, and how many nights it has.

Dates and lengths are entities that `agents` found; here a day counts as part of the trip from its departure to its
return, so three days have two nights. A year that is not named is the next one in which the days come, and is told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, cast

from msgspec import Struct

from pierian.agents.entities import Entity
from pierian.exceptions import UserError
from pierian.number_words import SMALL
from pierian.skills.travel.wishes import Said, day

LONGEST_WINDOW = 62
LONGEST_STAY = 30
_WHOLE = 16
"""Days named without a length are all taken up to so many."""
_NUMBER = rf"(?:\d{{1,2}}|{'|'.join(SMALL[1:])})"
_SPREAD = re.compile(
    rf"\b(?P<least>{_NUMBER})\s*(?:-|–|to|or)\s*(?P<most>{_NUMBER})[ -](?P<unit>days?|nights?)\b", re.I
)
_LENGTH = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?")
_HOLIDAYS = (
    (re.compile(r"\bnew year(?:'s|’s)?(?: eve| day)?\b", re.I), (12, 29), 5),
    (re.compile(r"\b(?:christmas|xmas)(?: eve| day)?\b", re.I), (12, 23), 4),
)
_PART = re.compile(
    r"\b(?:(?P<first>first half of|early(?: in)?|(?:the )?beginning of|(?:the )?start of)"
    r"|(?P<last>second half of|late(?: in)?|(?:the )?end of)|(?P<middle>mid(?:dle of)?))[ -]*$",
    re.I,
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


class Dates(Struct, frozen=True, kw_only=True):
    """The window, both days included, and the nights."""

    first: date
    last: date
    least_nights: int
    most_nights: int
    said: tuple[Said, ...]
    assumed: tuple[str, ...]


def dates_in(request: str, entities: Sequence[Entity], today: date) -> Dates:
    """When the trip of a request may be; raises `UserError` where it cannot be made out, or is over."""
    said: list[Said] = []
    assumed: list[str] = []
    nights = _nights(request, entities, said, assumed)
    first, last, words = _window(request, entities, today, nights)
    said.append(Said("dates", words.start, words.end, words.text))
    if last < today:
        raise UserError(
            f"{words.text!r} is over: that was {day(first)} {first.year}.", hint="Name days that are to come."
        )
    if first < today:
        assumed.append(f"The days before today, {day(today)}, are over.")
        first = today
    if not _YEAR.search(words.text) and (first.year != today.year or last.year != today.year):
        both = "" if first.year == last.year else f" {first.year}"
        assumed.append(f"No year is named: {day(first)}{both} to {day(last)} {last.year} is taken.")
    if (last - first).days >= LONGEST_WINDOW:
        raise UserError(
            f"{day(first)} to {day(last)} {last.year} are {(last - first).days + 1} days; {LONGEST_WINDOW} is the "
            "most in which a trip is looked for.",
            hint="Name a shorter time, such as a week or a month.",
        )
    if nights is None:
        whole = (last - first).days
        if whole > _WHOLE or whole < 1:
            raise UserError(
                "It is not said how long the trip is.", hint="Add it: for three days, for two nights."
            )
        assumed.append(f"No length is named: all days from {day(first)} to {day(last)} are taken.")
        nights = (whole, whole)
    if nights[1] > LONGEST_STAY:
        raise UserError(
            f"{nights[1]} nights are more than can be planned.", hint=f"Up to {LONGEST_STAY} nights can."
        )
    return Dates(
        first=first,
        last=last,
        least_nights=nights[0],
        most_nights=nights[1],
        said=tuple(said),
        assumed=tuple(assumed),
    )


def _nights(
    request: str, entities: Sequence[Entity], said: list[Said], assumed: list[str]
) -> tuple[int, int] | None:
    """The least and most nights; None where no length is named."""
    if match := _SPREAD.search(request):
        least, most = sorted((_number(match["least"]), _number(match["most"])))
        minus = match["unit"].lower().startswith("day")
        said.append(Said("nights", match.start(), match.end(), match[0]))
        return max(1, least - minus), max(1, most - minus)
    by_nights = [(one, _of_nights(one)) for one in entities if _of_nights(one)]
    by_days = [(one, _of_days(one)) for one in entities if _of_days(one)]
    if by_nights and by_days and by_days[0][1] not in (by_nights[0][1], by_nights[0][1] + 1):
        raise UserError(
            f"{by_days[0][0].text!r} and {by_nights[0][0].text!r} do not go together.",
            hint="Name one of them: three days have two nights.",
        )
    if by_nights:
        one, number = by_nights[0]
    elif by_days:
        one, number = by_days[0][0], max(1, by_days[0][1] - 1)
        nights = "one night" if number == 1 else f"{number} nights"
        assumed.append(f"“{one.text}” are taken with {nights}: the days of arrival and return count.")
    elif match := re.search(r"\bweekend\b", request, re.I):
        said.append(Said("nights", match.start(), match.end(), match[0]))
        return 1, 2
    else:
        return None
    said.append(Said("nights", one.start, one.end, one.text))
    return number, number


def _number(word: str) -> int:
    return int(word) if word.isdigit() else SMALL.index(word.lower())


def amount_of(one: Entity) -> Mapping[str, Any]:
    """What an entity that is an amount holds; nothing of any other."""
    return cast(Mapping[str, Any], one.value) if one.kind == "amount" else {}


def _of_nights(one: Entity) -> int:
    value = amount_of(one)
    return max(1, int(value["amount"])) if str(value.get("unit", "")).startswith("night") else 0


def _of_days(one: Entity) -> int:
    if one.kind != "duration" or (match := _LENGTH.fullmatch(str(one.value))) is None:
        return 0
    return int(match[1] or 0) * 7 + int(match[2] or 0)


def _window(
    request: str, entities: Sequence[Entity], today: date, nights: tuple[int, int] | None
) -> tuple[date, date, Said]:
    """The first and the last day, and their words."""
    for one in entities:
        if one.kind == "range" and (span := _days_of(one.value)) is not None:
            first, last = _in_part(request, one, *span)
            if re.search(r"\bweekend\b", one.text, re.I) and first.weekday() == 5:
                first -= timedelta(days=1)  # one leaves on Friday
            return first, last, Said("dates", one.start, one.end, one.text)
    for pattern, (month, on), length in _HOLIDAYS:
        if match := pattern.search(request):
            year = int(found[0]) if (found := _YEAR.search(request)) else today.year
            first = date(year, month, on)
            if first + timedelta(days=length) < today and not found:
                first = date(year + 1, month, on)
            most = max(length, nights[1] + 2 if nights else 0)
            return first, first + timedelta(days=most), Said("dates", match.start(), match.end(), match[0])
    dates = [
        (one, date.fromisoformat(str(one.value)[:10]))
        for one in entities
        if one.kind in ("date", "time") and one.text and re.match(r"\d{4}-\d\d-\d\d", str(one.value))
    ]
    if len(dates) >= 2:
        first, last = sorted((dates[0][1], dates[1][1]))
        return (
            first,
            last,
            Said("dates", dates[0][0].start, dates[-1][0].end, request[dates[0][0].start : dates[1][0].end]),
        )
    if dates:
        one, at = dates[0]
        words = Said("dates", one.start, one.end, one.text)
        if re.search(r"\b(?:by|before|until)\s*$", request[: one.start], re.I):
            return today, at, words
        return at, at + timedelta(days=nights[1] if nights else 0), words
    raise UserError(
        "It is not said when the trip is to be.",
        hint="Name the days: in the second week of December, from 10 to 14 January.",
    )


def _days_of(value: Any) -> tuple[date, date] | None:
    """The dates of a range; None for one of times of day."""
    try:
        first, last = (datetime.fromisoformat(str(value[side])).date() for side in ("start", "end"))
    except (ValueError, KeyError, TypeError):
        return None
    return first, last


def _in_part(request: str, one: Entity, first: date, last: date) -> tuple[date, date]:
    """The half of a month that "early in" and the like name."""
    part = _PART.search(request[: one.start])
    if part is None or (last - first).days < 20:
        return first, last
    half = first + timedelta(days=14)
    if part["first"]:
        return first, half
    if part["last"]:
        return half + timedelta(days=1), last
    return first + timedelta(days=9), first + timedelta(days=20)
