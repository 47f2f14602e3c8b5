"""The conversation so far as a planner may know it: the user's own words, and earlier answers by a name alone.

What a user wrote before is the user's word as the request is, and "and in Bergen?" cannot be planned without it: the
last few requests are shown, shortened, and what stands in them counts as theirs. What was answered may repeat a page
or a mail, so an answer is a handle, `$answer1` the latest, of which a planner sees the position and the length. It
came from a model and through it from anywhere: whatever acts on it needs an approval, which shows the text. Where
another program asks, its earlier requests are not shown: programs hand on what they read as if they had said it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from pierian.models.wire import Message
from pierian.provenance import MODEL, Labelled, Labels, external

MOST_ANSWERS = 3
MOST_REQUESTS = 3
MOST_CHARACTERS = 300
"""Of each earlier request."""
ANSWERED: Labels = MODEL | external("earlier answer")


class Earlier(Struct, frozen=True):
    """An earlier request, and the name of the answer to it; empty where that has none."""

    request: str
    answer: str = ""


def earlier_answers(history: Sequence[Message]) -> dict[str, Labelled]:
    """The last answers of a conversation, the latest first."""
    found = [one.content for one in reversed(history) if one.role == "assistant" and one.content.strip()]
    return {f"answer{n}": Labelled(text, ANSWERED) for n, text in enumerate(found[:MOST_ANSWERS], 1)}


def earlier_requests(history: Sequence[Message]) -> tuple[Earlier, ...]:
    """The user's last requests, the latest last."""
    found: list[Earlier] = []
    names, answer = iter(earlier_answers(history)), ""
    for one in reversed(history):
        if one.role == "assistant" and one.content.strip():
            answer = next(names, "")
        elif one.role == "user" and one.content.strip():
            found.append(Earlier(_shortened(one.content), answer))
            answer = ""
    return tuple(reversed(found[:MOST_REQUESTS]))


def own_words(request: str, earlier: Sequence[Earlier]) -> str:
    """All that the user is known to have written; nothing that spans two requests was."""
    return "\n…\n".join([*(one.request for one in earlier), request])


def answers_among(values: Mapping[str, Labelled]) -> list[str]:
    """The names that stand for earlier answers."""
    return [name for name, value in values.items() if value.labels == ANSWERED]


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[: MOST_CHARACTERS - 1].rpartition(' ')[0] or text[: MOST_CHARACTERS - 1]}…"
