"""The short final value of a draft: finding it in the text, and telling whether two values are the same.

Values are compared after normalising, never by asking a model: numbers as rationals, choices by letter, words
and formulas by their plain form. Two values that cannot be read as equal count as different.
"""

from __future__ import annotations

import re

from msgspec import Struct

from pierian.reasoning.arithmetic import plain, to_fraction

_ANSWER_LINE = re.compile(
    r"^[\s*_#>-]*(?:final\s+)?answer\s*(?:is)?\s*[:=]?\s*[*_]*\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE
)
_ANSWER_IS = re.compile(
    r"(?:answer|result|total|value)\s+(?:is|to|=|:)\s*:?\s*(.+?)(?:\.\s|\.?$)", re.IGNORECASE | re.MULTILINE
)
_NUMBER = re.compile(
    r"(?<![\w.])[-−]?(?:[$€£]\s?)?"
    r"(?:\d+,\d{1,2}(?![\d,.]*\d)|(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)"
)
_PARENTHESISED = re.compile(r"\(([A-Za-z])\)")
_BARE_LETTER = re.compile(r"^\W*([A-Z])(?=[.):,*\s]*$|[.):])")
_LETTER_AT_THE_END = re.compile(r"(?:\b(?:is|option|answer|and|choose)\b|:)[\s*:]*\(?([A-Z])\)?[\s.*]*$")
_TEX_TEXT = re.compile(r"\\(?:text|mathrm|mbox|textbf|mathbf)\s*\{([^{}]*)\}")
_YES_OR_NO = re.compile(r"^\W*(yes|no)\b(?=\s*[,.;:!*]|\s*$)", re.IGNORECASE)


class FinalValue(Struct, frozen=True):
    """What a draft answers, as written, and its normal form for comparing; both empty where it answers nothing."""

    text: str = ""
    normal: str = ""

    def __bool__(self) -> bool:
        return bool(self.normal)

    def agrees(self, other: FinalValue) -> bool:
        """Whether both are there and mean the same."""
        return bool(self) and self.normal == other.normal


def final_text(text: str) -> str:
    """The part of a draft that states its answer: the last boxed formula or the last answer line."""
    if boxed := last_boxed(text):
        paragraph = text[text.rstrip().rfind("\n\n") + 1 :]
        parts = all_boxed(paragraph)
        return "; ".join(parts) if len(parts) > 1 else boxed
    for form in (_ANSWER_LINE, _ANSWER_IS):
        # "Yes\n\n**Answer:**" has a line for the answer and nothing in it.
        if stated := [found for found in form.findall(text) if any(map(str.isalnum, found))]:
            return _strip_markup(stated[-1])
    return ""


def quantity(text: str, *, anywhere: bool = False) -> FinalValue:
    """All numbers that the answer states, in order, so that a question with two parts has two.

    `anywhere` falls back on the last number of the whole text.
    """
    stated = final_text(text).rpartition("=")[2].strip()  # `3 + 4 = 7 dollars` states 7
    numbers = _numbers(stated)
    if not numbers and anywhere:
        numbers = _numbers(text)[-1:]
        stated = numbers[0] if numbers else ""
    if not numbers:
        return FinalValue(stated, "")
    return FinalValue(stated, numbers_normal(numbers))


def numbers_normal(numbers: list[str]) -> str:
    """The normal form of a list of written numbers."""
    cleaned = [re.sub(r"[$€£]\s?", "", n) for n in numbers]
    # "1,5 kg" has a decimal comma, "1,500 g" does not.
    values = [to_fraction(re.sub(r"^(-?\d+),(\d{1,2})$", r"\1.\2", n.replace("−", "-"))) for n in cleaned]
    return "; ".join(plain(v) for v in values if v is not None)


def choice(text: str, letters: str) -> FinalValue:
    """The letter that a draft chooses among `letters`."""
    stated = final_text(text) or text.strip().splitlines()[-1] if text.strip() else ""
    stated = _TEX_TEXT.sub(r"\1", stated)
    # A bare letter counts only alone, before a mark or at the end: "A good choice is (C)" chooses C.
    found = (
        _PARENTHESISED.findall(stated) or _BARE_LETTER.findall(stated) or _LETTER_AT_THE_END.findall(stated)
    )
    known = [letter for letter in map(str.upper, found) if letter in letters]
    return FinalValue(f"({known[0]})", known[0]) if known else FinalValue()


def short_text(text: str) -> FinalValue:
    """A word, a name, a formula: whatever the answer states, compared in its plain form."""
    stated = final_text(text)
    if word := _YES_OR_NO.match(_TEX_TEXT.sub(r"\1", stated)):  # "No, because …" answers no
        return FinalValue(word[1], word[1].casefold())
    return FinalValue(stated, plain_form(stated))


def plain_form(stated: str) -> str:
    """Case, spaces, TeX spacing and closing punctuation removed; numbers in their normal form."""
    form = re.sub(r"\\(?:left|right|displaystyle|,|;|!|quad|text\s*\{\s*\})", "", stated)
    form = _TEX_TEXT.sub(r"\1", form)
    form = (
        form.replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac").replace("^\\circ", "").replace("°", "")
    )
    form = re.sub(r"[$*`]|\\[()\[\]]", "", form)
    form = re.sub(r"\s+", "" if "\\" in form else " ", form).strip(" .\"'").casefold()
    form = re.sub(r"\s*([,;:()\[\]{}=+*/<>-])\s*", r"\1", form)
    number = to_fraction(form)
    return plain(number) if number is not None else form


def last_boxed(text: str) -> str:
    r"""The contents of the last `\boxed{…}`, braces balanced; empty without one or when it is cut off."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return ""
    depth, begin = 0, start + len("\\boxed{")
    for index in range(begin - 1, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return text[begin:index].strip()
    return ""


def all_boxed(text: str) -> list[str]:
    """The contents of every boxed formula, in order and without repetition."""
    parts: list[str] = []
    while found := last_boxed(text):
        parts.insert(0, found)
        text = text[: text.rfind("\\boxed{")]
    return list(dict.fromkeys(parts))


def _numbers(stated: str) -> list[str]:
    return [n.rstrip(",") for n in _NUMBER.findall(stated)]


def _strip_markup(stated: str) -> str:
    return stated.strip().strip("*_` ").rstrip(".")
