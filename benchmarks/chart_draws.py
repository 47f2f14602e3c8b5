"""What is drawn by lot for a generated chart: kinds, names, values, scales, legends, all from a seed."""

from __future__ import annotations

import math
import random

import msgspec

from benchmarks.chart_specs import KINDS, Legend, Line, Spec, Unit, five_numbers, nice

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
    ("North America", "Latin America", "Western Europe", "Eastern Europe", "Middle East", "East Asia"),
    ("Under 1 year", "1-2 years", "3-5 years", "6-10 years", "Over 10 years"),
    ("Very satisfied", "Satisfied", "Neutral", "Dissatisfied", "Very dissatisfied"),
    ("Wheat", "Maize", "Rice", "Barley", "Oats", "Rye", "Sorghum", "Millet"),
    ("FY18", "FY19", "FY20", "FY21", "FY22", "FY23", "FY24"),
    ("Toyota", "Ford", "Renault", "Volvo", "Fiat", "Honda", "Skoda"),
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
    ("Full time", "Part time", "Seasonal"),
    ("Imports", "Exports"),
    ("Product 1", "Product 2", "Product 3", "Product 4"),
    ("Under 30", "30 to 50", "Over 50"),
    ("Control group", "Low dose", "High dose"),
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
    "How people travel to work, by age group",
    "Passengers at the five largest airports",
    "Fig. 3: Yield per hectare",
    "Household spending rises again",
)
_VALUE_TITLES = ("Revenue", "Units sold", "Share", "Score", "Output", "Visitors", "Cost", "Count")
_X_TITLES = ("Time", "Distance", "Age", "Temperature", "Weight", "Dose")


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
        unit=_unit(dice),
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


def _unit(dice: random.Random) -> Unit:
    units: tuple[Unit, ...] = ("", "", "", "", "%", "%", "$", "$", "k", "M", ",", ",", " %", "£", "€", " ")
    return dice.choice(units)


def _size(dice: random.Random, unit: str) -> float:
    """The order of the values that suits a unit."""
    base = {
        "%": 50.0,
        " %": 50.0,
        "k": 4e4,
        "M": 6e6,
        "$": 500.0,
        "£": 9e4,
        "€": 3e3,
        ",": 8000.0,
        " ": 2e4,
    }.get(unit)
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


def _legend(dice: random.Random, count: int, direct: bool) -> Legend:
    if count == 1:
        return "none"
    places: tuple[Legend, ...] = ("inside", "outside", "outside", "top", "top", "bottom", "bottom", "none")
    return "direct" if direct and dice.random() < 0.15 else dice.choice(places)


def _bars(spec: Spec, dice: random.Random) -> Spec:
    count = dice.choice((1, 1, 2, 2, 3, 4))
    labels = _labels(dice, 12 if count == 1 else 8 if count == 2 else 6, 2)
    stacked = count > 1 and dice.random() < 0.45
    size = _size(dice, spec.unit)
    negative = not stacked and not spec.unit.endswith("%") and dice.random() < 0.15
    log = not stacked and not negative and _may_be_log(spec) and dice.random() < 0.1
    lines = [
        Line(name, tuple(_bar_value(dice, size, negative, log) for _ in labels))
        for name in _names(dice, count)
    ]
    low, high = _bar_range(lines, stacked, log)
    printed = dice.random() < 0.25 and not negative and not log
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
        printed=printed,
        bare=printed and dice.random() < 0.25,
        wrapped_labels=any(" " in one for one in labels) and dice.random() < 0.7,
        hatched=dice.random() < 0.12,
        edged=dice.random() < 0.25,
        alpha=dice.choice((1.0, 1.0, 1.0, 0.7)),
        turned_labels=dice.random() < 0.25,
        dropped_labels=len(labels) >= 8 and dice.random() < 0.3,
    )


def _may_be_log(spec: Spec) -> bool:
    return spec.unit in ("", ",") and spec.library != "pygal"


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
    log = _may_be_log(spec) and dice.random() < 0.12
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
        legend=dice.choice(("outside", "bottom", "direct", "direct")),
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
        horizontal=dice.random() < 0.2 and spec.library != "pygal",
        turned_labels=dice.random() < 0.1,
    )
