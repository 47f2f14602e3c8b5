"""Elimination: every option of a choice is looked at before one is chosen."""

from __future__ import annotations

from pierian.reasoning.approach import Approach
from pierian.reasoning.values import choice

ELIMINATION = Approach(
    name="elimination",
    system="Go through the options in order. Say of each in one short sentence why it fits or not. End with a "
    "line that says Answer: and the letter of the right option.",
    max_tokens=600,
    usual_tokens=200,
    read=choice,
)
