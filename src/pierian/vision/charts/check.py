"""The check of a chart: it is drawn again from its values, and the drawing is laid over the picture's marks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pierian.vision.charts.sheet import Mask

Outline = Sequence[tuple[float, float]]


def drawn_again(
    shape: tuple[int, int],
    *,
    boxes: Sequence[tuple[float, float, float, float]] = (),
    lines: Sequence[Outline] = (),
    fills: Sequence[Outline] = (),
    thickness: int = 2,
) -> Mask:
    """Boxes (left, top, right, bottom), open lines and filled outlines as pixels."""
    image = np.zeros(shape, np.uint8)
    for left, top, right, bottom in boxes:
        first, second = (_whole(left), _whole(top)), (_whole(right) - 1, _whole(bottom) - 1)
        cv2.rectangle(image, first, second, 1, cv2.FILLED)
    for line in lines:
        cv2.polylines(image, [_points(line)], False, 1, max(1, thickness))
    for fill in fills:
        cv2.fillPoly(image, [_points(fill)], 1)
    return np.asarray(image > 0)


def overlap(drawn: Mask, ink: Mask, reach: int = 2) -> float:
    """How well a drawing and a picture's marks cover one another, between 0 and 1, a few pixels forgiven."""
    if not drawn.any() or not ink.any():
        return 0.0
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    near_ink = cv2.dilate(ink.astype(np.uint8), kernel) > 0
    near_drawn = cv2.dilate(drawn.astype(np.uint8), kernel) > 0
    right = float((drawn & near_ink).sum()) / float(drawn.sum())
    complete = float((ink & near_drawn).sum()) / float(ink.sum())
    return 2 * right * complete / max(right + complete, 1e-9)


def _whole(value: float) -> int:
    return round(min(max(value, -30_000.0), 30_000.0))


def _points(line: Outline) -> np.ndarray:
    return np.array([(_whole(x), _whole(y)) for x, y in line], np.int32).reshape(-1, 1, 2)
