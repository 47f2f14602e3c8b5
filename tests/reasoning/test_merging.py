"""Open answers merged: an outline under a schema, then one writer; code tells what only one draft claims."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from pierian.budget import Amount, Ledger, Limits
from pierian.events import Event, Merging, Token
from pierian.models.wire import Request
from pierian.reasoning import Run, classify, contemplate
from pierian.sandbox import Sandbox
from pierian.testing import FunctionalModel

OUTLINE = json.dumps(
    {
        "points": [
            {"point": "Air scatters blue light most", "answers": [1, 2]},
            {"point": "It is cold.", "answers": [3]},
        ]
    }
)


class Server:
    """A double that answers each phase, and can wait for ever in one of them."""

    def __init__(self, outlines: list[str] | None = None, stuck: str = "") -> None:
        self.outlines = outlines if outlines is not None else [OUTLINE]
        self.stuck = stuck
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> object:
        self.asked.append(request)
        phase = self.phase(request)
        if phase == self.stuck:
            return self._for_ever()
        if phase == "outline":
            return self.outlines.pop(0)
        return (
            "Blue light is scattered most." if phase == "writer" else f"Draft {len(self.asked)}: it scatters."
        )

    def phase(self, request: Request) -> str:
        system = request.messages[0].content
        return "outline" if request.schema else "writer" if "from the notes alone" in system else "draft"

    async def _for_ever(self) -> AsyncIterator[str]:
        yield "so"
        await asyncio.Event().wait()


def run_with(server: Server, limits: Limits | None = None) -> tuple[Run, list[Event]]:
    events: list[Event] = []
    model = FunctionalModel(server)  # type: ignore[arg-type]
    return Run(model, Sandbox(), Ledger(limits), classify("Why is the sky blue?"), events.append), events


def check_accounts(run: Run) -> None:
    assert sum(record.tokens for record in run.records()) == run.spend.completion_tokens
    assert run.ledger.spent.tokens == run.spend.completion_tokens
    assert run.ledger.reserved == Amount()


async def test_the_writer_sees_the_outline_alone() -> None:
    server = Server()
    run, events = run_with(server)
    await contemplate(run, 8)
    assert [server.phase(r) for r in server.asked] == ["draft"] * 3 + ["outline", "writer"]
    writer = server.asked[-1].messages[-1].content
    assert "- Air scatters blue light most\n- It is cold. (uncertain)" in writer
    assert "Draft 1" not in writer
    assert run.chosen is not None
    assert run.chosen.text == "Blue light is scattered most."
    assert (
        "".join(e.text for e in events if isinstance(e, Token) and e.channel == "answer") == run.chosen.text
    )
    assert run.note == "Only one draft says: It is cold."
    (check,) = run.checks
    assert (check.kind, check.outcome) == ("agreement", "passed")
    assert "1 of 2 points" in check.detail
    assert [r.outcome for r in run.records()] == ["merged"] * 5
    assert any(isinstance(e, Merging) for e in events)
    check_accounts(run)


async def test_an_outline_in_the_wrong_form_is_asked_for_again() -> None:
    server = Server(["no json", OUTLINE])
    run, _ = run_with(server)
    await contemplate(run, 3)
    assert [server.phase(r) for r in server.asked] == ["draft"] * 3 + ["outline"] * 2 + ["writer"]
    assert "not valid" in server.asked[4].messages[-1].content
    check_accounts(run)


async def test_without_an_outline_the_longest_draft_stands_in() -> None:
    run, _ = run_with(Server(["no json", "{}"]))
    await contemplate(run, 3)
    assert run.chosen is not None
    assert run.chosen.text.startswith("Draft")
    assert "not merged" in run.note
    check_accounts(run)


async def test_numbers_of_drafts_that_are_not_there_are_left_out() -> None:
    wild = json.dumps({"points": [{"point": "a", "answers": [9, 9]}, {"point": "b", "answers": [2, 2, 1]}]})
    run, _ = run_with(Server([wild]))
    await contemplate(run, 3)
    assert run.agreeing == 2
    assert run.note == "Only one draft says: a."


async def test_a_budget_that_ends_before_the_merge() -> None:
    run, _ = run_with(Server(), Limits(tokens=9))
    await contemplate(run, 3)
    assert run.chosen is not None
    assert run.chosen.text
    assert run.cut_short
    check_accounts(run)


@pytest.mark.parametrize("stuck", ["draft", "outline", "writer"])
async def test_cancelled_in_any_phase(stuck: str) -> None:
    server = Server(stuck=stuck)
    run, events = run_with(server)
    task = asyncio.create_task(contemplate(run, 3))
    while not (server.asked and server.phase(server.asked[-1]) == stuck and isinstance(events[-1], Token)):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert bool(run.chosen) == (stuck != "draft")
    assert run.partial or run.chosen
    assert all(record.outcome for record in run.records())
    check_accounts(run)
