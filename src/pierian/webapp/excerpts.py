"""The words around what was searched for, with the places where it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence


def excerpt(text: str, words: str) -> Sequence[tuple[str, bool]]:
    """The text in pieces, each with whether it is what was searched for; case makes no difference."""
    sought = r"\s+".join(re.escape(word) for word in words.split())
    pieces = re.split(f"({sought})", text, flags=re.IGNORECASE) if sought else [text]
    return [(piece, index % 2 == 1) for index, piece in enumerate(pieces) if piece]
