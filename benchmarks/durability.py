"""What `kill -9` does to a run: `python -m benchmarks.durability [--every N]`.

A process carries out a run of thirty steps (reads, sums, effects that can be looked up and effects that
cannot) against a receiver in a process of its own, on SQLite. At each step it is killed at an exact point:
before the call, after the receiver accepted and before the reply is recorded, and after recording. Another
process, which serves all the while, takes the run over and finishes it. Compared are the answer, the journal
and what the receiver counted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.durable_parts import RULES, STEPS, kind_of
from pierian.agents.effects import key_of
from pierian.agents.progress import Progress
from pierian.events import AnswerReady, Event
from pierian.runs import Journal, Rules
from pierian.storage import Database, open_database

POINTS = ("before", "accepted", "recorded")
LONGEST_SECONDS = 60.0
RESULTS = Path(__file__).parent / "results"


def started(part: str, *options: str) -> subprocess.Popen[str]:
    """A process of `durable_parts`."""
    command = [sys.executable, "-m", "benchmarks.durable_parts", part, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told(process: subprocess.Popen[str], key: str) -> str:
    """What it says next about `key`."""
    assert process.stdout
    for line in process.stdout:
        if key in (said := json.loads(line)):
            return said[key]
    raise RuntimeError(f"The process ended with {process.wait()} before it told {key!r}.")


def log_of(receiver: str) -> list[dict[str, Any]]:
    """Every request that the receiver counted."""
    with urllib.request.urlopen(f"{receiver}/log", timeout=10) as answer:
        return json.load(answer)


def answer_in(events: Sequence[Event]) -> str:
    """The answer that the journal ends with, empty where there is none."""
    return next((event.answer.text for event in reversed(events) if isinstance(event, AnswerReady)), "")


def outcomes(events: Sequence[Event]) -> dict[int, str]:
    """What became of each step: `done`, `skipped`, or the code of its failure."""
    progress = Progress()
    for event in events:
        progress.apply(event)
    steps = progress.scopes[""].steps
    return {n: steps[f"s{n}"].code or steps[f"s{n}"].status for n in range(1, STEPS + 1)}


def expected_outcomes(step: int, point: str) -> dict[int, str]:
    """What should become of each step after a crash there.

    A blind effect that fell into the gap is unknown, and what acts behind it is then left undone.
    """
    found = dict.fromkeys(range(1, STEPS + 1), "done")
    if kind_of(step) == "blind" and point != "recorded":
        found |= {n: "skipped" for n in range(step + 1, STEPS + 1) if kind_of(n) in ("checked", "blind")}
        found[step] = "unknown"
    return found


class Harness:
    """The database, the receiver and the process that takes over."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "durability.db"
        self.database: Database = open_database(self.file)
        for rule in RULES:
            Rules(self.database).add(rule)
        self.journal = Journal(self.database)
        self.receiver = started("receive")
        assert self.receiver.stdout
        self.url = self.receiver.stdout.readline().strip()
        self.server = started("serve", "--database", str(self.file), "--receiver", self.url)
        told(self.server, "worker")

    def close(self) -> None:
        """End what was started."""
        for process in (self.server, self.receiver):
            process.kill()
            process.wait()
        self.database.close()

    def events(self, run: str) -> list[Event]:
        """The run's journal."""
        return [event for _, event in self.journal.events(run)]

    def undisturbed(self) -> str:
        """The answer of a run that nobody kills."""
        child = started("carry", "--database", str(self.file), "--receiver", self.url)
        run = told(child, "run")
        assert child.wait(LONGEST_SECONDS) == 0
        return answer_in(self.events(run))

    def killed(self, step: int, point: str, reference: str) -> dict[str, Any]:
        """One run that is killed once; everything that was seen of it."""
        target = f"s{step}:{point}"
        options = ("--database", str(self.file), "--receiver", self.url, "--hold", target)
        child = started("carry", *options)
        run = told(child, "run")
        asked = self.receiver if point == "accepted" and kind_of(step) != "compute" else child
        assert told(asked, "at") == target
        child.kill()
        at, _ = time.monotonic(), child.wait()
        before = self.events(run)
        took, ended = self._followed(run, at)
        after = self.events(run)
        keys = Counter(entry["key"] for entry in log_of(self.url))
        requests = {n: keys[key_of(run, f"s{n}")] for n in range(1, STEPS + 1)}
        return {
            "step": step,
            "kind": kind_of(step),
            "point": point,
            "state": self.journal.get(run).state,
            "take_over_seconds": round(took - at, 3),
            "seconds_to_end": round(ended - at, 3),
            "as_expected": outcomes(after) == expected_outcomes(step, point),
            "same_answer": answer_in(after) == reference,
            "kept": after[: len(before)] == before,
            "unknown": sum(one == "unknown" for one in outcomes(after).values()),
            "requests": requests,
            "done": [n for n, one in outcomes(after).items() if one == "done"],
        }

    def _followed(self, run: str, since: float) -> tuple[float, float]:
        """When it was taken over, and when it had ended."""
        worker, took = self.journal.get(run).worker, 0.0
        while time.monotonic() - since < LONGEST_SECONDS:
            now = self.journal.get(run)
            if not took and now.worker != worker:
                took = time.monotonic()
            if now.state != "running":
                return took, time.monotonic()
            time.sleep(0.02)
        raise RuntimeError(f"The run {run} was not finished within {LONGEST_SECONDS:g} s.")


