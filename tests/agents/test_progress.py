"""What a journal gives when it is folded again is what was known while the work was done."""

from __future__ import annotations

import pytest

from pierian.agents.plan import Agent, Call, Choose, Guard, Plan, to_dicts
from pierian.agents.progress import Progress, path_of
from pierian.events import (
    ApprovalGiven,
    ApprovalNeeded,
    EffectIntended,
    Event,
    PlanMade,
    StepFailed,
    StepFinished,
    StepSkipped,
    StepStarted,
    Token,
    decode,
    encode,
)
from pierian.provenance import USER, Labelled, external

EXTERNAL = external("host:a.org")
FIRST = Plan(
    (
        Call(id="s1", tool="look", arguments={}),
        Choose(id="s2", question="?", source="$s1", options=("yes", "no")),
        Call(id="s3", guard=Guard("s2", "no"), tool="send", arguments={}),
        Agent(id="s4", task="x", tools=("look",)),
    )
)
SECOND = Plan((Call(id="s5", tool="send", arguments={}),))
JOURNAL: list[Event] = [
    PlanMade("", 1, to_dicts(FIRST), {"email1": Labelled("a@b.org", USER)}),
    StepStarted("s1", "look"),
    StepFinished("s1", {"a": [1]}, EXTERNAL, 5),
    Token(1, "text", "answer"),
    StepFinished("s2", "yes", EXTERNAL),
    StepSkipped("s3", "The choice s2 came to 'yes'."),
    PlanMade("s4", 1, to_dicts(Plan(FIRST.steps[:1])), {}),
    StepFailed("s4/s1", "timeout", "too long"),
    StepFailed("s4", "failed", "no result"),
    PlanMade("", 2, to_dicts(SECOND), {}),
    ApprovalNeeded("s5", "ab12", "send", "send", (), "why"),
    ApprovalGiven("s5", "ab12", approved=True, by="you"),
    EffectIntended("s5", "send", "key"),
    StepFinished("s5", "sent", EXTERNAL, 0, confirmed=True),
]


def folded(events: list[Event]) -> Progress:
    progress = Progress()
    for event in events:
        progress.apply(event)
    return progress


def test_a_journal_that_is_read_again_gives_the_same_state() -> None:
    again = folded([decode(encode(event)) for event in JOURNAL])
    assert again.scopes == folded(JOURNAL).scopes
    scope = again.scopes[""]
    assert [step.id for step in scope.plan.steps] == ["s1", "s2", "s3", "s4", "s5"]
    assert (scope.rounds, scope.first) == (2, 4)
    assert scope.value_of("s1") == Labelled({"a": [1]}, EXTERNAL)
    assert scope.value_of("email1") == Labelled("a@b.org", USER)
    assert scope.value_of("s3") is None and scope.value_of("nobody") is None
    assert again.step("s4/s1").code == "timeout"
    sent = again.step("s5")
    assert (sent.status, sent.approved, sent.intended, sent.confirmed) == ("done", True, "key", True)


def test_each_beginning_of_a_journal_can_be_folded() -> None:
    for length in range(len(JOURNAL)):
        assert folded(JOURNAL[:length]) is not None


def test_a_branch_that_was_not_taken_is_told_from_one_that_failed() -> None:
    scope = folded(JOURNAL).scopes[""]
    assert scope.not_taken(FIRST.steps[2])
    assert not scope.not_taken(FIRST.steps[0])
    failed = folded([JOURNAL[0], StepFailed("s2", "timeout")]).scopes[""]
    assert not failed.not_taken(FIRST.steps[2])


def test_a_step_of_no_plan_is_an_error() -> None:
    with pytest.raises(KeyError):
        folded(JOURNAL).step("s9")
    assert path_of("", "s1") == "s1" and path_of("s4", "s1") == "s4/s1"
