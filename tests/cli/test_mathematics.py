"""Formulas in plain characters: what is clearly TeX is translated, money and code are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pierian.cli.mathematics import readable, settled

TEX = st.sampled_from(
    [
        r"\(",
        r"\)",
        r"\[",
        r"\]",
        "$",
        "$$",
        r"\frac{",
        "}",
        "{",
        "^",
        "_2",
        r"\boxed{",
        "`",
        "```",
        "x",
        " ",
        "5",
        "\n",
    ]
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"So \( \frac{18}{3} \times 2 = 12 \).", "So 18/3 × 2 = 12."),
        (r"\[ x_1 = \frac{a}{b} \]", "\nx₁ = a/b\n"),
        (r"thus \boxed{12}.", "thus 12."),
        (r"\boxed{\frac{1}{2}}", "1/2"),
        ("$x^2$ and $n_{1}$", "x² and n₁"),
        (r"\(90^\circ\)", "90°"),
        ("$5 and $6", "$5 and $6"),
        ("It costs $4, or $12 = 3 of them", "It costs $4, or $12 = 3 of them"),
        (r"`\frac{1}{2}` stays", r"`\frac{1}{2}` stays"),
        ("```\n\\boxed{1}\n```", "```\n\\boxed{1}\n```"),
        (r"\( unfinished", r"\( unfinished"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert readable(text) == shown


def test_an_unfinished_formula_is_held_back_until_it_is_closed() -> None:
    assert settled(r"So \( \frac{1}") == 3
    assert settled(r"So \( 1 \) and") == len(r"So \( 1 \) and")
    assert settled("So \\") == 3
    long = r"\( " + "x" * 500
    assert settled(long) == len(long)


@given(st.lists(TEX).map("".join) | st.text())
def test_any_text_can_be_shown(text: str) -> None:
    readable(text)
    assert 0 <= settled(text) <= len(text)


@given(st.text(st.characters(exclude_characters="\\$")))
def test_text_without_formulas_stays_as_it_is(text: str) -> None:
    assert readable(text) == text