def verdict(case: dict[str, Any]) -> dict[str, bool]:
    """What one case shows."""
    done, requests = set(case["done"]), case["requests"]
    checked = [n for n in requests if kind_of(n) == "checked"]
    blind = [n for n in requests if kind_of(n) == "blind"]
    return {
        "finished": case["state"] == "done",
        "nothing_lost": case["kept"],
        "as_expected": case["as_expected"],
        "same_answer": case["same_answer"],
        "checked_exactly_once": all(requests[n] == (1 if n in done else 0) for n in checked),
        "blind_at_most_once": all(requests[n] == 1 if n in done else requests[n] <= 1 for n in blind),
        "has_unknown": case["unknown"] > 0,
    }


def table(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Counts for each kind of step and point."""
    rows: list[dict[str, Any]] = []
    ordered = sorted(cases, key=lambda c: (c["kind"], POINTS.index(c["point"])))
    for (kind, point), group in groupby(ordered, key=lambda c: (c["kind"], c["point"])):
        members = list(group)
        found = [verdict(case) for case in members]
        row: dict[str, Any] = {"kind": kind, "killed": point, "cases": len(found)}
        row |= {name: sum(one[name] for one in found) for name in found[0]}
        row["most_requests_of_a_step"] = max(n for case in members for n in case["requests"].values())
        rows.append(row)
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """The table, for a terminal."""
    names = list(rows[0])
    print("  ".join(name.replace("_", " ") for name in names))
    for row in rows:
        print("  ".join(str(row[name]).ljust(len(name)) for name in names))


def main() -> int:
    """Kill at every point of every step, print, write."""
    parser = argparse.ArgumentParser(prog="benchmarks.durability", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every Nth step")
    given = parser.parse_args()
    cases: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="durability-") as folder:
        harness = Harness(Path(folder))
        try:
            reference = harness.undisturbed()
            assert reference == harness.undisturbed()
            for step in range(1, STEPS + 1, given.every):
                cases += [harness.killed(step, point, reference) for point in POINTS]
                print(f"step {step}: {[all_right(case) for case in cases[-3:]]}", flush=True)
        finally:
            harness.close()
    seconds = sorted(case["take_over_seconds"] for case in cases)
    rows = table(cases)
    report = {
        "cases": len(cases),
        "all_right": sum(map(all_right, cases)),
        "take_over_seconds": {"median": statistics.median(seconds), "most": seconds[-1]},
        "table": rows,
        "rows": cases,
    }
    show(rows)
    print(json.dumps({name: report[name] for name in ("cases", "all_right", "take_over_seconds")}))
    (RESULTS / "durability.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0 if report["all_right"] == len(cases) else 1


def all_right(case: dict[str, Any]) -> bool:
    """Whether a case kept every promise; the answer may differ only by what is unknown."""
    found = verdict(case)
    gap = case["kind"] == "blind" and case["point"] != "recorded"
    promised = ("finished", "nothing_lost", "as_expected", "checked_exactly_once", "blind_at_most_once")
    return (
        all(found[name] for name in promised) and found["same_answer"] != gap and found["has_unknown"] == gap
    )


if __name__ == "__main__":
    sys.exit(main())
