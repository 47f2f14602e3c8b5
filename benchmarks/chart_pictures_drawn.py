"""Generated charts drawn line by line with Pillow, as spreadsheet programs of several decades draw them."""

from __future__ import annotations

import datetime
import io
import math
from typing import Any

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from benchmarks.chart_looks import SPREADSHEETS, Look, look_of
from benchmarks.chart_pictures_matplotlib import series_of
from benchmarks.chart_specs import Place, Spec, Truth, five_numbers, wrapped, written

THEMES = (*SPREADSHEETS, *(f"spreadsheet-look-{number}" for number in range(24)))

_SCALE = 3  # drawn larger and reduced, for smooth edges


class _Page:
    """A picture under work: coordinates are those of the finished picture."""

    def __init__(self, spec: Spec, look: Look) -> None:
        self.look, self.spec = look, spec
        self.image = Image.new("RGB", (spec.width * _SCALE, spec.height * _SCALE), look.paper)
        self.pen = ImageDraw.Draw(self.image)
        self.texts = list[tuple[str, Place]]()
        path = font_manager.findfont(font_manager.FontProperties(family=[look.font, "DejaVu Sans"]))
        sizes = {"label": spec.text_size, "title": look.title_size * spec.text_size}
        self.fonts = {name: ImageFont.truetype(path, round(size * _SCALE)) for name, size in sizes.items()}

    def line(self, points: list[tuple[float, float]], colour: str, width: float = 1.0) -> None:
        self.pen.line(
            [(x * _SCALE, y * _SCALE) for x, y in points],
            colour,
            max(1, round(width * _SCALE)),
            joint="curve",
        )

    def rectangle(self, box: Place, colour: str, outline: str = "") -> None:
        left, top, right, bottom = (round(one * _SCALE) for one in box)
        if right > left and bottom > top:
            self.pen.rectangle(
                (left, top, right - 1, bottom - 1), colour, outline or None, _SCALE if outline else 0
            )

    def text(
        self, x: float, y: float, words: str, anchor: str, font: str = "label", colour: str = ""
    ) -> Place:
        at = (x * _SCALE, y * _SCALE)
        self.pen.text(at, words, colour or self.look.ink, self.fonts[font], anchor)
        left, top, right, bottom = (
            one / _SCALE for one in self.pen.textbbox(at, words, self.fonts[font], anchor)
        )
        self.texts.append((words, (left, top, right, bottom)))
        return left, top, right, bottom

    def upright(self, x: float, y: float, words: str) -> None:
        """Words that run from the bottom to the top, around a middle."""
        font = self.fonts["label"]
        left, top, right, bottom = (int(one) for one in font.getbbox(words))
        tile = Image.new("L", (right - left + 4, bottom - top + 4), 0)
        ImageDraw.Draw(tile).text((2 - left, 2 - top), words, 255, font)
        tile = tile.rotate(90, expand=True)
        corner = (round(x * _SCALE - tile.width / 2), round(y * _SCALE - tile.height / 2))
        self.image.paste(Image.new("RGB", tile.size, self.look.ink), corner, tile)
        a, b = (corner[0] + 2) / _SCALE, (corner[1] + 2) / _SCALE
        self.texts.append((words, (a, b, a + (tile.width - 4) / _SCALE, b + (tile.height - 4) / _SCALE)))

    def width_of(self, words: str) -> float:
        """Of its longest line."""
        return max(self.pen.textlength(one, self.fonts["label"]) for one in words.split("\n")) / _SCALE

    def lines(self, x: float, y: float, words: str, anchor: str) -> None:
        """Words in one or several lines: below a place, or around its height beside it."""
        several, step = words.split("\n"), self.spec.text_size * 1.15
        first = y if anchor[1] == "a" else y - (len(several) - 1) / 2 * step
        for index, one in enumerate(several):
            self.text(x, first + index * step, one, anchor)

    def grid(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """A gridline, dashed where the look says so."""
        if not self.look.dashed:
            self.line([start, end], self.look.grid)
            return
        length = math.hypot(end[0] - start[0], end[1] - start[1])
        for at in np.arange(0, length, 8):
            a, b = at / length, min(at + 4.5, length) / length
            places = [tuple(s + (e - s) * one for s, e in zip(start, end, strict=True)) for one in (a, b)]
            self.line(places, self.look.grid)


def render(spec: Spec) -> tuple[bytes, Truth]:
    """The PNG of a spec and what it shows."""
    look = look_of(spec.theme)
    page = _Page(spec, look)
    unit = spec.text_size
    top = unit * 0.8
    if spec.title:
        side = "la" if look.title_left else "ma"
        page.text(unit if look.title_left else spec.width / 2, top, spec.title, side, "title")
        top += unit * (look.title_size + 0.8)
    legend = [one.name for one in spec.lines] if spec.kind != "pie" else list(spec.categories)
    shown = spec.legend not in ("none", "direct") and len(legend) > 1
    bottom, right = spec.height - unit * 0.8, spec.width - unit
    row = sum(page.width_of(one) + unit * 2.2 for one in legend) < spec.width
    if spec.legend == "direct" and spec.kind != "pie":
        right -= max(page.width_of(one) for one in legend) + unit
    if shown and row and spec.legend == "top":
        _legend_row(page, legend, top + unit * 0.6)
        top += unit * 2.2
    elif shown and row and spec.legend in ("inside", "bottom"):
        bottom -= unit * 2.0
        _legend_row(page, legend, bottom + unit)
    elif shown:
        right -= max(page.width_of(one) for one in legend) + unit * 2.5
        _legend_column(page, legend, right + unit, spec.height / 2)
    plot = (unit, top, right, bottom)
    boxes: list[list[Place]] = []
    if spec.kind == "pie":
        _pie(page, plot)
    else:
        plot, boxes = _Field(page, plot).draw()
    if look.border:
        page.line(
            [(0, 0), (spec.width - 1, 0), (spec.width - 1, spec.height - 1), (0, spec.height - 1), (0, 0)],
            "#808080",
        )
    file = io.BytesIO()
    page.image.resize((spec.width, spec.height), Image.Resampling.BOX).save(file, "PNG")
    x_low, x_high = (spec.edges[0], spec.edges[-1]) if spec.edges else (0.0, 1.0)
    if spec.lines[0].xs:
        x_low, x_high = (
            (spec.lines[0].xs[0], spec.lines[0].xs[-1]) if spec.kind != "scatter" else (x_low, x_high)
        )
    return file.getvalue(), Truth(
        library=spec.library,
        theme=spec.theme,
        kind=spec.kind,
        horizontal=spec.horizontal,
        stacked=spec.stacked,
        named=shown or spec.kind == "pie" or spec.legend == "direct",
        series=series_of(spec, boxes),
        low=spec.low,
        high=spec.high,
        log=spec.y_scale == "log",
        x_scale=spec.x_scale,
        x_low=x_low,
        x_high=x_high,
        plot=None if spec.kind == "pie" else plot,
        texts=tuple(page.texts),
    )


def _thickness(page: _Page) -> float:
    return max(1.5, page.spec.text_size * 0.14) * page.look.thick


def _swatch(page: _Page, x: float, y: float, index: int) -> None:
    size, colour = page.spec.text_size * 0.7, page.look.colours[index % 7]
    if page.spec.kind == "line":
        page.line([(x - size * 0.3, y), (x + size * 1.3, y)], colour, _thickness(page))
    else:
        page.rectangle((x, y - size / 2, x + size, y + size / 2), colour, page.look.outline)


def _legend_column(page: _Page, names: list[str], x: float, middle: float) -> None:
    unit = page.spec.text_size
    for index, name in enumerate(names):
        y = middle + (index - (len(names) - 1) / 2) * unit * 1.6
        _swatch(page, x, y, index)
        page.text(x + unit * 1.1, y, name, "lm")


def _legend_row(page: _Page, names: list[str], y: float) -> None:
    unit = page.spec.text_size
    widths = [page.width_of(one) + unit * 2.2 for one in names]
    x = (page.spec.width - sum(widths)) / 2
    for index, name in enumerate(names):
        _swatch(page, x, y, index)
        page.text(x + unit * 1.1, y, name, "lm")
        x += widths[index]


def _pie(page: _Page, plot: Place) -> None:
    spec, unit = page.spec, page.spec.text_size
    left, top, right, bottom = plot
    x, y = (left + right) / 2, (top + bottom) / 2
    radius = min(right - left, bottom - top) / 2 - unit * (2.5 if spec.legend == "direct" else 0.5)
    values, start = spec.lines[0].values, -90.0 + (spec.seed % 4) * 30
    box = [one * _SCALE for one in (x - radius, y - radius, x + radius, y + radius)]
    middles = list[float]()
    for index, value in enumerate(values):
        end = start + 360 * value / sum(values)
        page.pen.pieslice(
            box,
            start,
            end,
            page.look.colours[index % 7],
            "white" if spec.edged else page.look.outline or None,
            2 * _SCALE,
        )
        middles.append(math.radians((start + end) / 2))
        start = end
    if spec.donut:
        page.pen.ellipse(
            [
                (x - radius / 2) * _SCALE,
                (y - radius / 2) * _SCALE,
                (x + radius / 2) * _SCALE,
                (y + radius / 2) * _SCALE,
            ],
            page.look.paper,
        )
    for angle, value, name in zip(middles, values, spec.categories, strict=True):
        if spec.legend == "direct":
            side = "lm" if math.cos(angle) > 0.3 else "rm" if math.cos(angle) < -0.3 else "mm"
            page.text(x + math.cos(angle) * radius * 1.08, y + math.sin(angle) * (radius + unit), name, side)
        if spec.printed:
            share = f"{value / sum(values) * 100:.0f}%"
            page.text(x + math.cos(angle) * radius * 0.75, y + math.sin(angle) * radius * 0.75, share, "mm")


class _Field:
    """The part inside the axes: lays out, maps values to pixels and draws the marks."""

    def __init__(self, page: _Page, room: Place) -> None:
        self.page, self.spec, self.look = page, page.spec, page.look
        unit = self.spec.text_size
        left, top, right, bottom = room
        names = [wrapped(one) if self.spec.wrapped_labels else one for one in self.spec.categories]
        self.names = tuple(names)
        across = names if self.spec.horizontal else [one[1] for one in self._value_ticks()]
        if self.spec.wrapped_labels and not self.spec.horizontal:
            bottom -= unit * 1.15
        left += max([page.width_of(one) for one in across], default=0.0) + unit * 0.8
        bottom -= unit * 1.8
        if self.spec.x_title if not self.spec.horizontal else self.spec.y_title:
            page.text(
                (left + right) / 2,
                bottom + unit * 0.3,
                self.spec.y_title if self.spec.horizontal else self.spec.x_title,
                "ma",
            )
            bottom -= unit * 1.6
        if self.spec.y_title and not self.spec.horizontal:
            page.upright(room[0] + unit * 0.4, (top + bottom) / 2, self.spec.y_title)
            left += unit * 1.4
        self.plot: Place = (round(left), round(top), round(right), round(bottom))

    def draw(self) -> tuple[Place, list[list[Place]]]:
        """Everything; the plot and the boxes of its marks."""
        self._axes()
        match self.spec.kind:
            case "bar":
                boxes = self._bars()
            case "histogram":
                boxes = self._bins()
            case "box":
                boxes = self._boxes()
            case "scatter":
                boxes = self._points()
            case _:
                boxes = self._curves()
        return self.plot, boxes

    def _value_ticks(self) -> list[tuple[float, str]]:
        spec = self.spec
        if spec.bare:
            return []
        if spec.y_scale == "log":
            powers = range(round(math.log10(spec.low)), round(math.log10(spec.high)) + 1)
            return [(10.0**one, written(10.0**one, spec.unit)) for one in powers]
        rough = (spec.high - spec.low) / 6
        base = 10 ** math.floor(math.log10(rough))
        step = next(base * one for one in (1, 2, 5, 10) if base * one >= rough)
        first = math.ceil(spec.low / step - 1e-9)
        found = [one * step for one in range(first, math.floor(spec.high / step + 1e-9) + 1)]
        return [(one, written(float(f"{one:.10g}"), spec.unit)) for one in found]

    def _value(self, value: float) -> float:
        low, high = self.spec.low, self.spec.high
        share = (
            math.log(max(value, low) / low) / math.log(high / low)
            if self.spec.y_scale == "log"
            else (value - low) / (high - low)
        )
        left, top, right, bottom = self.plot
        return left + share * (right - left) if self.spec.horizontal else bottom - share * (bottom - top)

    def _x(self, x: float) -> float:
        spec, (left, _, right, _) = self.spec, self.plot
        if spec.kind in ("scatter", "histogram"):
            low, high = spec.edges[0], spec.edges[-1]
        elif spec.x_scale == "category":
            low, high = -0.5, len(spec.categories) - 0.5
        else:
            low, high = spec.lines[0].xs[0], spec.lines[0].xs[-1]
        return left + (x - low) / (high - low) * (right - left)

    def _axes(self) -> None:
        page, look, spec, unit = self.page, self.look, self.spec, self.spec.text_size
        left, top, right, bottom = self.plot
        page.rectangle(self.plot, look.field)
        for value, words in self._value_ticks():
            at = self._value(value)
            if spec.horizontal:
                if spec.grid:
                    page.grid((at, top), (at, bottom))
                page.text(at, bottom + unit * 0.4, words, "ma")
            else:
                if spec.grid:
                    page.grid((left, at), (right, at))
                if look.ticks:
                    aside = unit * (0.3 if look.ticks == "in" else -0.3)
                    page.line([(left + aside, at), (left, at)], look.ink)
                page.text(left - unit * 0.5, at, words, "rm")
        for at, words in self._x_ticks():
            if spec.horizontal:
                page.lines(left - unit * 0.5, at, words, "rm")
            else:
                page.lines(at, bottom + unit * 0.4, words, "ma")
        if look.frame:
            page.line([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], look.ink)
        elif look.axis:
            page.line([(left, bottom), (right, bottom)], look.ink)
            page.line([(left, top), (left, bottom)], look.ink)

    def _x_ticks(self) -> list[tuple[float, str]]:
        spec, (left, top, right, bottom) = self.spec, self.plot
        if spec.categories and spec.x_scale == "category":
            count = len(spec.categories)
            if spec.horizontal:
                step = (bottom - top) / count
                return [(bottom - (index + 0.5) * step, one) for index, one in enumerate(self.names)]
            room = (right - left) / count
            every = max(1, math.ceil(max(self.page.width_of(one) for one in self.names) * 1.15 / room))
            every = max(every, 2 if spec.dropped_labels else 1)
            return [(self._x(index), one) for index, one in enumerate(self.names) if index % every == 0]
        if spec.x_scale == "date":
            xs = spec.lines[0].xs
            chosen = xs[:: max(1, math.ceil(len(xs) / max(2, (right - left) / (spec.text_size * 7))))]
            return [
                (
                    self._x(one),
                    datetime.datetime.fromtimestamp(one, datetime.UTC).strftime(
                        "%d/%m/%Y" if spec.seed % 2 else "%Y-%m-%d"
                    ),
                )
                for one in chosen
            ]
        low, high = (
            (spec.edges[0], spec.edges[-1]) if spec.edges else (spec.lines[0].xs[0], spec.lines[0].xs[-1])
        )
        rough = (high - low) / 6
        base = 10 ** math.floor(math.log10(rough))
        step = next(base * one for one in (1, 2, 5, 10) if base * one >= rough)
        return [
            (self._x(one * step), f"{one * step:.10g}")
            for one in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
        ]

    def _bars(self) -> list[list[Place]]:
        spec, (left, top, right, bottom) = self.spec, self.plot
        count = len(spec.categories)
        room = ((bottom - top) if spec.horizontal else (right - left)) / count
        thick = room * (1 - self.look.gap) / (1 if spec.stacked else len(spec.lines))
        sums, found = [0.0] * count, list[list[Place]]()
        for row, line in enumerate(spec.lines):
            boxes = list[Place]()
            for index, value in enumerate(line.values):
                middle = bottom - (index + 0.5) * room if spec.horizontal else left + (index + 0.5) * room
                shift = 0 if spec.stacked else (row - (len(spec.lines) - 1) / 2) * thick
                middle += -shift if spec.horizontal else shift
                begin = sums[index] if spec.stacked else (spec.low if spec.y_scale == "log" else 0.0)
                a, b = sorted((self._value(begin), self._value(begin + value)))
                sums[index] += value
                one = middle - thick / 2, middle + thick / 2
                box = (a, one[0], b, one[1]) if spec.horizontal else (one[0], a, one[1], b)
                self.page.rectangle(box, self.look.colours[row], self.look.outline)
                boxes.append(box)
                if spec.printed and spec.stacked:
                    self.page.text((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, f"{value:g}", "mm")
                elif spec.printed and not spec.horizontal:
                    self.page.text((box[0] + box[2]) / 2, box[1] - 2, f"{value:g}", "mb")
                elif spec.printed:
                    self.page.text(box[2] + 3, (box[1] + box[3]) / 2, f"{value:g}", "lm")
            found.append(boxes)
        return found

    def _bins(self) -> list[list[Place]]:
        boxes = list[Place]()
        for index, value in enumerate(self.spec.lines[0].values):
            box = (
                self._x(self.spec.edges[index]),
                self._value(value),
                self._x(self.spec.edges[index + 1]),
                self.plot[3],
            )
            self.page.rectangle(
                box, self.look.colours[0], self.look.outline or ("#ffffff" if self.spec.edged else "")
            )
            boxes.append(box)
        return [boxes]

    def _boxes(self) -> list[list[Place]]:
        spec, ink = self.spec, self.look.ink
        left, top, right, bottom = self.plot
        room = ((bottom - top) if spec.horizontal else (right - left)) / len(spec.categories)
        swap: Any = (lambda a, b: (b, a)) if spec.horizontal else (lambda a, b: (a, b))
        for index, samples in enumerate(spec.lines[0].samples):
            at = bottom - (index + 0.5) * room if spec.horizontal else left + (index + 0.5) * room
            half, numbers = room * 0.25, [self._value(one) for one in five_numbers(samples)]
            for a, b in ((0, 1), (3, 4)):
                self.page.line([swap(at, numbers[a]), swap(at, numbers[b])], ink)
            for end in (0, 4):
                self.page.line([swap(at - half / 2, numbers[end]), swap(at + half / 2, numbers[end])], ink)
            (a, b), (c, d) = (
                swap(at - half, min(numbers[1], numbers[3])),
                swap(at + half, max(numbers[1], numbers[3])),
            )
            self.page.rectangle((a, b, c, d), self.look.colours[0], ink)
            self.page.line([swap(at - half, numbers[2]), swap(at + half, numbers[2])], ink, 1.5)
        return []

    def _points(self) -> list[list[Place]]:
        found, radius = list[list[Place]](), max(2.5, self.spec.text_size * 0.3)
        for row, line in enumerate(self.spec.lines):
            boxes = list[Place]()
            for x, value in zip(line.xs, line.values, strict=True):
                a, b = self._x(x), self._value(value)
                box = (a - radius, b - radius, a + radius, b + radius)
                self.page.pen.ellipse([one * _SCALE for one in box], self.look.colours[row])
                boxes.append(box)
            found.append(boxes)
        return found

    def _curves(self) -> list[list[Place]]:
        spec = self.spec
        below = [0.0] * len(spec.lines[0].values)
        for row, line in enumerate(spec.lines):
            xs = [self._x(one) for one in line.xs]
            if spec.kind == "area":
                above = [a + b for a, b in zip(below, line.values, strict=True)]
                edge = [(x, self._value(y)) for x, y in zip(xs, above, strict=True)]
                floor = [(x, self._value(y)) for x, y in zip(xs, below, strict=True)]
                self.page.pen.polygon(
                    [(x * _SCALE, y * _SCALE) for x, y in edge + floor[::-1]], self.look.colours[row]
                )
                below = above
                continue
            points = [(x, self._value(y)) for x, y in zip(xs, line.values, strict=True)]
            width = _thickness(self.page)
            self.page.line(points, self.look.colours[row], width)
            for x, y in points if spec.markers else []:
                self.page.rectangle(
                    (x - width * 1.5, y - width * 1.5, x + width * 1.5, y + width * 1.5),
                    self.look.colours[row],
                )
            if spec.legend == "direct" and len(spec.lines) > 1:
                end = (xs[-1] + spec.text_size * 0.5, points[-1][1])
                self.page.text(*end, line.name, "lm", colour=self.look.colours[row])
        return []
