"""Where a chart's field lies: the part inside its axes, from its labels, lines and background."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from pierian.vision.charts.axes import Fit, Line, columns, fit_labels, rows, snapped
from pierian.vision.charts.legends import Legend
from pierian.vision.charts.quantities import readings
from pierian.vision.charts.rules import Rule, Rules
from pierian.vision.charts.sheet import Lab, Label, Sheet, commonest, distance
from pierian.vision.regions import Box


class Field(Struct, frozen=True, eq=False, kw_only=True):
    """A field and what stands along it. `x_labels`, `y_labels`: rows of labels, whether or not they say numbers."""

    box: Box
    ground: Lab
    x: Fit | None = None
    y: Fit | None = None
    x_labels: tuple[Label, ...] = ()
    y_labels: tuple[Label, ...] = ()
    framed: bool = False

    def turned(self) -> Field:
        """The same with x and y changed over."""
        box = Box(self.box.top, self.box.left, self.box.bottom, self.box.right)
        return Field(
            box=box, ground=self.ground, x=self.y, y=self.x, framed=self.framed,
            x_labels=tuple(one.turned() for one in self.y_labels),
            y_labels=tuple(one.turned() for one in self.x_labels),
        )  # fmt: skip


def find_field(sheet: Sheet, rules: Rules, legend: Legend) -> Field | None:
    """The field of the sheet's chart, or None where nothing looks like axes."""
    labels = [one for one in sheet.labels if one.id not in legend.names]
    column, row = _axes(sheet, labels, rules)
    if column is None and row is None:
        return None
    if row is not None and row.fit is None:
        row = _with_second_lines(row, labels)
    panel = _panel(sheet, column, row)
    box = panel or _from_rules(sheet, rules, column, row, labels)
    if box is not None and panel is None:
        above = Box(box.left, 0.0, box.right, box.bottom)
        box = _around_names(box, column or _names_beside(labels, above), row)
    if box is None or box.width < 40 or box.height < 30:
        return None
    if row is not None and row.fit is None:
        # The lowest number beside the field often stands at the height of the row.
        kept = tuple(one for one in row.labels if one.right > box.left + 2)
        row = Line(kept, None) if len(kept) >= 2 else row
    ground = _ground(sheet, box, panel is not None)
    if row is not None and row.fit is None and column is None:
        column = _names_beside(labels, box)
    if column is None:
        column = _names_beside(labels, box)
    x, y = row.fit if row else None, column.fit if column else None
    if y is not None:
        y = snapped(y, [one.at for one in rules.level if one.length > 0.3 * box.width], 0.8 * _size(column))
    if x is not None:
        x = snapped(x, [one.at for one in rules.upright if one.length > 0.3 * box.height], 0.8 * _size(row))
    return Field(
        box=box,
        ground=ground,
        x=x,
        y=y,
        x_labels=row.labels if row else (),
        y_labels=column.labels if column else (),
        framed=panel is not None,
    )


def _with_second_lines(row: Line, labels: Sequence[Label]) -> Line:
    """A row of names with what stands right below each of them: names of several words are often broken."""
    taken = {one.id for one in row.labels}
    below = dict[str, list[Label]]()
    for label in labels:
        if label.id in taken or not label.level:
            continue
        nearest = min(row.labels, key=lambda one: abs(one.x - label.x))
        down = label.y - nearest.y
        size = min(label.size, nearest.size)
        room = 0.6 * max(nearest.right - nearest.left, label.right - label.left)
        if 0.7 * size < down < 2.0 * size and abs(nearest.x - label.x) < room:
            below.setdefault(nearest.id, []).append(label)
    middle = (row.labels[0].x + row.labels[-1].x) / 2
    several = [one for group in below.values() for one in group]
    if len(several) == 1 and abs(several[0].x - middle) < 0.05 * (row.labels[-1].x - row.labels[0].x):
        # The title of the axis.
        return row
    return Line(tuple(_above(one, below.get(one.id, [])) for one in row.labels), None)


def _above(label: Label, below: Sequence[Label]) -> Label:
    """A label with its second line."""
    if not below:
        return label
    return replace(
        label,
        text=" ".join([label.text, *(one.text for one in sorted(below, key=lambda one: one.left))]),
        bottom=max(one.bottom for one in below),
    )


def _size(line: Line | None) -> float:
    return float(np.median([one.size for one in line.labels])) if line else 10.0


