"""Reads the wishes for a trip out of a request: by code, with the model only where several places could be meant.

Dates, lengths, amounts and names of people are the entities that `agents` finds; here they get their part in it.
What the request does not say is assumed and told. English only. What cannot be assumed is a `UserError` that says
what to add.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec import structs

from pierian.agents.entities import Entity
from pierian.exceptions import UserError
from pierian.number_words import SMALL
from pierian.skills.travel.dates import amount_of, dates_in
from pierian.skills.travel.travellers import NO_PLACE, travellers
from pierian.skills.travel.wishes import Said, Wishes

Choose = Callable[[str, Sequence[str]], Awaitable[str]]
"""Picks one of a few options for a question about the request: the model, asked under a schema."""

_PLACE = r"(?:[A-Z][\w'’.-]*(?: (?:(?:de|del|da|do|di|la|le|the|of|am|an der|upon) )?[A-Z][\w'’.-]*){0,2})"
_TO = re.compile(rf"\b(?:in|to|visit|visiting|around|at|for) (?:the )?(?P<place>{_PLACE})")
_FROM = re.compile(rf"\b(?:from|leaving|departing(?: from)?|starting (?:in|from)) (?P<place>{_PLACE})")
_DIRECT = re.compile(
    r"\b(?:direct|non-?stop|without (?:a )?(?:stops?|changes?|changing|connections?))\b", re.I
)
_HOUR = (
    r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?\s*(?P<half>am|pm|a\.m\.|p\.m\.)?|(?P<noon>noon|midday)|(?P<word>"
    + ("|".join(SMALL[1:13]) + ")")
)
_NOT_BEFORE = re.compile(
    r"\b(?:not|never|no (?:flights?|departures?)|nothing)(?: \w+){0,3}? before "
    rf"(?:{_HOUR})(?! (?:days?|nights?|euros?))",
    re.I,
)
_AFTER = re.compile(rf"\b(?:leav\w+|depart\w*|fly\w*)(?: out)? after (?:{_HOUR})\b", re.I)
_NOT_AFTER = re.compile(
    r"\b(?:(?:back|home|arriv\w+|land\w*)(?: \w+){0,2}? (?:by|before)|not arriv\w+ after|no later than) "
    rf"(?:{_HOUR})\b(?! (?:\w+day|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))",
    re.I,
)
_RETURN = re.compile(r"\b(?:back|home|return\w*)\b[^.,;]*$", re.I)
_BUDGET = re.compile(
    r"\b(?:budget|at most|no more than|up to|under|below|less than|within|max(?:imum)?|not over|for)\b[^.,;]{0,25}$",
    re.I,
)
_CALENDAR = re.compile(
    r"\b(?:put|add|enter|write|save|block|note|book|create)\b[^.;]{0,60}\b(?:calendar|agenda|diary)\b", re.I
)
_DRAFT = re.compile(r"\b(?:draft|tentative(?:ly)?|provisional(?:ly)?)\b", re.I)
_SEE = re.compile(
    r"\b(?:see|visit(?: to)?|seeing|visiting)\s+(?P<what>(?:the |a )?[^.;:]+?)"
    r"(?=[.;:]|$|, (?:and )?(?:put|at|no|not|with|cheap|for|direct)|\bon\b)"
)


async def wishes_of(
    request: str, entities: Sequence[Entity], today: date, choose: Choose | None = None
) -> Wishes:
    """The wishes of a request; raises `UserError` where no place or time can be made out."""
    said: list[Said] = []
    assumed: list[str] = []
    destination = await _destination(request, entities, choose, said)
    unheeded: list[str] = []
    wanted = [one for one in entities if not _DENIED.search(request[: one.start])]
    when = dates_in(request, wanted, today)
    said += when.said
    assumed += when.assumed
    people, seats = travellers(request, entities, said, assumed, unheeded)
    wishes = Wishes(
        destination=destination,
        first=when.first,
        last=when.last,
        least_nights=when.least_nights,
        most_nights=when.most_nights,
        origin=_origin(request, entities, said),
        people=people,
        seats=seats,
        sights=_sights(request, destination, said),
        calendar=bool(_CALENDAR.search(request)),
        draft=bool(_DRAFT.search(request)),
        assumed=tuple(assumed),
    )
    wishes = _with_ways(request, wishes, said)
    wishes = _with_budget(request, wishes, entities, said)
    unheeded += left_over(request, said, entities)
    return structs.replace(wishes, said=tuple(said), unheeded=tuple(dict.fromkeys(unheeded)))


_DENIED = re.compile(
    r"\b(?:not|except|excluding|avoid\w*|never|without|no)(?: (?:on|in|for|over|the|any))*\s*$", re.I
)
_CLAUSES = re.compile(r"(?:[.,;](?!\d)|\s(?:and|but)\s)")
_LIMITS = re.compile(
    r"\d|\b(?:not|no|never|except|excluding|unless|without|avoid\w*|budget|at most|maximum|cheaper than|per night"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|mornings?|afternoons?|evenings?|early|late|hotels?|hostels?"
    r"|apartments?|rooms?|breakfast|baggage|luggage|suitcase|trains?|buse?s?|cars?|business class|first class|aisle"
    r"|window seats?|vegetarian|euros?|dollars?|pounds?)\b|[€$£]",
    re.I,
)
_LEADS = re.compile(
    r"\b(?:(?:with )?(?:a |my )?(?:total )?budget(?: (?:of|is|at most|up to))*|at most|no more than|up to|not over"
    r"|less than|max(?:imum)?(?: of)?|from|between|in|on|for|to)\s*$",
    re.I,
)


def left_over(request: str, said: Sequence[Said], entities: Sequence[Entity]) -> list[str]:
    """Clauses that name days, money or limits of which nothing was made."""
    left = request
    read = [(one.start, one.end) for one in said]
    read += [(one.start, one.end) for one in entities if one.kind == "duration"]
    read += [(one.start, one.end) for one in entities if "night" in str(amount_of(one).get("unit", ""))]
    read += [match.span() for match in (*_CALENDAR.finditer(request), *_DRAFT.finditer(request))]
    for start, end in read:
        if lead := _LEADS.search(request[:start]):
            start = lead.start()
        left = left[:start] + "\0" * (end - start) + left[end:]
    found: list[str] = []
    at = 0
    for match in (*_CLAUSES.finditer(left), None):
        ends = len(left) if match is None else match.start()
        if _LIMITS.search(left[at:ends]):
            found.append(f"“{request[at:ends].strip()}”")
        at = ends if match is None else match.end()
    return found


async def _destination(
    request: str, entities: Sequence[Entity], choose: Choose | None, said: list[Said]
) -> str:
    names = {one.text.casefold() for one in entities if one.kind == "person"}
    origin = _FROM.search(request)
    found: dict[str, re.Match[str]] = {}
    for match in _TO.finditer(request):
        place = match["place"].rstrip(".,'’-")
        if NO_PLACE.match(place) or place.casefold() in names:
            continue
        if origin is not None and match["place"] == origin["place"]:
            continue
        found.setdefault(place, match)
    # "three days in Lisbon" names where; "a visit to the Louvre" says what is to be seen there.
    best = [
        place
        for place, match in found.items()
        if not re.search(
            r"\b(?:visit|visiting|see|seeing)(?: to)?(?: the)?\s*$", request[: match.start("place")], re.I
        )
    ] or list(found)
    if not best:
        raise UserError(
            "It is not said where the trip goes.", hint="Name the place: three days in Lisbon next week."
        )
    place = best[0]
    if len(best) > 1:
        strong = [one for one in best if re.search(_STRONG + re.escape(one), request)]
        place = strong[0] if strong else best[0]
        if not strong and choose is not None:
            place = await choose("Which of these places is the destination of the trip?", best)
    match = found[place]
    start = match.start("place")
    said.append(Said("destination", start, start + len(place), place))
    return place


_STRONG = (
    r"(?i:trip|travel|journey|fly|go|flights?|days?|nights?|weekend|week|holiday|vacation)"
    r"(?i: (?:in|to|at))(?: the)? "
)


def _origin(request: str, entities: Sequence[Entity], said: list[Said]) -> str:
    for match in _FROM.finditer(request):
        place = match["place"].rstrip(".,'’-")
        taken = any(
            one.kind in ("date", "range", "time")
            and one.start < match.end("place")
            and match.start() < one.end
            for one in entities
        )
        if not taken and not NO_PLACE.match(place):
            start = match.start("place")
            said.append(Said("origin", start, start + len(place), place))
            return place
    return ""


def _with_ways(request: str, wishes: Wishes, said: list[Said]) -> Wishes:
    """What is wished of flights and other ways."""
    changes: dict[str, Any] = {}
    if match := _DIRECT.search(request):
        changes["direct"] = True
        said.append(Said("direct", match.start(), match.end(), match[0]))
    if match := _NOT_BEFORE.search(request) or _AFTER.search(request):
        changes["leave_from"] = _minute(match, morning=True)
        clause = request[: match.end()]
        if _RETURN.search(clause):
            changes["leave_on"] = "back"
        elif match.re is _AFTER:
            changes["leave_on"] = "there"
        said.append(Said("leave_from", match.start(), match.end(), match[0]))
    if match := _NOT_AFTER.search(request):
        changes["arrive_until"] = _minute(match, morning=False)
        if _RETURN.search(request[: match.end()]):
            changes["arrive_on"] = "back"
        said.append(Said("arrive_until", match.start(), match.end(), match[0]))
    return structs.replace(wishes, **changes) if changes else wishes


def _minute(match: re.Match[str], *, morning: bool) -> int:
    if match["noon"]:
        return 720
    hour = int(match["hour"]) if match["hour"] else SMALL.index(match["word"].lower())
    half = (match["half"] or "").lower().replace(".", "")
    if half == "pm" and hour < 12:
        hour += 12
    elif half == "am" and hour == 12:
        hour = 0
    elif not half and not morning and hour < 9 and not match["minute"]:
        hour += 12  # home by six is in the evening
    if hour > 24:
        raise UserError(f"{match[0]!r} names no time of day.", hint="Write it as 10:00.")
    return min(hour * 60 + int(match["minute"] or 0), 1439)


def _with_budget(request: str, wishes: Wishes, entities: Sequence[Entity], said: list[Said]) -> Wishes:
    for one in entities:
        value = amount_of(one)
        if "currency" not in value:
            continue
        after = re.match(r"[^.;]{0,12}\b(?:budget|in all|max|at most)", request[one.end :])
        if not (after or _BUDGET.search(request[: one.start])):
            continue
        part = _PART_OF.match(request[one.end :])
        if _OF_ROOMS.search(request[: one.start]) or (part is not None and not part["person"]):
            continue  # not the whole sum; that it is not heeded is told
        end = one.end + (part.end() if part is not None else 0)
        said.append(Said("budget", one.start, end, request[one.start : end]))
        budget, currency = Decimal(str(value["amount"])), str(value["currency"])
        return structs.replace(
            wishes, budget=budget * (wishes.seats if part is not None else 1), currency=currency
        )
    return wishes


_PART_OF = re.compile(
    r"\s*(?:(?:\b(?:per|an?|for each|for every|each)\s+|/\s*)(?:(?P<person>person|head|travell?er|adult)\b|\w+)"
    r"|\beach\b|\bp\.?p\b)",
    re.I,
)
_OF_ROOMS = re.compile(r"\b(?:hotels?|rooms?|hostels?|accommodation|nightly|per night)\b[^.,;]*$", re.I)


def _sights(request: str, destination: str, said: list[Said]) -> tuple[str, ...]:
    found: list[str] = []
    for match in _SEE.finditer(request):
        for part in re.split(r",| and ", match["what"]):
            name = re.sub(r"^\s*(?:the|a|an) ", "", part.strip()).strip()
            if (
                re.fullmatch(r"(?:[\w'’.-]+ ?){1,5}", name)
                and name != destination
                and re.search(r"[A-Z]", name)
            ):
                start = request.find(name, match.start())
                found.append(name)
                said.append(Said("sights", start, start + len(name), name))
    return tuple(dict.fromkeys(found))
