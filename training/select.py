"""Third step: `python -m training.select FOLDER`.

Of each problem's sampled solutions keeps the shortest that are complete, end in the right answer and whose every
recomputed calculation holds. A problem that no sample solved is left out: there is nothing to learn from it. Takes
seconds and starts anew each time.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from benchmarks import rows
from pierian.exceptions import PierianError, UserError
from pierian.reasoning.arithmetic import calculations, without_tex
from training.problems import Problem, right
from training.recipe import RunFolder, parser_of, read_rows, write_rows

Sample = dict[str, Any]
"""`text`, `tokens`, `style`, and whether it is `complete`."""


def sound(text: str) -> bool:
    """Whether every calculation that can be recomputed holds."""
    return all(one.holds for one in calculations(without_tex(text)))


def shortest(problem: Problem, samples: Sequence[Sample], keep: int) -> list[Sample]:
    """The `keep` shortest good solutions, no text twice."""
    good: dict[str, Sample] = {}
    for sample in sorted(samples, key=lambda one: (one["tokens"], one["text"])):
        text = sample["text"].strip()
        if text and text not in good and sample["complete"] and right(problem, text) and sound(text):
            good[text] = sample
    return list(good.values())[:keep]


def chosen(
    problems: Sequence[Problem], samples: Sequence[dict[str, Any]], keep: int
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows for tuning, and what is told of them."""
    drawn: dict[str, list[Sample]] = {}
    for row in samples:
        drawn.setdefault(row["problem"], []).extend(row["samples"])
    found: list[dict[str, Any]] = []
    solved, all_tokens, right_samples = 0, list[int](), 0
    for problem in problems:
        own = drawn.get(problem["id"], [])
        all_tokens += [one["tokens"] for one in own]
        right_samples += sum(right(problem, one["text"]) for one in own)
        best = shortest(problem, own, keep)
        solved += bool(best)
        found += [
            {"id": problem["id"], "question": problem["question"], "solution": one["text"].strip()}
            | {"tokens": one["tokens"], "style": one["style"], "source": problem["source"]}
            for one in best
        ]
    kept = [row["tokens"] for row in found]
    styles: dict[str, int] = {}
    for row in found:
        styles[row["style"]] = styles.get(row["style"], 0) + 1
    facts = {
        "problems": len(problems),
        "sampled": len(drawn),
        "solved": solved,
        "right_samples": round(right_samples / len(all_tokens), 4) if all_tokens else 0.0,
        "tokens_of_samples": round(sum(all_tokens) / len(all_tokens), 1) if all_tokens else 0.0,
        "kept": len(found),
        "tokens_of_kept": round(sum(kept) / len(kept), 1) if kept else 0.0,
        "styles": styles,
    }
    return found, facts


def main() -> int:
    """Select and write."""
    run = RunFolder(parser_of("select", __doc__).parse_args().folder)
    try:
        keep = run.recipe.selecting.keep
        problems = read_rows(run.problems, "problems")
        if not run.samples.exists():
            raise UserError(
                f"{run.samples} is not there yet.", hint="Do this first: python -m training.sample"
            )
        run.say_if_stale(run.problems)
        found, facts = chosen(problems, rows.read(run.samples), keep)
    except PierianError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return 2
    run.log("select", **facts)
    if not found:
        print("No problem was solved, so there is nothing to tune on. Sample more.", file=sys.stderr)
        return 1
    write_rows(run.selected, found)
    run.note_inputs(run.selected, run.problems, run.samples)
    return 0


if __name__ == "__main__":
    sys.exit(main())
