"""How a chart that was read compares with the truth: values within 3% of the axis, kind, boxes.

A value counts as recovered if it is there once, in its series and at its place; values that are missing and values
that are too many both count as wrong.
"""

from __future__ import annotations

import datetime
import difflib
import math
import re

import msgspec
import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks.chart_specs import Place, Truth, TruthSeries
from pierian.vision.regions import Box, box_of
from pierian.vision.scene import Chart, Scene, Series

REACH = 0.03


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One picture's figures. `right` of `total` values; of boxes those with an IoU of at least 0.7."""

    right: int
    total: int
    kind: bool
    labels_right: int = 0
    labels: int = 0
    mark_boxes_right: int = 0
    mark_boxes: int = 0
    text_boxes_right: int = 0
    text_boxes: int = 0
    read_kind: str = ""


def score(truth: Truth, scene: Scene) -> Score:
    """The figures of a picture; the first chart is what counts, a second is none."""
    total = sum(_size(one) for one in truth.series)
    texts = [box_of(one.region) for one in scene.texts]
    text_hits = sum(_covered(box, texts) for _, box in truth.texts)
    common = {"text_boxes": len(truth.texts), "text_boxes_right": text_hits}
    marks = [
        one.box
        for series in truth.series
        for one in series.marks
        if one.box is not None and _area(one.box) > 0
    ]
    if not scene.charts:
        return Score(right=0, total=total, kind=False, mark_boxes=len(marks), **common)
    chart = scene.charts[0]
    kind = chart.kind == truth.kind and (
        truth.kind not in ("bar", "box") or chart.horizontal == truth.horizontal
    )
    boxes = [box_of(one.region) for series in chart.series for one in series.marks]
    hits = sum(_covered(box, boxes) for box in marks)
    right, extra, labels_right, labels = _values(truth, chart)
    return Score(
        right=right,
        total=total + extra,
        kind=kind,
        labels_right=labels_right,
        labels=labels,
        mark_boxes_right=hits,
        mark_boxes=len(marks),
        read_kind=f"{chart.kind}{' lying' if chart.horizontal else ''}{' stacked' if chart.stacked else ''}",
        **common,
    )


def _size(series: TruthSeries) -> int:
    return sum(max(len(one.numbers), 1) for one in series.marks)


def _area(box: Place) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _covered(place: Place, boxes: list[Box]) -> bool:
    box = Box(*place)
    return any(box.overlap(one) >= 0.7 for one in boxes)


def _values(truth: Truth, chart: Chart) -> tuple[int, int, int, int]:
    """Right values, values too many, right labels of categories, labels."""
    if {chart.kind, truth.kind} - {"bar", "histogram"} and chart.kind != truth.kind and {
        chart.kind, truth.kind
    } != {"line", "area"}:  # fmt: skip
        return 0, 0, 0, 0
    table = [[_compared(truth, one, other) for other in chart.series] for one in truth.series]
    pairs = _pairs(truth, chart, table)
    right = sum(table[a][b][0] for a, b in pairs)
    extra = sum(table[a][b][1] for a, b in pairs)
    taken = {b for _, b in pairs}
    extra += sum(
        len(one.marks)
        for index, one in enumerate(chart.series)
        if index not in taken and truth.kind not in ("line", "area")
    )
    extra += sum(
        len(truth.series[0].marks)
        for index in range(len(chart.series))
        if index not in taken and truth.kind in ("line", "area")
    )
    labels_right = sum(table[a][b][2] for a, b in pairs)
    labels = sum(bool(one.label) for series in truth.series for one in series.marks)
    return right, extra, labels_right, labels


def _pairs(truth: Truth, chart: Chart, table: list[list[tuple[int, int, int]]]) -> list[tuple[int, int]]:
    """Which series is which: by name where the picture names several, else as fits best."""
    if truth.named and len(truth.series) > 1:
        pairs = list[tuple[int, int]]()
        for a, one in enumerate(truth.series):
            likeness = [_alike(one.name, other.name) for other in chart.series]
            b = int(np.argmax(likeness)) if likeness else -1
            if b >= 0 and likeness[b] >= 0.8 and b not in {other for _, other in pairs}:
                pairs.append((a, b))
        return pairs
    costs = np.array([[-(one[0] - 0.01 * one[1]) for one in row] for row in table]).reshape(len(table), -1)
    if not costs.size:
        return []
    rows, columns = linear_sum_assignment(costs)
    return [(int(a), int(b)) for a, b in zip(rows, columns, strict=True)]


def _alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one.lower().replace(" ", ""), other.lower().replace(" ", "")).ratio()


def _near(truth: Truth, wanted: float, found: float) -> bool:
    if truth.kind == "pie":
        return abs(wanted - found) <= REACH
    if truth.log:
        if found <= 0 or wanted <= 0:
            return False
        return abs(math.log(found / wanted)) <= REACH * abs(math.log(truth.high / truth.low))
    return abs(wanted - found) <= REACH * abs(truth.high - truth.low)


def _compared(truth: Truth, one: TruthSeries, other: Series) -> tuple[int, int, int]:
    """Right values, values too many and right labels of one series against one that was read."""
    match truth.kind:
        case "scatter":
            return (*_points(truth, one, other), 0)
        case "line" | "area":
            return _curve(truth, one, other)
        case "histogram":
            return (*_bins(truth, one, other), 0)
        case "pie":
            return _slices(truth, one, other)
        case _:
            return _bars(truth, one, other)


