"""Ways to draft an open answer that see different things: its points, and what is doubtful about it."""

from __future__ import annotations

from pierian.reasoning.approach import Approach
from pierian.reasoning.approaches.direct import no_value

POINTS = Approach(
    name="main points",
    system="You are a helpful assistant. Answer with the most important points, one short sentence each, most "
    "important first.",
    max_tokens=500,
    usual_tokens=250,
    read=no_value,
)

DOUBTS_FIRST = Approach(
    name="doubts first",
    system="You are a careful assistant. Before you answer, say in a sentence or two what people commonly get wrong "
    "about this, or what depends on circumstances. Then answer briefly.",
    max_tokens=500,
    usual_tokens=250,
    read=no_value,
)
