"""Generated charts drawn by Altair (Vega-Lite) and Lets-Plot."""

from __future__ import annotations

import io
import json
from typing import Any

import pandas as pd

from benchmarks.chart_looks import look_of
from benchmarks.chart_pictures_common import dates, truth_of
from benchmarks.chart_specs import Spec, Truth, five_numbers, wrapped

_FLAVORS = (
    "darcula",
    "solarized_light",
    "solarized_dark",
    "high_contrast_dark",
    "high_contrast_light",
)
THEMES: dict[str, tuple[str, ...]] = {
    "altair": (
        *(
            "carbong10",
            "carbong90",
            "carbong100",
            "carbonwhite",
            "dark",
            "default",
            "excel",
            "fivethirtyeight",
        ),
        *("ggplot2", "googlecharts", "latimes", "powerbi", "quartz", "urbaninstitute", "vox"),
        *(f"altair-look-{number}" for number in range(14)),
    ),
    "letsplot": (
        *("bw", "classic", "grey", "light", "minimal", "minimal2"),
        *(f"flavor_{one}" for one in _FLAVORS),
        "flavor_o-look-10",  # In the place of one that the library lacks, so that the lots stay as they fell.
        *(f"letsplot-look-{number}" for number in range(10)),
    ),
}


def render(spec: Spec) -> tuple[bytes, Truth]:
    """The PNG of a spec and what it shows."""
    return (_altair if spec.library == "altair" else _letsplot)(spec), truth_of(spec)


def _frame(spec: Spec) -> pd.DataFrame:
    rows = list[dict[str, Any]]()
    for order, line in enumerate(spec.lines):
        for index, value in enumerate(line.values):
            row: dict[str, Any] = {"series": line.name, "value": value, "order": order, "index": index}
            if spec.kind == "histogram":
                row |= {"x": spec.edges[index], "x2": spec.edges[index + 1]}
            elif line.xs and spec.x_scale != "category":
                row["x"] = dates(spec, line.xs)[index]
            else:
                row["x"] = spec.categories[index]
            if spec.kind == "box":
                row |= dict(
                    zip(("w1", "q1", "q2", "q3", "w2"), five_numbers(line.samples[index]), strict=True)
                )
            rows.append(row)
    return pd.DataFrame(rows)


def _altair(spec: Spec) -> bytes:
    import altair as alt
    import vl_convert

    frame = _frame(spec)
    chart = _pie_altair(spec, frame, alt) if spec.kind == "pie" else _axes_altair(spec, frame, alt)
    scale = max(spec.text_size / 11, 0.8)
    chart = chart.properties(width=spec.width / scale * 0.75, height=spec.height / scale * 0.75)
    if spec.title:
        chart = chart.properties(title=spec.title)
    described = chart.to_dict()
    theme = None if spec.theme == "default" or "-look-" in spec.theme else spec.theme
    if theme is None and spec.theme != "default":
        described["config"] = _config(spec)
    return vl_convert.vegalite_to_png(described, scale=scale, theme=theme)


def _config(spec: Spec) -> dict[str, Any]:
    """A look as Vega-Lite's settings."""
    look = look_of(spec.theme)
    axis = {
        "domain": look.axis,
        "domainColor": look.ink,
        "ticks": bool(look.ticks),
        "tickColor": look.ink,
        "gridColor": look.grid,
        "gridDash": [4, 3] if look.dashed else [],
        "labelColor": look.ink,
        "titleColor": look.ink,
        "labelFont": look.font,
        "titleFont": look.font,
    }
    first = look.colours[0]
    words = {"labelColor": look.ink, "titleColor": look.ink, "labelFont": look.font}
    title = {"color": look.ink, "anchor": "start" if look.title_left else "middle", "font": look.font}
    return {
        "background": look.paper,
        "view": {"fill": look.field, "stroke": look.ink if look.frame else None},
        "axis": axis,
        "range": {"category": list(look.colours)},
        "mark": {"color": first},
        "text": {"color": look.ink},
        "rule": {"color": look.ink},
        "line": {"strokeWidth": 2 * look.thick},
        "legend": words,
        "title": title | {"fontSize": 11 * look.title_size},
        "scale": {"bandPaddingInner": min(look.gap, 0.5)},
    }


