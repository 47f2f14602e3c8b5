"""One draft, streamed from a double: corrections, budgets, crashes, native thoughts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pierian.budget import Amount, Ledger, Limits
from pierian.events import (
    CalculationCorrected,
    DraftVoided,
    EngineRestarted,
    Event,
    PromptRead,
    Token,
    ValueMissing,
)
from pierian.exceptions import BudgetExhausted, ServerRefused, StreamBroken
from pierian.models.wire import Message, Piece, PromptProgress, Request, Usage
from pierian.reasoning import Prices, Question, Run, classify
from pierian.reasoning.generation import Generation, generate, note_arithmetic
from pierian.sandbox import Sandbox
from pierian.testing import Double, FunctionalModel, Reply, ScriptedModel

QUESTION: Question = classify("How much are 3 pens at 4 euros?")
ASKED = (Message("system", "Short steps."), Message("user", QUESTION.text))


def run_with(
    model: Double, limits: Limits | None = None, prices: Prices | None = None
) -> tuple[Run, list[Event]]:
    events: list[Event] = []
    ledger = Ledger(limits)
    run = Run(model, Sandbox(), ledger, QUESTION, events.append, prices=prices or Prices())
    assert run.begin("double") == 1
    events.clear()
    return run, events


def what(**more: object) -> Generation:
    return Generation(**{"draft": 1, "messages": ASKED, "max_tokens": 100, "correct": True, **more})  # type: ignore[arg-type]


def shown(events: list[Event]) -> str:
    return "".join(e.text for e in events if isinstance(e, Token))


async def test_a_plain_draft() -> None:
    with ScriptedModel("Pens: 3 * 4 = 12 euros.\nAnswer: 12") as model:
        run, events = run_with(model)
        done = await generate(run, what())
    assert done.text == shown(events) == "Pens: 3 * 4 = 12 euros.\nAnswer: 12"
    assert (done.complete, done.recomputed, done.wrong, done.corrected) == (True, 1, 0, [])
    assert run.spend.completion_tokens == done.tokens == run.ledger.spent.tokens == 9
    assert run.ledger.reserved == Amount()


async def test_a_wrong_number_is_replaced_and_the_model_goes_on_from_there() -> None:
    with ScriptedModel("Pens: 3 * 4 = 13 euros.\nAnswer: 13", " euros.\nAnswer: 12") as model:
        run, events = run_with(model)
        done = await generate(run, what())
    assert done.text == "Pens: 3 * 4 = 12 euros.\nAnswer: 12"
    assert model.requests[1].messages == (*ASKED, Message("assistant", "Pens: 3 * 4 = 12"))
    (event,) = [e for e in events if isinstance(e, CalculationCorrected)]
    assert event == CalculationCorrected(1, "3 * 4", "13", "12", "Pens: 3 * 4 = 12")
    assert "Answer: 13" not in shown(events)
    note_arithmetic(run, done)
    (check,) = run.checks
    assert (check.kind, check.outcome) == ("arithmetic", "corrected")
    assert "3 * 4 is 12, not 13" in check.detail


async def test_what_a_correction_costs_is_counted_once() -> None:
    with ScriptedModel("Pens: 3 * 4 = 13 euros.\nAnswer: 13", " euros.\nAnswer: 12") as model:
        run, _ = run_with(model, Limits(tokens=100))
        done = await generate(run, what(max_tokens=40))
    assert model.requests[1].max_tokens < 40
    assert done.tokens == run.ledger.spent.tokens == run.spend.completion_tokens
    assert run.ledger.tokens_left() == 100 - done.tokens


async def test_corrections_have_an_end() -> None:
    model = FunctionalModel(lambda _: "\nPens: 3 * 4 = 13 euros.\n")
    run, events = run_with(model)
    done = await generate(run, what(max_tokens=1000))
    corrections = [e for e in events if isinstance(e, CalculationCorrected)]
    assert len(corrections) == 8
    assert done.wrong == 1


async def test_a_server_that_cannot_continue_is_not_interrupted() -> None:
    with ScriptedModel("Pens: 3 * 4 = 13 euros.", embedded=False) as model:
        run, _ = run_with(model)
        done = await generate(run, what())
    assert (done.text, done.wrong, done.corrected) == ("Pens: 3 * 4 = 13 euros.", 1, [])
    note_arithmetic(run, done)
    assert [c.outcome for c in run.checks] == ["failed"]


async def test_programs_are_not_corrected() -> None:
    with ScriptedModel("x = 3 * 4 = 13 \n") as model:
        run, _ = run_with(model)
        done = await generate(run, what(correct=False))
    assert (done.text, done.recomputed) == ("x = 3 * 4 = 13 \n", 0)


async def test_the_limit_of_a_draft() -> None:
    with ScriptedModel("one two three four five") as model:
        run, _ = run_with(model)
        done = await generate(run, what(max_tokens=3))
    assert (done.text, done.complete, done.hit_budget) == ("one two three", False, False)


async def test_a_budget_that_ends_in_the_middle() -> None:
    with ScriptedModel("one two three four five") as model:
        run, _ = run_with(model, Limits(tokens=3))
        done = await generate(run, what())
    assert (done.text, done.complete, done.hit_budget) == ("one two three", False, True)
    assert run.ledger.tokens_left() == 0


async def test_a_budget_that_ends_at_a_correction() -> None:
    with ScriptedModel("3 * 4 = 13 euros and more") as model:
        run, _ = run_with(model, Limits(tokens=6))
        done = await generate(run, what())
    assert done.text == "3 * 4 = 12"
    assert not done.complete
    assert done.hit_budget


async def test_no_budget_no_call() -> None:
    model = ScriptedModel()
    run, _ = run_with(model, Limits(tokens=5))
    run.ledger.reserve(Amount(5))
    with pytest.raises(BudgetExhausted):
        await generate(run, what())
    assert model.requests == []


async def test_the_price_is_reserved_before_and_settled_after() -> None:
    reserved: list[Amount] = []

    def answer(_: Request) -> Reply:
        reserved.append(run.ledger.reserved)
        return Reply("one two", usage=Usage(10, 4, 2))

    run, _ = run_with(FunctionalModel(answer), Limits(money=1.0), Prices(input=1000.0, output=2000.0))
    await generate(run, what(max_tokens=50))
    bound = Request(messages=ASKED, max_tokens=50).prompt_bound()
    assert reserved == [Amount(50, pytest.approx(bound / 1000 + 0.1))]
    assert run.ledger.spent.money == run.spend.money == pytest.approx(0.01 + 0.004)
    assert run.ledger.reserved.money == pytest.approx(0)


async def test_a_call_that_could_cost_too_much_is_not_made() -> None:
    model = ScriptedModel()
    run, _ = run_with(model, Limits(money=0.01), Prices(input=0.0, output=1000.0))
    with pytest.raises(BudgetExhausted) as caught:
        await generate(run, what())
    assert caught.value.limit == "money"
    assert model.requests == []


def breaks(text: str) -> Iterator[str]:
    yield text
    raise StreamBroken("The connection broke.", partial=text)


async def test_a_crash_voids_the_draft_and_it_begins_again() -> None:
    with ScriptedModel(breaks("half an "), "whole answer") as model:
        run, events = run_with(model)
        done = await generate(run, what())
    assert done.text == "whole answer"
    assert model.requests[0].messages == model.requests[1].messages == ASKED
    assert model.requests[1].max_tokens == model.requests[0].max_tokens - 1
    kinds = [type(e) for e in events]
    assert kinds.index(EngineRestarted) < kinds.index(DraftVoided) < kinds.index(Token, 2)
    assert run.ledger.spent.tokens == run.spend.completion_tokens == 3
    assert run.ledger.reserved == Amount()


async def test_corrections_of_a_voided_draft_are_void_too() -> None:
    script = ("3 * 4 = 13 so ", breaks(" and "), "3 * 4 = 12 so")
    with ScriptedModel(*script) as model:
        run, _ = run_with(model)
        done = await generate(run, what())
    assert (done.text, done.corrected) == ("3 * 4 = 12 so", [])


async def test_a_second_crash_is_the_end() -> None:
    with ScriptedModel(breaks("a "), breaks("b ")) as model:
        run, _ = run_with(model)
        with pytest.raises(StreamBroken):
            await generate(run, what())
        assert len(model.recovered) == 1
    assert run.ledger.reserved == Amount()


async def test_a_server_of_somebody_else_is_not_retried() -> None:
    with ScriptedModel(breaks("a "), embedded=False) as model:
        run, events = run_with(model)
        with pytest.raises(StreamBroken):
            await generate(run, what())
    assert not any(isinstance(e, DraftVoided) for e in events)
    assert run.partial == "a "


async def test_a_refusal_is_not_retried() -> None:
    with ScriptedModel(ServerRefused("No.", status=400)) as model:
        run, _ = run_with(model)
        with pytest.raises(ServerRefused):
            await generate(run, what())


async def test_progress_is_told() -> None:
    with ScriptedModel([PromptProgress(5, 10, 2), "4"]) as model:
        run, events = run_with(model)
        await generate(run, what())
    assert events[0] == PromptRead(5, 10, 2)


async def test_thoughts_are_streamed_but_not_part_of_the_text() -> None:
    with ScriptedModel([Piece("hm 3 * 4 = 13 ", thought=True), "12"], name="qwen3-8b") as model:
        run, events = run_with(model)
        done = await generate(run, what(channel="answer", thinks=True))
    assert done.text == "12"
    assert [e.channel for e in events if isinstance(e, Token)] == ["thought", "answer"]
    assert model.requests[0].extra == {"chat_template_kwargs": {"enable_thinking": True}}


async def test_thinking_is_switched_off_where_it_is_not_wanted() -> None:
    with ScriptedModel("12", name="qwen3-8b") as model:
        run, _ = run_with(model)
        await generate(run, what())
    assert model.requests[0].extra == {"chat_template_kwargs": {"enable_thinking": False}}


async def test_a_thought_without_end_is_ended_and_the_answer_asked_for() -> None:
    thought = [Piece("hm ", thought=True)] * 5000
    with ScriptedModel(thought, "12", name="qwen3-8b") as model:
        run, _ = run_with(model)
        done = await generate(run, what(max_tokens=3000, thinks=True))
    assert (done.text, done.complete) == ("12", True)
    continued = model.requests[1].messages[-1]
    assert continued.role == "assistant"
    assert continued.content.startswith("<think>\nhm hm ")
    assert continued.content.endswith("\n</think>\n\n")
    assert model.requests[1].max_tokens == 3000 - 1024


async def test_sampling_follows_the_family() -> None:
    with ScriptedModel("a", "b", name="qwen2.5-coder-1.5b") as model:
        run, _ = run_with(model)
        await generate(run, what())
        await generate(run, what(temperature=0.7, seed=3))
    greedy, sampled = model.requests
    assert (greedy.temperature, greedy.top_p, greedy.top_k, greedy.seed) == (0.0, None, None, None)
    assert (sampled.temperature, sampled.top_p, sampled.top_k, sampled.seed) == (0.7, 0.8, 20, 3)


FORGOTTEN = (
    "```python\n# the guests\nguests = 50\n# what it costs\ncost = venue + guests * 500\nanswer = cost\n```"
)
GIVEN = " 10000\n# what it costs\ncost = venue + guests * 500\nanswer = cost\n```"


async def test_a_value_that_a_program_forgot_is_asked_for() -> None:
    with ScriptedModel(FORGOTTEN, GIVEN) as model:
        run, events = run_with(model)
        done = await generate(run, what(correct=False, define=True))
    start = "```python\n# the guests\nguests = 50\nvenue ="
    assert model.requests[1].messages[-1] == Message("assistant", start)
    assert [e for e in events if isinstance(e, ValueMissing)] == [ValueMissing(1, "venue", start)]
    assert done.text == start + GIVEN
    assert done.defined == ["venue"]
    assert run.spend.completion_tokens == done.tokens == run.begun[1].tokens == run.ledger.spent.tokens


async def test_a_value_is_asked_for_once() -> None:
    stubborn = "```python\ncost = venue * 500\nanswer = cost\n```"
    with ScriptedModel(stubborn, " venue\ncost = venue * 500\nanswer = cost\n```") as model:
        run, _ = run_with(model)
        done = await generate(run, what(correct=False, define=True))
    assert len(model.requests) == 2
    assert done.text.endswith("answer = cost\n```")


async def test_sureness_is_the_mean_over_what_was_written() -> None:
    pieces = [Piece("1", logprob=-0.5), Piece(" 2", logprob=-1.5), Piece(" 3")]
    with ScriptedModel(Reply(pieces)) as model:
        run, _ = run_with(model)
        done = await generate(run, what(logprobs=True))
    assert model.requests[0].logprobs
    assert done.mean_logprob == -1.0
