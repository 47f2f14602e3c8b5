"""Bytes as text where they are text, and the places in a text where words stand.

Knows UTF-8 and what carries a byte order mark; pages, which name their encoding, are decoded by `readable`.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decoded(content: bytes) -> str | None:
    """The text, or None where the bytes are something else."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def wanted_words(words: str) -> list[str]:
    """The words to look for, folded, each once."""
    return list(dict.fromkeys(words.casefold().split()))


def lines_with(text: str, wanted: Sequence[str], *, most: int, most_characters: int) -> list[tuple[int, str]]:
    """The lines with most of the words, best first, with their numbers from 1; long ones cut around the words."""
    scored: list[tuple[int, int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        folded = line.casefold()
        if score := sum(word in folded for word in wanted):
            scored.append((-score, number, line))
    return [
        (number, _cut(line.strip(), wanted, most_characters)) for _, number, line in sorted(scored)[:most]
    ]


def _cut(line: str, wanted: Sequence[str], most: int) -> str:
    if len(line) <= most:
        return line
    folded = line.casefold()
    first = min((at for word in wanted if (at := folded.find(word)) >= 0), default=0)
    start = max(0, min(first - most // 3, len(line) - most))
    return ("…" if start else "") + line[start : start + most] + ("…" if start + most < len(line) else "")
