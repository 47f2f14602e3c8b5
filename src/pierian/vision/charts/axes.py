"""Axes from labels: rows and columns of labels, and the robust fit of a scale to what they say.

A fit maps pixels along one axis to values. Labels that do not agree (misread ones, a page number beside an axis) are
left out; the way in which ambiguous labels are read is the one in which most of them agree.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from msgspec import Struct

from pierian.vision.charts.quantities import Quantity, dated_row, readings
from pierian.vision.charts.sheet import Label
from pierian.vision.scene import Axis, Tick

_WAYS = ("plain", "european", "thousands", "date", "day-first", "month-first")
_MOST_TICKS = 40


class Fit(Struct, frozen=True, kw_only=True):
    """A scale: `position = slope * t + offset`, with t the value, or its logarithm to base 10."""

    scale: Literal["linear", "log", "date"]
    slope: float
    offset: float
    ticks: tuple[Tick, ...]
    residual: float
    """In pixels, root of the mean square over the ticks."""
    unit: str = ""
    labels: tuple[Label, ...] = ()

    def value(self, position: float) -> float:
        """What stands at a place."""
        t = (position - self.offset) / self.slope
        return 10.0 ** min(max(t, -300.0), 300.0) if self.scale == "log" else t

    def position(self, value: float) -> float:
        """Where a value stands."""
        t = math.log10(max(value, 1e-300)) if self.scale == "log" else value
        return self.slope * t + self.offset

    def error(self, position: float, pixels: float) -> float:
        """What an uncertainty in pixels is worth there, in values."""
        return abs(self.value(position + pixels) - self.value(position - pixels)) / 2

    def axis(self, start: float, end: float, title: str = "") -> Axis:
        """As a value for others; `start` and `end` are the ends of the plot where values are low and high."""
        ends = sorted((self.value(start), self.value(end)))
        return Axis(
            scale=self.scale,
            title=title,
            unit=self.unit,
            ticks=self.ticks,
            lowest=ends[0],
            highest=ends[1],
            residual=self.residual,
        )


class Line(Struct, frozen=True):
    """Labels that stand in one row or column, in order. `fit`: what they say, where they are numbers or dates."""

    labels: tuple[Label, ...]
    fit: Fit | None


def fit_labels(labels: Sequence[Label], *, upright: bool, years: Sequence[int | None] = ()) -> Fit | None:
    """The scale that labels along one axis agree on, or None. `upright`: along y, where values mostly go up."""
    labels = labels[:_MOST_TICKS]
    if len(labels) < 2:
        return None
    places = [one.y if upright else one.x for one in labels]
    tolerance = max(2.5, 0.28 * float(np.median([one.size for one in labels])))
    best: tuple[float, Fit] | None = None
    read = [readings(one.text) for one in labels]
    for way in _WAYS:
        values = [_in_way(one, way) for one in read]
        best = _better(best, _candidate(labels, places, values, way, tolerance, upright))
    dates = dated_row([one.text for one in labels], list(years) or [None] * len(labels))
    if dates is not None and not (_of_no_year(dates) and _evenly(places) and _follow(dates)):
        values = [None if one is None else Quantity("date", one) for one in dates]
        best = _better(best, _candidate(labels, places, values, "date", tolerance, upright))
    return best[1] if best else None


def _of_no_year(dates: Sequence[float | None]) -> bool:
    return min(one for one in dates if one is not None) < 366 * 86400


def _follow(dates: Sequence[float | None]) -> bool:
    """Whether no month is left out: a row of all months names categories, every third one marks an axis of time."""
    days = [one / 86400 for one in dates if one is not None]
    return all(abs(second - first) < 45 for first, second in itertools.pairwise(days))


def _evenly(places: Sequence[float]) -> bool:
    """Whether labels stand at equal distances: then names of months are categories, for months are not equal."""
    steps = np.diff(places)
    even = np.polyfit(np.arange(len(places)), np.array(places), 1)
    off = np.array(places) - np.polyval(even, np.arange(len(places)))
    return float(np.sqrt((off**2).mean())) < max(1.2, 0.012 * float(np.median(steps)))


def _better(best: tuple[float, Fit] | None, other: tuple[float, Fit] | None) -> tuple[float, Fit] | None:
    return other if other and (best is None or other[0] > best[0] + 1e-9) else best


def _in_way(read: tuple[Quantity, ...], way: str) -> Quantity | None:
    return next((one for one in read if one.way == way), None)


def _candidate(
    labels: Sequence[Label],
    places: list[float],
    values: list[Quantity | None],
    way: str,
    tolerance: float,
    upright: bool,
) -> tuple[float, Fit] | None:
    """The best fit of one way of reading, with its merit: how many labels agree, less a little for doubts."""
    known = [index for index, one in enumerate(values) if one is not None]
    if len(known) < 2:
        return None
    numbers = np.array([values[index].value for index in known])  # pyright: ignore[reportOptionalMemberAccess]
    spots = np.array([places[index] for index in known])
    scales: list[Literal["linear", "log", "date"]] = (
        ["date"] if way not in ("plain", "european", "thousands") else ["linear"]
    )
    if scales == ["linear"] and bool((numbers > 0).all()) and len(known) >= 2:
        scales.append("log")
    best: tuple[float, Fit] | None = None
    for scale in scales:
        ts = np.log10(numbers) if scale == "log" else numbers
        agreeing = _consensus(ts, spots, tolerance, upright)
        # Two labels fit any line: they count as a linear scale, of plain numbers.
        least = 3 if scale == "log" or len(known) > 3 else 2
        if agreeing is None or len(agreeing) < max(least, 0.5 * len(known)):
            continue
        if scale == "log" and np.ptp(ts[agreeing]) < 1:
            continue
        fit = _fit(labels, known, numbers, ts, spots, agreeing, scale, values, tolerance)
        merit = len(agreeing) - 0.02 * fit.residual - (0.3 if scale == "log" else 0.0)
        best = _better(best, (merit, fit))
    return best if best and 2 * len(best[1].ticks) >= min(len(labels), 2 * len(known)) * 0.7 else None


def _consensus(ts: np.ndarray, spots: np.ndarray, tolerance: float, upright: bool) -> list[int] | None:
    """The largest set of labels that one line goes through; values that rise upwards or rightwards are preferred."""
    best: tuple[float, list[int]] | None = None
    span = max(float(np.ptp(spots)), 1.0)
    for first, second in combinations(range(len(ts)), 2):
        rise, run = float(ts[second] - ts[first]), float(spots[second] - spots[first])
        if abs(rise) < 1e-12 or abs(run) < 3:
            continue
        slope = run / rise
        off = np.abs(spots - (spots[first] + slope * (ts - ts[first])))
        inside = np.flatnonzero(off <= tolerance)
        if len({round(float(ts[one]), 12) for one in inside}) < len(inside):
            continue
        usual = (slope < 0) == upright
        positive = float((ts[inside] >= 0).mean())
        spread = float(np.ptp(spots[inside])) / span
        merit = len(inside) + 0.3 * usual + 0.2 * positive + 0.1 * spread - 0.05 * float(off[inside].mean())
        if best is None or merit > best[0]:
            best = merit, [int(one) for one in inside]
    return best[1] if best else None


def _fit(
    labels: Sequence[Label],
    known: list[int],
    numbers: np.ndarray,
    ts: np.ndarray,
    spots: np.ndarray,
    agreeing: list[int],
    scale: Literal["linear", "log", "date"],
    values: list[Quantity | None],
    tolerance: float,
) -> Fit:
    # Centred, since dates in seconds would drown the offsets of a few pixels.
    middle = float(ts[agreeing].mean())
    slope, height = (float(one) for one in np.polyfit(ts[agreeing] - middle, spots[agreeing], 1))
    offset = height - slope * middle
    off = spots[agreeing] - (slope * ts[agreeing] + offset)
    ticks = [
        Tick(position=float(spots[one]), text=labels[known[one]].text, value=float(numbers[one]))
        for one in agreeing
    ]
    chosen = [labels[known[one]] for one in agreeing]
    # A label whose minus was not read belongs to the axis all the same.
    for one in range(len(ts)):
        if (
            one not in agreeing
            and scale == "linear"
            and abs(spots[one] - (offset - slope * ts[one])) <= tolerance
        ):
            chosen.append(labels[known[one]])
            ticks.append(
                Tick(position=float(spots[one]), text=labels[known[one]].text, value=-float(numbers[one]))
            )
    units = [one.unit for one in values if one is not None and one.unit]
    unit = max(set(units), key=units.count) if units and len(units) >= len(agreeing) / 3 else ""
    return Fit(
        scale=scale,
        slope=slope,
        offset=offset,
        ticks=tuple(sorted(ticks, key=lambda tick: tick.position)),
        residual=float(np.sqrt((off**2).mean())),
        unit=unit,
        labels=tuple(chosen),
    )


def snapped(fit: Fit, places: Sequence[float], reach: float) -> Fit:
    """The fit again, with gridlines and tick marks instead of the middles of labels where nearly all have one.

    `places` are where such lines cross the axis, `reach` how far from a label's middle one may be.
    """
    pairs = list[tuple[float, Tick]]()
    for tick in fit.ticks:
        near = min(places, key=lambda one: abs(one - tick.position), default=math.inf)
        if abs(near - tick.position) <= reach:
            pairs.append((near, tick))
    if len(pairs) < max(2, 0.7 * len(fit.ticks)):
        return fit
    shifts = [near - tick.position for near, tick in pairs]
    middle = float(np.median(shifts))
    kept = [(near, tick) for near, tick in pairs if abs(near - tick.position - middle) <= 2.5]
    if len(kept) < max(2, 0.7 * len(fit.ticks)):
        return fit
    ts = np.array([math.log10(tick.value) if fit.scale == "log" else tick.value for _, tick in kept])
    spots = np.array([near for near, _ in kept])
    centre = float(ts.mean())
    slope, height = (float(one) for one in np.polyfit(ts - centre, spots, 1))
    offset = height - slope * centre
    residual = float(np.sqrt(((spots - slope * ts - offset) ** 2).mean()))
    if residual > fit.residual + 1.0:
        return fit
    lines = {tick.text: near for near, tick in kept}
    ticks = tuple(
        Tick(position=lines.get(tick.text, tick.position), text=tick.text, value=tick.value)
        for tick in fit.ticks
    )
    return Fit(
        scale=fit.scale,
        slope=slope,
        offset=offset,
        ticks=ticks,
        residual=residual,
        unit=fit.unit,
        labels=fit.labels,
    )


def columns(labels: Sequence[Label]) -> list[Line]:
    """Labels one below another that end, begin or are centred at one place, and say numbers: upright axes."""
    found = list[Line]()
    useful = [one for one in labels if readings(one.text)]
    for edge in ("right", "left", "x"):
        for group in _aligned(useful, edge):
            ordered = tuple(sorted(group, key=lambda one: one.y))
            fit = fit_labels(ordered, upright=True)
            if fit is not None:
                found.append(Line(ordered, fit))
    return _distinct(found)


def rows(labels: Sequence[Label]) -> list[Line]:
    """Labels side by side at one height: level axes, of numbers, dates or names."""
    found = list[Line]()
    for edge in ("y", "top", "bottom"):
        for group in _aligned(labels, edge):
            ordered = tuple(sorted(group, key=lambda one: one.x))
            below = [_year_below(one, labels) for one in ordered]
            found.append(Line(ordered, fit_labels(ordered, upright=False, years=below)))
    return _distinct(found)


def _year_below(label: Label, labels: Sequence[Label]) -> int | None:
    for one in labels:
        under = 0 < one.y - label.y < 2.6 * label.size and one.left < label.right and one.right > label.left
        if under and len(one.text) == 4 and one.text.isdigit() and one.text[:2] in ("19", "20"):
            return int(one.text)
    return None


def _aligned(labels: Sequence[Label], edge: str) -> list[list[Label]]:
    """Groups of at least two labels whose edges agree within a part of the size of their letters."""
    ordered = sorted(labels, key=lambda one: float(getattr(one, edge)))
    groups = list[list[Label]]()
    for label in ordered:
        reach = (0.45 if edge in ("y", "top", "bottom") else 0.6) * label.size
        last = groups[-1] if groups else None
        if last and getattr(label, edge) - float(np.mean([getattr(one, edge) for one in last])) <= max(
            reach, 3
        ):
            last.append(label)
        else:
            groups.append([label])
    return [one for one in groups if len(one) >= 2]


def _distinct(lines: list[Line]) -> list[Line]:
    """Each set of labels once, larger ones first."""
    kept = list[Line]()
    for line in sorted(
        lines, key=lambda one: -(len(one.fit.ticks) * 100 if one.fit else 0) - len(one.labels)
    ):
        names = {one.id for one in line.labels}
        if not any(names <= {label.id for label in one.labels} for one in kept):
            kept.append(line)
    return kept
