"""A request made plain to read, with the way back to its own characters.

Look-alikes (full-width letters, digits of other scripts, ligatures) become the common ones and characters that take
no room (zero-width spaces, direction marks, soft hyphens) fall away, so that the rules beside this module see one
spelling. Every folded character remembers where it came from. It changes no case and guesses no letters: a Cyrillic
а stays one, since turning it into a Latin a would make one address out of another.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from pierian.characters import weightless

_KEPT = "²³"
"""NFKC would make digits of them; so it would of ½, where 1½ would become 11⁄2."""
_NARROW_SPACES = {"\u00a0": "\u00a0", "\u202f": "\u00a0", "\u2007": "\u00a0", "\u2009": "\u00a0"}
"""The spaces that may stand inside a number stay apart from the common one."""
_MOST_MARKS = 16
"""Marks on one letter beyond this are left as they are: normalising a longer run takes quadratic time."""


class Folded(Struct, frozen=True):
    """A text made plain: `plain[i]` came from `original[starts[i] : ends[i]]`."""

    original: str
    plain: str
    starts: list[int]
    ends: list[int]

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The offsets in the original of a part of `plain` that is not empty."""
        return self.starts[start], self.ends[end - 1]


def fold(text: str) -> Folded:
    """Make a text plain; linear in its length."""
    if text.isascii():
        return Folded(text, text, list(range(len(text))), list(range(1, len(text) + 1)))
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(text):
        plain = _folded(text[start:end])
        parts.append(plain)
        starts.extend([start] * len(plain))
        ends.extend([end] * len(plain))
    return Folded(text, "".join(parts), starts, ends)


def fold_words(text: str) -> str:
    """A text made plain where nobody needs the way back."""
    return text if text.isascii() else "".join(_folded(text[start:end]) for start, end in _clusters(text))


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Where each letter begins and ends, with the marks that belong to it."""
    edges = [0] if text else []
    for at in range(1, len(text)):
        if not unicodedata.combining(text[at]) or at - edges[-1] > _MOST_MARKS:
            edges.append(at)
    yield from pairwise([*edges, len(text)])


def _folded(cluster: str) -> str:
    first = cluster[0]
    if cluster.isascii() or first in _KEPT or unicodedata.decomposition(first).startswith("<fraction>"):
        return cluster
    if space := _NARROW_SPACES.get(cluster):
        return space
    if weightless(first):
        return ""
    digit = unicodedata.decimal(first, None)
    if digit is not None:
        return str(digit)
    return unicodedata.normalize("NFKC", cluster)
