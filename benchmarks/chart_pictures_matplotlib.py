"""Generated charts drawn by matplotlib and seaborn, with the exact places of plot, marks and texts."""

from __future__ import annotations

import datetime
import io
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.dates
import matplotlib.font_manager
import matplotlib.pyplot as plt
import matplotlib.ticker
import numpy as np
import seaborn

from benchmarks.chart_looks import Look, look_of
from benchmarks.chart_specs import Place, Spec, Truth, TruthMark, TruthSeries, five_numbers, wrapped, written

MATPLOTLIB_THEMES = (
    *("Solarize_Light2", "bmh", "classic", "dark_background", "default", "fast", "fivethirtyeight", "ggplot"),
    *("grayscale", "petroff10", "petroff6", "petroff8", "tableau-colorblind10"),
    *(
        f"seaborn-v0_8-{one}"
        for one in ("paper", "bright", "colorblind", "dark", "darkgrid", "muted", "talk")
    ),
    *(f"matplotlib-look-{number}" for number in range(16)),
)
_STYLES = {
    "darkgrid": ("deep", "pastel", "tab20", "Dark2", "crest"),
    "whitegrid": ("muted", "colorblind", "Set1", "Paired", "flare"),
    "white": ("Set2", "husl", "Accent", "mako"),
    "dark": ("bright", "rocket", "hls", "Set3"),
    "ticks": ("dark", "viridis", "Spectral", "cubehelix", "magma"),
}
SEABORN_THEMES = tuple(f"{style}:{palette}" for style, palettes in _STYLES.items() for palette in palettes)


_FONTS = {one.name for one in matplotlib.font_manager.fontManager.ttflist}


def render(spec: Spec) -> tuple[bytes, Truth]:
    """The PNG of a spec and what it shows."""
    with mpl.rc_context():
        _style(spec)
        dpi = spec.text_size / 10 * 72
        figure, axes = plt.subplots(
            figsize=(spec.width / dpi, spec.height / dpi), dpi=dpi, layout="constrained"
        )
        try:
            drawn = _draw(spec, axes)
            figure.canvas.draw()
            truth = _truth(spec, figure, axes, drawn)
            file = io.BytesIO()
            figure.savefig(file, dpi=dpi, format="png")
            return file.getvalue(), truth
        finally:
            plt.close(figure)


def _look(spec: Spec) -> Look | None:
    """What the theme of a chart says beyond matplotlib's own settings."""
    return look_of(spec.theme) if "-look-" in spec.theme else None


def _look_settings(look: Look, spec: Spec) -> dict[str, Any]:
    box, open_sides = look.frame, look.axis
    return {
        "figure.facecolor": look.paper,
        "savefig.facecolor": look.paper,
        "axes.facecolor": look.field,
        "axes.edgecolor": look.ink,
        "axes.labelcolor": look.ink,
        "axes.titlecolor": look.ink,
        "axes.titlelocation": "left" if look.title_left else "center",
        "axes.titleweight": "bold" if look.title_left else "normal",
        "axes.prop_cycle": mpl.cycler(color=list(look.colours)),
        "axes.spines.left": open_sides,
        "axes.spines.bottom": open_sides or not spec.grid,
        "axes.spines.top": box,
        "axes.spines.right": box,
        "axes.grid": spec.grid,
        "axes.grid.axis": "both" if box else "x" if spec.horizontal else "y",
        "grid.color": look.grid,
        "grid.linestyle": "--" if look.dashed else "-",
        "text.color": look.ink,
        "xtick.color": look.ink,
        "ytick.color": look.ink,
        "xtick.direction": look.ticks or "out",
        "ytick.direction": look.ticks or "out",
        "xtick.major.size": 4 if look.ticks else 0,
        "ytick.major.size": 4 if look.ticks else 0,
        "lines.linewidth": 1.8 * look.thick,
        "legend.frameon": look.border,
        "hatch.color": look.field,
    }


