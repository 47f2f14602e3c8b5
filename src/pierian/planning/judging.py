"""Small closed questions to the model about one sentence: which of these is it?

All that is asked is a choice among a few options under a schema, so a small model can answer it, and the beginning of
the prompt never changes, so the engine reads only the sentence. What code can tell is never asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from pierian.exceptions import PlanError
from pierian.models.model import Model
from pierian.models.structured import Payment, closed_object, decoded
from pierian.models.wire import Message, Request

SYSTEM = "You read one sentence of a request and pick the option that fits it. You answer with JSON."
_KINDS = (
    "busy: the person has no time then\navailable: the person has time then, or it should be then\n"
    "avoid: it should not be then\nfree: the person can always\nnothing: it says nothing about when"
)
_ASKED: Mapping[str, str] = {
    "kind": f"What does it say about the times?\n{_KINDS}",
    "name": "Is the name that of a person or a place?\nperson\nplace\nneither",
    "form": (
        "What is asked for?\nmeeting: a time when several people can meet\n"
        "visits: seeing people at several places on one day\ntrip: a journey of several days through several cities"
    ),
}
EXAMPLES: tuple[tuple[str, str, str], ...] = (
    ("kind", "Lee is at the dentist's on Monday from 9 to 10.", "busy"),
    ("kind", "Kim could squeeze us in on Friday between 2 and 4.", "available"),
    ("kind", "Please, no early starts: Jo is useless before 10.", "avoid"),
    ("name", "Name: Bergen\nI would love three days in Bergen.", "place"),
    ("form", "Six nights: two in Rome, the rest in Naples.", "trip"),
)


class Judge(Protocol):
    """Answers closed questions about a sentence."""

    async def choose(self, asked: str, sentence: str, options: Sequence[str]) -> str:
        """One of the options; `asked` is `kind`, `name` or `form`."""
        ...


def fixed_prompt() -> tuple[Message, ...]:
    """The part of the prompt that never changes."""
    found = [Message("system", SYSTEM)]
    for asked, sentence, answer in EXAMPLES:
        found += [
            Message("user", _question(asked, sentence)),
            Message("assistant", msgspec.json.encode({"option": answer}).decode()),
        ]
    return tuple(found)


def _question(asked: str, sentence: str) -> str:
    return f"Sentence: {sentence}\n{_ASKED[asked]}"


class ModelJudge:
    """A judge that asks a model."""

    def __init__(self, model: Model, payment: Payment) -> None:
        self._model, self._payment = model, payment

    async def choose(self, asked: str, sentence: str, options: Sequence[str]) -> str:
        """See `Judge`."""

        def read(text: str) -> str:
            option = msgspec.json.decode(text, type=dict[str, str]).get("option", "")
            if option not in options:
                raise PlanError(f"{option!r} is not one of {', '.join(options)}")
            return option

        request = Request(
            messages=(*fixed_prompt(), Message("user", _question(asked, sentence[:600]))),
            max_tokens=20,
            schema=closed_object(option={"enum": list(options)}),
        )
        return await decoded(self._model, request, read, self._payment)
