"""From a `Call` to the items of its answer, metered: a mode answers through the assistant, a model of the engine's by
itself.

Whatever is used is reserved before and settled after, also when the client leaves in the middle. Nothing here knows a
wire format.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Sequence

from msgspec import structs

from pierian.metering import Caller, Use
from pierian.models.model import Model
from pierian.models.wire import CallPiece, Finished, Message, Piece, PromptProgress, Request
from pierian.reasoning import Kind, Mode, classify
from pierian.server.answer_stream import AnswerStream
from pierian.server.asking import BILLION, Account
from pierian.server.call import Call, Ended, EndReason, Item, Used
from pierian.server.conversation import as_history, in_parts, pictures_shown
from pierian.server.errors import ApiError
from pierian.server.pictures import for_model, for_readers
from pierian.server.service import Service
from pierian.server.stops import StopFinder

ENGINE_TOKENS = 4096
"""Most tokens of a model's own answer where the client names no limit: what it may cost has to be bounded."""


async def answer(
    service: Service, call: Call, caller: Caller, admitted: Awaitable[object]
) -> AsyncGenerator[Item]:
    """The items of one answer, `Ended` last. Leaving early ends the work and settles what it used.

    No model is asked before `admitted` is there.
    """
    mode = call.mode
    if any(message.images for message in call.messages) and not await service.sees(call):
        told = f"The model {call.model} reads no pictures. Send them to a mode, which has readers, or leave them out."
        raise ApiError(400, told, param="messages", code="vision_not_supported")
    if mode is not None:
        await admitted
        items = by_mode(service, call, mode, caller)
    else:
        items = by_model(service, call, caller, admitted)
    async with contextlib.aclosing(items):
        async for item in items:
            yield item


async def by_mode(service: Service, call: Call, mode: Mode, caller: Caller) -> AsyncGenerator[Item]:
    """A mode answers: reasoned, checked, with a receipt."""
    parts = in_parts(call.messages)
    account = Account.of(service, caller, mode)
    request = account.question(
        parts.text,
        images=await for_readers(service, call.messages),
        history=as_history(parts.history),
        seed=call.seed,
        budget_tokens=call.max_tokens,
        instructions=parts.instructions,
        offered=call.tools,
        called=parts.called,
        tool_choice=call.tool_choice,
        parallel_calls=call.parallel_calls,
        schema=call.schema,
    )
    # Where drafts compete, or the form is made at the end, what is written first need not be what is answered.
    live = call.schema is None and (mode is Mode.INSTANT or classify(parts.question).kind is Kind.OPEN)
    stream = AnswerStream(live=live, stop=call.stop)
    async with contextlib.aclosing(service.assistant.stream(request)) as events:
        async for event in events:
            for item in stream.items(event):
                if isinstance(item, Ended):
                    item = structs.replace(await _charged(item, account), ignored=_ignored(call))
                yield item


def _ignored(call: Call) -> tuple[str, ...]:
    """What the client set and modes do not follow: each of their calls of a model has sampling of its own."""
    asked = {"temperature": call.temperature, "top_p": call.top_p, "logprobs": call.logprobs or None}
    return tuple(name for name, value in asked.items() if value is not None)


async def _charged(ended: Ended, account: Account) -> Ended:
    """The end of an answer, with what it costs in all."""
    used = ended.used
    money = await account.finish(used.prompt_tokens, used.cached_tokens, used.completion_tokens)
    if account.price.free:
        return ended
    return structs.replace(ended, used=structs.replace(used, money=money / BILLION))


