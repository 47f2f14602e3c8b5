"""Worked solution: the model's habitual way, reasoning at length to a marked answer. Most accurate alone, and the
most expensive; used where short sentences do not apply or do not agree."""

from __future__ import annotations

from pierian.reasoning.approach import Approach
from pierian.reasoning.values import FinalValue, choice, quantity, short_text


def read_quantity(text: str, letters: str) -> FinalValue:
    """The boxed number, or the last one of the text."""
    return quantity(text, anywhere=True)


def read_short(text: str, letters: str) -> FinalValue:
    """Whatever the draft states as its answer."""
    return short_text(text)


WORKED_QUANTITY = Approach(
    name="worked solution",
    system="Please reason step by step, and put your final answer within \\boxed{}.",
    max_tokens=900,
    read=read_quantity,
    evidence=2.7,
    usual_logprob=-0.07,
    sureness=8.0,
)

WORKED_FORMULA = Approach(
    name="worked solution",
    system="Please reason step by step, and put your final answer within \\boxed{}.",
    max_tokens=1200,
    usual_tokens=500,
    read=read_short,
    evidence=2.5,
)

WORKED_CHOICE = Approach(
    name="worked solution",
    system="Please reason step by step, and put the letter of the right option within \\boxed{}.",
    max_tokens=900,
    read=choice,
    evidence=2.5,
)

WORKED_SHORT = Approach(
    name="worked solution",
    system="Please reason step by step, and put your final answer within \\boxed{}.",
    max_tokens=900,
    read=read_short,
    evidence=2.5,
)
