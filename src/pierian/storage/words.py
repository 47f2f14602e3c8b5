"""Text for storing and searching: cleaning, folding for comparison, and snippets.

Two texts are alike when their folded forms are, so a search needs nothing of the database but LIKE, and finds
`ÄPFEL` by `äpfel` in SQLite and PostgreSQL alike (both compare case only as far as their locale goes).
Nothing here reads or writes the database.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

ELLIPSIS = "…"


def clean(text: str) -> str:
    """`text` without what a database cannot hold: NUL and lone surrogates become U+FFFD."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def fold(text: str) -> str:
    """`text` for comparing: compatibility forms, case and the width of white space make no difference."""
    return " ".join(folded_part(text).split())


def folded_part(text: str) -> str:
    """`fold` without the care for white space."""
    # Twice, because folding the case can undo the normal form (Unicode 3.13, "toNFKC_Casefold").
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def clusters(text: str) -> Iterator[str]:
    """`text` cut so that combining marks stay with the letter they belong to."""
    start = 0
    for at in range(1, len(text)):
        if not unicodedata.combining(text[at]):
            yield text[start:at]
            start = at
    if text:
        yield text[start:]


def snippet(text: str, folded_words: str, *, around: int = 60) -> str:
    """One line of `text` around the first place that folds to `folded_words`.

    About `around` characters on either side; the beginning of `text` if the words are not found.
    """
    line = " ".join(text.split())
    pieces = list(clusters(line))
    # Folding changes lengths (ß becomes ss), so each folded character remembers where it comes from.
    origins, folded, at = list[int](), list[str](), 0
    for piece in pieces:
        part = folded_part(piece)
        folded.append(part)
        origins += [at] * len(part)
        at += len(piece)
    found = "".join(folded).find(folded_words) if folded_words else -1
    first = origins[found] if found >= 0 else 0
    last = origins[found + len(folded_words) - 1] if found >= 0 else 0
    start, end = max(0, first - around), min(len(line), last + 1 + around)
    return f"{ELLIPSIS if start else ''}{line[start:end].strip()}{ELLIPSIS if end < len(line) else ''}"
