"""WorkBench's requests for calendar and mail, carried out by the default model: `python -m benchmarks.workbench`.

Pierian's planner, runner and tools (`--arm ours`) or the same model in a plain tool loop with the same tools (`--arm
loop`), over real servers on loopback (`workbench_world`). Right is a request after which exactly that has changed
which WorkBench's own calls change (`workbench_tasks`). Whoever is asked for approval says yes to everything: what is
wrong then counts as a side effect. The final answer is not scored, so Pierian's is not written. Finished requests are
appended to a file, so that an interrupted run goes on; `--against` compares pair by pair.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import rows
from benchmarks.bfcl import SPENT, CountingModel, Spent
from benchmarks.intervals import wilson
from benchmarks.reasoning import RESULTS, compare
from benchmarks.workbench_loop import loop
from benchmarks.workbench_tasks import NOW, Task, right, tables, tasks
from benchmarks.workbench_world import World, world
from pierian.agents.account_tools import people_named
from pierian.agents.entities import find_entities
from pierian.agents.plan import describe, from_dicts
from pierian.agents.session import Desk, act
from pierian.budget import Ledger, Limits
from pierian.config import load as load_settings
from pierian.events import ApprovalNeeded, Event, PlanMade, StepFailed
from pierian.exceptions import PierianError
from pierian.models.client import StreamItem
from pierian.models.model import Model, open_model
from pierian.models.wire import Finished, Piece, Request, Usage
from pierian.reasoning.question import classify
from pierian.reasoning.run import Run
from pierian.runs.approvals import Approvals
from pierian.runs.workers import Worker
from pierian.sandbox import Sandbox

ARMS = ("ours", "loop")
GROUPS = ("calendar", "email", "multi_domain")
MOST_TOKENS = 20_000
"""Of one request."""


class Unwritten(CountingModel):
    """A model that is not asked for the answer's text: plans and what is read are decoded under a schema."""

    async def stream(self, request: Request) -> AsyncGenerator[StreamItem]:
        """As the inner model, where a schema is wanted."""
        if request.schema is None:
            yield Piece("Done.")
            yield Finished("stop", Usage(0, 0, 0))
            return
        async with contextlib.aclosing(super().stream(request)) as items:
            async for item in items:
                yield item


async def ours(model: Model, sandbox: Sandbox, opened: World, task: Task, row: dict[str, Any]) -> None:
    """A request through Pierian's session."""
    with opened.opened() as (database, tools), Worker(database) as worker:
        approvals = Approvals(database)

        def emit(event: Event) -> None:
            if isinstance(event, ApprovalNeeded):
                approvals.answer(event.approval, approved=True)
            elif isinstance(event, PlanMade):
                row["plan"] += [describe(step) for step in from_dicts(event.steps).steps]
            elif isinstance(event, StepFailed):
                row["failures"].append(f"{event.code}: {event.message}"[:200])

        ledger = Ledger(Limits(tokens=MOST_TOKENS))
        run = Run(Unwritten(model), sandbox, ledger, classify(task.request), emit)
        known = people_named(task.request, database, "local")
        entities = find_entities(task.request, now=NOW, known=known)
        session = await act(run, Desk(tools, database, worker, waits=True), list(tools), entities)
        if session is not None:
            await session.end("done")
        row["changes"] = [list(one) for one in opened.changes().elements()]


async def plain_loop(model: Model, opened: World, task: Task, row: dict[str, Any]) -> None:
    """A request through the loop."""
    with opened.opened() as (_, tools):
        people = opened.tables.people
        row["calls"] = await loop(CountingModel(model), list(tools.values()), task.request, NOW, people)
        row["changes"] = [list(one) for one in opened.changes().elements()]


async def run(arguments: argparse.Namespace, wanted: Sequence[Task], out: Path) -> None:
    """Every request that is not in the file yet."""
    rows.mend(out)
    done = {row["id"] for row in rows.read(out)}
    left = [task for task in wanted if task.id not in done]
    print(f"{len(wanted)} requests, {len(wanted) - len(left)} of them already in {out}", file=sys.stderr)
    known = tables(arguments.data)
    settings = load_settings(model=arguments.model, base_url=arguments.base_url)
    with tempfile.TemporaryDirectory(prefix="workbench-") as folder, world(Path(folder), known) as opened:
        async with Sandbox() as sandbox, open_model(settings) as model:
            for task in left:
                row: dict[str, Any] = {
                    "id": task.id, "group": task.group, "request": task.request,
                    "plan": [], "failures": [], "changes": [], "error": "",
                }  # fmt: skip
                spent, started = Spent(), time.monotonic()
                SPENT.set(spent)
                try:
                    if arguments.arm == "ours":
                        await ours(model, sandbox, opened, task, row)
                    else:
                        await plain_loop(model, opened, task, row)
                except PierianError as error:
                    row["error"] = f"{type(error).__name__}: {error}"[:300]
                found = Counter(tuple(one) for one in row["changes"])
                row["correct"] = not row["error"] and right(task, found)
                row["side_effect"] = bool(found - Counter(task.changes))
                row |= vars(spent) | {"seconds": round(time.monotonic() - started, 2)}
                rows.append(out, row)
                print("." if row["correct"] else "x", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)


def summary(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What is reported of some rows."""
    total, correct = len(found), sum(row["correct"] for row in found)
    return {
        "requests": total,
        "correct": correct,
        "accuracy": round(correct / total, 4) if total else 0.0,
        "interval": [round(x, 4) for x in wilson(correct, total)],
        "with a side effect": sum(row["side_effect"] for row in found),
        "errors": sum(bool(row["error"]) for row in found),
        "tokens a request": round(sum(row["tokens"] for row in found) / total, 1) if total else 0.0,
        "seconds a request": round(sum(row["seconds"] for row in found) / total, 2) if total else 0.0,
    }


def arguments_of(command_line: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks.workbench", description=__doc__)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with WorkBench's tables and requests"
    )
    parser.add_argument("--arm", choices=ARMS, default="ours")
    parser.add_argument("--every", type=int, default=1, help="only every so many-th request")
    parser.add_argument("--model", default=None)
    parser.add_argument("--base-url", default=None, help="its key is taken from PIERIAN_API_KEY")
    parser.add_argument("--out", type=Path, help="rows of requests; default: benchmarks/results")
    parser.add_argument("--against", type=Path, help="rows of another arm to compare with, pair by pair")
    return parser.parse_args(command_line)


def main() -> int:
    """Run, score, summarise."""
    arguments = arguments_of()
    RESULTS.mkdir(exist_ok=True)
    out = arguments.out or RESULTS / f"workbench-{arguments.arm}.jsonl.gz"
    wanted = tasks(arguments.data, tables(arguments.data))[:: arguments.every]
    asyncio.run(run(arguments, wanted, out))
    ids = {task.id for task in wanted}
    found = [row for row in rows.read(out) if row["id"] in ids]
    report = {
        name: summary([row for row in found if name in ("all", row["group"])]) for name in (*GROUPS, "all")
    }
    if arguments.against:
        report["against"] = compare(found, [row for row in rows.read(arguments.against) if row["id"] in ids])
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