def _axes(sheet: Sheet, labels: Sequence[Label], rules: Rules) -> tuple[Line | None, Line | None]:
    """The column and the row of labels that belong together best."""
    best: tuple[float, Line | None, Line | None] = (0.0, None, None)
    below = rows(labels)
    beside = [_completed(one, one.fit, labels) if one.fit else one for one in columns(labels)]
    for column in [*beside, None]:
        for row in [*below, None]:
            # The lowest number beside the field often stands at the height of the row.
            left = _without(row, column) if row and column else row
            merit = _merit(sheet, column, left, rules)
            if merit > best[0]:
                best = merit, column, left
    return best[1], best[2]


def _without(row: Line, column: Line) -> Line | None:
    """A row without what belongs to the numbers of a column."""
    taken = {one.id for one in column.fit.labels} if column.fit else set[str]()
    kept = tuple(one for one in row.labels if one.id not in taken)
    if len(kept) == len(row.labels):
        return row
    return Line(kept, fit_labels(kept, upright=False)) if len(kept) >= 2 else None


def _completed(column: Line, fit: Fit, labels: Sequence[Label]) -> Line:
    """A column of numbers with those that say what should stand where they are, though not quite in line."""
    left, right = min(one.left for one in column.labels), max(one.right for one in column.labels)
    size, known = _size(column), {one.id for one in column.labels}
    more = [
        one
        for one in labels
        if one.id not in known
        and one.left < right
        and one.right > left
        and any(abs(fit.position(read.value) - one.y) < 0.6 * size for read in readings(one.text))
    ]
    if not more:
        return column
    every = tuple(sorted((*column.labels, *more), key=lambda one: one.y))
    again = fit_labels(every, upright=True)
    return Line(every, again) if again and len(again.ticks) > len(fit.ticks) else column


def _merit(sheet: Sheet, column: Line | None, row: Line | None, rules: Rules) -> float:
    """How much a column and a row look like the axes of one field; 0 where they cannot be."""
    merit = 0.0
    if column and column.fit:
        ticks = column.fit.ticks
        merit += min(len(ticks), 8) + (ticks[-1].position - ticks[0].position) / sheet.height * 6
        merit -= 0.5 * max(label.right for label in column.labels) / sheet.width
    if row:
        left, right = row.labels[0].x, row.labels[-1].x
        said = len(row.fit.ticks) if row.fit else 0.5 * len(row.labels)
        merit += (
            min(said, 8) * 0.8
            + (right - left) / sheet.width * 6
            + 2 * min(one.y for one in row.labels) / sheet.height
        )
        if not column and not row.fit:
            merit -= 6.0
    if not column and row and row.fit:
        merit -= 2.0
    if column and row and column.fit:
        low = max(one.position for one in column.fit.ticks)
        height = min(one.top for one in row.labels)
        size = _size(column)
        # The lowest number, of few two, may not have been read.
        step = (low - min(one.position for one in column.fit.ticks)) / max(len(column.fit.ticks) - 1, 1)
        missing = (1.3 if len(column.fit.ticks) > 3 else 2.4) * step
        if height < low - size or height > low + max(8 * size, 0.25 * sheet.height, missing):
            return 0.0
        beside = max(one.right for one in column.labels)
        if row.labels[-1].x < beside or row.labels[0].right < min(one.left for one in column.labels):
            return 0.0
        merit -= min(0.4 * (height - low) / size, 3.0)
    return merit


