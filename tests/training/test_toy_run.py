"""The whole recipe at toy scale on the CPU: every step, the engine at its end. Only where torch is installed."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest
from training.recipe import RunFolder, read_rows, write_rows

from benchmarks import rows
from pierian.models.installed import InstalledModel
from training import estimate, evaluate, export, problems, sample, select, tune, weights

NEEDED = ("torch", "transformers", "peft", "trl", "datasets", "safetensors", "reasoning_gym")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.model,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (pip install --group training)"
    ),
    pytest.mark.filterwarnings("ignore"),  # those libraries warn of each other
]


def step(module: object, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """One command, in this process."""
    monkeypatch.setattr(sys, "argv", ["step", *arguments])
    return module.main()  # type: ignore[attr-defined]


def test_every_step_runs_and_the_engine_loads_what_comes_of_it(
    small_model: InstalledModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = str(tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    data = tmp_path / "words.jsonl"
    write_rows(data, [{"question": "Ann has 2 pens and Tom has 3. How many?", "answer": "#### 5"}])
    assert step(problems, monkeypatch, folder, "--recipe", "toy", "--data", str(data), "--unchecked") == 0
    assert step(weights, monkeypatch, folder) == 0
    assert step(estimate, monkeypatch, folder, "--measure", "16") == 0
    assert step(sample, monkeypatch, folder) == 0
    drawn = rows.read(run.samples)
    assert step(sample, monkeypatch, folder) == 0
    assert rows.read(run.samples) == drawn
    assert step(select, monkeypatch, folder) in (0, 1)  # the small model may solve nothing
    asked = read_rows(run.problems, "problems")
    solved = [{"question": one["question"], "solution": f"\\boxed{{{one['gold']}}}"} for one in asked[:4]]
    write_rows(run.selected, solved)
    assert step(tune, monkeypatch, folder) == 0
    # Killed while it wrote its second checkpoint, the phase goes on from the first.
    shutil.rmtree(run.supervised / "adapter")
    cut = run.supervised / "checkpoints" / "checkpoint-2"
    (cut / "trainer_state.json").unlink()
    weights_file = cut / "adapter_model.safetensors"
    weights_file.write_bytes(weights_file.read_bytes()[:1000])
    assert step(tune, monkeypatch, folder) == 0
    with monkeypatch.context() as patch:  # the small model is never right; something has to be for a gradient
        patch.setattr(tune, "right", lambda problem, text: len(text) % 2 == 0)
        patch.setattr(tune, "sound", lambda text: True)
        assert step(tune, monkeypatch, folder, "--reinforce") == 0
    assert step(export, monkeypatch, folder) == 0
    test_set = tmp_path / "words" / "dev.jsonl"
    test_set.parent.mkdir()
    test_set.write_text(json.dumps({"question": "What is 2 + 2?", "answer": "#### 4"}) + "\n")
    assert step(evaluate, monkeypatch, folder, "--data", str(test_set), "--speed") == 0
    log = (run.folder / "log.txt").read_text()
    assert '"resumed": true' in log
    assert '"taken_from": "reinforced"' in log
    assert '"ratio"' in log