def _style(spec: Spec) -> None:
    look = _look(spec)
    if look:
        plt.rcParams.update(_look_settings(look, spec))
    elif spec.library == "seaborn":
        style, palette = spec.theme.split(":")
        seaborn.set_theme(
            style=style, palette=palette, rc={"axes.grid": spec.grid} if style == "ticks" else None
        )
    else:
        mpl.style.use(spec.theme)
    if spec.library == "matplotlib" and spec.theme in (
        "default",
        "fast",
        "classic",
        "tableau-colorblind10",
        "petroff10",
    ):
        plt.rcParams["axes.grid"] = spec.grid
    plt.rcParams["axes.axisbelow"] = True
    plt.rcParams["font.family"] = [one for one in (spec.font, "DejaVu Sans") if one in _FONTS]
    for name in ("font.size", "xtick.labelsize", "ytick.labelsize", "legend.fontsize"):
        plt.rcParams[name] = 10
    plt.rcParams["axes.labelsize"] = 11
    plt.rcParams["axes.titlesize"] = 10 * look.title_size if look else 13


def _draw(spec: Spec, axes: Any) -> list[list[Any]]:
    drawer = {
        "bar": _bars,
        "line": _lines,
        "area": _areas,
        "scatter": _scatter,
        "pie": _pie,
        "histogram": _histogram,
        "box": _boxes,
    }[spec.kind]
    drawn = drawer(spec, axes)
    if spec.title:
        axes.set_title(spec.title)
    if spec.kind != "pie":
        _axes(spec, axes)
        _legend(spec, axes)
    return drawn


def _axes(spec: Spec, axes: Any) -> None:
    value, other = (axes.xaxis, axes.yaxis) if spec.horizontal else (axes.yaxis, axes.xaxis)
    limits, scale = (axes.set_xlim, axes.set_xscale) if spec.horizontal else (axes.set_ylim, axes.set_yscale)
    if spec.y_scale == "log":
        scale("log")
    limits(spec.low, spec.high)
    if spec.unit and spec.y_scale == "linear":
        value.set_major_formatter(
            matplotlib.ticker.FuncFormatter(lambda number, _: written(number, spec.unit))
        )
    if spec.bare:
        value.set_ticks([])
    value.set_label_text(spec.y_title)
    other.set_label_text(spec.x_title)
    if spec.kind in ("bar", "box") or (spec.categories and spec.x_scale == "category"):
        names = [wrapped(one) if spec.wrapped_labels else one for one in spec.categories]
        labels = ["" if spec.dropped_labels and index % 2 else label for index, label in enumerate(names)]
        other.set_ticks(range(len(labels)), labels)
        if spec.turned_labels and not spec.horizontal:
            axes.tick_params(axis="x", rotation=45 if spec.seed % 2 else 90)


def _legend(spec: Spec, axes: Any) -> None:
    handles, names = axes.get_legend_handles_labels()
    match spec.legend:
        case "inside":
            axes.legend(handles, names, loc="best")
        case "outside":
            axes.legend(handles, names, loc="center left", bbox_to_anchor=(1.01, 0.5))
        case "top":
            axes.legend(handles, names, loc="lower center", bbox_to_anchor=(0.5, 1.1), ncols=len(names))
        case "bottom":
            axes.legend(handles, names, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=len(names))
        case _:
            return


