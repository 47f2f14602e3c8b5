"""Generated charts drawn by pygal, as SVG that resvg turns into pixels."""

from __future__ import annotations

import datetime
import io
from typing import Any

import pygal
import resvg_py
from PIL import Image
from pygal.style import Style, styles

from benchmarks.chart_looks import look_of
from benchmarks.chart_pictures_common import truth_of
from benchmarks.chart_specs import Spec, Truth, five_numbers, written

THEMES = (
    *(
        "blue",
        "clean",
        "dark",
        "dark_colorized",
        "dark_green",
        "dark_green_blue",
        "dark_solarized",
        "default",
    ),
    *(
        "green",
        "light",
        "light_colorized",
        "light_red_blue",
        "light_solarized",
        "neon",
        "red_blue",
        "turquoise",
    ),
    *(f"pygal-look-{number}" for number in range(10)),
)
_FONTS = "DejaVu Sans, Liberation Sans, sans-serif"


def render(spec: Spec) -> tuple[bytes, Truth]:
    """The PNG of a spec and what it shows."""
    chart = _filled(spec, _chart(spec))
    drawn = resvg_py.svg_to_bytes(svg_string=chart.render(is_unicode=True))
    image = Image.open(io.BytesIO(bytes(drawn))).convert("RGB")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue(), truth_of(spec)


def _style(spec: Spec) -> Style:
    size = spec.text_size
    sizes = {
        f"{one}_font_size": round(size * factor, 1)
        for one, factor in (
            ("label", 1.0),
            ("major_label", 1.0),
            ("legend", 1.0),
            ("title", 1.5),
            ("value", 0.9),
        )
    } | {"value_label_font_size": size}
    families = {
        f"{one}font_family": _FONTS for one in ("", "label_", "legend_", "title_", "value_", "major_label_")
    }
    if "-look-" not in spec.theme:
        name = spec.theme
        return (styles[name] if name in styles else styles["light_red_blue"])(**sizes, **families)
    look = look_of(spec.theme)
    return Style(
        background=look.paper,
        plot_background=look.field,
        foreground=look.ink,
        foreground_strong=look.ink,
        foreground_subtle=look.grid,
        guide_stroke_color=look.grid,
        major_guide_stroke_color=look.grid,
        guide_stroke_dasharray="4,3" if look.dashed else "0",
        major_guide_stroke_dasharray="4,3" if look.dashed else "0",
        colors=look.colours,
        opacity=1.0,
        **sizes,
        **families,
    )


def _chart(spec: Spec) -> Any:
    options: dict[str, Any] = {
        "width": spec.width,
        "height": spec.height,
        "style": _style(spec),
        "title": spec.title or None,
        "x_title": (spec.y_title if spec.horizontal else spec.x_title) or None,
        "y_title": (None if spec.horizontal else spec.y_title) or None,
        "show_legend": spec.kind == "pie" or (spec.legend not in ("none", "direct") and len(spec.lines) > 1),
        "legend_at_bottom": spec.legend in ("bottom", "top"),
        "legend_box_size": round(spec.text_size),
        "value_formatter": lambda value: written(float(f"{value:.10g}"), spec.unit),
        "show_y_guides": spec.grid,
        "show_y_labels": not spec.bare,
        "print_values": spec.printed,
        "x_label_rotation": 40 if _turns(spec) else 0,
        "truncate_label": -1,
        "truncate_legend": -1,
        "js": [],
        "margin": round(spec.text_size),
        "spacing": round(spec.text_size * 0.8),
        "stroke_style": {"width": max(2, spec.text_size * 0.18)},
        "dots_size": max(2.5, spec.text_size * 0.25),
    }
    if spec.kind != "pie":
        options["range"] = (spec.low, spec.high)
    match spec.kind:
        case "bar":
            name = f"{'Horizontal' if spec.horizontal else ''}{'Stacked' if spec.stacked else ''}Bar"
            return getattr(pygal, name)(**options)
        case "line" if spec.x_scale == "category":
            return pygal.Line(show_dots=spec.markers, **options)
        case "line":
            kind = pygal.DateLine if spec.x_scale == "date" else pygal.XY
            ends = {} if spec.x_scale == "date" else {"xrange": (spec.lines[0].xs[0], spec.lines[0].xs[-1])}
            return kind(show_dots=spec.markers, **ends, **options)
        case "area":
            return pygal.StackedLine(fill=True, show_dots=False, **options)
        case "scatter":
            return pygal.XY(stroke=False, xrange=(spec.edges[0], spec.edges[-1]), **options)
        case "pie":
            return pygal.Pie(inner_radius=0.5 if spec.donut else 0, **options)
        case "histogram":
            return pygal.Histogram(**options)
        case "box":
            return pygal.Box(box_mode="extremes", **options)


def _filled(spec: Spec, chart: Any) -> Any:
    if spec.categories and spec.kind not in ("pie", "box"):
        chart.x_labels = list(spec.categories)
    if spec.kind in ("line", "scatter", "area") and spec.x_scale != "category":
        return _with_places(spec, chart)
    match spec.kind:
        case "pie":
            for name, value in zip(spec.categories, spec.lines[0].values, strict=True):
                chart.add(name, value)
        case "histogram":
            bins = zip(spec.lines[0].values, spec.edges[:-1], spec.edges[1:], strict=True)
            chart.add("Total", list(bins))
        case "box":
            for name, samples in zip(spec.categories, spec.lines[0].samples, strict=True):
                first, low, middle, high, last = five_numbers(samples)
                # Nine values whose quartiles, by the library's own rule, are these.
                chart.add(name, [first, low, low, middle, middle, middle, high, high, last])
            chart.show_legend, chart.x_labels = False, list(spec.categories)
        case _:
            for line in spec.lines:
                chart.add(line.name, list(line.values))
    return chart


def _with_places(spec: Spec, chart: Any) -> Any:
    """Values at numbers or dates; areas have them at equal distances alone, and are given names."""
    xs = spec.lines[0].xs
    if spec.kind == "area":
        chart.x_labels = [_place(spec, one) for one in xs]
        chart.x_labels_major_every, chart.show_minor_x_labels = max(1, len(xs) // 6), False
    elif spec.x_scale == "date":
        chart.x_label_rotation = 30
    else:
        chart.x_value_formatter = lambda value: f"{value:g}"
    for line in spec.lines:
        places: list[Any] = list(line.xs)
        if spec.x_scale == "date":
            places = [datetime.datetime.fromtimestamp(one, datetime.UTC).date() for one in line.xs]
        values = list(line.values)
        chart.add(line.name, values if spec.kind == "area" else list(zip(places, values, strict=True)))
    return chart


def _place(spec: Spec, x: float) -> str:
    if spec.x_scale == "date":
        return datetime.datetime.fromtimestamp(x, datetime.UTC).strftime("%Y-%m-%d")
    return f"{x:g}"


def _turns(spec: Spec) -> bool:
    """Whether the labels of the x axis are turned: where it is asked for, and where they have no room."""
    if spec.kind == "area" and spec.x_scale == "date":
        return True
    long = sum(len(one) for one in spec.categories) * spec.text_size * 0.7 > spec.width * 0.8
    return not spec.horizontal and spec.kind != "pie" and (spec.turned_labels or long)
