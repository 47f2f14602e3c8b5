"""Final values: found in any draft, and compared by what they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.reasoning.values import (
    FinalValue,
    choice,
    final_text,
    last_boxed,
    plain_form,
    quantity,
    short_text,
)


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("Steps.\nAnswer: 12 euros", "12 euros"),
        ("**Answer:** 12", "12"),
        ("**Final answer: 12.**", "12"),
        ("> final Answer is 12", "12"),
        ("Answer: 3\nNo wait.\nAnswer: 4", "4"),
        ("So the answer is 12.", "12"),
        ("The total is $12.50.", "$12.50"),
        ("Thus \\boxed{12} and \\boxed{13}", "12; 13"),
        ("First \\boxed{12}.\n\nSo it is \\boxed{13}.", "13"),
        ("\\boxed{\\frac{1}{2}}\nAnswer: 3", "\\frac{1}{2}"),
        ("No value here", ""),
        ("", ""),
    ],
)
def test_where_a_draft_states_its_answer(text: str, stated: str) -> None:
    assert final_text(text) == stated


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("\\boxed{a{b{c}}d}", "a{b{c}}d"),
        ("\\boxed{}", ""),
        ("\\boxed{1} then \\boxed{2", ""),
        ("\\boxed{", ""),
        ("\\boxed 3", ""),
        ("\\boxed{ 5 } ", "5"),
    ],
)
def test_boxes_are_balanced(text: str, inside: str) -> None:
    assert last_boxed(text) == inside


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Answer: 12 euros, 8 euros change", "12; 8"),
        ("Answer: Lea is 15 years old, Tom is 11 years old", "15; 11"),
        ("Answer: $1,234.50", "1234.5"),
        ("Answer: 5.50 dollars", "5.5"),
        ("Answer: -3 degrees", "-3"),
        ("Answer: −3 degrees", "-3"),
        ("\\boxed{$18}", "18"),
        ("Answer: € 12", "12"),
        ("Answer: 1,000, 2,000", "1000; 2000"),
        ("Answer: .5", "0.5"),
        ("Answer: 20%", "20"),
        ("Answer: none", ""),
        ("I counted 3 of them", ""),
    ],
)
def test_all_numbers_of_the_answer(text: str, normal: str) -> None:
    assert quantity(text).normal == normal


def test_the_last_number_anywhere_where_nothing_is_stated() -> None:
    assert quantity("There were 3, now 5 remain", anywhere=True) == FinalValue("5", "5")
    assert not quantity("There were some", anywhere=True)


def test_two_part_answers_agree_only_in_both() -> None:
    both = quantity("Answer: 12 euros, 8 euros")
    assert both.agrees(quantity("Answer: 12.00 and 8"))
    assert not both.agrees(quantity("Answer: 12"))
    assert not both.agrees(quantity("Answer: 8, 12"))


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("Because.\nAnswer: (B)", "B"),
        ("Answer: B", "B"),
        ("Answer: **C.**", "C"),
        ("Answer: (b) Paris", "B"),
        ("\\boxed{D}", "D"),
        ("B. because it is", "B"),
        ("The answer is A.", "A"),
        ("Answer: and the letter of the right option is C.", "C"),
        ("Answer: and B", "B"),
        ("\\boxed{\\text{(C)}}", "C"),
        ("\\boxed{\\textbf{C}}", "C"),
        ("\\boxed{(B) Paris}", "B"),
        ("Answer: E", ""),
        ("Answer: it is not a B movie", ""),
        ("Answer: none of them", ""),
        ("", ""),
        ("   ", ""),
    ],
)
def test_the_letter_that_is_chosen(text: str, letter: str) -> None:
    assert choice(text, "ABCD").normal == letter


def test_only_letters_that_were_offered() -> None:
    assert choice("Answer: C", "AB") == FinalValue()
    assert choice("Answer: not E but (A)", "AB").normal == "A"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\\dfrac{1}{2}", "\\frac{1}{2}"),
        ("$x + 1$", "x + 1"),
        ("\\text{Paris}", "paris"),
        ("  PARIS. ", "Paris"),
        ("12.0", "12"),
        ("1,000", "1000"),
        ("90^\\circ", "90"),
        ("\\left( 1, 2 \\right)", "(1, 2)"),
        ("'yes'", "yes"),
    ],
)
def test_forms_that_mean_the_same(one: str, other: str) -> None:
    assert plain_form(one) == plain_form(other)


@pytest.mark.parametrize(
    ("one", "other"), [("x + 1", "x + 2"), ("new york", "newyork"), ("12", "12.5"), ("a b", "ab")]
)
def test_forms_that_do_not(one: str, other: str) -> None:
    assert plain_form(one) != plain_form(other)


def test_words_and_formulas() -> None:
    assert short_text("Answer: apple, banana").normal == "apple,banana"
    assert not short_text("No idea")
    assert (
        short_text("\\boxed{\\text{No}, she lies}") == short_text("Answer: No, she does not") != FinalValue()
    )
    assert short_text("Answer: Nobel").normal == "nobel"
    assert not short_text("Yes\n\n**Answer:**")


def test_no_value_agrees_with_none() -> None:
    assert not FinalValue().agrees(FinalValue())
    assert not FinalValue("12", "12").agrees(FinalValue())


TEXTS = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            [
                "Answer: ",
                "answer is ",
                "\\boxed{",
                "}",
                "{",
                "12",
                "1,0,",
                "$",
                "−",
                ".",
                "(A)",
                "B",
                "\n",
                "**",
                "\\frac",
            ]
        )
        | st.text(max_size=3),
        max_size=15,
    ).map("".join),
)


@given(TEXTS)
def test_any_text_is_read_without_an_error(text: str) -> None:
    for value in (
        quantity(text),
        quantity(text, anywhere=True),
        choice(text, "ABCD"),
        short_text(text),
    ):
        assert isinstance(value.text, str)
        assert value.agrees(value) == bool(value)
    assert choice(text, "ABCD").normal in ("", "A", "B", "C", "D")


@given(st.text(st.characters(exclude_characters="{}")), st.text(st.characters(exclude_characters="{}")))
def test_what_stands_in_a_box_is_found(before: str, inside: str) -> None:
    assert last_boxed(f"{before}\\boxed{{{inside}{{x}}}} after") == f"{inside}{{x}}".strip()


@given(TEXTS)
def test_the_plain_form_is_its_own_plain_form(text: str) -> None:
    once = plain_form(text)
    assert plain_form(once).strip() == once.strip() or "\\" in text


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=3, allow_nan=False))
def test_a_number_agrees_with_itself_however_it_is_written(number: object) -> None:
    plain, thousands = quantity(f"Answer: {number}"), quantity(f"Answer: ${number:,}")
    assert plain
    assert plain.normal == thousands.normal or str(number).startswith("-")
