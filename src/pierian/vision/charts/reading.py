"""The chart digitiser: charts of a picture as data, with the check of each.

Works by geometry and colour on pixels and on lines of text that were read before; it reads no text itself, and what
it cannot measure it does not guess. Methods: axes by a robust fit of labels, marks by colour and shape, the check by
drawing the chart again.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from pierian.vision.charts.bar_charts import bar_chart
from pierian.vision.charts.box_charts import box_chart
from pierian.vision.charts.check import overlap
from pierian.vision.charts.curve_charts import area_chart, line_chart, scatter_chart
from pierian.vision.charts.fields import Field, find_field
from pierian.vision.charts.frame import Frame
from pierian.vision.charts.kinds import Verdict, decide
from pierian.vision.charts.legends import find_legend
from pierian.vision.charts.multipliers import (
    Multiplier,
    is_of_level_axis,
    is_of_upright_axis,
    multiplied,
    multipliers_of,
)
from pierian.vision.charts.other_axes import other_axes
from pierian.vision.charts.paint import paint_of
from pierian.vision.charts.pie_charts import pie_chart
from pierian.vision.charts.pies import find_pie
from pierian.vision.charts.results import Result, titles_of
from pierian.vision.charts.rules import find_rules
from pierian.vision.charts.sheet import Label, Sheet
from pierian.vision.regions import Box, box_of
from pierian.vision.scene import Axis, Chart, Series, TextLine, Tick

LEAST_SIDE = 48
"""Smaller pictures show no chart."""
LEAST_AGREEMENT = 0.35
"""Below this what was found is no chart."""
PLAIN = 0.55
"""Below this it is none where only one of its axes has several ticks; without any it may not even be doubtful."""
LEAST_TICKS = 3
DOUBTED = 0.6
"""What remains of the confidence where an axis is not what it seems."""
DOUBTFUL = 0.75
"""Below this the chart says that it does not match well."""


def read_charts(pixels: NDArray[np.uint8], texts: Sequence[TextLine]) -> tuple[Chart, ...]:
    """The charts of a picture (rows × columns × 3 bytes, RGB), whose lines of text are known."""
    if pixels.ndim != 3 or pixels.shape[2] != 3 or min(pixels.shape[:2]) < LEAST_SIDE:
        return ()
    sheet = Sheet.of(pixels, texts)
    multipliers = multipliers_of(sheet.labels)
    if multipliers:
        # No name in a legend and no number of an axis either.
        meant = {one.label.id for one in multipliers}
        sheet.labels = tuple(one for one in sheet.labels if one.id not in meant)
    legend = find_legend(sheet)
    pie = find_pie(sheet, legend)
    if pie is not None:
        chart = _bounded(pie_chart(sheet, pie, legend), pixels)
        return (_numbered(chart, 1),) if chart.agreement >= LEAST_AGREEMENT else ()
    rules = find_rules(sheet)
    field = find_field(sheet, rules, legend)
    if field is None:
        return ()
    field, doubts = _with_multipliers(field, multipliers)
    doubts += other_axes(sheet.labels, field, legend.names)
    frame = Frame(sheet=sheet, field=field, paint=paint_of(sheet, field, rules, legend), legend=legend)
    verdict = decide(frame)
    result = _result(verdict) if verdict else None
    if result is None:
        return ()
    chart = _doubted(_bounded(_chart(result), pixels), doubts)
    return (_numbered(chart, 1),) if _is_chart(chart) else ()


def _with_multipliers(field: Field, multipliers: Sequence[Multiplier]) -> tuple[Field, list[str]]:
    """A field whose axes count as the labels at their ends say, and what could not be applied."""
    doubts = list[str]()
    for one in multipliers:
        if is_of_upright_axis(one.label, field.box) and field.y and field.y.scale == "linear":
            field = msgspec.structs.replace(field, y=multiplied(field.y, one))
        elif is_of_level_axis(one.label, field.box) and field.x and field.x.scale == "linear":
            field = msgspec.structs.replace(field, x=multiplied(field.x, one))
        elif not _lies_in(one.label, field.box):
            doubts.append(
                f"“{one.label.text}” may hold for all numbers of an axis; it is not applied to the values."
            )
    return field, doubts


def _lies_in(label: Label, box: Box) -> bool:
    return box.left < label.x < box.right and box.top < label.y < box.bottom


def _doubted(chart: Chart, doubts: Sequence[str]) -> Chart:
    if not doubts:
        return chart
    return msgspec.structs.replace(
        chart, unsure=(*chart.unsure, *doubts), confidence=round(DOUBTED * chart.confidence, 3)
    )


def _is_chart(chart: Chart) -> bool:
    """Whether axes or marks leave no doubt that it is a chart: the rules and letters of a scanned page often look
    like a poor one."""
    measured = sum(len(axis.ticks) >= LEAST_TICKS for axis in (chart.x, chart.y) if axis is not None)
    return chart.agreement >= (LEAST_AGREEMENT if measured == 2 else PLAIN if measured else DOUBTFUL)


def _result(verdict: Verdict) -> Result | None:
    match verdict.kind:
        case "bar" | "histogram":
            return bar_chart(verdict)
        case "box":
            return box_chart(verdict)
        case "area":
            return area_chart(verdict)
        case "line":
            return line_chart(verdict)
        case "scatter":
            return scatter_chart(verdict)
        case "pie":
            return None


def _chart(result: Result) -> Chart:
    frame = result.frame
    agreement = overlap(result.drawn, result.ink)
    residuals = [axis.residual for axis in (result.along, result.across) if axis is not None]
    agreement *= 1 - min(sum(residuals) / 20, 0.3)
    doubts = list(result.doubts)
    if agreement < DOUBTFUL:
        doubts.append(
            f"Drawn again from its values, the chart covers {agreement:.0%} of what the picture shows: "
            "some values may be wrong."
        )
    few = [axis for axis in (result.along,) if axis is not None and 0 < len(axis.ticks) < 3]
    if few:
        doubts.append("Only two numbers of the value axis could be read.")
    paint, field = frame.paint, frame.field
    plot = frame.region(0, 0, paint.width, paint.height)
    x, y = (result.along, result.across) if frame.turned else (result.across, result.along)
    x, y = _in_picture(frame, x, level=True), _in_picture(frame, y, level=False)
    ticks = min(len(field.y.ticks) if field.y else 0, 5) / 5
    return Chart(
        id="",
        region=_whole(frame, box_of(plot)),
        plot=box_of(plot),
        kind=result.kind,
        horizontal=frame.turned,
        stacked=result.stacked,
        title=titles_of(frame).chart,
        x=x,
        y=y,
        series=result.series,
        confidence=round(result.sure * (0.5 + 0.5 * ticks) * (0.4 + 0.6 * agreement), 3),
        agreement=round(agreement, 3),
        unsure=tuple(doubts),
    )


def _in_picture(frame: Frame, axis: Axis | None, *, level: bool) -> Axis | None:
    """An axis whose ticks are at the picture's own pixels."""
    if axis is None:
        return None
    sheet, box = frame.sheet, frame.field.turned().box if frame.turned else frame.field.box
    ticks = list[Tick]()
    for tick in axis.ticks:
        place = Box(tick.position, box.bottom, tick.position, box.bottom)
        if not level:
            place = Box(box.left, tick.position, box.left, tick.position)
        spot = box_of(sheet.back(place)).centre
        ticks.append(msgspec.structs.replace(tick, position=spot.x if level else spot.y))
    return msgspec.structs.replace(axis, ticks=tuple(ticks), residual=axis.residual / sheet.scale)