def _panel(sheet: Sheet, column: Line | None, row: Line | None) -> Box | None:
    """A rectangle of another colour than the page, which gridlines and marks lie on."""
    small = np.asarray(sheet.lab[::2, ::2])
    other = (distance(small, sheet.paper) > 2.5).astype(np.uint8)
    if other.mean() < 0.15:
        return None
    left = max((one.right for one in column.labels), default=0) if column and column.fit else 0.0
    bottom = min(one.top for one in row.labels) if row else float(sheet.height)
    # Gridlines of the paper's colour do not part a panel, tick marks are no part of it.
    whole = cv2.morphologyEx(other, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    whole = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((11, 11), np.uint8))
    _, labels, facts, _ = cv2.connectedComponentsWithStats(whole, connectivity=4)
    if len(facts) < 2:
        return None
    best = 1 + int(np.argmax(facts[1:, 4]))
    x, y, wide, tall = (int(one) for one in facts[best][:4])
    inner = labels[y : y + tall, x : x + wide] == best
    # Words below may have grown together with it.
    down, across = np.flatnonzero(inner.mean(axis=1) > 0.6), np.flatnonzero(inner.mean(axis=0) > 0.6)
    if not len(down) or not len(across):
        return None
    first, last = (x + int(across[0]), y + int(down[0])), (x + int(across[-1]) + 1, y + int(down[-1]) + 1)
    box = Box(2.0 * first[0], 2.0 * first[1], 2.0 * last[0], 2.0 * last[1])
    inner = inner[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
    if inner.mean() < 0.93 or float(inner[: max(2, len(inner) // 20)].mean()) < 0.9:
        return None
    full = box.width >= 0.55 * (sheet.width - left - 0.2 * sheet.width) and box.height >= 0.4 * bottom
    if not full or box.left < left - 4 or box.left > left + 0.15 * sheet.width:
        return None
    if column and column.fit:
        inside = [one for one in column.fit.ticks if box.top - 6 <= one.position <= box.bottom + 6]
        if len(inside) < 0.8 * len(column.fit.ticks):
            return None
    if box.bottom > bottom + 6 and box.bottom > sheet.height * 0.97:
        return None
    return box


def _from_rules(
    sheet: Sheet, rules: Rules, column: Line | None, row: Line | None, labels: Sequence[Label]
) -> Box | None:
    width, height = sheet.width, sheet.height
    size = _size(column or row)
    numeric = column if column and column.fit else None
    low_tick = (
        max((one.position for one in numeric.fit.ticks), default=0.0) if numeric and numeric.fit else None
    )
    high_tick = (
        min((one.position for one in numeric.fit.ticks), default=0.0) if numeric and numeric.fit else None
    )
    beside = float(np.median([one.right for one in numeric.labels])) if numeric else None
    under = min(one.top for one in row.labels) if row else None
    left = _left(rules, beside, row, width, height, size)
    if beside is None and row is not None:
        names = [
            one.right
            for one in labels
            if one.level and one.right <= row.labels[0].x and one.bottom < row.labels[0].top
        ]
        left = max(left, min(max(names, default=0.0) + 0.4 * size, row.labels[0].x))
    bottom = _bottom(rules, under, low_tick, left, width, height, size)
    level = [one for one in rules.level if one.start < left + 0.12 * width and one.end > left + 0.25 * width]
    upright = [
        one
        for one in rules.upright
        if one.at > left - 3
        and one.end > bottom - 0.2 * height
        and 3 < one.at < width - 3
        and one.length < height - 4
    ]
    tall = [one for one in upright if one.end < bottom + 0.04 * height and one.length > 0.2 * height]
    right = _usual_end([one for one in level if abs(one.start - left) < 0.05 * width])
    right = max(right, max((one.at for one in tall if one.length > 0.5 * (bottom - 0)), default=0.0))
    if row and right <= 0:
        # Nothing shows where it ends: most fields go on a little after their last label.
        step = float(np.median(np.diff([one.x for one in row.labels])))
        right = min(width - 2.0, row.labels[-1].x + 0.9 * step)
    elif row:
        right = max(right, row.labels[-1].x)
    if right < left + 0.2 * width:
        right = width - size
    above = [one.at for one in level if one.at < bottom - 0.2 * height]
    top = min(
        [*(one.start for one in tall), *above, *([high_tick] if high_tick is not None else [])], default=size
    )
    if high_tick is not None and not tall and low_tick is not None and numeric and numeric.fit:
        step = (low_tick - high_tick) / max(len(numeric.fit.ticks) - 1, 1)
        ceiling = max(
            (one.bottom for one in labels if one.bottom < high_tick - 0.3 * size and one.right > left),
            default=0.0,
        )
        top = min(top, max(high_tick - step, ceiling + 2, 0.0))
    return Box(round(left), round(max(top, 0)), round(min(right, width)), round(min(bottom, height)))


def _usual_end(rules: Sequence[Rule]) -> float:
    """Where most of the long rules end, of equally common places the farthest; 0 where there are none."""
    longest = max((one.length for one in rules), default=0.0)
    ends = [one.end for one in rules if one.length > 0.8 * longest]
    return max(ends, key=lambda one: (sum(abs(one - other) <= 6 for other in ends), one), default=0.0)


def _around_names(box: Box, column: Line | None, row: Line | None) -> Box:
    """A box that leaves room for the bars of all names in a column, which reach half way to the next name."""
    if column is None or row is None or row.fit is None or len(column.labels) < 2:
        return box
    years = all(len(one.text) == 4 and one.text[:2] in ("19", "20") for one in column.labels)
    if column.fit is not None and not years:
        return box
    half = 0.55 * float(np.median(np.diff([one.y for one in column.labels])))
    lowest = min(one.top for one in row.labels) - 0.2 * _size(row)
    top = min(box.top, max(column.labels[0].y - half, 0.0))
    return Box(
        box.left, round(top), box.right, round(max(box.bottom, min(column.labels[-1].y + half, lowest)))
    )


def _left(
    rules: Rules, beside: float | None, row: Line | None, width: int, height: int, size: float
) -> float:
    if beside is None:
        start = row.labels[0].x if row else 0.0
        starts = [one.start for one in rules.level if one.length > 0.3 * width]
        near = [one.at for one in rules.upright if one.length > 0.25 * height and one.at < start + 2 * size]
        if near:
            return max(near)
        return min([one for one in starts if one < start + 2 * size], default=max(start - 2 * size, 0.0))
    reach = beside + max(0.08 * width, 4 * size)
    close = beside + 2.5 * size
    upright = [
        one.at for one in rules.upright if beside - 3 <= one.at <= close and one.length > 0.25 * height
    ]
    level = [
        one.start for one in rules.level if beside - 3 <= one.start <= reach and one.length > 0.25 * width
    ]
    middle = float(np.median(level)) if len(level) >= 2 else None
    # The edge of a bar is no axis where gridlines begin elsewhere.
    if upright and (middle is None or min(upright) - middle < max(12.0, size)):
        return min(upright)
    starts = [
        one.start for one in rules.level if beside - 3 <= one.start <= reach and one.length > 0.25 * width
    ]
    return float(np.median(starts)) if starts else beside + 0.5 * size


def _bottom(
    rules: Rules,
    under: float | None,
    low_tick: float | None,
    left: float,
    width: int,
    height: int,
    size: float,
) -> float:
    limit = under if under is not None else height - size
    reach = max(0.08 * height, 4 * size)

    def near(rule: Rule) -> bool:
        return limit - reach <= rule.at <= limit + 3 and rule.length > 0.25 * width and rule.end > left

    level = [one.at for one in rules.level if near(one)]
    if level:
        return max(level)
    ends = [
        one.end
        for one in rules.upright
        if limit - reach <= one.end <= limit + 3 and one.length > 0.25 * height
    ]
    if level or ends:
        # The edge of a bar that lies is no axis where upright lines go on.
        return max([*level, *([float(np.median(ends))] if ends else [])])
    return (
        max(limit - 0.5 * size, low_tick or 0.0)
        if low_tick is None or low_tick > limit - reach
        else limit - 0.5 * size
    )


def _names_beside(labels: Sequence[Label], box: Box) -> Line | None:
    """Names in a column left of a field: the categories of what lies."""
    beside = [
        one
        for one in labels
        if one.right < box.left + 4 and box.top - 4 < one.y < box.bottom + 4 and one.level
    ]
    if len(beside) < 2:
        return None
    ends = sorted(beside, key=lambda one: -one.right)
    size = float(np.median([one.size for one in beside]))
    chosen = [one for one in beside if one.right > ends[0].right - 0.8 * size]
    if len(chosen) < 2:
        return None
    return Line(tuple(sorted(chosen, key=lambda one: one.y)), None)


def _ground(sheet: Sheet, box: Box, framed: bool) -> Lab:
    """The colour behind the marks: the page, or in a panel what is common along its upper edge and sides."""
    left, top, right, bottom = (round(one) for one in (box.left, box.top, box.right, box.bottom))
    inner = sheet.lab[top + 2 : bottom - 2, left + 2 : right - 2]
    if not inner.size:
        return sheet.paper
    if not framed and float((distance(inner[::2, ::2], sheet.paper) < 4).mean()) > 0.1:
        return sheet.paper
    depth, side = max(3, inner.shape[0] // 12), max(3, inner.shape[1] // 40)
    ring = np.concatenate([one.reshape(-1, 3) for one in (inner[:depth], inner[:, :side], inner[:, -side:])])
    colour = commonest(ring)
    known = float((distance(ring, colour) < 4).mean())
    paper = float((distance(ring, sheet.paper) < 4).mean())
    return sheet.paper if known < 0.35 and paper > 0.2 else colour
