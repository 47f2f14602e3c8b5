"""Doubts that code can have about a draft without knowing the answer.

A draft that never uses a number of the question has almost always misread it: of 55 such drafts of GSM8K training
problems 4 were right, of 256 others 189 (docs/log.md). A count or an amount below nothing is no answer to "how
many" either. Doubts never reject a draft, for a question may name a number that does not matter; they take most of
its vote away and are shown to the reader.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(?<![\w.])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|(?<![\w.])\.\d+")
_FRACTION = re.compile(r"(?<![\w./])(\d+)\s*/\s*(\d+)(?![\w/])")
_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "hundred": 100, "dozen": 12,
    "twice": 2, "double": 2, "triple": 3, "half": 0.5, "third": 3, "quarter": 4,
}  # fmt: skip
_WORD = re.compile(r"[a-z]+")
_COUNTS = re.compile(r"\bhow\s+(?:many|much|long|old|far|tall)\b", re.IGNORECASE)


def doubts(question: str, working: str, normal: str) -> tuple[str, ...]:
    """What is doubtful about a draft, as sentences; `normal` is the normal form of its value.

    `working` is what the draft computes: its prose, or its program without comments.
    """
    found: list[str] = []
    if unused := unused_numbers(question, working):
        named = ", ".join(unused[:3])
        found.append(
            f"The number{'s' if len(unused) > 1 else ''} {named} of the question {_is(unused)} not used."
        )
    if _COUNTS.search(question) and normal.startswith("-"):
        found.append("The result is less than nothing.")
    return tuple(found)


def unused_numbers(question: str, working: str) -> list[str]:
    """Numbers that the question gives in digits and the working does not use in any common form."""
    used = _values(working)
    unused: list[str] = []
    for text in dict.fromkeys(_NUMBER.findall(question)):
        value = _value(text)
        # 20% is used as 0.2, 0.8 or 1.2 as well; half of 2 is 0.5.
        forms = {value, value / 100, 1 - value / 100, 1 + value / 100}
        if value:
            forms.add(1 / value)
        if not any(_has(used, form) for form in forms):
            unused.append(text)
    return [text for text in unused if text not in _parts_of_fractions(question, used)]


def without_comments(code: str) -> str:
    """A program's lines without what follows a `#`."""
    return "\n".join(line.partition("#")[0] for line in code.splitlines())


def _parts_of_fractions(question: str, used: set[float]) -> set[str]:
    """The numbers of fractions whose value is used, such as the 3 and 4 of 3/4 where 0.75 stands."""
    written = [(a, b) for a, b in _FRACTION.findall(question) if int(b)]
    return {part for a, b in written if _has(used, int(a) / int(b)) for part in (a, b)}


def _values(text: str) -> set[float]:
    words = (_WORDS[word] for word in _WORD.findall(text.lower()) if word in _WORDS)
    return {_value(number) for number in _NUMBER.findall(text)} | {float(word) for word in words}


def _has(values: set[float], wanted: float) -> bool:
    return any(abs(value - wanted) < 1e-9 for value in values)


def _value(text: str) -> float:
    return float(text.replace(",", ""))


def _is(things: list[str]) -> str:
    return "are" if len(things) > 1 else "is"
