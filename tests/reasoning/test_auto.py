"""Auto begins shallow, and goes deeper where what it got does not hold together."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pierian.budget import Ledger, Limits
from pierian.events import DraftStarted, Escalated, Event, Routed
from pierian.models.wire import Piece, Request
from pierian.reasoning import Run, answer_automatically, classify
from pierian.reasoning.auto import begin_with
from pierian.sandbox import Sandbox
from pierian.testing import FunctionalModel
from pierian.testing.double import words

PENS = "A shop sells pens at 3 for 2 euros. How much are 18 pens?"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as opened:
        yield opened


def run_with(
    model: FunctionalModel, sandbox: Sandbox, question: str = PENS, limits: Limits | None = None
) -> tuple[Run, list[Event]]:
    events: list[Event] = []
    return Run(model, sandbox, Ledger(limits), classify(question), events.append), events


def program(request: Request, value: str) -> str:
    if "Python" in request.messages[0].content:
        return f"```python\nprice = {value} + 0 * 18 * 3 * 2\nanswer = price\n```"
    return f"18 pens at 3 for 2: \\boxed{{{value}}}"


def sure(text: str, logprob: float) -> list[Piece]:
    return [Piece(word, logprob=logprob) for word in words(text)]


async def test_a_sure_first_draft_is_enough(sandbox: Sandbox) -> None:
    model = FunctionalModel(lambda request: sure(program(request, "12"), -0.01))
    run, events = run_with(model, sandbox)
    await answer_automatically(run, 8)
    assert (run.took, len(run.begun)) == ("instant", 1)
    assert not any(isinstance(e, Escalated) for e in events)


async def test_doubt_goes_deeper_and_wastes_no_draft(sandbox: Sandbox) -> None:
    model = FunctionalModel(lambda request: sure(program(request, "12"), -0.3))
    run, events = run_with(model, sandbox)
    await answer_automatically(run, 8)
    assert run.took == "thinking"
    assert [e.mode for e in events if isinstance(e, Escalated)] == ["thinking"]
    names = [e.approach for e in events if isinstance(e, DraftStarted)]
    assert len(names) == len(set(names))  # the first draft counts, and is not made again
    assert run.chosen is not None
    assert run.chosen.value.normal == "12"


async def test_lasting_disagreement_ends_in_contemplating(sandbox: Sandbox) -> None:
    values = iter(range(1, 99))
    model = FunctionalModel(lambda request: sure(program(request, str(next(values))), -0.3))
    run, events = run_with(model, sandbox)
    await answer_automatically(run, 4)
    assert run.took == "contemplating"
    assert [e.mode for e in events if isinstance(e, Escalated)] == ["thinking", "contemplating"]
    assert "do not agree" in run.note
    assert sum(check.kind == "agreement" for check in run.checks) == 1


async def test_a_small_budget_stays_shallow(sandbox: Sandbox) -> None:
    model = FunctionalModel(lambda request: sure(program(request, "12"), -0.3))
    run, events = run_with(model, sandbox, limits=Limits(tokens=200))
    await answer_automatically(run, 8)
    assert run.took == "instant"
    assert (
        next(e for e in events if isinstance(e, Routed)).reason
        == "the budget leaves no room to check anything"
    )
    assert run.spend.completion_tokens <= 200


@pytest.mark.parametrize(
    ("question", "mode"),
    [
        (PENS, "instant"),
        ("Why is the sky blue?", "instant"),
        ("Which is a planet?\n(A) Moon\n(B) Mars", "thinking"),
        ("Compare the two plans below in detail. " + "word " * 60, "thinking"),
    ],
)
def test_where_it_begins(question: str, mode: str) -> None:
    model = FunctionalModel(lambda _: "")
    run = Run(model, Sandbox(), Ledger(), classify(question), lambda _: None)
    assert begin_with(run)[0].value == mode
