"""Where a piece of text came from, as a closed set of labels.

Labels travel with conversation turns today, and later decide what may steer a plan: only text that the user
wrote or confirmed is trusted. This module only names the origins; it enforces nothing.
"""

from __future__ import annotations

from enum import StrEnum


class Origin(StrEnum):
    """Who wrote a text."""

    USER = "user"
    """Typed by the person, or confirmed by them."""
    MODEL = "model"
    """Written by a model: an answer, a thought, a program."""
    COMPUTED = "computed"
    """Worked out by code: recomputed arithmetic, the value of a sandboxed program."""

    @property
    def trusted(self) -> bool:
        """Whether text of this origin may steer what is done next."""
        return self is Origin.USER
