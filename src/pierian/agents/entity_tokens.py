"""Cuts a folded request into words, numbers, written dates, times and signs, each with what it can be taken for.

What is certain from the spelling alone is decided here: that 2026-12-07 is a date, 13:30 a time, 10.4.1.22 an
address and 16:9 neither. Which words mean what comes from the table of a language. What several tokens mean
together is the business of the grammar.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from msgspec import Struct

from pierian.agents.entity_amounts import figure
from pierian.agents.entity_clock import Clock, said
from pierian.agents.entity_grammar import Grammar, Token


class Language(Struct, frozen=True, eq=False):
    """What the finder knows of one language. All words are in lower case with a straight apostrophe."""

    words: Mapping[str, Mapping[str, Any]]
    """What each word can be taken for: names of the grammar's slots, and the value for each."""
    capitals: Mapping[str, Mapping[str, Any]]
    """The same, for words that count only where they begin with a capital letter: Sun, May."""
    exact: Mapping[str, Mapping[str, Any]]
    """The same, where upper and lower case matter: EUR, kW, °C."""
    numbers: Mapping[str, int]
    """Number words up to a hundred."""
    ordinals: Mapping[str, int]
    """Ordinal words up to the thirty-first, single words only."""
    scales: Mapping[str, int]
    """Words that multiply the number before them."""
    number_joiner: str
    """The word inside a number: two hundred and fifty."""
    ordinal_suffix: str
    """What makes digits an ordinal, as a pattern."""
    forenoon: str
    """What follows an hour before noon, as a pattern."""
    afternoon: str
    abbreviations: frozenset[str]
    """Words that a point may belong to where a day follows."""
    possessive: str
    """What a word may carry at its end without meaning something else."""
    connectors: frozenset[str]
    """Words after which no noun belongs to what stands before."""
    past: frozenset[str]
    """Words that put the days of their sentence into the past, unless one of `ahead` is there too."""
    ahead: frozenset[str]
    received: str
    """What stands before a day on which something came, as a pattern: `the mail from` the 3rd is one of the past."""
    joins: frozenset[str]
    """Words and signs between the two ends of a range of amounts."""
    grammar: Grammar


_CODE = (
    r"(?<!\w)v[0-9]+(?:\.[0-9]+){0,30}(?!\w)"  # v2, v1.2.3
    r"|(?<![\w:])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:])"  # a MAC address
    r"|(?<![\w:])(?=[0-9a-f:]{0,40}::)[0-9a-f:]{3,39}(?![\w:])"  # an IPv6 address
    r"|(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])"  # a UUID
)
_MOMENT = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?:[ ]?Z|[+-][0-9]{2}:?[0-9]{2})?(?![\w:])"
)
_NUMBER = (
    r"(?:(?<![^\s(])[-−])?(?:"
    r"[0-9]{1,3}(?:,[0-9]{2,3}){0,8},[0-9]{3}(?:\.[0-9]+)?(?![0-9])"
    r"|[0-9]{1,3}(?:[\u00a0'’][0-9]{3}){1,8}(?:[.,][0-9]{1,2})?(?![0-9])"
    r"|[0-9]{1,3}(?:\.[0-9]{3}){1,8},[0-9]{1,2}(?![0-9])"
    r"|[0-9]+,[0-9]{1,2}(?![0-9]|,[0-9])"
    r"|[0-9]+(?:\.[0-9]+)?)"
)