async def by_model(
    service: Service, call: Call, caller: Caller, admitted: Awaitable[object]
) -> AsyncGenerator[Item]:
    """A model of the engine's answers by itself, as it would without us."""
    model = await service.assistant.model()
    name = await _served(service, model, call.model)
    price = service.prices.of(name, "")
    if any(message.images for message in call.messages):
        await admitted
        call = structs.replace(call, messages=await for_model(service, call.messages))
    request = _request(call, model)
    prompt = request.prompt_bound()
    most = Use(prompt, 0, request.max_tokens, price.most(prompt, request.max_tokens))
    finder = StopFinder(call.stop) if _cuts(call, model) else None
    thoughts, reason, stopped, first = 0, "stop", "", None
    async with service.metered(caller, name, price, most, admitted) as bill:
        async with contextlib.aclosing(model.stream(request, model=name)) as items:
            async for item in items:
                if isinstance(item, Finished):
                    usage, reason, stopped = item.usage, item.reason, item.stop
                    if not usage.counted_here:
                        bill.used = (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens)
                elif isinstance(item, PromptProgress):
                    bill.prompt = (item.total, item.cached)
                else:
                    bill.pieces += 1
                    thoughts += isinstance(item, Piece) and item.thought
                    if bill.pieces > 2 * request.max_tokens:
                        reason = "length"  # a server that ignores the limit is left, not believed
                        break
                    if isinstance(item, CallPiece):
                        first = item.index if first is None else first
                        if not call.parallel_calls and item.index != first:
                            continue
                    if finder is not None and isinstance(item, Piece) and not item.thought:
                        text, stopped = finder.feed(item.text)
                        if text:
                            yield Piece(text)
                        if stopped:
                            break
                        continue
                    yield item
        if finder is not None and not stopped and (rest := finder.rest()):
            yield Piece(rest)
        used = bill.final()
    told = Used(
        used.prompt_tokens,
        used.cached_tokens,
        used.completion_tokens,
        min(thoughts, used.completion_tokens),
        None if price.free else used.money / BILLION,
    )
    yield Ended(_reason(reason), told, stop=stopped if stopped in call.stop else "")


async def vectors(
    service: Service, caller: Caller, name: str, texts: Sequence[str]
) -> tuple[Sequence[Sequence[float]], int]:
    """One vector for each text, and the tokens that they had; raises `ApiError` where no server gives any."""
    model = await service.assistant.model()
    if model.embedded:
        raise ApiError(
            404,
            "No embedding model is configured: the engine of this server gives answers only.",
            param="model",
            code="model_not_found",
        )
    name = await _served(service, model, name)
    price = service.prices.of(name, "")
    prompt = sum(len(text.encode()) + 16 for text in texts)
    most = Use(prompt, 0, 0, price.most(prompt, 0))
    async with service.metered(caller, name, price, most) as bill:
        found = await model.embed(texts, model=name)
        bill.used = (found.usage.prompt_tokens, 0, 0)
    return found.vectors, found.usage.prompt_tokens


def _request(call: Call, model: Model) -> Request:
    return Request(
        messages=_one_system(pictures_shown(call.messages)),
        max_tokens=call.max_tokens or ENGINE_TOKENS,
        temperature=call.temperature,
        top_p=call.top_p,
        seed=call.seed,
        repeatable=call.seed is not None,
        stop=() if _cuts(call, model) else call.stop,
        schema=call.schema,
        logprobs=call.logprobs,
        top_logprobs=(call.top_logprobs or 0) if call.logprobs else None,
        tools=call.tools,
        tool_choice=call.tool_choice,
        parallel_calls=call.parallel_calls,
    )


def _cuts(call: Call, model: Model) -> bool:
    """Whether stops are looked for here. The embedded engine heeds them, and does not say which it was; what it used
    is known without its last word too, unlike of a server elsewhere."""
    return model.embedded and call.names_stop and bool(call.stop)


def _one_system(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages with what systems say joined in front, for templates allow one such message."""
    said = [message.content for message in messages if message.role == "system"]
    if len(said) < 2:
        return messages
    rest = tuple(message for message in messages if message.role != "system")
    return (Message("system", "\n\n".join(said)), *rest)


async def _served(service: Service, model: Model, name: str) -> str:
    """The name, where it is one that a request may ask for; raises `ApiError` with those that are."""
    known = await service.served(model)
    if name in known:
        return name
    raise ApiError(
        404,
        f"There is no model {name!r} here. There are: {', '.join(service.names(known))}.",
        param="model",
        code="model_not_found",
    )


def _reason(reason: str) -> EndReason:
    match reason:
        case "length":
            return "length"
        case "tool_calls":
            return "tool_calls"
        case _:
            return "stop"
