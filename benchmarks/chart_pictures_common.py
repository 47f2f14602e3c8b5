"""What painters share whose library does not tell places: the truth of a chart, and its dates."""

from __future__ import annotations

import datetime
from typing import Any

from benchmarks.chart_pictures_matplotlib import series_of
from benchmarks.chart_specs import Spec, Truth


def truth_of(spec: Spec) -> Truth:
    """What a chart shows: values and ranges are known, boxes are not."""
    x_low, x_high = _x_range(spec)
    return Truth(
        library=spec.library,
        theme=spec.theme,
        kind=spec.kind,
        horizontal=spec.horizontal,
        stacked=spec.stacked,
        named=spec.legend != "none" and (spec.legend != "direct" or spec.kind == "pie"),
        series=series_of(spec, []),
        low=spec.low,
        high=spec.high,
        log=spec.y_scale == "log",
        x_scale=spec.x_scale,
        x_low=x_low,
        x_high=x_high,
    )


def _x_range(spec: Spec) -> tuple[float, float]:
    if spec.kind in ("scatter", "histogram"):
        return spec.edges[0], spec.edges[-1]
    if spec.lines[0].xs:
        return spec.lines[0].xs[0], spec.lines[0].xs[-1]
    return -0.5, len(spec.categories) - 0.5


def dates(spec: Spec, xs: tuple[float, ...]) -> list[Any]:
    """The places of values along x as a library takes them."""
    if spec.x_scale == "date":
        return [datetime.datetime.fromtimestamp(one, datetime.UTC).replace(tzinfo=None) for one in xs]
    if spec.x_scale == "category":
        return list(spec.categories)
    return list(xs)
