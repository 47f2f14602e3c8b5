"""Writes `docs/benchmarks.md` and its plots from the rows in `results/`: `python -m benchmarks.report`.

Every figure there comes from here: for each data set the commands, a table with intervals and the paired difference
with the single worked solution, how often any of several samples is right, and the tasks apart; then the web app
(`webapp_report`) and accounts (`accounts_report`, `workbench_report`).
Rows of a model that is not the default are left out; rows that were timed give their seconds to the mode's line.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import accounts_report, optillm_peer, rows, webapp_report, workbench_report
from benchmarks.intervals import wilson
from benchmarks.peers import votes_of_first
from benchmarks.plots import Point, plot
from benchmarks.reasoning import ADAPTER, RESULTS, TIMED, compare, summary
from pierian.reasoning.mode import Mode

DOCS = Path(__file__).parents[1] / "docs"
SETS = {
    "gsm8k-dev": "GSM8K (grade-school word problems)",
    "math500-dev": "MATH-500 (competition problems)",
    "bbh-dev": "BIG-Bench Hard (its tasks in turn)",
    "mmlu_stem-dev": "MMLU, science subjects in turn (four choices)",
}
ORDER = ("single", *(mode.value for mode in Mode), "self_consistency", *optillm_peer.APPROACHES)
FEWER_VOTES = 4
"""Votes of so many samples are counted as well where more were drawn."""

HEAD = """# Benchmarks

Written by `python -m benchmarks.report` from the rows in `benchmarks/results/`; change it there. Default model,
embedded engine. All intervals are 95%: Wilson's for shares, a bootstrap over the items for paired differences. A mode
is called *better* or *worse* than `single`, one greedy worked solution by the model's habitual prompt, only where the
paired interval excludes zero; otherwise the items do not tell them apart. Tokens are those that the engine generated,
drafts that were thrown away included. Seconds are given where items were measured one at a time, with no call from
the cache.
"""
PEERS = """## Peers