def _bars(truth: Truth, one: TruthSeries, other: Series) -> tuple[int, int, int]:
    right, labels, used = 0, 0, 0
    found = {round(mark.x): mark for mark in other.marks if not mark.label}
    for index, mark in enumerate(one.marks):
        # A value belongs to the name that stands at it; its place counts where that could not be read.
        named = [read for read in other.marks if _alike(mark.label, read.label) >= 0.8]
        read = max(named, key=lambda read: _alike(mark.label, read.label)) if named else found.get(index)
        if read is None:
            # A bar without height is not drawn.
            continue
        used += 1
        labels += bool(mark.label) and _alike(mark.label, read.label) >= 0.8
        if mark.numbers:
            right += sum(_near(truth, a, b) for a, b in zip(mark.numbers, read.numbers, strict=False))
        else:
            right += _near(truth, mark.y, read.y)
    size = max((len(mark.numbers) for mark in one.marks), default=0) or 1
    return right, (len(other.marks) - used) * size, labels


def _slices(truth: Truth, one: TruthSeries, other: Series) -> tuple[int, int, int]:
    """Slices by their names; those without a readable one by what is left over, in order around the disc."""
    costs = np.array([[1 - _alike(a.label, b.label) for b in other.marks] for a in one.marks])
    rows, columns = linear_sum_assignment(costs)
    right = labels = used = 0
    for a, b in zip(rows, columns, strict=True):
        if costs[a, b] <= 0.2:
            used += 1
            labels += 1
            right += _near(truth, one.marks[a].y, other.marks[b].y)
    return right, max(0, len(other.marks) - len(one.marks)), labels


def _bins(truth: Truth, one: TruthSeries, other: Series) -> tuple[int, int]:
    width = abs(one.marks[1].x - one.marks[0].x) if len(one.marks) > 1 else 1.0
    right, used = 0, set[int]()
    for mark in one.marks:
        near = [
            n for n, read in enumerate(other.marks) if abs(read.x - mark.x) <= 0.5 * width and n not in used
        ]
        if near:
            best = min(near, key=lambda n: abs(other.marks[n].x - mark.x))
            used.add(best)
            right += _near(truth, mark.y, other.marks[best].y)
    return right, len(other.marks) - len(used)


def _points(truth: Truth, one: TruthSeries, other: Series) -> tuple[int, int]:
    if not other.marks:
        return 0, 0
    wide, tall = abs(truth.x_high - truth.x_low), abs(truth.high - truth.low)
    a = np.array([(mark.x / wide, mark.y / tall) for mark in one.marks])
    b = np.array([(mark.x / wide, mark.y / tall) for mark in other.marks])
    gaps = np.abs(a[:, None, :] - b[None, :, :]).max(axis=2)
    rows, columns = linear_sum_assignment(np.minimum(gaps, 1.0))
    right = int((gaps[rows, columns] <= REACH).sum())
    return right, max(0, len(other.marks) - len(one.marks))


def _curve(truth: Truth, one: TruthSeries, other: Series) -> tuple[int, int, int]:
    """A line where it was sampled, between samples on the straight line through them."""
    if not other.marks:
        return 0, 0, 0
    xs, labels = _truth_xs(truth, one, other)
    reads = sorted(other.marks, key=lambda mark: mark.x)
    places = np.array([mark.x for mark in reads])
    heights = np.array([mark.y for mark in reads])
    if truth.log:
        heights = np.log(np.maximum(heights, 1e-12))
    margin = 0.02 * (max(xs) - min(xs)) + (0.3 if truth.x_scale == "category" and max(xs) < 40 else 0.0)
    right = 0
    for x, mark in zip(xs, one.marks, strict=True):
        if places[0] - margin <= x <= places[-1] + margin:
            read = float(np.interp(x, places, heights))
            right += _near(truth, mark.y, math.exp(min(read, 600)) if truth.log else read)
    return right, 0, labels


def _truth_xs(truth: Truth, one: TruthSeries, other: Series) -> tuple[list[float], int]:
    """The places of the true values in the terms in which the axis was read."""
    xs = [mark.x for mark in one.marks]
    largest = max(mark.x for mark in other.marks)
    if truth.x_scale == "category":
        names = [mark.label for mark in one.marks]
        read = [mark.label for mark in other.marks if mark.label]
        labels = sum(any(_alike(a, b) >= 0.8 for b in read) for a in names)
        if all(re.fullmatch(r"\d{4}", name) for name in names) and largest >= 1000:
            if largest > 1e7:
                return [_year(float(name)) for name in names], len(names)
            return [float(name) for name in names], len(names)
        return xs, labels
    if truth.x_scale == "date" and largest < 3 * 366 * 86400 and largest > 3000:
        # No year is written on the axis: it counts from the first year on.
        first = datetime.datetime.fromtimestamp(min(xs), datetime.UTC).year
        return [x - _year(first) for x in xs], 0
    if truth.x_scale == "date" and 1000 < largest < 3000:
        return [_fraction(x) for x in xs], 0
    return xs, 0


def _year(year: float) -> float:
    return datetime.datetime(int(year), 1, 1, tzinfo=datetime.UTC).timestamp()


def _fraction(seconds: float) -> float:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    start = datetime.datetime(moment.year, 1, 1, tzinfo=datetime.UTC).timestamp()
    return moment.year + (seconds - start) / (365.25 * 86400)
