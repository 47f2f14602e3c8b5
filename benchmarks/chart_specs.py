"""What a generated chart shows, before any library draws it: kinds, names, values, looks, all drawn from a seed.

Also the truth that a renderer gives back with its picture. Rendering itself is in `chart_pictures_*.py`.
"""

from __future__ import annotations

import math
import random
from typing import Literal

import msgspec
import numpy as np

Kind = Literal["bar", "line", "area", "scatter", "pie", "histogram", "box"]
KINDS: tuple[Kind, ...] = ("bar", "bar", "bar", "line", "line", "area", "scatter", "pie", "histogram", "box")
LIBRARIES = ("matplotlib", "seaborn", "plotly", "altair", "letsplot", "spreadsheet")
Place = tuple[float, float, float, float]
"""left, top, right, bottom in pixels."""

_CATEGORIES = (
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ("Q1", "Q2", "Q3", "Q4"),
    ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    ("2015", "2016", "2017", "2018", "2019", "2020", "2021", "2022", "2023", "2024"),
    ("North", "South", "East", "West", "Central", "Overseas"),
    ("Germany", "France", "Spain", "Italy", "Poland", "Norway", "Greece", "Ireland"),
    ("Apples", "Pears", "Plums", "Cherries", "Grapes", "Quinces", "Figs"),
    ("18-24", "25-34", "35-44", "45-54", "55-64", "65+"),
    ("Support", "Sales", "Research", "Finance", "Legal", "Logistics"),
    ("A", "B", "C", "D", "E", "F", "G"),
)
_NAMES = (
    ("Online", "Stores", "Partners", "Resellers", "Direct"),
    ("Men", "Women"),
    ("2021", "2022", "2023", "2024"),
    ("Coal", "Gas", "Wind", "Solar", "Hydro"),
    ("Alpha", "Beta", "Gamma", "Delta"),
    ("Budget", "Actual", "Forecast"),
    ("Series A", "Series B", "Series C", "Series D"),
    ("Berlin", "Madrid", "Oslo", "Athens", "Lyon"),
)
_TITLES = (
    "Revenue by region",
    "Monthly sales",
    "Visitors per year",
    "Energy mix",
    "Survey results",
    "Average score",
    "Output of the plant",
    "Cost of repairs",
    "Growth since launch",
    "Measured response",
)
_VALUE_TITLES = ("Revenue", "Units sold", "Share", "Score", "Output", "Visitors", "Cost", "Count")
_X_TITLES = ("Time", "Distance", "Age", "Temperature", "Weight", "Dose")


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
    unit: Literal["", "%", "$", "k", "M", ","] = ""
    legend: Literal["inside", "outside", "none", "direct", "top"] = "none"
    grid: bool = True
    markers: bool = False
    printed: bool = False
    hatched: bool = False
    alpha: float = 1.0
    edged: bool = False
    turned_labels: bool = False
    dropped_labels: bool = False
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


def draw(seed: int, library: str, theme: str) -> Spec:
    """The spec of a seed: everything but the library and its theme comes from the seed alone."""
    dice = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    width = round(math.exp(dice.uniform(math.log(300), math.log(2000))))
    height = min(max(round(width * dice.uniform(0.55, 0.85)), 240), 1500)
    common = msgspec.structs.replace(
        Spec(seed=seed, library=library, theme=theme, kind=kind),
        width=width,
        height=height,
        text_size=max(10.0, width * dice.uniform(0.014, 0.022)),
        font=dice.choice(
            ("DejaVu Sans", "DejaVu Sans", "DejaVu Serif", "Liberation Sans", "Open Sans", "Roboto")
        ),
        title=dice.choice(_TITLES) if dice.random() < 0.8 else "",
        y_title=dice.choice(_VALUE_TITLES) if dice.random() < 0.7 else "",
        grid=dice.random() < 0.6,
        unit=dice.choice(("", "", "", "%", "$", "k", "M", ",")),
    )
    maker = {
        "bar": _bars,
        "line": _lines,
        "area": _areas,
        "scatter": _scatter,
        "pie": _pie,
        "histogram": _histogram,
        "box": _boxes,
    }[kind]
    return maker(common, dice)


