"""Lines and the upper edges of areas: traced column by column, with the corners between their straight parts."""

from __future__ import annotations

import cv2
import numpy as np
from msgspec import Struct

from pierian.vision.charts.sheet import Floats, Mask

_HIDDEN = 12
"""Columns at an edge of the field that an axis and its tick marks may hide."""


class Curve(Struct, frozen=True, eq=False):
    """A traced line: for each column its height (NaN where nothing was seen). `corners`: columns where it bends."""

    start: int
    heights: Floats
    corners: tuple[int, ...]
    thickness: float

    @property
    def end(self) -> int:
        """The last column."""
        return self.start + len(self.heights) - 1

    def at(self, column: float) -> float:
        """The height at a column, between traced ones on a straight line."""
        places = np.arange(len(self.heights), dtype=np.float64)
        known = ~np.isnan(self.heights)
        return float(np.interp(column - self.start, places[known], self.heights[known]))


def trace(mask: Mask, unit: float) -> Curve | None:
    """The line that a layer's pixels make, or None where they make none."""
    joined = _lasting(mask, unit)
    columns = np.flatnonzero(joined.any(axis=0))
    if len(columns) < 8:
        return None
    start, end = int(columns[0]), int(columns[-1])
    runs = [_runs(joined[:, x]) for x in range(start, end + 1)]
    path = _path(runs)
    lengths = [last - first for one in path if one for first, last in [one]]
    thickness = float(np.percentile(lengths, 25)) if lengths else 2.0
    bulging = float(np.percentile(lengths, 85)) > 2.2 * thickness + 1
    start, heights = _to_the_edges(start, _heights(path, thickness, bulging), mask.shape[1])
    return Curve(start, heights, _corners(heights), thickness)


def _to_the_edges(start: int, heights: Floats, width: int) -> tuple[int, Floats]:
    """A line that ends just before an edge of the field, where the axis hides it, goes on to that edge."""
    before, after = start, width - start - len(heights)
    if 0 < before <= _HIDDEN:
        heights = np.concatenate([_onward(heights[::-1], before)[::-1], heights])
        start = 0
    if 0 < after <= _HIDDEN:
        heights = np.concatenate([heights, _onward(heights, after)])
    return start, heights


def _onward(heights: Floats, count: int) -> Floats:
    """More heights at the end, on the straight line through the last ones."""
    places = np.flatnonzero(~np.isnan(heights))[-8:]
    if len(places) < 4:
        return np.full(count, heights[places[-1]] if len(places) else np.nan)
    line = np.asarray(np.polyfit(places - places[-1], heights[places], 1), np.float64)
    return line[1] + line[0] * np.arange(1, count + 1)


def _lasting(mask: Mask, unit: float) -> Mask:
    """Without specks far from the line's main parts; dashes stay."""
    bridged = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 7), np.uint8))
    count, labels, facts, _ = cv2.connectedComponentsWithStats(bridged, connectivity=8)
    if count <= 1:
        return mask
    areas = facts[:, 4]
    kept = np.zeros(count, bool)
    kept[1:] = (areas[1:] >= 0.06 * areas[1:].max()) | (areas[1:] >= 1.2 * unit)
    return np.asarray(kept[np.asarray(labels, np.intp)] & (mask | (bridged > 0)))


def _runs(column: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], column.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _path(runs: list[list[tuple[int, int]]]) -> list[tuple[int, int] | None]:
    """One run for each column, so that the whole moves least (a shortest path through the columns)."""
    costs: list[list[float]] = []
    before: list[list[tuple[int, int]]] = []
    last_seen: int | None = None
    for x, options in enumerate(runs):
        if not options:
            costs.append([])
            before.append([])
            continue
        if last_seen is None:
            costs.append([0.0] * len(options))
            before.append([(-1, -1)] * len(options))
        else:
            now, origin = list[float](), list[tuple[int, int]]()
            wait = x - last_seen - 1
            for one in options:
                steps = [
                    costs[last_seen][index]
                    + _jump(other, one) / (1 + 0.5 * wait)
                    - 0.05 * min(one[1] - one[0], 6)
                    for index, other in enumerate(runs[last_seen])
                ]
                index = int(np.argmin(steps))
                now.append(steps[index])
                origin.append((last_seen, index))
            costs.append(now)
            before.append(origin)
        last_seen = x
    path: list[tuple[int, int] | None] = [None] * len(runs)
    if last_seen is None:
        return path
    x, index = last_seen, int(np.argmin(costs[last_seen]))
    while x >= 0:
        path[x] = runs[x][index]
        x, index = before[x][index]
    return path


def _jump(one: tuple[int, int], other: tuple[int, int]) -> float:
    """How far apart two runs are; runs that meet are not."""
    gap = max(one[0] - other[1], other[0] - one[1], 0)
    return gap + 0.02 * abs(one[0] + one[1] - other[0] - other[1])


def _heights(path: list[tuple[int, int] | None], thickness: float, bulging: bool) -> Floats:
    """The middle of each run; at peaks and valleys, where a run is long, its outer end instead."""
    tops = np.array([np.nan if one is None else one[0] for one in path])
    lows = np.array([np.nan if one is None else one[1] for one in path])
    middles = (tops + lows) / 2
    if bulging:
        return middles
    found = middles.copy()
    reach = 3
    for x in range(len(path)):
        if np.isnan(tops[x]) or lows[x] - tops[x] <= 1.6 * thickness + 1:
            continue
        before, after = middles[max(0, x - reach) : x], middles[x + 1 : x + 1 + reach]
        before, after = before[~np.isnan(before)], after[~np.isnan(after)]
        if not len(before) or not len(after):
            continue
        half = thickness / 2
        if before[0] > middles[x] + half and after[-1] > middles[x] + half:
            found[x] = tops[x] + half
        elif before[0] < middles[x] - half and after[-1] < middles[x] - half:
            found[x] = lows[x] - half
    return found


def upper_edge(mask: Mask) -> tuple[int, Floats, Floats] | None:
    """For an area: its first column, and for each column where it begins and ends (NaN where it is not)."""
    columns = np.flatnonzero(mask.any(axis=0))
    if len(columns) < 8:
        return None
    start, end = int(columns[0]), int(columns[-1])
    part = mask[:, start : end + 1]
    seen = part.any(axis=0)
    high = np.where(seen, part.argmax(axis=0), np.nan).astype(np.float64)
    low = np.where(seen, mask.shape[0] - part[::-1].argmax(axis=0), np.nan).astype(np.float64)
    return start, high, low


def edge_curve(start: int, heights: Floats) -> Curve:
    """An edge as a curve."""
    return Curve(start, heights, _corners(heights), 1.0)


def _corners(heights: Floats) -> tuple[int, ...]:
    """Columns where a traced line bends: the corners of a polygon that stays within a pixel and a half of it."""
    known = np.flatnonzero(~np.isnan(heights))
    if len(known) < 2:
        return tuple(int(one) for one in known)
    points = np.stack([known.astype(np.float32), heights[known].astype(np.float32)], axis=1).reshape(-1, 1, 2)
    reach = max(2.0, 0.004 * float(np.ptp(heights[known])) + 1.2)
    bends = cv2.approxPolyDP(points, reach, False).reshape(-1, 2)
    return tuple(sorted({round(float(one)) for one in bends[:, 0]}))
