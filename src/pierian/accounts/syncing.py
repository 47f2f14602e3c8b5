"""What a sync says while it works and when it has ended, whatever protocol it speaks."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

Progress = Callable[[str, int, int], None]
"""Told of the collection that is synced, how many of its items are done, and how many there are (0: not known)."""


def silent(_collection: str, _done: int, _all: int) -> None:
    """Progress that nobody watches."""


class Synced(Struct, frozen=True, kw_only=True):
    """How a sync ended."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    problems: tuple[str, ...] = ()
    """Sentences about single items or collections that were left out; the rest is there."""

    def __add__(self, other: Synced) -> Synced:
        return Synced(
            added=self.added + other.added,
            changed=self.changed + other.changed,
            removed=self.removed + other.removed,
            problems=self.problems + other.problems,
        )
