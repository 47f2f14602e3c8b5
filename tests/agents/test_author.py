"""A request that another program wrote: its words are nobody's own, so whatever acts on them is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from pierian.agents import Desk, act, find_entities, local_now
from pierian.budget import Ledger
from pierian.reasoning import Run, classify
from pierian.runs import Approvals, Worker
from pierian.sandbox import Sandbox
from pierian.storage import open_database
from pierian.testing import FunctionalModel
from pierian.tools import tool

REQUEST = "Mail hello to ann@example.org"
PLAN = '{"steps": [{"call": "mail", "arguments": {"to": "$email1", "text": "hello"}}]}'


@pytest.mark.parametrize(("author", "sent"), [("", ["ann@example.org"]), ("mcp-client", [])])
async def test_only_the_users_own_words_act_at_once(tmp_path: Path, author: str, sent: list[str]) -> None:
    done: list[str] = []

    @tool(effect="send")
    async def mail(to: str, text: str) -> str:
        """Send a mail."""
        done.append(to)
        return "sent"

    model = FunctionalModel(lambda request: PLAN if "Tools:" in request.messages[-1].content else "Done.")
    with open_database(tmp_path / "a.db") as database, Worker(database) as worker:
        async with Sandbox() as sandbox:
            run = Run(model, sandbox, Ledger(), classify(REQUEST), lambda event: None)
            desk = Desk({"mail": mail}, database, worker, author=author)
            await act(run, desk, ["mail"], find_entities(REQUEST, now=local_now()))
        assert done == sent
        assert len(Approvals(database).list()) == (1 if author else 0)