def _pie_altair(spec: Spec, frame: pd.DataFrame, alt: Any) -> Any:
    legend = alt.Legend(orient="bottom", columns=4) if spec.legend == "bottom" else alt.Legend()
    colour = alt.Color("x:N", sort=None, title=None, legend=None if spec.legend == "direct" else legend)
    base = alt.Chart(frame).encode(theta=alt.Theta("value:Q", stack=True), order="index:Q")
    radius = min(spec.width, spec.height) * 0.75 / max(spec.text_size / 11, 0.8) / 2 * 0.75
    stroke = {"stroke": "white", "strokeWidth": 2} if spec.edged else {}
    pie = base.mark_arc(outerRadius=radius, innerRadius=radius * 0.5 if spec.donut else 0, **stroke).encode(
        color=colour
    )
    return pie + base.mark_text(radius=radius * 1.2).encode(text="x:N") if spec.legend == "direct" else pie


_LABELS_ALTAIR = {
    "%": "format(datum.value, '~g') + '%'",
    " %": "format(datum.value, '~g') + ' %'",
    "£": "'£' + format(datum.value, ',')",
    "€": "replace(format(datum.value, ','), /,/g, '.') + ' €'",
    " ": "replace(format(datum.value, ','), /,/g, ' ')",
    "$": "format(datum.value, '$,')",
    "k": "format(datum.value / 1000, '~g') + 'k'",
    "M": "format(datum.value / 1000000, '~g') + 'M'",
    ",": "format(datum.value, ',')",
}


def _across_altair(spec: Spec, alt: Any) -> tuple[str, dict[str, Any]]:
    place = {"category": "x:N", "date": "x:T", "linear": "x:Q"}[spec.x_scale]
    axis: dict[str, Any] = {"grid": False}
    if spec.turned_labels and not spec.horizontal:
        axis["labelAngle"] = -45
    elif spec.x_scale == "category" and not spec.horizontal:
        axis["labelAngle"] = 0
    if spec.wrapped_labels:
        lines = {name: wrapped(name).split("\n") for name in spec.categories}
        axis["labelExpr"] = f"({json.dumps(lines)})[datum.label]"
    other: dict[str, Any] = {"axis": alt.Axis(**axis), "title": spec.x_title or None}
    if spec.x_scale == "category":
        other["sort"] = list(spec.categories)
    elif spec.kind in ("scatter", "histogram"):
        other["scale"] = alt.Scale(domain=[spec.edges[0], spec.edges[-1]], nice=False)
    else:
        other["scale"] = alt.Scale(zero=False, nice=False)
    return place, other


def _axes_altair(spec: Spec, frame: pd.DataFrame, alt: Any) -> Any:
    label = {"labelExpr": _LABELS_ALTAIR[spec.unit]} if spec.unit and spec.y_scale == "linear" else {}
    field = "value:Q"
    if spec.bare:
        label = {"labels": False, "ticks": False}
    value_axis = alt.Axis(grid=spec.grid and not spec.bare, **label)
    scale = alt.Scale(domain=[spec.low, spec.high], type=spec.y_scale, nice=False)
    value = {"scale": scale, "axis": value_axis, "title": spec.y_title or None}
    place, other = _across_altair(spec, alt)
    legend = {
        "inside": alt.Legend(orient="top-right"),
        "outside": alt.Legend(),
        "top": alt.Legend(orient="top"),
        "bottom": alt.Legend(orient="bottom"),
    }
    many = {"color": alt.Color("series:N", sort=None, title=None, legend=legend.get(spec.legend))}
    chart = alt.Chart(frame)
    v, h = ("x", "y") if spec.horizontal else ("y", "x")
    value_class, other_class = (alt.X, alt.Y) if spec.horizontal else (alt.Y, alt.X)
    match spec.kind:
        case "bar":
            stack = {"stack": True if spec.stacked else None}
            encoded = {
                v: value_class(field, **value, **stack),
                h: other_class(place, **other),
                **many,
                "order": "order:Q",
            }
            if not spec.stacked:
                encoded["xOffset" if h == "x" else "yOffset"] = (
                    alt.XOffset("series:N", sort=None) if h == "x" else alt.YOffset("series:N", sort=None)
                )
            if spec.y_scale == "log":
                encoded[v + "2"] = alt.Y2Datum(spec.low) if v == "y" else alt.X2Datum(spec.low)
            edge = {"stroke": "black", "strokeWidth": 1} if spec.edged else {}
            bars = chart.mark_bar(opacity=spec.alpha, **edge).encode(**encoded)
            if not spec.printed or spec.stacked:
                return bars
            aside = {"dx": 3, "align": "left"} if spec.horizontal else {"dy": -6}
            del encoded["color"]
            return bars + chart.mark_text(**aside).encode(**encoded, text=alt.Text(field, format="~g"))
        case "line":
            return chart.mark_line(point=spec.markers).encode(
                y=alt.Y(field, **value), x=alt.X(place, **other), **many
            )
        case "area":
            return chart.mark_area(opacity=spec.alpha).encode(
                y=alt.Y(field, **value, stack=True), x=alt.X(place, **other), **many, order="order:Q"
            )
        case "scatter":
            mark = chart.mark_circle if spec.seed % 2 else chart.mark_point
            return mark(opacity=spec.alpha).encode(y=alt.Y(field, **value), x=alt.X(place, **other), **many)
        case "histogram":
            return chart.mark_bar(opacity=spec.alpha).encode(
                y=alt.Y(field, **value), x=alt.X(place, **other), x2="x2:Q", y2=alt.Y2Datum(0)
            )
        case _:
            return _boxes_altair(chart, spec, alt, value_class, other_class, value, other, v, h)


