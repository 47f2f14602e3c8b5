"""Embeddings in the OpenAI wire format: the body of a request for them, and what its answer means.

No input or output happens here; the transport is `client`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from pierian.models.wire import Usage


class Embeddings(Struct, frozen=True):
    """One vector for each text, in the order of the texts, and the tokens that they had."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage


class _Vector(Struct):
    embedding: tuple[float, ...]
    index: int = 0


class _Counts(Struct):
    prompt_tokens: int = 0


class _Answer(Struct):
    data: list[_Vector]
    usage: _Counts | None = None


def embeddings_body(model: str, texts: Sequence[str]) -> dict[str, Any]:
    """The JSON of a request for the embeddings of `texts`."""
    return {"model": model, "input": list(texts), "encoding_format": "float"}


def read_embeddings(content: bytes, texts: Sequence[str]) -> Embeddings:
    """What an answer means; raises `ValueError` unless it has one vector for each text, all of one length.

    Where the server counts no tokens, they are taken as a quarter of the bytes.
    """
    answer = msgspec.json.decode(content, type=_Answer)
    vectors = tuple(vector.embedding for vector in sorted(answer.data, key=lambda vector: vector.index))
    if len(vectors) != len(texts) or len({len(vector) for vector in vectors}) > 1:
        raise ValueError(f"{len(vectors)} vectors for {len(texts)} texts")
    if answer.usage is not None and answer.usage.prompt_tokens > 0:
        return Embeddings(vectors, Usage(answer.usage.prompt_tokens, 0, 0))
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    return Embeddings(vectors, Usage(-(-size // 4), 0, 0, counted_here=True))
