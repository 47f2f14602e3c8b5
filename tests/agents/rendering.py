"""What renderers of Markdown would load, run or link to."""

from __future__ import annotations

from typing import Any

from markdown_it import MarkdownIt

KNOWN = "https://good.example/page"
PARSERS = [
    MarkdownIt("commonmark"),
    MarkdownIt("commonmark", {"html": False}),
    MarkdownIt("js-default", {"html": True}),
    MarkdownIt("commonmark").enable(["table", "strikethrough"]),
]
for parser in PARSERS:
    parser.validateLink = lambda url: True  # other renderers do not refuse `javascript:`


def loaded(text: str) -> list[str]:
    """Everything that a renderer would load, run or link to, apart from what is known."""
    found: list[str] = []
    for parser in PARSERS:
        left: list[Any] = [*parser.parse(text)]
        while left:
            token = left.pop()
            left += token.children or ()
            if token.type in ("image", "html_block", "html_inline"):
                found.append(f"{token.type}: {token.content}")
            elif token.type == "link_open" and str(token.attrs["href"]).rstrip("/") != KNOWN:
                found.append(str(token.attrs["href"]))
    return found
