"""Which kind of chart a field holds, by what its marks look like: boxes, bars, bins, areas, points, lines."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from msgspec import Struct

from pierian.vision.charts.axes import Fit
from pierian.vision.charts.bars import Bar, Bars, baseline_of, cleaned, find_bars, is_stacked
from pierian.vision.charts.boxplots import Drawn, find_boxes
from pierian.vision.charts.frame import Frame
from pierian.vision.charts.points import Blobs, blobs_of
from pierian.vision.charts.sheet import Mask
from pierian.vision.scene import ChartKind


class Verdict(Struct, frozen=True, eq=False, kw_only=True):
    """A kind, the frame in which its marks stand, and the marks that were already found on the way."""

    kind: ChartKind
    frame: Frame
    sure: float
    bars: tuple[Bar, ...] = ()
    boxes: tuple[Drawn, ...] = ()
    baseline: float = 0.0
    stacked: bool = False
    layers: tuple[int, ...] = ()


def decide(frame: Frame) -> Verdict | None:
    """The kind that the marks of a frame speak for, or None where there are none."""
    paint = frame.paint
    ink = int(paint.ink.sum())
    if ink < 40 or not paint.layers:
        return None
    boxes = _boxes(frame)
    if boxes is not None:
        return boxes
    size = max(5, round(0.45 * paint.unit))
    # Hatching leaves gaps in wide marks.
    closed = cv2.morphologyEx(paint.ink.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    wide = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((size, size), np.uint8)) > 0
    mass = float(wide.sum()) / ink
    blobs = [blobs_of(layer.mask, paint.unit) for layer in paint.layers]
    standing = _bars(frame, blobs) if mass > 0.3 else None
    if standing is not None:
        return standing
    if mass > 0.3:
        area = _area(frame, wide)
        if area is not None:
            return area
    return _thin(frame, blobs)


def _boxes(frame: Frame) -> Verdict | None:
    found = list[tuple[float, Frame, list[Drawn]]]()
    for one in (frame, frame.turn()):
        boxes = find_boxes(one.paint)
        if boxes:
            area = sum((box.right - box.left) * (box.heights[3] - box.heights[1]) for box in boxes)
            # Boxes stand along the axis that has values.
            found.append((area * (3.0 if one.field.y is not None else 1.0), one, boxes))
    if not found:
        return None
    _, chosen, boxes = max(found, key=lambda one: one[0])
    if len(boxes) == 1 and len(chosen.field.x_labels) > 2:
        return None
    return Verdict(kind="box", frame=chosen, boxes=tuple(boxes), sure=min(1.0, 0.6 + 0.1 * len(boxes)))


def _bars(frame: Frame, blobs: list[Blobs]) -> Verdict | None:
    found = find_bars(frame.paint)
    turned = frame.turn()
    lying = find_bars(turned.paint)
    chances = [(_standing(frame, found), frame, found), (_standing(turned, lying), turned, lying)]
    (score, base), chosen, bars = max(chances, key=lambda one: one[0][0])
    spots = sum(one.count for one in blobs if one.share > 0.3)
    small = spots >= 6 and spots >= 0.7 * len(bars.bars)
    # Rectangles are such whichever way one looks at them; an area has straight edges one way alone. The ends of bars
    # in a noisy picture look like slopes from aside.
    clear = len(bars.bars) >= 3 and bars.share > 0.85 and bars.sharp > 0.9 and score > 0.9
    least = 0.3 if clear and frame.paint.noise > 0 else 0.6
    if bars.share < 0.6 or min(found.sharp, lying.sharp) < least or score < 0.55 or (small and score < 0.9):
        return None
    kept = [one for one in cleaned(bars.bars, base) if one.height >= (2 if frame.paint.noise <= 0 else 4)]
    kept = _of_legend(chosen, kept)
    if sum(one.area for one in kept) < 0.35 * float(chosen.paint.ink.sum()):
        return None
    stacked = is_stacked(kept)
    if not stacked:
        # What hangs in the air between bars is left of a gridline.
        standing = [one for one in kept if min(abs(one.top - base), abs(one.bottom - base)) <= 6]
        if sum(one.area for one in standing) > 0.8 * sum(one.area for one in kept):
            kept = standing
    kind: ChartKind = "histogram" if not chosen.turned and not stacked and _touching(chosen, kept) else "bar"
    return Verdict(
        kind=kind,
        frame=chosen,
        bars=tuple(kept),
        baseline=base,
        stacked=stacked,
        sure=min(1.0, score * bars.share),
    )


def _of_legend(frame: Frame, bars: list[Bar]) -> list[Bar]:
    """Bars of layers that the legend names, or that are not mere traces beside the others."""
    named = set(frame.layer_names)
    areas = {
        layer: sum(one.area for one in bars if one.layer == layer) for layer in {one.layer for one in bars}
    }
    most = max(areas.values(), default=0.0)
    if len(named) >= 2:
        usual_area = float(np.median([areas.get(one, 0.0) for one in named]))
        return [one for one in bars if one.layer in named or areas[one.layer] > 0.3 * usual_area]
    counts = {layer: sum(one.layer == layer for one in bars) for layer in areas}
    usual = max(counts.values(), default=0)
    return [
        one for one in bars if areas[one.layer] > (0.02 if 4 * counts[one.layer] >= usual else 0.15) * most
    ]


def _standing(frame: Frame, bars: Bars) -> tuple[float, float]:
    """How well bars stand on one line (1 is all of them), with a little for fitting axes; and where that line is."""
    if not bars.bars:
        return 0.0, 0.0
    chosen = cleaned(bars.bars, float("inf"))
    if not chosen:
        return 0.0, 0.0
    base, _ = baseline_of(tuple(chosen), frame.paint.height)
    fit = frame.field.y
    zero = frame.height(0.0) if fit and fit.scale == "linear" else -1e9
    if -6 <= zero <= frame.paint.height + 6 and _share(chosen, zero) >= _share(chosen, base) - 0.1:
        base = zero
    score = _share(chosen, base) * bars.share
    if fit is not None:
        score += -0.2 if _of_years(fit) else 0.12
    if frame.field.x_labels and (frame.field.x is None or frame.field.y is not None):
        score += 0.08
    if frame.field.x is not None and frame.field.y is None:
        score -= 0.25
    return score, base


def _of_years(fit: Fit) -> bool:
    """Whether an axis counts years or days: bars stand on such an axis, and are not measured by it."""
    if fit.scale == "date":
        return True
    values = [one.value for one in fit.ticks]
    return len(values) >= 2 and all(1900 <= one <= 2100 and one == round(one) for one in values)


def _share(bars: list[Bar], base: float) -> float:
    """The share of bars, by width, that begin at a line or on another bar of the same sides."""
    good = 0.0
    for bar in bars:
        on_line = min(abs(bar.top - base), abs(bar.bottom - base)) <= 4
        on_bar = any(
            other.layer != bar.layer
            and abs(other.left - bar.left) <= 3
            and abs(other.right - bar.right) <= 3
            and abs(other.top - bar.bottom) <= 5
            for other in bars
        )
        good += bar.width * (on_line or on_bar)
    return good / max(sum(one.width for one in bars), 1.0)


def _touching(frame: Frame, bars: list[Bar]) -> bool:
    """Whether bars are the bins of a histogram: of one layer, without gaps, over an axis of numbers."""
    if (
        len({one.layer for one in bars}) > 1
        or len(bars) < 4
        or frame.field.x is None
        or _of_years(frame.field.x)
    ):
        return False
    ordered = sorted(bars, key=lambda one: one.x)
    usual = float(np.median([one.width for one in ordered]))
    gaps = [b.left - a.right for a, b in itertools.pairwise(ordered)]
    if float(np.median(gaps)) > max(6.0, 0.3 * usual):
        return False
    places = [one.position - frame.paint.left for one in frame.field.x.ticks]
    centred = [min(abs(one.x - at) for at in places) < 0.12 * usual for one in ordered]
    return sum(centred) < 0.8 * len(ordered)


def _area(frame: Frame, wide: Mask) -> Verdict | None:
    """Areas: wide ink that reaches over most of the field in one piece."""
    _, _, facts, _ = cv2.connectedComponentsWithStats(wide.astype(np.uint8), connectivity=8)
    if len(facts) < 2:
        return None
    largest = facts[1:][int(np.argmax(facts[1:, 4]))]
    if largest[2] < 0.45 * frame.paint.width or largest[4] < 0.4 * wide.sum():
        return None
    size = max(5, round(0.45 * frame.paint.unit))
    named = set(frame.layer_names)
    chosen = list[int]()
    for index, layer in enumerate(frame.paint.layers):
        if not layer.solid or (len(named) >= 2 and index not in named):
            continue
        solid = cv2.morphologyEx(layer.mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((size, size), np.uint8))
        columns = solid.any(axis=0)
        if columns.sum() > 0.4 * largest[2]:
            chosen.append(index)
    if not chosen:
        return None
    return Verdict(
        kind="area", frame=frame, layers=tuple(chosen), stacked=len(chosen) > 1, sure=0.8,
        baseline=float(largest[1] + largest[3]),
    )  # fmt: skip


def _thin(frame: Frame, blobs: list[Blobs]) -> Verdict | None:
    """Lines or points."""
    paint, named = frame.paint, frame.layer_names
    lines, points = list[int](), list[int]()
    most = max(int(one.mask.sum()) for one in paint.layers)
    usual = float(np.median([paint.layers[one].mask.sum() for one in named])) if named else 0.0
    for index, layer in enumerate(paint.layers):
        amount = int(layer.mask.sum())
        if len(named) >= 2 and index not in named and amount < 0.5 * usual:
            continue
        if amount < 0.08 * most and index not in named:
            continue
        bridged = cv2.morphologyEx(layer.mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 9), np.uint8))
        _, _, facts, _ = cv2.connectedComponentsWithStats(bridged, connectivity=8)
        reach = max((int(one[2]) for one in facts[1:]), default=0)
        columns = float(layer.mask.any(axis=0).mean())
        if blobs[index].count >= 3 and blobs[index].share > 0.5 and reach < 0.3 * paint.width:
            points.append(index)
        elif reach > 0.12 * paint.width or columns > 0.5:
            lines.append(index)
        elif blobs[index].count >= 2:
            points.append(index)
    if not lines and not points:
        return None
    inked = {index: int(paint.layers[index].mask.sum()) for index in (*lines, *points)}
    if sum(inked[one] for one in lines) >= sum(inked[one] for one in points):
        return Verdict(kind="line", frame=frame, layers=tuple(lines), sure=0.8)
    return Verdict(kind="scatter", frame=frame, layers=tuple(points), sure=0.8)
