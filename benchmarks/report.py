"""Writes `docs/benchmarks.md` from the rows in `results/`: `python -m benchmarks.report`.

Every figure there comes from here: a table for each data set with its intervals and the paired difference with
the single worked solution, the tasks apart where a set has several, and a plot of accuracy against tokens.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks import rows
from benchmarks.intervals import wilson
from benchmarks.reasoning import RESULTS, compare, summary

DOCS = Path(__file__).parents[1] / "docs"
SETS = {
    "gsm8k-dev": "GSM8K (grade-school word problems)",
    "math500-dev": "MATH-500 (competition problems)",
    "bbh-dev": "BIG-Bench Hard (ten tasks in turn)",
    "mmlu_stem-dev": "MMLU, science subjects (four choices)",
}
ORDER = ("single", "instant", "thinking", "contemplating", "auto", "self_consistency")

Run = list[dict[str, Any]]


def runs_of(data: str) -> dict[str, Run]:
    """The runs on one data set by their mode, in the order of the tables; votes of four are counted from eight."""
    found = {
        file.name.removeprefix(f"{data}-").removesuffix(".jsonl.gz"): rows.read(file)
        for file in sorted(RESULTS.glob(f"{data}-*.jsonl.gz"))
    }
    return dict(sorted(found.items(), key=lambda pair: (ORDER.index(pair[0].split("-")[0]), pair[0])))


def table(runs: dict[str, Run]) -> list[str]:
    """One data set's table."""
    lines = [
        "| mode | items | right | tokens a question | tokens per right answer | against single, pair by pair "
        "| tokens to single's | seconds (items timed) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for mode, run in runs.items():
        report = summary(run)
        low, high = report["interval"]
        right = f"{report['accuracy']:.1%} ({low:.1%}–{high:.1%})"
        paired = ratio = "–"
        if mode != "single" and "single" in runs:
            with_single = compare(run, runs["single"])
            if with_single["items"]:
                below, above = with_single["interval"]
                points, items = with_single["points"], with_single["items"]
                paired = f"{points:+.1f} points ({below:+.1f} to {above:+.1f}, {items} items)"
                ratio = f"{with_single['token_ratio']:.2f}"
        seconds = (
            f"{report['seconds_per_question']} ({report['timed_items']})" if report["timed_items"] else "–"
        )
        lines.append(
            f"| {mode} | {report['items']} | {right} | {report['tokens_per_question']} "
            f"| {report['tokens_per_correct_answer']} | {paired} | {ratio} | {seconds} |"
        )
    return lines


def tasks(runs: dict[str, Run]) -> list[str]:
    """The groups of a set apart: right answers of items, for each mode; empty where there is one group."""
    groups = sorted({row["group"] for run in runs.values() for row in run})
    if len(groups) < 2:
        return []
    lines = [f"| task | {' | '.join(runs)} |", "|---" * (len(runs) + 1) + "|"]
    for group in groups:
        cells: list[str] = []
        for run in runs.values():
            of_group = [row["correct"] for row in run if row["group"] == group]
            cells.append(f"{sum(of_group)}/{len(of_group)}" if of_group else "–")
        lines.append(f"| {group} | {' | '.join(cells)} |")
    unhelped = _unhelped(runs, groups)
    return [*lines, "", *([f"Thinking does not help on: {', '.join(unhelped)}."] if unhelped else [])]


def _unhelped(runs: dict[str, Run], groups: list[str]) -> list[str]:
    if not {"single", "thinking"} <= runs.keys():
        return []
    right: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    both = {row["id"] for row in runs["single"]} & {row["id"] for row in runs["thinking"]}
    for mode in ("single", "thinking"):
        for row in runs[mode]:
            right[row["group"]][mode] += row["correct"] and row["id"] in both
    return [group for group in groups if right[group]["thinking"] <= right[group]["single"]]


def plot(every: dict[str, dict[str, Run]], file: Path) -> None:
    """Accuracy against tokens, one panel a data set, with 95% intervals."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "pierian"  # the same figures give the same file
    figure, panels = pyplot.subplots(1, len(every), figsize=(4.2 * len(every), 3.6), squeeze=False)
    for panel, (data, runs) in zip(panels[0], every.items(), strict=True):
        for mode, run in runs.items():
            right, tokens = sum(row["correct"] for row in run), sum(row["tokens"] for row in run)
            share, (low, high) = right / len(run), wilson(right, len(run))
            panel.errorbar(tokens / len(run), share, yerr=[[share - low], [high - share]], fmt="o", capsize=3)
            panel.annotate(
                mode, (tokens / len(run), share), textcoords="offset points", xytext=(6, 4), fontsize=8
            )
        panel.set_title(f"{data} ({max(len(run) for run in runs.values())} items)", fontsize=9)
        panel.set_xlabel("tokens a question")
        panel.set_ylabel("right")
        panel.set_xlim(left=0)
        panel.set_ylim(0, 1)
        panel.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)


def main() -> int:
    """Write the page and its plot."""
    every = {data: runs for data in SETS if (runs := runs_of(data))}
    lines = [
        "# Benchmarks",
        "",
        "Written by `python -m benchmarks.report` from `benchmarks/results/`. Default model, embedded engine.",
        "Each row was made by `python -m benchmarks.reasoning --mode MODE --limit N --data FILE`; intervals are 95%.",
        "A mode is better than the single worked solution only where the paired interval excludes zero.",
        "",
        "![Accuracy against tokens](accuracy_tokens.svg)",
    ]
    for data, runs in every.items():
        lines += ["", f"## {SETS[data]}", "", *table(runs)]
        if apart := tasks(runs):
            lines += ["", *apart]
    (DOCS / "benchmarks.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    plot(every, DOCS / "accuracy_tokens.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
