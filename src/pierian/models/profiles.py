"""Facts about model families: how they think, whether they see, what sampling they were tuned for.

A profile is data, chosen by matching the model's name or the catalogue's family. It says nothing about where
a model runs (`client.Endpoint`) or which file it is (`catalogue`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field, structs

from pierian.models.wire import Piece


class Profile(Struct, frozen=True):
    """One family. Sampling values are its makers' recommendation for drafts that should differ."""

    family: str
    pattern: str
    temperature: float = 0.7
    top_p: float = 0.95
    top_k: int | None = None
    thinks: bool = False
    """Thinks natively before it answers, between `think_open` and `think_close`."""
    think_open: str = "<think>"
    think_close: str = "</think>"
    thinking_on: Mapping[str, Any] = field(default_factory=dict[str, Any])
    thinking_off: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Request fields that switch native thinking on and off, where the family has a switch."""
    sees: bool = False
    """Whether models of this name read pictures, where they are served with all their parts."""

    @property
    def always_thinks(self) -> bool:
        """Whether it thinks even when it is not asked to, and so needs room for it."""
        return self.thinks and not self.thinking_off


def _template(**kwargs: object) -> dict[str, Any]:
    return {"chat_template_kwargs": kwargs}


PROFILES = (
    Profile("qwen3-vl", r"qwen-?3-?vl(?!.*thinking)", temperature=0.7, top_p=0.8, top_k=20),
    Profile("qwen2.5", r"qwen-?2\.5", temperature=0.7, top_p=0.8, top_k=20),
    Profile(
        "qwen3",
        r"qwen-?3|qwq",
        temperature=0.6,
        top_p=0.95,
        top_k=20,
        thinks=True,
        thinking_on=_template(enable_thinking=True),
        thinking_off=_template(enable_thinking=False),
    ),
    Profile("deepseek-r1", r"deepseek-?r1|r1-distill", temperature=0.6, top_p=0.95, thinks=True),
    Profile(
        "gpt-oss",
        r"gpt-?oss",
        temperature=1.0,
        top_p=1.0,
        thinks=True,
        thinking_on={"reasoning_effort": "medium"},
        thinking_off={"reasoning_effort": "low"},
    ),
    Profile("gemma", r"gemma-?[34]", temperature=1.0, top_p=0.95, top_k=64),
    # Its thoughts reach us as `reasoning_content`: the engine's own parser takes them apart.
    Profile("muse-glimmer", r"muse-?glimmer", temperature=0.7, top_p=0.95, thinks=True),
    Profile("smollm2", r"smollm2", temperature=0.2, top_p=0.9),
    Profile("smolvlm", r"smolvlm", temperature=0.2, top_p=0.9),
    Profile("llama3", r"llama-?3", temperature=0.6, top_p=0.9),
)
UNKNOWN = Profile("unknown", r"")
# Sizes of one family differ in this: the smallest of Gemma 3 have no eyes.
_SEES = re.compile(
    r"(?<![a-z])(?:vl|vlm|vision)(?![a-z])|qwen-?3vl|internvl|smolvlm|llava|pixtral|minicpm-?v|muse-?glimmer|llama-?4"
    r"|gemma-?[34](?!.*(?<!\d)(?:1b|270m))|gpt-?(?:4o|4\.1|5)|claude|gemini",
    re.IGNORECASE,
)


def profile_for(model: str) -> Profile:
    """The profile of a model by its name; a cautious default for names nobody knows."""
    found = next((one for one in PROFILES if re.search(one.pattern, model, re.IGNORECASE)), UNKNOWN)
    return structs.replace(found, sees=True) if _SEES.search(model) else found


class ThinkingSplitter:
    """Separates native thoughts from the answer in streamed text, tags cut anywhere.

    Servers that already send `reasoning_content` pass through untouched. A stream that opens with the closing
    tag missing is all thought; `close` flushes what is held back.
    """

    def __init__(self, profile: Profile) -> None:
        self._active = profile.thinks
        self._open, self._close = profile.think_open, profile.think_close
        self._inside = False
        self._held = ""

    def feed(self, piece: Piece) -> list[Piece]:
        """The pieces that are certain so far."""
        if not self._active or piece.thought:
            return [piece]
        self._held += piece.text
        found: list[Piece] = []
        while True:
            tag = self._close if self._inside else self._open
            before, hit, after = self._held.partition(tag)
            if hit:
                found += self._emit(before, piece.logprob)
                self._inside, self._held = not self._inside, after
                continue
            keep = _overlap(self._held, tag)
            found += self._emit(self._held[: len(self._held) - keep], piece.logprob)
            self._held = self._held[len(self._held) - keep :]
            return found

    def close(self) -> list[Piece]:
        """What was held back because it could have been the start of a tag."""
        held, self._held = self._held, ""
        return self._emit(held, None)

    def _emit(self, text: str, logprob: float | None) -> list[Piece]:
        return [Piece(text, thought=self._inside, logprob=logprob)] if text else []


def _overlap(text: str, tag: str) -> int:
    """Length of the longest end of `text` that is a beginning of `tag`."""
    for length in range(min(len(text), len(tag) - 1), 0, -1):
        if text.endswith(tag[:length]):
            return length
    return 0
