"""Pairs that cost least together: names with slices, labels with their places."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from pierian.vision.charts.sheet import Floats


def paired(costs: Floats) -> list[tuple[int, int]]:
    """The pairs of rows and columns with the least sum of costs (Hungarian method)."""
    # Imported when it is needed: it takes longer to import than most pictures take to read.
    from scipy.optimize import (  # pyright: ignore[reportMissingTypeStubs]
        linear_sum_assignment,  # pyright: ignore[reportUnknownVariableType]
    )

    rows, columns = cast("tuple[NDArray[np.int64], NDArray[np.int64]]", linear_sum_assignment(costs))
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True)]
