"""Generated charts drawn by Bokeh, in a page of Chromium that is photographed."""

from __future__ import annotations

import atexit
import math
from typing import Any

import numpy as np
from bokeh.embed import file_html
from bokeh.models import ColumnDataSource, CustomJSTickFormatter, Legend, LegendItem
from bokeh.palettes import Bokeh8, Category10_8
from bokeh.plotting import figure
from bokeh.resources import INLINE
from bokeh.themes import Theme, built_in_themes
from playwright.sync_api import Page, sync_playwright

from benchmarks.chart_looks import Look, look_of
from benchmarks.chart_pictures_common import dates, truth_of
from benchmarks.chart_specs import Spec, Truth, five_numbers

THEMES = (
    *("caliber", "carbon", "contrast", "dark_minimal", "default", "light_minimal", "night_sky"),
    *(f"bokeh-look-{number}" for number in range(13)),
)
_DARK = ("carbon", "contrast", "dark_minimal", "night_sky")
_CODES = {
    "": "return '' + +tick.toPrecision(10)",
    "%": "return +tick.toPrecision(10) + '%'",
    " %": "return +tick.toPrecision(10) + ' %'",
    "$": "return '$' + tick.toLocaleString('en-US')",
    "£": "return '£' + tick.toLocaleString('en-US')",
    "€": "return tick.toLocaleString('de-DE') + ' €'",
    "k": "return +(tick / 1e3).toPrecision(8) + 'k'",
    "M": "return +(tick / 1e6).toPrecision(8) + 'M'",
    ",": "return tick.toLocaleString('en-US')",
    " ": "return tick.toLocaleString('en-US').replaceAll(',', ' ')",
}
_pages = list[Page]()


def render(spec: Spec) -> tuple[bytes, Truth]:
    """The PNG of a spec and what it shows."""
    look = look_of(spec.theme) if "-look-" in spec.theme else None
    colours = look.colours if look else Bokeh8 if spec.seed % 2 else Category10_8
    plot = _figure(spec)
    items = _pie(spec, plot, colours) if spec.kind == "pie" else _marks(spec, plot, colours)
    _finish(spec, plot, items, look)
    theme = Theme(json=_settings(look)) if look else _built_in(spec.theme)
    page = _page()
    page.set_viewport_size({"width": spec.width, "height": spec.height})
    paper = look.paper if look else "#ffffff"
    html = file_html(plot, INLINE, theme=theme)
    page.set_content(html.replace("<body>", f'<body style="margin:0;background:{paper}">'))
    page.wait_for_function("window.Bokeh && Bokeh.documents.length && Bokeh.documents[0].is_idle")
    return page.screenshot(), truth_of(spec)


def _page() -> Page:
    if not _pages:
        player = sync_playwright().start()
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        atexit.register(player.stop)
        _pages.append(browser.new_page())
    return _pages[0]


def _built_in(name: str) -> Theme:
    return built_in_themes[name] if name in built_in_themes else Theme(json={})


def _settings(look: Look) -> dict[str, Any]:
    line = {"axis_line_color": look.ink if look.axis else None}
    ticks = {"out": (0, 5), "in": (5, 0), "": (0, 0)}[look.ticks]
    words = {"text_color": look.ink, "text_font": look.font}
    return {
        "attrs": {
            "Plot": {
                "background_fill_color": look.field,
                "border_fill_color": look.paper,
                "outline_line_color": look.ink if look.frame else None,
            },
            "Grid": {"grid_line_color": look.grid, "grid_line_dash": [4, 3] if look.dashed else []},
            "Axis": {
                **line,
                "major_label_text_color": look.ink,
                "major_label_text_font": look.font,
                "axis_label_text_color": look.ink,
                "major_tick_in": ticks[0],
                "major_tick_out": ticks[1],
                "major_tick_line_color": look.ink,
                "minor_tick_line_color": None,
            },
            "Legend": {
                "background_fill_color": look.paper,
                "border_line_color": look.grid if look.border else None,
                "label_text_color": look.ink,
                "label_text_font": look.font,
            },
            "Title": {**words, "align": "left" if look.title_left else "center"},
        }
    }