def _bars(spec: Spec, axes: Any) -> list[list[Any]]:
    count, places = len(spec.lines), np.arange(len(spec.categories))
    look = _look(spec)
    thick = (1 - look.gap if look else 0.7 if spec.stacked else 0.8) / (1 if spec.stacked else count)
    base, drawn = np.zeros(len(places)), list[list[Any]]()
    for index, line in enumerate(spec.lines):
        shift = 0 if spec.stacked else (index - (count - 1) / 2) * thick
        options: dict[str, Any] = {"label": line.name, "alpha": spec.alpha if spec.alpha < 1 else None}
        if spec.edged:
            options["edgecolor"] = look.ink if look else "black"
        if spec.hatched:
            options["hatch"] = ("//", "xx", "..", "\\\\")[index % 4]
        start = base if spec.stacked else (spec.low if spec.y_scale == "log" else 0)
        if spec.horizontal:
            found = axes.barh(places + shift, line.values, thick, left=start, **options)
        else:
            found = axes.bar(places + shift, line.values, thick, bottom=start, **options)
        if spec.printed:
            axes.bar_label(found, fmt="%g", label_type="center" if spec.stacked else "edge", fontsize=8)
        base = base + np.array(line.values)
        drawn.append(list(found))
    return drawn


def _xs(spec: Spec, xs: tuple[float, ...]) -> list[Any]:
    if spec.x_scale == "date":
        return [datetime.datetime.fromtimestamp(one, datetime.UTC).replace(tzinfo=None) for one in xs]
    return list(xs)


def _lines(spec: Spec, axes: Any) -> list[list[Any]]:
    for index, line in enumerate(spec.lines):
        marker = "osD^"[index] if spec.markers else None
        found = axes.plot(_xs(spec, line.xs), line.values, marker=marker, label=line.name)
        if spec.legend == "direct":
            axes.annotate(
                line.name,
                (_xs(spec, line.xs)[-1], line.values[-1]),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                color=found[0].get_color(),
            )
    if spec.legend == "direct":
        axes.margins(x=0.15)
    return []


def _areas(spec: Spec, axes: Any) -> list[list[Any]]:
    xs = _xs(spec, spec.lines[0].xs)
    axes.stackplot(
        xs, *(one.values for one in spec.lines), labels=[one.name for one in spec.lines], alpha=spec.alpha
    )
    return []


def _scatter(spec: Spec, axes: Any) -> list[list[Any]]:
    for index, line in enumerate(spec.lines):
        axes.scatter(
            line.xs,
            line.values,
            label=line.name,
            alpha=spec.alpha,
            color=f"C{index}",
            marker="osD"[index] if spec.seed % 3 else "o",
        )
    axes.set_xlim(*spec.edges)
    return []


def _pie(spec: Spec, axes: Any) -> list[list[Any]]:
    line = spec.lines[0]
    direct = spec.legend == "direct"
    wedge = {"width": 0.45} if spec.donut else {}
    if spec.edged:
        wedge["edgecolor"] = "white"
    axes.pie(
        line.values,
        labels=list(spec.categories) if direct else None,
        autopct="%1.0f%%" if spec.printed else None,
        wedgeprops=wedge,
        startangle=(spec.seed * 37) % 360,
        pctdistance=0.78 if spec.donut else 0.6,
    )
    if spec.legend == "bottom":
        axes.legend(list(spec.categories), loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3)
    elif not direct:
        axes.legend(list(spec.categories), loc="center left", bbox_to_anchor=(1.0, 0.5))
    return []


def _histogram(spec: Spec, axes: Any) -> list[list[Any]]:
    edges = np.array(spec.edges)
    options: dict[str, Any] = {"edgecolor": "white" if spec.seed % 2 else "black"} if spec.edged else {}
    _, _, bars = axes.hist(
        (edges[:-1] + edges[1:]) / 2, bins=edges, weights=spec.lines[0].values, alpha=spec.alpha, **options
    )
    return [list(bars)]