@cache
def _lexer(language: Language) -> re.Pattern[str]:
    signs = sorted((one for one in language.exact if not one.isalpha()), key=len, reverse=True)
    hour = r"[0-9]{1,2}(?:[:.][0-9]{2})?[ \u00a0]?"
    patterns = {
        "gap": r"\n[ \t\r]{0,80}\n",
        "code": f"(?i:{_CODE})",
        "moment": rf"(?<![\w.]){_MOMENT}",
        "iso": r"(?<![\w.])[0-9]{4}(?P<iso_>[-/])[0-9]{1,2}(?P=iso_)[0-9]{1,2}(?![\w]|[-/][0-9])",
        "numeric": r"(?<![\w.])[0-9]{1,2}(?P<num_>[/-])[0-9]{1,2}(?P=num_)(?:[0-9]{4}|[0-9]{2})(?!\w|[-/][0-9])",
        "dotted": r"(?<!\w)[0-9]+(?:\.[0-9]+){2,30}(?:,[0-9]{1,2}(?![0-9]))?",
        "forenoon": rf"(?<!\w)(?i:{hour}(?:{language.forenoon}))(?!\w)",
        "afternoon": rf"(?<!\w)(?i:{hour}(?:{language.afternoon}))(?!\w)",
        "clock": r"(?<![\w:])[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?![\w:])",
        "ratio": r"[0-9]+(?::[0-9]+)+",
        "fraction": r"(?<!\w)[0-9]{1,4}[/⁄][0-9]{1,4}(?![\w/⁄])",
        "ordinal": rf"(?<!\w)[0-9]{{1,3}}(?i:{language.ordinal_suffix})(?!\w)",
        "number": _NUMBER,
        "sign": "|".join(re.escape(one) + r"(?!\w)" * one[-1].isalpha() for one in signs),
        "vulgar": r"[\u00bc-\u00be\u2150-\u215e]",
        "word": r"[^\W\d_]+(?:['’][^\W\d_]+)*",
        "symbol": r"\S",
    }
    return re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in patterns.items()))


def tokens(text: str, language: Language) -> list[Token]:
    """Cut a folded text; linear in its length."""
    found: list[Token] = []
    end = 0
    for match in _lexer(language).finditer(text):
        start = match.start()
        if start < end:  # inside an abbreviation's point
            continue
        kind = match.lastgroup or ""
        spelled = match[0]
        end = match.end()
        if kind == "word":
            spelled = _bare(spelled, language)
            end = start + len(spelled)
            end += spelled.lower() in language.abbreviations and _point_belongs(text, end)
        readings = _READERS[kind](spelled, language)
        glued = bool(found) and found[-1].end == start
        if kind == "number":
            readings = _in_a_word(spelled, readings, text[max(start - 2, 0) : start], text[end : end + 1])
        elif "span_unit" in readings and _COMPOUND.match(text, end):
            readings = {name: value for name, value in readings.items() if name != "span_unit"}
        low = spelled.lower().replace("’", "'") if kind == "word" else _DASHES.get(spelled, spelled)
        content = kind not in ("symbol", "gap") if kind != "word" else low not in language.connectors
        found.append(Token(low, start, end, readings, glued, content or low == "%"))
    return _number_words(found, language)


_DASHES = {"–": "-", "—": "-", "‐": "-", "‒": "-", "−": "-"}
_COMPOUND = re.compile(r"[-–‐][^\W\d_]")
"""Behind a word that has more behind a hyphen: the next Year-End Review is in no year."""
_POINT = re.compile(r"\.(?=[ ]?[0-9,])")


def _bare(spelled: str, language: Language) -> str:
    """A word without its possessive ending, where the language has the word: Friday's."""
    ending = len(language.possessive)
    owner = spelled[:-ending]
    possessive = spelled[-ending:].lower().replace("’", "'") == language.possessive
    return owner if possessive and owner.lower() in language.words else spelled


def _point_belongs(text: str, at: int) -> bool:
    return _POINT.match(text, at) is not None


def _in_a_word(spelled: str, readings: Mapping[str, Any], before: str, after: str) -> Mapping[str, Any]:
    """What figures are where they are part of a name (A4, LH-123, 3D, x_2) or have a unit without a space."""
    if before[-1:].isalpha() or before[-1:] == "_" or (before[-1:] == "-" and before[:1].isalpha()):
        return {"glued": int(spelled)} if spelled.isdecimal() and len(spelled) < 4 else {}
    if after.isalpha() or after == "_":
        return {name: value for name, value in readings.items() if name in ("count", "figure")}
    return readings


