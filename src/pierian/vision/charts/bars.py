"""Bars that stand: rectangles of one colour, their groups, stacks and values; bins of histograms are bars that touch.

What lies is turned over before it comes here. Pixels count from the corner of the field.
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from msgspec import Struct

from pierian.vision.charts.paint import Paint
from pierian.vision.charts.sheet import Floats, Mask


class Bar(Struct, frozen=True):
    """A rectangle of a layer; `right` and `bottom` are the first that lie outside."""

    layer: int
    left: float
    top: float
    right: float
    bottom: float

    @property
    def x(self) -> float:
        """Its middle."""
        return (self.left + self.right) / 2

    @property
    def width(self) -> float:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """In pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """In square pixels."""
        return self.width * self.height


class Bars(Struct, frozen=True):
    """All bars of a field. `share`: of the wide ink, what they cover; `sharp`: what has no slopes for edges."""

    bars: tuple[Bar, ...]
    share: float
    sharp: float


def solid_mask(paint: Paint, layer: int, size: int = 5) -> Mask:
    """A layer's wide marks, with gaps up to a size closed that hatching and letters leave in them."""
    mask = paint.layers[layer].mask.astype(np.uint8)
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    others: Mask = np.zeros(mask.shape, bool)
    # Lines of hatching, which may make a layer of their own, are no obstacle.
    thick = np.ones((max(3, size // 2 + 1), max(3, size // 2 + 1)), np.uint8)
    for index, one in enumerate(paint.layers):
        if index != layer and one.solid:
            others |= cv2.morphologyEx(one.mask.astype(np.uint8), cv2.MORPH_OPEN, thick) > 0
    closed = np.where(others & (mask == 0), 0, closed).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0)


def find_bars(paint: Paint) -> Bars:
    """The rectangles of all layers that have wide marks; hatched ones appear when wider gaps are closed."""
    least = 5 if paint.noise < 3 else 7
    best = _rectangles(paint, least)
    for size in (round(0.6 * paint.unit), round(paint.unit)):
        if _whole(best) < 0.7 and size > least:
            best = max(best, _rectangles(paint, size), key=_whole)
    return best


def _whole(bars: Bars) -> float:
    """How much bars look like few whole ones."""
    return bars.share * bars.sharp - min(0.002 * len(bars.bars), 0.6)


def _rectangles(paint: Paint, size: int) -> Bars:
    bars, covered, wide = list[Bar](), 0.0, 0.0
    smooth, sharp = 0.0, 0.0
    for index, layer in enumerate(paint.layers):
        if not layer.solid:
            continue
        mask = solid_mask(paint, index, size)
        count, labels, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
        for part in range(1, count):
            left, top, width, height, area = (int(one) for one in facts[part])
            if width < 3 or height < 2 or area < 12:
                continue
            wide += area
            piece = labels[top : top + height, left : left + width] == part
            found, ramp = _skyline(piece, index, left, top, paint.noise)
            if ramp:
                smooth += area
            else:
                sharp += area
                covered += sum(one.area for one in found)
                bars.extend(found)
    return Bars(tuple(bars), covered / max(wide, 1.0), sharp / max(sharp + smooth, 1.0))


def _skyline(piece: Mask, layer: int, left: int, top: int, noise: float) -> tuple[list[Bar], bool]:
    """The rectangles that a connected piece consists of, and whether its edge is a ramp (an area's) instead."""
    height, width = piece.shape
    high = _smoothed(piece.argmax(axis=0), noise)
    low = _smoothed(height - piece[::-1].argmax(axis=0), noise)
    ramp = _slopes(high) or _slopes(low)
    if piece.mean() > 0.97 or (piece.mean() > 0.9 and not ramp):
        return [Bar(layer, left, top, left + width, top + height)], False
    cuts, reach = [0], 2 + noise
    for x in range(1, width):
        off = [abs(float(one[x]) - float(np.median(one[cuts[-1] : x]))) for one in (high, low)]
        if max(off) > reach:
            cuts.append(x)
    bars, steps = list[Bar](), 0
    for start, end in zip(cuts, [*cuts[1:], width], strict=True):
        if end - start < 3:
            continue
        steps += 1
        first, last = int(np.median(high[start:end])), int(np.median(low[start:end]))
        inside = piece[first:last, start:end]
        if inside.size and inside.mean() > 0.8:
            bars.append(Bar(layer, left + start, top + first, left + end, top + last))
    return bars, ramp or not steps


def _smoothed(heights: np.ndarray, noise: float) -> np.ndarray:
    """A profile without the raggedness that lossy compression gives to edges."""
    if noise <= 0 or len(heights) < 9:
        return heights
    smooth = cv2.medianBlur(heights.astype(np.float32).reshape(1, -1), 5)
    return cv2.medianBlur(smooth, 5).reshape(-1).round().astype(np.int64)


def _slopes(heights: np.ndarray) -> bool:
    """Whether a profile mostly rises and falls little by little, as areas do, not in few great steps."""
    smooth = cv2.medianBlur(heights.astype(np.float32).reshape(1, -1), 5).reshape(-1)
    steps = np.diff(smooth)
    moving = np.flatnonzero(steps)
    if not len(moving):
        return False
    runs = np.split(moving, np.flatnonzero(np.diff(moving) > 1) + 1)
    sums = [float(steps[one].sum()) for one in runs]
    # A jump that was blurred takes a few columns.
    steep = [
        abs(total) > 2 and (len(one) < 3 or abs(total) > 3.5 * len(one))
        for one, total in zip(runs, sums, strict=True)
    ]
    long = sum(len(one) for one, jump in zip(runs, steep, strict=True) if len(one) >= 3 and not jump)
    small = [total for one, total in zip(runs, sums, strict=True) if len(one) < 3 and abs(total) <= 2]
    # Noise goes up and down; a slope goes on in one direction.
    steady = sum(one * other > 0 for one, other in itertools.pairwise(small))
    sharp = sum(steep)
    # A bar in a picture that is turned a little has a few such steps.
    rise = sum(abs(total) for total, jump in zip(sums, steep, strict=True) if not jump)
    return rise >= 6 and long + steady >= 4 and long + steady > 2 * sharp


def cleaned(bars: tuple[Bar, ...], baseline: float) -> list[Bar]:
    """Without specks and with bars that were cut in two (by a label, a gridline) in one piece."""
    if not bars:
        return []
    usual = float(np.median([one.width for one in bars if one.height > 3] or [one.width for one in bars]))
    bars = _unsplit(bars)
    merged = list[Bar]()
    for bar in sorted(bars, key=lambda one: (one.layer, round(one.x / max(usual / 2, 1)), one.top)):
        last = merged[-1] if merged else None
        aligned = (
            last
            and last.layer == bar.layer
            and abs(last.left - bar.left) <= 3
            and abs(last.right - bar.right) <= 3
        )
        if (
            last
            and aligned
            and 0 <= bar.top - last.bottom <= 8
            and not last.bottom - 2 <= baseline <= bar.top + 2
        ):
            merged[-1] = Bar(
                bar.layer, min(last.left, bar.left), last.top, max(last.right, bar.right), bar.bottom
            )
        else:
            merged.append(bar)
    return [one for one in merged if one.width >= 0.4 * usual or one.width > 12]


def _unsplit(bars: tuple[Bar, ...]) -> tuple[Bar, ...]:
    """Bars whose ragged upper edge cut them into narrow ones, whole again."""
    order = sorted(bars, key=lambda one: one.width)
    sums: Floats = np.cumsum([one.area for one in order])
    usual = order[int(np.searchsorted(sums, float(sums[-1]) / 2))].width
    whole = list[Bar]()
    for bar in sorted(bars, key=lambda one: (one.layer, one.left)):
        last = whole[-1] if whole else None
        if (
            last
            and last.layer == bar.layer
            and abs(bar.left - last.right) <= 1
            and max(abs(bar.top - last.top), abs(bar.bottom - last.bottom)) <= 5
            and bar.right - last.left <= 1.2 * usual
        ):
            top = last.top if last.width >= bar.width else bar.top
            whole[-1] = Bar(bar.layer, last.left, top, bar.right, max(last.bottom, bar.bottom))
        else:
            whole.append(bar)
    return tuple(whole)


def is_stacked(bars: list[Bar]) -> bool:
    """Whether bars of different layers mostly stand on one another."""
    piled = sum(
        any(
            other.layer != bar.layer
            and min(bar.right, other.right) - max(bar.left, other.left) > 0.8 * max(bar.width, other.width)
            and min(abs(bar.bottom - other.top), abs(bar.top - other.bottom)) <= 6
            for other in bars
        )
        for bar in bars
    )
    return piled >= 0.4 * len(bars)


def baseline_of(bars: tuple[Bar, ...], height: int) -> tuple[float, float]:
    """The height that most bars begin or end at, and what share of them (in width) does."""
    if not bars:
        return float(height), 0.0
    votes = np.zeros(height + 12)
    for bar in bars:
        for edge in {round(bar.top), round(bar.bottom)}:
            votes[max(0, edge - 2) : edge + 3] += bar.width
    for bar in bars:
        # Of equal candidates the one that bars stand on.
        votes[max(0, round(bar.bottom) - 1) : round(bar.bottom) + 2] += 0.2 * bar.width
    best = int(votes.argmax())
    total = sum(one.width for one in bars)
    ends = sum(one.width for one in bars if min(abs(one.top - best), abs(one.bottom - best)) <= 3)
    return float(best), ends / total


def groups_at(bars: list[Bar], places: list[float], stacked: bool) -> list[list[Bar]] | None:
    """Bars of one category together, by the labels that stand at equal distances below them; None where these do not.

    Of two bars of one layer at one label the greater is taken, if that happens rarely.
    """
    if len(places) < 2:
        return None
    places = sorted(places)
    step = float(np.median(np.diff(places)))
    if step < 8 or float(np.abs(np.diff(places) - step).max()) > 0.12 * step:
        return None
    groups: list[dict[int, Bar]] = [{} for _ in places]
    doubles = 0
    for bar in sorted(bars, key=lambda one: -one.area):
        index = int(np.argmin([abs(bar.x - one) for one in places]))
        if abs(bar.x - places[index]) > 0.55 * step:
            return None
        if bar.layer in groups[index]:
            doubles += 1
        else:
            groups[index][bar.layer] = bar
    if doubles > 0.12 * len(bars) or not all(groups):
        return None
    middles = [float(np.mean([one.x for one in group.values()])) for group in groups]
    off = [abs(one - place) for one, place in zip(middles, places, strict=True)]
    if float(np.median(off)) > (0.15 if stacked else 0.25) * step:
        return None
    return [sorted(group.values(), key=lambda one: (one.x, -one.bottom)) for group in groups]


def groups_of(bars: list[Bar], stacked: bool) -> list[list[Bar]]:
    """Bars of one category together, from left to right, by how they stand apart."""
    ordered = sorted(bars, key=lambda one: one.x)
    layers = {one.layer for one in bars}
    if stacked or len(layers) == 1:
        return _piles(ordered)
    usual = float(np.median([one.width for one in ordered]))
    groups = [[ordered[0]]]
    period = _period(ordered)
    for bar in ordered[1:]:
        last = groups[-1]
        apart = bar.left - last[-1].right > 0.45 * usual
        full = any(one.layer == bar.layer for one in last)
        far = period > 0 and bar.x - last[0].x > 0.85 * period
        if apart or full or far:
            groups.append([bar])
        else:
            last.append(bar)
    return groups


def _piles(ordered: list[Bar]) -> list[list[Bar]]:
    groups = [[ordered[0]]]
    for bar in ordered[1:]:
        if abs(bar.x - float(np.mean([one.x for one in groups[-1]]))) < 0.5 * min(
            bar.width, groups[-1][0].width
        ):
            groups[-1].append(bar)
        else:
            groups.append([bar])
    return groups


def _period(ordered: list[Bar]) -> float:
    """How far bars of one layer mostly stand apart."""
    gaps = list[float]()
    for layer in {one.layer for one in ordered}:
        xs = [one.x for one in ordered if one.layer == layer]
        gaps += [b - a for a, b in itertools.pairwise(xs)]
    return float(np.median(gaps)) if gaps else 0.0
