"""What Markdown looks like on a page: headings, links, pictures, code, tables, tasks; nothing hides and nothing loads."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pierian.webapp import markdown
from pierian.webapp.highlighting import CLASSES, LANGUAGES, MOST_CHARACTERS, highlighted, stylesheet
from pierian.webapp.markdown import Artifact, artifacts

LINK = 'rel="noopener noreferrer nofollow" target="_blank"'


def render(text: str) -> str:
    """The HTML with the attributes of links in one order: the sanitiser writes them in any."""
    html = str(markdown.render(text))
    return html.replace('target="_blank" rel="noopener noreferrer nofollow"', LINK)


def test_the_page_keeps_its_first_two_headings() -> None:
    assert render("# One\n\n## Two\n\n###### Six") == "<h3>One</h3>\n<h4>Two</h4>\n<h6>Six</h6>\n"


def test_words_are_set_as_models_write_them() -> None:
    html = render("**b** *i* ~~s~~ `c` <b>raw</b>\\\nnext")
    assert (
        html
        == "<p><strong>b</strong> <em>i</em> <s>s</s> <code>c</code> &lt;b&gt;raw&lt;/b&gt;<br>\nnext</p>\n"
    )


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "[docs](https://docs.example/a?b=c&d)",
            f'<a href="https://docs.example/a?b=c&amp;d" {LINK}>docs</a>',
        ),
        ("<https://docs.example>", f'<a href="https://docs.example" {LINK}>https://docs.example</a>'),
        ("[mail](mailto:a@b.example)", f'<a href="mailto:a@b.example" {LINK}>mail</a>'),
        (
            "[www.docs.example](https://docs.example/x)",
            f'<a href="https://docs.example/x" {LINK}>www.docs.example</a>',
        ),
        ('[a](https://b.example "title")', f'<a href="https://b.example" {LINK}>a</a>'),
        ("[a](javascript:alert)", "a (<code>javascript:alert</code>)"),
        ("[a](/settings)", "a (<code>/settings</code>)"),
        ("[a](//b.example)", "a (<code>//b.example</code>)"),
        ("<javascript:alert>", "javascript:alert"),
        ("[a]()", "a"),
    ],
)
def test_links_lead_out_or_are_words(text: str, html: str) -> None:
    assert render(text) == f"<p>{html}</p>\n"


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("[https://bank.example/login](https://evil.example)", "evil.example"),
        ("[bank.example](https://bank.example.evil.example)", "bank.example.evil.example"),
        ("[bank．example](https://evil.example)", "evil.example"),
        ("[sign in](https://bank.example@evil.example)", "evil.example"),
        ("[аpple](https://аpple.example)", "xn--pple-43d.example"),
        ("[me@good.example](mailto:me@evil.example)", "me@evil.example"),
    ],
)
def test_a_link_that_pretends_shows_where_it_leads(text: str, host: str) -> None:
    assert f'<span class="host"> ({host})</span></a>' in render(text)


def test_pictures_are_named_and_never_loaded() -> None:
    html = render(
        "![a cat](https://pictures.example/cat.png) ![](data:image/png;base64,AA) [![in](https://p.example/x)](https://l.example)"
    )
    assert (
        f'<a class="picture" href="https://pictures.example/cat.png" {LINK}>picture: a cat (pictures.example)</a>'
        in html
    )
    assert '<span class="picture">picture</span>' in html
    assert (
        f'<a href="https://l.example" {LINK}><span class="picture">picture: in (p.example)</span></a>' in html
    )
    assert "<img" not in html and "src=" not in html and "base64" not in html


def test_a_picture_after_a_link_is_a_link_of_its_own() -> None:
    assert render("[a](https://a.example) ![p](https://p.example/x)").count("<a ") == 2


def test_code_has_a_label_and_colours_without_styles() -> None:
    html = render('```python\ndef f():\n    return "<x>"\n```')
    assert html.startswith(
        '<div class="code" data-language="python"><div class="code-head"><span class="code-language">python</span></div><pre tabindex="0"><code>'
    )
    assert '<span class="k">def</span> <span class="nf">f</span>' in html
    assert "&lt;x&gt;" in html
    assert "style" not in html
    assert '<span class="code-language">code</span>' in render("```\nx\n```")


def test_long_code_and_unknown_languages_are_plain() -> None:
    long = "x = 1\n" * (MOST_CHARACTERS // 6 + 1)
    assert "<span" not in highlighted(long, "python")
    assert highlighted("<a>", "brainfuck") == "&lt;a&gt;"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(["def", " ", "\n", "'", '"', "/*", "<", "{", "`", "$", "//", "#", "1", "x"]), max_size=30).map("".join), st.sampled_from(sorted(LANGUAGES)))  # fmt: skip
def test_highlighted_code_is_the_code(code: str, language: str) -> None:
    import html
    import re

    assert html.unescape(re.sub(r"<[^>]*>", "", highlighted(code, language))) == code


def test_every_class_of_code_has_a_readable_colour_in_light_and_dark() -> None:
    """WCAG's 4.5 to 1, on the lightest and darkest surfaces that code stands on."""
    css = stylesheet()
    for name in CLASSES:
        line = next(one for one in css.splitlines() if one.startswith(f".code .{name} {{ color"))
        light, dark = line.partition("light-dark(")[2].rstrip("); }").split(", ")
        assert _contrast(light, "#f0f0f3") >= 4.5, (name, light)
        assert _contrast(dark, "#26262b") >= 4.5, (name, dark)


def _contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_artifacts_are_found_where_the_page_numbers_them() -> None:
    text = "```html\n<b>1</b>\n```\n\n- item\n\n  ```SVG x\n  <svg/>\n  ```\n\n```xml\n<svg>2</svg>\n```\n\n```xml\n<a/>\n```\n"
    found = artifacts(text)
    assert found == [
        Artifact("html", "<b>1</b>\n"),
        Artifact("svg", "<svg/>\n"),
        Artifact("svg", "<svg>2</svg>\n"),
    ]
    html = render(text)
    assert [f'data-artifact="{number}"' in html for number in range(4)] == [True, True, True, False]


def test_tables_scroll_and_align_by_class() -> None:
    html = render("| a | b |\n|:-:|--:|\n| 1 | 2 |")
    assert html.startswith('<div class="table" tabindex="0"><table>')
    assert '<th class="center">a</th>' in html and '<td class="right">2</td>' in html


def test_tasks_are_told_to_a_screen_reader_and_cannot_be_ticked() -> None:
    html = render("- [x] one\n- [ ] two\n- [y] three")
    assert (
        '<li class="task"><span class="checkbox checked" role="img" aria-label="done"></span>one</li>' in html
    )
    assert 'aria-label="not done yet"></span>two' in html
    assert "<li>[y] three</li>" in html


def test_what_hides_is_taken_out_and_lines_stay() -> None:
    assert render("a\u202eb\u200bc\x1b[2J") == "<p>abc[2J</p>\n"
    assert render("a\r\n\r\nb\rc") == "<p>a</p>\n<p>b\nc</p>\n"
    assert "\u202e" not in render("&#x202e; <https://a.example/%E2%80%AE>")


def test_a_text_beyond_all_measure_is_shown_as_it_is() -> None:
    html = render("**a** <b> " * 20_000)
    assert "**a** &lt;b&gt;" in html and "<strong>" not in html


def test_an_empty_text_is_nothing() -> None:
    assert render("") == "" and render("\n \n") == "" and render("[a]: http://x") == ""
