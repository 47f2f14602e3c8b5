"""Short sentences: one calculation a line, and why. A third of the tokens of a habitual solution at about its
accuracy, and every line can be recomputed while it is written. Without the "why" a fifth of the tokens, but many
more misreadings (docs/log.md)."""

from __future__ import annotations

from pierian.reasoning.approach import Approach
from pierian.reasoning.approaches.examples import QUESTIONS, SENTENCES
from pierian.reasoning.values import FinalValue, quantity


def _read(text: str, letters: str) -> FinalValue:
    return quantity(text)


SHORT_SENTENCES = Approach(
    name="short sentences",
    system="Solve the problem. Say in one short sentence a step what is worked out and why, with its calculation, "
    "then give the answer.",
    shots=tuple(zip(QUESTIONS, SENTENCES, strict=True)),
    max_tokens=400,
    usual_tokens=90,
    read=_read,
    evidence=2.3,
    usual_logprob=-0.117,
    sureness=8.0,
)
