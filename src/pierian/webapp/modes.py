"""The modes as the pages offer them, Auto first."""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from pierian.webapp.texts import text

ORDER = ("auto", "instant", "thinking", "contemplating")


class ModeChoice(Struct, frozen=True):
    """One mode in a menu."""

    value: str
    label: str
    description: str


@cache
def modes() -> tuple[ModeChoice, ...]:
    """All of them."""
    return tuple(
        ModeChoice(value, text(f"mode.{value}"), text(f"mode.{value}.description")) for value in ORDER
    )
