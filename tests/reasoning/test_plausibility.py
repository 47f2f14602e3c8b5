"""Doubts about drafts: numbers of the question that are not used, results that cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.reasoning.plausibility import doubts, unused_numbers, without_comments


@pytest.mark.parametrize(
    ("question", "working", "unused"),
    [
        ("3 pens at 4 euros", "price = 3 * 4", []),
        ("3 pens at 4 euros", "price = 4", ["3"]),
        ("3 pens at 4 euros", "three pens cost 12, for each is 4", []),
        ("20% off 50", "50 * 0.8", []),
        ("20% off 50", "50 - 50 * 20 / 100", []),
        ("20% more than 50", "50 * 1.2", []),
        ("20% of 50", "50 * 0.2", []),
        ("half of 2 for 10", "10 / 2", []),
        ("1,200 guests at $3.50", "1200 * 3.5", []),
        ("3/4 of 12", "12 * 0.75", []),
        ("3/4 of 12", "12 * 3 / 4", []),
        ("3/4 of 12", "12 * 2", ["3", "4"]),
        ("every 2 of 5", "x = 5 * 0.5", []),
        ("no number", "1 + 1", []),
        ("at 7 and 7 again", "8", ["7"]),
    ],
)
def test_numbers_are_found_in_their_common_forms(question: str, working: str, unused: list[str]) -> None:
    assert unused_numbers(question, working) == unused


def test_doubts_are_sentences_for_the_reader() -> None:
    assert doubts("How many of 3 and 5 are left?", "5 + 3", "8") == ()
    assert doubts("How many of 3 and 5 are left?", "5", "5") == ("The number 3 of the question is not used.",)
    assert doubts("How many of 3 and 5 are left?", "1", "1") == (
        "The numbers 3, 5 of the question are not used.",
    )
    assert doubts("How many of 3 and 5 are left?", "3 - 5", "-2") == ("The result is less than nothing.",)
    assert doubts("What is 3 - 5?", "3 - 5", "-2") == ()


def test_a_comment_is_no_use_of_a_number() -> None:
    assert without_comments("# 3 pens\nprice = 4  # for 3\n") == "\nprice = 4  "


@given(st.text(), st.text(), st.text())
def test_any_text_can_be_looked_at(question: str, working: str, normal: str) -> None:
    doubts(question, working, normal)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=6))
def test_what_repeats_the_question_leaves_nothing_out(numbers: list[int]) -> None:
    text = " and ".join(str(number) for number in numbers)
    assert unused_numbers(text, text) == []
