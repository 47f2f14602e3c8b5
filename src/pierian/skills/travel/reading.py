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
from pierian.skills.travel.wishes import ME, Said, Wishes

Choose = Callable[[str, Sequence[str]], Awaitable[str]]
"""Picks one of a few options for a question about the request: the model, asked under a schema."""

MOST_TRAVELLERS = 500
RELATIONS = (
    "partner|wife|husband|spouse|girlfriend|boyfriend|fiancée?|mum|mom|mother|dad|father|sister|brother|son|daughter"
    "|boss|colleague|flatmate|friend"
)
_NUMBER = rf"(?:\d{{1,3}}|{'|'.join(SMALL[1:])})"
_PLACE = r"(?:[A-Z][\w'’.-]*(?: (?:(?:de|del|da|do|di|la|le|the|of|am|an der|upon) )?[A-Z][\w'’.-]*){0,2})"
_TO = re.compile(rf"\b(?:in|to|visit|visiting|around|at|for) (?:the )?(?P<place>{_PLACE})")
_FROM = re.compile(rf"\b(?:from|leaving|departing(?: from)?|starting (?:in|from)) (?P<place>{_PLACE})")
_NO_PLACE = re.compile(
    r"(?i:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun"
    r"|jul|aug|sept?|oct|nov|dec|monday|tuesday|wednesday|thursday|friday|saturday|sunday|mon|tue|wed|thu|fri|sat|sun"
    r"|new year\S*|christmas|xmas|easter|i|me|my|us|euros?|dollars?|pounds?|eur|usd|gbp|chf)\b"
)
_AND_ME = re.compile(
    rf"\b(?:(?:my )(?P<relation>{RELATIONS})|(?:with|and) (?P<name>[A-Z][\w'’-]+))\b(?! (?:are|is) away)",
)
_PARTY = re.compile(
    rf"\b(?P<number>{_NUMBER}) (?:people|persons|travell?ers|adults|passengers|of us|friends|guests)\b", re.I
)
_ALONE = re.compile(r"\b(?:alone|on my own|just me|only me|by myself)\b", re.I)
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
    when = dates_in(request, entities, today)
    said += when.said
    assumed += when.assumed
    people, seats = _travellers(request, entities, said, assumed)
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
    return structs.replace(_with_budget(request, wishes, entities, said), said=tuple(said))


async def _destination(
    request: str, entities: Sequence[Entity], choose: Choose | None, said: list[Said]
) -> str:
    names = {one.text.casefold() for one in entities if one.kind == "person"}
    origin = _FROM.search(request)
    found: dict[str, re.Match[str]] = {}
    for match in _TO.finditer(request):
        place = match["place"].rstrip(".,'’-")
        if _NO_PLACE.match(place) or place.casefold() in names:
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
        if not taken and not _NO_PLACE.match(place):
            start = match.start("place")
            said.append(Said("origin", start, start + len(place), place))
            return place
    return ""


def _travellers(
    request: str, entities: Sequence[Entity], said: list[Said], assumed: list[str]
) -> tuple[tuple[str, ...], int]:
    """Who is named, and how many there are."""
    people: list[str] = [ME]
    places = {one.text for one in said if one.wish == "destination"}
    known = {one.text: one for one in entities if one.kind == "person"}
    if not _ALONE.search(request):
        for match in _AND_ME.finditer(request):
            name = match["relation"] or match["name"]
            if match["name"] and (_NO_PLACE.match(name) or name in places):
                continue
            if match["name"] and name not in known and not re.search(r"\b(?:me|I|we|us)\b", request):
                continue
            if name not in people:
                people.append(name)
                said.append(Said("people", match.start(), match.end(), match[0]))
        for text, one in known.items():
            if text not in people and not any(text in name for name in people):
                people.append(text)
                said.append(Said("people", one.start, one.end, text))
    seats = len(people)
    if match := _PARTY.search(request):
        written = match["number"].lower()
        number = int(written) if written.isdigit() else SMALL.index(written)
        if re.search(r"\bfriends\b", match[0], re.I):
            number += 1
        said.append(Said("seats", match.start(), match.end(), match[0]))
        seats = max(number, seats)
        if seats > len(people):
            more = seats - len(people)
            assumed.append(
                f"{more} of the {seats} travellers {'is' if more == 1 else 'are'} not named, so whether they are "
                "free is not looked at."
            )
    if not 1 <= seats <= MOST_TRAVELLERS:
        raise UserError(f"A trip for {seats} people cannot be planned.", hint=f"1 to {MOST_TRAVELLERS} can.")
    return tuple(people), seats


def _with_ways(request: str, wishes: Wishes, said: list[Said]) -> Wishes:
    """What is wished of flights and other ways."""
    changes: dict[str, Any] = {}
    if match := _DIRECT.search(request):
        changes["direct"] = True
        said.append(Said("direct", match.start(), match.end(), match[0]))
    if match := _NOT_BEFORE.search(request) or _AFTER.search(request):
        changes["leave_from"] = _minute(match, morning=True)
        said.append(Said("leave_from", match.start(), match.end(), match[0]))
    if match := _NOT_AFTER.search(request):
        changes["arrive_until"] = _minute(match, morning=False)
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
        if after or _BUDGET.search(request[: one.start]):
            said.append(Said("budget", one.start, one.end, one.text))
            budget, currency = Decimal(str(value["amount"])), str(value["currency"])
            return structs.replace(wishes, budget=budget, currency=currency)
    return wishes


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
