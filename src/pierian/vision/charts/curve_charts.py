"""Line, area and scatter charts: what was traced or found, sampled where values lie, as series."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pierian.vision.charts.bars import solid_mask
from pierian.vision.charts.check import drawn_again
from pierian.vision.charts.curves import Curve, edge_curve, trace, upper_edge
from pierian.vision.charts.frame import Frame, category_axis, date_text
from pierian.vision.charts.kinds import Verdict
from pierian.vision.charts.points import Spot, find_spots
from pierian.vision.charts.results import Result, axis_titles, series_name, series_of
from pierian.vision.charts.sheet import Label, Mask
from pierian.vision.scene import Axis, Mark, Series

_MOST_MARKS = 400
_NO_VALUES = "The numbers of the value axis could not be read: values are shares of the plot's height."
_NO_PLACES = "The labels of the x axis could not be read: places along it are shares of the plot's width."


class _Places:
    """Where along x a chart's values lie, and what they are called there."""

    def __init__(self, frame: Frame, curves: Sequence[Curve]) -> None:
        self.frame, self.fit = frame, frame.field.x
        self.labels: tuple[Label, ...] = ()
        self.columns: list[float] = []
        if self.fit is None and len(frame.field.x_labels) >= 2:
            self.labels = frame.field.x_labels
            self.columns = self._category_columns(curves)

    def _category_columns(self, curves: Sequence[Curve]) -> list[float]:
        """A column for each category: at the labels, and between them where lines bend there as well."""
        left, labels = self.frame.paint.left, self.labels
        # Turned labels may end at their place: the edge whose places lines bend at is the one.
        bends = [one + curve.start for curve in curves for one in curve.corners]
        ends = [one.x - left for one in labels]
        others = [one.right - left for one in labels]
        if bends and _miss(others, bends) < 0.6 * _miss(ends, bends) and any(not one.level for one in labels):
            ends = others
        self.ends = ends
        gaps = np.diff(ends)
        if not len(gaps):
            return ends
        ends = _without_gaps(ends)
        step = float(np.median(np.diff(ends)))
        # Where lines bend everywhere, bends between labels say nothing.
        few = all(len(curve.corners) <= 3 * len(ends) + 2 for curve in curves)
        for parts in (3, 2):
            between = [a + step * n / parts for a in ends[:-1] for n in range(1, parts)]
            hit = [
                min((abs(one - at) for one in bends), default=1e9) < max(3.0, 0.08 * step) for at in between
            ]
            if len(between) >= 2 and sum(hit) >= 0.6 * len(between) and few:
                first, last = ends[0], ends[-1]
                count = round((last - first) / (step / parts))
                return [first + (last - first) * n / count for n in range(count + 1)]
        return ends

    def samples(self, curve: Curve) -> list[float]:
        """The columns at which a curve is read."""
        if self.columns:
            margin = 0.3 * float(np.median(np.diff(self.columns))) if len(self.columns) > 1 else 5.0
            return [one for one in self.columns if curve.start - margin <= one <= curve.end + margin]
        found = [float(one + curve.start) for one in curve.corners]
        if self.fit is not None:
            ticks = [one.position - self.frame.paint.left for one in self.fit.ticks]
            found += [one for one in ticks if curve.start <= one <= curve.end and _gap(one, found) > 4]
        found.sort()
        return found[:: len(found) // _MOST_MARKS + 1]

    def x(self, column: float) -> float:
        """The value along x at a column."""
        if self.columns:
            return float(np.argmin([abs(column - one) for one in self.columns]))
        if self.fit is not None:
            return self.fit.value(column + 0.5 + self.frame.paint.left)
        return (column + 0.5) / self.frame.paint.width

    def label(self, column: float) -> str:
        """What stands below a column."""
        if self.columns:
            near = min(range(len(self.labels)), key=lambda n: abs(self.ends[n] - column))
            step = float(np.median(np.diff(self.columns))) if len(self.columns) > 1 else 10.0
            return self.labels[near].text if abs(self.ends[near] - column) < 0.4 * step else ""
        if self.fit is not None and self.fit.scale == "date":
            return date_text(self.x(column))
        return ""

    def axis(self, title: str) -> Axis:
        """The axis along x."""
        if self.columns:
            return category_axis([self.label(one) for one in self.columns], title)
        if self.fit is not None:
            return self.fit.axis(self.frame.paint.left, self.frame.paint.left + self.frame.paint.width, title)
        return Axis(scale="linear", title=title, lowest=0.0, highest=1.0)

    @property
    def known(self) -> bool:
        """Whether anything stands along x."""
        return bool(self.columns) or self.fit is not None


def _without_gaps(ends: Sequence[float]) -> list[float]:
    """Places of categories with those between them whose names were not read: they stand at equal distances."""
    gaps = np.diff(ends)
    step = float(min(gaps))
    counts = [round(float(one) / step) for one in gaps]
    if step < 4 or sum(counts) > 3 * len(gaps) or any(
        abs(float(one) / step - count) > 0.15 * count for one, count in zip(gaps, counts, strict=True)
    ):  # fmt: skip
        return list(ends)
    found = [ends[0]]
    for begin, gap, count in zip(ends, gaps, counts, strict=False):
        found += [begin + float(gap) * part / count for part in range(1, count + 1)]
    return found


def _miss(places: Sequence[float], bends: Sequence[float]) -> float:
    return float(np.median([min(abs(at - one) for one in bends) for at in places]))


def _gap(one: float, others: Sequence[float]) -> float:
    return min((abs(one - other) for other in others), default=1e9)


def line_chart(verdict: Verdict) -> Result | None:
    """The chart that lines make."""
    frame = verdict.frame
    traced = [(layer, trace(frame.paint.layers[layer].mask, frame.paint.unit)) for layer in verdict.layers]
    pairs = [(layer, curve) for layer, curve in traced if curve is not None]
    longest = max((len(curve.heights) for _, curve in pairs), default=0)
    pairs = [one for one in pairs if len(one[1].heights) > 0.2 * longest or one[0] in frame.layer_names]
    pairs = [one for one in pairs if one[0] in frame.layer_names or not _is_rule(frame, one[1])]
    if not pairs:
        return None
    pairs.sort(key=lambda one: one[1].at(one[1].end))
    places = _Places(frame, [curve for _, curve in pairs])
    direct = _direct_names(frame, pairs)
    series, lines = list[Series](), list[list[tuple[float, float]]]()
    for order, (layer, curve) in enumerate(pairs):
        columns = places.samples(curve)
        values = [frame.value(curve.at(one)) for one in columns]
        marks = [
            _mark(frame, places, column, curve, value) for column, value in zip(columns, values, strict=True)
        ]
        name = direct.get(layer) or series_name(frame, layer, order, len(pairs) > 1)
        series.append(series_of(name, frame.paint.layers[layer].colour, marks))
        lines.append([(column, frame.height(value)) for column, value in zip(columns, values, strict=True)])
    thick = round(float(np.median([curve.thickness for _, curve in pairs])))
    ink = np.logical_or.reduce([frame.paint.layers[layer].mask for layer, _ in pairs])
    return _result(verdict, places, series, drawn_again(ink.shape, lines=lines, thickness=thick), ink)


def _is_rule(frame: Frame, curve: Curve) -> bool:
    """Whether a curve is but an axis, a frame or a gridline: flat, along an edge of the field or at a tick."""
    heights = curve.heights[~np.isnan(curve.heights)]
    middle = float(np.median(heights))
    ticks = [one.position - frame.paint.top for one in frame.values.ticks]
    near = min(middle, frame.paint.height - middle, *(abs(one - middle) for one in ticks))
    return float(np.percentile(heights, 95) - np.percentile(heights, 5)) < 4 and near < 6


def _mark(frame: Frame, places: _Places, column: float, curve: Curve, value: float) -> Mark:
    y = curve.at(column)
    half = max(3.0, curve.thickness)
    region = frame.region(column - half, y - half, column + half, y + half)
    error = frame.error(y)
    return Mark(id="", region=region, x=places.x(column), y=value, error=error, label=places.label(column))


def _direct_names(frame: Frame, pairs: Sequence[tuple[int, Curve]]) -> dict[int, str]:
    """Names written beside the ends of lines, where there is no legend."""
    if frame.layer_names:
        return {}
    unit, found, used = frame.paint.unit, dict[int, str](), set[str]()
    options = list[tuple[float, int, Label]]()
    for label in frame.sheet.labels:
        x, y = label.left - frame.paint.left, label.y - frame.paint.top
        for layer, curve in pairs:
            off = abs(y - curve.at(curve.end))
            if -0.5 * unit < x - curve.end < 3.5 * unit and off < 1.5 * unit and label.level:
                options.append((off, layer, label))
    for _, layer, label in sorted(options, key=lambda one: one[0]):
        if layer not in found and label.id not in used and len(label.text) > 1:
            found[layer] = label.text
            used.add(label.id)
    return found


def area_chart(verdict: Verdict) -> Result | None:
    """The chart that areas make: what lies on something else counts from there."""
    frame = verdict.frame
    edges = list[tuple[int, int, np.ndarray, np.ndarray]]()
    for layer in verdict.layers:
        found = upper_edge(_largest(solid_mask(frame.paint, layer)))
        if found is not None:
            edges.append((layer, *found))
    if not edges:
        return None
    edges.sort(key=lambda one: -float(np.nanmean(one[3])))
    curves = [edge_curve(start, high) for _, start, high, _ in edges]
    places = _Places(frame, curves)
    series, fills = list[Series](), list[list[tuple[float, float]]]()
    for order, (layer, _start, _, _) in enumerate(edges):
        curve = curves[order]
        below = curves[order - 1] if order and verdict.stacked else None
        columns = places.samples(curve)
        if below is not None and not places.columns:
            columns = sorted(
                {*columns, *(one for one in places.samples(below) if curve.start <= one <= curve.end)}
            )
        marks, top = list[Mark](), list[tuple[float, float]]()
        for column in columns:
            inner = min(max(column, curve.start + 1), curve.end - 1)
            high = frame.value(curve.at(inner))
            value = high - frame.value(below.at(inner)) if below is not None else high
            marks.append(_mark(frame, places, column, curve, value))
            top.append((column, frame.height(high)))
        name = series_name(frame, layer, order, len(edges) > 1)
        series.append(series_of(name, frame.paint.layers[layer].colour, marks))
        floor = (
            [(x, below.at(x)) for x, _ in top]
            if below is not None
            else [(x, verdict.baseline) for x, _ in top]
        )
        fills.append(top + floor[::-1])
    ink = np.logical_or.reduce([frame.paint.layers[layer].mask for layer, *_ in edges])
    return _result(verdict, places, series, drawn_again(ink.shape, fills=fills), ink)


def _largest(mask: Mask) -> Mask:
    count, labels, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count <= 2:
        return mask
    kept = facts[:, 4] >= 0.03 * facts[1:, 4].max()
    kept[0] = False
    return np.asarray(kept[np.asarray(labels, np.intp)])


def scatter_chart(verdict: Verdict) -> Result | None:
    """The chart that points make."""
    frame = verdict.frame
    places = _Places(frame, [])
    series, boxes = list[Series](), list[tuple[float, float, float, float]]()
    many = len(verdict.layers) > 1
    for order, layer in enumerate(verdict.layers):
        spots = find_spots(frame.paint.layers[layer].mask, frame.paint.unit, frame.paint.noise)
        marks = [_spot_mark(frame, places, one) for one in spots[:_MOST_MARKS]]
        if not marks:
            continue
        boxes += [
            (one.x - one.width / 2, one.y - one.height / 2, one.x + one.width / 2, one.y + one.height / 2)
            for one in spots
        ]
        series.append(
            series_of(series_name(frame, layer, order, many), frame.paint.layers[layer].colour, marks)
        )
    if not series:
        return None
    ink = np.logical_or.reduce([frame.paint.layers[layer].mask for layer in verdict.layers])
    return _result(verdict, places, series, drawn_again(ink.shape, boxes=boxes), ink)


def _spot_mark(frame: Frame, places: _Places, spot: Spot) -> Mark:
    half = (spot.width / 2, spot.height / 2)
    region = frame.region(spot.x - half[0], spot.y - half[1], spot.x + half[0], spot.y + half[1])
    return Mark(
        id="",
        region=region,
        x=places.x(spot.x - 0.5),
        y=frame.value(spot.y),
        error=frame.error(spot.y),
        label=places.label(spot.x),
    )


def _result(verdict: Verdict, places: _Places, series: list[Series], drawn: Mask, ink: Mask) -> Result:
    frame = verdict.frame
    across, along = axis_titles(frame)
    doubts = [
        text
        for text, known in ((_NO_VALUES, frame.field.y), (_NO_PLACES, places.known or None))
        if known is None
    ]
    return Result(
        kind=verdict.kind,
        frame=frame,
        series=tuple(series),
        across=places.axis(across),
        along=frame.axis_of_values(along),
        drawn=drawn,
        ink=ink,
        stacked=verdict.stacked,
        sure=verdict.sure,
        doubts=tuple(doubts),
    )
