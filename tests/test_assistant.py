"""Whole runs over a real loopback server: however a run ends, it ends with an answer or one clear error."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest
from msgspec import structs

from pierian import Answer, AskRequest, Assistant, Mode, Settings
from pierian.assistant.request import MAX_QUESTION_CHARACTERS, checked_question
from pierian.config import paths
from pierian.events import AnswerReady, DraftStarted, Event, Routed, Token
from pierian.exceptions import (
    BudgetExhausted,
    ContextOverflow,
    EngineError,
    QuestionError,
    ServerRefused,
    ServerTimeout,
    ServerUnreachable,
    UnknownName,
    UserError,
)
from pierian.models.wire import Message, Request
from pierian.reasoning.finishing import emphasised
from pierian.runs.stopping import stop_all
from pierian.testing import (
    AutomaticModel,
    CloseMidStream,
    FunctionalModel,
    ModelServer,
    NoUsage,
    Overflow,
    Refuse,
    Reply,
    ScriptedModel,
    Silence,
    serve,
)

PENS = "A shop sells pens at 3 for 2 euros. How much are 18 pens?"
STEPS = "Pens: 18 / 3 * 2 = 12 euros.\nAnswer: 12 euros"
PROGRAM = "```python\n# 18 pens at 3 for 2 euros\nprice = 18 / 3 * 2\nanswer = price  # euros\n```"


def thinker(request: Request) -> str:
    return PROGRAM if "Python" in request.messages[0].content else STEPS


def settings_for(server: ModelServer, **more: Any) -> Settings:
    return Settings(base_url=server.base_url, model="double", **more)


async def answer_of(server: ModelServer, request: AskRequest, **more: Any) -> tuple[Answer, list[Event]]:
    events: list[Event] = []
    async with (
        Assistant(settings_for(server, **more)) as assistant,
        contextlib.aclosing(assistant.stream(request)) as stream,
    ):
        events.extend([event async for event in stream])
    last = events[-1]
    assert isinstance(last, AnswerReady)
    assert sum(isinstance(e, AnswerReady) for e in events) == 1
    return last.answer, events


async def test_a_checked_answer_with_its_receipt() -> None:
    async with serve(FunctionalModel(thinker)) as server:
        answer, events = await answer_of(server, AskRequest(question=PENS, mode=Mode.THINKING))
    assert answer.complete
    assert answer.value == "12 euros"
    assert answer.text == "- 18 pens at 3 for 2 euros: 18 / 3 × 2 = 12\n\n**Answer: 12 euros**"
    receipt = answer.receipt
    assert (receipt.mode, receipt.model, len(receipt.drafts), receipt.agreeing) == (
        "thinking",
        "double",
        2,
        2,
    )
    assert {c.kind: c.outcome for c in receipt.checks} == {
        "program": "passed",
        "agreement": "passed",
        "plausibility": "passed",
    }
    assert receipt.spend.completion_tokens == sum(draft.tokens for draft in receipt.drafts) > 0
    assert receipt.spend.seconds > 0
    assert isinstance(events[0], Routed)


async def test_instant_streams_the_answer_itself() -> None:
    async with serve(AutomaticModel("It scatters light.")) as server:
        answer, events = await answer_of(server, AskRequest(question="Why?", mode=Mode.INSTANT))
    assert answer.text == "It scatters light."
    assert [e.text for e in events if isinstance(e, Token)] == ["It", " scatters", " light."]
    assert {e.channel for e in events if isinstance(e, Token)} == {"answer"}


async def test_one_assistant_answers_many_questions() -> None:
    async with serve(FunctionalModel(thinker)) as server, Assistant(settings_for(server)) as assistant:
        answers = [await assistant.ask(PENS), await assistant.ask(PENS, "instant")]
        answers += await asyncio.gather(*(assistant.ask(PENS, Mode.THINKING) for _ in range(3)))
    assert {answer.value for answer in answers} == {"12 euros"}


async def test_a_question_about_ones_own_days_says_how_to_link_an_account_where_none_is() -> None:
    async with (
        serve(AutomaticModel("I cannot see it.")) as server,
        Assistant(settings_for(server)) as assistant,
    ):
        own = await assistant.ask("Which meetings do I have on Monday?", "instant")
        other = await assistant.ask("What is a meeting?", "instant")
    assert "`pierian accounts link`" in own.receipt.note
    assert "accounts" not in other.receipt.note


async def test_the_mode_of_the_settings_and_unknown_modes() -> None:
    async with (
        serve(AutomaticModel()) as server,
        Assistant(settings_for(server, mode="instant")) as assistant,
    ):
        assert (await assistant.ask("Why?")).receipt.mode == "instant"
        with pytest.raises(UnknownName) as caught:
            await assistant.ask("Why?", "instnat")
    assert "instant" in caught.value.hint


async def test_history_instructions_and_seed_reach_the_model() -> None:
    history = (Message("user", "Hi"), Message("assistant", "Hello"))
    async with serve(AutomaticModel()) as server:
        request = AskRequest(question="Why?", mode=Mode.INSTANT, history=history, seed=7)
        await answer_of(server, request, instructions="Speak as a pirate.")
        (body,) = server.bodies
    assert [m["content"] for m in body["messages"][1:3]] == ["Hi", "Hello"]
    assert "pirate" in str(body["messages"])
    assert isinstance(body["seed"], int)


async def test_the_same_seed_asks_the_same() -> None:
    async with serve(FunctionalModel(thinker)) as server:
        for _ in range(2):
            await answer_of(server, AskRequest(question=PENS, seed=7))
        first, second = server.bodies[:2], server.bodies[2:]
    assert sorted(map(str, first)) == sorted(map(str, second)) != []


async def test_what_was_used_is_counted_for_the_day() -> None:
    async with serve(FunctionalModel(lambda _: Reply("one two"))) as server:
        answer, _ = await answer_of(
            server,
            AskRequest(question="Why?", mode=Mode.INSTANT),
            price_input=1_000_000.0,
            price_output=1_000_000.0,
        )
    from pierian.storage import UsageStore, open_database

    with open_database(paths().database) as database:
        today = UsageStore(database).today()
    assert today.used.tokens == 2
    assert today.used.money == pytest.approx(answer.receipt.spend.money)
    assert answer.receipt.spend.money == pytest.approx(answer.receipt.spend.prompt_tokens + 2)


def waiting_after(text: str) -> FunctionalModel:
    """Says `text` and then nothing more, ever."""

    async def pieces() -> AsyncIterator[str]:
        for word in text.split(" "):
            yield word + " "
        await asyncio.Event().wait()

    return FunctionalModel(lambda _: pieces())


async def until_tokens(stream: AsyncIterator[Event], count: int) -> None:
    async for event in stream:
        count -= isinstance(event, Token)
        if count == 0:
            return


async def rest_of(stream: AsyncIterator[Event]) -> Answer:
    async for event in stream:
        if isinstance(event, AnswerReady):
            return event.answer
    raise AssertionError("no answer")


async def test_stop_gives_what_there_is_and_frees_the_server() -> None:
    async with (
        serve(waiting_after("half an answer")) as server,
        Assistant(settings_for(server, mode="instant")) as assistant,
    ):
        stream = assistant.stream(AskRequest(question="Why?"))
        await until_tokens(stream, 3)
        assistant.stop()
        answer = await rest_of(stream)
        await asyncio.wait_for(server.disconnected.wait(), 30)
        server.model = AutomaticModel("Because.")
        assert (await assistant.ask("Why?")).text == "Because."
    assert (answer.text, answer.complete) == ("half an answer", False)
    assert answer.receipt.cut_short == "You stopped it."
    assert answer.receipt.spend.completion_tokens == 4  # no usage from a stopped server: four bytes a token


async def test_stop_all_ends_the_runs_of_every_assistant() -> None:
    async with (
        serve(waiting_after("half an answer")) as server,
        Assistant(settings_for(server)) as one,
        Assistant(settings_for(server)) as other,
    ):
        streams = [a.stream(AskRequest(question="Why?")) for a in (one, other)]
        for stream in streams:
            await until_tokens(stream, 3)
        stop_all(paths().state)
        answers = [await asyncio.wait_for(rest_of(stream), 30) for stream in streams]
    assert [a.receipt.cut_short for a in answers] == ["You stopped it."] * 2
    assert [a.text for a in answers] == ["half an answer"] * 2


async def test_a_stop_of_long_ago_stops_nothing() -> None:
    stop_all(paths().state)
    async with serve(AutomaticModel("Because.")) as server:
        answer, _ = await answer_of(server, AskRequest(question="Why?"))
    assert answer.complete


async def test_the_deadline_cuts_short_with_the_text_so_far() -> None:
    async with serve(waiting_after("half an answer")) as server:
        request = AskRequest(question="Why?", mode=Mode.INSTANT, budget_seconds=1.5)
        answer, _ = await answer_of(server, request)
    assert (answer.text, answer.receipt.cut_short) == ("half an answer", "The time budget ran out.")


async def test_a_deadline_before_the_first_token_gives_an_empty_answer() -> None:
    async with serve(AutomaticModel(), Silence()) as server:
        answer, _ = await answer_of(server, AskRequest(question="Why?", budget_seconds=0.3))
    assert (answer.text, answer.complete) == ("", False)


async def test_the_token_budget_is_never_passed() -> None:
    async with serve(FunctionalModel(thinker)) as server:
        for budget in (1, 3, 7, 12, 20, 40):
            answer, _ = await answer_of(server, AskRequest(question=PENS, budget_tokens=budget))
            assert answer.receipt.spend.completion_tokens <= budget
            assert answer.complete or answer.receipt.cut_short


@pytest.mark.parametrize("budget", [{"budget_tokens": 0}, {"budget_seconds": 0.0}, {"budget_tokens": -1}])
async def test_a_budget_of_nothing_is_refused(budget: dict[str, Any]) -> None:
    async with serve(ScriptedModel()) as server, Assistant(settings_for(server)) as assistant:
        with pytest.raises(UserError):
            await assistant.ask("Why?", **budget)


async def test_the_daily_cap_holds_over_runs() -> None:
    model = AutomaticModel("one two three four five six seven eight nine ten")
    async with serve(model) as server:
        request = AskRequest(question="Why?", mode=Mode.INSTANT)
        first, _ = await answer_of(server, request, daily_tokens=6)
        with pytest.raises(BudgetExhausted, match="daily cap of 6 tokens is reached"):
            await answer_of(server, request, daily_tokens=6)
        assert len(server.bodies) == 1
    assert first.text == "one two three four five six"
    assert first.receipt.spend.completion_tokens == 6
    assert not first.complete


async def test_without_usage_from_the_server_the_budget_still_holds() -> None:
    async with serve(AutomaticModel("one two three four"), NoUsage()) as server:
        answer, _ = await answer_of(server, AskRequest(question="Why?", budget_tokens=3))
    assert answer.receipt.spend.completion_tokens == 3


@pytest.mark.parametrize("mode", Mode)
async def test_what_was_streamed_before_a_failure_comes_back(mode: Mode) -> None:
    async with serve(FunctionalModel(thinker), CloseMidStream(2)) as server:
        answer, _ = await answer_of(server, AskRequest(question=PENS, mode=mode))
    assert answer.text
    assert "in the middle of the answer" in answer.receipt.cut_short
    assert "Try again" in answer.receipt.cut_short


async def test_a_server_that_ignores_the_limit_is_left() -> None:
    class Endless(FunctionalModel):
        async def stream(self, request: Request) -> AsyncGenerator[Any]:
            async for item in super().stream(structs.replace(request, max_tokens=500)):
                yield item

    endless = Endless(lambda _: (f"word{i} " for i in range(500)), embedded=False)
    async with serve(endless) as server:
        answer, _ = await answer_of(server, AskRequest(question="Why?", budget_tokens=10))
    assert answer.receipt.spend.completion_tokens <= 10
    assert not answer.complete


async def test_an_answer_is_not_lost_when_its_use_cannot_be_recorded() -> None:
    paths().data.mkdir(parents=True)
    paths().database.write_bytes(b"this is no database" * 100)
    async with serve(AutomaticModel("Because.")) as server:
        answer, _ = await answer_of(server, AskRequest(question="Why?"))
    assert answer.text == "Because."
    assert "could not be recorded" in answer.receipt.note


async def test_after_a_failure_of_the_engine_the_next_question_opens_it_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serve(AutomaticModel("Because.")) as server, Assistant(settings_for(server)) as assistant:
        await assistant.ask("Why?")
        first = await assistant.model()

        async def broken(*_: Any) -> Any:
            raise EngineError("The engine's supervisor was stopped.")
            yield

        monkeypatch.setattr(first, "stream", broken)
        with pytest.raises(EngineError):
            await assistant.ask("Why?")
        assert (await assistant.ask("Why?")).text == "Because."


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Refuse(500), ServerRefused),
        (Refuse(401), ServerRefused),
        (Overflow(), ContextOverflow),
        (Silence(), ServerTimeout),
    ],
)
@pytest.mark.parametrize("mode", Mode)
async def test_a_server_that_fails_is_one_clear_error(fault: Any, error: type[Exception], mode: Mode) -> None:
    async with (
        serve(FunctionalModel(thinker), fault) as server,
        Assistant(settings_for(server, silence_seconds=0.3)) as assistant,
    ):
        with pytest.raises(error) as caught:
            await assistant.ask(PENS, mode)
        server.faults = ()
        assert (await assistant.ask(PENS, mode)).value == "12 euros"
    assert str(caught.value).endswith(".") or isinstance(caught.value, ServerRefused)


async def test_a_server_that_is_not_there() -> None:
    async with serve(AutomaticModel()) as server:
        settings = settings_for(server)
    async with Assistant(settings) as assistant:
        with pytest.raises(ServerUnreachable):
            await assistant.ask("Why?")


async def test_leaving_the_stream_early_ends_the_run() -> None:
    async with serve(waiting_after("half an answer")) as server, Assistant(settings_for(server)) as assistant:
        async with contextlib.aclosing(assistant.stream(AskRequest(question="Why?"))) as stream:
            async for event in stream:
                if isinstance(event, Token):
                    break
        await asyncio.wait_for(server.disconnected.wait(), 30)


@pytest.mark.parametrize("question", ["", "  \n\t ", "x" * (MAX_QUESTION_CHARACTERS + 1), "lone \ud800 half"])
async def test_questions_that_cannot_be_meant_reach_no_model(question: str) -> None:
    async with serve(ScriptedModel()) as server, Assistant(settings_for(server)) as assistant:
        with pytest.raises(QuestionError) as caught:
            await assistant.ask(question)
        assert caught.value.hint
        assert server.received == []


async def test_a_huge_question_that_is_allowed_is_answered() -> None:
    async with serve(AutomaticModel("Long.")) as server:
        question = "word " * 79_000 + "Why?"
        answer, events = await answer_of(server, AskRequest(question=question))
        assert server.bodies[0]["messages"][-1]["content"].endswith("Why?")
    assert answer.text == "Long."
    assert any(isinstance(e, DraftStarted) for e in events)


def test_a_question_is_cleaned_of_what_nobody_types() -> None:
    assert checked_question("  Why\x00?\n") == "Why?"


def test_the_line_of_the_answer_is_emphasised() -> None:
    assert emphasised("A = 3.\nAnswer: 3", "3") == "A = 3.  \n\n**Answer: 3**"
    assert emphasised("Just 3.", "3") == "Just 3."


def test_the_synchronous_facade(monkeypatch: pytest.MonkeyPatch) -> None:
    from pierian import ask
    from pierian.testing import serve_in_thread

    with serve_in_thread(FunctionalModel(thinker)) as server:
        monkeypatch.setenv("PIERIAN_BASE_URL", server.base_url)
        answer = ask(PENS, "thinking", budget_tokens=500)
    assert answer.value == "12 euros"
