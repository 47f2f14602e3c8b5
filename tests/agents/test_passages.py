"""What matters of a long text is kept, in its order, within the length; what fits is left as it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pierian.agents.passages import passages

FILLER = "\n\n".join(
    f"Paragraph {n} is about nothing of interest. " + "It goes on and on. " * 12 for n in range(100)
)


@given(text=st.text(max_size=300), wanted=st.text(max_size=20))
def test_a_text_that_fits_is_left_as_it_is(text: str, wanted: str) -> None:
    assert passages(text, wanted, 300) == text


@given(
    text=st.lists(st.text(min_size=1, max_size=900), min_size=1, max_size=12).map("\n".join),
    wanted=st.text(max_size=20),
    most=st.integers(200, 1_000),
)
def test_what_is_kept_comes_from_the_text_and_is_about_as_long_as_allowed(
    text: str, wanted: str, most: int
) -> None:
    found = passages(text, wanted, most)
    assert len(found) <= most + 2 * (found.count("…") + found.count("\n") + 1) or found == text
    if text.strip():
        assert found.strip()


def test_the_passage_that_answers_is_kept_wherever_it_stands() -> None:
    for place in (0, len(FILLER) // 2, len(FILLER)):
        text = f"{FILLER[:place]}\n\nThe invoice number is 4711.\n\n{FILLER[place:]}"
        found = passages(text, "Wanted: the invoice number")
        assert "4711" in found and len(found) < 3_300


def test_a_long_paragraph_is_cut_rather_than_left_out() -> None:
    # Many steps leave little room for each of their results.
    found = passages("word " * 1_000, "anything", 416)
    assert found.startswith("word word") and found.endswith("…") and len(found) <= 430


def test_what_is_left_out_is_marked() -> None:
    text = f"{FILLER}\n\nThe needle is here.\n\n{FILLER}"
    found = passages(text, "needle", 300).split("\n")
    at = next(n for n, line in enumerate(found) if "needle" in line)
    assert "…" in found[:at] and "…" in found[at:]


def test_a_text_without_any_break_is_searched_too() -> None:
    text = "x" * 5_000 + " needle " + "y" * 5_000
    assert "needle" in passages(text, "needle", 1_000)
