"""Events of reasoning: which mode, drafts and their tokens, checks as they happen, how drafts become an answer."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Channel = Literal["thought", "answer"]


class Routed(Struct, frozen=True):
    """The mode that answers and the approach it takes, with the reason."""

    mode: str
    reason: str


class DraftStarted(Struct, frozen=True):
    """A draft begins. Tokens and later events name it by `draft`."""

    draft: int
    approach: str


class Token(Struct, frozen=True):
    """A piece of text as it arrives; thoughts are shown dimmed and are not part of the answer."""

    draft: int
    text: str
    channel: Channel


class DraftVoided(Struct, frozen=True):
    """What was streamed for this draft does not count; a face takes it back."""

    draft: int
    reason: str


class DraftFinished(Struct, frozen=True):
    """A draft ended with a value (empty where it has none)."""

    draft: int
    value: str
    tokens: int


class DraftCancelled(Struct, frozen=True):
    """A draft was cut off before its end, because it could no longer change the outcome or failed."""

    draft: int
    tokens: int
    reason: str


class CalculationCorrected(Struct, frozen=True):
    """A calculation in a draft was wrong; the draft goes on from the right value.

    `text` is the whole draft as it now stands: what was streamed after the wrong number is taken back.
    """

    draft: int
    expression: str
    claimed: str
    computed: str
    text: str


class ValueMissing(Struct, frozen=True):
    """A program in the making used a name that has no value; it goes on by giving it one.

    `text` is the whole draft as it now stands.
    """

    draft: int
    name: str
    text: str


class ProgramRun(Struct, frozen=True):
    """A program was run in the sandbox; exactly one of `value` and `error` is filled."""

    draft: int
    code: str
    value: str
    error: str


class SecondLook(Struct, frozen=True):
    """What is known is not enough; another draft is made, for the given reason."""

    reason: str


class Revising(Struct, frozen=True):
    """Drafts disagree: each of `drafts` is shown what the others claim and is written again."""

    drafts: tuple[int, ...]
    reason: str


class Merging(Struct, frozen=True):
    """The drafts become one answer; `how` says by what means, such as consensus or an outline of what they share."""

    how: str


class Escalated(Struct, frozen=True):
    """What a mode came to does not hold together, so a deeper one goes on."""

    mode: str
    reason: str
