"""Formulas become MathML, money stays money, and what cannot be translated is shown as it was written."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from pierian.webapp.markdown import render
from pierian.webapp.mathematics import ALLOWED, MOST_CHARACTERS, mathml

SQUARE = '<math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>'


@pytest.mark.parametrize("text", ["$x^2$", r"\(x^2\)", r"\( x^2 \)"])
def test_formulas_in_a_line(text: str) -> None:
    assert render(f"so {text}, then") == f"<p>so {SQUARE}, then</p>\n"


@pytest.mark.parametrize(
    "text", ["$$x^2$$", "$$\nx^2\n$$", r"\[x^2\]", "\\[\nx^2\n\\]", "\\[ x^2\n\\]", "  $$ x^2 $$  "]
)
def test_formulas_by_themselves(text: str) -> None:
    block = SQUARE.replace("inline", "block")
    assert render(text) == f'<div class="formula">{block}</div>\n'
    assert f'<div class="formula">{block}</div>' in render(f"Words:\n{text}\nand more")
    assert f'<div class="formula">{block}</div>' in render("- item\n\n  " + text.replace("\n", "\n  "))


def test_a_mark_behind_a_formula_stays() -> None:
    assert render("\\[\nx^2\n\\].").endswith("</math>.</div>\n")


@pytest.mark.parametrize(
    "text",
    [
        "costs $5 and $7",
        "between $5-$7",
        "US$5/US$6",
        "$5 (it was $7) and $9.",
        "$HOME and $PATH",
        "echo $FOO_BAR and $BAZ",
        "a $ b $ c",
        "$one and two$",
        "costs $$ and $$$",
        r"\$x^2\$",
        "`$x^2$` in code",
        "``\\(x\\)``",
        r"an \[escaped\] bracket",
        r"\[link\](there)",
        "$$",
        "$ $",
        "$$ $$",
        r"\(\)",
    ],
)
def test_what_is_no_formula_stays_text(text: str) -> None:
    assert "<math" not in render(text)
    assert 'class="tex"' not in render(text)


def test_code_is_never_touched() -> None:
    assert "<math" not in render("```\n$x^2$ \\(y\\)\n$$\nz\n$$\n```\n\n    $$x$$")


@pytest.mark.parametrize(
    "text", ["$n$", "$5$", "$n + 1$", "$f(x)$", "$x'$", "$a_{ij}$", "$3.5\\%$", "$O(n)$", "$α+β$"]
)
def test_short_formulas_between_dollars(text: str) -> None:
    assert "<math" in render(text)


def test_boxes_are_drawn_by_a_class() -> None:
    boxed = '<mrow class="boxed"><mrow><mn>42</mn></mrow></mrow>'
    assert boxed in render(r"$\boxed{42}$")
    assert boxed in render(r"The answer is \boxed{42}.")
    assert '<mrow class="struck">' in render(r"$\cancel{x}$")


@pytest.mark.parametrize(
    "tex",
    [
        r"\frac{a}{b}", r"\sqrt[3]{x}", r"\sum_{i=1}^{n} i^2", r"\int_0^1 f(x)\,dx", r"\begin{pmatrix}a&b\\c&d\end{pmatrix}", r"\begin{aligned}x&=1\\y&=2\end{aligned}",
        r"\begin{cases}1 & x>0\\0 & \text{otherwise}\end{cases}", r"\begin{align*}a&=b\\&=c\end{align*}", r"\left(\frac{1}{2}\right)", r"\vec{v}\cdot\hat{n}", r"\lim_{x\to\infty}",
        r"\mathbb{R}^n", r"\text{if } x", r"\underbrace{a+b}_{c}", r"\binom{n}{k}", r"90^\circ", r"50\%", r"\begin{gathered}a\\b\end{gathered}", r"x\tag{1}", r"\operatorname{lcm}(a,b)",
    ],
)  # fmt: skip
def test_what_models_write_is_translated(tex: str) -> None:
    html = mathml(tex, display=True)
    assert html.startswith('<math display="block">')
    assert "\\" not in html and "&amp;" not in html
    assert render(f"$${tex}$$") == f'<div class="formula">{_as_parsed(html)}</div>\n'


def _as_parsed(html: str) -> str:
    """HTML after a parser has read and written it; here only spaces have another spelling."""
    return html.replace("\u00a0", "&nbsp;")


@pytest.mark.parametrize(
    "tex",
    [
        r"\foo{x}^2", r"\frac{1}", "x^", "{", "}", r"\begin{matrix}a", r"\left( x", r"\newcommand{\a}{\a}\a", r"\def\a{b}\a", "x^2^3", r"\require{x}", r"\ce{H2O}",
        "{" * 200 + "x" + "}" * 200, r"\sqrt" * 100 + "{x}", "x+" * MOST_CHARACTERS, r"\frac{" * 100 + "x",
    ],
)  # fmt: skip
def test_what_cannot_be_translated_is_shown_as_it_was_written(tex: str) -> None:
    assert mathml(tex, display=False) == ""
    if len(tex) < MOST_CHARACTERS // 2 and tex != "}":
        assert 'class="tex"' in render(f"\\({tex}\\)")
        assert tex.replace("&", "&amp;")[:20] in render(f"\\({tex}\\)")


def test_nothing_in_a_formula_links_styles_or_grows_over_the_page() -> None:
    for tex in (
        r"\href{javascript:a}{x}",
        r"\style{color:red}{x}",
        r"\class{turns}{x}",
        r"\color{red}{x}",
        r"\rule{99em}{99em}",
        r"\hspace{-50em}x",
    ):
        html = mathml(tex, display=False)
        assert "javascript" not in html and "style=" not in html and "turns" not in html and "red" not in html
        assert "99" not in html and "-50" not in html


def test_the_elements_stay_in_the_namespace_of_mathematics() -> None:
    """A parser that took them for HTML would draw nothing."""
    html = render(r"$\frac{1}{2}$ and $$\sqrt{x}$$")
    tree = HTMLTree.parse(html)
    assert len(tree.body.get_elements_by_tag_name("math")) == 2
    assert [one.parent.tag for one in tree.body.get_elements_by_tag_name("mfrac")] == ["mrow"]


def test_elements_that_change_how_html_is_read_are_not_allowed() -> None:
    assert not {
        "annotation-xml",
        "annotation",
        "semantics",
        "mglyph",
        "malignmark",
        "maction",
        "mpadded",
    } & set(ALLOWED)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["\\frac", "\\sqrt", "{", "}", "^", "_", "x", "1", "&", "\\\\", "\\begin{matrix}", "\\end{matrix}", "\\left(", "\\right)", "\\text{a}", "<", "%", "#", " ", "\\boxed", "\\color{red}", "'", "\\"]) | st.text(max_size=3), max_size=25).map("".join))  # fmt: skip
def test_no_formula_fails_or_takes_long(tex: str) -> None:
    begun = time.perf_counter()
    for html in (mathml(tex, display=True), str(render(f"$${tex}$$")), str(render(f"\\({tex}\\)"))):
        assert isinstance(html, str)
    assert time.perf_counter() - begun < 2
