"""Instant: one pass, the form chosen by the kind of question, arithmetic recomputed for nothing."""

from __future__ import annotations

import pytest

from pierian.budget import Ledger
from pierian.events import DraftFinished, DraftStarted, Event, Routed, Token
from pierian.models.wire import Message
from pierian.reasoning import Run, answer_instantly, classify
from pierian.sandbox import Sandbox
from pierian.testing import ScriptedModel


async def instantly(question: str, *replies: str, **more: object) -> tuple[Run, list[Event], ScriptedModel]:
    events: list[Event] = []
    with ScriptedModel(*replies) as model:
        run = Run(model, Sandbox(), Ledger(), classify(question), events.append, **more)  # type: ignore[arg-type]
        await answer_instantly(run)
    return run, events, model


async def test_one_pass_streams_as_the_answer() -> None:
    run, events, _ = await instantly("Why is the sky blue?", "It scatters light.")
    assert run.chosen is not None
    assert run.chosen.text == "It scatters light."
    assert [type(e) for e in events] == [Routed, DraftStarted, Token, Token, Token, DraftFinished]
    assert {e.channel for e in events if isinstance(e, Token)} == {"answer"}
    assert run.note == "Instant checks only arithmetic, and this answer has none."


PROGRAM = "```python\n# 3 pens at 4 euros\nprice = 3 * 4\nanswer = price\n```"


async def test_a_quantity_is_worked_out_by_a_program_that_is_explained() -> None:
    run, events, _ = await instantly("How much are 3 pens at 4 euros?", PROGRAM)
    assert run.chosen is not None
    assert run.chosen.text == "- 3 pens at 4 euros: 3 × 4 = 12\n\n**Answer: 12**"
    assert [(c.kind, c.outcome) for c in run.checks] == [("program", "passed"), ("plausibility", "passed")]
    assert {e.channel for e in events if isinstance(e, Token)} == {"thought"}


async def test_words_stand_in_for_a_program_that_fails() -> None:
    run, _, _ = await instantly(
        "How much are 3 pens at 4 euros?", "I cannot.", "3 * 4 = 13 euros.\nAnswer: 13", " euros.\nAnswer: 12"
    )
    assert run.chosen is not None
    assert run.chosen.value.normal == "12"
    assert [(c.kind, c.outcome) for c in run.checks] == [
        ("arithmetic", "corrected"),
        ("plausibility", "passed"),
    ]
    assert run.note == ""


async def test_an_answer_that_leaves_a_number_out_says_so() -> None:
    run, _, _ = await instantly("How much are 3 pens at 4 euros?", PROGRAM.replace("3 * 4", "4"))
    assert "The number 3 of the question is not used." in run.note


@pytest.mark.parametrize(
    ("question", "reply", "value"),
    [
        ("Which is a planet?\n(A) Moon\n(B) Mars", "(B)\nbecause it is", "B"),
        ("Solve $x^2 = 4$ for positive $x$.", "\\boxed{2}", "2"),
        ("Is it?\n- yes\n- no", "Yes", "yes"),
        ("Why?", "Because.", ""),
    ],
)
async def test_the_value_of_each_kind(question: str, reply: str, value: str) -> None:
    run, _, _ = await instantly(question, reply)
    assert run.chosen is not None
    assert run.chosen.value.normal == value


async def test_the_fixed_words_come_first_and_the_question_last() -> None:
    history = (Message("user", "Hi"), Message("assistant", "Hello"))
    _, _, model = await instantly("Why?", "So.", history=history, instructions="Speak as a pirate.")
    messages = model.requests[0].messages
    assert messages[0].role == "system"
    assert "pirate" not in messages[0].content  # so that the cached prefix serves everybody
    assert messages[1:3] == history
    assert messages[3].role == "user"
    assert messages[3].content.startswith("Why?")
    assert "Speak as a pirate." in messages[3].content


async def test_a_users_seed_reaches_the_model() -> None:
    _, _, model = await instantly("Why?", "So.", seed=7)
    assert model.requests[0].seed == 8
    _, _, model = await instantly("Why?", "So.")
    assert model.requests[0].seed is None
