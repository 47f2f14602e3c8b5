"""Sixth step: `python -m training.evaluate FOLDER --data FILE…` measures the exported adapter on the engine.

Each item is asked for one greedy worked solution without the adapter (scale 0) and with it (scale 1), and with
`--samples N` for that many sampled ones with it, whose votes are counted as far as the tokens of the single solution
without go. `--speed` measures what the adapter costs in tokens a second, in pairs of runs that take turns. Finished
items are kept, so that an interrupted measurement continues. Needs no torch.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.datasets import Item
from benchmarks.intervals import paired_difference, quantile_and_interval, wilson
from benchmarks.peers import complete, habitual, votes_of_first
from msgspec import structs

from benchmarks import rows
from pierian.config import load as load_settings
from pierian.exceptions import PierianError
from pierian.models.model import Model, open_model
from pierian.models.wire import Message, Request
from training.recipe import RunFolder, items_of, parser_of
from training.trying import known_adapter

BLOCK = 16
SPEED_PROMPT = "Tell a long story about a lighthouse keeper and a cat."


async def measure(run: RunFolder, model: Model, items: list[tuple[str, Item]], samples: int) -> None:
    """Every item that is not in the file yet, as many side by side as the model has slots."""
    rows.mend(run.evaluation)
    done = {row["id"] for row in rows.read(run.evaluation)}
    gate = asyncio.Semaphore(model.slots)
    most = run.recipe.evaluating.max_tokens

    async def one(name: str, item: Item, scale: float, seeds: tuple[int | None, ...]) -> None:
        made_with = model.adapter.sha256 if model.adapter and scale else ""
        key = f"{name}/{item.id}/{made_with}/{len(seeds) if seeds != (None,) else 'greedy'}"
        if key in done:
            return
        async with gate:
            found = [await _ask(model, item, seed, scale, most) for seed in seeds]
            row = {"id": key, "set": name, "item": item.id, "group": item.group, "scale": scale}
            row["adapter"] = made_with
            if seeds == (None,):
                row |= found[0]
            else:
                row |= {"samples": found}
            rows.append(run.evaluation, row)

    # In blocks of one scale: the engine computes answers of two scales in turns, not together. An interruption leaves
    # pairs of all blocks but the last.
    drawn = tuple(range(1, samples + 1))
    for begin in range(0, len(items), BLOCK):
        block = items[begin : begin + BLOCK]
        await asyncio.gather(*(one(name, item, 0.0, (None,)) for name, item in block))
        await asyncio.gather(*(one(name, item, 1.0, (None,)) for name, item in block))
        if samples:
            await asyncio.gather(*(one(name, item, 1.0, drawn) for name, item in block))


async def _ask(model: Model, item: Item, seed: int | None, scale: float, most: int) -> dict[str, Any]:
    request = structs.replace(habitual(model, item, seed), adapter_scale=scale, max_tokens=most)
    row = await complete(model, request)
    return {
        "text": row["text"],
        "value": item.value(row["text"]),
        "correct": item.score(row["text"], ""),
        "tokens": row["tokens"],
        "cut_short": row["cut_short"],
    }


def table(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each set: accuracy and tokens without and with the adapter, over items that have both."""
    lines: list[dict[str, Any]] = []
    for name in sorted({row["set"] for row in found}):
        own = [row for row in found if row["set"] == name]
        base = {row["item"]: row for row in own if row["scale"] == 0}
        with_it = {row["item"]: row for row in own if row["scale"] == 1 and "samples" not in row}
        voted = {row["item"]: row for row in own if "samples" in row}
        both = sorted(base.keys() & with_it.keys())
        if not both:
            continue
        first, second = [base[i]["correct"] for i in both], [with_it[i]["correct"] for i in both]
        points, low, high = paired_difference(second, first)
        tokens = [sum(rows_[i]["tokens"] for i in both) for rows_ in (base, with_it)]
        line = {
            "set": name,
            "items": len(both),
            "base": _share(first),
            "adapter": _share(second),
            "points": round(100 * points, 1),
            "points_interval": [round(100 * low, 1), round(100 * high, 1)],
            "base_tokens": round(tokens[0] / len(both), 1),
            "adapter_tokens": round(tokens[1] / len(both), 1),
            "token_ratio": round(tokens[1] / max(1, tokens[0]), 3),
            "groups": _groups(base, with_it, both),
        }
        if voted.keys() >= set(both):
            line["votes"] = _votes([voted[i] for i in both], tokens[0])
        lines.append(line)
    return lines


