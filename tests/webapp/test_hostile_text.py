"""Whatever is written, nothing that acts comes out: judged on the document that a browser's parser makes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree, NodeType
from tests.webapp.hostile_text import NAMES, PAYLOADS

from pierian.characters import without_misleading
from pierian.webapp.blocks import BlockStream
from pierian.webapp.markdown import ALLOWED_CLASSES, ATTRIBUTES, TAGS, cleaned, render

SET_BY_US = {"a": {"rel", "target"}}
SLOW = 2.0
"""Seconds that no payload may take, on a machine that others use too."""


def elements(html: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Every element that a browser makes of some HTML, with its attributes."""
    tree = HTMLTree.parse(
        f"<!doctype html><html><body><div id=place>{html}</div><p id=end></p></body></html>"
    )
    left: list[Any] = [tree.body]
    while left:
        node = left.pop()
        if node.type == NodeType.ELEMENT:
            yield str(node.tag), {str(name): str(node.getattr(name)) for name in node.attrs or ()}
        left += node.child_nodes


def judge(html: str) -> None:
    """Fail where something stands in the HTML that is not allowed."""
    found = list(elements(html))
    place = [one for one in found if one[1].get("id") == "place"]
    assert len(place) == 1
    assert found[0][0] == "body"
    for tag, attributes in found:
        if attributes.get("id") in ("place", "end") or tag == "body":
            continue
        assert tag in TAGS, (tag, html[:300])
        for name, value in attributes.items():
            if name == "class":
                assert set(value.split()) <= ALLOWED_CLASSES.get(tag, set()), (tag, value)
                continue
            assert name in ATTRIBUTES.get(tag, set()) | SET_BY_US.get(tag, set()), (tag, name, html[:300])
            if name == "href":
                assert urlsplit(value).scheme in ("http", "https", "mailto"), value
    assert sum(attributes.get("id") == "end" for _, attributes in found) == 1
    assert "<hx-" not in html.lower()
    assert without_misleading(html) == html


def outside(html: str) -> bool:
    """Whether the HTML closes nothing that it did not open: what comes after it is where it was."""
    tree = HTMLTree.parse(f"<body><div id=place>{html}</div><p id=end></p></body>")
    end = tree.body.get_element_by_id("end")
    return end is not None and end.parent.tag == "body"


@pytest.mark.parametrize("payload", [*PAYLOADS, *NAMES], ids=range(len(PAYLOADS) + len(NAMES)))
def test_no_payload_gives_anything_that_acts(payload: str) -> None:
    begun = time.perf_counter()
    html = str(render(payload))
    assert time.perf_counter() - begun < SLOW
    judge(html)
    assert outside(html)


@pytest.mark.parametrize("wrapped", ["> {}", "- {}\n  more", "| a |\n|---|\n| {} |", "**{}**", "# {}", "[{}](http://a.example)", "$$\n{}\n$$"])  # fmt: skip
def test_no_payload_acts_inside_other_markdown(wrapped: str) -> None:
    for payload in PAYLOADS:
        if len(payload) < 1000:
            html = str(render(wrapped.format(payload)))
            judge(html)
            assert outside(html)


def test_no_payload_acts_while_it_streams() -> None:
    for payload in PAYLOADS:
        stream = BlockStream()
        for end in {*range(0, min(len(payload), 200), 9), len(payload)}:
            for change in stream.update(payload[:end]):
                judge(str(change.html))


def test_payloads_together_are_as_harmless_as_alone() -> None:
    judge(str(render("\n\n".join(payload for payload in PAYLOADS if len(payload) < 1000))))
    judge(str(render("\n".join(payload for payload in PAYLOADS if len(payload) < 1000))))


def test_what_comes_out_is_what_the_last_wall_lets_through() -> None:
    from pierian.webapp.markdown import _cleaner  # pyright: ignore[reportPrivateUsage]

    for payload in PAYLOADS:
        html = str(render(payload))
        assert _cleaner().clean(html) == html


def test_the_last_wall_stands_by_itself() -> None:
    """Even HTML that no rule had escaped would do nothing."""
    from pierian.webapp.markdown import _cleaner  # pyright: ignore[reportPrivateUsage]

    for payload in PAYLOADS:
        html = cleaned(_cleaner().clean(cleaned(payload)))
        judge(html)


def test_hidden_text_is_gone_and_what_scripts_need_stays() -> None:
    assert "run" not in str(render("a" + "".join(chr(0xE0000 + ord(one)) for one in "run") + "b"))
    assert "<p>ab</p>" in render("a\u200b\u2066\u202eb")
    family, persian = "👩‍👩‍👧", "می‌خواهم"
    assert family in render(family)
    assert persian in render(persian)


_PIECES = st.sampled_from([*(one for one in PAYLOADS if len(one) < 400), "\n\n", "\n", " ", "```", "$$", "> ", "- ", "<", '"', "&", "$", "\\", "`"])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECES | st.text(max_size=12), max_size=8).map("".join))
def test_no_mixture_acts(text: str) -> None:
    html = str(render(text))
    judge(html)
    assert outside(html)
