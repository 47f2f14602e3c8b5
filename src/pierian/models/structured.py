"""Typed output: ask a model for a value, decoded under a JSON schema.

The server is asked to constrain the output. Whether it did is checked here, because some servers ignore the
request and any output may be cut off: what does not fit is repaired once, by showing the model its output and
what is wrong with it, and is an error after that.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, structs

from pierian.budget import Amount, Ledger
from pierian.exceptions import ModelError, PierianError, SchemaIgnored
from pierian.models.model import Model
from pierian.models.wire import Finished, Message, Piece, PromptProgress, Request, Usage

T = TypeVar("T")

_FENCE = re.compile(r"^\s*```(?:json)?\s*(.*?)\s*```\s*$", re.DOTALL)


def _free(prompt_tokens: int, completion_tokens: int) -> float:
    return 0.0


def _ignore(usage: Usage) -> None:
    pass


class Payment(Struct, frozen=True):
    """What a call is paid from, what its tokens cost, and who is told what it used."""

    ledger: Ledger
    price: Callable[[int, int], float] = _free
    """Money for that many prompt and generated tokens."""
    used: Callable[[Usage], None] = _ignore
    least: int | None = None
    """Fewest tokens with which it is worth asking where fewer are left than wanted; None for all or nothing."""


async def structured(model: Model, request: Request, kind: type[T], ledger: Ledger) -> T:
    """A value of `kind`, paid from `ledger`; raises `SchemaIgnored` after one repair.

    `kind` is anything that `msgspec` can decode: a struct, a dataclass, a list of either.
    """

    def read(text: str) -> T:
        return msgspec.json.decode(text, type=kind)

    return await decoded(model, structs.replace(request, schema=schema_of(kind)), read, Payment(ledger))


async def decoded(model: Model, request: Request, read: Callable[[str], T], payment: Payment) -> T:
    """What `read` makes of the output; raises `SchemaIgnored` after one repair.

    `read` raises a `PierianError` or a `msgspec` error whose message tells the model what is wrong. An engine that
    crashes is waited for once.
    """
    text = await _whole(model, request, payment)
    try:
        return read(unfenced(text))
    except (msgspec.MsgspecError, PierianError, UnicodeError) as error:
        wrong = str(error).rstrip(".")
    asked = f"That is not valid: {wrong}. Answer again with JSON that fits the schema, and nothing else."
    again = structs.replace(
        request, messages=(*request.messages, Message("assistant", text or "…"), Message("user", asked))
    )
    text = await _whole(model, again, payment)
    try:
        return read(unfenced(text))
    except (msgspec.MsgspecError, PierianError, UnicodeError) as error:
        raise SchemaIgnored(
            f"The model {model.name} did not give the asked-for form, even after one repair: "
            f"{str(error).rstrip('.')}.",
            hint="The server may ignore JSON schemas; the embedded engine, vLLM and SGLang keep to them.",
        ) from error


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON schema of a type, self-contained."""
    return msgspec.json.schema(kind)


def closed_object(**properties: Any) -> dict[str, Any]:
    """The JSON schema of an object with exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def unfenced(text: str) -> str:
    """A model's output without the code fence around it."""
    found = _FENCE.match(text)
    return found[1] if found else text


async def _whole(model: Model, request: Request, payment: Payment) -> str:
    try:
        return await _once(model, request, payment)
    except ModelError as error:
        await model.recover(error)  # raises `error` again where nothing can be recovered
        return await _once(model, request, payment)


async def _once(model: Model, request: Request, payment: Payment) -> str:
    """The whole text of one generation, reserved before and settled after."""
    bound = request.prompt_bound()
    most, left = request.max_tokens, payment.ledger.tokens_left()
    if left is not None and payment.least is not None and payment.least <= left < most:
        most = left
        request = structs.replace(request, max_tokens=most)
    reservation = await payment.ledger.reserve_soon(Amount(most, payment.price(bound, most)))
    text, pieces, told, prompt = "", 0, None, PromptProgress(0, 0, 0)
    try:
        async with contextlib.aclosing(model.stream(request)) as items:
            async for item in items:
                if isinstance(item, Piece):
                    pieces += 1
                    text += "" if item.thought else item.text
                    if pieces >= 2 * most:
                        break  # a server that ignores max_tokens is left, not believed
                elif isinstance(item, PromptProgress):
                    prompt = item
                elif isinstance(item, Finished):
                    told = item.usage
    finally:
        usage = told
        if usage is None or usage.counted_here:
            # Left early, or the server does not say: the prompt was read by the time that something came.
            read = prompt.total or (bound if pieces else 0)
            usage = Usage(read, prompt.cached, pieces, counted_here=True)
        money = payment.price(usage.prompt_tokens, usage.completion_tokens)
        reservation.settle(Amount(usage.completion_tokens, money, usage.prompt_tokens))
        payment.used(usage)
    return text
