"""Questioned program: decomposition into sub-questions, each asked in a comment and answered by a line of Python.
Less often right alone than the explained program, but its mistakes are others (docs/log.md)."""

from __future__ import annotations

from pierian.reasoning.approach import Approach
from pierian.reasoning.approaches.examples import QUESTIONED_PROGRAMS, QUESTIONS
from pierian.reasoning.approaches.program import value_of_run

QUESTIONED_PROGRAM = Approach(
    name="sub-questions",
    system="Solve the problem with a short Python program: before each step write, as a comment, the question that "
    "it answers; set answer to what is asked.",
    # The other way round than elsewhere, so that the last example is another one.
    shots=tuple((q, f"```python\n{p}\n```") for q, p in zip(QUESTIONS, QUESTIONED_PROGRAMS, strict=True))[
        ::-1
    ],
    max_tokens=400,
    usual_tokens=95,
    read=value_of_run,
    computes=True,
    explains=True,
    evidence=2.5,
    usual_logprob=-0.132,
    sureness=8.0,
)
