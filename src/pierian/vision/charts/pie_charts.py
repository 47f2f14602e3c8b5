"""Pie charts from their slices: names from the legend or from labels around the disc, shares from angles or print."""

from __future__ import annotations

import math

import numpy as np

from pierian.vision.charts.check import overlap
from pierian.vision.charts.legends import Legend
from pierian.vision.charts.matching import paired
from pierian.vision.charts.pies import Pie, Slice, slice_mask
from pierian.vision.charts.quantities import number
from pierian.vision.charts.sheet import Label, Sheet, distance, to_hex
from pierian.vision.regions import Box
from pierian.vision.scene import Chart, Mark, Series


def pie_chart(sheet: Sheet, pie: Pie, legend: Legend) -> Chart:
    """The chart that a disc makes; parts get their ids from the caller."""
    names, printed = _words(sheet, pie, legend)
    marks, doubts = list[Mark](), list[str]()
    wrong = 0
    for index, one in enumerate(pie.slices):
        share, error = one.share, 1.5 / (2 * math.pi * pie.radius) + 0.002
        written = printed[index]
        value = number(written) if written else None
        if value is not None and written.endswith("%"):
            wrong += abs(value / 100 - share) > 0.03
        marks.append(
            Mark(
                id="", region=sheet.back(_slice_box(pie, one)), x=float(index), y=share, error=error,
                label=names[index], printed=written,
            )
        )  # fmt: skip
    if wrong:
        doubts.append(f"{wrong} of the printed shares do not fit the angles of their slices.")
    if sum(bool(one) for one in names) < len(names):
        doubts.append("Not every slice has a name that could be read.")
    disc = Box(pie.x - pie.radius, pie.y - pie.radius, pie.x + pie.radius, pie.y + pie.radius)
    colour = to_hex(np.array(pie.slices[0].colour, np.float32))
    plot = sheet.back(disc)
    return Chart(
        id="",
        region=plot if isinstance(plot, Box) else plot.box,
        plot=plot if isinstance(plot, Box) else plot.box,
        kind="pie",
        title=_title(sheet, pie, names),
        series=(Series(name="", colour=colour, marks=tuple(marks)),),
        confidence=min(1.0, 0.5 + 0.5 * pie.roundness),
        agreement=_agreement(sheet, pie),
        unsure=tuple(doubts),
    )


def _slice_box(pie: Pie, one: Slice) -> Box:
    angles = np.radians(np.linspace(one.start, one.end, 60))
    xs = np.concatenate([np.cos(angles) * pie.radius, np.cos(angles) * pie.hole]) + pie.x
    ys = np.concatenate([np.sin(angles) * pie.radius, np.sin(angles) * pie.hole]) + pie.y
    return Box(float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))


def _agreement(sheet: Sheet, pie: Pie) -> float:
    """How well slices drawn again cover the pixels of their colours."""
    shape, found = (sheet.height, sheet.width), list[float]()
    for one in pie.slices:
        drawn = slice_mask(pie, one, shape)
        same = distance(sheet.lab, np.array(one.colour, np.float32)) < 14
        found.append(overlap(drawn, same & drawn) if drawn.any() else 0.0)
    weights = [one.share for one in pie.slices]
    return float(np.average(found, weights=weights))


def _words(sheet: Sheet, pie: Pie, legend: Legend) -> tuple[list[str], list[str]]:
    """For each slice its name and the number printed on it."""
    names, printed = [""] * len(pie.slices), [""] * len(pie.slices)
    for entry, index in _matched(pie, legend):
        names[index] = entry
    near = [
        one
        for one in sheet.labels
        if one.id not in legend.names and _reach(pie, one) < 0.6 * pie.radius + 2 * one.size
    ]
    with_share = [(one, *_parted(one.text)) for one in near]
    for words, target in ((1, names), (2, printed)):
        chosen = [one for one in with_share if one[words]]
        if target is names and any(names):
            continue
        if not chosen:
            continue
        costs = np.array([[_cost(pie, slice_, one[0]) for slice_ in pie.slices] for one in chosen])
        # What stands nowhere near, a title say, displaces no name.
        costs = np.minimum(costs, 0.75 * pie.radius)
        for row, column in paired(costs):
            if costs[row, column] < 0.75 * pie.radius:
                target[column] = str(chosen[row][words])
    return names, printed


def _parted(text: str) -> tuple[str, str]:
    """A label as its name and its number: `Jan 23%` has both, a year alone is a name."""
    words = text.replace("(", " ").replace(")", " ").split()
    if len(words) > 1 and number(words[-1]) is not None and words[-1].endswith("%"):
        return " ".join(words[:-1]).rstrip(":,"), words[-1]
    if number(text) is not None and not (len(text) == 4 and text.isdigit() and text[:2] in ("19", "20")):
        return "", text
    return text, ""


def _reach(pie: Pie, label: Label) -> float:
    """How far outside of the disc a label begins."""
    x = min(max(pie.x, label.left), label.right)
    y = min(max(pie.y, label.top), label.bottom)
    return math.hypot(x - pie.x, y - pie.y) - pie.radius


def _cost(pie: Pie, one: Slice, label: Label) -> float:
    """How far a label is from the middle of a slice's rim, or from the slice where it lies on the disc."""
    x, y = label.x - pie.x, label.y - pie.y
    away = math.hypot(x, y)
    angle = math.degrees(math.atan2(y, x))
    off = abs((angle - one.middle + 180) % 360 - 180)
    inside = max(0.0, off - (one.end - one.start) / 2)
    return (
        math.radians(inside) * pie.radius
        + 0.15 * math.radians(off) * pie.radius
        + 0.1 * max(0.0, away - pie.radius)
    )


def _matched(pie: Pie, legend: Legend) -> list[tuple[str, int]]:
    """Names of a legend with the slices of their colours."""
    if not legend.entries:
        return []
    costs = np.array(
        [
            [float(distance(entry.colour, np.array(one.colour, np.float32))) for one in pie.slices]
            for entry in legend.entries
        ]
    )
    return [
        (legend.entries[row].label.text, column) for row, column in paired(costs) if costs[row, column] < 25
    ]


def _title(sheet: Sheet, pie: Pie, names: list[str]) -> str:
    above = [
        one for one in sheet.labels if one.bottom < pie.y - pie.radius and one.text not in names and one.level
    ]
    return max(above, key=lambda one: one.size).text if above else ""
