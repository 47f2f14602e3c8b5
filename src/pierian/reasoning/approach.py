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


class Approach(Struct, frozen=True, kw_only=True):
    """One way to attempt an answer.

    `shots` are worked examples (question, answer). `read` finds the final value in a finished draft; it gets
    the draft and the letters of a choice. `weight` is how much a draft counts when drafts disagree, about its
    share of right answers in measurement. `computes` says that the draft is a program to be run.
    """

    name: str
    system: str
    max_tokens: int
    read: Callable[[str, str], FinalValue]
    shots: Sequence[tuple[str, str]] = ()
    weight: float = 1.0
    computes: bool = False
    stop: tuple[str, ...] = ()

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
