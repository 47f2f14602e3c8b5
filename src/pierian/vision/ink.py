"""The ink of a line of text: which pixels of a crop belong to its letters, how far they reach, where gaps are.

Works on level crops of one line and knows nothing of letters; `text` uses it to fit boxes and to find spaces.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pierian.vision.components import components_of
from pierian.vision.recognition import Corners
from pierian.vision.turning import Pixels

Mask = NDArray[np.bool_]

FAINTEST = 18
"""Differences of colour below this (of 255) are paper, not ink."""
WORK_HEIGHT = 32
"""Lower crops are enlarged to this before their ink is sought: a boundary then lies within half a pixel."""


class Gap(NamedTuple):
    """Columns without ink, in pixels from the left."""

    start: int
    end: int

    @property
    def middle(self) -> float:
        """Half way."""
        return (self.start + self.end) / 2


def cut_out(pixels: Pixels, corners: Corners, *, height: int = 0) -> Pixels:
    """A line, made level and so many pixels high; 0 is its height in the picture."""
    wide, high = sides(corners)
    rows = height or max(1, round(high))
    columns = max(1, round(wide * rows / max(high, 1e-6)))
    aim = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    # Pixels' middles lie at halves in our coordinates and at whole numbers in the library's.
    matrix = cv2.getPerspectiveTransform(corners - 0.5, aim - 0.5)
    cut = cv2.warpPerspective(
        pixels, matrix, (columns, rows), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cut, np.uint8)


def sides(corners: Corners) -> tuple[float, float]:
    """Width and height of a line as its reader sees it."""
    edges = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    return float(max(edges[0], edges[2])), float(max(edges[1], edges[3]))


def grow(corners: Corners, by: float) -> Corners:
    """Each side moved outwards by so many pixels."""
    along, down = axes(corners)
    steps = np.array([-along - down, along - down, along + down, down - along], np.float32)
    return (corners + steps * by).astype(np.float32)


def axes(corners: Corners) -> tuple[Corners, Corners]:
    """Unit vectors along a line and down across it."""
    along = (corners[1] + corners[2]) - (corners[0] + corners[3])
    down = (corners[3] + corners[2]) - (corners[0] + corners[1])
    return along / max(float(np.linalg.norm(along)), 1e-6), down / max(float(np.linalg.norm(down)), 1e-6)


def find_ink(crop: Pixels) -> Mask:
    """Which pixels differ from the paper; lines and bars that come in from outside are left out."""
    away = np.abs(crop.astype(np.int16) - _paper(crop)).max(axis=2).astype(np.uint8)
    threshold = cast("Callable[..., tuple[float, object]]", cv2.threshold)
    bound, _ = threshold(away, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ink = away > max(bound, FAINTEST)
    if not ink.any():
        return ink
    return _own(ink)


def _paper(crop: Pixels) -> NDArray[np.int16]:
    """The colour of the paper, for each column: along a long line the light may change."""
    rows, columns = crop.shape[:2]
    count = max(1, columns // (6 * rows))
    edges = [round(columns * part / count) for part in range(count + 1)]
    # It is what most pixels are: the middle value is not moved by letters, which cover less than half.
    parts = [np.median(crop[:, one:other].reshape(-1, 3), axis=0) for one, other in pairwise(edges)]
    places: NDArray[np.float64] = np.arange(columns, dtype=np.float64)
    middles = [(one + other) / 2 for one, other in pairwise(edges)]
    along = [np.interp(places, middles, [part[channel] for part in parts]) for channel in range(3)]
    return np.stack(along, axis=-1).astype(np.int16)


def _own(ink: Mask) -> Mask:
    """Without specks, and without what touches the crop's edge, unless that is where most of the ink is."""
    rows, columns = ink.shape
    labels, facts = components_of(ink)
    left, top, wide, high, area = (facts[1:, one] for one in range(5))
    above, below = top == 0, top + high == rows
    standing = (left == 0) | (left + wide == columns)
    # Letters that the rectangle cuts off stay; what hangs in from a neighbour, or passes through, does not.
    edge = (above | below) & (high < 0.3 * rows) | above & below | standing & (high > 0.9 * rows)
    speck = area < 0.002 * rows * rows
    rule = (wide > 6 * np.maximum(high, 1)) & (wide > 1.5 * rows) | (high > 0.95 * rows) & (
        wide < 0.12 * rows
    )
    own = ~edge & ~speck & ~rule
    if area[own].sum() < 0.4 * area[~speck & ~rule].sum():
        own = ~speck & ~rule
    if not own.any():
        return ink
    return np.concatenate([[False], own])[labels]


def fitted(pixels: Pixels, corners: Corners) -> tuple[Corners, Mask]:
    """The rectangle drawn in to the ink in and around it, and that ink; where there is none, a little grown."""
    _, high = sides(corners)
    # A little more than was found: the dot of an i lies at its very edge.
    corners = grow(corners, 0.08 * high)
    high *= 1.16
    scale = max(1.0, WORK_HEIGHT / max(high, 1.0))
    crop = cut_out(pixels, corners, height=round(high * scale))
    ink = find_ink(crop)
    across, down = np.flatnonzero(ink.any(axis=0)), np.flatnonzero(ink.any(axis=1))
    if not len(across):
        return corners, ink
    left, right, top, bottom = across[0], across[-1] + 1, down[0], down[-1] + 1
    shares = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    return within(corners, shares / np.array([crop.shape[1], crop.shape[0]], np.float32)), ink[
        top:bottom, left:right
    ]


def within(corners: Corners, shares: Corners) -> Corners:
    """Points given as shares of a line's width and height, in the picture."""
    across, down = shares[:, :1], shares[:, 1:]
    upper = corners[0] + (corners[1] - corners[0]) * across
    lower = corners[3] + (corners[2] - corners[3]) * across
    return (upper + (lower - upper) * down).astype(np.float32)


def gaps_in(ink: Mask) -> list[Gap]:
    """The gaps between letters and words, from left to right."""
    empty = np.concatenate([[False], ~ink.any(axis=0), [False]])
    turns = np.flatnonzero(empty[1:] != empty[:-1])
    return [
        Gap(int(start), int(end)) for start, end in turns.reshape(-1, 2) if start > 0 and end < ink.shape[1]
    ]