def nice(largest: float) -> float:
    """A round number a little above."""
    step = 10 ** math.floor(math.log10(largest)) / 2
    return math.ceil(largest * 1.04 / step) * step


def written(value: float, unit: str) -> str:
    """A value as an axis of this unit writes it: `k` and `M` cut thousands and millions off."""
    match unit:
        case "%":
            return f"{value:g}%"
        case "$":
            return f"${value:,.10g}" if abs(value) < 1e15 else f"${value:g}"
        case "k":
            return f"{value / 1e3:g}k"
        case "M":
            return f"{value / 1e6:g}M"
        case ",":
            return f"{value:,.10g}"
        case _:
            return f"{value:.10g}"


def five_numbers(samples: tuple[float, ...]) -> tuple[float, ...]:
    """Whisker, quartile, median, quartile, whisker, by Tukey's rule with linear quartiles."""
    data = np.array(samples)
    low, middle, high = (float(one) for one in np.percentile(data, [25, 50, 75]))
    reach = 1.5 * (high - low)
    inside = data[(data >= low - reach) & (data <= high + reach)]
    return float(inside.min()), low, middle, high, float(inside.max())


def _size(dice: random.Random, unit: str) -> float:
    """The order of the values that suits a unit."""
    base = {"%": 50.0, "k": 4e4, "M": 6e6, "$": 500.0, ",": 8000.0}.get(unit)
    return base * dice.uniform(0.5, 1.8) if base else 10 ** dice.uniform(-0.5, 3.5)


def _names(dice: random.Random, count: int) -> list[str]:
    if count == 1:
        return ["Total"]
    pool = dice.choice([one for one in _NAMES if len(one) >= count])
    return list(pool[:count])


def _labels(dice: random.Random, most: int, fewest: int = 3) -> tuple[str, ...]:
    pool = dice.choice(_CATEGORIES)
    count = min(dice.randint(fewest, most), len(pool))
    return pool[:count]


def _legend(
    dice: random.Random, count: int, direct: bool
) -> Literal["inside", "outside", "none", "direct", "top"]:
    if count == 1:
        return "none"
    return dice.choice(
        ("inside", "outside", "outside", "top", "direct" if direct else "inside", "outside", "none")
    )


def _bars(spec: Spec, dice: random.Random) -> Spec:
    count = dice.choice((1, 1, 2, 2, 3, 4))
    labels = _labels(dice, 12 if count == 1 else 8 if count == 2 else 6, 2)
    stacked = count > 1 and dice.random() < 0.45
    size = _size(dice, spec.unit)
    negative = not stacked and spec.unit != "%" and dice.random() < 0.15
    log = not stacked and not negative and spec.unit in ("", ",") and dice.random() < 0.1
    lines = [
        Line(name, tuple(_bar_value(dice, size, negative, log) for _ in labels))
        for name in _names(dice, count)
    ]
    low, high = _bar_range(lines, stacked, log)
    return msgspec.structs.replace(
        spec,
        categories=labels,
        lines=tuple(lines),
        stacked=stacked,
        low=low,
        high=high,
        y_scale="log" if log else "linear",
        horizontal=dice.random() < 0.3,
        legend=_legend(dice, count, False),
        printed=dice.random() < 0.25 and not negative and not log,
        hatched=dice.random() < 0.12,
        edged=dice.random() < 0.25,
        alpha=dice.choice((1.0, 1.0, 1.0, 0.7)),
        turned_labels=dice.random() < 0.25,
        dropped_labels=len(labels) >= 8 and dice.random() < 0.3,
    )


