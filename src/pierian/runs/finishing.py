"""Writes the answer of a run that has ended into its turn; whoever comes first does it, and once.

Whoever ends a run does it; a page that finds a turn still open whose run has ended elsewhere does it too. A run that
ended without an answer leaves its turn open: the page then says why from the journal.
"""

from __future__ import annotations

import msgspec

from pierian.events import Answer, AnswerReady, Event
from pierian.exceptions import UserError
from pierian.provenance import Origin
from pierian.runs.journal import Journal
from pierian.storage import Conversations, Database
from pierian.storage.branches import Place, turn_of_run


def finish(database: Database, run: str) -> Place | None:
    """Store what a run answered in its turn; returns where that stands, or None where it belongs to none."""
    place = turn_of_run(database, run)
    if place is None:
        return None
    owner, conversation, position = place
    journal = Journal(database, owner)
    try:
        # One that waits for an approval has told so much of an answer as it has.
        ended = journal.state(run) == "done"
    except UserError:
        return place
    answer = answer_of([event for _, event in journal.events(run)]) if ended else None
    if answer is not None:
        receipt = msgspec.json.encode(answer.receipt).decode()
        store = Conversations(database, owner)
        store.finish(conversation, position, answer.text, receipt, Origin.MODEL)
    return place


def answer_of(events: list[Event]) -> Answer | None:
    """The last answer among the events of a run."""
    return next((event.answer for event in reversed(events) if isinstance(event, AnswerReady)), None)
