"""Reads from the clauses of a request a journey in days: how long where, when it must be where, what is connected.

A place and a number of days are a stay, a place and numbered days a reason to be there then, days alone how long all
of it is. Whether the day of a journey counts for both places is told by the sums. Connections are pairs of places.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from pierian.planning.clauses import Clause
from pierian.planning.constraints import (
    Activity,
    AnyWish,
    Covers,
    Fills,
    Lasts,
    Leg,
    Problem,
    Source,
    Timeline,
    Window,
)
from pierian.planning.mentions import Mention
from pierian.planning.naming import Names

_CONNECTED = re.compile(
    r"\bdirect\w*|\bflights?\b|\bfl(?:y|ies|ying)\b|\bconnect\w*|\bnon-?stop|\btrains?\b|\broutes?\b"
    r"|\blink\w*|\bferr(?:y|ies)\b"
    r"|\bserv(?:es|ice|ices)\b|↔|⇄|<->|→|->",
    re.IGNORECASE,
)
_WANTED = re.compile(
    r"\b(?:(?:visit|see|spend|want|stay|love|like|start|begin|end|finish|includ|explor|tour)\w*"
    r"|plans?|planning|cities"
    r"|places|order)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"\b(?:in total|total|overall|altogether|all in all|in all|whole|entire|trip|journey|tour"
    r"|holiday|vacation|itinerary|travels?|within|have|off)\b",
    re.IGNORECASE,
)
_FIRST = re.compile(r"\b(?:start|begin|first stop|kick off|set off|set out)\w*\b", re.IGNORECASE)
_LAST = re.compile(r"\b(?:end|finish|wrap up|last stop|final stop|finally)\w*\b", re.IGNORECASE)
_ONE_WAY = re.compile(r"\bfrom\b|→|(?<!<)->|\bone[- ]way\b|\bonly from\b", re.IGNORECASE)


_NONE_BACK = re.compile(
    r"(?:\b(?:not|none|no|never|nothing|without)|n['’]t)\b[^,;]{0,30}"
    r"\b(?:other way|back|reverse|return\w*|vice versa|opposite)\b"
    r"|\b(?:one[- ]way|single|outbound)\b|\bonly\s*[).,;]?\s*$|\bonly (?:that|this) way\b|\bin (?:that|one) direction"
    r"|\bgoes only\b|(?<![<-])>|(?<!<)->|→",
    re.IGNORECASE,
)
_THERE = re.compile(r"\b(?:there|it|here)\b", re.IGNORECASE)
_LEGEND = re.compile(r"\([^)]*\bmeans\b[^)]*\)")


class TripRead(Struct, frozen=True):
    """What was read."""

    problem: Problem
    assumed: tuple[str, ...]


class _Told(Struct):
    stays: dict[str, tuple[int, Source]] = {}
    covers: list[tuple[str, int, int, Source]] = []
    ways: dict[tuple[str, str], None] = {}
    total: tuple[int, Source] | None = None
    first: tuple[str, Source] | None = None
    last: tuple[str, Source] | None = None


def is_connection(clause: Clause, names: Names) -> bool:
    """Whether a clause tells which places are connected."""
    places = clause.named(names.places())
    if len({one.value for one in places}) < 2 or clause.of("days", "nights", "day_range"):
        return False
    if _CONNECTED.search(clause.text) or _CONNECTED.search(clause.header) or len(places) >= 4:
        return True
    return not clause.of("number", "minutes", "clock", "hours") and not _WANTED.search(clause.text)


def trip(clauses: Sequence[Clause], names: Names) -> TripRead:
    """The problem of visiting places one after the other."""
    told = _Told(stays={}, covers=[], ways={})
    last = ""
    listing = False
    for clause in clauses:
        places = clause.named(names.places())
        numbered = bool(clause.of("days", "nights", "day_range"))
        listing = is_connection(clause, names) or (
            listing and clause.goes_on and not numbered and len(places) > 1
        )
        if listing:
            _connections(clause, names, told)
            continue
        own = places or ([_again(last)] if last else [])
        _lengths(clause, places, own, told)
        for one in clause.of("day_range"):
            if own:
                place = _nearest(own, one, clause)
                told.covers.append((place, one.value[0], one.value[1], clause.source))
        if places and not clause.of("day_range"):
            if told.first is None and _FIRST.search(clause.text):
                told.first = (_after(clause, places, _FIRST), clause.source)
            if told.last is None and _LAST.search(clause.text):
                told.last = (_after(clause, places, _LAST), clause.source)
        if places:
            last = places[-1].value
    return _read(told)


def _lengths(clause: Clause, places: Sequence[Mention], own: Sequence[Mention], told: _Told) -> None:
    """Take in how long it is where, and how long all of it is."""
    days = clause.of("days", "nights")
    numbers = clause.of("number")
    counted = list(days)
    if places and len(days) + len(numbers) == len(places):
        counted = sorted([*days, *numbers], key=lambda one: one.start)
    known = own[0].value in told.stays if own else False
    if counted and (not own or (not places and (known or not _THERE.search(clause.text)))):
        _whole(clause, counted, told)
        return
    spare = [one for one in counted if len(counted) > len(own) and _whole_beside(clause, one)]
    if len(spare) != 1 and len(counted) == len(own) + 1 and told.total is None:
        spare = [max(counted, key=_length)]
    _whole(clause, spare, told)
    for place, one in _paired(own, [one for one in counted if one not in spare]):
        told.stays.setdefault(place, (_length(one), clause.source))


def _again(place: str) -> Mention:
    return Mention("name", -1, -1, place, place)


def _length(one: Mention) -> int:
    """Days, the first and the last counted."""
    return int(one.value) + 1 if one.kind == "nights" else int(one.value)


def _whole(clause: Clause, counted: Sequence[Mention], told: _Told) -> None:
    for one in counted:
        if told.total is None:
            told.total = (_length(one), clause.source)


def _whole_beside(clause: Clause, one: Mention) -> bool:
    """Whether the words between a length and what is named before and after it speak of the whole journey."""
    others = [other for other in clause.mentions if other is not one and other.kind != "number"]
    begins = max((other.end for other in others if other.end <= one.start), default=clause.source.start)
    ends = min((other.start for other in others if other.start >= one.end), default=clause.source.end)
    at = clause.source.start
    return bool(
        _WHOLE.search(clause.text[begins - at : one.start - at] + " " + clause.text[one.end - at : ends - at])
    )


def _paired(places: Sequence[Mention], counted: Sequence[Mention]) -> list[tuple[str, Mention]]:
    """Each length with its place: in their order where there are as many, else with the nearest."""
    if len(places) == len(counted):
        return [(place.value, one) for place, one in zip(places, counted, strict=True)]
    found: list[tuple[str, Mention]] = []
    for one in counted:
        place = min(places, key=lambda mention: abs(mention.start - one.start))
        found.append((place.value, one))
    return found


def _nearest(places: Sequence[Mention], one: Mention, clause: Clause) -> str:
    """The place that numbered days belong to: the last before them in the clause, else the first after them."""
    before = [place for place in places if place.start < one.start]
    after = [place for place in places if place.start > one.start]
    if after and (
        not before or (_same_part(clause, one, after[0]) and not _same_part(clause, before[-1], one))
    ):
        return after[0].value
    return (before or list(places))[-1].value


def _same_part(clause: Clause, first: Mention, then: Mention) -> bool:
    at = clause.source.start
    return not re.search(r"[,;]|\band\b", clause.text[max(0, first.end - at) : max(0, then.start - at)])


def _after(clause: Clause, places: Sequence[Mention], word: re.Pattern[str]) -> str:
    found = word.search(clause.text)
    at = clause.source.start + (found.start() if found else 0)
    return next((one.value for one in places if one.start > at), places[0].value)


# Connections


def _connections(clause: Clause, names: Names, told: _Told) -> None:
    """Pairs of places. In a list of pairs each is one; where a list follows one place it is connected with all."""
    places = set(names.places())
    parts = [([one for one in part if one.value in places], text) for part, text in _parts(clause)]
    parts = [(part, text) for part, text in parts if part]
    if not parts:
        return
    none_back = "none back" in clause.header
    if _pairs(clause, [part for part, _ in parts]):
        for part, text in parts:
            _link(told, part[0].value, [part[1].value], one_way=none_back or _one_way(text))
        return
    everything = [one.value for part, _ in parts for one in part]
    _link(told, everything[0], everything[1:], one_way=_one_way(clause.text))


def _pairs(clause: Clause, parts: Sequence[Sequence[Mention]]) -> bool:
    """Whether each part of a list is a pair, rather than all that follows a first place being connected with it."""
    if any(len(part) != 2 for part in parts):
        return False
    at = clause.source.start
    joined = [clause.text[part[0].end - at : part[1].start - at].strip().lower() for part in parts]
    return len(parts) != 2 or joined[0] == joined[1] or joined[1] != "and"


def _link(told: _Told, first: str, others: Sequence[str], *, one_way: bool) -> None:
    for other in others:
        if other != first:
            told.ways[first, other] = None
            if not one_way:
                told.ways[other, first] = None


def _one_way(text: str) -> bool:
    if _NONE_BACK.search(text):
        return True
    if re.search(r"↔|⇄|<->|\bboth (?:ways|directions)\b|\band back\b|\bbetween\b|\bvice versa\b", text):
        return False
    return bool(_ONE_WAY.search(text)) and bool(re.search(r"\bto\b|→|->|\bone[- ]way\b", text))


def _parts(clause: Clause) -> list[tuple[list[Mention], str]]:
    """What stands between commas, each with its names."""
    found: list[tuple[list[Mention], str]] = []
    at = clause.source.start
    edges = [m.end() for m in re.finditer(r"[,;\n:](?!\d)", clause.text)]
    for begins, ends in zip([0, *edges], [*edges, len(clause.text)], strict=True):
        inside = [one for one in clause.mentions if begins <= one.start - at < ends and one.kind == "name"]
        if inside:
            first = inside[0].start - at if len(inside) > 1 else begins
            found.append((inside, _LEGEND.sub("", clause.text[max(begins, first - 6) : ends])))
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + clause.text[begins:ends])  # A to B, one way only
    return found


# The problem


def _region(days: dict[str, int]) -> str:
    """What is named first and lasts exactly as long as all other stays together: the country that they are in."""
    first = next(iter(days), "")
    others = [length for city, length in days.items() if city != first]
    total = sum(others)
    return first if len(others) > 1 and days[first] in (total, total - len(others) + 1) else ""


def _read(told: _Told) -> TripRead:
    assumed: list[str] = []
    days = {city: length for city, (length, _) in told.stays.items()}
    for city, begins, ends, _ in told.covers:
        if city not in days and begins > 0:
            days[city] = ends - begins + 1
            assumed.append(f"{city} takes {days[city]} days.")
    if told.total is None and (region := _region(days)):
        told.total = told.stays[region]
        del days[region]
    apart = sum(days.values())
    shared = apart - len(days) + 1
    total = told.total[0] if told.total is not None else shared
    if told.total is None:
        assumed.append("The day of a journey counts for both places.")
    share = not (total == apart and total != shared)
    last = total if share else total + 1
    wishes: list[AnyWish] = [
        Fills(window=Window(1, last), source=told.total[1] if told.total is not None else None)
    ]
    for city, length in days.items():
        ticks = length - 1 if share else length
        source = told.stays[city][1] if city in told.stays else None
        wishes.append(Lasts(activity=city, least=ticks, most=ticks, source=source))
    covers = list(told.covers)
    if told.first is not None:
        covers.append((told.first[0], 1, 1, told.first[1]))
    if told.last is not None:
        covers.append((told.last[0], -1, -1, told.last[1]))
    for city, begins, ends, source in covers:
        if city in days:
            first, then = (n if n > 0 else total + 1 + n for n in (begins, ends))
            wishes.append(
                Covers(activity=city, window=Window(first, then if share else then + 1), source=source)
            )
    problem = Problem(
        Timeline("days", shared_days=share),
        Window(1, max(last, shared)),
        tuple(Activity(city, ("you",), city) for city in days),
        tuple(wishes),
        travel=tuple(Leg(a, b) for a, b in told.ways),
        gapless=True,
    )
    return TripRead(problem, tuple(assumed))
