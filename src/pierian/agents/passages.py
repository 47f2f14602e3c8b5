"""The passages of a long text that have to do with some words, so that a small context holds what matters.

A text that fits is left as it is. Otherwise its paragraphs are ranked by the words that they share with what
is wanted (each word weighs the more, the fewer paragraphs have it), and the best are kept in their order.
"""

from __future__ import annotations

import math
import re

MOST_CHARACTERS = 3_000
_LEAST_PARAGRAPH, _MOST_PARAGRAPH = 200, 600


def passages(text: str, wanted: str, most: int = MOST_CHARACTERS) -> str:
    """At most about `most` characters of `text`, an ellipsis where something is left out."""
    if len(text) <= most:
        return text
    parts = _paragraphs(text, min(most, _MOST_PARAGRAPH))
    words = {word for word in _words(wanted) if len(word) > 2}
    found = [words & _words(part) for part in parts]
    weight = {
        word: math.log(1 + len(parts) / count)
        for word in words
        if (count := sum(word in have for have in found))
    }
    # The beginning of a text says what it is about, so it comes first among equals.
    order = sorted(range(len(parts)), key=lambda i: (-sum(weight[w] for w in found[i]), i))
    kept, length = set[int](), 0
    for index in order:
        if length + len(parts[index]) > most:
            continue
        kept.add(index)
        length += len(parts[index])
    pieces: list[str] = []
    for index in sorted(kept):
        if index and index - 1 not in kept:
            pieces.append("…")
        pieces.append(parts[index])
    if len(parts) - 1 not in kept:
        pieces.append("…")
    return "\n".join(pieces)


def _paragraphs(text: str, most: int) -> list[str]:
    """Pieces of a few hundred characters, cut at lines and sentences where there are any."""
    pieces: list[str] = []
    for line in re.split(r"\n+|(?<=[.!?])\s+", text):
        for at in range(0, len(line), most):
            piece = line[at : at + most].strip()
            if not piece:
                continue
            if pieces and len(pieces[-1]) + len(piece) < _LEAST_PARAGRAPH:
                pieces[-1] = f"{pieces[-1]} {piece}"
            else:
                pieces.append(piece)
    return pieces


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
