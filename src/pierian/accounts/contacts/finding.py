"""Whom somebody means by a few words: a name, a nickname, a firm, an address, a number.

All words have to fit. What is written exactly so comes before what begins so, and before short forms of a first name
(Bob for Robert, by the list of the package `nicknames`); only where nothing fits are words taken that differ in a
letter or two. Several people who fit are all given: who of them is meant is not guessed.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from pierian.accounts.account import Account
from pierian.accounts.contacts.people import Person, everybody
from pierian.storage.database import Database
from pierian.storage.words import fold

if TYPE_CHECKING:
    from nicknames import NickNamer

MOST_WORDS = 8
LONGEST_WORD = 60
LEAST_DIGITS = 5
SHORTEST_MISSPELT = 4
"""Shorter words differ too little from others."""
MOST_ALIKE = 40

_WORD = re.compile(r"[^\W_]+")


class Fit(Struct, frozen=True):
    """A person who fits, and how well: 1.0 where all words stand exactly so in the name."""

    person: Person
    score: float


class _Entry(Struct, frozen=True):
    person: Person
    names: frozenset[str]
    others: frozenset[str]


def who_is(database: Database, accounts: Sequence[Account], words: str, now: datetime) -> list[Fit]:
    """All who fit, the likeliest first; people whom the user knows leave no room for strangers."""
    people = everybody(database, accounts, now)
    fits = _by_address(people, words) or _by_number(people, words) or _by_words(people, words)
    if any(fit.person.known for fit in fits):
        fits = [fit for fit in fits if fit.person.known]
    return sorted(fits, key=lambda fit: (-fit.score, -_closeness(fit.person, now), fit.person.name))


def meant(fits: Sequence[Fit]) -> Person | None:
    """The one person who is meant; None where it could be several."""
    best = [fit for fit in fits if fit.score == fits[0].score] if fits else []
    return best[0].person if len(best) == 1 else None


def bare(text: str) -> str:
    """A text for comparing, without accents."""
    folded = fold(text)
    if folded.isascii():
        return folded
    return "".join(one for one in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(one))


def _by_address(people: Sequence[Person], words: str) -> list[Fit]:
    address = fold(words)
    if "@" not in address.strip("@"):
        return []
    return [Fit(one, 1.0) for one in people if address in one.emails]


def _by_number(people: Sequence[Person], words: str) -> list[Fit]:
    digits = re.sub(r"\D", "", words)
    if len(digits) < LEAST_DIGITS or re.search(r"[^\W\d_]", words):
        return []
    # A number may be written with its country or without: 0170… is +49170… elsewhere.
    own = digits.lstrip("0")
    return [Fit(one, 1.0) for one in people if any(each.endswith(own) for each in one.phones)]


def _by_words(people: Sequence[Person], words: str) -> list[Fit]:
    wanted = list(dict.fromkeys(_WORD.findall(bare(words)[:1000])))[:MOST_WORDS]
    wanted = [one for one in wanted if len(one) <= LONGEST_WORD]
    if not wanted:
        return []
    entries = [_entry(one) for one in people]
    return _fitting(entries, wanted, _exact) or _fitting(entries, wanted, _misspelt(entries, wanted))


def _fitting(
    entries: Sequence[_Entry], wanted: Sequence[str], scored: Callable[[str, frozenset[str]], float]
) -> list[Fit]:
    found = list[Fit]()
    for entry in entries:
        total = 0.0
        for word in wanted:
            # What stands beside the name (firm, note, address) counts less.
            score = max(scored(word, entry.names), 0.6 * scored(word, entry.others))
            if not score:
                break
            total += score
        else:
            found.append(Fit(entry.person, total / len(wanted)))
    return found


def _exact(word: str, words: frozenset[str]) -> float:
    if word in words:
        return 1.0
    if not words.isdisjoint(_short_forms(word)):
        return 0.9
    return 0.8 if len(word) > 1 and any(one.startswith(word) for one in words) else 0.0


def _misspelt(entries: Sequence[_Entry], wanted: Sequence[str]) -> Callable[[str, frozenset[str]], float]:
    """Like `_exact`, and for words in which a letter or two are wrong, missing, too many or in the wrong place."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    everything = sorted({word for entry in entries for word in entry.names | entry.others})
    alike = dict[str, dict[str, float]]()
    for word in wanted:
        most = 0 if len(word) < SHORTEST_MISSPELT else 1 if len(word) < 8 else 2
        near = process.extract(word, everything, scorer=OSA.distance, score_cutoff=most, limit=MOST_ALIKE)
        alike[word] = {str(one): 0.7 - 0.1 * float(distance) for one, distance, _ in near if distance}

    def scored(word: str, words: frozenset[str]) -> float:
        near = max((score for one, score in alike[word].items() if one in words), default=0.0)
        return max(_exact(word, words), near)

    return scored


@lru_cache(maxsize=256)
def _short_forms(word: str) -> frozenset[str]:
    """Other forms of an English first name."""
    known = _namer()
    return frozenset({*known.nicknames_of(word), *known.canonicals_of(word)})


@lru_cache(maxsize=1)
def _namer() -> NickNamer:
    from nicknames import NickNamer

    return NickNamer()


def _entry(person: Person) -> _Entry:
    names = " ".join((person.name, *person.other_names))
    before = (one.partition("@")[0] for one in person.emails)
    firms = (one.partition("@")[2].rpartition(".")[0] for one in person.emails)
    others = " ".join((person.organisation, person.note, *before, *firms))
    return _Entry(person, frozenset(_WORD.findall(bare(names))), frozenset(_WORD.findall(bare(others))))


def _closeness(person: Person, now: datetime) -> float:
    """More for whom one has to do with often and of late: a year without a word halves it."""
    years = (now - person.last).total_seconds() / 31_557_600 if person.last else 5.0
    return math.log1p(person.times) * 0.5 ** max(0.0, years) + (0.5 if person.has_card else 0.0)
