"""What a run will take: told before anything is begun, and following the recipe."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from msgspec import structs
from training.estimate import GPUS, Counts, needs
from training.recipe import RECIPES, RunFolder, parse

from training import estimate

COUNTS = Counts(3.1e9, 3.1e9, 9.3e9, 28, 1536, 151_936, 3e6, 28_672, 18e6)


@pytest.mark.parametrize("file", sorted(RECIPES.glob("*.toml")), ids=lambda file: file.stem)
def test_each_recipe_can_be_read_and_estimated(file: Path) -> None:
    recipe = parse(file.read_text(encoding="utf-8"), file)
    assert recipe.tuning.batch % recipe.tuning.at_once == 0
    phase = recipe.reinforcing
    assert phase.at_once % phase.group == 0
    assert phase.problems * phase.group % phase.at_once == 0
    small, large = (needs(recipe, COUNTS, GPUS[0], problems) for problems in (500, 5000))
    assert large["sample"].seconds > 2 * small["sample"].seconds
    assert large["sample"].memory == small["sample"].memory < GPUS[0].memory
    assert all(need.memory < GPUS[0].memory for need in large.values())
    longer = structs.replace(recipe, reinforcing=structs.replace(phase, steps=2 * phase.steps))
    ratio = needs(longer, COUNTS, GPUS[0], 500)["reinforced"].seconds / small["reinforced"].seconds
    assert ratio == pytest.approx(2)


def test_without_a_run_it_says_what_to_do_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["estimate", str(tmp_path / "none")])
    assert estimate.main() == 2
    assert "is not the folder of a run" in capsys.readouterr().err
    RunFolder(tmp_path / "run").begin("toy")
    monkeypatch.setattr(sys, "argv", ["estimate", str(tmp_path / "run")])
    assert estimate.main() == 2
    assert "not on this machine yet" in capsys.readouterr().err
