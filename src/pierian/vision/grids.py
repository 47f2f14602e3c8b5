"""Tables and charts of a scene as rows and columns of text, which every export and face shows in its own way."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from pierian.vision.scene import Axis, Chart, Mark, Series, Table

MOST_DIGITS = 12


class Grid(Struct, frozen=True, kw_only=True):
    """A heading and rows of equally many cells; `errors`, of the same form, holds what a number may be off by."""

    id: str
    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    errors: tuple[tuple[str, ...], ...] = ()
    unsure: tuple[str, ...] = ()


def of_table(table: Table) -> Grid:
    """A table; a cell that spans others stands in the first of them. Several rows of headings are joined."""
    height = max((cell.row + cell.rows for cell in table.cells), default=0)
    width = max((cell.column + cell.columns for cell in table.cells), default=0)
    rows = [[""] * width for _ in range(height)]
    for cell in table.cells:
        rows[cell.row][cell.column] = cell.text
    headings = min(table.heading_rows, max(0, height - 1))
    heading = [" ".join(filter(None, column)) for column in zip(*rows[:headings], strict=True)]
    return Grid(
        id=table.id,
        title="table",
        heading=tuple(heading) if headings else ("",) * width,
        rows=tuple(tuple(row) for row in rows[headings:]),
    )


def of_chart(chart: Chart) -> Grid:
    """A chart's values: its categories down, its series across; points of a scatter chart one a row."""
    if chart.kind == "scatter":
        heading, rows, errors = _points(chart)
    elif chart.kind == "box":
        heading, rows, errors = _boxes(chart)
    else:
        heading, rows, errors = _values(chart)
    standing = " of horizontal bars" if chart.horizontal and chart.kind == "bar" else ""
    title = f"{'stacked ' if chart.stacked else ''}{chart.kind} chart{standing}"
    if chart.title:
        title += f": {chart.title}"
    return Grid(
        id=chart.id,
        title=title,
        heading=tuple(heading),
        rows=tuple(rows),
        errors=tuple(errors),
        unsure=chart.unsure,
    )


_Rows = tuple[list[str], list[tuple[str, ...]], list[tuple[str, ...]]]


def _values(chart: Chart) -> _Rows:
    keys: dict[str | float, tuple[float, str]] = {}
    by_series: list[dict[str | float, Mark]] = []
    for series in chart.series:
        found: dict[str | float, Mark] = {}
        for mark in series.marks:
            key = mark.label or mark.x
            keys.setdefault(key, (mark.x, mark.label or number(mark.x)))
            found[key] = mark
        by_series.append(found)
    order = sorted(keys, key=lambda key: keys[key][0])
    heading = [_title(_labels(chart), "label"), *(_names(chart.series, _title(_amounts(chart), "value")))]
    rows = [(keys[key][1], *(_amount(found.get(key)) for found in by_series)) for key in order]
    errors = [("", *(_error(found.get(key)) for found in by_series)) for key in order]
    return heading, rows, errors


def _points(chart: Chart) -> _Rows:
    several = len(chart.series) > 1
    heading = [_title(chart.x, "x"), _title(chart.y, "y")]
    marks = [(series, mark) for series in chart.series for mark in series.marks]
    rows = [(number(mark.x, mark.error), _amount(mark)) for _, mark in marks]
    errors = [("", _error(mark)) for _, mark in marks]
    if several:
        heading.insert(0, "series")
        rows = [(series.name, *row) for (series, _), row in zip(marks, rows, strict=True)]
        errors = [("", *error) for error in errors]
    return heading, list(rows), list(errors)


def _boxes(chart: Chart) -> _Rows:
    marks = [(series, mark) for series in chart.series for mark in series.marks]
    heading = [_title(_labels(chart), "label"), "lowest", "quartile 1", "median", "quartile 3", "highest"]
    rows = [
        (mark.label or series.name, *(number(one, mark.error) for one in mark.numbers))
        for series, mark in marks
    ]
    return heading, [row for row in rows if len(row) == len(heading)], []


def _labels(chart: Chart) -> Axis | None:
    return chart.y if chart.horizontal else chart.x


def _amounts(chart: Chart) -> Axis | None:
    return chart.x if chart.horizontal else chart.y


def _title(axis: Axis | None, otherwise: str) -> str:
    if axis is None or not (axis.title or axis.unit):
        return otherwise
    unit = f" ({axis.unit})" if axis.unit and axis.unit not in axis.title else ""
    return f"{axis.title or otherwise}{unit}"


def _names(series: Sequence[Series], otherwise: str) -> list[str]:
    if len(series) == 1:
        return [series[0].name or otherwise]
    return [one.name or f"series {place}" for place, one in enumerate(series, 1)]


def _amount(mark: Mark | None) -> str:
    return "" if mark is None else number(mark.y, mark.error)


def _error(mark: Mark | None) -> str:
    return "" if mark is None or mark.error <= 0 else f"{mark.error:.1g}"


def number(value: float, error: float = 0.0) -> str:
    """A number with the digits that mean something, given what it may be off by."""
    if not math.isfinite(value):
        return ""
    if error > 0 and math.isfinite(error):
        digits = -math.floor(math.log10(error))
        value = round(value, min(digits, MOST_DIGITS))
        return f"{value:.{min(max(digits, 0), MOST_DIGITS)}f}"
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.0f}"
