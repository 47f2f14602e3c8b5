"""The section of `docs/benchmarks.md` about WorkBench, from the rows of `results/workbench-*.jsonl.gz`."""

from __future__ import annotations

from benchmarks import rows
from benchmarks.reasoning import RESULTS, compare
from benchmarks.workbench import ARMS, GROUPS, summary

INTRODUCTION = """## Requests for calendars and mail (WorkBench)

```sh
python -m benchmarks.workbench --data workbench
python -m benchmarks.workbench --data workbench --arm loop --every 8
```

The requests of WorkBench's development set that need calendars, mail or both, over real servers on loopback, by the
default model; whoever is asked for approval says yes to all. Right is a request after which exactly that has changed
which should have. `loop` is the same model in a plain tool loop with the same tools. Published for all of WorkBench's
domains, which are more: GPT-4 in a tool loop 43%, a model of 70 billion parameters 3%."""

NAMES = {"calendar": "calendars", "email": "mail", "multi_domain": "both"}


def section() -> list[str]:
    """The lines of the section; none where nothing was measured."""
    found = {arm: rows.read(RESULTS / f"workbench-{arm}.jsonl.gz") for arm in ARMS}
    if not found["ours"]:
        return []
    lines = [
        INTRODUCTION,
        "",
        "| | requests | right | with a side effect | tokens | seconds |",
        "|---" * 6 + "|",
    ]
    for arm, of_arm in found.items():
        for name in (*GROUPS, "all"):
            part = [row for row in of_arm if name in ("all", row["group"])]
            if part:
                one = summary(part)
                low, high = one["interval"]
                lines.append(
                    f"| {arm}, {NAMES.get(name, name)} | {one['requests']} | {one['correct']}: "
                    f"{one['accuracy']:.0%} ({low:.0%}–{high:.0%}) | {one['with a side effect']} "
                    f"| {one['tokens a request']:.0f} | {one['seconds a request']:.0f} |"
                )
    if found["loop"]:
        both = {row["id"] for row in found["loop"]}
        paired = compare([row for row in found["ours"] if row["id"] in both], found["loop"])
        low, high = paired["interval"]
        lines += [
            "",
            f"On the {paired['items']} requests of both, pair by pair: {paired['points']:+.0f} points "
            f"({low:+.0f} to {high:+.0f}) for ours.",
        ]
    return [*lines, ""]
