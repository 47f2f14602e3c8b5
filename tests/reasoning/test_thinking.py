"""Thinking with a double whose answer depends on which approach asks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pierian.budget import Amount, Ledger, Limits
from pierian.events import Event, ProgramRun, Routed, SecondLook
from pierian.exceptions import BudgetExhausted, StreamBroken
from pierian.models.adapters import Adapter
from pierian.models.wire import Request
from pierian.reasoning import Mode, Run, classify, finished, think
from pierian.reasoning.approaches.program import code_of, value_of
from pierian.reasoning.values import FinalValue
from pierian.sandbox import Sandbox
from pierian.testing import FunctionalModel, Reply
from pierian.testing.double import Content

PENS = "A shop sells pens at 3 for 2 euros. How much are 18 pens?"
EXPLAINED = "```python\n# 18 pens at 3 for 2 euros\nprice = 18 / 3 * 2\nanswer = price\n```"
PROGRAM = "```python\nanswer = {}\n```"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as opened:
        yield opened


SIGNS = {
    "choice": "letter of the right option within",
    "explained": "a comment says in the words",
    "program": "name each quantity",
    "questions": "the question that it answers",
    "worked": "boxed",
    "facts": "restate each fact",
    "open": "Answer completely",
    "letter": "nothing else",
}
"""Words of each approach's system prompt that no other has."""


def by_approach(**replies: str | list[str]) -> tuple[FunctionalModel, list[str]]:
    """A double that tells by the system prompt which approach asks; a list is used up, its last stays.

    A name with a star is for sampled drafts. An approach without a reply answers that it does not know.
    """
    asked: list[str] = []

    def answer(request: Request) -> str:
        system = request.messages[0].content
        kind = "facts" if SIGNS["facts"] in system else next(k for k, sign in SIGNS.items() if sign in system)
        asked.append(kind + ("*" if request.temperature > 0 else ""))
        reply = replies.get(asked[-1], replies.get(kind, "Who knows."))
        return reply if isinstance(reply, str) else reply.pop(0) if len(reply) > 1 else reply[0]

    return FunctionalModel(answer), asked


def run_with(
    model: FunctionalModel, sandbox: Sandbox, question: str = PENS, limits: Limits | None = None
) -> tuple[Run, list[Event]]:
    events: list[Event] = []
    return Run(model, sandbox, Ledger(limits), classify(question), events.append), events


def outcomes(run: Run) -> dict[str, str]:
    return {check.kind: check.outcome for check in run.checks}


async def test_agreement_of_two_programs_ends_it(sandbox: Sandbox) -> None:
    model, asked = by_approach(explained=EXPLAINED, program=PROGRAM.format("18 / 3 * 2"))
    run, events = run_with(model, sandbox)
    await think(run)
    assert sorted(asked) == ["explained", "program"]
    assert run.chosen is not None
    assert (run.chosen.value.normal, run.agreeing) == ("12", 2)
    assert run.chosen.text == "- 18 pens at 3 for 2 euros: 18 / 3 × 2 = 12\n\n**Answer: 12**"
    assert outcomes(run) == {"program": "passed", "agreement": "passed", "plausibility": "passed"}
    assert isinstance(events[0], Routed)
    assert not any(isinstance(e, SecondLook) for e in events)
    assert run.note == run.cut_short == ""
    assert "2 drafts agree" in run.stopped
    assert [record.outcome for record in run.records()] == ["agreed", "agreed"]


async def test_disagreement_takes_another_look_until_the_votes_settle(sandbox: Sandbox) -> None:
    model, asked = by_approach(
        explained=EXPLAINED, program=PROGRAM.format("18 * 3 / 2"), worked="18 / 3 * 2 = 12, so \\boxed{12}."
    )
    run, events = run_with(model, sandbox)
    await think(run)
    assert asked == ["explained", "program", "worked"]
    assert [e.reason for e in events if isinstance(e, SecondLook)] == ["The drafts disagree: 12, 27."]
    assert run.chosen is not None
    assert (run.chosen.value.normal, run.agreeing) == ("12", 2)
    assert outcomes(run)["agreement"] == "passed"
    assert any("2 of 3 drafts" in check.detail for check in run.checks)
    assert [record.outcome for record in run.records()] == ["agreed", "differed", "agreed"]


