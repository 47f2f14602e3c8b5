"""Text from anywhere, made safe to show on a terminal."""

from __future__ import annotations

import unicodedata

from pierian.characters import unseen, without_misleading


def printable(text: str) -> str:
    """`text` without control characters and lone surrogates, so that no text can drive the terminal."""
    return without_misleading(text).encode("utf-8", "replace").decode()


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
