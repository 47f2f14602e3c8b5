"""Pieces of a mask that hang together, with their boxes: one typed door to the library's connected components."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray


class Components(NamedTuple):
    """`labels`: a number for each pixel, 0 outside; `facts`: of each number left, top, width, height, area."""

    labels: NDArray[np.int32]
    facts: NDArray[np.int32]


def components_of(mask: NDArray[np.uint8] | NDArray[np.bool_], *, corners: bool = True) -> Components:
    """The pieces of a mask; `corners`: whether pixels that touch at a corner only hang together."""
    _, labels, facts, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=8 if corners else 4
    )  # pyright: ignore[reportUnknownVariableType]
    return Components(np.asarray(labels, np.int32), np.asarray(facts, np.int32))  # pyright: ignore[reportUnknownArgumentType]
