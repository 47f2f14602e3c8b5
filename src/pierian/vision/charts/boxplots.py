"""Box plots that stand: boxes with thin whiskers at their middles, filled or drawn in outline.

Pixels count from the corner of the field; what lies is turned over before it comes here.
"""

from __future__ import annotations

import cv2
import numpy as np
from msgspec import Struct

from pierian.vision.charts.paint import Paint
from pierian.vision.charts.sheet import Mask, commonest, distance


class Drawn(Struct, frozen=True):
    """A box: its sides, and the heights of whisker, edge, median, edge, whisker from the top down."""

    left: float
    right: float
    heights: tuple[float, float, float, float, float]
    colour: tuple[float, float, float]

    @property
    def x(self) -> float:
        """Its middle."""
        return (self.left + self.right) / 2


def find_boxes(paint: Paint) -> list[Drawn]:
    """All boxes; an empty list where what is drawn are no box plots. Whiskers may be dashed."""
    boxes = _boxes(paint, 9)
    reach = round(1.3 * paint.unit)
    if boxes and reach > 9 and float(np.median([_whiskers(one) for one in boxes])) < 2.5 * paint.unit:
        others = _boxes(paint, reach)
        if len(others) >= len(boxes) and sum(map(_whiskers, others)) > 1.5 * sum(map(_whiskers, boxes)):
            return others
    return boxes


def _whiskers(box: Drawn) -> float:
    return box.heights[1] - box.heights[0] + box.heights[4] - box.heights[3]


def _boxes(paint: Paint, gap: int) -> list[Drawn]:
    ink = paint.ink.astype(np.uint8)
    # What is left of gridlines hangs boxes together.
    bridged = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((3, 25), np.uint8))
    long = cv2.morphologyEx(bridged, cv2.MORPH_OPEN, np.ones((1, max(9, round(0.3 * paint.width))), np.uint8))
    thick = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    ink[(long > 0) & (thick == 0)] = 0
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((gap, 1), np.uint8))
    count, labels, facts, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found, others, least = list[Drawn](), 0.0, 0.0
    for part in range(1, count):
        left, top, wide, tall, area = (int(one) for one in facts[part])
        if wide < 8 or tall < 8 or wide > 0.9 * paint.width or area < 30:
            continue
        piece = labels[top : top + tall, left : left + wide] == part
        box = _box(paint, piece, left, top)
        if box is None:
            others += wide * tall
        else:
            found.append(box)
            least += wide * tall
    if not found or others > 1.0 * least:
        return []
    widest = max(one.right - one.left for one in found)
    found = [one for one in found if one.right - one.left > 0.55 * widest]
    # A gridline at the middle of a bar looks like one whisker, not like two.
    whiskered = sum(
        one.heights[1] - one.heights[0] > 3 and one.heights[4] - one.heights[3] > 3 for one in found
    )
    return sorted(found, key=lambda one: one.x) if 2 * whiskered > len(found) else []


def _box(paint: Paint, piece: Mask, left: int, top: int) -> Drawn | None:
    """The box that a connected piece is, if its rows are narrow, wide, narrow."""
    height, width = piece.shape
    seen = piece.any(axis=1)
    first = piece.argmax(axis=1)
    last = width - piece[:, ::-1].argmax(axis=1)
    spans = np.where(seen, last - first, 0)
    full = spans >= 0.8 * width
    rows = _longest(full, 3)
    if rows is None:
        return None
    start, end = rows
    above, below = spans[:start], spans[end:]
    outside = np.concatenate([above, below])
    if len(outside) < 4 or end - start < 3:
        return None
    narrow = outside <= max(0.15 * width, 6)
    caps = outside <= 0.8 * width
    if narrow.mean() < 0.6 or not caps.all():
        return None
    thin = (
        np.concatenate([first[:start], first[end:]])[narrow],
        np.concatenate([last[:start], last[end:]])[narrow],
    )
    middle = float(np.median((thin[0] + thin[1]) / 2))
    if abs(middle - width / 2) > max(2.0, 0.08 * width):
        return None
    # The sides of an outline are straight: both ends of its rows stay where they are.
    if float(np.std(first[start:end])) > 3 or float(np.std(last[start:end])) > 3:
        return None
    median, colour = _median(paint, left, top, width, start, end)
    if median is None:
        return None
    heights = (float(top), top + start + 0.5, median, top + end - 0.5, float(top + height))
    return Drawn(float(left), float(left + width), heights, colour)


def _longest(flags: np.ndarray, gap: int) -> tuple[int, int] | None:
    """The longest run of true values, runs apart by little taken together."""
    spots = np.flatnonzero(flags)
    if not len(spots):
        return None
    parts = np.split(spots, np.flatnonzero(np.diff(spots) > gap) + 1)
    best = max(parts, key=len)
    # An outline has a top, a bottom and a median with nothing wide in between them but its two sides.
    return int(best[0]), int(best[-1]) + 1


def _outline(away: np.ndarray, least: int) -> int:
    """How many rows from an edge of a box on belong to its outline."""
    most = max(least, round(0.15 * len(away)))
    inner = np.flatnonzero(away[: most + 1] < 4)
    return max(least, int(inner[0])) if len(inner) else least


def _median(
    paint: Paint, left: int, top: int, width: int, start: int, end: int
) -> tuple[float | None, tuple[float, float, float]]:
    """The height of the line across a box, and the colour of the box."""
    inset = max(2, round(0.15 * width))
    inside = paint.lab[top + start : top + end, left + inset : left + width - inset]
    if inside.shape[0] < 3 or inside.shape[1] < 3:
        return None, (0.0, 0.0, 0.0)
    edge = 2 if inside.shape[0] > 7 else 1
    body = commonest(inside[edge:-edge] if inside.shape[0] > 2 * edge else inside)
    away = np.median(distance(inside, body), axis=1)
    if len(away) > 12 and float((away > 10).mean()) > 0.35:
        # Two colours, each over many rows: bars that stand on one another.
        return None, (0.0, 0.0, 0.0)
    first, last = _outline(away, edge), _outline(away[::-1], edge)
    if first + last < len(away) - 2 and float(away[first : len(away) - last].max()) >= 4:
        # The outline of the box is no median.
        away[:first] = away[len(away) - last :] = 0
    else:
        away[:edge] *= 0.3
        away[len(away) - edge :] *= 0.3
    best = int(away.argmax())
    if away[best] < 4:
        # No line is seen where the median lies on an edge of the box.
        return None, (0.0, 0.0, 0.0)
    near = [n for n in range(max(0, best - 3), min(len(away), best + 4)) if away[n] > 0.5 * away[best]]
    colour = (float(body[0]), float(body[1]), float(body[2]))
    weights = np.array([away[n] for n in near])
    return float(top + start + (np.array(near) * weights).sum() / weights.sum() + 0.5), colour
