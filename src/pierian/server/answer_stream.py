"""The events of a run as the items of an answer: thoughts as they come, the answer as soon as it stands.

A client cannot be told to take back what it was sent, while a face can: a calculation in a streaming answer may be
put right a moment after it was written. So the part of a line behind an equals sign waits for the next token, and of
answers that drafts still compete for nothing is sent before the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pierian.events import (
    Answer,
    AnswerReady,
    CalculationCorrected,
    DraftVoided,
    Event,
    LookTaken,
    Receipt,
    Token,
    ValueMissing,
)
from pierian.models.wire import CallPiece, Piece
from pierian.server.call import Ended, EndReason, Item, Used
from pierian.server.errors import ApiError
from pierian.server.stops import before_stop

_OPEN_CLAIM = re.compile(r"=[\s$€£\-−\d,.]*\S?$")
"""An equals sign and the number behind it, at the end of a text, where it may still be put right."""


class AnswerStream:
    """Turns one run's events into items.

    Args:
        live: Whether words may be sent as they are written; otherwise the answer comes whole at the end.
        stop: Texts before which the answer ends.
    """

    def __init__(self, *, live: bool, stop: tuple[str, ...] = ()) -> None:
        self._live = live and not stop
        self._stop = stop
        self._draft = 0
        self._text = ""
        self._sent = ""
        self._thoughts = 0

    def items(self, event: Event) -> Iterator[Item]:
        """What one event gives to send."""
        match event:
            case Token(text=text, channel="thought"):
                self._thoughts += 1
                yield Piece(text, thought=True)
            case LookTaken(look=look):
                yield Piece(f"{look.text}\n", thought=True)
            case Token(draft=draft, text=text) if self._live:
                yield from self._written(draft, text)
            case CalculationCorrected(draft=draft, text=text) | ValueMissing(draft=draft, text=text):
                if draft == self._draft:
                    self._text = text
            case DraftVoided(draft=draft):
                if draft == self._draft:
                    self._text = ""
            case AnswerReady(answer):
                yield from self._end(answer)
            case _:
                pass

    def _written(self, draft: int, text: str) -> Iterator[Piece]:
        if draft != self._draft:
            self._draft, self._text = draft, ""
        # That this token came means that nothing before it was put right.
        before, self._text = self._text, self._text + text
        if not _OPEN_CLAIM.search(self._text.rpartition("\n")[2]):
            before = self._text
        yield from self._send(before)

    def _send(self, text: str) -> Iterator[Piece]:
        """Send what is new of a text that stands; leading blank is no part of an answer."""
        text = text.lstrip()
        if len(text) > len(self._sent) and text.startswith(self._sent):
            new, self._sent = text[len(self._sent) :], text
            yield Piece(new)

    def _end(self, answer: Answer) -> Iterator[Item]:
        text, mark = before_stop(answer.text, self._stop)
        if answer.calls:
            for index, call in enumerate(answer.calls):
                yield CallPiece(index, call.id, call.name, call.arguments)
        elif text.startswith(self._sent.rstrip()):
            yield from self._send(text)
        else:
            raise ApiError(
                500,
                "The answer was begun anew after a part of it had been sent, so what was sent does not hold.",
                kind="server_error",
                code="answer_changed",
            )
        yield Ended(reason_of(answer), used_by(answer.receipt, self._thoughts), answer, mark)


def reason_of(answer: Answer) -> EndReason:
    """Why it ended, in the words of the wire."""
    if answer.calls:
        return "tool_calls"
    return "stop" if answer.complete else "length"


def used_by(receipt: Receipt, thoughts: int) -> Used:
    """The receipt's tokens. Drafts that are no part of the answer's text count as reasoning."""
    spend = receipt.spend
    return Used(
        spend.prompt_tokens,
        spend.cached_tokens,
        spend.completion_tokens,
        min(thoughts, spend.completion_tokens),
    )
