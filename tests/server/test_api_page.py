"""What docs/api.md shows is true: its examples run, its tables have every code and no other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.server.running import Running, running

from pierian.models.wire import Request
from pierian.server.call import EFFORTS, MODE_MODELS
from pierian.testing import FunctionalModel

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PRINTED = {
    "Anthropic(": "60 dollars",
    "model_extra": "2 of 2 drafts agree",
    "stream=True": "A fox ran over the hill.",
    "tools=tools": "weather Oslo\nA fox ran over the hill.",
    "json_schema": "fox",
    "/v1/runs": "run_opened",
}
"""What an example that has these words prints."""


def reply(request: Request) -> Any:
    asked = request.messages[-1].content
    if request.schema is not None:
        if "steps" in request.schema.get("properties", {}):
            called = {"call": "weather", "arguments": {"city": "Oslo"}}
            return json.dumps({"steps": [] if "gave:" in asked else [called]})
        return '{"name": "fox"}'
    if "books" not in asked:
        return "A fox ran over the hill."
    if "Python" in request.messages[0].content:
        return "```python\nanswer = 12 * 5  # dollars\n```"
    return "Five books cost 12 * 5 = 60 dollars.\nAnswer: 60 dollars"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIERIAN_HOME", str(tmp_path_factory.mktemp("home")))
        with running(FunctionalModel(reply, name="small")) as one:
            yield one


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_examples_run(
    api: Running, code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIERIAN_KEY", api.secret)
    exec(compile(code.replace("http://localhost:8420", api.address), "docs/api.md", "exec"), {})
    printed = capsys.readouterr().out
    expected = next((told for mark, told in PRINTED.items() if mark in code), "60 dollars")
    assert expected in printed
    assert (
        "/v1/runs" not in code
        or printed.splitlines()[-2:] == ["end", "60 dollars"]
        or "60 dollars" in printed
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_example_for_curl_runs(api: Running) -> None:
    (shell,) = [block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "curl" in block]
    environment = {"PIERIAN_KEY": api.secret, "PATH": "/usr/bin:/bin", "NO_PROXY": "*"}
    shell = shell.replace("http://localhost:8420", api.address)
    done = subprocess.run(["sh", "-c", shell], env=environment, capture_output=True, timeout=60, check=True)
    assert "60 dollars" in json.loads(done.stdout)["choices"][0]["message"]["content"]


def test_the_tables_name_every_mode_effort_and_code() -> None:
    assert all(f"`{name}`" in PAGE for name in [*MODE_MODELS, *EFFORTS])
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src/pierian/server").glob("*.py")]
    used = {code for source in sources for code in re.findall(r'code="(\w+)"', source)} | {
        "insufficient_quota",
        "host_not_allowed",
    }
    rows = [line for line in PAGE.splitlines() if re.match(r"\| \d{3} \|", line)]
    told = {code for row in rows for code in re.findall(r"`([a-z0-9_]+)`", row.split("|")[2])}
    # A query that is none is told in the framework's words.
    assert told == used - {"invalid_request"}
