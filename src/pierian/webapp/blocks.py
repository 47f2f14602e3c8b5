"""A Markdown text that grows, as top-level blocks.

Only its end can still change: what lies before is rendered once, and the end is mended (`mending`) before it is
shown. When it is all there, its blocks are those of the whole text.
"""

from __future__ import annotations

import re

from markupsafe import Markup
from msgspec import Struct

from pierian.webapp.markdown import MOST_CHARACTERS, Rendered, cleaned, rendered
from pierian.webapp.mending import mended

MOST_HIGHLIGHTED = 1_500
"""Characters of a block of code that is still being written; longer ones are highlighted when they are closed."""

_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){1,999})\]", re.DOTALL)
_EMPTY_LINE = re.compile(r"\n[ \t]*\n(?=[^\n])")


class Change(Struct, frozen=True):
    """A block that is new or looks different now; empty HTML where it is there no more."""

    index: int
    html: Markup


class _Settled(Struct):
    """A block that no longer changes, except for definitions that come later."""

    source: str
    end: int
    """Characters of the text up to where the next block begins."""
    before_empty: bool
    """Whether the line before that is empty."""
    html: Markup
    artifacts: int
    first_artifact: int
    labels: frozenset[str]
    addresses: tuple[str | None, ...]
    """What its labels stood for when it was rendered."""


class BlockStream:
    """A text that grows, as blocks. It may also be replaced; then what differs is rendered anew."""

    def __init__(self) -> None:
        self._settled: list[_Settled] = []
        self._head = ""
        """The text of the settled blocks."""
        self._sure = ""
        """The same with the line behind it, which shows that the last of them has ended."""
        self._references: dict[str, str] = {}
        """Link definitions within it."""
        self._tried = 0
        """How much of what follows is known to settle nothing."""
        self._shown: list[Markup] = []

    @property
    def html(self) -> list[Markup]:
        """All blocks as they look now."""
        return list(self._shown)

    def update(self, text: str, *, complete: bool = False) -> list[Change]:
        """Take the whole text as it stands now; returns the blocks that look different.

        Args:
            complete: The text is all there; nothing about its end is guessed.
        """
        text = cleaned(text)
        if len(text) > MOST_CHARACTERS:
            return self._show(rendered(text), [])
        self._go_back(text)
        self._settle(text)
        tail = text[len(self._head) :]
        first = sum(one.artifacts for one in self._settled)
        if complete:
            found = rendered(tail, self._references, first)
        else:
            found = rendered(mended(tail), self._references, first, MOST_HIGHLIGHTED)
        for one in self._settled:
            if one.labels:
                self._refer(one, found.references)
        return self._show(found, [one.html for one in self._settled])

    def _show(self, tail: Rendered, before: list[Markup]) -> list[Change]:
        now = [*before, *(one.html for one in tail.blocks)]
        then, self._shown = self._shown, now
        changed = [
            Change(index, html)
            for index, html in enumerate(now)
            if index >= len(then) or (html is not then[index] and html != then[index])
        ]
        return changed + [Change(index, Markup("")) for index in range(len(now), len(then)) if then[index]]

    def _go_back(self, text: str) -> None:
        """Forget what is settled no more because the text before its end, or just behind it, was replaced."""
        if text.startswith(self._sure):
            return
        low, high = 0, len(self._settled)
        while low < high:  # how many settled blocks the text still has
            middle = (low + high + 1) // 2
            end = self._settled[middle - 1].end
            if text[:end] == self._sure[:end]:
                low = middle
            else:
                high = middle - 1
        # A block has ended only where the line that ended it is still there too.
        del self._settled[max(0, low - 1) :]
        while self._settled and not self._settled[-1].before_empty:
            self._settled.pop()
        end = self._settled[-1].end if self._settled else 0
        self._head = self._sure[:end]
        self._sure = self._sure[: self._sure.index("\n", end) + 1] if end else ""
        self._references = rendered(self._head).references if self._references else {}
        self._tried = 0

    def _settle(self, text: str) -> None:
        """Take over the blocks that cannot change: those before the last one that follows an empty line."""
        tail = text[len(self._head) :]
        complete = tail[: tail.rfind("\n") + 1]
        last = 0
        for found in _EMPTY_LINE.finditer(complete, max(0, self._tried - 1)):
            last = found.end()
        if not last or last <= self._tried:
            return
        self._tried = last
        first = sum(one.artifacts for one in self._settled)
        found = rendered(complete, self._references, first)
        lines = complete.split("\n")
        end = next(
            (
                index
                for index in range(len(found.blocks) - 1, 0, -1)
                if not lines[found.blocks[index].first - 1].strip()
            ),
            0,
        )
        if not end:
            return
        starts, begun = _starts(complete), len(self._head)
        for block, following in zip(found.blocks[:end], found.blocks[1 : end + 1], strict=True):
            source = complete[starts[block.first] : starts[block.end]]
            labels = _labels(source)
            self._settled.append(
                _Settled(
                    source,
                    begun + starts[following.first],
                    not lines[following.first - 1].strip(),
                    block.html,
                    block.artifacts,
                    first,
                    labels,
                    tuple(found.references.get(label) for label in sorted(labels)),
                )
            )
            first += block.artifacts
        self._head = text[: self._settled[-1].end]
        self._sure = text[: text.index("\n", len(self._head)) + 1]
        self._tried = 0
        if found.references:
            self._references = rendered(self._head[begun:], self._references).references

    def _refer(self, one: _Settled, references: dict[str, str]) -> None:
        """Render a settled block again where a definition came that it refers to."""
        addresses = tuple(references.get(label) for label in sorted(one.labels))
        if addresses != one.addresses:
            one.addresses = addresses
            again = rendered(one.source, references, one.first_artifact)
            one.html = Markup("").join(block.html for block in again.blocks)


def _starts(text: str) -> list[int]:
    """Where each line of a text begins, and where one behind the last would."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _labels(source: str) -> frozenset[str]:
    """Everything in a block that may refer to a link definition, in normal form."""
    from markdown_it.common.utils import normalizeReference

    if "[" not in source:
        return frozenset()
    return frozenset(normalizeReference(found[1]) for found in _LABEL.finditer(source))
