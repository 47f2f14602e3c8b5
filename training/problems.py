"""First step: `python -m training.problems FOLDER --recipe full --data TRAIN.jsonl --development DEV.jsonl…`.

Collects problems whose answers code can check: word problems of a data file, and those that reasoning-gym's
generators make. Whatever shares a run of words with a development item is left out, and the log says how many those
were. Not among the generators is `gsm_symbolic`: its templates were written from GSM8K's test items.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.datasets import number_equal

from pierian.exceptions import PierianError, UserError
from pierian.reasoning.values import final_text, last_boxed, quantity
from training.overlap import Development, development
from training.recipe import Generator, Recipe, RunFolder, json_lines, parser_of, write_rows

Problem = dict[str, Any]
"""`id`, `source`, `question`, `gold`; for a generated one also `index`, `seed`, `settings` and `count`."""
REFUSED = ("gsm_symbolic",)
RIGHT = 0.99


def collect(recipe: Recipe, data: Path | None, known: Development) -> tuple[list[Problem], dict[str, int]]:
    """The problems, and how many of each source were left out because they overlap."""
    found: list[Problem] = []
    if data is not None:
        for row in itertools.islice(json_lines(data, "question", "answer"), recipe.problems.most):
            gold = str(row["answer"]).split("####")[-1].strip()
            found.append(_problem("words", str(row["question"]), gold))
    for generator in recipe.problems.generators:
        found += generated(generator, recipe.problems.seed)
    kept, left_out = list[Problem](), dict[str, int]()
    seen: set[str] = set()
    for problem in found:
        if problem["id"] in seen:
            continue
        seen.add(problem["id"])
        if known.overlap(problem["question"]) is not None:
            left_out[problem["source"]] = left_out.get(problem["source"], 0) + 1
            continue
        kept.append(problem)
    return kept, left_out


def generated(generator: Generator, seed: int) -> list[Problem]:
    """Problems of one generator."""
    if generator.name in REFUSED:
        raise UserError(
            f"The generator {generator.name} may not be trained on: it repeats the items of a test set.",
            hint="Take it out of the recipe.",
        )
    made = _dataset(generator.name, seed, generator.count, json.dumps(dict(generator.settings)))
    facts = {"seed": seed, "count": generator.count, "settings": dict(generator.settings)}
    return [
        _problem(generator.name, entry["question"], entry["answer"]) | facts | {"index": index}
        for index, entry in enumerate(made)
    ]


def _problem(source: str, question: str, gold: str) -> Problem:
    question = question.strip()
    number = hashlib.sha256(f"{source}\n{question}".encode()).hexdigest()[:12]
    return {"id": number, "source": source, "question": question, "gold": gold}


@cache
def _dataset(name: str, seed: int, count: int, settings: str) -> Any:
    try:
        import reasoning_gym
    except ImportError as error:
        raise UserError(
            "Generated problems need reasoning-gym.", hint="pip install --group training"
        ) from error
    return reasoning_gym.create_dataset(name, seed=seed, size=count, **json.loads(settings))


def right(problem: Problem, text: str) -> bool:
    """Whether a worked solution ends in the right answer, by the rule of the problem's source.

    It has to be boxed, as the prompt asks: a bare number at the end teaches to leave that away.
    """
    if not last_boxed(text):
        return False
    if problem["source"] == "words":
        return bool(quantity(text)) and number_equal(text, "", problem["gold"])
    stated = final_text(text).strip().strip("$").strip()
    if not stated:
        return False
    made = _dataset(problem["source"], problem["seed"], problem["count"], json.dumps(problem["settings"]))
    return made.score_answer(answer=stated, entry=made[problem["index"]]) >= RIGHT


def main() -> int:
    """Collect and write."""
    parser = parser_of("problems", __doc__)
    parser.add_argument("--recipe", default="full", help="a name of training/recipes, or a file")
    parser.add_argument(
        "--data", type=Path, help="word problems as JSON Lines (`question`, `answer` with ####)"
    )
    checked = parser.add_mutually_exclusive_group(required=True)
    checked.add_argument("--development", type=Path, nargs="+", default=[], help="items that may not be met")
    checked.add_argument(
        "--unchecked", action="store_true", help="nothing will be measured, so nothing may be met"
    )
    arguments = parser.parse_args()
    run = RunFolder(arguments.folder)
    try:
        recipe = run.begin(arguments.recipe)
        known = development(arguments.development, recipe.problems.shared_words)
        problems, left_out = collect(recipe, arguments.data, known)
    except PierianError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return 2
    write_rows(run.problems, problems)
    run.note_inputs(run.problems, *([arguments.data] if arguments.data else []), *arguments.development)
    sources: dict[str, int] = {}
    for problem in problems:
        sources[problem["source"]] = sources.get(problem["source"], 0) + 1
    run.log("problems", items=len(known.texts), problems=sources, overlapping=left_out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
