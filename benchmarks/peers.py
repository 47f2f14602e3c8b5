"""What Pierian is compared with, on the same engine and by the model's habitual prompt: one greedy worked solution,
and plain self-consistency (Wang et al., 2022), the majority of several sampled ones. The approaches of optillm are
in `optillm_peer`."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.datasets import Item
from pierian.models.model import Model
from pierian.models.wire import Finished, Message, Piece, Request

PROMPT = "Please reason step by step, and put your final answer within \\boxed{}."
MOST_TOKENS = 1024
TEMPERATURE = 0.7


async def single(model: Model, item: Item) -> dict[str, Any]:
    """One greedy worked solution."""
    return await complete(model, habitual(model, item, None))


async def self_consistency(model: Model, item: Item, samples: int) -> dict[str, Any]:
    """The majority of `samples` worked solutions, drawn with seeds 1 to `samples`; among equals the first to appear.

    Every sample stays in the row, so that votes of the first few and pass@k can be counted from it.
    """
    drawn = await asyncio.gather(
        *(complete(model, habitual(model, item, seed)) for seed in range(1, samples + 1))
    )
    for row in drawn:
        row["value"] = item.value(row["text"])
        row["correct"] = item.score(row["text"], "")
    chosen = majority([row["value"] for row in drawn])
    winner = drawn[chosen]
    return {
        "text": winner["text"],
        "value": "",
        "tokens": sum(row["tokens"] for row in drawn),
        "prompt_tokens": sum(row["prompt_tokens"] for row in drawn),
        "cached_tokens": sum(row["cached_tokens"] for row in drawn),
        "cut_short": "",
        "samples": [{key: row[key] for key in ("value", "correct", "tokens")} for row in drawn],
    }


def majority(values: Sequence[str]) -> int:
    """Which value is held most often: the index of its first holder. Empty values vote for nothing."""
    counts = Counter(value for value in values if value)
    if not counts:
        return 0
    most = max(counts.values())
    return next(i for i, value in enumerate(values) if value and counts[value] == most)


def votes_of_first(row: dict[str, Any], count: int) -> dict[str, Any]:
    """A row of `self_consistency` as it would be with only the first `count` of its samples."""
    first = row["samples"][:count]
    chosen = majority([sample["value"] for sample in first])
    return row | {
        "correct": first[chosen]["correct"],
        "tokens": sum(sample["tokens"] for sample in first),
        "samples": first,
        "seconds": None,
    }


def habitual(model: Model, item: Item, seed: int | None) -> Request:
    """The request for a worked solution: greedy without a seed, otherwise sampled as the family is tuned for."""
    sampled = seed is not None
    return Request(
        messages=(Message("system", PROMPT), Message("user", item.question)),
        max_tokens=MOST_TOKENS,
        temperature=TEMPERATURE if sampled else 0.0,
        top_p=model.profile.top_p if sampled else None,
        top_k=model.profile.top_k if sampled else None,
        seed=seed,
        adapter_scale=float(model.adapter is not None),
    )


async def complete(model: Model, request: Request) -> dict[str, Any]:
    """One call to its end, as a row."""
    text, end = "", None
    async with contextlib.aclosing(model.stream(request)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Piece):
                text += piece.text
            elif isinstance(piece, Finished):
                end = piece
    assert end is not None
    return {
        "text": text,
        "value": "",
        "tokens": end.usage.completion_tokens,
        "prompt_tokens": end.usage.prompt_tokens,
        "cached_tokens": end.usage.cached_tokens,
        "cut_short": "limit" if end.reason == "length" else "",
    }
