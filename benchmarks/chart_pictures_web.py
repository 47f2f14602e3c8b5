"""Generated charts drawn by plotly, Altair (Vega-Lite) and Lets-Plot: values and ranges are known, boxes are not."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.chart_pictures_matplotlib import series_of
from benchmarks.chart_specs import Spec, Truth, five_numbers

THEMES: dict[str, tuple[str, ...]] = {
    "plotly": (
        "ggplot2",
        "gridon",
        "none",
        "plotly",
        "plotly_dark",
        "plotly_white",
        "presentation",
        "seaborn",
        "simple_white",
        "xgridoff",
    ),
    "altair": (
        "carbong10",
        "carbonwhite",
        "dark",
        "default",
        "excel",
        "fivethirtyeight",
        "ggplot2",
        "googlecharts",
        "latimes",
        "powerbi",
        "quartz",
        "vox",
    ),
    "letsplot": (
        "bw",
        "classic",
        "flavor_darcula",
        "flavor_solarized_light",
        "grey",
        "light",
        "minimal",
        "minimal2",
    ),
}
_ready = False


def render(spec: Spec) -> tuple[bytes, Truth]:
    """The PNG of a spec and what it shows."""
    data = {"plotly": _plotly, "altair": _altair, "letsplot": _letsplot}[spec.library](spec)
    x_low, x_high = _x_range(spec)
    return data, Truth(
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


def _dates(spec: Spec, xs: tuple[float, ...]) -> list[Any]:
    if spec.x_scale == "date":
        return [datetime.datetime.fromtimestamp(one, datetime.UTC).replace(tzinfo=None) for one in xs]
    if spec.x_scale == "category":
        return list(spec.categories)
    return list(xs)


def _plotly(spec: Spec) -> bytes:
    global _ready
    import kaleido
    import plotly.graph_objects as go

    if not _ready:
        kaleido.start_sync_server(n=1, silence_warnings=True)
        _ready = True
    figure = go.Figure(layout={"template": spec.theme})
    for line in spec.lines:
        figure.add_trace(_trace(spec, line, go))
    value: dict[str, Any] = {"title": {"text": spec.y_title}, "showgrid": None if spec.grid else False}
    if spec.y_scale == "log":
        value |= {"type": "log", "range": [float(np.log10(spec.low)), float(np.log10(spec.high))]}
    else:
        value |= {"range": [spec.low, spec.high]}
        value |= {
            "%": {"ticksuffix": "%"},
            "$": {"tickprefix": "$", "tickformat": ","},
            "k": {"tickformat": "~s"},
            "M": {"tickformat": "~s"},
            ",": {"tickformat": ","},
        }.get(spec.unit, {})
    other: dict[str, Any] = {"title": {"text": spec.x_title}}
    if spec.kind in ("scatter", "histogram"):
        other["range"] = [spec.edges[0], spec.edges[-1]]
    elif spec.x_scale == "category" and spec.kind != "pie":
        other |= {"type": "category"}
        if spec.turned_labels and not spec.horizontal:
            other["tickangle"] = -45
        if spec.dropped_labels:
            other |= {"tickvals": list(spec.categories)[::2]}
    legend = {
        "inside": {"x": 0.99, "xanchor": "right", "y": 0.99},
        "top": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    }
    figure.update_layout(
        width=spec.width,
        height=spec.height,
        title={"text": spec.title, "y": 0.98, "yanchor": "top"},
        font={"size": spec.text_size, "family": spec.font},
        barmode="stack" if spec.stacked else "group",
        showlegend=spec.legend not in ("none", "direct"),
        legend=legend.get(spec.legend, {}),
        margin={
            "l": 60,
            "r": 30,
            "t": 30 + spec.text_size * (2.5 * bool(spec.title) + 2 * (spec.legend == "top")),
            "b": 50,
        },
        bargap=0.0 if spec.kind == "histogram" else None,
        xaxis=value if spec.horizontal else other,
        yaxis=other if spec.horizontal else value,
    )
    return figure.to_image("png", width=spec.width, height=spec.height)


def _trace(spec: Spec, line: Any, go: Any) -> Any:
    edge = {"line": {"width": 1, "color": "black"}} if spec.edged else {}
    match spec.kind:
        case "bar":
            marker: dict[str, Any] = {**edge, **({"opacity": spec.alpha} if spec.alpha < 1 else {})}
            if spec.hatched:
                marker["pattern"] = {"shape": "/"}
            text = (
                {"text": [f"{one:g}" for one in line.values], "textposition": "auto"} if spec.printed else {}
            )
            if spec.horizontal:
                return go.Bar(
                    y=list(spec.categories),
                    x=line.values,
                    orientation="h",
                    name=line.name,
                    marker=marker,
                    **text,
                )
            return go.Bar(x=list(spec.categories), y=line.values, name=line.name, marker=marker, **text)
        case "line":
            return go.Scatter(
                x=_dates(spec, line.xs),
                y=line.values,
                name=line.name,
                mode="lines+markers" if spec.markers else "lines",
            )
        case "area":
            return go.Scatter(x=_dates(spec, line.xs), y=line.values, name=line.name, stackgroup="one")
        case "scatter":
            return go.Scatter(
                x=line.xs,
                y=line.values,
                name=line.name,
                mode="markers",
                marker={"size": spec.text_size * 0.6, "opacity": spec.alpha},
            )
        case "pie":
            return _pie_plotly(spec, line, go)
        case "histogram":
            edges = np.array(spec.edges)
            return go.Bar(
                x=(edges[:-1] + edges[1:]) / 2, y=line.values, marker=edge, width=edges[1] - edges[0]
            )
        case "box":
            return _box_plotly(spec, line, go)


def _pie_plotly(spec: Spec, line: Any, go: Any) -> Any:
    info = (
        "percent"
        if spec.printed and spec.legend != "direct"
        else "label+percent"
        if spec.printed
        else "label"
    )
    return go.Pie(
        labels=list(spec.categories),
        values=line.values,
        hole=0.5 if spec.donut else 0,
        sort=False,
        textinfo=info if spec.legend == "direct" or spec.printed else "none",
        textposition="outside" if spec.legend == "direct" else "inside",
        marker={"line": {"color": "white", "width": 2}} if spec.edged else {},
    )


def _box_plotly(spec: Spec, line: Any, go: Any) -> Any:
    numbers = np.array([five_numbers(one) for one in line.samples])
    along, across = ("y", "x") if spec.horizontal else ("x", "y")
    return go.Box(
        {
            "lowerfence": numbers[:, 0],
            "q1": numbers[:, 1],
            "median": numbers[:, 2],
            "q3": numbers[:, 3],
            "upperfence": numbers[:, 4],
            along: list(spec.categories),
            "orientation": "h" if spec.horizontal else "v",
            across: None,
        }
    )


def _frame(spec: Spec) -> pd.DataFrame:
    rows = list[dict[str, Any]]()
    for order, line in enumerate(spec.lines):
        for index, value in enumerate(line.values):
            row: dict[str, Any] = {"series": line.name, "value": value, "order": order, "index": index}
            if spec.kind == "histogram":
                row |= {"x": spec.edges[index], "x2": spec.edges[index + 1]}
            elif line.xs and spec.x_scale != "category":
                row["x"] = _dates(spec, line.xs)[index]
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
    return vl_convert.vegalite_to_png(
        chart.to_dict(), scale=scale, theme=None if spec.theme == "default" else spec.theme
    )


def _pie_altair(spec: Spec, frame: pd.DataFrame, alt: Any) -> Any:
    colour = alt.Color("x:N", sort=None, title=None, legend=None if spec.legend == "direct" else alt.Legend())
    base = alt.Chart(frame).encode(theta=alt.Theta("value:Q", stack=True), order="index:Q")
    radius = min(spec.width, spec.height) * 0.75 / max(spec.text_size / 11, 0.8) / 2 * 0.75
    stroke = {"stroke": "white", "strokeWidth": 2} if spec.edged else {}
    pie = base.mark_arc(outerRadius=radius, innerRadius=radius * 0.5 if spec.donut else 0, **stroke).encode(
        color=colour
    )
    return pie + base.mark_text(radius=radius * 1.2).encode(text="x:N") if spec.legend == "direct" else pie


_LABELS_ALTAIR = {
    "%": "format(datum.value, '~g') + '%'",
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
    value_axis = alt.Axis(grid=spec.grid, **label)
    scale = alt.Scale(domain=[spec.low, spec.high], type=spec.y_scale, nice=False)
    value = {"scale": scale, "axis": value_axis, "title": spec.y_title or None}
    place, other = _across_altair(spec, alt)
    legend = {
        "inside": alt.Legend(orient="top-right"),
        "outside": alt.Legend(),
        "top": alt.Legend(orient="top"),
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
            return chart.mark_bar(opacity=spec.alpha, **edge).encode(**encoded)
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
    import io

    import lets_plot as lp

    frame = _frame(spec)
    if spec.x_scale == "category":
        frame["x"] = frame["x"].astype(str)
    theme = getattr(lp, ("theme_" if not spec.theme.startswith("flavor") else "") + spec.theme)()
    if spec.theme.startswith("flavor"):
        theme = lp.theme_grey() + theme
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
    elif spec.legend == "top":
        plot += lp.theme(legend_position="top", legend_title="blank")
    else:
        plot += lp.theme(legend_title="blank")
    file = io.BytesIO()
    plot.to_png(file, scale=scale)
    return file.getvalue()


def _layer(spec: Spec, lp: Any) -> Any:
    names = [one.name for one in spec.lines]
    many = len(names) > 1
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
    wanted: dict[str, Any] = {"%": "{~g}%", "$": "${,}", ",": "{,}", "k": "{~s}", "M": "{~s}"}
    options: dict[str, Any] = {"limits": [spec.low, spec.high], "expand": [0, 0]}
    if spec.unit and spec.y_scale == "linear":
        options["format"] = wanted[spec.unit]
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
