"""What the answers of all formats share: frames of server-sent events, log-probabilities and the receipt.

The field `pierian` is an extension of all three formats, in the last chunk or event and in the body of an answer that
is not streamed. Official clients keep it as an extra field and do not mind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec
from msgspec import Struct

from pierian.events import Claim, Look, PictureRead
from pierian.models.wire import CallPiece
from pierian.reasoning import Mode
from pierian.server.call import EFFORTS, MODE_MODELS, Ended
from pierian.server.places import receipt_for_clients

CONTENT_TYPE = "text/event-stream"
PING = b": ping\n\n"
"""A comment, which clients skip: it keeps connections open while nothing is written."""
ENCODER = msgspec.json.Encoder()
_LEAST_LOGPROB = -9999.0
"""OpenAI's word for minus infinity, which JSON does not have."""
# Some clients split lines at these too; inside JSON they stand in texts only, where an escape means the same.
_LINE_ENDS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


class CheckTold(Struct, frozen=True):
    """One thing that code checked."""

    kind: str
    outcome: str
    detail: str


class Told(Struct, frozen=True, omit_defaults=True):
    """The receipt of an answer in short, as the field `pierian`; what is empty is left out."""

    mode: str
    took: str = ""
    """The mode that Auto came to."""
    drafts: int = 0
    """How many drafts were begun."""
    agreeing: int = 0
    """How many of them came to the value that was answered."""
    checks: tuple[CheckTold, ...] = ()
    note: str = ""
    """What the reader should know beside the checks."""
    cut_short: str = ""
    """Why the answer is incomplete."""
    run: str = ""
    """Id of the journalled run."""
    pictures: tuple[PictureRead, ...] = ()
    """The pictures of the question, by their numbers."""
    looks: tuple[Look, ...] = ()
    """What was looked at in pictures, in order."""
    claims: tuple[Claim, ...] = ()
    """What the answer says of pictures, with the looks that each sentence rests on."""
    ignored: tuple[str, ...] = ()
    """Fields of the request that this mode does not follow."""


def told(ended: Ended) -> Told | None:
    """What a client is told of an answer's receipt; None where a model answered by itself."""
    if ended.answer is None:
        return None
    receipt = receipt_for_clients(ended.answer.receipt)
    return Told(
        mode=receipt.mode,
        took=receipt.took,
        drafts=len(receipt.drafts),
        agreeing=receipt.agreeing if receipt.drafts else 0,
        checks=tuple(CheckTold(check.kind, check.outcome, check.detail) for check in receipt.checks),
        note=receipt.note,
        cut_short=receipt.cut_short,
        run=receipt.run,
        pictures=receipt.pictures,
        looks=receipt.looks,
        claims=receipt.claims,
        ignored=ended.ignored,
    )


def mode_of(model: str, effort: str | None) -> Mode | None:
    """The mode that answers: the model's name decides, and the effort where the name leaves it open."""
    mode = MODE_MODELS.get(model)
    return EFFORTS[effort] if mode is Mode.AUTO and effort else mode


def one_line(data: bytes) -> bytes:
    """JSON in which nothing is the end of a line to anybody."""
    if not data.isascii():
        for raw, escaped in _LINE_ENDS:
            data = data.replace(raw, escaped)
    return data


def frame(value: Any) -> bytes:
    """An event that has no name."""
    return b"data: %b\n\n" % one_line(ENCODER.encode(value))


def named_frame(name: str, value: Any) -> bytes:
    """An event with its name."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), one_line(ENCODER.encode(value)))


def identified(piece: CallPiece, answer: str) -> CallPiece:
    """The first part of a call with an id, where the server gave none."""
    return msgspec.structs.replace(piece, id=piece.id or f"call_{answer}_{piece.index}")


def token_logprobs(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What a server says of each token, in the shape that OpenAI's formats give it."""
    found: list[dict[str, Any]] = []
    for entry in entries:
        told_of: Any = entry.get("top_logprobs")
        others = cast(list[Any], told_of) if isinstance(told_of, list) else []
        alternatives = [_token(cast(dict[str, Any], other)) for other in others if isinstance(other, dict)]
        found.append({**_token(entry), "top_logprobs": alternatives})
    return found


def _token(entry: Mapping[str, Any]) -> dict[str, Any]:
    token, value, raw = str(entry.get("token", "")), entry.get("logprob"), entry.get("bytes")
    octets = cast(list[Any], raw) if isinstance(raw, list) else list(token.encode())
    # Neither NaN nor an infinity is JSON; `max` takes the first of two that cannot be compared.
    logprob = min(0.0, max(_LEAST_LOGPROB, value)) if isinstance(value, int | float) else _LEAST_LOGPROB
    return {"token": token, "logprob": logprob, "bytes": octets}
