"""What drafts say together: the leading value, its odds, and when no further draft is needed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pierian.reasoning.consensus import DEPENDENCE, decided, standing, verdict
from pierian.reasoning.run import Draft
from pierian.reasoning.values import FinalValue


def draft(number: int, value: str, weight: float = 2.5, **more: object) -> Draft:
    return Draft(number, f"approach {number}", value, FinalValue(value, value), weight, 1, **more)  # type: ignore[arg-type]


def numbered(drafts: Sequence[Draft]) -> list[Draft]:
    return [structs.replace(d, number=n, approach=f"a{n}") for n, d in enumerate(drafts, 1)]


DRAFTS = st.lists(
    st.builds(
        draft,
        st.just(1),
        st.sampled_from(["", "5", "6", "7"]),
        st.floats(0.1, 6.0),
        code=st.sampled_from(["", "answer = 5"]),
    ),
    max_size=7,
).map(numbered)


def test_agreement_of_words_and_program_outweighs_two_programs() -> None:
    programs = [draft(1, "5", code="x"), draft(2, "5", code="x"), draft(3, "6")]
    mixed = [draft(1, "5", code="x"), draft(2, "6", code="x"), draft(3, "6")]
    assert verdict(mixed).probability > verdict(programs).probability


def test_a_draft_alone_is_never_enough() -> None:
    assert not decided([], 0.0)
    assert not decided([draft(1, "5", 6.0)], 0.0)
    assert not decided([draft(1, "5", 6.0), draft(2, "")], 0.5)
    assert decided([draft(1, "5"), draft(2, "5", code="x")], 0.85)


def test_the_text_shown_is_the_shortest_that_can_be_read_and_is_sound() -> None:
    leader = verdict(
        [
            draft(1, "5", sound=False),
            draft(2, "5"),
            structs.replace(draft(3, "5"), text="longer text"),
            structs.replace(draft(4, "5"), text=""),
        ]
    ).leader
    assert leader is not None
    assert leader.best.number == 2


def test_doubts_that_all_drafts_share_do_not_keep_it_going() -> None:
    three = [draft(1, "5", 0.1, code="x"), draft(2, "5", 0.1, code="x"), draft(3, "5", 0.1)]
    assert not decided(three[:2], 0.85, [6.0])
    assert decided(three, 0.85, [6.0])
    assert not decided([*three, draft(4, "6", 0.1)], 0.85, [6.0])


def test_a_revised_draft_no_longer_votes() -> None:
    drafts = [draft(1, "5"), draft(2, "6"), draft(3, "6", revises=1)]
    assert [d.number for d in standing(drafts)] == [2, 3]
    assert verdict(drafts).agreeing == 2


@given(DRAFTS)
def test_odds_are_odds_whatever_the_order(drafts: list[Draft]) -> None:
    found = verdict(drafts)
    assert 0.0 <= found.probability < 1.0
    assert (found.probability == 0.0) == (not any(d.value for d in drafts))
    again = verdict(list(reversed(drafts)))
    assert again.probability == pytest.approx(found.probability)
    if decided(drafts, 0.5):
        assert found.agreeing >= 2


@given(DRAFTS, st.floats(0.1, 6.0))
def test_one_more_that_agrees_never_lowers_the_odds(drafts: list[Draft], weight: float) -> None:
    found = verdict(drafts)
    if found.leader is not None:
        more = draft(99, found.leader.best.value.text, weight)
        assert verdict([*drafts, more]).probability >= found.probability - 1e-12


@given(DRAFTS, st.lists(st.floats(0.1, 6.0), max_size=2))
def test_what_is_called_settled_cannot_be_overturned(drafts: list[Draft], coming: list[float]) -> None:
    """By brute force: whatever the drafts to come say, and of whatever kind they are."""
    if "could not change" not in decided(drafts, 2.0, coming):
        return
    leader = verdict(drafts).leader
    assert leader is not None
    for votes in itertools.product(["5", "6", "7", "8"], ["", "x"], repeat=len(coming)):
        values, codes = votes[::2], votes[1::2]
        later = [
            draft(100 + i, value, weight, code=code)
            for i, (value, weight, code) in enumerate(zip(values, coming, codes, strict=True))
        ]
        after = verdict([*drafts, *later]).leader
        assert after is not None
        assert after.best.value == leader.best.value


def test_nothing_to_come_settles_only_with_a_lead() -> None:
    assert decided([draft(1, "5"), draft(2, "5"), draft(3, "6")], 0.999)
    assert not decided([draft(1, "5"), draft(2, "5"), draft(3, "6")], 0.999, [6.0 / DEPENDENCE])
