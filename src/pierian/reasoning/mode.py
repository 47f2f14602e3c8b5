"""The modes a user chooses from: how deep to drink."""

from __future__ import annotations

from enum import StrEnum

from pierian.exceptions import UnknownName


class Mode(StrEnum):
    """Instant: one short pass. Thinking: reason, then check. Contemplating: several drafts in parallel, merged.
    Auto: as deep as the question needs and the budget allows."""

    INSTANT = "instant"
    THINKING = "thinking"
    CONTEMPLATING = "contemplating"
    AUTO = "auto"

    @classmethod
    def named(cls, name: str) -> Mode:
        """The mode of that name; raises `UnknownName` with the nearest."""
        try:
            return cls(name.lower())
        except ValueError:
            raise UnknownName("mode", name, [mode.value for mode in cls]) from None