# What a spelling can be taken for


def _nothing(_spelled: str, _language: Language) -> Mapping[str, Any]:
    return {}


def _code(_spelled: str, _language: Language) -> Mapping[str, Any]:
    return {"code": True}


def _moment(spelled: str, _language: Language) -> Mapping[str, Any]:
    try:
        return {"iso_moment": datetime.fromisoformat(spelled.replace(" Z", "Z"))}
    except ValueError:
        return {"code": True}


def _date(year: int, month: int, day: int) -> Mapping[str, Any]:
    try:
        return {"written_date": date(year, month, day)}
    except ValueError:
        return {"code": True}


def _iso(spelled: str, _language: Language) -> Mapping[str, Any]:
    year, month, day = (int(part) for part in re.split("[-/]", spelled))
    return _date(year, month, day)


def _numeric(spelled: str, _language: Language) -> Mapping[str, Any]:
    """Day, month, year; month first only where it cannot be otherwise."""
    first, second, year = (int(part) for part in re.split("[-/.]", spelled))
    year += 2000 if year < 100 else 0
    return _date(year, first, second) if second > 12 else _date(year, second, first)


def _dotted(spelled: str, _language: Language) -> Mapping[str, Any]:
    parts = re.split("[.,]", spelled)
    if len(parts) == 3 and len(parts[2]) == 4 and len(parts[0]) <= 2 and len(parts[1]) <= 2:
        return _numeric(spelled, _language)
    grouped = len(parts[0]) <= 3 and all(len(part) == 3 for part in spelled.split(",")[0].split(".")[1:])
    address = len(parts) == 4 and all(len(part) <= 3 and part != "000" and int(part) < 256 for part in parts)
    return _code(spelled, _language) if address or not grouped else _number(spelled, _language)


def _clock(spelled: str, _language: Language) -> Mapping[str, Any]:
    hour, minute = (int(part) for part in spelled.split(":")[:2])
    try:
        when = said(hour, minute)
    except ValueError:
        return {"code": True}
    return {"clock": Clock(hour * 60 + minute) if spelled.startswith("0") else when}


def _forenoon(spelled: str, _language: Language) -> Mapping[str, Any]:
    return _half_day(spelled, 0)


def _afternoon(spelled: str, _language: Language) -> Mapping[str, Any]:
    return _half_day(spelled, 720)


def _half_day(spelled: str, half: int) -> Mapping[str, Any]:
    hour, minute = (int(part) for part in re.findall("[0-9]+", f"{spelled}:0")[:2])
    if not 1 <= hour <= 12 or minute > 59:
        return {}
    return {"clock": Clock(hour % 12 * 60 + minute + half), "marked_clock": True}


def _fraction(spelled: str, _language: Language) -> Mapping[str, Any]:
    above, below = (int(part) for part in re.split("[/⁄]", spelled))
    readings: dict[str, Any] = {"code": True}
    if 0 < above < below and below < 101:
        readings = {"fraction": Decimal(above) / below}
    if 1 <= above <= 31 and 1 <= below <= 12:
        readings["day_and_month"] = (above, below)
    elif 1 <= above <= 12 and 1 <= below <= 31:
        readings["day_and_month"] = (below, above)
    return readings


def _ordinal(spelled: str, _language: Language) -> Mapping[str, Any]:
    number = int(re.findall("[0-9]+", spelled)[0])
    return {"nth": number, "day_number": number, "ordinal_day": number} if 1 <= number <= 31 else {}


