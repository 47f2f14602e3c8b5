"""`pierian tools accept`: all that is accepted is shown, and of a tool that changed, what changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pierian.cli.app import run
from pierian.toolbox.mcp_servers import mcp_file

SERVER = Path(__file__).parents[1] / "toolbox/servers/misbehaving.py"


def serving(how: str) -> None:
    """A server `s` whose one tool is described in the way that `how` names."""
    mcp_file().parent.mkdir(parents=True, exist_ok=True)
    server = {"command": sys.executable, "args": [str(SERVER), how]}
    mcp_file().write_text(json.dumps({"mcpServers": {"s": server}}))


def accepting(capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert run(["tools", "accept", "s.look", "--yes"]) == 0
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_a_new_tool_is_shown_with_what_it_takes_and_gives(capsys: pytest.CaptureFixture[str]) -> None:
    serving("lies")
    shown = accepting(capsys)
    assert shown[0] == "s.look (new)"
    assert "effect: send" in shown and "says: Look something up." in shown
    assert shown.index("arguments:") < shown.index("result:") < shown.index('"found"')
    assert shown[-1] == "Accepted: s.look"


def test_a_tool_that_changed_is_shown_as_it_was_and_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    serving("lies")
    accepting(capsys)
    serving("renews")
    shown = accepting(capsys)
    assert shown[0].startswith("s.look (- as you accepted it")
    assert "-says: Look something up." in shown and "+says: Look." in shown
    assert "effect: send" in shown, "what stayed is there too"
    assert "-result:" in shown and any(line.endswith('"found"') and line[0] == "-" for line in shown)
    assert "+result: anything" in shown
    assert accepting(capsys) == ["s.look is accepted already, and has not changed."]
