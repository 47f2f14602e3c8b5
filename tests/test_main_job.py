"""The main job on the default model: a question typed, a checked answer with a receipt."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pierian.models import installed
from pierian.models.catalogue import DEFAULT_MODEL

pytestmark = [pytest.mark.model, pytest.mark.timeout(420)]


def ask(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `pierian ask` as a user does."""
    if installed.lookup(DEFAULT_MODEL) is None:
        pytest.skip(f"The default model is missing: run `pierian models pull {DEFAULT_MODEL}`.")
    return subprocess.run(
        [sys.executable, "-m", "pierian", "ask", *arguments],
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def test_a_question_gets_a_checked_answer_with_a_receipt() -> None:
    shown = ask("--mode", "thinking", "--json", "A box holds 12 eggs. How many eggs are in 5 boxes?")
    assert shown.returncode == 0, shown.stderr
    answer = json.loads(shown.stdout)
    receipt = answer["receipt"]
    assert "60" in answer["value"]
    assert receipt["model"] == DEFAULT_MODEL
    assert receipt["spend"]["completion_tokens"] > 10
    assert {"program", "plausibility"} <= {check["kind"] for check in receipt["checks"]}
    assert len(receipt["drafts"]) >= 2

    again = ask("--mode", "instant", "--events", "What is the capital of France?")
    assert again.returncode == 0, again.stderr
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert "model_loading" not in {event["event"] for event in events}  # the engine was still warm
    assert "Paris" in events[-1]["answer"]["text"]
