"""Every event survives being written as a line and read again."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.events import (
    Answer,
    AnswerReady,
    Check,
    DraftRecord,
    DraftStarted,
    Event,
    PlanMade,
    Receipt,
    ShownArgument,
    Spend,
    StepFinished,
    Token,
    decode,
    encode,
)
from pierian.events.codec import KINDS, name_of
from pierian.provenance import Label, Labelled

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
for kind, strategy in ((str, TEXT), (float, FLOATS), (int, st.integers(-(2**53), 2**53))):
    st.register_type_strategy(kind, strategy)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
"""What a tool may give: fields of type `Any` hold data that JSON has."""
LABELS = st.frozensets(st.from_type(Label), max_size=3)
st.register_type_strategy(Labelled, st.builds(Labelled, JSON, LABELS))
st.register_type_strategy(ShownArgument, st.builds(ShownArgument, value=JSON))
st.register_type_strategy(StepFinished, st.builds(StepFinished, value=JSON, labels=LABELS))
STEPS = st.lists(st.dictionaries(TEXT, JSON, max_size=3), max_size=3).map(tuple)
st.register_type_strategy(PlanMade, st.builds(PlanMade, steps=STEPS))


def test_the_names_on_the_wire() -> None:
    assert name_of(DraftStarted) == "draft_started"
    assert name_of(AnswerReady) == "answer_ready"
    assert set(KINDS.values()) == set(get_args(Event))
    assert len(KINDS) == len(get_args(Event))


@pytest.mark.parametrize("kind", get_args(Event), ids=name_of)
@given(data=st.data())
def test_round_trip(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(st.from_type(kind))
    line = encode(event)
    assert "\n" not in line
    assert json.loads(line)["event"] == name_of(kind)
    assert decode(line) == event
    assert decode(line.encode()) == event


def test_an_answer_with_everything_in_it() -> None:
    receipt = Receipt(
        "thinking",
        "m",
        Spend(9, 8, 7, 1.5, 1.0, 0.25),
        (Check("program", "passed", "a program gave 4", "answer = 4\nanswer"),),
        drafts=(
            DraftRecord(1, "program", "4", 7, "agreed"),
            DraftRecord(2, "worked solution", "", 3, "cut off"),
        ),
        agreeing=2,
        cut_short="The time budget ran out.",
        note="n",
    )
    event = AnswerReady(Answer("**4**", receipt, "4"))
    assert decode(encode(event)) == event


def test_the_form_of_a_line() -> None:
    assert json.loads(encode(Token(2, "é\n", "answer"))) == {
        "event": "token",
        "draft": 2,
        "text": "é\n",
        "channel": "answer",
    }


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"event": "unheard_of"}',
        '{"event": 5}',
        '{"event": ["token"]}',
        '{"event": "token"}',
        '{"event": "token", "draft": "x", "text": "", "channel": "answer"}',
        '{"event": "token", "draft": 1, "text": "", "channel": "shout"}',
        b"\xff\xfe",
    ],
)
def test_anything_else_is_a_value_error(line: str | bytes) -> None:
    with pytest.raises(ValueError, match="Not an event"):
        decode(line)


@given(st.text() | st.binary())
def test_any_line_is_an_event_or_a_value_error(line: str | bytes) -> None:
    try:
        decode(line)
    except ValueError as error:
        assert "Not an event" in str(error)


def test_speed_is_zero_where_nothing_was_generated() -> None:
    assert Spend(completion_tokens=5).tokens_per_second == 0
    assert Spend(completion_tokens=30, generating_seconds=2).tokens_per_second == 15


@given(st.lists(st.from_type(Spend), max_size=4))
def test_spending_adds_up(spends: list[Spend]) -> None:
    total = sum(spends, Spend())
    assert total.completion_tokens == sum(s.completion_tokens for s in spends)
    assert total.cached_tokens == sum(s.cached_tokens for s in spends)
