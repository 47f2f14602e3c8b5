"""Ways in which a model server can misbehave, as values to hand to `serve`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with an error status and a body in OpenAI's form (or `raw` as it is); `headers` are added.

    `Refuse(429, headers={"Retry-After": "7"})` is a server that is too busy.
    """

    status: int = 500
    message: str = "refused by the test"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Overflow:
    """Say that the prompt is too long, in llama.cpp's form."""

    prompt_tokens: int = 5000
    context_tokens: int = 4096


@dataclass(frozen=True, slots=True)
class CloseMidStream:
    """Close after that many pieces; `politely` ends the HTTP body first, so that only the text is missing."""

    after: int = 2
    politely: bool = False


@dataclass(frozen=True, slots=True)
class ErrorMidStream:
    """Send an error object after that many pieces, as llama.cpp does."""

    after: int = 2
    message: str = "failed in the test"


@dataclass(frozen=True, slots=True)
class Garbage:
    """After that many pieces send an event whose data is `data`, which should not be JSON of the format."""

    after: int = 2
    data: str = "{this is not JSON"


@dataclass(frozen=True, slots=True)
class InvalidText:
    """After that many pieces send bytes that are not UTF-8."""

    after: int = 2


@dataclass(frozen=True, slots=True)
class NotAStream:
    """Answer 200 with a page instead of an event stream."""

    content: str = "<html><body>It works!</body></html>"
    content_type: str = "text/html"


@dataclass(frozen=True, slots=True)
class Silence:
    """Fall silent after that many pieces and keep the connection; with 0 not even the headers come."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class IgnoreSchema:
    """Answer as if no schema had been asked for."""


@dataclass(frozen=True, slots=True)
class NoUsage:
    """Send no token counts."""


Fault = (
    Refuse
    | Overflow
    | CloseMidStream
    | ErrorMidStream
    | Garbage
    | InvalidText
    | NotAStream
    | Silence
    | IgnoreSchema
    | NoUsage
)
