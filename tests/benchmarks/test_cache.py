"""Kept model calls: what is asked for once, what is asked for again, and how replays keep step with live calls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from benchmarks.cache import CachedModel, CallStore
from benchmarks.pace import ITEM, ItemCalls

from pierian.models.client import StreamItem
from pierian.models.profiles import Profile
from pierian.models.wire import Finished, Message, Piece, PromptProgress, Request, Usage
from pierian.testing import FunctionalModel, Reply

QUESTION = (Message("user", "How much are 3 pens at 4 euros?"),)
REQUEST = Request(messages=QUESTION, max_tokens=9)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CallStore]:
    with CallStore(tmp_path / "cache" / "calls.db") as opened:
        yield opened


@pytest.fixture
def calls() -> Iterator[ItemCalls]:
    found = ItemCalls()
    token = ITEM.set(found)
    yield found
    ITEM.reset(token)


class Counting(FunctionalModel):
    """Answers with the words that it has not said yet, as an engine that goes on with a started answer."""

    def __init__(self, text: str = "one two three four", *, embedded: bool = True) -> None:
        self.asked: list[Request] = []
        self.words = text.split(" ")
        super().__init__(self.rest, embedded=embedded)

    def rest(self, request: Request) -> list[PromptProgress | Piece]:
        self.asked.append(request)
        last = request.messages[-1]
        said = len(last.content.split(" ")) if last.role == "assistant" else 0
        pieces = [
            Piece(word if index == 0 else f" {word}", logprob=-0.1 * index)
            for index, word in enumerate(self.words)
        ]
        return [PromptProgress(7, 7, 3), *pieces[said:]]


async def all_of(model: CachedModel, request: Request) -> list[StreamItem]:
    return [item async for item in model.stream(request) if not isinstance(item, PromptProgress)]


async def first_of(model: CachedModel, request: Request, pieces: int) -> str:
    """Read so many pieces and leave, as a draft does at a wrong calculation."""
    found: list[str] = []
    async with contextlib.aclosing(model.stream(request)) as items:
        async for item in items:
            if isinstance(item, Piece):
                found.append(item.text)
                if len(found) == pieces:
                    break
    return "".join(found)


def text_of(items: list[StreamItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, Piece))


async def test_a_finished_call_is_asked_for_once(store: CallStore, calls: ItemCalls) -> None:
    def reply(request: Request) -> Reply:
        asked.append(request)
        return Reply([Piece("a", logprob=-0.5), Piece(" thought", thought=True)], "length", Usage(5, 4, 2))

    asked = list[Request]()
    model = CachedModel(FunctionalModel(reply), store, "weights")
    first = await all_of(model, REQUEST)
    assert calls.replayed == 0
    assert await all_of(model, REQUEST) == first
    assert first == [
        Piece("a", logprob=-0.5),
        Piece(" thought", thought=True),
        Finished("length", Usage(5, 4, 2)),
    ]
    assert (len(asked), calls.replayed) == (1, 1)


@pytest.mark.parametrize(
    "other",
    [
        Request(messages=QUESTION, max_tokens=8),
        Request(messages=QUESTION, max_tokens=9, temperature=0.7, seed=1),
        Request(messages=QUESTION, max_tokens=9, seed=1),
        Request(messages=QUESTION, max_tokens=9, top_p=0.9),
        Request(messages=QUESTION, max_tokens=9, top_k=20),
        Request(messages=QUESTION, max_tokens=9, stop=("x",)),
        Request(messages=QUESTION, max_tokens=9, schema={"type": "object"}),
        Request(messages=QUESTION, max_tokens=9, grammar="root ::= x"),
        Request(messages=QUESTION, max_tokens=9, logprobs=True),
        Request(messages=QUESTION, max_tokens=9, repeatable=True),
        Request(messages=QUESTION, max_tokens=9, extra={"reasoning_effort": "low"}),
        Request(messages=(Message("system", "x"), *QUESTION), max_tokens=9),
    ],
)
async def test_whatever_is_sent_tells_calls_apart(store: CallStore, calls: ItemCalls, other: Request) -> None:
    model = CachedModel(Counting(), store, "weights")
    await all_of(model, REQUEST)
    await all_of(model, other)
    await all_of(CachedModel(Counting(), store, "other weights"), REQUEST)
    assert calls.replayed == 0


async def test_samples_without_a_seed_are_drawn_anew(store: CallStore, calls: ItemCalls) -> None:
    inner = Counting()
    model = CachedModel(inner, store, "weights")
    for _ in range(2):
        await all_of(model, Request(messages=QUESTION, max_tokens=9, temperature=0.7))
    assert (len(inner.asked), calls.replayed) == (2, 0)


async def test_a_caller_that_leaves_at_the_same_place_again_gets_it_from_the_store(
    store: CallStore, calls: ItemCalls
) -> None:
    inner = Counting()
    model = CachedModel(inner, store, "weights")
    assert await first_of(model, REQUEST, 3) == "one two three"
    assert await first_of(model, REQUEST, 3) == "one two three"
    assert await first_of(model, REQUEST, 2) == "one two"
    assert (len(inner.asked), calls.replayed) == (1, 2)
    kept = store.get(model.key(REQUEST))
    assert kept is not None and kept.end is None and len(kept.pieces) == 3
    prompts = [item async for item in model.stream(REQUEST) if isinstance(item, PromptProgress)]
    assert prompts == [PromptProgress(7, 7, 3)]  # a left stream has no other count of its prompt


async def test_a_caller_that_reads_on_gets_the_rest_of_the_same_text(
    store: CallStore, calls: ItemCalls
) -> None:
    inner = Counting()
    model = CachedModel(inner, store, "weights")
    await first_of(model, REQUEST, 2)
    whole = await all_of(model, REQUEST)
    assert text_of(whole) == "one two three four"
    assert whole[-1] == Finished("stop", Usage(7, 3, 4))
    assert inner.asked[1].messages == (*QUESTION, Message("assistant", "one two"))
    assert inner.asked[1].max_tokens == REQUEST.max_tokens - 2
    assert await all_of(model, REQUEST) == whole  # now it is kept to its end
    assert (len(inner.asked), calls.replayed) == (2, 2)


async def test_what_follows_a_correction_is_one_answer_with_it(store: CallStore, calls: ItemCalls) -> None:
    inner = Counting()
    model = CachedModel(inner, store, "weights")
    corrected = Request(messages=(*QUESTION, Message("assistant", "one")), max_tokens=9)
    await first_of(model, corrected, 1)
    assert text_of(await all_of(model, corrected)) == " two three four"
    assert inner.asked[1].messages == (*QUESTION, Message("assistant", "one two"))


async def test_less_never_takes_the_place_of_more(store: CallStore, calls: ItemCalls) -> None:
    inner = Counting()
    model = CachedModel(inner, store, "weights")
    whole = await all_of(model, REQUEST)
    key = model.key(REQUEST)
    kept = store.get(key)
    assert kept is not None
    kept.pieces, kept.end = kept.pieces[:1], None
    store.put(key, kept)
    assert await all_of(model, REQUEST) == whole


async def test_the_limit_holds_where_a_beginning_reaches_it(store: CallStore, calls: ItemCalls) -> None:
    inner = Counting()
    model = CachedModel(inner, store, "weights")
    short = Request(messages=QUESTION, max_tokens=2)
    await first_of(model, short, 2)
    assert (await all_of(model, short))[-1] == Finished("length", Usage(7, 3, 2))
    assert len(inner.asked) == 1


@pytest.mark.parametrize("reason", ["remote", "schema", "grammar", "thinks"])
async def test_a_beginning_from_which_nothing_can_go_on_is_not_kept(
    store: CallStore, calls: ItemCalls, reason: str
) -> None:
    inner = Counting(embedded=reason != "remote")
    if reason == "thinks":
        inner.profile = Profile("thinker", "", thinks=True)
    request = Request(
        messages=QUESTION,
        max_tokens=9,
        schema={"type": "object"} if reason == "schema" else None,
        grammar="root ::= x" if reason == "grammar" else "",
    )
    model = CachedModel(inner, store, "weights")
    await first_of(model, request, 2)
    assert store.get(model.key(request)) is None
    assert text_of(await all_of(model, request)) == "one two three four"
    assert (len(inner.asked), calls.replayed) == (2, 0)


async def test_a_cancelled_call_is_not_kept(store: CallStore, calls: ItemCalls) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[Piece]:
        yield Piece("one")
        begun.set()
        await asyncio.Event().wait()

    model = CachedModel(FunctionalModel(lambda _: endless()), store, "weights")
    task = asyncio.create_task(all_of(model, REQUEST))
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert store.get(model.key(REQUEST)) is None


async def test_a_replay_does_not_overtake_a_live_call_beside_it(store: CallStore, calls: ItemCalls) -> None:
    """The live call is shorter, so it must be the first to end, however fast the store is."""
    let_go = asyncio.Event()

    async def slow(count: int) -> AsyncIterator[Piece]:
        for number in range(count):
            await let_go.wait()
            await asyncio.sleep(0)
            yield Piece(f" {number}")

    model = CachedModel(FunctionalModel(lambda request: slow(request.seed or 0)), store, "weights")
    long, short = Request(messages=QUESTION, max_tokens=99, seed=40), REQUEST
    short = Request(messages=QUESTION, max_tokens=99, seed=10)
    let_go.set()
    await all_of(model, long)
    let_go.clear()
    ended: list[str] = []

    async def read(name: str, request: Request) -> None:
        await all_of(model, request)
        ended.append(name)

    tasks = [asyncio.create_task(read("long", long)), asyncio.create_task(read("short", short))]
    for _ in range(100):
        await asyncio.sleep(0)
    assert ended == []  # the live call stands still, and so does the replay
    let_go.set()
    await asyncio.gather(*tasks)
    assert ended == ["short", "long"]
    assert calls.replayed == 1


async def test_replays_side_by_side_end_in_the_order_of_their_length(
    store: CallStore, calls: ItemCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.pace.PIECE_SECONDS", 0.001)
    model = CachedModel(FunctionalModel(lambda request: "word " * (request.seed or 0)), store, "weights")
    requests = [Request(messages=QUESTION, max_tokens=99, seed=seed) for seed in (30, 20, 10)]
    for request in requests:
        await all_of(model, request)
    ended: list[int | None] = []

    async def read(request: Request) -> None:
        await all_of(model, request)
        ended.append(request.seed)

    await asyncio.gather(*(asyncio.create_task(read(request)) for request in requests))
    assert ended == [10, 20, 30]
