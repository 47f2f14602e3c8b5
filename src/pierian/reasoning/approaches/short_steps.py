"""Short steps: one named calculation a line. A third of the tokens of a habitual solution, and every line can
be recomputed while it is written."""

from __future__ import annotations

from pierian.reasoning.approach import Approach
from pierian.reasoning.approaches.examples import QUESTIONS, STEPS
from pierian.reasoning.values import FinalValue, quantity


def _read(text: str, letters: str) -> FinalValue:
    return quantity(text)


SHORT_STEPS = Approach(
    name="short steps",
    system="Solve the problem in short steps, one calculation a line, then give the answer.",
    shots=tuple(zip(QUESTIONS, STEPS, strict=True)),
    max_tokens=320,
    read=_read,
    weight=0.9,
)
