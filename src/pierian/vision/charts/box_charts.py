"""Box plots from their boxes: five numbers for each category."""

from __future__ import annotations

import numpy as np

from pierian.vision.charts.check import drawn_again
from pierian.vision.charts.frame import category_axis, names_at
from pierian.vision.charts.kinds import Verdict
from pierian.vision.charts.results import Result, axis_titles, series_name
from pierian.vision.charts.sheet import to_hex
from pierian.vision.scene import Mark, Series


def box_chart(verdict: Verdict) -> Result:
    """The chart that boxes make."""
    frame, boxes = verdict.frame, list(verdict.boxes)
    if frame.turned:
        boxes = boxes[::-1]
    names = names_at([one.x for one in boxes], frame.field.x_labels, frame.paint.left)
    marks = list[Mark]()
    for index, box in enumerate(boxes):
        # From the lowest to the highest value, whichever way the axis runs.
        numbers = tuple(sorted(frame.value(one) for one in box.heights))
        region = frame.region(box.left, min(box.heights[1], box.heights[3]), box.right, box.heights[3])
        marks.append(
            Mark(
                id="",
                region=region,
                x=float(index),
                y=numbers[2],
                error=frame.error(box.heights[2]),
                label=names[index],
                numbers=numbers,
            )
        )
    across, along = axis_titles(frame)
    bodies = [(one.left, one.heights[1], one.right, one.heights[3]) for one in boxes]
    whiskers = [[(one.x, one.heights[0]), (one.x, one.heights[4])] for one in boxes]
    drawn = drawn_again(frame.paint.ink.shape, boxes=bodies, lines=whiskers)
    filled = drawn_again(frame.paint.ink.shape, boxes=bodies)
    colour = np.array(boxes[0].colour, np.float32)
    doubts = () if frame.field.y else (
        "The numbers of the value axis could not be read: values are shares of the plot's height.",
    )  # fmt: skip
    return Result(
        kind="box",
        frame=frame,
        series=(Series(name=series_name(frame, -1, 0, False), colour=to_hex(colour), marks=tuple(marks)),),
        across=category_axis(names, across),
        along=frame.axis_of_values(along),
        drawn=drawn,
        ink=frame.paint.ink | filled,
        sure=verdict.sure,
        doubts=doubts,
    )