def _bar_value(dice: random.Random, size: float, negative: bool, log: bool) -> float:
    if log:
        return _round(10 ** dice.uniform(0.3, 4.5))
    return _round(size * dice.uniform(0.15, 1.0) * (-1 if negative and dice.random() < 0.4 else 1))


def _bar_range(lines: list[Line], stacked: bool, log: bool) -> tuple[float, float]:
    columns = list(zip(*(one.values for one in lines), strict=True))
    top = max(sum(one) if stacked else max(one) for one in columns)
    bottom = min(min(one) for one in columns)
    if log:
        return 1.0, 10.0 ** math.ceil(math.log10(top))
    return (-nice(-bottom) if bottom < 0 else 0.0), nice(max(top, 1e-9))


def _round(value: float) -> float:
    return float(f"{value:.3g}")


def _walk(dice: random.Random, count: int, size: float) -> list[float]:
    level, found = size * dice.uniform(0.3, 0.8), list[float]()
    drift = size * dice.uniform(-0.3, 0.5) / count
    for _ in range(count):
        level = min(max(level + drift + size * dice.uniform(-0.12, 0.12), size * 0.05), size)
        found.append(_round(level))
    return found


def _along(spec: Spec, dice: random.Random, most: int) -> tuple[Spec, list[float]]:
    """Where a line's points lie: categories, dates or numbers."""
    scale = dice.choice(("category", "category", "linear", "date"))
    if scale == "category":
        labels = _labels(dice, 12, 4)
        return msgspec.structs.replace(spec, categories=labels, x_scale=scale), [
            float(i) for i in range(len(labels))
        ]
    count = dice.randint(6, most)
    if scale == "date":
        start = dice.randint(0, 15) * 365.25 * 86400 + 1262304000
        step = dice.choice((1, 7, 30.4375, 91.3125)) * 86400
        xs = [round((start + i * step) / 86400) * 86400.0 for i in range(count)]
    else:
        step = dice.choice((0.5, 1, 2, 5, 10, 25))
        begin = dice.choice((0, 0, 1, 10, 2000 if step == 1 else 0))
        xs = [float(begin + i * step) for i in range(count)]
    return msgspec.structs.replace(spec, x_scale=scale, x_title=dice.choice(_X_TITLES)), xs


def _lines(spec: Spec, dice: random.Random) -> Spec:
    count = dice.choice((1, 1, 2, 3, 4))
    spec, xs = _along(spec, dice, 30)
    log = spec.unit in ("", ",") and dice.random() < 0.12
    size = 1e4 if log else _size(dice, spec.unit)
    lines = list[Line]()
    for name in _names(dice, count):
        values = _walk(dice, len(xs), 4.0 if log else size * dice.uniform(0.4, 1.0))
        lines.append(
            Line(name, tuple(_round(10**one) for one in values) if log else tuple(values), tuple(xs))
        )
    top = max(max(one.values) for one in lines)
    bottom = min(min(one.values) for one in lines)
    low = 0.0 if dice.random() < 0.6 or bottom < top * 0.3 else _round(bottom * 0.85)
    return msgspec.structs.replace(
        spec,
        lines=tuple(lines),
        y_scale="log" if log else "linear",
        low=10 ** math.floor(math.log10(bottom)) if log else low,
        high=10 ** math.ceil(math.log10(top)) if log else nice(top),
        legend=_legend(dice, count, True),
        markers=dice.random() < 0.4,
        turned_labels=spec.x_scale == "category" and dice.random() < 0.2,
    )


def _areas(spec: Spec, dice: random.Random) -> Spec:
    count = dice.choice((1, 2, 3))
    spec, xs = _along(spec, dice, 24)
    size = _size(dice, spec.unit)
    lines = [
        Line(name, tuple(_walk(dice, len(xs), size * dice.uniform(0.4, 1.0))), tuple(xs))
        for name in _names(dice, count)
    ]
    sums = [sum(one) for one in zip(*(one.values for one in lines), strict=True)]
    return msgspec.structs.replace(
        spec,
        lines=tuple(lines),
        stacked=count > 1,
        high=nice(max(sums)),
        legend=_legend(dice, count, False),
        alpha=dice.choice((1.0, 0.8, 0.5)) if count == 1 else 1.0,
    )


