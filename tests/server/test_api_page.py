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
from pierian.server import connection_limits, request_body
from pierian.server.call import EFFORTS, MODE_MODELS
from pierian.server.formats.fields import MOST_NESTED
from pierian.server.formats.pictures import MOST_PICTURE_BYTES
from pierian.server.formats.tools import MOST_TOOLS
from pierian.server.runs import MOST_OPEN
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
    "image_url": "Total 12.30",
    "/v1/runs": "answer_ready\nend\n",
}
"""What an example that has these words prints."""


def reply(request: Request) -> Any:
    asked = request.messages[-1].content
    if request.schema is not None:
        if "steps" in request.schema.get("properties", {}):
            called = {"call": "weather", "arguments": {"city": "Oslo"}}
            return json.dumps({"steps": [] if "gave:" in asked else [called]})
        if "lines" in request.schema.get("properties", {}):
            return '{"lines": ["t1"]}'
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


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_example_for_curl_runs(api: Running) -> None:
    (shell,) = [block for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) if "curl" in block]
    environment = {"PIERIAN_KEY": api.secret, "PATH": "/usr/bin:/bin", "NO_PROXY": "*"}
    shell = shell.replace("http://localhost:8420", api.address)
    done = subprocess.run(["sh", "-c", shell], env=environment, capture_output=True, timeout=60, check=True)
    assert "60 dollars" in json.loads(done.stdout)["choices"][0]["message"]["content"]


def test_the_tables_name_every_mode_effort_and_code() -> None:
    assert all(f"`{name}`" in PAGE for name in [*MODE_MODELS, *EFFORTS])
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src/pierian/server").rglob("*.py")]
    used = {code for source in sources for code in re.findall(r'code="(\w+)"', source)} | {
        "insufficient_quota",
        "host_not_allowed",
    }
    rows = [line for line in PAGE.splitlines() if re.match(r"\| \d{3} \|", line)]
    told = {code for row in rows for code in re.findall(r"`([a-z0-9_]+)`", row.split("|")[2])}
    assert told == used


def test_the_limits_are_those_of_the_code() -> None:
    figures = {
        f"{request_body.MOST_BYTES // 2**20} MiB, nested at most {MOST_NESTED} deep",
        f"{request_body.SILENT_SECONDS:g} s without a byte, {request_body.WHOLE_SECONDS:g} s in all",
        f"{connection_limits.HEAD_BYTES // 1024} KiB, {connection_limits.HEAD_SECONDS:g} s",
        f"{MOST_PICTURE_BYTES // 2**20} MB, as data",
        f"| {MOST_TOOLS} |",
        f"| {MOST_OPEN:,} |",
    }
    assert [figure for figure in figures if figure not in PAGE] == []
