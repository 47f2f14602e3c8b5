"""Text from anywhere, made safe to show on a terminal."""

from __future__ import annotations

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
