"""Second step: `python -m training.sample FOLDER`.

Draws worked solutions of every problem from the model itself, in several styles: its habitual one, and briefer ones.
Which style a solution came from does not matter later; all are learnt as answers to the habitual prompt. Problems of
like length go through the model together. Each finished batch is on disk; the same command continues after an
interruption.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import rows
from pierian.exceptions import PierianError
from training.estimate import show
from training.problems import Problem
from training.recipe import RunFolder, Sampling, Style, parser_of, read_rows
from training.weights import load, messages_of, torch_or_reason

Job = tuple[Problem, Style]


def left_to_do(problems: Sequence[Problem], sampling: Sampling, done: Sequence[dict[str, Any]]) -> list[Job]:
    """What is still to be drawn, in order of length."""
    finished = {row["id"] for row in done}
    jobs = [(problem, style) for problem in problems for style in sampling.styles if style.samples]
    jobs = [job for job in jobs if key_of(*job) not in finished]
    return sorted(jobs, key=lambda job: (job[1].name, len(job[0]["question"])))


def key_of(problem: Problem, style: Style) -> str:
    """What a job's row is known by."""
    return f"{problem['id']}-{style.name}"


def batches(jobs: Sequence[Job], size: int) -> Iterator[list[Job]]:
    """Jobs together as long as their solutions come to at most `size`; one job at least."""
    batch: list[Job] = []
    room = size
    for job in jobs:
        if batch and job[1].samples > room:
            yield batch
            batch, room = [], size
        batch.append(job)
        room -= job[1].samples
    if batch:
        yield batch


def draw(
    model: Any, tokenizer: Any, batch: Sequence[Job], sampling: Sampling, seed: int
) -> list[list[dict[str, Any]]]:
    """Solutions of each job of a batch."""
    torch = torch_or_reason()
    prompts = [
        tokenizer.apply_chat_template(
            messages_of(problem["question"], style.system), tokenize=False, add_generation_prompt=True
        )
        for problem, style in batch
        for _ in range(style.samples)
    ]
    given = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
    torch.manual_seed(seed)
    with torch.no_grad():
        out = model.generate(
            **given,
            do_sample=True,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            max_new_tokens=sampling.max_tokens,
            pad_token_id=tokenizer.pad_token_id,
        )
    ends = end_tokens(model)
    drawn = iter([solution(ids, tokenizer, ends) for ids in out[:, given.input_ids.shape[1] :].tolist()])
    return [[next(drawn) | {"style": style.name} for _ in range(style.samples)] for _, style in batch]


def end_tokens(model: Any) -> set[int]:
    """The tokens that end an answer."""
    end = model.generation_config.eos_token_id
    return {end} if isinstance(end, int) else set(end or ())


def solution(ids: Sequence[int], tokenizer: Any, ends: set[int]) -> dict[str, Any]:
    """A drawn solution; `complete` where the model ended it. Its tokens count without what fills the batch up."""
    length = next((index for index, one in enumerate(ids) if one in ends), len(ids))
    text = tokenizer.decode(list(ids[:length]), skip_special_tokens=True)
    return {"text": text, "tokens": min(length + 1, len(ids)), "complete": length < len(ids)}


def main() -> int:
    """Draw what is not drawn yet."""
    parser = parser_of("sample", __doc__)
    parser.add_argument("--dry-run", action="store_true", help="only tell what it will take")
    arguments = parser.parse_args()
    run = RunFolder(arguments.folder)
    try:
        recipe = run.recipe
        if arguments.dry_run:
            show(run, "sample")
            return 0
        problems = read_rows(run.problems, "problems")
        rows.mend(run.samples)
        jobs = left_to_do(problems, recipe.sampling, rows.read(run.samples))
        model, tokenizer = load(run)
    except PierianError as error:
        print(f"{error} {error.hint}", file=sys.stderr)
        return 2
    run.log("sample", left=len(jobs))
    for number, batch in enumerate(batches(jobs, recipe.sampling.batch)):
        started = time.monotonic()
        seed = recipe.sampling.seed + len(jobs) + number  # another after each interruption
        drawn = draw(model, tokenizer, batch, recipe.sampling, seed)
        for (problem, style), samples in zip(batch, drawn, strict=True):
            row = {"id": key_of(problem, style), "problem": problem["id"], "samples": samples}
            rows.append(run.samples, row)
        seconds = time.monotonic() - started
        tokens = sum(one["tokens"] for samples in drawn for one in samples)
        run.log(
            "sample", batch=number, solutions=sum(map(len, drawn)), tokens=tokens, seconds=round(seconds, 1)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