def _boxes_altair(
    chart: Any,
    spec: Spec,
    alt: Any,
    value_class: Any,
    other_class: Any,
    value: Any,
    other: Any,
    v: str,
    h: str,
) -> Any:
    place = {h: other_class("x:N", **other)}
    thick = max(
        8,
        0.75
        * 0.4
        * (spec.height if spec.horizontal else spec.width)
        / max(spec.text_size / 11, 0.8)
        / len(spec.categories),
    )

    def second(name):
        return {v + "2": name + ":Q"}

    rule = chart.mark_rule().encode(**{v: value_class("w1:Q", **value)}, **second("w2"), **place)
    box = chart.mark_bar(size=thick).encode(**{v: value_class("q1:Q", **value)}, **second("q3"), **place)
    middle = chart.mark_tick(color="white", size=thick, thickness=2).encode(
        **{v: value_class("q2:Q", **value)}, **place
    )
    return rule + box + middle


def _letsplot(spec: Spec) -> bytes:
    import lets_plot as lp

    frame = _frame(spec)
    if spec.x_scale == "category":
        frame["x"] = frame["x"].astype(str)
    if "-look-" in spec.theme:
        theme = _look_letsplot(spec, lp)
    else:
        flavor = spec.theme.startswith("flavor")
        theme = getattr(lp, ("" if flavor else "theme_") + spec.theme)()
        theme = lp.theme_grey() + theme if flavor else theme
    plot = lp.ggplot(frame) + theme + _layer(spec, lp)
    scale = max(spec.text_size / 13, 0.7)
    plot += lp.ggsize(round(spec.width / scale), round(spec.height / scale))
    plot += lp.labs(title=spec.title or None, x=spec.x_title, y=spec.y_title)
    if spec.kind == "pie":
        plot += lp.theme(axis="blank", panel_grid="blank")
        plot += lp.ggtitle(spec.title)
    else:
        plot += _axes_letsplot(spec, lp)
    if spec.legend in ("none", "direct") and not (spec.kind == "pie" and spec.legend != "direct"):
        plot += lp.theme(legend_position="none")
    elif spec.legend in ("top", "bottom"):
        plot += lp.theme(legend_position=spec.legend, legend_title="blank")
    else:
        plot += lp.theme(legend_title="blank")
    file = io.BytesIO()
    plot.to_png(file, scale=scale)
    return file.getvalue()


