"""Events of reasoning: which mode, drafts and their tokens, checks as they happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Channel = Literal["thought", "answer"]


@dataclass(frozen=True, slots=True)
class Routed:
    """The mode that answers and the approach it takes, with the reason."""

    mode: str
    reason: str


@dataclass(frozen=True, slots=True)
class DraftStarted:
    """A draft begins. Tokens and later events name it by `draft`."""

    draft: int
    approach: str


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text as it arrives; thoughts are shown dimmed and are not part of the answer."""

    draft: int
    text: str
    channel: Channel


@dataclass(frozen=True, slots=True)
class DraftVoided:
    """What was streamed for this draft does not count; a face takes it back."""

    draft: int
    reason: str


@dataclass(frozen=True, slots=True)
class DraftFinished:
    """A draft ended with a value (empty where it has none)."""

    draft: int
    value: str
    tokens: int


@dataclass(frozen=True, slots=True)
class CalculationCorrected:
    """A calculation in a draft was wrong; the draft goes on from the right value.

    `text` is the whole draft as it now stands: what was streamed after the wrong number is taken back.
    """

    draft: int
    expression: str
    claimed: str
    computed: str
    text: str


@dataclass(frozen=True, slots=True)
class ProgramRun:
    """A program was run in the sandbox; exactly one of `value` and `error` is filled."""

    draft: int
    code: str
    value: str
    error: str


@dataclass(frozen=True, slots=True)
class SecondLook:
    """What is known is not enough; another draft is made, for the given reason."""

    reason: str
