"""Typed output: ask a model for a value of a type, decoded under the type's JSON schema.

The server is asked to constrain the output. Whether it did is checked here, because some servers ignore the
request and any output may be cut off: what does not fit is repaired once, by showing the model its output and
what is wrong with it, and is an error after that.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any, TypeVar

import msgspec
from msgspec import structs

from pierian.budget import Amount, Ledger
from pierian.exceptions import SchemaIgnored
from pierian.models.model import Model
from pierian.models.wire import Finished, Message, Piece, Request

T = TypeVar("T")

_FENCE = re.compile(r"^\s*```(?:json)?\s*(.*?)\s*```\s*$", re.DOTALL)


async def structured(model: Model, request: Request, kind: type[T], ledger: Ledger) -> T:
    """A value of `kind`, paid from `ledger`; raises `SchemaIgnored` after one repair.

    `kind` is anything that `msgspec` can decode: a struct, a dataclass, a list of either.
    """
    request = structs.replace(request, schema=schema_of(kind))
    text = await _whole(model, request, ledger)
    try:
        return decode(text, kind)
    except msgspec.MsgspecError as error:
        wrong = str(error)
    asked = f"That is not valid: {wrong}. Answer again with JSON that fits the schema, and nothing else."
    again = structs.replace(
        request, messages=(*request.messages, Message("assistant", text or "…"), Message("user", asked))
    )
    text = await _whole(model, again, ledger)
    try:
        return decode(text, kind)
    except msgspec.MsgspecError as error:
        raise SchemaIgnored(
            f"The model {model.name} did not give the asked-for form, even after one repair: {error}.",
            hint="The server may ignore JSON schemas; the embedded engine, vLLM and SGLang keep to them.",
        ) from error


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON schema of a type, self-contained."""
    return msgspec.json.schema(kind)


def decode(text: str, kind: type[T]) -> T:
    """The value in a model's output; a code fence around it is taken off."""
    found = _FENCE.match(text)
    return msgspec.json.decode(found[1] if found else text, type=kind)


async def _whole(model: Model, request: Request, ledger: Ledger) -> str:
    """The whole text of one generation, reserved before and settled after."""
    reservation, text, used = ledger.reserve(Amount(request.max_tokens)), "", 0
    try:
        async with contextlib.aclosing(model.stream(request)) as items:
            async for item in items:
                if isinstance(item, Piece):
                    used += 1
                    text += "" if item.thought else item.text
                elif isinstance(item, Finished):
                    used = item.usage.completion_tokens
    finally:
        reservation.settle(Amount(used))
    return text
