"""Who wrote a value: the user's words are the user's, what a model made up is not, and labels stay on what is taken out."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.agents.arguments import labels_of_literal, part_of, resolved, stands_in, words_of
from pierian.agents.plan import Call, Plan
from pierian.agents.progress import Scope, StepProgress
from pierian.provenance import MODEL, NOBODY, USER, Labelled, external
from pierian.tools import ToolFailure, tool

EVIL = external("host:evil.example")
REQUEST = 'Mail Ann at ann@example.org that lunch is at 12.30, for 1,250 people; say "see you".'
SCOPE = Scope(
    Plan((Call(id="s1", tool="t", arguments={}), Call(id="s2", tool="t", arguments={}))),
    {"email1": Labelled("ann@example.org", USER)},
    1,
    0,
    {
        "s1": StepProgress(
            "done", Labelled({"to": "x@evil.example", "names": ["a", {"deep": 1}], "": 0}, EVIL)
        ),
        "s2": StepProgress("failed"),
    },
)


def labels(value: Any, words: Any = ()) -> Any:
    return resolved(value, SCOPE, REQUEST, words).labels


@pytest.mark.parametrize(
    "value",
    [
        "ann@example.org",
        "ANN  at",
        "see you",
        12.3,
        1250,
        "lunch",
        "$email1",
        ["ann@example.org", 1250],
        {"lunch": "Ann"},
    ],
)
def test_what_the_user_wrote_is_the_users(value: Any) -> None:
    assert labels(value) == USER


@pytest.mark.parametrize(
    "value",
    [
        "bob@evil.example",
        "exampl",
        "nn",
        1251,
        12,
        -1250,
        {"lunch": "dinner"},
        ["Ann", "Bob"],
        {"bcc": True},
        "$5",
    ],
)
def test_what_a_model_made_up_is_not(value: Any) -> None:
    assert labels(value) >= MODEL


@pytest.mark.parametrize("value", [True, False, None, [], {}, [True, None]])
def test_closed_words_carry_nothing(value: Any) -> None:
    assert labels(value) == NOBODY


@pytest.mark.parametrize(
    "value",
    [
        "$s1",
        "$s1.to",
        "$s1.names.0",
        "$s1.names.1.deep",
        ["Ann", "$s1.to"],
        {"lunch": {"Ann": ["$s1"]}},
        {"x": "$s1.names"},
    ],
)
def test_a_part_of_what_is_not_trusted_is_not_trusted(value: Any) -> None:
    assert labels(value) >= EVIL


def test_labels_of_all_parts_come_together() -> None:
    assert labels(["$email1", "$s1.to", "made up"]) == USER | EVIL | MODEL
    assert resolved({"a": ["$s1.names.0"]}, SCOPE, REQUEST).value == {"a": ["a"]}


@pytest.mark.parametrize(
    "path", ["$s1.gone", "$s1.names.2", "$s1.names.-1", "$s1.names.²", f"$s1.names.{'9' * 5_000}", "$s1.to.0"]
)
def test_a_part_that_is_not_there_is_a_failure_of_the_step(path: str) -> None:
    with pytest.raises(ToolFailure) as raised:
        resolved(path, SCOPE, REQUEST)
    assert raised.value.code == "not_found"


def test_a_name_on_a_list_of_records_is_that_part_of_each() -> None:
    several = Labelled([{"to": "ann"}, {"to": "bob"}], EVIL)
    assert part_of(several, ".to", "$s1.to") == Labelled(["ann", "bob"], EVIL)
    assert part_of(Labelled([{"to": "ann"}], EVIL), ".to", "$s1.to") == Labelled("ann", EVIL)
    for nothing in ([], [{"to": "ann"}, {"from": "bob"}], ["ann"]):
        with pytest.raises(ToolFailure):
            part_of(Labelled(nothing, EVIL), ".to", "$s1.to")


def test_a_reference_stands_alone() -> None:
    # What is written around a reference is text as it is: nothing is put into texts.
    assert resolved("It is $s1.to", SCOPE, REQUEST) == Labelled("It is $s1.to", MODEL)


@given(
    key=st.text(),
    value=st.recursive(st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)),
)
def test_any_path_into_any_value_is_a_part_or_a_failure(key: str, value: Any) -> None:
    try:
        assert part_of(Labelled(value, EVIL), f".{key}", "$s1").labels == EVIL
    except ToolFailure as failure:
        assert failure.code == "not_found"


@given(text=st.text(), request=st.text())
def test_any_text_is_looked_for_as_words(text: str, request: str) -> None:
    stands_in(text, request)
    if text.strip():
        assert stands_in(text, f"{request} {text} {request}")


def test_the_words_of_a_tool_are_nobodys() -> None:
    words = words_of(
        {
            "type": "object",
            "properties": {
                "mode": {"enum": ["fast", 3]},
                "place": {"$ref": "#/$defs/place"},
                "properties": True,
            },
            "$defs": {"place": {"type": "object", "properties": {"street": {"const": "Main"}}, "enum": None}},
        }
    )
    assert words == {"mode", "fast", "place", "properties", "street", "Main"}
    assert labels({"street": "fast"}, words) == NOBODY
    assert labels({"street": "fast", "bcc": "Main"}, words) == MODEL
    assert labels_of_literal("fast", REQUEST) == MODEL


async def test_an_enumeration_of_a_typed_function_is_one() -> None:
    @tool(effect="write")
    async def paint(colour: Literal["red", "green"], where: str) -> None:
        """Paint it."""

    assert {"red", "green", "colour", "where"} == words_of(paint.parameters)
