"""Short numbers and names that the finder of lines did not see: single digits beside the axis of a chart, mostly.

Letters are sought as small pieces of ink of the height of the lines that were found, and kept only where they stand
in one row or one column with two lines of their kind: markers and dashes of a chart look like letters, but seldom
stand there.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pierian.vision.components import components_of
from pierian.vision.regions import Box
from pierian.vision.turning import Pixels

MOST = 40
"""Places that are tried in one picture."""
VALUE = re.compile(
    r"[-+−]?[$€£¥]?\d[\d.,:/]*\s?[%kKMB]?|[-+−]?\.\d+|[-+−]?\d+(\.\d+)?[eE×x^][\d^-]+|[A-Z]|[A-Z][a-z]{2}"
)


def is_short_value(text: str) -> bool:
    """A number, a single capital, or the short name of a month or a day."""
    return VALUE.fullmatch(text.strip()) is not None


def candidates(pixels: Pixels, boxes: Sequence[Box], names: Sequence[str], taken: Sequence[Box]) -> list[Box]:
    """Where further short values may stand, given those that were read (`boxes`, `names`) and all that was."""
    known = [box for box, name in zip(boxes, names, strict=True) if is_short_value(name)]
    if len(known) < 2:
        return []
    height = statistics.median(box.height for box in known)
    if height < 4:
        return []
    free = [box for box in _pieces(pixels, height) if not any(_meets(box, one, height / 4) for one in taken)]
    groups = [box for box in _joined(free, height) if box.width < 6 * height and box.height > 0.55 * height]
    aligned = [box for box in groups if _stands_with(box, known, height)]
    margin = height * 0.35
    return [
        Box(box.left - margin, box.top - margin, box.right + margin, box.bottom + margin)
        for box in aligned[:MOST]
    ]


def _pieces(pixels: Pixels, height: float) -> list[Box]:
    """Small pieces of ink, darker or lighter than what is around them."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    size = int(height * 1.2) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (size, size))
    dark: NDArray[np.uint8] = np.asarray(cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, kernel), np.uint8)
    ink = (dark > 60).astype(np.uint8)
    facts = components_of(ink).facts
    found: list[Box] = []
    for left, top, wide, high, area in facts[1:].tolist():
        if wide <= 1.6 * height and high <= 1.4 * height and area >= 3:
            found.append(Box(left, top, left + wide, top + high))
    return found if len(found) < 5_000 else []  # a photograph, or noise


def _joined(pieces: list[Box], height: float) -> list[Box]:
    """Pieces that stand in one row, less than half their height apart, as one."""
    groups: list[Box] = []
    for piece in sorted(pieces, key=lambda one: one.left):
        for place in range(len(groups) - 1, -1, -1):
            group = groups[place]
            apart = piece.left - group.right
            if apart < 0.45 * height and piece.top < group.bottom and piece.bottom > group.top:
                groups[place] = Box(
                    min(group.left, piece.left),
                    min(group.top, piece.top),
                    max(group.right, piece.right),
                    max(group.bottom, piece.bottom),
                )
                break
        else:
            groups.append(piece)
    return [group for group in groups if group.height < 1.5 * height]


def _stands_with(box: Box, known: Sequence[Box], height: float) -> bool:
    """In one column with two known values (right ends, left ends or middles agree), or in one row."""
    near = 0.6 * height
    like = [one for one in known if 0.6 < box.height / max(one.height, 1) < 1.6]
    columns = (
        sum(abs(box.right - one.right) < near for one in like),
        sum(abs(box.left - one.left) < near for one in like),
        sum(abs(box.centre.x - one.centre.x) < near for one in like),
    )
    rows = sum(abs(box.bottom - one.bottom) < 0.3 * height for one in like)
    return max(*columns, rows) >= 2


def _meets(box: Box, other: Box, margin: float) -> bool:
    return (
        box.left < other.right + margin
        and box.right > other.left - margin
        and box.top < other.bottom + margin
        and box.bottom > other.top - margin
    )
