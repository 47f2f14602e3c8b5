"""Text from anywhere, made safe to show on a terminal."""

from __future__ import annotations

from pierian.characters import without_misleading


def printable(text: str) -> str:
    """`text` without control characters and lone surrogates, so that no text can drive the terminal."""
    return without_misleading(text).encode("utf-8", "replace").decode()
