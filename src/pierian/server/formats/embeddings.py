"""The wire format of `/v1/embeddings`: texts in, one vector for each of them out. Nothing is embedded here."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from typing import Any, Literal, cast

from msgspec import Struct

from pierian.server.errors import ApiError, openai_body
from pierian.server.formats.fields import decoded, unsupported, wrong

MOST_TEXTS = 2048
REFUSED = {"dimensions": "Leave it out."}


class Parsed(Struct, frozen=True):
    """A request that is in order."""

    model: str
    texts: tuple[str, ...]
    encoding: Literal["float", "base64"]
    """`base64` stands for four bytes a number, the lowest first. OpenAI's client asks for it by default."""


def error_body(error: ApiError) -> dict[str, Any]:
    """The body of an answer that is an error."""
    return openai_body(error)


def parse(body: bytes) -> Parsed:
    """What a request's body asks; raises `ApiError`."""
    fields = decoded(body)
    fields.refuse(REFUSED)
    found = fields.get("input")
    if isinstance(found, list) and any(isinstance(entry, int | list) for entry in cast(list[Any], found)):
        raise unsupported("input", "Tokens as numbers are", "Send the text itself, or a list of texts.")
    texts = fields.texts("input", most=MOST_TEXTS)
    if not texts:
        raise wrong(
            "input", "'input' is missing or empty: send a text or a list of texts.", code="missing_parameter"
        )
    encoding = fields.choice("encoding_format", ("float", "base64"))
    return Parsed(
        fields.needed("model", most=500),
        texts,
        "base64" if encoding == "base64" else "float",
    )


def whole(parsed: Parsed, vectors: Sequence[Sequence[float]], tokens: int) -> dict[str, Any]:
    """The body of the answer; `tokens` is how many the texts have together."""
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(parsed, vector)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": parsed.model, "data": data, "usage": usage}


def _encoded(parsed: Parsed, vector: Sequence[float]) -> Any:
    if parsed.encoding == "float":
        return list(vector)
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
