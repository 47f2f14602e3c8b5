"""A text in blocks looks as it does whole, and one that grows ends up as it would have been rendered at once."""

from __future__ import annotations

import statistics
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.webapp.hostile_text import PAYLOADS

from pierian.webapp.blocks import BlockStream
from pierian.webapp.markdown import cleaned, render, rendered
from pierian.webapp.mending import mended

LINES = [
    "", "", "", "Words and **more** of them.", "a [link][one] and [two]", "[one]: http://one.example", "[two]:", "http://two.example", "[ONE]: http://late.example 'title", "continued'",
    "# Heading", "Setext", "===", "---", "- item", "- [ ] task", "  - nested", "* other", "1. first", "2. second", "   continued", "    indented", "> quote", "> - item", ">", "```python",
    "```", "````", "~~~", "```html", "<b>x</b>", "| a | b |", "|---|:-:|", "| 1 | 2 |", "$$", r"\[", r"\]", "x^2 = 4", "$$x$$", r"\[ a = b \].", r"\boxed{1}", "$a_1$ costs $5", "`code", "\t- tab",
    "[one]", "![p](http://p.example/x)", "***", "+ plus", "10) ten", "\\", "&amp;", "<div>", "</div>", "- ", "  ", "[three]: <http://three.example/?a&copy=1>", "[three] `[two]`", "\u00a0", "\x0b", "a\rb",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(LINES), max_size=14).map("\n".join)
ANY_TEXTS = TEXTS | st.lists(st.sampled_from([*LINES, *(one for one in PAYLOADS if len(one) < 200)]), max_size=8).map("\n".join) | st.text(max_size=60)  # fmt: skip


def whole(text: str) -> list[str]:
    """The blocks of a text that is all there."""
    return [block.html for block in rendered(cleaned(text)).blocks]


@settings(max_examples=600, deadline=None)
@given(ANY_TEXTS, st.data())
@example('para\n\n[foo]: /url\n"title\nmore"\n\nend [foo]', None)
@example("$$\n- a\n$$\n\nx", None)
def test_however_it_comes_in_pieces_the_end_is_the_same(text: str, data: st.DataObject | None) -> None:
    stream, page = BlockStream(), dict[int, str]()
    ends = data.draw(st.lists(st.integers(0, len(text)), max_size=12)) if data else range(len(text))
    for end in sorted(ends):
        for change in stream.update(text[:end]):
            page[change.index] = str(change.html)
    for change in stream.update(text, complete=True):
        page[change.index] = str(change.html)
    assert stream.html == whole(text)
    assert "".join(page[index] for index in sorted(page)) == str(render(text))


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5), st.booleans())
@example(["- a\n\nb\n", "- a\n\n  more\n"], False)
@example(["- a\n\n- b\n\nc\n\nd\n", "- a\n\n- b\n\n  c\n"], False)
def test_a_text_that_is_replaced_is_shown_as_it_stands(texts: list[str], grown: bool) -> None:
    stream = BlockStream()
    for index, text in enumerate(texts):
        stream.update("".join(texts[:index]) + text if grown else text)
    final = texts[-1]
    stream.update(final, complete=True)
    assert stream.html == whole(final)


def test_only_what_changed_is_told() -> None:
    stream = BlockStream()
    assert [one.index for one in stream.update("First.\n\nSecond")] == [0, 1]
    assert stream.update("First.\n\nSecond") == []
    assert [one.index for one in stream.update("First.\n\nSecond one.\n\n- third")] == [1, 2]
    gone = stream.update("First.\n\nSecond one.")
    assert [(one.index, str(one.html)) for one in gone] == [(2, "")]


def test_a_definition_that_comes_later_changes_the_block_that_refers_to_it() -> None:
    stream = BlockStream()
    stream.update("See [the docs][d].\n\nMore.\n\nEven more.\n\n")
    (change,) = stream.update("See [the docs][d].\n\nMore.\n\nEven more.\n\n[d]: https://docs.example\n")
    assert change.index == 0
    assert 'href="https://docs.example"' in change.html


def test_artifacts_are_numbered_through_the_stream() -> None:
    text = "```html\n<b>\n```\n\nWords.\n\n```svg\n<svg/>\n```\n\nEnd.\n\n```html\n<i>\n```\n"
    stream = BlockStream()
    for end in range(0, len(text), 5):
        stream.update(text[:end])
    stream.update(text, complete=True)
    numbers = [
        f'data-artifact="{number}"' in html for number, html in zip((0, 1, 2), stream.html[::2], strict=True)
    ]
    assert numbers == [True, True, True]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a **bo", "a **bo**"),
        ("a **bold*", "a **bold**"),
        ("the *", "the "),
        ("a `co", "a `co`"),
        ("see [the docs](https://exa", "see the docs"),
        ("so $x^2", "so "),
        (r"so \(a + b", "so "),
        ("$$\nx", ""),
        ("$$\nx\n$$", "$$\nx\n$$"),
        ("it is $5 and", "it is $5 and"),
        ("words\n-", "words\n"),
        ("words\n\n1.", "words\n\n"),
        ("- **Bold:** and *it", "- **Bold:** and *it*"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("```py\nx = **", "```py\nx = **"),
        ("snake_case and _it", "snake_case and _it_"),
        ("| a | b |", ""),
        ("**a**\n\n- **b", "**a**\n\n- **b**"),
    ],
)
def test_an_unfinished_end_shows_no_bare_marks(text: str, shown: str) -> None:
    assert mended(text) == shown


@settings(max_examples=300, deadline=None)
@given(ANY_TEXTS)
def test_mending_never_fails_and_adds_little(text: str) -> None:
    assert len(mended(text)) <= 2 * len(text) + 10


ANSWER = (
    "## A heading\n\nSome words about **things** with `code` and a formula $x_{1}^2 + \\frac{1}{2}$ in a paragraph that is "
    "about as long as they usually are, so that it takes several lines on a page.\n\n- one *item*\n- another, with "
    "[a link](https://example.org)\n- a third\n\n```python\ndef f(x):\n    return [i * x for i in range(10)]  # why\n```\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n$$\n\\sum_{i=1}^n i = \\frac{n(n+1)}{2}\n$$\n\n"
)


def test_an_update_costs_what_its_end_costs() -> None:
    """Twenty thousand characters in pieces of four: late updates are no dearer than early ones."""
    text, stream, times = ANSWER * 38, BlockStream(), list[float]()
    for end in range(4, len(text), 4):
        begun = time.perf_counter()
        stream.update(text[:end])
        times.append(time.perf_counter() - begun)
    stream.update(text, complete=True)
    assert stream.html == whole(text)
    quarter = len(times) // 4
    early, late = statistics.median(times[:quarter]), statistics.median(times[-quarter:])
    assert late < 3 * early + 0.001
    assert statistics.median(times) < 0.02  # a tenth of that on a machine of its own
