"""Fragments that JPEG makes of flat colours, given back to what they were a part of.

At strong compression a figure has a rim of a duller colour, a halo on its ground, and blocks inside that are a little
off. Such fragments are thin and lie against a larger piece of a colour not far from theirs.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

THIN = 9.0
"""Pixels: half of a block of colour at JPEG's usual sampling, and a rim."""
NEAR = 30.0
"""The distance in CIELAB from its piece that a thin fragment has at most."""
NEAREST = 18.0
"""The same for others, if they are small beside it."""
SMALL = 0.15


def absorbed(labels: NDArray[np.int32], seen: NDArray[np.float64]) -> NDArray[np.int32]:
    """The labels with fragments under the number of their pieces; `seen` has the colour of each label in CIELAB."""
    sizes = np.bincount(labels.ravel(), minlength=len(seen)).astype(np.int64)
    thick = _thicknesses(labels, len(seen))
    beside = _neighbours(labels, len(seen))
    into = np.arange(len(seen))
    for label in cast("list[int]", np.argsort(sizes, kind="stable").tolist()):
        if label == 0 or not beside[label]:
            continue
        others = np.array(sorted(beside[label]))
        away = np.linalg.norm(seen[others] - seen[label], axis=1)
        larger = sizes[others] > sizes[label]
        fits = larger & (
            (away < NEAR)
            if thick[label] <= THIN
            else (away < NEAREST) & (sizes[label] < SMALL * sizes[others])
        )
        if not fits.any():
            continue
        chosen = int(others[fits][np.argmin(away[fits])])
        into[label] = chosen
        sizes[chosen] += sizes[label]
        for other in beside[label]:
            beside[other].discard(label)
            if other != chosen:
                beside[other].add(chosen)
                beside[chosen].add(other)
    for label in cast("list[int]", np.argsort(-sizes, kind="stable").tolist()):
        while into[label] != into[into[label]]:
            into[label] = into[into[label]]
    return into[labels].astype(np.int32)


def _thicknesses(labels: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """How thick each piece is where it is thickest, in pixels."""
    inner = np.ones(labels.shape, np.uint8)
    inner[:, 1:] &= labels[:, 1:] == labels[:, :-1]
    inner[1:] &= labels[1:] == labels[:-1]
    # A pixel of nothing around it: the edge of the picture ends a piece as well.
    away = np.asarray(cv2.distanceTransform(np.pad(inner, 1), cv2.DIST_L2, 3), np.float64)[1:-1, 1:-1]
    deepest = np.zeros(count)
    np.maximum.at(deepest, labels.ravel(), away.ravel())
    return 2 * deepest + 1


def _neighbours(labels: NDArray[np.int32], count: int) -> list[set[int]]:
    """Which pieces lie beside each."""
    found: list[set[int]] = [set() for _ in range(count)]
    for one, other in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        apart = (one != other) & (one > 0) & (other > 0)
        pairs = np.unique(one[apart].astype(np.int64) * count + other[apart])
        for pair in cast("list[int]", pairs.tolist()):
            first, second = divmod(pair, count)
            found[first].add(second)
            found[second].add(first)
    return found
