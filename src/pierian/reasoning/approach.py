"""An approach: one way to attempt an answer, as a small value that a contributor adds in one file.

It holds the fixed words of the prompt and how the answer is read out of the draft. The words never change
between questions, so the engine's cache keeps them; what changes (custom instructions, history, the question)
comes after them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from pierian.models.wire import Message
from pierian.reasoning.values import FinalValue

LEAST_EVIDENCE, MOST_EVIDENCE = 0.1, 6.0
"""Bounds on what one vote is worth, in nats."""
DOUBT = 3.5
"""What a doubt about a draft takes off its vote, in nats."""


class Approach(Struct, frozen=True, kw_only=True):
    """One way to attempt an answer.

    `shots` are worked examples (question, answer). `read` finds the final value in a finished draft; it gets
    the draft and the letters of a choice. `usual_tokens` is what a draft usually costs, `max_tokens` the most.
    `evidence` is what its vote is worth, in nats (`consensus`); `sureness` is how much that changes with the mean
    log-probability of its tokens, counted from `usual_logprob`. `computes` says that the draft is a program to be
    run, `explains` that the program's comments explain it to a reader.
    """

    name: str
    system: str
    max_tokens: int
    read: Callable[[str, str], FinalValue]
    shots: Sequence[tuple[str, str]] = ()
    usual_tokens: int = 300
    evidence: float = 2.0
    usual_logprob: float = -0.15
    sureness: float = 0.0
    computes: bool = False
    explains: bool = False
    stop: tuple[str, ...] = ()

    @property
    def most_evidence(self) -> float:
        """What a draft that is sure of itself could bring."""
        return min(MOST_EVIDENCE, self.evidence - self.sureness * self.usual_logprob)

    def messages(self, question: str, history: Sequence[Message], instructions: str) -> tuple[Message, ...]:
        """The prompt, the fixed part first."""
        asked = f"{question}\n\n(In your answer: {instructions})" if instructions else question
        return (*self.prefix(), *history, Message("user", asked))

    def prefix(self) -> tuple[Message, ...]:
        """The fixed part of the prompt."""
        found = [Message("system", self.system)]
        for asked, answered in self.shots:
            found += [Message("user", asked), Message("assistant", answered)]
        return tuple(found)
