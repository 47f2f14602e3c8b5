"""The order in which people read a page: columns and blocks before lines, and lines joined to paragraphs.

A page is cut where white runs through it from side to side or from top to bottom, as in Nagy and Seth's recursive
X-Y cut (1984): across first where the white is wider than lines commonly stand apart, else into columns where that
leaves columns of several lines, so that rows of a receipt or of a table are read as rows.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from pierian.vision.regions import Box
from pierian.vision.scene import TextLine

DEEPEST = 40
COLUMN_WORDS = 4
COLUMN_LINES = 3
"""Columns of fewer lines are cells of a row, not columns of a page."""


class Paragraph(NamedTuple):
    """Lines that run on."""

    lines: tuple[TextLine, ...]

    @property
    def text(self) -> str:
        """Its lines as one; a word parted at a line's end is whole again."""
        whole = ""
        for line in self.lines:
            text = line.text.strip()
            if whole.endswith("-") and text[:1].islower() and whole[-2:-1].isalpha():
                whole = whole[:-1] + text
            else:
                whole = f"{whole} {text}".strip()
        return whole


def in_order(texts: Sequence[TextLine]) -> tuple[TextLine, ...]:
    """Lines as people read them; turned ones after the level ones of their block."""
    return tuple(_ordered(list(texts), 0)) if texts else ()


def rows_of(texts: Sequence[TextLine]) -> list[list[TextLine]]:
    """Lines that stand side by side, as rows from top to bottom, each from left to right."""
    rows: list[list[TextLine]] = []
    for line in sorted(texts, key=lambda one: one.region.box.centre.y):
        box = line.region.box
        row = rows[-1] if rows else []
        # Against the nearest of the row: a scan that is a little askew sinks from one end of it to the other.
        near = min(row, key=lambda one: _apart(one.region.box, box), default=None)
        if (
            near is not None
            and _side_by_side(near.region.box, box)
            and not any(_covers(one, box) for one in row)
        ):
            row.append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda one: one.region.box.left) for row in rows]


def paragraphs_of(texts: Sequence[TextLine]) -> list[Paragraph]:
    """Lines in reading order, joined where one goes on in the next: same letters, same column, close below."""
    groups: list[list[TextLine]] = []
    for line in texts:
        if groups and _goes_on(groups[-1], line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return [Paragraph(tuple(group)) for group in groups]


def _ordered(texts: list[TextLine], depth: int) -> list[TextLine]:
    if len(texts) < 2 or depth > DEEPEST:
        return texts
    height = statistics.median(_height(line) for line in texts)
    across = _cut([(line.region.box.top, line.region.box.bottom) for line in texts], 1.6 * height)
    down = _cut([(line.region.box.left, line.region.box.right) for line in texts], 0.9 * height)
    columns = [[texts[place] for place in part] for part in down]
    if len(columns) > 1 and not all(_is_column(column) for column in columns):
        columns = _independent(columns)
    if len(columns) > 1:
        return [line for column in columns for line in _ordered(column, depth + 1)]
    if len(across) > 1:
        return [line for part in across for line in _ordered([texts[place] for place in part], depth + 1)]
    level = [line for line in texts if abs(line.angle) < 45]
    turned = [line for line in texts if abs(line.angle) >= 45]
    turned.sort(key=lambda one: (one.region.box.left, -one.region.box.bottom))
    return [line for row in rows_of(level) for line in row] + turned


def _is_column(lines: list[TextLine]) -> bool:
    """Several lines, most of them of several words: figures under each other are a column of a table."""
    wordy = sum(len(line.text.split()) >= COLUMN_WORDS for line in lines)
    return len(lines) >= COLUMN_LINES and wordy * 2 >= len(lines)


def _independent(columns: list[list[TextLine]]) -> list[list[TextLine]]:
    """Columns that have lines level with each other, as those of a table have, as one; others are left apart.

    The menu of a page stands apart from its text. One column in all where what is apart has too few lines.
    """
    groups = [columns[0]]
    for column in columns[1:]:
        fewer, more = sorted((groups[-1], column), key=len)
        level = sum(any(_is_level(one, beside) for beside in more) for one in fewer)
        if level > 0.4 * len(fewer):
            groups[-1] = [*groups[-1], *column]
        else:
            groups.append(column)
    if all(len(group) >= COLUMN_LINES for group in groups):
        return groups
    return [[line for column in columns for line in column]]


def _is_level(line: TextLine, other: TextLine) -> bool:
    apart = abs(line.region.box.centre.y - other.region.box.centre.y)
    return apart < 0.3 * min(line.region.box.height, other.region.box.height)


def _cut(spans: list[tuple[float, float]], least: float) -> list[list[int]]:
    """The numbers of spans in groups between which there is white of at least so much."""
    groups: list[list[int]] = []
    end = 0.0
    for place in sorted(range(len(spans)), key=lambda one: spans[one]):
        start, stop = spans[place]
        if groups and start - end < least:
            groups[-1].append(place)
            end = max(end, stop)
        else:
            groups.append([place])
            end = stop
    return groups


def _height(line: TextLine) -> float:
    box = line.region.box
    return min(box.width, box.height)


def _apart(box: Box, other: Box) -> float:
    return max(other.left - box.right, box.left - other.right, 0.0)


def _side_by_side(box: Box, other: Box) -> bool:
    shared = min(box.bottom, other.bottom) - max(box.top, other.top)
    return shared > 0.4 * min(box.height, other.height)


def _covers(line: TextLine, box: Box) -> bool:
    """Whether two lines share more than a little of their width: then one stands above the other."""
    shared = min(line.region.box.right, box.right) - max(line.region.box.left, box.left)
    return shared > 0.3 * min(line.region.box.width, box.width)


def _goes_on(group: list[TextLine], line: TextLine) -> bool:
    last = group[-1].region.box
    box = line.region.box
    height = min(last.height, box.height)
    if not 0.6 < box.height / max(last.height, 1e-6) < 1.7 or abs(line.angle - group[-1].angle) > 5:
        return False
    gap = box.top - last.bottom
    if gap < -0.5 * height or gap > 1.1 * height:
        return False
    steps = [second.region.box.top - first.region.box.top for first, second in pairwise(group)]
    if steps and box.top - last.top > 1.35 * statistics.median(steps):
        return False
    # The first line may be drawn in, the last may be short; a line that ends early ends its paragraph.
    left = min(one.region.box.left for one in group)
    right = max(one.region.box.right for one in group)
    same_left = abs(box.left - last.left) < 1.5 * height or abs(box.left - left) < 1.5 * height
    centred = abs(box.centre.x - last.centre.x) < 1.0 * height
    ended = last.right < right - 0.25 * (right - left) and len(group) > 1 and not centred
    return (same_left or centred) and not ended
