"""What a generated chart shows, before any library draws it: kinds, names, values, looks.

Also the truth that a renderer gives back with its picture. What is drawn by lot is in `chart_draws`, rendering in
`chart_pictures_*`.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np

Kind = Literal["bar", "line", "area", "scatter", "pie", "histogram", "box"]
KINDS: tuple[Kind, ...] = ("bar", "bar", "bar", "line", "line", "area", "scatter", "pie", "histogram", "box")
LIBRARIES = ("matplotlib", "seaborn", "plotly", "altair", "letsplot", "spreadsheet", "bokeh", "pygal")
Unit = Literal["", "%", " %", "$", "£", "€", "k", "M", ",", " "]
Legend = Literal["inside", "outside", "none", "direct", "top", "bottom"]
Place = tuple[float, float, float, float]
"""left, top, right, bottom in pixels."""


class Line(msgspec.Struct, frozen=True):
    """A series of a spec. `samples`: for box plots, what each box sums up."""

    name: str
    values: tuple[float, ...]
    xs: tuple[float, ...] = ()
    samples: tuple[tuple[float, ...], ...] = ()


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One chart to draw. `unit`: how values are written on the axis; `edges`: of a histogram's bins."""

    seed: int
    library: str
    theme: str
    kind: Kind
    horizontal: bool = False
    stacked: bool = False
    donut: bool = False
    title: str = ""
    x_title: str = ""
    y_title: str = ""
    categories: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    x_scale: Literal["category", "linear", "date"] = "category"
    y_scale: Literal["linear", "log"] = "linear"
    lines: tuple[Line, ...] = ()
    low: float = 0.0
    high: float = 1.0
    unit: Unit = ""
    legend: Legend = "none"
    grid: bool = True
    markers: bool = False
    printed: bool = False
    hatched: bool = False
    alpha: float = 1.0
    edged: bool = False
    turned_labels: bool = False
    dropped_labels: bool = False
    wrapped_labels: bool = False
    """Names of several words stand in two lines."""
    bare: bool = False
    """The value axis has no numbers: the bars have."""
    font: str = "sans-serif"
    text_size: float = 12.0
    """Height of the tick labels' font in pixels."""
    width: int = 800
    height: int = 500


class TruthMark(msgspec.Struct, frozen=True):
    """A drawn value; `box` where the library tells it."""

    x: float
    y: float
    label: str = ""
    numbers: tuple[float, ...] = ()
    box: Place | None = None


class TruthSeries(msgspec.Struct, frozen=True):
    """A drawn series."""

    name: str
    marks: tuple[TruthMark, ...]


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What a picture shows. `named`: whether the picture tells the names of its series."""

    library: str
    theme: str
    kind: Kind
    horizontal: bool
    stacked: bool
    named: bool
    series: tuple[TruthSeries, ...]
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    x_scale: str = "category"
    x_low: float = 0.0
    x_high: float = 1.0
    plot: Place | None = None
    texts: tuple[tuple[str, Place], ...] = ()
    width: int = 0
    height: int = 0


def nice(largest: float) -> float:
    """A round number a little above."""
    step = 10 ** math.floor(math.log10(largest)) / 2
    return math.ceil(largest * 1.04 / step) * step


_EUROPEAN = str.maketrans({",": ".", ".": ","})


def written(value: float, unit: str) -> str:
    """A value as an axis of this unit writes it: `k` and `M` cut thousands and millions off."""
    match unit:
        case "%" | " %":
            return f"{value:g}{unit}"
        case "$" | "£":
            sign = "-" if value < 0 else ""
            return f"{sign}{unit}{abs(value):,.10g}"
        case "€":
            return f"{value:,.10g} €".translate(_EUROPEAN)
        case "k":
            return f"{value / 1e3:g}k"
        case "M":
            return f"{value / 1e6:g}M"
        case ",":
            return f"{value:,.10g}"
        case " ":
            return f"{value:,.10g}".replace(",", " ")
        case _:
            return f"{value:.10g}"


def five_numbers(samples: tuple[float, ...]) -> tuple[float, ...]:
    """Whisker, quartile, median, quartile, whisker, by Tukey's rule with linear quartiles."""
    data = np.array(samples)
    low, middle, high = (float(one) for one in np.percentile(data, [25, 50, 75]))
    reach = 1.5 * (high - low)
    inside = data[(data >= low - reach) & (data <= high + reach)]
    return float(inside.min()), low, middle, high, float(inside.max())


def wrapped(name: str) -> str:
    """A name of several words in two lines."""
    words = name.split(" ")
    half = (len(words) + 1) // 2
    return "\n".join(" ".join(one) for one in (words[:half], words[half:]) if one)
