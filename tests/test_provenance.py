"""Labels: what is made from several values carries the labels of all, and nothing takes one off."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pierian.provenance
from pierian.provenance import (
    MODEL,
    NOBODY,
    USER,
    Label,
    Labelled,
    Labels,
    Origin,
    described,
    external,
    from_user,
    together,
)
from pierian.tools import Effect, Tool, invoke

SOURCES = st.sampled_from(["", "host:example.org", "file:/notes.txt", "mcp:calendar"]) | st.text(max_size=8)
LABEL = st.builds(Label, st.sampled_from(Origin), SOURCES)
LABELS = st.frozensets(LABEL, max_size=5)
PARTS = st.lists(LABELS, max_size=6)


@given(PARTS)
def test_what_is_made_of_parts_has_the_labels_of_all_and_no_others(parts: list[Labels]) -> None:
    made = together(parts)
    assert {label for part in parts for label in part} == made
    assert all(part <= made for part in parts)


@given(PARTS)
def test_neither_order_nor_repetition_nor_grouping_makes_a_difference(parts: list[Labels]) -> None:
    made = together(parts)
    assert together([made, made]) == together([made]) == together([made, *parts]) == made
    assert together(reversed(parts)) == made
    half = len(parts) // 2
    assert together([together(parts[:half]), together(parts[half:])]) == made
    assert together([*parts, NOBODY]) == made
    assert together(iter(parts)) == made


@given(PARTS, LABELS)
def test_adding_a_part_never_makes_it_the_users_own(parts: list[Labels], more: Labels) -> None:
    if not from_user(together(parts)):
        assert not from_user(together([*parts, more]))


@given(LABELS)
def test_only_the_users_own_words_and_code_are_the_users(labels: Labels) -> None:
    assert from_user(labels) == all(label.origin is Origin.USER for label in labels)


def test_who_is_trusted() -> None:
    assert from_user(USER)
    assert from_user(NOBODY)
    assert not from_user(MODEL)
    assert not from_user(USER | external("host:example.org"))
    assert [origin for origin in Origin if origin.trusted] == [Origin.USER]


def test_nothing_in_the_module_takes_a_label_off() -> None:
    """Every function that gives labels gives at least those that it is given; values cannot be changed afterwards."""
    value = Labelled("x", external("host:example.org"))
    with pytest.raises(AttributeError):
        value.labels = NOBODY  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(AttributeError):
        next(iter(value.labels)).origin = Origin.USER  # pyright: ignore[reportAttributeAccessIssue]
    functions = {
        name
        for name, made in vars(pierian.provenance).items()
        if callable(made)
        and getattr(made, "__module__", "") == "pierian.provenance"
        and not isinstance(made, type)
    }
    assert functions == {
        "external",
        "together",
        "from_user",
        "described",
    }  # a new one needs a property of its own


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), LABELS),
    st.none() | LABELS,
    st.sampled_from(["none", "read", "write", "send", "spend"]),
    SOURCES,
)
async def test_no_tool_takes_a_label_off(
    given_labels: dict[str, Labels], own: Labels | None, effect: Effect, source: str
) -> None:
    async def call(context: object, values: object) -> object:
        return "made" if own is None else Labelled("made", own)

    made = Tool(
        name="t", description="d", parameters={}, call=call, effect=effect, source=source, lookup=call
    )
    arguments = {name: Labelled(name, labels) for name, labels in given_labels.items()}
    for lookup in (False, True):
        found = await invoke(made, arguments, lookup=lookup)
        assert found is not None
        assert found.labels >= together(given_labels.values())
        assert found.labels >= (own or NOBODY)
        if own is None and (effect != "none" or source):
            assert found.labels >= external(source or "t")


@given(LABELS)
def test_labels_survive_the_journal(labels: Labels) -> None:
    written = msgspec.json.encode(Labelled({"a": [1]}, labels))
    assert msgspec.json.decode(written, type=Labelled) == Labelled({"a": [1]}, labels)


@given(LABELS)
def test_who_approves_is_told_of_every_hand_but_codes_own(labels: Labels) -> None:
    said = described(labels)
    assert (said == "made by code") == (labels == NOBODY)
    for label in labels:
        if label.origin is Origin.EXTERNAL:
            assert (label.source or "external") in said
    assert ("your own words" in said) >= any(label.origin is Origin.USER for label in labels)
    assert ("written by the model" in said) >= any(label.origin is Origin.MODEL for label in labels)


def test_labels_in_words() -> None:
    assert described(NOBODY) == "made by code"
    assert described(frozenset({Label(Origin.EXTERNAL)})) == "external"
    mixed = external("host:b.org") | external("host:a.org") | USER | MODEL
    assert described(mixed) == "host:a.org, host:b.org, written by the model, your own words"
    assert str(Label(Origin.EXTERNAL, "host:a.org")) == "host:a.org"
    assert str(Label(Origin.MODEL)) == "model"