def _look_letsplot(spec: Spec, lp: Any) -> Any:
    look = look_of(spec.theme)
    line = lp.element_line(color=look.ink)
    blank = lp.element_blank()
    grid = (
        lp.element_line(color=look.grid, linetype="dashed" if look.dashed else "solid")
        if spec.grid
        else blank
    )
    title = lp.element_text(hjust=0.0 if look.title_left else 0.5, color=look.ink)
    return (
        lp.theme_minimal()
        + lp.theme(
            plot_background=lp.element_rect(fill=look.paper, color=look.paper),
            panel_background=lp.element_rect(fill=look.field, color=look.ink if look.frame else look.field),
            legend_background=lp.element_rect(fill=look.paper, color=look.paper),
            panel_grid_major=grid,
            panel_grid_minor=blank,
            text=lp.element_text(color=look.ink),
            axis_text=lp.element_text(color=look.ink),
            axis_title=lp.element_text(color=look.ink),
            legend_text=lp.element_text(color=look.ink),
            plot_title=title,
            axis_line=line if look.axis else blank,
            axis_ticks=line if look.ticks else blank,
        )
        + lp.scale_fill_manual(list(look.colours))
        + lp.scale_color_manual(list(look.colours))
    )


def _layer(spec: Spec, lp: Any) -> Any:
    names = [one.name for one in spec.lines]
    many = len(names) > 1
    many = many or ("-look-" in spec.theme)
    fill = {"fill": lp.as_discrete("series", order_by="order")} if many else {}
    colour = {"color": lp.as_discrete("series", order_by="order")} if many else {}
    match spec.kind:
        case "bar":
            edge = {"color": "black"} if spec.edged else {}
            position = lp.position_stack() if spec.stacked else lp.position_dodge()
            return lp.geom_bar(
                lp.aes("x", "value", **fill), stat="identity", position=position, alpha=spec.alpha, **edge
            )
        case "line":
            layer = lp.geom_line(lp.aes("x", "value", group="series", **colour), size=1)
            return layer + lp.geom_point(lp.aes("x", "value", **colour), size=3) if spec.markers else layer
        case "area":
            return lp.geom_area(
                lp.aes("x", "value", group="series", **fill),
                stat="identity",
                position="stack",
                alpha=spec.alpha,
            )
        case "scatter":
            return lp.geom_point(lp.aes("x", "value", **colour), size=4, alpha=spec.alpha)
        case "pie":
            direct = spec.legend == "direct"
            labels = {"labels": lp.layer_labels(["x"]).size(14)} if direct else {}
            return lp.geom_pie(
                lp.aes(slice="value", fill=lp.as_discrete("x", order_by="index", order=1)),
                stat="identity",
                size=25,
                hole=0.5 if spec.donut else 0,
                stroke=1 if spec.edged else 0,
                **labels,
            )
        case "histogram":
            edge = {"color": "black"} if spec.edged else {}
            return lp.geom_rect(lp.aes(xmin="x", xmax="x2", ymax="value"), ymin=0, alpha=spec.alpha, **edge)
        case _:
            names_of = lp.aes("x", ymin="w1", lower="q1", middle="q2", upper="q3", ymax="w2")
            return lp.geom_boxplot(names_of, stat="identity")


def _axes_letsplot(spec: Spec, lp: Any) -> Any:
    wanted: dict[str, Any] = {
        "%": "{~g}%",
        " %": "{~g} %",
        "£": "£{,}",
        "$": "${,}",
        ",": "{,}",
        "k": "{~s}",
        "M": "{~s}",
    }
    options: dict[str, Any] = {"limits": [spec.low, spec.high], "expand": [0, 0]}
    if spec.unit in wanted and spec.y_scale == "linear":
        options["format"] = wanted[spec.unit]
    if spec.bare:
        options["labels"] = []
    scale = (
        lp.scale_y_log10(limits=[spec.low, spec.high], expand=[0, 0])
        if spec.y_scale == "log"
        else lp.scale_y_continuous(**options)
    )
    if spec.x_scale == "category":
        scale += lp.scale_x_discrete(limits=list(spec.categories))
    elif spec.x_scale == "date":
        scale += lp.scale_x_datetime()
    elif spec.kind in ("scatter", "histogram"):
        scale += lp.scale_x_continuous(limits=[spec.edges[0], spec.edges[-1]])
    if spec.horizontal:
        scale += lp.coord_flip()
    if spec.turned_labels and not spec.horizontal:
        scale += lp.theme(axis_text_x=lp.element_text(angle=45))
    return scale
