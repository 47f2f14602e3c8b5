"""The plan of a run as a tree, with approvals in place, as it is carried out."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pierian.events import (
    Answer,
    AnswerReady,
    ApprovalGiven,
    ApprovalNeeded,
    EffectIntended,
    Event,
    PlanMade,
    Receipt,
    RunOpened,
    RunParked,
    ShownArgument,
    Spend,
    StepFailed,
    StepFinished,
    StepRecord,
    StepSkipped,
    StepStarted,
    Token,
)
from pierian.provenance import USER
from pierian.webapp import words
from pierian.webapp.progress import ProgressReader
from pierian.webapp.steps import marked
from pierian.webapp.views import Progress

PLAN = PlanMade(
    "",
    1,
    (
        {"do": "call", "id": "s1", "tool": "look", "arguments": {"where": "here"}},
        {"do": "agent", "id": "s2", "task": "Find out", "tools": ["look"]},
        {"do": "call", "id": "s3", "tool": "mail_send", "arguments": {"to": "$s1"}},
    ),
)
SUB = PlanMade("s2", 1, ({"do": "compute", "id": "s1", "expression": "1 + 1"},))
ASKED = ApprovalNeeded(
    "s3", "ab12", "mail_send", "send", (ShownArgument("to", "ann@examp\u200ble.org", "a page"),), "It sends."
)


def shown(*events: Event, state: str = "running") -> Progress:
    reader = ProgressReader()
    for event in events:
        reader.read(event)
    return reader.progress(state)


def states(progress: Progress) -> list[tuple[str, str, int]]:
    return [(one.path, one.state, one.depth) for one in progress.steps]


def test_steps_of_a_sub_agent_stand_behind_the_step_that_started_it() -> None:
    progress = shown(
        PLAN,
        StepStarted("s1", "look(where: here)"),
        StepFinished("s1", {"a": [1]}, USER, 12),
        StepStarted("s2", "sub-agent: Find out"),
        SUB,
        StepStarted("s2/s1", "compute 1 + 1"),
    )
    assert states(progress) == [
        ("s1", "done", 0),
        ("s2", "working", 0),
        ("s2/s1", "working", 1),
        ("s3", "planned", 0),
    ]
    first = progress.steps[0]
    assert (first.what, first.source, first.tokens, first.message) == (
        "look(where: here)",
        "your own words",
        12,
        '{"a":[1]}',
    )
    assert shown(RunOpened("r"), PLAN, StepFinished("s1")).status == words.THINKING


def test_a_step_waits_for_its_approval_and_goes_on() -> None:
    asking = shown(PLAN, StepStarted("s3", "mail"), ASKED)
    approval = asking.steps[2].approval
    assert approval is not None
    assert (asking.steps[2].state, asking.status) == ("waiting", words.WAITING_APPROVAL)
    assert (approval.id, approval.tool, approval.effect, approval.reason, approval.state) == (
        "ab12",
        "mail_send",
        "send",
        "It sends.",
        "pending",
    )
    assert approval.arguments[0].value == "ann@examp⟨U+200B⟩le.org"
    yes = shown(
        PLAN,
        ASKED,
        ApprovalGiven("s3", "ab12", approved=True, by="you"),
        EffectIntended("s3", "mail_send", "k"),
    )
    assert yes.steps[2].state == "working"
    assert yes.steps[2].approval is not None and (yes.steps[2].approval.state, yes.steps[2].approval.by) == (
        "approved",
        "you",
    )
    sent = shown(
        PLAN,
        ASKED,
        ApprovalGiven("s3", "ab12", approved=True, by="you"),
        StepFinished("s3", True, confirmed=True),
    )
    assert sent.steps[2].state == "confirmed"
    no = shown(
        PLAN,
        ASKED,
        ApprovalGiven("s3", "ab12", approved=False, by="you"),
        StepFailed("s3", "denied", "You did not approve it."),
    )
    assert no.steps[2].approval is not None and no.steps[2].approval.state == "rejected"
    assert (no.steps[2].state, no.steps[2].message) == ("denied", "You did not approve it.")
    ruled = shown(PLAN, ApprovalGiven("s3", "", approved=True, by="mails to ann"))
    assert ruled.steps[2].approval is None and ruled.steps[2].message == "allowed by mails to ann"


def test_a_parked_run_shows_the_approval_and_not_what_a_terminal_is_told() -> None:
    parked = (
        RunOpened("r"),
        PLAN,
        ASKED,
        RunParked("r", "It waits for your approval (ab12)."),
        AnswerReady(Answer("`pierian approvals approve ab12` allows it.", Receipt("auto", "m", Spend()))),
    )
    waiting = shown(*parked, state="waiting")
    assert (waiting.state, waiting.status, waiting.answer, waiting.receipt) == (
        "waiting",
        words.WAITING_APPROVAL,
        "",
        None,
    )
    again = shown(
        *parked,
        RunOpened("r", resumed=True),
        ApprovalGiven("s3", "ab12", approved=True, by="you"),
        StepFinished("s3", True),
    )
    assert [one.state for one in again.steps] == ["planned", "planned", "done"]
    assert again.state == "working"
    told = shown(*parked, RunOpened("r", resumed=True), Token(1, "Sent.", "answer"))
    assert told.answer == "Sent."


def test_the_receipt_has_the_last_word_on_steps() -> None:
    records = (
        StepRecord("s1", "look(where: here)", "done", "a page", 5),
        StepRecord("s3", "mail", "unknown"),
    )
    receipt = Receipt("auto", "m", Spend(), steps=records, run="r", took="agents")
    done = shown(PLAN, StepStarted("s1", "x"), AnswerReady(Answer("Done.", receipt)), state="done")
    assert states(done) == [("s1", "done", 0), ("s2", "planned", 0), ("s3", "unknown", 0)]
    assert done.steps[0].source == "a page"
    stopped = shown(PLAN, StepStarted("s1", "x"), state="stopped")
    assert stopped.steps[0].state == "planned"


def test_what_is_approved_has_nothing_unseen() -> None:
    assert marked("a\u202eb\U000e0041") == "a⟨U+202E⟩b⟨U+E0041⟩"
    assert marked("аnn@example.org").startswith("⟨U+0430⟩")
    assert marked("über\n\tso") == "über\n\tso"
    assert marked("\ud800") == "?"


PATHS = st.sampled_from(["s1", "s2", "s2/s1", "s9", "s9/s1", "", "/", "s2/s1/s1"])
STEP_EVENTS: st.SearchStrategy[Any] = st.one_of(
    st.just(PLAN), st.just(SUB), st.just(ASKED), st.builds(PlanMade, PATHS, st.just(2), st.just(({"do": "nonsense"},))),
    st.builds(StepStarted, PATHS, st.text(max_size=3)), st.builds(StepFinished, PATHS, st.sampled_from([None, "x", 1, [1], {"a": None}])),
    st.builds(StepFailed, PATHS, st.sampled_from(["", "denied"])), st.builds(StepSkipped, PATHS, st.just("no")), st.builds(EffectIntended, PATHS, st.just("t"), st.just("k")),
    st.builds(ApprovalGiven, PATHS, st.sampled_from(["", "ab12"]), st.booleans(), st.just("you")), st.builds(RunOpened, st.just("r"), st.booleans()), st.builds(RunParked, st.just("r"), st.just("x")),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(STEP_EVENTS, max_size=20))
def test_any_steps_in_any_order_give_a_tree(events: list[Event]) -> None:
    reader = ProgressReader()
    for event in events:
        reader.read(event)
        for state in ("running", "waiting", "done"):
            paths = [one.path for one in reader.progress(state).steps]
            assert len(paths) == len(set(paths))
