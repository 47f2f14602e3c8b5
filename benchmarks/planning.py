"""Plans from requests: `python -m benchmarks.planning --data FOLDER --task calendar|meeting|trip`.

`--data` holds the three files of NATURAL PLAN (google-deepmind/natural-plan). Each request is read, solved,
checked and scored (`planning_sets`); rows are appended to a compressed file, so that an interrupted run
continues where it was. `--voices` asks in other words (`planning_paraphrases`), `--given` takes the true
constraints instead of reading, which is the engine's upper bound, `--no-model` reads without the model.
`--task scenarios` plans made-up journeys with a known best plan, `--task speed` times two weeks with 500
offers and 10 calendars; both need no data and no model.
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

from benchmarks import planning_bank, planning_bank_judging, rows
from benchmarks.intervals import wilson
from benchmarks.planning_composed import composed
from benchmarks.planning_paraphrases import VOICES, paraphrased
from benchmarks.planning_scenarios import conflicts, fewest, large, scenario
from benchmarks.planning_sets import FILES, Item, load, right, true_problem
from pierian.budget import Ledger, Limits
from pierian.config import load as load_settings
from pierian.exceptions import PierianError
from pierian.models.model import open_model
from pierian.models.structured import Payment
from pierian.planning import explain_conflict, faults, solve
from pierian.planning.extracting import extract
from pierian.planning.judging import Judge, ModelJudge, fixed_prompt

RESULTS = Path(__file__).parent / "results"


async def run(arguments: argparse.Namespace, items: list[Item], out: Path) -> None:
    """Every item that is not in the file yet."""
    rows.mend(out)
    done = {row["id"] for row in rows.read(out)}
    async with contextlib.AsyncExitStack() as stack:
        judge: Judge | None = None
        if not arguments.no_model and not arguments.given:
            model = await stack.enter_async_context(
                open_model(load_settings(model=arguments.model), prefixes=[fixed_prompt()])
            )
            judge = ModelJudge(model, Payment(Ledger(Limits())))
        for number, item in enumerate(items):
            for voice in arguments.voices or [None]:
                name = item.id if voice is None else f"{item.id}/{voice}"
                if name in done:
                    continue
                request = item.request if voice is None else said_anew(item, voice, number)
                row = await one(item, request, judge, given=arguments.given)
                rows.append(out, {"id": name, "voice": voice} | row)
                print("." if row["correct"] else "x", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)


def said_anew(item: Item, voice: str, number: int) -> str:
    """The request of an item in other words: `mixed` or a number for those written by hand, `bank` or `judging` with
    a seed (`bank:3`) for those composed."""
    kind, _, seed = voice.partition(":")
    banks = {"bank": planning_bank.BANK, "judging": planning_bank_judging.BANK}
    if kind in banks:
        return composed(item, banks[kind], int(seed or 0))
    return paraphrased(item, number % VOICES if voice == "mixed" else int(voice))


async def one(item: Item, request: str, judge: Judge | None, *, given: bool) -> dict[str, Any]:
    """One request: read, solved, scored."""
    started = time.monotonic()
    try:
        if given:
            problem, asked, said = true_problem(item), 0, ""
        else:
            read = await extract(request, judge)
            problem, asked, said = read.problem, read.asked, "; ".join(read.echo)
        plan = solve(problem)
    except PierianError as error:
        return {"correct": False, "error": str(error), "seconds": round(time.monotonic() - started, 3)}
    return {
        "correct": right(item, plan, problem),
        "plan": [] if plan is None else [(at.activity, at.begins, at.ends) for at in plan.placed],
        "read": said,
        "asked": asked,
        "faults": [] if plan is None else faults(problem, plan),
        "seconds": round(time.monotonic() - started, 3),
    }


def summary(found: list[dict[str, Any]], **labels: Any) -> dict[str, Any]:
    """What is reported of a run."""
    total, correct = len(found), sum(row["correct"] for row in found)
    return labels | {
        "items": total,
        "correct": correct,
        "share": round(correct / total, 4) if total else 0.0,
        "interval": [round(x, 4) for x in wilson(correct, total)],
        "plans_with_faults": sum(bool(row.get("faults")) for row in found),
        "questions_to_the_model": sum(row.get("asked", 0) for row in found),
        "seconds": round(sum(row["seconds"] for row in found) / total, 3) if total else 0.0,
    }


def scenarios(number: int) -> dict[str, Any]:
    """Made-up journeys against trying everything out."""
    solvable = best = impossible = told = violations = 0
    for seed in range(number):
        made = scenario(seed)
        plan = solve(made.problem)
        if plan is not None:
            violations += bool(faults(made.problem, plan))
        if made.best is None:
            impossible += 1
            if plan is None:
                reason = explain_conflict(made.problem).wishes
                told += conflicts(made, reason) and len(reason) == fewest(made)
        else:
            solvable += 1
            best += plan is not None and plan.total is not None and plan.total.amount == made.best
    return {
        "solvable": solvable,
        "best_found": best,
        "best_interval": [round(x, 4) for x in wilson(best, solvable)],
        "impossible": impossible,
        "true_reason": told,
        "reason_interval": [round(x, 4) for x in wilson(told, impossible)],
        "plans_with_violations": violations,
    }


def speed(number: int) -> dict[str, Any]:
    """Seconds for two weeks, 500 offers and 10 calendars, without and with a dozen things to see."""
    found: dict[str, Any] = {}
    for label, sights in (("without sights", 0), ("with 12 sights", 12)):
        taken: list[float] = []
        for seed in range(number):
            problem = large(seed, sights)
            started = time.monotonic()
            solve(problem)
            taken.append(round(time.monotonic() - started, 2))
        found[label] = {"seconds": taken, "slowest": max(taken)}
    return found


def arguments_of(command_line: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.planning", description=__doc__)
    parser.add_argument("--task", choices=[*FILES, "scenarios", "speed"], required=True)
    parser.add_argument("--data", type=Path, help="the folder with the set's files")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument(
        "--voices", nargs="*", help="numbers of voices, or `mixed` for each item in one of them"
    )
    parser.add_argument("--given", action="store_true", help="take the true constraints instead of reading")
    parser.add_argument("--no-model", action="store_true", help="read without the model")
    parser.add_argument("--model", default=None)
    arguments = parser.parse_args(command_line)
    if arguments.task in FILES and arguments.data is None:
        parser.error("--data is needed for this task")
    return arguments


def file_of(arguments: argparse.Namespace) -> Path:
    """Where the rows of a run go."""
    kind = "given" if arguments.given else "read" if arguments.no_model else arguments.model or "default"
    voices = f"voices_{'_'.join(arguments.voices)}" if arguments.voices else ""
    parts = ["planning", arguments.task, kind, voices]
    return RESULTS / f"{'-'.join(part for part in parts if part)}.jsonl.gz"


def main() -> int:
    """Run, summarise."""
    arguments = arguments_of()
    if arguments.task == "scenarios":
        print(json.dumps(scenarios(arguments.limit or 100), indent=2))
        return 0
    if arguments.task == "speed":
        print(json.dumps(speed(arguments.limit or 5), indent=2))
        return 0
    items, out = load(arguments.data, arguments.task, arguments.limit), file_of(arguments)
    RESULTS.mkdir(exist_ok=True)
    try:
        asyncio.run(run(arguments, items, out))
    except PierianError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; the same command continues.", file=sys.stderr)
    wanted = {item.id for item in items}
    found = [row for row in rows.read(out) if row["id"].split("/")[0] in wanted]
    print(json.dumps(summary(found, task=arguments.task, file=out.name), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