def _figure(spec: Spec) -> Any:
    value: dict[str, Any] = {"range": (spec.low, spec.high), "axis_type": spec.y_scale}
    other: dict[str, Any] = {}
    if spec.kind == "pie":
        wide = 1.2 * spec.width / spec.height
        other, value = {"range": (-wide, wide)}, {"range": (-1.2, 1.2)}
    elif spec.kind in ("bar", "box") or spec.x_scale == "category":
        other = {"range": list(spec.categories)}
    elif spec.edges:
        other = {"range": (spec.edges[0], spec.edges[-1])}
    elif spec.x_scale == "date":
        other = {"axis_type": "datetime"}
    x, y = (value, other) if spec.horizontal else (other, value)
    named = {f"x_{key}": one for key, one in x.items()} | {f"y_{key}": one for key, one in y.items()}
    size = {"width": spec.width, "height": spec.height, "output_backend": "canvas"}
    return figure(
        title=spec.title or None, toolbar_location=None, match_aspect=spec.kind == "pie", **size, **named
    )


def _marks(spec: Spec, plot: Any, colours: Any) -> list[tuple[str, Any]]:
    """Everything but a pie; the glyphs by the names of their series."""
    found = list[tuple[str, Any]]()
    base = np.zeros(len(spec.lines[0].values))
    for index, line in enumerate(spec.lines):
        colour, values = colours[index], np.array(line.values)
        xs: Any = list(spec.categories) if spec.x_scale == "category" else dates(spec, line.xs)
        match spec.kind:
            case "bar":
                glyph = _bars(spec, plot, index, base, colour)
            case "line":
                thick = max(1.5, spec.text_size * 0.15)
                glyph = plot.line(xs, values, line_width=thick, color=colour)
                if spec.markers:
                    plot.scatter(xs, values, size=spec.text_size * 0.5, color=colour)
            case "area":
                glyph = plot.varea(xs, base, base + values, color=colour, alpha=spec.alpha)
            case "scatter":
                size = spec.text_size * 0.55
                glyph = plot.scatter(line.xs, values, size=size, color=colour, alpha=spec.alpha)
            case "histogram":
                edges = {"left": spec.edges[:-1], "right": spec.edges[1:]}
                outline = "white" if spec.edged else colour
                glyph = plot.quad(top=values, bottom=0, **edges, color=colour, line_color=outline)
            case _:
                glyph = _boxes(spec, plot, colour)
        if spec.stacked:
            base = base + values
        found.append((line.name, glyph))
    return found


def _bars(spec: Spec, plot: Any, index: int, base: Any, colour: str) -> Any:
    count, line = len(spec.lines), spec.lines[index]
    thick = 0.75 / (1 if spec.stacked else count)
    shift = 0.0 if spec.stacked else (index - (count - 1) / 2) * thick
    places = [(name, shift) for name in spec.categories]
    begin = base if spec.stacked else np.full(len(base), spec.low if spec.y_scale == "log" else 0.0)
    end = (base if spec.stacked else 0) + np.array(line.values)
    edge = {"line_color": "black"} if spec.edged else {}
    looks = {"color": colour, "alpha": spec.alpha} | edge | ({"hatch_pattern": "/"} if spec.hatched else {})
    if spec.horizontal:
        return plot.hbar(y=places, height=thick, left=begin, right=end, **looks)
    return plot.vbar(x=places, width=thick, bottom=begin, top=end, **looks)


def _boxes(spec: Spec, plot: Any, colour: str) -> Any:
    numbers = np.array([five_numbers(one) for one in spec.lines[0].samples]).T
    names = list(spec.categories)
    ink = {"line_color": "grey"}
    if spec.horizontal:
        plot.segment(numbers[0], names, numbers[1], names, **ink)
        plot.segment(numbers[3], names, numbers[4], names, **ink)
        plot.hbar(names, 0.5, numbers[2], numbers[3], fill_color=colour, **ink)
        return plot.hbar(names, 0.5, numbers[1], numbers[2], fill_color=colour, **ink)
    plot.segment(names, numbers[0], names, numbers[1], **ink)
    plot.segment(names, numbers[3], names, numbers[4], **ink)
    plot.vbar(names, 0.5, numbers[3], numbers[2], fill_color=colour, **ink)
    return plot.vbar(names, 0.5, numbers[2], numbers[1], fill_color=colour, **ink)


