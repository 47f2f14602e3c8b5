"""Numbers in a column or row of their own beside a chart's axes: a second axis, or another chart.

Neither is read: what stands on them would be given values of the first axis, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pierian.vision.charts.axes import Fit, Line, columns, rows
from pierian.vision.charts.fields import Field
from pierian.vision.charts.sheet import Label

LEAST = 3
"""Numbers that agree on a scale."""
SAME = 0.03
"""Of the field's span: scales that differ by less are one, drawn on both sides."""

SECOND = (
    "There is a second axis of values with another scale; it is not read, and what belongs to it is wrong."
)
ANOTHER = "There seems to be another chart beside or below this one; only one is read, and its parts may be mixed up."


def other_axes(labels: Sequence[Label], field: Field, names: Iterable[str]) -> list[str]:
    """Sentences about axes that were not taken."""
    taken = set(names)
    for fit, beside in ((field.x, field.x_labels), (field.y, field.y_labels)):
        taken |= {one.id for one in (fit.labels if fit else beside)}
    free = [one for one in labels if one.id not in taken and one.level]
    doubts = list[str]()
    for line in columns(free):
        if line.fit is not None and (doubt := _column(line, line.fit, field)):
            doubts.append(doubt)
    for line in rows(free):
        if line.fit is not None and (doubt := _row(line, line.fit, field)):
            doubts.append(doubt)
    # The axis of another chart is no second one of this.
    return [ANOTHER] if ANOTHER in doubts else doubts[:1]


def _column(line: Line, fit: Fit, field: Field) -> str:
    if len(fit.ticks) < LEAST or fit.scale == "date":
        return ""
    box = field.box
    low, high = fit.ticks[-1].position, fit.ticks[0].position
    left, right = min(one.left for one in fit.labels), max(one.right for one in fit.labels)
    inside = left > box.left + 0.1 * box.width and right < box.right - 0.1 * box.width
    top, bottom = box.top, box.bottom
    if field.y is not None and field.y.ticks:
        top, bottom = field.y.ticks[0].position, field.y.ticks[-1].position
    if min(low, bottom) - max(high, top) < 0.5 * (low - high):
        # Below or above the numbers of this chart.
        return ANOTHER if right < box.left + 0.2 * box.width and low - high > 0.3 * box.height else ""
    if inside:
        # Numbers on marks seldom stand in one line, evenly, from the bottom to the top.
        return ANOTHER if len(fit.ticks) > LEAST and low - high > 0.6 * box.height else ""
    if low - high < 0.4 * box.height:
        return ""
    if left > box.right + 0.3 * box.width:
        return ANOTHER
    return "" if _same(fit, field.y, box.top, box.bottom) else SECOND


def _row(line: Line, fit: Fit, field: Field) -> str:
    if len(fit.ticks) < LEAST:
        return ""
    box = field.box
    first, last = fit.ticks[0].position, fit.ticks[-1].position
    y = line.labels[0].y
    if box.top < y < box.bottom:
        return ""
    if min(last, box.right) - max(first, box.left) < 0.5 * (last - first):
        return ANOTHER if last - first > 0.3 * box.width else ""
    if last - first < 0.4 * box.width or _same(fit, field.x, box.left, box.right):
        return ""
    near = min(abs(y - box.top), abs(y - box.bottom)) < 5 * line.labels[0].size
    return SECOND if near and field.x is not None else ""


def _same(fit: Fit, other: Fit | None, start: float, end: float) -> bool:
    """Whether two scales give the same values along a field."""
    if other is None or fit.scale != other.scale:
        return False
    return all(abs(other.position(fit.value(at)) - at) <= SAME * abs(end - start) for at in (start, end))
