"""Facts first: every fact is restated and the question said again before anything is worked out."""

from __future__ import annotations

from pierian.reasoning.approach import Approach
from pierian.reasoning.approaches.worked import read_quantity

FACTS_FIRST = Approach(
    name="facts first",
    system="You are a careful mathematics teacher. First restate each fact of the problem in your own words and say "
    "what is asked. Then work it out, one step at a time, and put your final answer within \\boxed{}.",
    max_tokens=900,
    usual_tokens=300,
    read=read_quantity,
)
