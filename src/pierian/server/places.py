"""Keeps addresses and files of the server's out of what clients are told.

Errors have sentences of their own for clients (`errors`). What is left are sentences that were written while an
answer was made, such as why it was cut short: one that names a place is not sent at all, and another stands for it.
Nothing is cut out of sentences, since what is left of one may still tell where something is.
"""

from __future__ import annotations

import re

from msgspec import structs

from pierian.events import (
    AnswerReady,
    DraftCancelled,
    EngineRestarted,
    Event,
    Receipt,
    RunFailed,
    StepFailed,
)

_PLACE = re.compile(
    r"""
    \w://                                                   # an address
    | \b\d{1,3}(?:\.\d{1,3}){3}\b                           # one in numbers
    | (?:\b[0-9a-f]{1,4}:){3} | ::[0-9a-f]
    | \b[a-z][\w-]*(?:\.[\w-]+)*:\d{2,5}\b                  # a host with a port
    | (?<![\w<])(?:~|\.{1,2})?/[\w.+@-]*[a-z]               # a path
    | \b[\w.-]+/(?:[\w.-]+/)*[\w.-]*\.[a-z]\w{1,4}\b        # one without its beginning
    | \b[a-z]:[\\/] | \\\\\w                                # one of Windows
    """,
    re.IGNORECASE | re.VERBOSE,
)
CUT_SHORT = "Something behind the server failed before the answer was whole."
NOTE = "A remark about this answer is left out here: it names an address or a file."
FAILED = "It failed. Whoever runs this server finds the reason in its log."


def names_place(text: str) -> bool:
    """Whether a sentence names something that may be an address or a file."""
    return _PLACE.search(text) is not None


def or_else(text: str, instead: str) -> str:
    """The sentence, or `instead` where it names a place."""
    return instead if names_place(text) else text


def receipt_for_clients(receipt: Receipt) -> Receipt:
    """The receipt without sentences that name a place."""
    cut_short, note = or_else(receipt.cut_short, CUT_SHORT), or_else(receipt.note, NOTE)
    return structs.replace(receipt, cut_short=cut_short, note=note)


def event_for_clients(event: Event) -> Event:
    """The event without sentences that name a place, which may stand where a failure is told."""
    match event:
        case DraftCancelled() | EngineRestarted():
            return structs.replace(event, reason=or_else(event.reason, FAILED))
        case StepFailed():
            return structs.replace(event, message=or_else(event.message, FAILED))
        case RunFailed():
            return structs.replace(event, reason=or_else(event.reason, FAILED), hint=or_else(event.hint, ""))
        case AnswerReady(answer=answer):
            return AnswerReady(structs.replace(answer, receipt=receipt_for_clients(answer.receipt)))
        case _:
            return event
