"""Who travels, and how many: names, relations, lists of them and numbers, read out of a request for a trip.

Who is named and cannot be placed, and groups of which no number is said, are told as what was not heeded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pierian.agents.entities import Entity
from pierian.exceptions import UserError
from pierian.number_words import SMALL, TENS
from pierian.skills.calendars import ME
from pierian.skills.travel.wishes import Said

MOST_TRAVELLERS = 500
RELATIONS = (
    "partner|wife|husband|spouse|girlfriend|boyfriend|fiancée?|mum|mom|mother|dad|father|sister|brother|son|daughter"
    "|boss|colleague|flatmate|friend"
)
_WORDS = {
    **{word: number for number, word in enumerate(SMALL) if number},
    **{word: 10 * number for number, word in enumerate(TENS, 2)},
    **{
        f"{ten}-{SMALL[one]}": 10 * number + one for number, ten in enumerate(TENS, 2) for one in range(1, 10)
    },
}
_NUMBER = rf"(?:\d{{1,3}}|{'|'.join(sorted(_WORDS, key=len, reverse=True))})"
NO_PLACE = re.compile(
    r"(?i:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun"
    r"|jul|aug|sept?|oct|nov|dec|mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?|mon|tue|wed|thu|fri|sat|sun"
    r"|new year\S*|christmas|xmas|easter|i|me|my|us|euros?|dollars?|pounds?|eur|usd|gbp|chf)\b"
)
_SOMEBODY = rf"(?:my (?:{RELATIONS})|me|myself|us|[A-Z][\w'’-]+)(?! (?:are|is) away)\b"
_AND = r"(?:\s*,\s*(?:and\s+)?|\s+and\s+)"
_LIST = rf"{_SOMEBODY}(?:{_AND}{_SOMEBODY})*"
_WITH = re.compile(rf"\b(?P<how>with|for|and) (?P<list>{_LIST})")
_OWN = re.compile(rf"\bmy (?:{RELATIONS})\b(?! (?:are|is) away)")
_WITHOUT = re.compile(rf"\b(?:without|not with|except(?: for)?) (?P<list>{_LIST})")
_SEEING = re.compile(r"\b(?:see|seeing|visit\w*)\b[^.;]*$", re.I)
_SELLERS = re.compile(r"\b(?:fly|flying|flights?|hotel|rooms?|tickets?)(?: out| back| there)?\s*$", re.I)
_TOTAL = re.compile(
    rf"\b(?P<number>{_NUMBER}) (?P<who>people|persons?|travell?ers|adults?|passengers|of us)\b"
    rf"|\b(?:family|group|party) of (?P<group>{_NUMBER})\b"
    rf"|\bfor (?:the |us )?(?P<bare>{'|'.join(SMALL[1:13])}|\d)"
    r"(?=\s*(?:[,.;]|$|\b(?:in|next|from|on|at|with|please|this|between)\b|to (?-i:[A-Z])))",
    re.I,
)
_MORE = re.compile(
    rf"\b(?P<number>{_NUMBER}|an?) (?:friends?|guests?|child(?:ren)?|kids?|colleagues?)\b", re.I
)
_GROUP = re.compile(
    r"\b(?:my|our|the|some|with) (?:whole )?"
    r"(?:family|kids|children|parents|friends|colleagues|team|group|class|in-?laws)\b"
    rf"(?! of (?:{_NUMBER})\b)",
    re.I,
)
_ALONE = re.compile(r"\b(?:alone|on my own|just me|only me|by myself)\b", re.I)


def travellers(
    request: str, entities: Sequence[Entity], said: list[Said], assumed: list[str], unheeded: list[str]
) -> tuple[tuple[str, ...], int]:
    """Who is named, and how many there are."""
    people: list[str] = [ME]
    places = {one.text for one in said if one.wish == "destination"}
    known = {one.text: one for one in entities if one.kind == "person"}
    left = request
    for match in _WITHOUT.finditer(request):
        if match["list"][0].isupper() and NO_PLACE.match(match["list"]):
            continue
        left = left[: match.start()] + " " * len(match[0]) + left[match.end() :]
        said.append(Said("people", match.start(), match.end(), match[0]))
    if not _ALONE.search(request):
        for name, start, end in _named(left, places, known, unheeded):
            if name not in people:
                people.append(name)
                said.append(Said("people", start, end, request[start:end]))
        for text, one in known.items():
            there = left[one.start : one.end] == one.text
            if there and text not in people and not any(text in name for name in people):
                people.append(text)
                said.append(Said("people", one.start, one.end, text))
    seats = _seats(left, len(people), said)
    unheeded += [f"“{match[0]}”: how many they are is not said." for match in _GROUP.finditer(left)]
    if seats > len(people):
        more = seats - len(people)
        assumed.append(
            f"{more} of the {seats} travellers {'is' if more == 1 else 'are'} not named, so whether they are "
            "free is not looked at."
        )
    if not 1 <= seats <= MOST_TRAVELLERS:
        raise UserError(f"A trip for {seats} people cannot be planned.", hint=f"1 to {MOST_TRAVELLERS} can.")
    return tuple(people), seats


def _named(
    request: str, places: set[str], known: dict[str, Entity], unheeded: list[str]
) -> Iterator[tuple[str, int, int]]:
    """Those who are named, each with where."""
    with_us = re.search(r"\b(?:me|I|we|us)\b", request) is not None
    for match in _WITH.finditer(request):
        parts = [*re.finditer(_SOMEBODY, match["list"])]
        ours = any(part[0] in ("me", "myself", "us") or part[0].startswith("my ") for part in parts)
        for part in parts:
            text, start = part[0], match.start("list") + part.start()
            if text.startswith("my ") or text in ("me", "myself", "us", "I"):
                continue  # relations are found wherever they stand
            if NO_PLACE.match(text) or text in places:
                continue
            sold = text not in known and (text.isupper() or _SELLERS.search(request[: match.start()]))
            seen = _SEEING.search(request[: match.start()]) is not None
            takes = {"with": not sold, "for": ours, "and": with_us and not seen}[match["how"]]
            if takes or text in known:
                yield text, start, start + len(text)
            elif match["how"] != "and":
                unheeded.append(f"“{match['how']} {text}”")
    for match in _OWN.finditer(request):
        yield match[0][3:], match.start(), match.end()


def _seats(request: str, named: int, said: list[Said]) -> int:
    """How many travel."""
    more = 0
    for match in _MORE.finditer(request):
        if re.search(r"\b(?:visit\w*|see|seeing|meet\w*)\s+$", request[: match.start()], re.I):
            continue
        more += _value(match["number"])
        said.append(Said("seats", match.start(), match.end(), match[0]))
    match = _TOTAL.search(request)
    if match is None:
        return named + more
    said.append(Said("seats", match.start(), match.end(), match[0]))
    number = _value(match["number"] or match["group"] or match["bare"])
    apart = (match["who"] or "").lower().startswith("adult")
    return max(number + more if apart else number, named)


def _value(written: str) -> int:
    written = written.lower()
    return 1 if written in ("a", "an") else int(written) if written.isdigit() else _WORDS[written]
