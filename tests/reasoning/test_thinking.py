"""Thinking with a double whose answer depends on which approach asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from pierian.budget import Amount, Ledger, Limits
from pierian.events import Event, ProgramRun, Routed, SecondLook
from pierian.exceptions import BudgetExhausted, StreamBroken
from pierian.models.wire import Request
from pierian.reasoning import Draft, Run, classify, think
from pierian.reasoning.approaches.program import code_of, value_of
from pierian.reasoning.thinking import decided, tally
from pierian.reasoning.values import FinalValue
from pierian.sandbox import Sandbox
from pierian.testing import FunctionalModel, Reply

PENS = "A shop sells pens at 3 for 2 euros. How much are 18 pens?"
STEPS = "Pens: 18 / 3 * 2 = {} euros.\nAnswer: {} euros"
PROGRAM = "```python\nanswer = {}\n```"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as opened:
        yield opened


def by_approach(**replies: str | list[str]) -> tuple[FunctionalModel, list[str]]:
    """A double that tells by the system prompt which approach asks; a list is used up, its last stays."""
    asked: list[str] = []
    signs = {"program": "Python", "steps": "short sentence", "worked": "boxed", "open": "helpful assistant"}
    signs |= {"letter": "nothing else", "choice": "letter of the right option."}

    def answer(request: Request) -> str:
        system = request.messages[0].content
        kind = next(kind for kind, sign in signs.items() if sign in system)
        asked.append(kind + ("*" if request.temperature > 0 else ""))
        reply = replies.get(kind + "*" if request.temperature > 0 else kind, replies[kind])
        return reply if isinstance(reply, str) else reply.pop(0) if len(reply) > 1 else reply[0]

    return FunctionalModel(answer), asked


def run_with(
    model: FunctionalModel, sandbox: Sandbox, question: str = PENS, limits: Limits | None = None
) -> tuple[Run, list[Event]]:
    events: list[Event] = []
    return Run(model, sandbox, Ledger(limits), classify(question), events.append), events


def outcomes(run: Run) -> dict[str, str]:
    return {check.kind: check.outcome for check in run.checks}


async def test_agreement_ends_it_after_two_drafts(sandbox: Sandbox) -> None:
    model, asked = by_approach(steps=STEPS.format(12, 12), program=PROGRAM.format("18 / 3 * 2"))
    run, events = run_with(model, sandbox)
    await think(run)
    assert sorted(asked) == ["program", "steps"]
    assert run.chosen is not None
    assert (run.chosen.value.normal, run.chosen.code, run.agreeing) == ("12", "", 2)
    assert outcomes(run) == {"arithmetic": "passed", "program": "passed", "agreement": "passed"}
    assert isinstance(events[0], Routed)
    assert not any(isinstance(e, SecondLook) for e in events)
    assert run.note == run.cut_short == ""


async def test_disagreement_takes_another_look_until_one_value_leads(sandbox: Sandbox) -> None:
    model, asked = by_approach(
        steps="It is so.\nAnswer: 13 euros", program=PROGRAM.format(12), worked="So \\boxed{12}."
    )
    run, events = run_with(model, sandbox)
    await think(run)
    assert asked == ["steps", "program", "worked"]
    assert [e.reason for e in events if isinstance(e, SecondLook)] == ["The drafts disagree: 13 euros, 12."]
    assert run.chosen is not None
    assert (run.chosen.approach, run.chosen.value.normal, run.agreeing) == ("worked solution", "12", 2)
    assert outcomes(run)["agreement"] == "passed"
    assert any("2 of 3 drafts" in check.detail for check in run.checks)


async def test_lasting_disagreement_is_said(sandbox: Sandbox) -> None:
    model, asked = by_approach(
        steps=["Answer: 1"], program=[PROGRAM.format(2)], worked="\\boxed{3}", **{"steps*": "Answer: 4"}
    )
    model.function = _program_changes(model.function)
    run, _ = run_with(model, sandbox)
    await think(run)
    assert asked == ["steps", "program", "worked", "steps*", "program*"]
    assert outcomes(run)["agreement"] == "failed"
    assert "disagree" in run.note
    assert run.chosen is not None
    assert run.chosen.value.normal == "3"  # the approach that is right most often alone


def _program_changes(function: Callable[[Request], object]) -> Callable[[Request], str]:
    def changed(request: Request) -> str:
        text = str(function(request))
        return PROGRAM.format(5) if request.temperature > 0 and text == PROGRAM.format(2) else text

    return changed


async def test_no_draft_comes_to_a_value(sandbox: Sandbox) -> None:
    model, asked = by_approach(steps="Hard to say.", program="I cannot.", worked="Who knows.")
    run, events = run_with(model, sandbox)
    await think(run)
    assert len(asked) == 5
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
    model, asked = by_approach(steps=STEPS.format(12, 12), program=program, worked="\\boxed{12}")
    run, events = run_with(model, sandbox)
    await think(run)
    assert asked == ["steps", "program", "worked"]
    (ran,) = [e for e in events if isinstance(e, ProgramRun)]
    assert ran.value == ""
    assert error in ran.error
    assert run.chosen is not None
    assert run.chosen.value.normal == "12"
    assert outcomes(run)["agreement"] == "passed"
    assert outcomes(run).get("program", "unusable") == "unusable"


async def test_a_small_budget_is_shared_between_the_first_drafts(sandbox: Sandbox) -> None:
    model, asked = by_approach(steps="Answer: 12", program=PROGRAM.format(13), worked="\\boxed{12}")
    run, _ = run_with(model, sandbox, limits=Limits(tokens=4))
    await think(run)
    assert sorted(asked)[:2] == ["program", "steps"]
    assert "token budget" in run.cut_short
    assert run.ledger.spent.tokens <= 4


async def test_a_budget_that_ends_between_looks_is_said(sandbox: Sandbox) -> None:
    model, asked = by_approach(steps="Answer: 12", program=PROGRAM.format(13), worked="\\boxed{12}")
    run, _ = run_with(model, sandbox, limits=Limits(money=0.5))
    inner = model.function

    def expensive(request: Request) -> Reply:
        reply = Reply(str(inner(request)))
        if len(asked) == 2:
            run.ledger.child().reserve(Amount()).settle(Amount(0, 1.0))
        return reply

    model.function = expensive
    await think(run)
    assert asked == ["steps", "program"]
    assert run.chosen is not None
    assert "Another look was due" in run.cut_short
    assert outcomes(run)["agreement"] == "failed"


async def test_no_budget_at_all(sandbox: Sandbox) -> None:
    model, asked = by_approach(steps="Answer: 12", program="")
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


def draft(number: int, value: str, weight: float = 1.0, code: str = "") -> Draft:
    return Draft(number, "a", value, FinalValue(value, value), weight, 1, code=code)


def test_two_that_agree_decide_unless_two_others_do() -> None:
    assert not decided([])
    assert not decided([draft(1, "5")])
    assert not decided([draft(1, ""), draft(2, "")])
    assert decided([draft(1, "5"), draft(2, "5")])
    assert not decided([draft(1, "5"), draft(2, "5"), draft(3, "6"), draft(4, "6")])
    assert decided([draft(1, "5"), draft(2, "5"), draft(3, "6"), draft(4, "5"), draft(5, "6")])


def test_the_heaviest_value_leads_and_prose_speaks_for_it() -> None:
    rows = tally([draft(1, "5", 0.9), draft(2, "5", 1.1, code="answer = 5"), draft(3, "6", 1.5)])
    assert [(count, best.number) for _, count, best in rows] == [(2, 1), (1, 3)]


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
