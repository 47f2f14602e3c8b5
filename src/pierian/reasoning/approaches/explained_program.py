"""Explained program: a few lines of Python with a comment before each step that says, in the words of the problem,
what is known. As often right as a worked solution in a third of its tokens (docs/log.md), and its steps can be
shown to the user with the numbers that they really had (`explanation`)."""

from __future__ import annotations

from pierian.reasoning.approach import Approach
from pierian.reasoning.approaches.examples import EXPLAINED_PROGRAMS, QUESTIONS
from pierian.reasoning.approaches.program import value_of_run

EXPLAINED_PROGRAM = Approach(
    name="explained program",
    system="Solve the problem with a short Python program. Before each step, a comment says in the words of the "
    "problem what is known; then compute it, and set answer to what is asked.",
    shots=tuple((q, f"```python\n{p}\n```") for q, p in zip(QUESTIONS, EXPLAINED_PROGRAMS, strict=True)),
    max_tokens=400,
    usual_tokens=100,
    read=value_of_run,
    computes=True,
    explains=True,
    evidence=3.0,
    usual_logprob=-0.159,
    sureness=8.0,
)