def _whole(frame: Frame, plot: Box) -> Box:
    """The plot with its titles, labels and legend: nearly always the picture's text around it."""
    boxes = [plot]
    for label in frame.sheet.labels:
        box = box_of(frame.sheet.back(Box(label.left, label.top, label.right, label.bottom)))
        reach = 0.35 * max(plot.width, plot.height)
        if (
            box.right > plot.left - reach
            and box.left < plot.right + reach
            and box.bottom > plot.top - reach
            and box.top < plot.bottom + reach
        ):
            boxes.append(box)
    return Box(
        min(one.left for one in boxes),
        min(one.top for one in boxes),
        max(one.right for one in boxes),
        max(one.bottom for one in boxes),
    )


def _bounded(chart: Chart, pixels: NDArray[np.uint8]) -> Chart:
    """With its boxes inside of the picture."""
    height, width = pixels.shape[:2]

    def inside(box: Box) -> Box:
        return Box(
            min(max(box.left, 0.0), width),
            min(max(box.top, 0.0), height),
            min(max(box.right, 0.0), width),
            min(max(box.bottom, 0.0), height),
        )

    return msgspec.structs.replace(chart, region=inside(chart.region), plot=inside(chart.plot))


def _numbered(chart: Chart, number: int) -> Chart:
    """With the ids of the chart and of its marks."""
    count, series = 0, list[Series]()
    for one in chart.series:
        marks = [
            msgspec.structs.replace(mark, id=f"c{number}.m{count + place}")
            for place, mark in enumerate(one.marks, 1)
        ]
        count += len(marks)
        series.append(msgspec.structs.replace(one, marks=tuple(marks)))
    return msgspec.structs.replace(chart, id=f"c{number}", series=tuple(series))
