"""Accuracy against tokens: `python -m benchmarks.reasoning --mode thinking --limit 100 --data FILE`.

Modes are those of Pierian and `single`, one greedy worked solution by the model's habitual prompt, the peer that
everything is compared with on the same engine. Each finished item is appended to a JSON Lines file, so that an
interrupted run continues where it was; the summary is written beside it. `--against FILE` compares pairwise
with another run's items.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.datasets import Item, load
from benchmarks.intervals import paired_difference, wilson
from pierian.assistant import AskRequest, Assistant
from pierian.config import Settings
from pierian.config import load as load_settings
from pierian.events import AnswerReady, DraftFinished, DraftStarted
from pierian.exceptions import PierianError
from pierian.models.model import Model, open_model
from pierian.models.wire import Finished, Message, Piece, Request
from pierian.reasoning.mode import Mode

RESULTS = Path(__file__).parent / "results"
SINGLE = "Please reason step by step, and put your final answer within \\boxed{}."
SINGLE_TOKENS = 1024


async def ask_mode(assistant: Assistant, item: Item, mode: Mode) -> dict[str, Any]:
    """One item through the assistant."""
    drafts: dict[int, list[Any]] = {}
    async for event in assistant.stream(AskRequest(question=item.question, mode=mode)):
        if isinstance(event, DraftStarted):
            drafts[event.draft] = [event.approach]
        elif isinstance(event, DraftFinished):
            drafts[event.draft] += [event.value, event.tokens]
        elif isinstance(event, AnswerReady):
            answer, spend = event.answer, event.answer.receipt.spend
            return {
                "text": answer.text,
                "value": answer.value,
                "tokens": spend.completion_tokens,
                "prompt_tokens": spend.prompt_tokens,
                "cached_tokens": spend.cached_tokens,
                "drafts": list(drafts.values()),
                "agreeing": answer.receipt.agreeing,
                "checks": [[c.kind, c.outcome] for c in answer.receipt.checks],
                "cut_short": answer.receipt.cut_short,
            }
    raise AssertionError


async def ask_single(model: Model, item: Item) -> dict[str, Any]:
    """One greedy worked solution, without anything of Pierian's."""
    request = Request(
        messages=(Message("system", SINGLE), Message("user", item.question)), max_tokens=SINGLE_TOKENS
    )
    text, usage, reason = "", None, ""
    async with contextlib.aclosing(model.stream(request)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Piece):
                text += piece.text
            elif isinstance(piece, Finished):
                usage, reason = piece.usage, piece.reason
    assert usage is not None
    return {
        "text": text,
        "value": "",
        "tokens": usage.completion_tokens,
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "cut_short": "limit" if reason == "length" else "",
    }


async def run(arguments: argparse.Namespace, settings: Settings, items: list[Item], out: Path) -> None:
    """Every item that is not in the file yet, `--parallel` at a time."""
    done = {row["id"] for row in rows_of(out)}
    left = [item for item in items if item.id not in done]
    print(f"{len(items)} items, {len(items) - len(left)} of them already in {out}", file=sys.stderr)
    gate = asyncio.Semaphore(arguments.parallel)
    async with contextlib.AsyncExitStack() as stack:
        if arguments.mode == "single":
            model = await stack.enter_async_context(open_model(settings))
        else:
            assistant = await stack.enter_async_context(Assistant(settings))

        async def one(item: Item) -> None:
            async with gate:
                started = time.monotonic()
                if arguments.mode == "single":
                    row = await ask_single(model, item)
                else:
                    row = await ask_mode(assistant, item, Mode(arguments.mode))
                correct = item.score(row["text"], row["value"])
                row = {"id": item.id, "group": item.group, "correct": correct, "gold": item.gold} | row
                row["seconds"] = round(time.monotonic() - started, 2)
                with out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                print("." if correct else "x", end="", flush=True, file=sys.stderr)

        await asyncio.gather(*(one(item) for item in left))
    print(file=sys.stderr)


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The finished items of a run; a line cut off by an interruption is left out."""
    rows: dict[str, dict[str, Any]] = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                row = json.loads(line)
                rows.setdefault(row["id"], row)  # the first answer counts, should one ever stand twice
    return list(rows.values())


def summary(rows: list[dict[str, Any]], **labels: Any) -> dict[str, Any]:
    """What is reported of a run."""
    total, correct = len(rows), sum(row["correct"] for row in rows)
    tokens, low_high = sum(row["tokens"] for row in rows), wilson(correct, total)
    return labels | {
        "items": total,
        "correct": correct,
        "accuracy": round(correct / total, 4) if total else 0.0,
        "interval": [round(x, 4) for x in low_high],
        "tokens_per_question": round(tokens / total, 1) if total else 0.0,
        "tokens_per_correct_answer": round(tokens / correct, 1) if correct else None,
        "seconds_per_question": round(sum(row["seconds"] for row in rows) / total, 2) if total else 0.0,
        "cut_short": sum(bool(row.get("cut_short")) for row in rows),
    }


def compare(rows: list[dict[str, Any]], others: list[dict[str, Any]]) -> dict[str, Any]:
    """Paired difference with another run over the items that both have."""
    mine, theirs = {r["id"]: r for r in rows}, {r["id"]: r for r in others}
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
    parser.add_argument("--mode", choices=["single", *[m.value for m in Mode]], required=True)
    parser.add_argument("--data", type=Path, required=True, help="a JSON Lines file of a supported set")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--model", default=None)
    parser.add_argument("--base-url", default=None)
    parser.add_argument(
        "--parallel", type=int, default=1, help="items at a time; 1 where seconds are to count"
    )
    parser.add_argument("--name", default="", help="tells runs of different versions apart")
    parser.add_argument("--against", type=Path, help="items of another run to compare with, pair by pair")
    return parser.parse_args(command_line)


def main() -> int:
    """Run, summarise, write."""
    arguments = arguments_of()
    settings = load_settings(model=arguments.model, base_url=arguments.base_url)
    items = load(arguments.data, arguments.limit)
    name = "-".join(
        filter(None, [arguments.data.parent.name, arguments.data.stem, arguments.mode, arguments.name])
    )
    out = RESULTS / f"{name}.jsonl"
    RESULTS.mkdir(exist_ok=True)
    try:
        asyncio.run(run(arguments, settings, items, out))
    except PierianError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the same command continues.", file=sys.stderr)
    wanted = {item.id for item in items}
    rows = [row for row in rows_of(out) if row["id"] in wanted]
    report = summary(rows, data=str(arguments.data.name), mode=arguments.mode, model=settings.model)
    if arguments.against:
        report["against"] = {"file": arguments.against.name} | compare(rows, rows_of(arguments.against))
    out.with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
