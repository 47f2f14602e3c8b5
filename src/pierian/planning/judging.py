"""Small closed questions to the model about one sentence: which of these is it?

One token is asked for, a letter, and the probabilities of all letters are compared: that is all that a small model
knows, and more than the letter it would write. What code takes for likely counts as if the model had some evidence
for it. The beginning of the prompt never changes, so the engine reads only the sentence. What code can tell is never
asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any, Protocol

from pierian.budget import Amount
from pierian.models.model import Model
from pierian.models.structured import Payment
from pierian.models.wire import Finished, Message, Piece, Request, Usage

SYSTEM = "You read one sentence of a request and pick the option that fits it. You answer with its letter."
LIKELY = 2.5
"""Evidence for what code takes for likely, in nats."""
_UNSEEN = -20.0
"""Log-probability of a letter that is not among the likeliest tokens."""
_MEANINGS: Mapping[str, Mapping[str, str]] = {
    "kind": {
        "busy": "somebody has no time then",
        "available": "somebody has time only then",
        "avoid": "it should not be then",
        "free": "somebody has time always",
        "frame": "it is about the meeting itself: its days, its hours, its length",
        "nothing": "it says nothing about when",
    },
    "name": {"person": "a person", "place": "a place", "neither": "something else"},
    "form": {
        "meeting": "a time when several people can meet",
        "visits": "seeing people at several places on one day",
        "trip": "a journey of several days through several cities",
    },
}
_ASKED: Mapping[str, str] = {
    "kind": "What does it say about the times?",
    "name": "What is this the name of?",
    "form": "What is asked for?",
}
EXAMPLES: tuple[tuple[str, str, str], ...] = (
    ("kind", "Lee takes the cat to the vet on Monday from 9 to 10.", "busy"),
    ("kind", "Kim could squeeze us in on Friday between 2 and 4.", "available"),
    ("kind", "Please, no early starts: Jo is useless before 10.", "avoid"),
    ("kind", "Tuesday from 11 to 12:30 belongs to Pat's choir.", "busy"),
    ("kind", "We gather some time between 8 and 18, Tuesday or Friday.", "frame"),
    ("kind", "Sam is driving to the coast on Thursday 13:00-15:30.", "busy"),
    ("kind", "Robin makes room for us whatever the hour on Monday.", "free"),
    ("kind", "For Max, Wednesday after 3 is when the children come home.", "avoid"),
    ("kind", "The room was painted on Monday at 9.", "nothing"),
    ("name", "Name: Bergen\nI would love three days in Bergen.", "place"),
    ("form", "Six nights: two in Rome, the rest in Naples.", "trip"),
)


class Judge(Protocol):
    """Answers closed questions about a sentence."""

    async def choose(self, asked: str, sentence: str, options: Sequence[str], likely: str = "") -> str:
        """One of the options; `asked` is `kind`, `name` or `form`, `likely` what code takes it for."""
        ...


def fixed_prompt() -> tuple[Message, ...]:
    """The part of the prompt that never changes."""
    found = [Message("system", SYSTEM)]
    for asked, sentence, answer in EXAMPLES:
        letter = ascii_uppercase[list(_MEANINGS[asked]).index(answer)]
        found += [Message("user", _question(asked, sentence)), Message("assistant", letter)]
    return tuple(found)


def _question(asked: str, sentence: str) -> str:
    options = [
        f"{letter}: {meaning}"
        for letter, meaning in zip(ascii_uppercase, _MEANINGS[asked].values(), strict=False)
    ]
    return "\n".join([f"Sentence: {sentence}", _ASKED[asked], *options])


class ModelJudge:
    """A judge that asks a model."""

    def __init__(self, model: Model, payment: Payment) -> None:
        self._model, self._payment = model, payment

    async def choose(self, asked: str, sentence: str, options: Sequence[str], likely: str = "") -> str:
        """See `Judge`."""
        request = Request(
            messages=(*fixed_prompt(), Message("user", _question(asked, sentence[:600]))),
            max_tokens=1,
            logprobs=True,
            top_logprobs=12,
        )
        told = await self._letters(request)
        letters = dict(zip(_MEANINGS[asked], ascii_uppercase, strict=False))

        def evidence(option: str) -> float:
            return told.get(letters[option], _UNSEEN) + (LIKELY if option == likely else 0.0)

        if not any(letters[option] in told for option in options):
            return likely or options[-1]  # a server that tells no letter
        return max(options, key=evidence)

    async def _letters(self, request: Request) -> dict[str, float]:
        """Log-probabilities of the first token's alternatives; of a server that tells none, the token alone."""
        payment, bound = self._payment, request.prompt_bound()
        reservation = await payment.ledger.reserve_soon(Amount(1, payment.price(bound, 1)))
        found: dict[str, float] = {}
        usage = Usage(0, 0, 0, counted_here=True)
        try:
            async with contextlib.aclosing(self._model.stream(request)) as items:
                async for item in items:
                    if isinstance(item, Piece) and not found:
                        found = _alternatives(item)
                    elif isinstance(item, Finished):
                        usage = item.usage
        finally:
            money = payment.price(usage.prompt_tokens, usage.completion_tokens)
            reservation.settle(Amount(usage.completion_tokens, money, usage.prompt_tokens))
            payment.used(usage)
        return found


def _alternatives(piece: Piece) -> dict[str, float]:
    found: dict[str, float] = {piece.text.strip(): 0.0}
    for token in piece.logprobs[:1]:
        alternatives: list[dict[str, Any]] = token.get("top_logprobs") or []
        found = {}
        for one in alternatives:
            letter = str(one.get("token", "")).strip()
            found[letter] = max(found.get(letter, _UNSEEN), float(one.get("logprob", _UNSEEN)))
    return found
