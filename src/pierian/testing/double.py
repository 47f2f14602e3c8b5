"""What the doubles share: a `Model` without a server, which streams a reply in pieces.

A reply is given as text or as pieces. Text is cut into words, and a word counts as one token, so that limits
and usage can be predicted in a test. Stop strings and `max_tokens` are kept as a server keeps them.
"""

from __future__ import annotations

import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from pierian.exceptions import ModelError, ServerUnreachable, StreamBroken
from pierian.models.client import Endpoint, StreamItem
from pierian.models.embeddings import Embeddings
from pierian.models.model import Model
from pierian.models.profiles import Profile, profile_for
from pierian.models.wire import CallPiece, Finished, Piece, PromptProgress, Request, Usage

Part = str | Piece | CallPiece | PromptProgress
Content = str | Iterable[Part] | AsyncIterable[Part]

DIMENSIONS = 16
"""Length of the vectors that `Double.embed` gives."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply in full: for when its end or its counts matter.

    An empty `reason` is `stop`, `tool_calls` after a `CallPiece`, or `length` where `max_tokens` cut it off;
    without `usage` words are counted.
    An iterable may raise in the middle: that is how a stream breaks.
    """

    content: Content
    reason: str = ""
    usage: Usage | None = None


class Double(Model, ABC):
    """A model that needs no server. Subclasses say what the reply to a request is.

    Args:
        name: What receipts call it; the family's profile is found by it.
        embedded: Whether it passes for the embedded engine, which continues a started answer and recovers
            from crashes.
        profile: Instead of the one found by the name.
    """

    def __init__(self, name: str, *, embedded: bool = True, profile: Profile | None = None) -> None:
        # Deliberately without Model.__init__: there is no client and no lease.
        self.name = name
        self.profile = profile or profile_for(name)
        self.sees = self.profile.sees
        self.slots = 4
        self.recovered: list[ModelError] = []
        """The errors after which somebody asked for recovery, in order."""
        self.closed = False
        self._embedded = embedded

    @abstractmethod
    def reply(self, request: Request) -> Content | Reply:
        """What to answer."""

    @property
    def embedded(self) -> bool:
        """Whether it passes for the embedded engine."""
        return self._embedded

    @property
    def endpoint(self) -> Endpoint:
        """An address where nothing answers, under the double's name."""
        return Endpoint("", self.name, embedded=self._embedded)

    async def stream(self, request: Request, *, model: str = "") -> AsyncGenerator[StreamItem]:
        """The reply in pieces, and `Finished` last; the same whatever `model` is asked for."""
        reply = self.reply(request)
        if not isinstance(reply, Reply):
            reply = Reply(reply)
        pieces, reason = 0, reply.reason or "stop"
        async for part in _parts(reply.content, request.stop):
            if isinstance(part, Piece | CallPiece):
                if pieces >= request.max_tokens:
                    reason = "length"
                    break
                pieces += 1
                if isinstance(part, CallPiece):
                    reason = reply.reason or "tool_calls"
            yield part
        yield Finished(reason, reply.usage or Usage(prompt_words(request), 0, pieces))

    async def models(self) -> list[str]:
        """Its own name."""
        return [self.name]

    async def embed(self, texts: Sequence[str], *, model: str = "") -> Embeddings:
        """Counts of words, so that texts with the same words are alike; a word counts as one token."""
        vectors = tuple(map(_word_counts, texts))
        return Embeddings(vectors, Usage(sum(len(text.split()) for text in texts), 0, 0))

    async def recover(self, error: ModelError) -> str:
        """As an engine that was started again at once; a double that is not embedded raises `error` again."""
        self.recovered.append(error)
        if not self.embedded or not isinstance(error, ServerUnreachable | StreamBroken):
            raise error
        return "The engine ended with code -9."

    async def close(self) -> None:
        """Nothing to close; `closed` remembers it."""
        self.closed = True


def prompt_words(request: Request) -> int:
    """How many words the messages of a request have."""
    return sum(len(message.content.split()) for message in request.messages)


def words(text: str) -> list[str]:
    """A text cut after each word, spaces kept: joined again it is the text."""
    return re.findall(r"\s*\S+|\s+\Z", text)


def before_stop(text: str, stop: Iterable[str]) -> str:
    """The text up to the first of the stop strings."""
    return text[: min((at for s in stop if (at := text.find(s)) >= 0), default=len(text))]


def _word_counts(text: str) -> tuple[float, ...]:
    counts = [0.0] * DIMENSIONS
    for word in text.lower().split():
        counts[zlib.crc32(word.encode("utf-8", "replace")) % DIMENSIONS] += 1.0
    return tuple(counts)


async def _parts(
    content: Content, stop: tuple[str, ...]
) -> AsyncIterator[Piece | CallPiece | PromptProgress]:
    if isinstance(content, str):
        content = words(before_stop(content, stop))
    if isinstance(content, AsyncIterable):
        async for part in content:
            yield Piece(part) if isinstance(part, str) else part
        return
    for part in content:
        yield Piece(part) if isinstance(part, str) else part