def _share(correct: list[bool]) -> dict[str, Any]:
    low, high = wilson(sum(correct), len(correct))
    return {"share": round(sum(correct) / len(correct), 4), "interval": [round(low, 4), round(high, 4)]}


def _groups(base: dict[str, Any], with_it: dict[str, Any], both: list[str]) -> dict[str, list[int]]:
    """For each task of a set that has several: items, right without the adapter, right with it."""
    counts: dict[str, list[int]] = {}
    for item in both:
        group = base[item]["group"]
        if group:
            count = counts.setdefault(group, [0, 0, 0])
            count[0] += 1
            count[1] += base[item]["correct"]
            count[2] += with_it[item]["correct"]
    return counts


def _votes(voted: list[dict[str, Any]], tokens: int) -> dict[str, Any]:
    """As many votes as cost no more tokens than the single solutions without the adapter; one at least."""
    most = len(voted[0]["samples"])
    best: dict[str, Any] = {}
    for count in range(1, most + 1):
        counted = [votes_of_first(row, count) for row in voted]
        spent = sum(row["tokens"] for row in counted)
        if best and spent > tokens:
            break
        best = {"samples": count, "tokens": round(spent / len(voted), 1)} | _share(
            [r["correct"] for r in counted]
        )
    return best


async def speed(run: RunFolder, model: Model) -> dict[str, Any]:
    """Tokens a second with the adapter as a share of those without: the median of pairs, with its interval."""
    evaluating = run.recipe.evaluating
    ratios: list[float] = []
    await _seconds(model, 0.0, 8)
    for pair in range(evaluating.speed_pairs):
        order = (0.0, 1.0) if pair % 2 == 0 else (1.0, 0.0)
        took = {scale: await _seconds(model, scale, evaluating.speed_tokens) for scale in order}
        ratios.append(took[0.0] / took[1.0])
    median, interval = quantile_and_interval(ratios, 0.5, 3)
    return {
        "pairs": len(ratios),
        "tokens": evaluating.speed_tokens,
        "ratio": median,
        "interval": list(interval),
    }


async def _seconds(model: Model, scale: float, tokens: int) -> float:
    """Seconds from the first to the last of so many tokens."""
    request = Request(
        messages=(Message("user", SPEED_PROMPT),),
        max_tokens=tokens,
        adapter_scale=scale,
        extra={"ignore_eos": True},
    )
    times: list[float] = []
    async for _ in model.stream(request):
        times.append(time.monotonic())
    return times[-1] - times[1]  # the first item is the prompt's progress


async def work(run: RunFolder, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Make the adapter known, measure, and report."""
    recipe = run.recipe
    run.say_if_stale(run.adapter)
    items = [
        (f"{file.parent.name}/{file.stem}", item)
        for file in arguments.data
        for item in items_of(file, arguments.limit or recipe.evaluating.limit)
    ]
    with known_adapter(run) as adapter:
        async with open_model(load_settings(model=recipe.model, adapter=adapter.name, base_url="")) as model:
            if arguments.speed:
                run.log("evaluate", speed=await speed(run, model))
            await measure(run, model, items, arguments.samples)
    wanted = {(name, item.id) for name, item in items}
    found = [row for row in rows.read(run.evaluation) if (row["set"], row["item"]) in wanted]
    lines = table([row for row in found if row["adapter"] in ("", adapter.sha256)])
    for line in lines:
        run.log("evaluate", sha256=adapter.sha256, **line)
    return lines


def main() -> int:
    """Measure."""
    parser = parser_of("evaluate", __doc__)
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="JSON Lines of supported sets")
    parser.add_argument("--limit", type=int, default=None, help="only the first items of each")
    parser.add_argument("--samples", type=int, default=0, help="votes to draw with the adapter")
    parser.add_argument("--speed", action="store_true", help="measure tokens a second as well")
    arguments = parser.parse_args()
    run = RunFolder(arguments.folder)
    try:
        lines = asyncio.run(work(run, arguments))
    except PierianError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; the same command continues.", file=sys.stderr)
        return 130
    print(json.dumps(lines, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
