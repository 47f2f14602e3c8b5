"""Lines that are drawn level or upright: the rules of tables, frames, underlines.

Found by opening with long thin kernels, which letters do not survive; pieces of one line are joined.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pierian.vision.components import components_of
from pierian.vision.turning import Pixels

Mask = NDArray[np.uint8]

SHORTEST = 24
THICKEST = 9
METHODS = ((cv2.MORPH_BLACKHAT, THICKEST), (cv2.MORPH_TOPHAT, 4))
CONTRAST = 20
"""Of 255: the grey of a light table rule on white paper."""
BREAK = 12
"""Pixels by which a line may be broken, as by a scan."""


class Rule(NamedTuple):
    """A line: where it runs (across it, its middle) and from where to where (along it)."""

    at: float
    start: float
    end: float


def rules_in(pixels: Pixels) -> tuple[list[Rule], list[Rule]]:
    """The level and the upright lines of a picture."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    high, wide = grey.shape
    # Dark lines, and light ones between filled cells. Apart, as white between a word and a rule is no line.
    level = [
        rule
        for method, thickest in METHODS
        for rule in _rules(
            _thin(grey, method, upright=False), max(SHORTEST, wide // 60), thickest, upright=False
        )
    ]
    upright = [
        rule
        for method, thickest in METHODS
        for rule in _rules(_thin(grey, method, upright=True), max(16, high // 60), thickest, upright=True)
    ]
    return level, upright


def _thin(grey: Mask, method: int, *, upright: bool) -> Mask:
    """What is darker, or lighter, than both of its sides, across the line."""
    size = (2 * THICKEST + 1, 1) if upright else (1, 2 * THICKEST + 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, size)
    return (cv2.morphologyEx(grey, method, kernel) > CONTRAST).astype(np.uint8)


def _rules(mask: Mask, shortest: int, thickest: int, *, upright: bool) -> list[Rule]:
    along = (1, shortest) if upright else (shortest, 1)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, along)).astype(
        np.uint8
    )
    joined = (1, BREAK) if upright else (BREAK, 1)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, joined)).astype(
        np.uint8
    )
    facts = components_of(mask).facts
    found: list[Rule] = []
    for left, top, wide, high, _ in facts[1:].tolist():
        if upright and wide <= thickest and high > 2 * wide:
            found.append(Rule(left + wide / 2, top, top + high))
        elif not upright and high <= thickest and wide > 2 * high:
            found.append(Rule(top + high / 2, left, left + wide))
    return found
