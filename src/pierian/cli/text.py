"""Text from anywhere, made safe to show on a terminal."""

from __future__ import annotations

import unicodedata

_UNSEEN = [
    *(code for code in range(0x20) if chr(code) not in "\n\t"),
    *range(0x7F, 0xA0),
    # What reverses the direction of writing can make a text look like another one.
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
]
_CONTROLS = dict.fromkeys(_UNSEEN)


def printable(text: str) -> str:
    """`text` without control characters and lone surrogates, so that no text can drive the terminal."""
    return text.translate(_CONTROLS).encode("utf-8", "replace").decode()


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
    hidden = (
        unicodedata.category(one) in ("Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zl", "Zp") or one == "\u3164"
    )
    foreign = address and one.isalpha() and not unicodedata.name(one, "").startswith("LATIN")
    return f"⟨U+{ord(one):04X}⟩" if hidden or foreign else one
