"""The end of a growing Markdown text, so that it looks as it will probably come out and not as bare marks.

Emphasis and code in a line that are open are closed, an address in the making shows its words alone, an unfinished
formula and a line of nothing but marks wait. A block of code that is open needs nothing: it ends where the text
does. What is guessed wrongly is put right with the next piece; a text that is complete is never mended.
"""

from __future__ import annotations

import re

from pierian.webapp.mathematics import like_a_formula

MOST_HELD = 400
"""An unfinished formula is held back for so many characters; a longer one is shown as it comes."""

_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?P<mark>`{3,}|~{3,})(?P<info>.*)")
_BARE_LINE = re.compile(
    r"(?:\A|(?<=\n))[ \t>]*(?:[-+*_=~`#|:\s]+|\d{1,9}[.)]?|[-*+][ \t]+\[[ xX]?\]?)[ \t]*\Z"
)
"""A last line that is nothing but marks: what it begins is not known yet."""
_HEAD_OF_TABLE = re.compile(r"(?:\A|(?<=\n\n))\|[^\n]*\n?\Z")
_SPAN = re.compile(r"\\.|`+|\*+|_+|~~|\$\$?|!?\[|\]\(?", re.DOTALL)
_ITEM = re.compile(r"[ \t>]*(?:[-*+][ \t]|\d{1,9}[.)][ \t]|#{1,6}[ \t]|\|)")
_CLOSING = {r"\(": r"\)", r"\[": r"\]", "$": "$", "$$": "$$"}


def mended(text: str) -> str:
    """The text with its end as it will probably be."""
    if _in_fence(text):
        return text
    text = _HEAD_OF_TABLE.sub("", _BARE_LINE.sub("", text)).removesuffix("\\")
    lines = text.split("\n")
    begin = len(lines) - 1
    # Emphasis does not reach across an empty line, an item of a list or a row.
    while begin > 0 and lines[begin].strip() and not _ITEM.match(lines[begin]):
        begin -= 1
    return "\n".join([*lines[:begin], _Paragraph("\n".join(lines[begin:])).mended()])


def _in_fence(text: str) -> bool:
    """Whether the text ends inside a block of code."""
    opened = ""
    for line in text.split("\n"):
        found = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if found is None:
            continue
        mark, info = found["mark"], found["info"].strip()
        if not opened and not (mark[0] == "`" and "`" in info):
            opened = mark
        elif opened and mark.startswith(opened) and not info:
            opened = ""
    return bool(opened)


class _Paragraph:
    """A paragraph in the making."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._open: list[tuple[str, int]] = []
        """Marks that are open, and where."""

    def mended(self) -> str:
        at = 0
        while found := _SPAN.search(self._text, at):
            then = self._after(found)
            if then is None:
                break
            at = then
        return self._closed()

    def _after(self, found: re.Match[str]) -> int | None:
        """Where to look on; None where the rest of the paragraph is one unfinished thing, which is dealt with."""
        mark, start, at = found[0], found.start(), found.end()
        match mark[0]:
            case "\\" | "$":
                return self._formula(mark, start, at)
            case "`":
                end = self._text.find(mark, at)
                if end >= 0:
                    return end + len(mark)
                rest = self._text[at:].rstrip("`")
                self._text = self._text[:at] + rest + mark if rest.strip() else self._text[:start]
                return None
            case "!" | "[":
                self._open.append((mark, start))
                return at
            case "]":
                return self._bracket_closed(mark, start, at)
            case _:
                self._emphasis(mark, start, at)
                return at

    def _formula(self, mark: str, start: int, at: int) -> int | None:
        if mark not in _CLOSING:
            return at
        end = self._text.find(_CLOSING[mark], at)
        inside = self._text[at:end] if end >= 0 else self._text[at:].strip()
        if mark == "$" and not like_a_formula(inside):
            return at
        if end >= 0:
            return end + 2 if mark != "$" else end + 1
        if len(self._text) - start < MOST_HELD:
            self._text = self._text[:start]
        return None

    def _bracket_closed(self, mark: str, start: int, at: int) -> int | None:
        opening = next((i for i in range(len(self._open) - 1, -1, -1) if self._open[i][0][-1] == "["), None)
        if opening is None:
            return at
        bracket, begun = self._open[opening]
        del self._open[opening:]  # what was opened inside stays open no longer
        if mark == "]":
            return at
        end = self._text.find(")", at)
        if end < 0:  # an address in the making
            self._text = self._text[:begun] + self._text[begun + len(bracket) : start]
            return None
        return end + 1

    def _emphasis(self, mark: str, start: int, at: int) -> None:
        """Open or close emphasis, by what stands around its marks."""
        before, after = self._text[start - 1 : start], self._text[at : at + 1]
        if mark[0] == "_" and before.isalnum() and after.isalnum():
            return
        marks = [one for one, _ in self._open]
        if mark in marks and before.strip():
            del self._open[len(marks) - 1 - marks[::-1].index(mark) :]
        elif after.strip() or not after:
            self._open.append((mark, start))

    def _closed(self) -> str:
        text = self._text
        closing = [one for one in self._open if one[0][-1] != "[" and one[1] < len(text)]
        while closing and not text[closing[-1][1] + len(closing[-1][0]) :].strip():
            text = text[: closing.pop()[1]]  # nothing follows it yet
        if not closing:
            return text
        words = text.rstrip()
        if words[-1:] in ("*", "_", "~"):
            words = words.rstrip(words[-1])  # half of its end is there
        return words + "".join(mark for mark, _ in reversed(closing)) + text[len(text.rstrip()) :]
