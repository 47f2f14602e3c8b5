"""What the README and the examples show is true: code runs, links lead somewhere, commands exist."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

from pierian.cli.app import COMMANDS
from pierian.testing import FunctionalModel, serve_in_thread

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def answers(request: object) -> str:
    """A model that solves the README's example in both ways."""
    if "Python" in request.messages[0].content:  # type: ignore[attr-defined]
        return "```python\nanswer = 12 * 5  # dollars\n```"
    return "Five books cost 12 * 5 = 60 dollars.\nAnswer: 60 dollars"


def test_the_python_of_the_readme_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    with serve_in_thread(FunctionalModel(answers, embedded=False)) as server:
        monkeypatch.setenv("PIERIAN_BASE_URL", server.base_url)
        exec(compile(code, "README.md", "exec"), {})
    printed = capsys.readouterr().out
    assert printed.startswith("60 dollars\n")
    assert "agreement passed 2 of 2 drafts agree" in printed


def test_the_example_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with serve_in_thread(FunctionalModel(answers, embedded=False)) as server:
        monkeypatch.setenv("PIERIAN_BASE_URL", server.base_url)
        monkeypatch.setattr(sys, "argv", ["stream.py", "How much are 5 books at 12 dollars?"])
        runpy.run_path(str(ROOT / "examples" / "stream.py"), run_name="__main__")
    assert "**Answer: 60 dollars**" in capsys.readouterr().out


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/accounts.md",
        "docs/api.md",
        "docs/brief.md",
        "docs/server.md",
        "docs/travel.md",
        "docs/decisions.md",
        "docs/log.md",
        "benchmarks/README.md",
    ],
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert ((ROOT / page).parent / target).exists(), target


def test_commands_in_the_readme_exist() -> None:
    shell = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
    named = set(re.findall(r"^pierian (\w+)", shell, re.MULTILINE))
    assert named
    assert named <= set(COMMANDS)
