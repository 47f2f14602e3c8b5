"""Direct: the answer at once, without reasoning. Instant's way for everything but quantities, and a cheap second
opinion on choices."""

from __future__ import annotations

from pierian.reasoning.approach import Approach
from pierian.reasoning.values import FinalValue, choice, short_text


def _first_choice(text: str, letters: str) -> FinalValue:
    return choice(text.strip().partition("\n")[0], letters)


def _first_line(text: str, letters: str) -> FinalValue:
    found = short_text(text)
    return found if found else short_text(f"Answer: {text.strip().partition(chr(10))[0]}")


def no_value(text: str, letters: str) -> FinalValue:
    """An open answer has no value to compare."""
    return FinalValue()


DIRECT_CHOICE = Approach(
    name="direct answer",
    system="Answer with the letter of the right option, then one short reason.",
    max_tokens=240,  # with 80 three in four reasons broke off in the middle
    usual_tokens=30,
    evidence=1.5,
    read=_first_choice,
)

DIRECT_LETTER = Approach(
    name="direct answer",
    system="Answer with the letter of the right option, nothing else.",
    max_tokens=12,
    usual_tokens=6,
    evidence=1.5,
    read=_first_choice,
)

DIRECT_SHORT = Approach(
    name="direct answer",
    system="Give the answer alone, without explanation.",
    max_tokens=60,
    usual_tokens=15,
    evidence=1.5,
    read=_first_line,
)

DIRECT_FORMULA = Approach(
    name="direct answer",
    system="Give the final answer in \\boxed{}, with at most one line of working.",
    max_tokens=200,
    read=_first_line,
)

BRIEF = Approach(
    name="one pass",
    system="You are a helpful assistant. Answer briefly and directly.",
    max_tokens=700,
    read=no_value,
)

FULL = Approach(
    name="one pass",
    system="You are a helpful assistant. Answer completely, in clear Markdown, and say so when you are not sure.",
    max_tokens=1500,
    read=no_value,
)
