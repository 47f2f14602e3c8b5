"""Bar charts and histograms from their rectangles: categories or bins, values from the axis or from print."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec
import numpy as np

from pierian.vision.charts.axes import Fit
from pierian.vision.charts.bars import Bar, groups_at, groups_of
from pierian.vision.charts.check import drawn_again
from pierian.vision.charts.frame import Frame, category_axis, names_at
from pierian.vision.charts.kinds import Verdict
from pierian.vision.charts.quantities import number
from pierian.vision.charts.results import Result, axis_titles, series_name, series_of
from pierian.vision.charts.sheet import Label, distance
from pierian.vision.scene import Axis, Mark, Series

_NEAR = 2.4
"""How far from a bar's end its printed value may stand, in sizes of letters."""


def bar_chart(verdict: Verdict) -> Result:
    """The chart that bars make."""
    frame, bars = verdict.frame, list(verdict.bars)
    places = [one.x - frame.paint.left for one in frame.field.x_labels]
    groups = groups_at(bars, places, verdict.stacked) if verdict.kind == "bar" else None
    if verdict.kind == "histogram":
        bars = _all_bins(frame, bars)
    groups = groups or groups_of(bars, verdict.stacked)
    bars = [one for group in groups for one in group]
    if verdict.kind == "bar" and verdict.frame.turned:
        # Categories that lie are counted from the bottom up, as axes are.
        groups = groups[::-1]
    printed = _printed(frame, bars, verdict)
    frame, scaled = _with_scale(frame, bars, printed, verdict)
    doubts = list[str]()
    if frame.field.y is None:
        doubts.append(
            "The numbers of the value axis could not be read: values are shares of the plot's height."
        )
    if scaled:
        doubts.append(
            "There are no numbers on the value axis: the scale comes from the values that are printed."
        )
    centres = [float(np.mean([one.x for one in group])) for group in groups]
    labels = names_at(centres, frame.field.x_labels, frame.paint.left)
    if verdict.kind == "bar" and not any(labels):
        doubts.append("No names could be read beside the bars.")
    layers = _order(bars, verdict)
    series, wrong = list[Series](), 0
    for place, layer in enumerate(layers):
        marks = list[Mark]()
        for index, group in enumerate(groups):
            for bar in group:
                if bar.layer == layer:
                    mark, differs = _mark(frame, bar, index, labels[index], printed.get(bar), verdict)
                    marks.append(mark)
                    wrong += differs
        name = series_name(frame, layer, place, len(layers) > 1)
        series.append(series_of(name, frame.paint.layers[layer].colour, marks))
    if wrong > max(1, len(printed) // 4):
        doubts.append(f"{wrong} of {len(printed)} printed values do not fit the heights of their bars.")
    across, along = axis_titles(frame)
    return Result(
        kind=verdict.kind,
        frame=frame,
        series=tuple(series),
        across=_across(frame, labels, across, verdict),
        along=frame.axis_of_values(along),
        drawn=_drawn(frame, groups, verdict),
        ink=_ink(frame, layers),
        stacked=verdict.stacked,
        sure=verdict.sure,
        doubts=tuple(doubts),
    )


def _all_bins(frame: Frame, bars: list[Bar]) -> list[Bar]:
    """Bins with those that are so low that the axis hides them: inside of a histogram there are no holes, and at its
    ends a trace of colour above the axis shows them."""
    width = float(np.median([one.width for one in bars]))
    ordered = list[Bar]()
    for one in sorted(bars, key=lambda one: one.left):
        # Neighbours of one height are one rectangle.
        count = max(round(one.width / width), 1)
        step = one.width / count
        ordered += [
            Bar(one.layer, one.left + n * step, one.top, one.left + (n + 1) * step, one.bottom)
            for n in range(count)
        ]
    base, layer = float(np.median([one.bottom for one in ordered])), ordered[0].layer
    found = list(ordered)
    for one, other in itertools.pairwise(ordered):
        count = round((other.left - one.right) / width)
        step = (other.left - one.right) / max(count, 1)
        for n in range(count):
            left, right = one.right + n * step, one.right + (n + 1) * step
            found.append(
                Bar(layer, left, base - max(_trace(frame, layer, left, right, base), 1), right, base)
            )
    for side in (-1, 1):
        left, right = ordered[0 if side < 0 else -1].left, ordered[0 if side < 0 else -1].right
        while True:
            left, right = left + side * width, right + side * width
            rows = _trace(frame, layer, left, right, base)
            if left < -3 or right > frame.paint.width + 3 or not rows:
                break
            found.append(Bar(layer, left, base - rows, right, base))
    return found


def _trace(frame: Frame, layer: int, left: float, right: float, base: float) -> int:
    """How many rows right above the axis have a layer's colour between two columns."""
    bottom = round(base)
    strip = frame.paint.lab[
        max(0, bottom - 12) : bottom + 1, max(0, round(left) + 2) : max(0, round(right) - 2)
    ]
    if strip.shape[1] < 2:
        return 0
    own = (distance(strip, frame.paint.layers[layer].colour) < 16).mean(axis=1) > 0.6
    seen = np.flatnonzero(own[::-1])
    if not len(seen) or seen[0] > 3:
        return 0
    gaps = np.flatnonzero(np.diff(seen) > 1)
    return int(seen[gaps[0] if len(gaps) else -1]) + 1


def _across(frame: Frame, labels: list[str], title: str, verdict: Verdict) -> Axis:
    fit = frame.field.x
    if verdict.kind == "histogram" and fit is not None:
        return fit.axis(frame.paint.left, frame.paint.left + frame.paint.width, title)
    return category_axis(labels, title)


def _order(bars: list[Bar], verdict: Verdict) -> list[int]:
    """Layers in the order in which people read them: from left to right, or from the bottom of a stack up."""
    layers = {one.layer for one in bars}

    def place(layer: int) -> float:
        mine = [one for one in bars if one.layer == layer]
        return float(np.mean([-one.bottom if verdict.stacked else one.x for one in mine]))

    return sorted(layers, key=place)


def _mark(
    frame: Frame, bar: Bar, index: int, label: str, printed: Label | None, verdict: Verdict
) -> tuple[Mark, bool]:
    """A bar's mark, and whether the value printed on it differs from its height."""
    value = _measured(frame, bar, verdict)
    error = frame.error(bar.top)
    written = number(printed.text) if printed else None
    differs = False
    if written is not None:
        unit = _factor(frame, written, value)
        span = abs(frame.value(0) - frame.value(frame.paint.height))
        if abs(written * unit - value) <= max(4 * error, 0.03 * span):
            digits = printed.text.partition(".")[2] if printed else ""
            value, error = written * unit, 0.5 * 10.0 ** -sum(one.isdigit() for one in digits) * unit
        else:
            differs = True
    x = float(index)
    if verdict.kind == "histogram" and frame.field.x is not None:
        x = frame.field.x.value(bar.x + frame.paint.left)
        low, high = (frame.field.x.value(one + frame.paint.left) for one in (bar.left, bar.right))
        label = f"{low:.4g} to {high:.4g}"
    region = frame.region(bar.left, bar.top, bar.right, bar.bottom)
    return (
        Mark(
            id="",
            region=region,
            x=x,
            y=value,
            error=error,
            label=label,
            printed=printed.text if printed else "",
        ),
        differs,
    )


def _factor(frame: Frame, written: float, value: float) -> float:
    """Printed values may count in thousands or millions where the axis does not, or the other way round."""
    for factor in (1.0, 1e3, 1e6, 1e-3, 1e-6):
        if value and 0.8 < written * factor / value < 1.25:
            return factor
    return 1.0


def _measured(frame: Frame, bar: Bar, verdict: Verdict) -> float:
    if verdict.stacked:
        return abs(frame.value(bar.top) - frame.value(bar.bottom))
    if frame.values.scale == "log":
        return frame.value(bar.top)
    below = abs(bar.top - verdict.baseline) + 3 < abs(bar.bottom - verdict.baseline)
    return frame.value(bar.bottom if below else bar.top)


def _printed(frame: Frame, bars: Sequence[Bar], verdict: Verdict) -> dict[Bar, Label]:
    """The label with a number that stands on each bar or at its end."""
    pairs = list[tuple[float, Bar, Label]]()
    unit = frame.paint.unit
    for label in frame.sheet.labels:
        if label.id in frame.legend.names or number(label.text) is None or label.id in _axis_ids(frame):
            continue
        x, y = (label.y, label.x) if frame.turned else (label.x, label.y)
        x, y = x - frame.paint.left, y - frame.paint.top
        half = ((label.right - label.left) if frame.turned else (label.bottom - label.top)) / 2
        for bar in bars:
            if not bar.left - 0.3 * unit <= x <= bar.right + 0.3 * unit:
                continue
            if verdict.stacked:
                off = abs(y - (bar.top + bar.bottom) / 2) if bar.top <= y <= bar.bottom else 1e9
            else:
                off = max(0.0, abs(y - bar.top) - half) if y < bar.bottom else 1e9
                if y > bar.bottom and verdict.baseline < bar.bottom - 3:
                    off = max(0.0, abs(y - bar.bottom) - half)
                elif bar.top < y < bar.bottom:
                    off = min(off, 1.5 * unit)
            if off < (1e8 if verdict.stacked else _NEAR * unit):
                pairs.append((off + 0.2 * abs(x - bar.x), bar, label))
    found, used = dict[Bar, Label](), set[str]()
    for _, bar, label in sorted(pairs, key=lambda one: one[0]):
        if bar not in found and label.id not in used:
            found[bar] = label
            used.add(label.id)
    return found


def _axis_ids(frame: Frame) -> set[str]:
    return {one.id for one in (*frame.field.x_labels, *frame.field.y_labels)}


def _with_scale(
    frame: Frame, bars: list[Bar], printed: dict[Bar, Label], verdict: Verdict
) -> tuple[Frame, bool]:
    """Where the axis says nothing but bars do: a scale on which most bars have the values printed on them."""
    if frame.field.y is not None or len(printed) < 2:
        return frame, False
    ratios = list[float]()
    for bar, label in printed.items():
        value = number(label.text)
        if value and bar.height > 4:
            ratios.append(abs(value) / bar.height)
    if len(ratios) < 2:
        return frame, False
    scale = float(np.median(ratios))
    if sum(abs(one - scale) < 0.1 * scale for one in ratios) < 0.6 * len(ratios):
        return frame, False
    fit = Fit(
        scale="linear", slope=-1 / scale, offset=verdict.baseline + frame.paint.top, ticks=(), residual=0.0
    )
    field = frame.field
    changed = type(field)(
        box=field.box, ground=field.ground, x=field.x, y=fit, x_labels=field.x_labels, y_labels=field.y_labels,
        framed=field.framed,
    )  # fmt: skip
    return msgspec.structs.replace(frame, field=changed), True


def _drawn(frame: Frame, groups: list[list[Bar]], verdict: Verdict) -> np.ndarray:
    boxes = [(one.left, one.top, one.right, one.bottom) for group in groups for one in group]
    if not verdict.stacked:
        base = verdict.baseline
        heights = [(one, frame.height(_measured(frame, one, verdict))) for group in groups for one in group]
        boxes = [(one.left, min(at, base), one.right, max(at, base)) for one, at in heights]
    return drawn_again(frame.paint.ink.shape, boxes=boxes)


def _ink(frame: Frame, layers: list[int]) -> np.ndarray:
    return np.logical_or.reduce([frame.paint.layers[one].mask for one in layers])