def _boxes(spec: Spec, axes: Any) -> list[list[Any]]:
    samples = [list(one) for one in spec.lines[0].samples]
    places = range(len(samples))
    way = {"orientation": "horizontal"} if spec.horizontal else {}
    if spec.library == "seaborn":
        names = [str(index) for index, one in enumerate(samples) for _ in one]
        flat = [value for one in samples for value in one]
        pair = {"y": names, "x": flat} if spec.horizontal else {"x": names, "y": flat}
        seaborn.boxplot(
            **pair,
            ax=axes,
            orient="h" if spec.horizontal else "v",
            **({"hue": names} if spec.seed % 2 else {}),
        )
        return []
    ink: dict[str, Any] = {}
    if look := _look(spec):
        lines = ("whiskerprops", "capprops", "medianprops")
        ink = {"boxprops": {"edgecolor": look.ink, "facecolor": look.colours[0]}} if spec.seed % 3 else {}
        ink |= {one: {"color": look.ink} for one in lines}
        ink |= {} if spec.seed % 3 else {"boxprops": {"color": look.ink}}
    axes.boxplot(samples, positions=list(places), widths=0.5, patch_artist=spec.seed % 3 > 0, **way, **ink)
    return []


def _truth(spec: Spec, figure: Any, axes: Any, drawn: list[list[Any]]) -> Truth:
    width, height = figure.canvas.get_width_height()
    place = lambda box: (float(box.x0), height - float(box.y1), float(box.x1), height - float(box.y0))  # noqa: E731
    renderer = figure.canvas.get_renderer()
    low, high = axes.get_xlim() if spec.horizontal else axes.get_ylim()
    x_low, x_high = axes.get_ylim() if spec.horizontal else axes.get_xlim()
    if spec.x_scale == "date":
        x_low, x_high = (matplotlib.dates.num2date(one).timestamp() for one in (x_low, x_high))
    plot = place(axes.get_window_extent(renderer))
    return Truth(
        library=spec.library,
        theme=spec.theme,
        kind=spec.kind,
        horizontal=spec.horizontal,
        stacked=spec.stacked,
        named=spec.legend != "none",
        series=series_of(spec, [[place(one.get_window_extent(renderer)) for one in row] for row in drawn]),
        low=float(low),
        high=float(high),
        log=spec.y_scale == "log",
        x_scale=spec.x_scale,
        x_low=float(x_low),
        x_high=float(x_high),
        plot=None if spec.kind == "pie" else plot,
        texts=tuple(_texts(figure, renderer, place, (width, height))),
        width=width,
        height=height,
    )


def _texts(figure: Any, renderer: Any, place: Any, size: tuple[int, int]) -> list[tuple[str, Place]]:
    found = list[tuple[str, Place]]()
    for one in figure.findobj(mpl.text.Text):
        if one.get_text().strip() and one.get_visible():
            box = place(one.get_window_extent(renderer))
            if box[0] > -1 and box[1] > -1 and box[2] < size[0] + 1 and box[3] < size[1] + 1:
                found += _text_lines(one.get_text(), box)
    return found


def _text_lines(text: str, box: Place) -> list[tuple[str, Place]]:
    """A text of several lines as these."""
    lines, (left, top, right, bottom) = text.split("\n"), box
    high = (bottom - top) / len(lines)
    return [(one, (left, top + at * high, right, top + (at + 1) * high)) for at, one in enumerate(lines)]


def series_of(spec: Spec, boxes: list[list[Place]]) -> tuple[TruthSeries, ...]:
    """The values of a spec as truth, with the boxes of its marks where they are known."""
    found = list[TruthSeries]()
    for row, line in enumerate(spec.lines):
        places = boxes[row] if row < len(boxes) else []
        marks = list[TruthMark]()
        total = sum(line.values) if spec.kind == "pie" else 1.0
        for index, value in enumerate(line.values):
            x = line.xs[index] if line.xs else float(index)
            if spec.kind == "histogram":
                x = (spec.edges[index] + spec.edges[index + 1]) / 2
            label = spec.categories[index] if spec.categories else ""
            numbers = five_numbers(line.samples[index]) if spec.kind == "box" else ()
            box = places[index] if index < len(places) else None
            marks.append(TruthMark(x, value / total, label, numbers, box))
        found.append(TruthSeries(line.name, tuple(marks)))
    return tuple(found)
