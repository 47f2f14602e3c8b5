"""Fields side by side that figures stand in: grounds of one colour and one size, such as the boxes of a puzzle."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pierian.vision.colours import hexadecimal
from pierian.vision.flat_colours import Piece, pieces_of
from pierian.vision.regions import Box, box_of
from pierian.vision.scene import Shape
from pierian.vision.turning import Pixels

LEAST_SHARE = 0.04
"""Of the picture that a field takes."""
ALIKE = 0.06
"""By what share the sides of fields may differ."""
FILLED = 0.9
"""Of a field's rectangle that it covers together with what stands in it."""


def read_panels(pixels: Pixels, shapes: Sequence[Shape]) -> tuple[Box, ...]:
    """The fields of a drawing from left to right; none where figures stand on one ground."""
    if not shapes:
        return ()
    by_colour: dict[str, list[Box]] = {}
    area = LEAST_SHARE * pixels.shape[0] * pixels.shape[1]
    for piece in pieces_of(pixels, smallest=int(area / 4)) or ():
        high, wide = piece.mask.shape
        if high * wide >= area and _rectangular(piece):
            box = Box(piece.left, piece.top, piece.left + wide, piece.top + high)
            by_colour.setdefault(hexadecimal(piece.colour), []).append(box)
    groups = [boxes for boxes in by_colour.values() if len(boxes) > 1 and _same_size(boxes)]
    best = max(groups, key=lambda boxes: _holds(boxes, shapes), default=None)
    if best is None or _holds(best, shapes) < 0.9 * len(shapes):
        return ()
    return tuple(sorted(best, key=lambda box: (round(box.top / box.height), box.left)))


def _rectangular(piece: Piece) -> bool:
    outlines, _ = cv2.findContours(np.pad(piece.mask, 1), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    corners = cv2.convexHull(np.concatenate(outlines))
    return float(cv2.contourArea(corners)) >= FILLED * piece.mask.size


def _same_size(boxes: Sequence[Box]) -> bool:
    widths, heights = [box.width for box in boxes], [box.height for box in boxes]
    return max(widths) - min(widths) <= ALIKE * max(widths) and max(heights) - min(heights) <= ALIKE * max(
        heights
    )


def _holds(boxes: Sequence[Box], shapes: Sequence[Shape]) -> int:
    middles = [box_of(one.region).centre for one in shapes]
    return sum(
        any(box.left <= middle.x <= box.right and box.top <= middle.y <= box.bottom for box in boxes)
        for middle in middles
    )
