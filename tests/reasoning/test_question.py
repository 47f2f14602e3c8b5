"""The kind of a question, decided by its form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.reasoning.question import Kind, classify, quantities

PENS = "A shop sells pens at 3 for 2 euros. How much are 18 pens, and how much change from a 20 euro note?"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (PENS, Kind.QUANTITY),
        ("How many days are there in 3 years and 2 weeks?", Kind.QUANTITY),
        ("What is 15% of 80?", Kind.QUANTITY),
        ("What is 2 + 2?", Kind.QUANTITY),
        ("Calculate 12 times 14.", Kind.QUANTITY),
        ("Ann has twice as many as Bob, who has five. How many has Ann?", Kind.QUANTITY),
        ("How many letters does she write if she writes 3 a day for 2 weeks?", Kind.QUANTITY),
        ("What is the average of 3, 4 and 8?", Kind.QUANTITY),
        ("Which is a planet?\n(A) Moon\n(B) Mars", Kind.CHOICE),
        ("Which?\nA. one\nB. two\nC. three", Kind.CHOICE),
        ("Solve $x^2 = 4$.", Kind.FORMULA),
        ("Simplify \\frac{4}{8}.", Kind.FORMULA),
        ("Is it?\n- yes\n- no", Kind.SHORT),
        ("Sort the following words alphabetically: List: pear apple", Kind.SHORT),
        ("Ann lies. Bo says Ann tells the truth. Cy says Bo lies. Does Cy tell the truth?", Kind.SHORT),
        ("My landlord raised the rent. He gave notice. It is March. Is that legal?", Kind.OPEN),
        ("The Danube is long. It flows east. It is blue. Is it longer than the Rhine? Explain.", Kind.OPEN),
        ("Is the sky blue?", Kind.OPEN),
        ("Write a poem about 3 ducks and 2 geese. How many lines? 12.", Kind.OPEN),
        ("Write a function that adds 2 numbers and calculate 3 tests.", Kind.OPEN),
        ("Why is the sky blue?", Kind.OPEN),
        ("Explain \\frac{1}{2} to a child", Kind.OPEN),
        ("How much do you know about Rome?", Kind.OPEN),
        ("Hello", Kind.OPEN),
    ],
)
def test_the_kind(text: str, kind: Kind) -> None:
    assert classify(text).kind is kind


def test_a_choice_knows_its_letters() -> None:
    assert classify("Which?\nA) one\nB) two\nC) three").letters == "ABC"
    assert classify("Which?\n(B) two\n(C) three").kind is not Kind.CHOICE
    assert classify("Which?\nA. one\nA. two").kind is not Kind.CHOICE


def test_numbers_in_digits_and_words_are_counted() -> None:
    assert quantities("Twelve pens at 3 for 2.50 euros, half price") == 4
    assert quantities("1,200 and a dozen") == 2
    assert quantities("") == 0


@given(st.text())
def test_any_text_has_a_kind_and_keeps_its_words(text: str) -> None:
    question = classify(text)
    assert question.text == text
    assert bool(question.letters) == (question.kind is Kind.CHOICE)
