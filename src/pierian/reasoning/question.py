"""What kind of question this is, decided by code from its form, so that no token is spent on it.

The kind decides how an answer can be checked: a quantity by arithmetic and a program, a choice by agreement,
a formula by agreement and a program where it is a number. Everything else is open: it is answered in one
pass, and the receipt says that nothing could be checked. When in doubt a question is open, because an open
question squeezed into a checked form is answered badly.
"""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """How the answer to a question can be checked."""

    QUANTITY = "quantity"
    CHOICE = "choice"
    FORMULA = "formula"
    SHORT = "short"
    OPEN = "open"


class Question(Struct, frozen=True):
    """The user's words with their kind; `letters` are the choices offered, such as `ABCD`."""

    text: str
    kind: Kind
    letters: str = ""


_OPTION = re.compile(r"^[ \t]*(?:\(([A-Z])\)|([A-Z])[.):])[ \t]+\S", re.MULTILINE)
_MATHS = re.compile(
    r"\\(?:frac|sqrt|sum|int|le|ge|cdot|times|begin|left|pi|theta|angle|circ|binom|log|sin|cos|tan|mathbf)\b"
    r"|\$[^$\n]{0,120}[\\^_={<>][^$\n]*\$"
)
_NUMBER_WORD = re.compile(
    r"\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|hundred|thousand"
    r"|half|twice|double|triple|quarter|third|dozen|percent)\b"
)
_ASKS_QUANTITY = re.compile(
    r"\bhow\s+(?:many|much|long|far|old|tall|fast|heavy|big|deep|wide|often)\b"
    r"|\b(?:calculate|compute|evaluate|determine|find)\b"
    r"|\bwhat\s+(?:percentage|percent|fraction|number|amount|total|share|part)\b"
    r"|\bwhat(?:\s+(?:is|was|are|were|will\s+be|would\s+be)|'s)\b[^.?!]*\b(?:total|average|sum|difference|product"
    r"|ratio|cost|price|profit|number|amount|percentage|percent|length|width|height|area|perimeter|volume|weight|age"
    r"|speed|distance|time|temperature|salary|income|change|rate|probability|value)\b"
    r"|\bwhat(?:\s+(?:is|are)|'s)\s+[-(]?[\d$](?:[\d\s.,+*/()×÷^%$x-]|\bof\b|\bplus\b|\bminus\b|\btimes\b|\bdivided\s+by\b)*\??\s*$"
    r"|\bhow\s+(?:\w+\s+){0,2}(?:dollars|hours|minutes|days|weeks|years|miles|kilometers|kilometres|meters|metres)\b",
    re.IGNORECASE,
)
_ASKS_SOMETHING = re.compile(r"\b(?:what(?:'s)?|how\s+\w+)\b[^.?!]*\?\s*$", re.IGNORECASE)
_ASKS_COUNT = re.compile(r"\bhow\s+(?:many|much)\b", re.IGNORECASE)
_ASKS_ADVICE = re.compile(
    r"\b(?:should|shall|do|can|could|would|may)\s+(?:i|we|you|one)\b|\bhow\s+(?:to|does|do|is|are|was|were|come)\b"
    r"|\b(?:best|mean|means|meaning|happened|happens|called|difference\s+between\s+(?!\$?\d|the\b))\b",
    re.IGNORECASE,
)
"""Asks for an opinion, a meaning or a way, whatever numbers it names."""
_YEAR = re.compile(r"(?<![\d.,$€£])(?:1[0-9]|20)\d\d(?![\d.,]\d)")
_ASKS_WRITING = re.compile(
    r"\b(?:write|draft|compose|explain|describe|summari[sz]e|translate|rewrite|list\s+(?:some|ideas)|brainstorm|essay"
    r"|poem|email|e-mail|letter|story|code|function|script|recommend|suggest|outline|why|who|pros\s+and\s+cons)\b",
    re.IGNORECASE,
)
_YES_OR_NO = re.compile(
    r"^[ \t]*[-*][ \t]*yes[ \t]*\n[ \t]*[-*][ \t]*no[ \t]*$", re.IGNORECASE | re.MULTILINE
)
_ASKS_WHETHER = re.compile(
    r"(?:^|[.:!?])\s*(?:do|does|did|is|are|was|were|has|have|had|can|will)\b[^.?!]*\?\s*$", re.IGNORECASE
)
_ABOUT_ONESELF = re.compile(r"\b(?:i|me|my|mine|we|us|our|you|your)\b", re.IGNORECASE)
_SORT_WORDS = re.compile(r"\bsort the following words\b", re.IGNORECASE)


def classify(text: str) -> Question:
    """The kind of a question."""
    options = [a or b for a, b in _OPTION.findall(text)]
    if len(options) >= 2 and options == sorted(set(options)) and options[0] == "A":
        return Question(text, Kind.CHOICE, "".join(options))
    if _YES_OR_NO.search(text) or _SORT_WORDS.search(text) or _is_a_puzzle(text):
        return Question(text, Kind.SHORT)
    asks = text if len(text) < 300 else text[-300:]
    if _MATHS.search(text) and not _ASKS_WRITING.search(asks):
        return Question(text, Kind.FORMULA)
    # "Write a function that …" is writing, however many numbers it names; "How many letters does she write?" is not.
    first_verb = _ASKS_WRITING.search(asks)
    if _tells_quantities(text, asks) and not (first_verb and _is_request(asks, first_verb)):
        return Question(text, Kind.QUANTITY)
    return Question(text, Kind.OPEN)


def _is_a_puzzle(text: str) -> bool:
    """Whether a text tells a few things about others and asks whether something follows from them."""
    asked = _ASKS_WHETHER.search(text)
    told = re.findall(r"[.!](?=\s|$)", text[: asked.start() + 1]) if asked else ()
    return len(told) >= 3 and not _ABOUT_ONESELF.search(text) and not _ASKS_WRITING.search(text)


def _tells_quantities(text: str, asks: str) -> bool:
    """Whether a text tells numbers and asks for one that follows from them.

    The more it tells, the less its question has to sound like one: a story with three numbers that ends in "What
    was her score?" is a problem to be worked out.
    """
    told = quantities(text)
    if _ASKS_COUNT.search(asks) and told >= 1 and len(re.findall(r"[.!?](?=\s|$)", text)) >= 2:
        return True
    if told < 2 or _ASKS_ADVICE.search(asks.rpartition(". ")[2]):
        return False
    if _ASKS_QUANTITY.search(asks):
        return True
    return bool(_ASKS_SOMETHING.search(asks)) and told - len(_YEAR.findall(text)) >= 3


def quantities(text: str) -> int:
    """How many numbers a text names, in digits or words."""
    return len(re.findall(r"\d[\d,.]*", text)) + len(_NUMBER_WORD.findall(text.lower()))


def _is_request(text: str, verb: re.Match[str]) -> bool:
    """Whether the verb is what the user asks for: it opens the text or a sentence."""
    before = text[: verb.start()].rstrip()
    if verb[0].lower() in ("who", "why") and before.endswith(","):
        return False  # a clause about a person, not a question
    return not before or before[-1] in ".!?:\n," or before.lower().endswith(("please", "and", "you", "then"))