def _scatter(spec: Spec, dice: random.Random) -> Spec:
    count = dice.choice((1, 1, 2, 3))
    size, reach = _size(dice, spec.unit), 10 ** dice.uniform(0, 2.5)
    lines = list[Line]()
    for name in _names(dice, count):
        number = dice.randint(8, 40 // count + 8)
        slope, base = dice.uniform(-0.6, 0.6), dice.uniform(0.4, 0.6)
        xs = [_round(reach * dice.uniform(0.03, 0.97)) for _ in range(number)]
        ys = [
            _round(size * min(max(base + slope * (x / reach - 0.5) + dice.gauss(0, 0.13), 0.03), 0.97))
            for x in xs
        ]
        lines.append(Line(name, tuple(ys), tuple(xs)))
    return msgspec.structs.replace(
        spec,
        lines=tuple(lines),
        x_scale="linear",
        high=nice(size),
        legend=_legend(dice, count, False),
        alpha=dice.choice((1.0, 1.0, 0.7)),
        x_title=dice.choice(_X_TITLES),
        edges=(0.0, nice(reach)),
    )


def _pie(spec: Spec, dice: random.Random) -> Spec:
    labels = _labels(dice, 7)
    values = tuple(_round(dice.uniform(0.2, 1.0)) for _ in labels)
    return msgspec.structs.replace(
        spec,
        categories=labels,
        lines=(Line("", values),),
        donut=dice.random() < 0.35,
        printed=dice.random() < 0.5,
        legend=dice.choice(("outside", "direct", "direct")),
        edged=dice.random() < 0.4,
    )


def _histogram(spec: Spec, dice: random.Random) -> Spec:
    bins, width = dice.randint(6, 24), 10 ** dice.uniform(-1, 1.5)
    width = float(f"{width:.1g}")
    start = width * dice.randint(-5, 10)
    middle, spread = dice.uniform(0.3, 0.7) * bins, bins * dice.uniform(0.12, 0.25)
    count = dice.randint(80, 2000)
    heights = [
        float(
            round(
                count
                / bins
                * 3
                * math.exp(-(((i + 0.5 - middle) / spread) ** 2) / 2)
                * dice.uniform(0.75, 1.1)
            )
        )
        for i in range(bins)
    ]
    heights = [max(one, 1.0) for one in heights]
    edges = tuple(start + i * width for i in range(bins + 1))
    return msgspec.structs.replace(
        spec,
        unit="",
        edges=edges,
        x_scale="linear",
        lines=(Line("Total", tuple(heights)),),
        high=nice(max(heights)),
        edged=dice.random() < 0.6,
        alpha=dice.choice((1.0, 0.75)),
        x_title=dice.choice(_X_TITLES),
        y_title="Count" if dice.random() < 0.7 else "Frequency",
    )


def _boxes(spec: Spec, dice: random.Random) -> Spec:
    labels = _labels(dice, 7, 2)
    size = _size(dice, spec.unit)
    samples = list[tuple[float, ...]]()
    for _ in labels:
        middle, spread = size * dice.uniform(0.35, 0.65), size * dice.uniform(0.06, 0.16)
        samples.append(
            tuple(_round(max(dice.gauss(middle, spread), 0.0)) for _ in range(dice.randint(25, 70)))
        )
    return msgspec.structs.replace(
        spec,
        categories=labels,
        lines=(Line("Total", tuple(five_numbers(one)[2] for one in samples), samples=tuple(samples)),),
        low=0.0,
        high=nice(max(max(one) for one in samples)),
        horizontal=dice.random() < 0.2,
        turned_labels=dice.random() < 0.1,
    )
