"""Markers of a scatter plot: single ones, and those that overlap, told apart by the shape of single ones."""

from __future__ import annotations

import cv2
import numpy as np
from msgspec import Struct

from pierian.vision.charts.sheet import Floats, Mask


class Spot(Struct, frozen=True):
    """A marker: its middle and its size in pixels from the corner of the field."""

    x: float
    y: float
    width: float
    height: float


class Blobs(Struct, frozen=True):
    """What a layer's parts look like. `count`: parts of a marker's size; `share`: of the layer's ink in such."""

    count: int
    share: float
    side: float


def blobs_of(mask: Mask, unit: float) -> Blobs:
    """Parts that could be markers: compact and not much larger than letters."""
    count, _, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 1:
        return Blobs(0, 0.0, 0.0)
    parts = facts[1:]
    wide, tall, area = parts[:, 2], parts[:, 3], parts[:, 4]
    small = (wide <= 1.5 * unit) & (tall <= 1.5 * unit) & (area >= 6)
    round_ones = small & (wide >= 0.55 * tall) & (tall >= 0.55 * wide) & (np.minimum(wide, tall) >= 3)
    sides = np.sqrt(wide * tall)[round_ones]
    side = float(np.median(sides)) if len(sides) else 0.0
    return Blobs(int(round_ones.sum()), float(area[round_ones].sum() / max(area.sum(), 1)), side)


def find_spots(mask: Mask, unit: float, noise: float) -> list[Spot]:
    """All markers of a layer; in noisy pictures single ones differ more in size."""
    most = min(1.35 + 0.15 * noise, 1.8)
    filled = _filled(mask)
    count, labels, facts, middles = cv2.connectedComponentsWithStats(filled, connectivity=8)
    order = [n for n in range(1, count) if facts[n][4] >= 5 and min(facts[n][2:4]) >= 2]
    if not order:
        return []
    usual, area = _usual([facts[n] for n in order], unit)
    spots, template = list[Spot](), _template(filled, labels, facts, order, usual)
    for n in order:
        left, top, wide, tall, size = (int(one) for one in facts[n])
        if size < 0.3 * area:
            continue
        if size <= most * area and max(wide, tall) <= 1.05 * most * usual:
            spots.append(
                Spot(float(middles[n][0]) + 0.5, float(middles[n][1]) + 0.5, float(wide), float(tall))
            )
        else:
            piece = (labels[top : top + tall, left : left + wide] == n).astype(np.uint8)
            spots.extend(Spot(left + x, top + y, usual, usual) for x, y in _apart(piece, template, area))
    return spots


def _filled(mask: Mask) -> np.ndarray:
    """Open markers filled."""
    image = mask.astype(np.uint8)
    contours, _ = cv2.findContours(image, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros_like(image)
    cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    return filled


def _usual(parts: list[np.ndarray], unit: float) -> tuple[float, float]:
    """Side and area of a single marker: the commonest among parts that are not larger than letters."""
    sides = np.array([float(max(one[2], one[3])) for one in parts if max(one[2], one[3]) <= 1.6 * unit])
    areas = np.array([float(one[4]) for one in parts if max(one[2], one[3]) <= 1.6 * unit])
    if not len(sides):
        return 0.6 * unit, 0.28 * unit * unit
    # Half of the ink lies in parts that are greater: specks do not count for much.
    order = np.argsort(areas)
    sums: Floats = np.cumsum(areas[order])
    middle = float(areas[order][int(np.searchsorted(sums, float(sums[-1]) / 2))])
    near = np.abs(areas - middle) <= 0.35 * middle
    return float(np.median(sides[near])), float(np.median(areas[near]))


def _template(
    filled: np.ndarray, labels: np.ndarray, facts: np.ndarray, order: list[int], usual: float
) -> np.ndarray:
    """The shape of a single marker: the part that is most like the usual one."""
    side = max(3, round(usual))
    best = min(order, key=lambda n: abs(float(max(facts[n][2], facts[n][3])) - usual))
    left, top, wide, tall, _ = (int(one) for one in facts[best])
    if max(wide, tall) > 1.5 * side:
        shape = np.zeros((side, side), np.uint8)
        cv2.circle(shape, (side // 2, side // 2), side // 2, 1, cv2.FILLED)
        return shape
    return (labels[top : top + tall, left : left + wide] == best).astype(np.uint8)


def _apart(piece: np.ndarray, template: np.ndarray, area: float) -> list[tuple[float, float]]:
    """Where single markers lie in a piece: one after another where most of its still unexplained ink fits."""
    tall, wide = template.shape
    padded = cv2.copyMakeBorder(piece, tall, tall, wide, wide, cv2.BORDER_CONSTANT, value=0).astype(
        np.float32
    )
    kernel = template.astype(np.float32)
    inside = cv2.matchTemplate(padded, kernel, cv2.TM_CCORR) / kernel.sum()
    rest, found = padded.copy(), list[tuple[float, float]]()
    most = min(40, round(piece.sum() / area) * 2 + 1)
    while len(found) < most:
        gain = cv2.matchTemplate(rest, kernel, cv2.TM_CCORR) / kernel.sum()
        score = np.where(inside > 0.88, gain, 0)
        # Middles of equal candidates: flat tops are levelled.
        score = cv2.blur(score, (3, 3)) * 0.5 + score * 0.5
        y, x = (int(one) for one in np.unravel_index(int(score.argmax()), score.shape))
        if score[y, x] < 0.22:
            break
        rest[y : y + tall, x : x + wide][template > 0] = 0
        found.append((x - wide + wide / 2, y - tall + tall / 2))
    return found
