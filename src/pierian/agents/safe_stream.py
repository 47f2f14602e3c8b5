"""Lets an answer stream that may hold hostile text: what is shown is made harmless first, line by line.

Half a link cannot be judged, so a line is held back until it is complete. Events other than the answer's tokens pass.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import structs

from pierian.events import CalculationCorrected, DraftVoided, Event, Token


class SafeStream:
    """Stands between the writer of an answer and whoever shows it."""

    def __init__(self, emit: Callable[[Event], None], clean: Callable[[str], str]) -> None:
        self._emit = emit
        self._clean = clean
        self._raw = ""
        self._shown = ""
        self._draft = 0

    def emit(self, event: Event) -> None:
        """Pass an event on, tokens of the answer once their line is complete."""
        if isinstance(event, DraftVoided):
            self._raw = self._shown = ""
        if isinstance(event, CalculationCorrected):
            # It holds the whole text so far, and stands instead of what was shown of it.
            self._raw = event.text
            self._shown = self._clean(self._raw[: self._raw.rfind("\n") + 1])
            event = structs.replace(event, text=self._shown)
        if not (isinstance(event, Token) and event.channel == "answer"):
            self._emit(event)
            return
        self._draft = event.draft
        self._raw += event.text
        end = self._raw.rfind("\n") + 1
        if end:
            self._show(self._clean(self._raw[:end]))

    def finish(self, text: str) -> None:
        """Show the rest of the finished answer `text`."""
        self._show(text)

    def _show(self, text: str) -> None:
        # What was shown cannot be taken back: a text that turns out otherwise is shown whole at the end, by the face.
        if text.startswith(self._shown) and len(text) > len(self._shown):
            self._emit(Token(self._draft, text[len(self._shown) :], "answer"))
            self._shown = text