def _number(spelled: str, _language: Language) -> Mapping[str, Any]:
    value = figure(spelled)
    readings: dict[str, Any] = {"plain": value}
    if not isinstance(value, Decimal):
        if spelled.isdecimal() and len(spelled) == 2 and 1 <= int(spelled) <= 31:
            readings["day_number"] = int(spelled)
        return readings
    readings |= {"count": value, "figure": figure(spelled, money=True)}
    if spelled.isdecimal():
        whole = int(spelled)
        if 1 <= whole <= 31:
            readings["day_number"] = whole
        if whole <= 24:
            readings["hour"] = whole
        if 1900 <= whole < 2200:
            readings["year"] = whole
    return readings


def _word(spelled: str, language: Language) -> Mapping[str, Any]:
    low = spelled.lower().replace("’", "'")
    readings = dict(language.words.get(low, {}))
    if spelled[0].isupper():
        readings |= language.capitals.get(low, {})
    return {**readings, **language.exact.get(spelled, {})}


def _sign(spelled: str, language: Language) -> Mapping[str, Any]:
    return language.exact[spelled]


def _vulgar(spelled: str, _language: Language) -> Mapping[str, Any]:
    return {"vulgar": Decimal(str(unicodedata.numeric(spelled)))}


_READERS: dict[str, Callable[[str, Language], Mapping[str, Any]]] = {
    "gap": _nothing,
    "code": _code,
    "moment": _moment,
    "iso": _iso,
    "numeric": _numeric,
    "dotted": _dotted,
    "forenoon": _forenoon,
    "afternoon": _afternoon,
    "clock": _clock,
    "ratio": _code,
    "fraction": _fraction,
    "ordinal": _ordinal,
    "number": _number,
    "sign": _sign,
    "word": _word,
    "symbol": _nothing,
    "vulgar": _vulgar,
}


# Numbers in words


def _number_words(found: Sequence[Token], language: Language) -> list[Token]:
    """Put the words of each number together: two hundred and fifty, twenty-first."""
    merged: list[Token] = []
    at = 0
    while at < len(found):
        end, readings = _number_at(found, at, language)
        if end == at:
            merged.append(found[at])
            at += 1
            continue
        first = found[at]
        low = first.low if end == at + 1 else ""
        merged.append(Token(low, first.start, found[end - 1].end, readings, first.glued, content=True))
        at = end
    return merged


def _number_at(found: Sequence[Token], at: int, language: Language) -> tuple[int, Mapping[str, Any]]:
    """Where the number that begins at a word ends, and what it can be taken for; the same place for none."""
    if found[at].low not in language.numbers:
        if number := language.ordinals.get(found[at].low):
            return at + 1, {**found[at].readings, "nth": number, "day_number": number}
        return at, {}
    total, group, room, end = 0, 0, 100, at
    while end < len(found):
        start = end
        if found[start].low in ("-", language.number_joiner) and start > at and start + 1 < len(found):
            start += 1
        low = found[start].low
        if (number := language.ordinals.get(low)) and number < 10 and 20 <= group < 31 and not group % 10:
            return start + 1, {
                "nth": group + number,
                "day_number": group + number,
            } if group + number <= 31 else {}
        value = language.numbers.get(low)
        if value is not None and value < room and (start == end or room > 10 or found[end].low == "-"):
            group += value
            room = 10 if value >= 20 and not value % 10 else 0
        elif (scale := language.scales.get(low)) and start == end and group:
            if scale == 100:
                group, room = group * scale, 100
            elif scale % 1000 == 0 and total % (scale * 1000) == 0:
                total, group, room = total + group * scale, 0, 1000
            else:
                break
        else:
            break
        end = start + 1
    return end, _spelled_number(total + group, found[at].low if end == at + 1 else "")


def _spelled_number(number: int, word: str) -> Mapping[str, Any]:
    value = Decimal(number)
    readings: dict[str, Any] = {"count": value, "figure": value}
    if number != 1 or not word:  # "one" is a pronoun more often than a number
        readings["plain"] = value
    if number <= 24:
        readings["hour"] = number
    return readings
