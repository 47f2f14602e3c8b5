"""What becomes of sampled solutions, and what is kept away from training; all of it without torch."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from training.overlap import Development
from training.recipe import Generator, RunFolder, write_rows
from training.sample import batches, left_to_do, solution
from training.select import chosen, shortest
from training.tune import charge_at, reward_of

from pierian.exceptions import UserError
from training import overlap, problems

PENS: problems.Problem = {"id": "p", "source": "words", "question": "How much are 18 pens?", "gold": "12"}


def sample(text: str, tokens: int, *, complete: bool = True) -> dict[str, Any]:
    return {"text": text, "tokens": tokens, "complete": complete, "style": "s"}


def test_the_shortest_right_solutions_are_kept_and_unsolved_problems_are_not() -> None:
    samples = [
        sample("18 / 3 * 2 = 12. \\boxed{12}", 20),
        sample("18 / 3 = 6 and 6 * 2 = 12. \\boxed{12}", 12),
        sample("18 / 3 = 5. \\boxed{12}", 8),  # right by luck: its arithmetic does not hold
        sample("\\boxed{13}", 3),
        sample("6 * 2 = 12. \\boxed{12}", 9, complete=False),
        sample("18 / 3 = 6 and 6 * 2 = 12. \\boxed{12}", 12),
    ]
    assert [one["tokens"] for one in shortest(PENS, samples, 5)] == [12, 20]
    assert shortest(PENS, [sample("18 / 3 * 2 = 12", 2), sample("The answer is 12", 4)], 5) == []
    unsolved = PENS | {"id": "q", "gold": "99"}
    rows = [{"problem": "p", "samples": samples[:3]}, {"problem": "p", "samples": samples[3:]}]
    found, facts = chosen([PENS, unsolved], [*rows, {"problem": "q", "samples": samples}], 1)
    assert [(row["id"], row["tokens"]) for row in found] == [("p", 12)]
    assert (facts["solved"], facts["problems"], facts["kept"]) == (1, 2, 1)


def test_a_short_right_answer_earns_most_and_a_wrong_one_nothing() -> None:
    right, most = "6 * 2 = 12, so \\boxed{12}", 100
    earned = [reward_of(PENS, right, tokens, most, 0.5) for tokens in (10, 50, 100)]
    assert earned == sorted(earned, reverse=True)
    assert earned == pytest.approx([0.95, 0.75, 0.5])
    assert reward_of(PENS, "\\boxed{13}", 1, most, 0.5) == 0.0
    assert reward_of(PENS, "6 * 2 = 13, so \\boxed{12}", 10, most, 0.5) == 0.0
    assert [charge_at(at, (0.5, 0.1)) for at in (0.0, 0.5, 1.0, 2.0)] == pytest.approx([0.5, 0.3, 0.1, 0.1])


def test_a_problem_that_repeats_a_development_item_is_found_whatever_its_marks() -> None:
    item = "Tom buys 1,200 red pens, and he gives a third of them to his sister. How many are left?"
    known = Development([item, "Is it so?"], words=8)
    assert known.overlap("TOM BUYS 1200 red pens -- and he gives a third to nobody") is not None
    assert known.overlap("Ann buys 7 blue pens and gives a third of them to her brother Tim.") is None
    assert known.overlap("Is it so? Yes, and nothing more is known of it at all.") is None
    short = Development(["What is three plus four?"], words=8)
    assert short.overlap("Tell me: what is three plus four? And then the half of it.") is not None


def test_overlap_finds_what_was_planted_and_only_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw = random.Random(3)
    words = [f"word{number}" for number in range(400)]
    items = [" ".join(draw.choices(words, k=30)) for _ in range(40)]
    clean = [" ".join(draw.choices(words, k=30)) for _ in range(60)]
    planted = [
        f"{' '.join(draw.choices(words, k=9))} {' '.join(item.split()[4:15])} end" for item in items[:5]
    ]
    development = tmp_path / "dev.jsonl"
    write_rows(development, [{"question": item, "answer": "#### 1"} for item in items])
    file = tmp_path / "problems.jsonl"
    write_rows(file, [{"question": text} for text in (*clean, *planted)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["overlap", str(file), "--development", str(development)])
        assert overlap.main() == 1
        found = [json.loads(line)["question"] for line in capsys.readouterr().out.splitlines()]
        assert found == planted
        write_rows(file, [{"question": text} for text in clean])
        assert overlap.main() == 0


def test_problems_leave_out_what_overlaps_and_keep_odd_line_ends(tmp_path: Path) -> None:
    taken = "A farmer has twelve brown hens and every hen lays two eggs on each day."
    data, development = tmp_path / "train.jsonl", tmp_path / "dev.jsonl"
    write_rows(
        data,
        [{"question": taken + " How many?", "answer": "#### 24"}, {"question": "a\u2028b", "answer": "1"}],
    )
    write_rows(development, [{"question": taken, "answer": "#### 24"}])
    recipe = recipe_without_generators(tmp_path)
    kept, left_out = problems.collect(recipe, data, overlap.development([development]))
    assert [one["question"] for one in kept] == ["a\u2028b"]
    assert left_out == {"words": 1}
    with pytest.raises(UserError, match="may not be trained on"):
        problems.generated(Generator(name="gsm_symbolic", count=1), 1)


def test_problems_are_not_collected_unchecked_by_mistake_and_bad_files_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, folder = tmp_path / "train.jsonl", str(tmp_path / "run")

    def begin(*more: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["problems", folder, "--recipe", "toy", *more])
        return problems.main(), capsys.readouterr().err

    with pytest.raises(SystemExit):
        begin("--data", str(data))
    assert "--unchecked" in capsys.readouterr().err
    for text, told in ((None, "cannot be read"), ('{"question": "a"}', "Line 1"), ("{", "no JSON Lines")):
        if text is not None:
            data.write_text(text + "\n")
        code, said = begin("--data", str(data), "--unchecked")
        assert (code, told in said) == (2, True)
    data.write_text('{"subject": "a"}\n')
    code, said = begin("--development", str(data))
    assert (code, "no supported set" in said) == (2, True)


def test_what_was_made_from_other_inputs_is_told(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.begin("toy")
    for file in (run.problems, run.selected):
        file.write_text("1")
    run.note_inputs(run.selected, run.problems)
    assert run.say_if_stale(run.selected) == []
    run.problems.write_text("2")
    assert run.say_if_stale(run.selected) == [run.selected]
    assert "selected.jsonl" in (run.folder / "log.txt").read_text()


def recipe_without_generators(folder: Path) -> Any:
    from msgspec import structs

    recipe = RunFolder(folder / "run").begin("toy")
    return structs.replace(recipe, problems=structs.replace(recipe.problems, generators=(), most=None))


def test_a_folder_keeps_to_its_recipe(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    recipe = run.begin("toy")
    assert run.begin("toy") == recipe == run.recipe
    with pytest.raises(UserError, match="another recipe"):
        run.begin("full")
    with pytest.raises(UserError, match="no recipe"):
        run.begin("nothing")
    run.recipe_file.write_text("model = 1")
    with pytest.raises(UserError, match="cannot be used"):
        _ = run.recipe


def test_sampling_goes_on_with_what_is_not_drawn_yet(tmp_path: Path) -> None:
    sampling = RunFolder(tmp_path / "run").begin("toy").sampling
    asked = [PENS | {"id": str(number), "question": "x" * number} for number in range(5)]
    jobs = left_to_do(asked, sampling, [{"id": "3-brief"}])
    assert len(jobs) == 9
    found = [[(problem["id"], style.name) for problem, style in batch] for batch in batches(jobs, 6)]
    assert [len(batch) for batch in found] == [3, 3, 3]
    assert all(("3", "brief") not in batch for batch in found)


class Letters:
    """A tokenizer of letters."""

    def decode(self, ids: list[int], skip_special_tokens: bool) -> str:
        return "".join(chr(one) for one in ids)


def test_a_solution_counts_without_what_fills_the_batch_up() -> None:
    assert solution([72, 105, 0, 0, 0], Letters(), {0}) == {"text": "Hi", "tokens": 3, "complete": True}
    assert solution([72, 105], Letters(), {0}) == {"text": "Hi", "tokens": 2, "complete": False}
