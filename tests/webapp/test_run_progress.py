"""What a page shows of a run at any moment, from the events of its journal alone."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pierian import AskRequest, Assistant, Mode, Settings
from pierian.events import (
    Answer,
    AnswerReady,
    CalculationCorrected,
    Check,
    DraftCancelled,
    DraftFinished,
    DraftRecord,
    DraftStarted,
    DraftVoided,
    EngineRestarted,
    Escalated,
    Event,
    Look,
    LookTaken,
    Merging,
    ModelLoading,
    ModelReady,
    PictureRead,
    ProgramRun,
    PromptRead,
    Receipt,
    Revising,
    Routed,
    RunFailed,
    RunOpened,
    SecondLook,
    Spend,
    Token,
    ValueMissing,
    decode,
    encode,
)
from pierian.events.regions import Point
from pierian.models.wire import Request
from pierian.testing import FunctionalModel, serve
from pierian.webapp import words
from pierian.webapp.progress import ProgressReader
from pierian.webapp.receipts import from_json, receipt_view
from pierian.webapp.views import Progress

RECEIPT = Receipt(
    "auto",
    "m",
    Spend(10, 4, 1200, 8.0, 6.0, 0.01),
    (
        Check("arithmetic", "passed", "3 calculations hold"),
        Check("program", "passed", "a program gave 12", "answer = 12"),
        Check("arithmetic", "passed", "2 calculations hold"),
        Check("program", "passed", "a program gave 12", "answer = 6 * 2"),
    ),
    drafts=(DraftRecord(1, "program", "12", 30, "agreed"), DraftRecord(2, "worked", "13", 40, "differed")),
    took="contemplating",
    agreeing=2,
)


def read(*events: Event) -> ProgressReader:
    reader = ProgressReader()
    for event in events:
        reader.read(decode(encode(event)))
    return reader


def shown(*events: Event, state: str = "running") -> Progress:
    return read(*events).progress(state)


def test_the_answer_streams_and_is_what_the_run_says_at_the_end() -> None:
    events = (
        RunOpened("r"),
        Routed("instant", "brief for a question of kind open"),
        DraftStarted(1, "brief"),
        Token(1, "It is ", "answer"),
        Token(1, "so.", "answer"),
    )
    progress = shown(*events)
    assert (progress.state, progress.status, progress.answer) == ("working", words.WRITING, "It is so.")
    assert (progress.thoughts, progress.drafts, progress.receipt) == ("", (), None)
    done = shown(*events, DraftFinished(1, "", 5), AnswerReady(Answer("It is so.", RECEIPT)), state="done")
    assert (done.state, done.status, done.answer) == ("done", "", "It is so.")
    assert done.receipt == receipt_view(RECEIPT)


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((), words.THINKING),
        ((ModelLoading("m"),), words.LOADING),
        ((ModelLoading("m"), ModelReady("m", 2.0)), words.THINKING),
        ((PromptRead(40, 100, 0),), "Reading 40%"),
        ((PromptRead(999, 1000, 0),), "Reading 99%"),
        ((PromptRead(0, 0, 0),), words.THINKING),
        ((PromptRead(100, 100, 0),), words.THINKING),
        ((EngineRestarted("The engine died."),), words.RESTARTING),
        ((EngineRestarted("The engine died."), Token(1, "x", "thought")), words.THINKING),
        ((SecondLook("The drafts disagree."),), words.LOOKING_AGAIN),
        ((Routed("agents", "planning with 3 tools"),), words.PLANNING),
    ],
)
def test_the_status_says_what_it_does_just_now(events: tuple[Event, ...], status: str) -> None:
    assert shown(*events).status == status


def test_a_run_that_waits_says_for_what() -> None:
    assert shown(state="waiting").status == words.WAITING_PLACE
    assert shown(RunOpened("r"), state="waiting").status == words.WAITING_AGAIN
    assert shown(state="nonsense").state == "lost"
    assert shown(RunOpened("r"), state="stopped").status == ""


def test_a_look_at_a_picture_is_told() -> None:
    look = Look(number=1, kind="read", region=Point(3, 4), found="Total 12.30", confidence=0.5)
    picture = PictureRead(1, "slip.png", 40, 30)
    progress = shown(picture, LookTaken(look))
    assert (progress.pictures, progress.looks) == ((picture,), (look,))


def test_a_corrected_calculation_replaces_the_text_and_is_told() -> None:
    progress = shown(
        DraftStarted(1, "brief"),
        Token(1, "It is 2 * 3 = 7", "answer"),
        CalculationCorrected(1, "2 * 3", "7", "6", "It is 2 * 3 = 6"),
        Token(1, " euros.", "answer"),
    )
    assert progress.answer == "It is 2 * 3 = 6 euros."
    assert progress.notes == ("2 * 3 is 6, not 7: corrected.",)


def test_a_missing_value_replaces_the_thought() -> None:
    progress = shown(
        DraftStarted(1, "program"),
        Token(1, "cost = venue * 2\n", "thought"),
        ValueMissing(1, "venue", "venue ="),
        Token(1, " 100", "thought"),
    )
    assert progress.thoughts == "venue = 100"
    assert progress.notes == (words.value_missing("venue"),)


def test_what_is_void_is_gone_and_said() -> None:
    progress = shown(
        DraftStarted(1, "brief"),
        Token(1, "hm", "thought"),
        Token(1, "half an ans", "answer"),
        DraftVoided(1, "The engine was restarted."),
        Token(1, "Anew", "answer"),
    )
    assert (progress.answer, progress.thoughts) == ("Anew", "")
    assert progress.notes == ("The engine was restarted.",)


def test_a_run_that_begins_again_shows_only_what_it_writes_now() -> None:
    events = (
        RunOpened("r"),
        Routed("thinking", "x"),
        DraftStarted(1, "one"),
        DraftStarted(2, "two"),
        Token(1, "Old", "answer"),
        Token(2, "old too", "thought"),
        RunOpened("r", resumed=True),
        DraftVoided(1, "It was broken off; the run begins again."),
        DraftVoided(2, "It was broken off; the run begins again."),
    )
    progress = shown(*events)
    assert (progress.answer, progress.thoughts, progress.drafts) == ("", "", ())
    assert progress.notes == (words.BEGUN_AGAIN,)
    again = shown(*events, Routed("thinking", "x"), DraftStarted(1, "one"), Token(1, "New", "answer"))
    assert again.answer == "New"


def test_thoughts_of_drafts_come_one_after_another() -> None:
    events = (
        DraftStarted(1, "short sentences"),
        DraftStarted(2, "program"),
        Token(2, "```python\nanswer = 12", "thought"),
        Token(1, "Six times ", "thought"),
        DraftFinished(2, "12", 5),
    )
    assert shown(*events).thoughts == "**Short sentences**\n\nSix times "
    finished = shown(*events, Token(1, "two.", "thought"), DraftFinished(1, "12", 5)).thoughts
    assert finished == (
        "**Short sentences**\n\nSix times two.\n\n→ 12\n\n**Program**\n\n```python\nanswer = 12\n```\n\n→ 12"
    )


def test_an_answer_that_was_none_becomes_a_thought() -> None:
    progress = shown(
        Routed("instant", "a short open question"),
        Routed("instant", "brief for a question of kind open"),
        DraftStarted(1, "brief"),
        Token(1, "First try", "answer"),
        DraftFinished(1, "", 3),
        Escalated("thinking", "The first draft came to no value."),
        Routed("thinking", "x"),
    )
    assert (progress.answer, progress.thoughts) == ("", "First try")
    assert progress.mode == "thinking"
    assert progress.notes == ("The first draft came to no value. Going deeper: thinking.",)
    anew = shown(
        DraftStarted(1, "a"), Token(1, "one", "answer"), DraftStarted(2, "b"), Token(2, "two", "answer")
    )
    assert (anew.answer, anew.thoughts) == ("two", "**A**\n\none")


def test_the_reason_of_auto_is_told_and_no_other() -> None:
    auto = shown(Routed("instant", "a short open question"), Routed("instant", "brief for …"))
    assert (auto.mode, auto.reason) == ("instant", "a short open question")
    assert shown(Routed("instant", "brief for …")).reason == ""


def test_drafts_of_a_contemplating_run_stand_side_by_side() -> None:
    events = (
        Routed("contemplating", "up to 8 drafts for a question of kind quantity"),
        DraftStarted(1, "program"),
        DraftStarted(2, "worked"),
        DraftStarted(3, "short"),
        Token(1, "answer = ", "thought"),
        Token(2, "First", "thought"),
        Token(1, "12", "thought"),
        ProgramRun(1, "answer = 12", "", "Line 1: no"),
        DraftFinished(1, "12", 30),
        DraftCancelled(3, 7, "It could no longer matter."),
    )
    progress = shown(*events)
    assert progress.status == "1 of 8 drafts"
    assert [(one.number, one.state, one.value, one.tokens, one.text) for one in progress.drafts] == [
        (1, "finished", "12", 30, "answer = 12"),
        (2, "working", "", 0, "First"),
        (3, "cut off", "", 7, ""),
    ]
    assert progress.thoughts == ""
    assert "A program failed: Line 1: no" in progress.notes
    more = (*events, Revising((1,), "The drafts disagree: 12, 13."), DraftStarted(4, "program"))
    assert shown(*more).status == words.REVISING
    assert shown(*more, Token(4, "x", "thought")).drafts[3].approach == "program, again"
    merging = (*more, Merging("by the votes of the drafts"))
    assert shown(*merging).status == words.MERGING
    done = shown(*merging, AnswerReady(Answer("**12**", RECEIPT, "12")), state="done")
    assert [one.state for one in done.drafts] == ["agreed", "differed", "cut off", "cut off"]
    assert done.drafts[0].text == "answer = 12"
    assert done.merging == "Merged by the votes of the drafts."


def test_the_outline_of_a_merge_is_not_shown_and_its_writer_streams() -> None:
    progress = shown(
        Routed("contemplating", "3 drafts of an open answer, merged into one"),
        DraftStarted(1, "full"),
        Token(1, "A draft", "thought"),
        DraftFinished(1, "", 3),
        Merging("through an outline of what the drafts say"),
        DraftStarted(2, "outline"),
        Token(2, '{"points":', "thought"),
        DraftStarted(3, "writer"),
        Token(3, "The answer", "answer"),
    )
    assert [one.number for one in progress.drafts] == [1]
    assert (progress.thoughts, progress.answer) == ("", "The answer")


def test_a_failure_is_told_until_the_run_goes_on() -> None:
    failed = (RunOpened("r"), Token(1, "half", "answer"), RunFailed("r", "It broke.", "Try again."))
    progress = shown(*failed, state="failed")
    assert (progress.state, progress.error, progress.hint, progress.answer) == (
        "failed",
        "It broke.",
        "Try again.",
        "half",
    )
    assert shown(*failed, RunOpened("r", resumed=True)).error == ""
    assert shown(Token(1, "half", "answer"), state="cancelled").answer == "half"


def test_a_receipt_keeps_every_check_that_can_be_run_again() -> None:
    view = receipt_view(RECEIPT)
    assert [(one.index, one.code) for one in view.checks] == [
        (0, ""),
        (1, "answer = 12"),
        (3, "answer = 6 * 2"),
    ]
    assert (view.tokens, view.prompt_tokens, view.cached_tokens, view.tokens_per_second) == (
        1200,
        10,
        4,
        200.0,
    )
    assert [one.state for one in view.drafts] == ["agreed", "differed"]
    assert from_json(msgspec.json.encode(RECEIPT).decode()) == view


@pytest.mark.parametrize(
    "text", [None, "", "{", "null", "[]", "{}", '{"mode": 1}', '{"mode":"x","model":"m","spend":{"seconds":"long"}}', "\ud800", "[" * 100_000]
)  # fmt: skip
def test_a_receipt_that_cannot_be_read_is_none(text: str | None) -> None:
    assert from_json(text) is None


def test_an_older_receipt_is_read() -> None:
    view = from_json('{"mode":"instant","model":"m","spend":{},"unknown":[1]}')
    assert view is not None and view.mode == "instant"


DRAFTS = st.integers(0, 3)
TEXTS = st.sampled_from(["", "a ", "**b** ", "```\n", "\n\n", "<script>", "\u202e", "| x |"])
WORD = st.sampled_from(["instant", "thinking", "contemplating", "agents", "x"])
EVENTS: st.SearchStrategy[Any] = st.one_of(
    st.builds(RunOpened, st.just("r"), st.booleans()), st.builds(Routed, WORD, TEXTS), st.builds(DraftStarted, DRAFTS, WORD),
    st.builds(Token, DRAFTS, TEXTS, st.sampled_from(["thought", "answer"])), st.builds(DraftVoided, DRAFTS, TEXTS),
    st.builds(DraftFinished, DRAFTS, TEXTS, DRAFTS), st.builds(DraftCancelled, DRAFTS, DRAFTS, TEXTS), st.builds(ProgramRun, DRAFTS, TEXTS, TEXTS, TEXTS),
    st.builds(CalculationCorrected, DRAFTS, TEXTS, TEXTS, TEXTS, TEXTS), st.builds(ValueMissing, DRAFTS, TEXTS, TEXTS), st.builds(SecondLook, TEXTS),
    st.builds(Escalated, WORD, TEXTS), st.builds(Merging, TEXTS), st.builds(Revising, st.just((1,)), TEXTS), st.builds(PromptRead, DRAFTS, DRAFTS, DRAFTS),
    st.builds(LookTaken, st.builds(Look, number=DRAFTS, kind=st.just("read"), region=st.just(Point(1, 2)), found=TEXTS)),
    st.builds(ModelLoading, WORD), st.builds(EngineRestarted, TEXTS), st.builds(RunFailed, st.just("r"), TEXTS, TEXTS),
    st.builds(AnswerReady, st.builds(Answer, TEXTS, st.just(RECEIPT))),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(EVENTS, max_size=25))
def test_any_events_in_any_order_give_something_to_show(events: list[Event]) -> None:
    reader, answered = ProgressReader(), dict[int, str]()
    for event in events:
        reader.read(event)
        for state in ("running", "waiting", "done", "failed", "cancelled", "stopped"):
            progress = reader.progress(state)
            assert (progress.status == "") == (progress.state not in ("working", "waiting"))
            assert bool(progress.error) <= (state == "failed")
        match event:
            case RunOpened(resumed=True):
                answered = {}
            case AnswerReady(answer=answer):
                answered[-1] = answer.text
            case _:
                pass
    if -1 in answered:
        assert reader.progress("done").answer == answered[-1]


PENS = "A shop sells pens at 3 for 2 euros. How much are 18 pens?"
PROGRAM = "```python\n# 18 pens at 3 for 2 euros\nprice = 18 / 3 * 2\nanswer = price  # euros\n```"


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("question", [PENS, "Why is the sky blue?"])
async def test_real_runs_of_every_mode_end_with_their_answer(mode: Mode, question: str) -> None:
    def reply(request: Request) -> str:
        if request.schema is not None:
            return '{"points": [{"point": "Light scatters", "answers": [1, 2]}]}'
        return (
            PROGRAM
            if "Python" in request.messages[0].content
            else "Pens: 18 / 3 * 2 = 12 euros.\nAnswer: 12 euros"
        )

    reader, lived = ProgressReader(), list[Progress]()
    async with (
        serve(FunctionalModel(reply)) as server,
        Assistant(Settings(base_url=server.base_url, model="double")) as assistant,
        contextlib.aclosing(assistant.stream(AskRequest(question=question, mode=mode))) as stream,
    ):
        answer = None
        async for event in stream:
            reader.read(decode(encode(event)))
            lived.append(reader.progress("running"))
            answer = event.answer if isinstance(event, AnswerReady) else None
    assert answer is not None
    done = reader.progress("done")
    assert done.answer == answer.text
    assert done.receipt == receipt_view(answer.receipt)
    assert done.mode == (answer.receipt.took or answer.receipt.mode)
    assert bool(done.drafts) == (done.mode == "contemplating")
    assert all(one.state != "working" for one in done.drafts)
    assert not any(one.answer and one.status != words.WRITING for one in lived[:-1])
    assert bool(done.reason) == (mode is Mode.AUTO)
