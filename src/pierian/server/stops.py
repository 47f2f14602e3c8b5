"""Finds the texts before which an answer is to end, and says which of them it was."""

from __future__ import annotations

from collections.abc import Sequence


def before_stop(text: str, stop: Sequence[str]) -> tuple[str, str]:
    """The text before the first of these that occurs in it, and that one; all of it and nothing where none does."""
    at, mark = min(
        ((place, mark) for mark in stop if (place := text.find(mark)) >= 0), default=(len(text), "")
    )
    return text[:at], mark


class StopFinder:
    """Watches a text that comes in pieces; what may be the beginning of a stop waits for the next piece."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = stop
        self._held = ""

    def feed(self, text: str) -> tuple[str, str]:
        """What may be sent on, and the stop that ends the answer, where one has been reached."""
        text, mark = before_stop(self._held + text, self._stop)
        held = 0 if mark else max((_begun(text, one) for one in self._stop), default=0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held], mark

    def rest(self) -> str:
        """What waited and is no stop after all."""
        held, self._held = self._held, ""
        return held


def _begun(text: str, mark: str) -> int:
    """How many of the last characters of a text are the first of a mark."""
    most = min(len(text), len(mark) - 1)
    return next((size for size in range(most, 0, -1) if text.endswith(mark[:size])), 0)