All on the same engine. `self_consistency` is the majority of N samples at temperature 0.7. The approaches of optillm
run as its own code has them by default, with the prompt of `single` and its limit of 1,024 tokens a call (at which
`optillm_mars` takes its lightweight settings); their tokens are what the engine generated for every call they made.
"""

Run = list[dict[str, Any]]


def runs_of(data: str) -> tuple[dict[str, Run], dict[str, Run]]:
    """The runs on one data set by their mode, in the order of the tables, and those that were timed."""
    found = {
        file.name.removeprefix(f"{data}-").removesuffix(".jsonl.gz"): rows.read(file)
        for file in sorted(RESULTS.glob(f"{data}-*.jsonl.gz"))
    }
    found = {name: run for name, run in found.items() if run}
    timed = {name.removesuffix(f"-{TIMED}"): run for name, run in found.items() if name.endswith(f"-{TIMED}")}
    runs = {name: run for name, run in found.items() if not name.endswith(f"-{TIMED}")}
    for name, run in list(runs.items()):
        if all(len(row.get("samples", ())) > FEWER_VOTES for row in run):
            made, plus, adapter = name.partition(ADAPTER)
            runs[f"self_consistency-{FEWER_VOTES}{plus}{adapter} (of the {made.rpartition('-')[2]})"] = [
                votes_of_first(row, FEWER_VOTES) for row in run
            ]
    return dict(sorted(runs.items(), key=lambda pair: (_place(pair[0]), pair[0]))), timed


def _place(name: str) -> int:
    mode = name.partition(ADAPTER)[0].split("-")[0]
    return ORDER.index(mode) if mode in ORDER else len(ORDER)


def commands(data: str, runs: Mapping[str, Run], timed: Mapping[str, Run]) -> list[str]:
    """What was typed for each run."""
    folder, _, stem = data.partition("-")
    lines: list[str] = []
    for name, run, option in (
        *((name, run, "") for name, run in runs.items() if "(" not in name),
        *((name, run, " --no-cache") for name, run in timed.items()),
    ):
        made, _, adapter = name.partition(ADAPTER)
        mode, _, number = made.partition("-")
        chosen = "samples" if mode == "self_consistency" else "drafts"
        given = f" --{chosen} {number}" if number else ""
        given += f" --adapter {adapter}" if adapter else ""
        what = f"--mode {mode}{given} --limit {len(run)}{option} --data {folder}/{stem}.jsonl"
        lines.append(f"python -m benchmarks.reasoning {what}")
    return ["```sh", *lines, "```"]


def table(runs: Mapping[str, Run], timed: Mapping[str, Run]) -> list[str]:
    """One data set's table."""
    lines = [
        "| mode | items | right | tokens a question | tokens per right answer | against single, pair by pair "
        "| tokens to single's | seconds a question |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for mode, run in runs.items():
        report = summary(run)
        low, high = report["interval"]
        paired = ratio = "–"
        if mode != "single" and "single" in runs:
            paired, ratio = against_single(run, runs["single"])
        clock = summary(timed.get(mode, run))
        seconds = (
            f"{clock['seconds_per_question']} ({clock['timed_items']} items)" if clock["timed_items"] else "–"
        )
        lines.append(
            f"| {mode} | {report['items']} | {report['accuracy']:.1%} ({low:.1%}–{high:.1%}) "
            f"| {report['tokens_per_question']} | {report['tokens_per_correct_answer'] or '–'} "
            f"| {paired} | {ratio} | {seconds} |"
        )
    return lines


def against_single(run: Run, single: Run) -> tuple[str, str]:
    """The paired difference with its verdict, and the ratio of tokens, over the items that both have."""
    found = compare(run, single)
    if not found["items"]:
        return "no items in common", "–"
    low, high = found["interval"]
    verdict = "better" if low > 0 else "worse" if high < 0 else "not told apart"
    return (
        f"{found['points']:+.1f} points ({low:+.1f} to {high:+.1f}, {found['items']} items): {verdict}",
        f"{found['token_ratio']:.2f}",
    )


def any_right(runs: Mapping[str, Run]) -> list[str]:
    """How many items had a right answer among their samples, which is the most that choosing could reach."""
    lines: list[str] = []
    for run in runs.values():
        counts = {len(row.get("samples", ())) for row in run}
        if len(counts) == 1 and (count := counts.pop()):
            right = sum(any(sample["correct"] for sample in row["samples"]) for row in run)
            low, high = wilson(right, len(run))
            lines.append(
                f"At least one of {count} samples is right on {right} of {len(run)} items (pass@{count}): "
                f"{right / len(run):.1%} ({low:.1%}–{high:.1%})."
            )
    return lines


def tasks(runs: Mapping[str, Run]) -> list[str]:
    """The groups of a set apart: right answers of items, for each mode; empty where there is one group."""
    groups = sorted({row["group"] for run in runs.values() for row in run})
    if len(groups) < 2:
        return []
    lines = [
        "Each task apart, right answers of items; `×` marks a mode that has no more right than `single` on the items "
        "that both have. So few items tell tasks apart only where the difference is large.",
        "",
        f"| task | {' | '.join(runs)} |",
        "|---" * (len(runs) + 1) + "|",
    ]
    for group in groups:
        cells: list[str] = []
        single = {row["id"]: row["correct"] for row in runs.get("single", ()) if row["group"] == group}
        for mode, run in runs.items():
            mine = {row["id"]: row["correct"] for row in run if row["group"] == group}
            both = mine.keys() & single.keys()
            helps = sum(mine[i] for i in both) > sum(single[i] for i in both)
            mark = " ×" if both and mode != "single" and not helps else ""
            cells.append(f"{sum(mine.values())}/{len(mine)}{mark}" if mine else "–")
        lines.append(f"| {group} | {' | '.join(cells)} |")
    return lines


def points(runs: Mapping[str, Run], timed: Mapping[str, Run], *, seconds: bool) -> list[Point]:
    """The points of one panel; against seconds only the modes that were timed."""
    found: list[Point] = []
    for mode, run in runs.items():
        report, clock = summary(run), summary(timed.get(mode, run))
        cost = clock["seconds_per_question"] if seconds else report["tokens_per_question"]
        if cost is not None:
            found.append(Point(mode, cost, report["correct"], report["items"]))
    return found


def main() -> int:
    """Write the page and its plots."""
    every = {data: found for data in SETS if (found := runs_of(data))[0]}
    lines = [HEAD]
    for cost, name in (("tokens", "accuracy_tokens.svg"), ("seconds", "accuracy_seconds.svg")):
        panels = {
            SETS[data]: drawn
            for data, (runs, timed) in every.items()
            if (drawn := points(runs, timed, seconds=cost == "seconds"))
        }
        if panels:
            plot(panels, f"{cost} a question", DOCS / name)
            lines += [f"![Accuracy against {cost} a question]({name})", ""]
        else:
            (DOCS / name).unlink(missing_ok=True)
            lines += [f"No run has {cost} yet, so accuracy is not drawn against them.", ""]
    lines.append(PEERS)
    for data, (runs, timed) in every.items():
        lines += [f"## {SETS[data]}", "", *commands(data, runs, timed), "", *table(runs, timed), ""]
        for part in (any_right(runs), tasks(runs)):
            lines += [*part, ""] if part else []
    lines += webapp_report.section() + accounts_report.section() + workbench_report.section()
    (DOCS / "benchmarks.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
