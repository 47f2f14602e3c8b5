"""Accuracy against tokens: `python -m benchmarks.reasoning --mode thinking --limit 100 --data FILE`.

Modes are those of Pierian and, as peers on the same engine, `single` (one greedy worked solution by the model's
habitual prompt), `self_consistency` (the majority of several sampled ones) and approaches of optillm. Each finished
item is appended to a compressed JSON Lines file, so that an interrupted run continues where it was; model calls are
kept in `cache/` and asked for once. `--against FILE` compares pairwise with another run's items. Times are taken one
item at a time with `--no-cache`, into rows of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks import optillm_peer, peers, rows
from benchmarks.cache import CachedModel, CallStore
from benchmarks.datasets import Item, load
from benchmarks.intervals import paired_difference, wilson
from benchmarks.pace import ITEM, ItemCalls
from pierian.assistant import AskRequest, Assistant
from pierian.assistant.resources import Resources
from pierian.config import Settings
from pierian.config import load as load_settings
from pierian.events import AnswerReady, Event
from pierian.exceptions import PierianError
from pierian.models.adapters import chosen
from pierian.models.installed import find
from pierian.models.model import Model, open_model
from pierian.reasoning.mode import Mode
from pierian.sandbox import Sandbox

HERE = Path(__file__).parent
RESULTS = HERE / "results"
CACHE = HERE / "cache" / "calls.db"
PEERS = ("single", "self_consistency", *optillm_peer.APPROACHES)
ADAPTER = "+"
"""Before the name of an adapter in the names of files; no such name holds one."""
TIMED = "timed"
"""The last part of the names of files whose rows were made without the cache."""


async def ask_mode(assistant: Assistant, item: Item, mode: Mode, most: int | None) -> dict[str, Any]:
    """One item through the assistant."""
    async with contextlib.aclosing(
        assistant.stream(AskRequest(question=item.question, mode=mode, drafts=most))
    ) as events:
        async for event in events:
            if isinstance(event, AnswerReady):
                answer = event.answer
    receipt = answer.receipt
    return {
        "text": answer.text,
        "value": answer.value,
        "tokens": receipt.spend.completion_tokens,
        "prompt_tokens": receipt.spend.prompt_tokens,
        "cached_tokens": receipt.spend.cached_tokens,
        "drafts": [[d.approach, d.value, d.tokens, d.outcome] for d in receipt.drafts],
        "agreeing": receipt.agreeing,
        "took": receipt.took,
        "stopped": receipt.stopped,
        "checks": [[c.kind, c.outcome] for c in receipt.checks],
        "cut_short": receipt.cut_short,
    }


class MeasuredResources(Resources):
    """What an assistant holds, with the cache of calls between it and the model."""

    def __init__(self, settings: Settings, wrap: Callable[[Model], Model]) -> None:
        super().__init__(settings)
        self._wrap = wrap

    async def open(self, emit: Callable[[Event], None]) -> tuple[Model, Sandbox]:
        """As without the cache, the model wrapped."""
        model, sandbox = await super().open(emit)
        return self._wrap(model), sandbox


class MeasuredAssistant(Assistant):
    """The assistant with those resources."""

    def __init__(self, settings: Settings, wrap: Callable[[Model], Model]) -> None:
        super().__init__(settings)
        self.resources = MeasuredResources(settings, wrap)


async def run(arguments: argparse.Namespace, settings: Settings, items: list[Item], out: Path) -> None:
    """Every item that is not in the file yet, `--parallel` at a time."""
    rows.mend(out)
    done = {row["id"] for row in rows.read(out)}
    left = [item for item in items if item.id not in done]
    print(f"{len(items)} items, {len(items) - len(left)} of them already in {out}", file=sys.stderr)
    gate = asyncio.Semaphore(arguments.parallel)
    async with contextlib.AsyncExitStack() as stack:
        store = None if arguments.no_cache else stack.enter_context(CallStore(CACHE))

        def wrap(model: Model) -> Model:
            return CachedModel(model, store, identity_of(settings)) if store is not None else model

        answer = await answerer(arguments, settings, wrap, stack)

        async def one(item: Item) -> None:
            async with gate:
                calls = ItemCalls()
                ITEM.set(calls)
                started = time.monotonic()
                row = await answer(item)
                correct = item.score(row["text"], row["value"])
                row = {"id": item.id, "group": item.group, "correct": correct, "gold": item.gold} | row
                row["replayed_calls"] = calls.replayed
                # Items beside each other share the engine, so their times tell nothing of one.
                alone = arguments.parallel == 1 and not calls.replayed
                row["seconds"] = round(time.monotonic() - started, 2) if alone else None
                rows.append(out, row)
                print("." if correct else "x", end="", flush=True, file=sys.stderr)

        await asyncio.gather(*(asyncio.create_task(one(item)) for item in left))
    print(file=sys.stderr)


async def answerer(
    arguments: argparse.Namespace,
    settings: Settings,
    wrap: Callable[[Model], Model],
    stack: contextlib.AsyncExitStack,
) -> Callable[[Item], Awaitable[dict[str, Any]]]:
    """What answers an item in the asked-for mode."""
    if arguments.mode in PEERS:
        optillm = arguments.mode in optillm_peer.APPROACHES
        approach = optillm_peer.load_approach(arguments.mode) if optillm else None
        model = wrap(await stack.enter_async_context(open_model(settings)))
        if approach is not None:
            return lambda item: optillm_peer.answer(model, item, approach)
        if arguments.mode == "single":
            return lambda item: peers.single(model, item)
        return lambda item: peers.self_consistency(model, item, arguments.samples)
    assistant = await stack.enter_async_context(MeasuredAssistant(settings, wrap))
    return lambda item: ask_mode(assistant, item, Mode(arguments.mode), arguments.drafts)


def identity_of(settings: Settings) -> str:
    """What the weights are known by: the server and the model's name, or the file's hash, or its size without one;
    and the hash of the adapter beside them."""
    if settings.base_url:
        return f"{settings.base_url} {settings.model}"
    found = find(settings.model)
    adapter = chosen(settings.adapter, settings.model)
    weights = found.sha256 or f"{found.path.name} {found.path.stat().st_size}"
    return f"{weights} {adapter.sha256}" if adapter else weights


def summary(found: list[dict[str, Any]], **labels: Any) -> dict[str, Any]:
    """What is reported of a run."""
    total, correct = len(found), sum(row["correct"] for row in found)
    tokens, timed = sum(row["tokens"] for row in found), [row["seconds"] for row in found if row["seconds"]]
    return labels | {
        "items": total,
        "correct": correct,
        "accuracy": round(correct / total, 4) if total else 0.0,
        "interval": [round(x, 4) for x in wilson(correct, total)],
        "tokens_per_question": round(tokens / total, 1) if total else 0.0,
        "tokens_per_correct_answer": round(tokens / correct, 1) if correct else None,
        "seconds_per_question": round(sum(timed) / len(timed), 2) if timed else None,
        "timed_items": len(timed),
        "cut_short": sum(bool(row.get("cut_short")) for row in found),
    }


def compare(found: list[dict[str, Any]], others: list[dict[str, Any]]) -> dict[str, Any]:
    """Paired difference with another run over the items that both have."""
    mine, theirs = {r["id"]: r for r in found}, {r["id"]: r for r in others}
    both = sorted(mine.keys() & theirs.keys())
    difference, low, high = paired_difference(
        [mine[i]["correct"] for i in both], [theirs[i]["correct"] for i in both]
    )
    ratio = sum(mine[i]["tokens"] for i in both) / max(1, sum(theirs[i]["tokens"] for i in both))
    return {
        "items": len(both),
        "points": round(100 * difference, 1),
        "interval": [round(100 * low, 1), round(100 * high, 1)],
        "token_ratio": round(ratio, 3),
    }


def arguments_of(command_line: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.reasoning", description=__doc__)
    parser.add_argument("--mode", choices=[*PEERS, *[m.value for m in Mode]], required=True)
    parser.add_argument("--data", type=Path, required=True, help="a JSON Lines file of a supported set")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument(
        "--skip", type=int, default=0, help="leave out the first items: those that were looked at"
    )
    parser.add_argument("--samples", type=int, default=8, help="of self_consistency")
    parser.add_argument("--drafts", type=int, default=None, help="most drafts of contemplating")
    parser.add_argument("--model", default=None)
    parser.add_argument("--adapter", default="none", help="an adapter of the model, by name")
    parser.add_argument("--base-url", default=None)
    parser.add_argument(
        "--parallel", type=int, default=1, help="items at a time; seconds are taken only with 1"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="ask the model for every call, into rows of their own"
    )
    parser.add_argument("--against", type=Path, help="items of another run to compare with, pair by pair")
    return parser.parse_args(command_line)


def file_of(arguments: argparse.Namespace) -> Path:
    """Where the rows of a run go: a model that is not the default, data set, mode, the number of samples or drafts
    where it was chosen, with `+` the adapter, and whether the cache was left out."""
    number = arguments.samples if arguments.mode == "self_consistency" else arguments.drafts
    timed = TIMED if arguments.no_cache else ""
    data = (arguments.data.parent.name, arguments.data.stem)
    adapter = "" if arguments.adapter == "none" else f"{ADAPTER}{arguments.adapter}"
    made = "-".join(part for part in (arguments.mode, str(number or "")) if part)
    parts = [arguments.model or "", *data, made + adapter, timed]
    return RESULTS / f"{'-'.join(part for part in parts if part)}.jsonl.gz"


def main() -> int:
    """Run, summarise, write."""
    arguments = arguments_of()
    settings = load_settings(model=arguments.model, base_url=arguments.base_url, adapter=arguments.adapter)
    last = None if arguments.limit is None else arguments.skip + arguments.limit
    items, out = load(arguments.data, last)[arguments.skip :], file_of(arguments)
    RESULTS.mkdir(exist_ok=True)
    try:
        asyncio.run(run(arguments, settings, items, out))
    except PierianError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the same command continues.", file=sys.stderr)
    wanted = {item.id for item in items}
    found = [row for row in rows.read(out) if row["id"] in wanted]
    report = summary(found, data=arguments.data.name, mode=arguments.mode, model=settings.model)
    if arguments.against:
        report["against"] = {"file": arguments.against.name} | compare(found, rows.read(arguments.against))
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