async def test_two_programs_that_leave_a_number_out_are_not_believed(sandbox: Sandbox) -> None:
    model, asked = by_approach(
        explained=PROGRAM.format("18 * 2"),
        program=PROGRAM.format("18 * 2"),
        worked="18 * 2: \\boxed{36}",
        facts="18 * 2: \\boxed{36}",
    )
    run, _ = run_with(model, sandbox)
    await think(run)
    assert len(asked) > 2
    assert outcomes(run)["plausibility"] == "failed"
    assert "The number 3 of the question is not used." in run.note


async def test_lasting_disagreement_is_said(sandbox: Sandbox) -> None:
    model, asked = by_approach(
        explained=PROGRAM.format("18 + 3 + 2"),
        program=PROGRAM.format("18 - 3 - 2"),
        questions=PROGRAM.format("18 * 3 * 2"),
        worked=["18, 3, 2: \\boxed{1}", "18, 3, 2: \\boxed{4}", "18, 3, 2: \\boxed{5}"],
        facts="18, 3, 2: \\boxed{6}",
    )
    run, _ = run_with(model, sandbox)
    await think(run)
    assert asked[:4] == ["explained", "program", "worked", "questions"]
    assert sorted(asked[4:]) == ["facts", "worked*", "worked*"]
    assert outcomes(run)["agreement"] == "failed"
    assert "do not agree" in run.note
    assert "Other drafts came to" in run.note
    assert run.chosen is not None
    assert run.chosen.value.normal == "23"  # the approach that is right most often alone


async def test_no_draft_comes_to_a_value(sandbox: Sandbox) -> None:
    model, asked = by_approach(worked="Hard to say.")
    run, events = run_with(model, sandbox)
    await think(run)
    assert len(asked) == 7
    assert next(e.reason for e in events if isinstance(e, SecondLook)) == "No draft came to a value."
    assert run.chosen is not None
    assert run.chosen.text == "Hard to say."
    assert "No draft came to a value" in run.note
    assert "agreement" not in outcomes(run)


@pytest.mark.parametrize(
    ("program", "error"),
    [
        (PROGRAM.format("1 / 0"), "Line 1: ZeroDivisionError"),
        (PROGRAM.format("'twelve'"), "does not end in a number"),
        ("```python\nanswer = 0\nwhile True:\n    answer += 1\n```", "limit of time"),
        ("No program.", "holds no program"),
    ],
)
async def test_a_program_that_fails_is_no_opinion(sandbox: Sandbox, program: str, error: str) -> None:
    model, asked = by_approach(explained=EXPLAINED, program=program, worked="18 / 3 * 2 = 12. \\boxed{12}")
    run, events = run_with(model, sandbox)
    await think(run)
    assert asked == ["explained", "program", "worked"]
    (ran,) = [e for e in events if isinstance(e, ProgramRun) and not e.value]
    assert error in ran.error
    assert run.chosen is not None
    assert run.chosen.value.normal == "12"
    assert outcomes(run)["agreement"] == "passed"


async def test_a_small_budget_is_shared_between_the_first_drafts(sandbox: Sandbox) -> None:
    model, asked = by_approach(explained=EXPLAINED, program=PROGRAM.format(13), worked="\\boxed{12}")
    run, _ = run_with(model, sandbox, limits=Limits(tokens=4))
    await think(run)
    assert asked == ["explained"]  # there was not enough for two
    assert "token budget" in run.cut_short
    assert run.ledger.spent.tokens <= 4


async def test_a_budget_that_ends_between_looks_is_said(sandbox: Sandbox) -> None:
    model, asked = by_approach(explained=EXPLAINED, program=PROGRAM.format(13), worked="\\boxed{12}")
    run, _ = run_with(model, sandbox, limits=Limits(money=0.5))
    inner = model.function

    def expensive(request: Request) -> Reply:
        reply = Reply(str(inner(request)))
        if len(asked) == 2:
            run.ledger.child().reserve(Amount()).settle(Amount(0, 1.0))
        return reply

    model.function = expensive
    await think(run)
    assert asked == ["explained", "program"]
    assert run.chosen is not None
    assert "money budget" in run.cut_short
    assert outcomes(run)["agreement"] == "failed"


async def test_no_budget_at_all(sandbox: Sandbox) -> None:
    model, asked = by_approach(explained=EXPLAINED)
    run, _ = run_with(model, sandbox, limits=Limits(tokens=0))
    with pytest.raises(BudgetExhausted):
        await think(run)
    assert asked == []
    assert run.chosen is None


