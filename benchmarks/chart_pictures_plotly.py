"""Generated charts drawn by plotly."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.chart_looks import look_of
from benchmarks.chart_pictures_common import dates, truth_of
from benchmarks.chart_specs import Spec, Truth, five_numbers, wrapped

THEMES = (
    *("ggplot2", "gridon", "none", "plotly", "plotly_dark", "plotly_white", "presentation", "seaborn"),
    *("simple_white", "xgridoff", "ygridoff"),
    *(f"plotly-look-{number}" for number in range(16)),
)
_SEPARATORS = {"€": ",.", " ": ". "}
"""Of decimals and of thousands."""
_ready = False


def render(spec: Spec) -> tuple[bytes, Truth]:
    """The PNG of a spec and what it shows."""
    return _plotly(spec), truth_of(spec)


def _template(spec: Spec) -> Any:
    """A theme of plotly's own, or one made from a look."""
    if "-look-" not in spec.theme:
        return spec.theme
    look = look_of(spec.theme)
    axis = {
        "gridcolor": look.grid,
        "griddash": "dash" if look.dashed else "solid",
        "showline": look.axis,
        "mirror": look.frame,
        "linecolor": look.ink,
        "zeroline": False,
        "ticks": {"out": "outside", "in": "inside", "": ""}[look.ticks],
        "tickcolor": look.ink,
    }
    return {
        "layout": {
            "paper_bgcolor": look.paper,
            "plot_bgcolor": look.field,
            "colorway": list(look.colours),
            "font": {"color": look.ink},
            "title": {
                "x": 0.02 if look.title_left else 0.5,
                "font": {"size": look.title_size * spec.text_size},
            },
            "xaxis": axis | {"showgrid": look.frame or spec.horizontal},
            "yaxis": axis | {"showgrid": look.frame or not spec.horizontal},
            "bargap": look.gap,
        },
        "data": {"scatter": [{"line": {"width": 2 * look.thick}}]},
    }


def _plotly(spec: Spec) -> bytes:
    global _ready
    import kaleido
    import plotly.graph_objects as go

    if not _ready:
        kaleido.start_sync_server(n=1, silence_warnings=True)
        _ready = True
    figure = go.Figure(layout={"template": _template(spec)})
    for line in spec.lines:
        figure.add_trace(_trace(spec, line, go))
    value: dict[str, Any] = {"title": {"text": spec.y_title}, "showgrid": None if spec.grid else False}
    if spec.y_scale == "log":
        value |= {"type": "log", "range": [float(np.log10(spec.low)), float(np.log10(spec.high))]}
    else:
        value |= {"range": [spec.low, spec.high]}
        value |= {
            "%": {"ticksuffix": "%"},
            " %": {"ticksuffix": " %"},
            "£": {"tickprefix": "£", "tickformat": ","},
            "€": {"ticksuffix": " €", "tickformat": ","},
            " ": {"tickformat": ","},
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
        "bottom": {"orientation": "h", "y": -0.25, "yanchor": "top"},
    }
    if spec.wrapped_labels:
        other |= {"tickvals": list(spec.categories)}
        other |= {"ticktext": [wrapped(one).replace("\n", "<br>") for one in spec.categories]}
    if spec.bare:
        value |= {"showticklabels": False, "showgrid": False}
    figure.update_layout(
        width=spec.width,
        height=spec.height,
        title={"text": spec.title, "y": 0.98, "yanchor": "top"},
        font={"size": spec.text_size, "family": spec.font},
        barmode="stack" if spec.stacked else "group",
        showlegend=spec.legend not in ("none", "direct"),
        legend=legend.get(spec.legend, {}),
        separators=_SEPARATORS.get(spec.unit, ".,"),
        margin={
            "l": 40 + spec.text_size * (7 if spec.horizontal else 5),
            "r": 30,
            "t": 30 + spec.text_size * (2.5 * bool(spec.title) + 2 * (spec.legend == "top")),
            "b": 30
            + spec.text_size * (5 if spec.turned_labels else 3)
            + 3 * spec.text_size * (spec.legend == "bottom"),
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
                x=dates(spec, line.xs),
                y=line.values,
                name=line.name,
                mode="lines+markers" if spec.markers else "lines",
            )
        case "area":
            return go.Scatter(x=dates(spec, line.xs), y=line.values, name=line.name, stackgroup="one")
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