def _pie(spec: Spec, plot: Any, colours: Any) -> list[tuple[str, Any]]:
    values = np.array(spec.lines[0].values)
    ends = math.pi / 2 - np.cumsum(values) / values.sum() * 2 * math.pi
    starts = np.concatenate(([math.pi / 2], ends[:-1]))
    found = list[tuple[str, Any]]()
    edge = {"line_color": "white", "line_width": 2} if spec.edged else {"line_color": None}
    for index, name in enumerate(spec.categories):
        angles = {"start_angle": ends[index], "end_angle": starts[index]}
        ring = {"inner_radius": 0.4 if spec.donut else 0.0, "outer_radius": 0.8}
        looks = {"fill_color": colours[index], **edge}
        found.append((name, plot.annular_wedge(0, 0, **ring, **angles, **looks)))
        if spec.legend == "direct":
            middle = (starts[index] + ends[index]) / 2
            side = "left" if math.cos(middle) > 0 else "right"
            place = {"x": [0.86 * math.cos(middle)], "y": [0.86 * math.sin(middle)], "text": [name]}
            size = {"text_font_size": f"{spec.text_size}px", "text_baseline": "middle"}
            ink = "#e0e0e0" if spec.theme in _DARK else _ink(spec)
            plot.text(
                "x", "y", "text", source=ColumnDataSource(place), text_align=side, text_color=ink, **size
            )
    plot.axis.visible = False
    plot.grid.visible = False
    return found


def _ink(spec: Spec) -> str:
    return look_of(spec.theme).ink if "-look-" in spec.theme else "#444444"


def _finish(spec: Spec, plot: Any, items: list[tuple[str, Any]], look: Look | None) -> None:
    """Titles, sizes of letters, gridlines and the legend."""
    value, other = (plot.xaxis, plot.yaxis) if spec.horizontal else (plot.yaxis, plot.xaxis)
    size = f"{spec.text_size}px"
    plot.axis.major_label_text_font_size = plot.axis.axis_label_text_font_size = size
    if plot.title:
        plot.title.text_font_size = f"{spec.text_size * (look.title_size if look else 1.3)}px"
    if spec.kind != "pie":
        value.axis_label, other.axis_label = spec.y_title or None, spec.x_title or None
        grids = (plot.xgrid, plot.ygrid) if spec.horizontal else (plot.ygrid, plot.xgrid)
        grids[0].visible = spec.grid and not spec.bare
        grids[1].visible = bool(look and look.frame)
        if spec.y_scale == "linear":
            value.formatter = CustomJSTickFormatter(code=_CODES[spec.unit])
        if spec.turned_labels and not spec.horizontal:
            other.major_label_orientation = math.pi / 4
        if spec.bare:
            value.major_label_text_color, value.major_tick_line_color = None, None
    if spec.printed and spec.kind == "bar":
        _print_values(spec, plot)
    if spec.legend in ("none", "direct") or len(items) < 2:
        return
    across = spec.legend in ("top", "bottom")
    legend = Legend(items=[LegendItem(label=name, renderers=[glyph]) for name, glyph in items])
    legend.orientation = "horizontal" if across else "vertical"
    legend.label_text_font_size = size
    plot.add_layout(
        legend, {"top": "above", "bottom": "below", "outside": "right", "inside": "center"}[spec.legend]
    )


def _print_values(spec: Spec, plot: Any) -> None:
    count, ink = len(spec.lines), "#e0e0e0" if spec.theme in _DARK else _ink(spec)
    if spec.stacked:
        return
    for index, line in enumerate(spec.lines):
        shift = (index - (count - 1) / 2) * 0.75 / count
        places = [(name, shift) for name in spec.categories]
        text = {"text": [f"{one:g}" for one in line.values], "text_font_size": f"{spec.text_size * 0.85}px"}
        x, y = (list(line.values), places) if spec.horizontal else (places, list(line.values))
        aside = (
            {"x_offset": 3, "text_baseline": "middle"}
            if spec.horizontal
            else {"y_offset": -2, "text_align": "center"}
        )
        plot.text(x=x, y=y, text_color=ink, **text, **aside)