async def test_a_server_that_fails_fails_the_run_with_its_own_error(sandbox: Sandbox) -> None:
    def broken(_: Request) -> str:
        raise StreamBroken("It broke.")

    model = FunctionalModel(broken, embedded=False)
    run, _ = run_with(model, sandbox)
    with pytest.raises(StreamBroken, match=r"It broke\."):
        await think(run)


async def test_an_open_question_says_that_nothing_could_be_checked(sandbox: Sandbox) -> None:
    model, asked = by_approach(open="It scatters the light.")
    run, _ = run_with(model, sandbox, "Why is the sky blue?")
    await think(run)
    assert asked == ["open"]
    assert run.chosen is not None
    assert run.chosen.text == "It scatters the light."
    assert run.checks == []
    assert run.note == "Nothing in this question could be checked."


async def test_the_arithmetic_of_an_open_question_is_checked(sandbox: Sandbox) -> None:
    model, _ = by_approach(open="Scattering grows as 2 * 8 = 16 does.")
    run, _ = run_with(model, sandbox, "Why is the sky blue?")
    await think(run)
    assert (outcomes(run), run.note) == ({"arithmetic": "passed"}, "")


async def test_choices_agree_by_letter(sandbox: Sandbox) -> None:
    model, asked = by_approach(choice="It is red.\nAnswer: (B)", letter="B")
    run, _ = run_with(model, sandbox, "Which is a planet?\n(A) Moon\n(B) Mars")
    await think(run)
    assert sorted(asked) == ["choice", "letter"]
    assert run.chosen is not None
    assert (run.chosen.value.normal, run.agreeing) == ("B", 2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```python\nx = 1\nanswer = x\n```", "x = 1\nanswer = x\nanswer"),
        ("```\na = 1\nb = 2\n```", "a = 1\nb = 2\nb"),
        ("x = 3", "x = 3\nx"),
        ("```python\nx = 1", "x = 1\nx"),
        ("```python\nx = 1\n```\nor\n```python\ny = 2\n```", "y = 2\ny"),
        ("print(5)", ""),
        ("", ""),
        ("x == 3", ""),
    ],
)
def test_the_program_of_a_draft(text: str, code: str) -> None:
    assert code_of(text) == code


@pytest.mark.parametrize(
    ("result", "text", "normal"),
    [
        (12, "12", "12"),
        (12.0, "12", "12"),
        (0.1 + 0.2, "0.3", "0.3"),
        ((15, 11), "15, 11", "15; 11"),
        ([12.5], "12.5", "12.5"),
        (True, "", ""),
        ("12", "", ""),
        (None, "", ""),
        ([], "", ""),
        ([1, "x"], "", ""),
        (float("nan"), "", ""),
        (float("inf"), "", ""),
        (1e300, "", ""),
        (-3, "-3", "-3"),
    ],
)
def test_the_value_of_a_program(result: object, text: str, normal: str) -> None:
    assert value_of(result) == FinalValue(text, normal)


async def test_an_adapter_goes_into_the_drafts_that_it_was_made_for_and_stands_on_the_receipt(
    sandbox: Sandbox,
) -> None:
    scales: dict[str, float] = {}
    model, _ = by_approach(
        explained=EXPLAINED, program=PROGRAM.format("18 * 3 / 2"), worked="18 / 3 * 2 = 12, so \\boxed{12}."
    )
    answer = model.reply

    def noting(request: Request) -> Content | Reply:
        scales[request.messages[0].content] = request.adapter_scale
        return answer(request)

    model.reply = noting  # type: ignore[method-assign]
    model.adapter = Adapter(name="short", base="m", file="short.gguf", size_bytes=1, sha256="")
    run, _ = run_with(model, sandbox)
    await think(run)
    assert [scale for system, scale in scales.items() if SIGNS["worked"] in system] == [1.0]
    assert sorted(scales.values()) == [0.0, 0.0, 1.0]
    receipt = finished(run, Mode.THINKING, 0.0).receipt
    assert (receipt.adapter, receipt.made_with) == ("short", f"{model.name} + short")
    model.adapter = None
    run, _ = run_with(model, sandbox)
    await think(run)
    assert finished(run, Mode.THINKING, 0.0).receipt.adapter == ""
