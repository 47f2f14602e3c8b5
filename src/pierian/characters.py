"""Characters that a person does not see, or that make a text look like another one: which they are, for every room.

Three questions are asked of text from anywhere. Does it drive a terminal, break a line or reorder what is written
(`misleads`)? Does it hold what a machine reads and a person does not see (`hides`)? Does a character take no room at
all (`weightless`)? What is done about it (leaving out, refusing) is the business of whoever asks; `marked` shows it.
"""

from __future__ import annotations

import re
import unicodedata

_REORDERING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks, embeddings, overrides and isolates of the writing direction (Unicode's annex 9)."""
_SEPARATING = "\u2028\u2029"
_MISLEADING = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff{_SEPARATING}{_REORDERING}]")
_MISLEADING_IN_TEXT = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_REORDERING}]")
_FILLERS = "\u115f\u1160\u3164\uffa0"
"""Letters of Hangul that are drawn as nothing."""


def misleads(text: str) -> bool:
    """Whether a text on one line drives a terminal, breaks the line, reorders it or is no text at all."""
    return _MISLEADING.search(text) is not None


def without_misleading(text: str) -> str:
    """A text of several lines without what drives a terminal or reorders it; ends of lines and tabs stay."""
    return _MISLEADING_IN_TEXT.sub("", text)


def unseen(character: str) -> bool:
    """Whether a person sees nothing of a character: controls, formats, private and unassigned ones, fillers, and the
    variation selectors that a text can be hidden in."""
    return (
        unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
        or character in _FILLERS
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def hides(text: str) -> bool:
    """Whether a text has characters that a person does not see but a model reads."""
    return not (text.isascii() and text.isprintable()) and any(map(unseen, text))


def weightless(character: str) -> bool:
    """Whether a character only says how others are set: zero-width spaces, direction marks, soft hyphens."""
    return unicodedata.category(character) == "Cf"


def marked(text: str) -> str:
    """`text` with everything made visible that a person would not see: for what somebody is asked to approve.

    Characters without a shape of their own become their code, and so do letters of other scripts in an
    address, where they can look like Latin ones.
    """
    address = "@" in text or "://" in text
    return "".join(_seen(one, address=address) for one in text.encode("utf-8", "replace").decode())


def _seen(one: str, *, address: bool) -> str:
    if one in "\n\t" or " " <= one <= "~":
        return one
    hidden = unseen(one) or unicodedata.category(one) in ("Mn", "Me")
    foreign = address and one.isalpha() and not unicodedata.name(one, "").startswith("LATIN")
    return f"⟨U+{ord(one):04X}⟩" if hidden or foreign else one
