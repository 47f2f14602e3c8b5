"""Tables: cells from rules that are drawn, or from how words stand under each other; spans and heading rows.

A ruled table is a net of level and upright lines; a cell spans as far as no line stops it. Where there are no upright
lines, columns are the white that runs down through at least three rows of short pieces of text. Headings are the rows
above the first that has figures where others below have them too.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from pierian.vision.reading_order import rows_of
from pierian.vision.regions import Box
from pierian.vision.ruled_lines import Rule, rules_in
from pierian.vision.scene import Cell, Table, TextLine
from pierian.vision.turning import Pixels

NEAR = 6.0
"""Pixels by which a line may fall short of the one that it meets."""
SMALLEST_CELL = 7.0
MOST_LINES = 400
FIGURE = re.compile(r"[-+−(]?\s?[$€£¥]?\s?\d[\d.,\s]*\s?[%)kKMB€]?|[-–—]|n/?a", re.IGNORECASE)
CLOSE = 2.2
"""White between two rows of a table, in heights of their letters …"""
WIDE = 4.0
"""… and where both have the same three or more columns."""
FEWEST_ROWS = 3
FEWEST_COLUMNS = 2


class Piece(NamedTuple):
    """Text that stands together, and may be a cell."""

    text: str
    box: Box
    confidence: float


def read_tables(pixels: Pixels, texts: Sequence[TextLine]) -> tuple[Table, ...]:
    """The tables of a picture from top to bottom; level text only, as pages on their side are turned before."""
    pieces = [piece for line in texts if abs(line.angle) < 20 for piece in _pieces(line)]
    level, upright = rules_in(pixels)
    tables: list[Table] = []
    if len(level) <= MOST_LINES and len(upright) <= MOST_LINES:
        tables = [table for net in _nets(level, upright) if (table := _ruled(net, pieces))]
    free = [line for line in texts if not any(_inside(line.region.box, one.region) for one in tables)]
    tables += _aligned([line for line in free if abs(line.angle) < 20])
    tables.sort(key=lambda one: (one.region.top, one.region.left))
    return tuple(
        Table(
            id=f"b{number}",
            region=one.region,
            cells=one.cells,
            ruled=one.ruled,
            heading_rows=one.heading_rows,
        )
        for number, one in enumerate(tables, 1)
    )


def _pieces(line: TextLine) -> list[Piece]:
    """A line's words, so that a rule between two of them can part them."""
    if not line.words:
        return [Piece(line.text, line.region.box, line.confidence)]
    return [Piece(word.text, word.region.box, line.confidence) for word in line.words]


def _inside(box: Box, other: Box) -> bool:
    middle = box.centre
    return other.left <= middle.x <= other.right and other.top <= middle.y <= other.bottom


# Ruled tables


class Net(NamedTuple):
    """Lines that meet."""

    level: list[Rule]
    upright: list[Rule]


def _nets(level: list[Rule], upright: list[Rule]) -> list[Net]:
    """Groups of lines, each of which meets another of its group."""
    groups: list[Net] = []
    for rule in upright:
        met = [one for one in level if _meet(one, rule)]
        if not met:
            continue
        joined = [group for group in groups if any(one in group.level for one in met)]
        new = Net(list(met), [rule])
        for group in joined:
            new.level.extend(one for one in group.level if one not in new.level)
            new.upright.extend(group.upright)
            groups.remove(group)
        groups.append(new)
    return [group for group in groups if len(group.level) >= 2 and len(group.upright) >= 2]


def _meet(level: Rule, upright: Rule) -> bool:
    return (
        level.start - NEAR <= upright.at <= level.end + NEAR
        and upright.start - NEAR <= level.at <= upright.end + NEAR
    )


def _ruled(net: Net, pieces: Sequence[Piece]) -> Table | None:
    """The table that a net of lines makes; None where it has a single cell, or hardly any text."""
    rows, columns = _places(net.level), _places(net.upright)
    if len(rows) < 2 or len(columns) < 2 or (len(rows) - 1) * (len(columns) - 1) < 2:
        return None
    region = Box(columns[0], rows[0], columns[-1], rows[-1])
    taken: set[tuple[int, int]] = set()
    cells: list[Cell] = []
    inside = [piece for piece in pieces if _inside(piece.box, region)]
    for row in range(len(rows) - 1):
        for column in range(len(columns) - 1):
            if (row, column) not in taken:
                cell = _cell(net, rows, columns, row, column, taken)
                cells.append(_with_text(cell, [one for one in inside if _inside(one.box, cell.region)]))
    filled = sum(bool(cell.text) for cell in cells)
    if filled < 2 or filled < 0.25 * len(cells):
        return None
    cells, count = _without_empty(cells, len(rows) - 1, len(columns) - 1)
    if count < 2:
        return None
    return Table(id="", region=region, cells=tuple(cells), ruled=True, heading_rows=_headings(cells))


def _places(rules: list[Rule]) -> list[float]:
    """Where lines run, those that are one line but for a pixel or two as one."""
    places: list[list[float]] = []
    for at in sorted(rule.at for rule in rules):
        if places and at - places[-1][-1] < SMALLEST_CELL:
            places[-1].append(at)
        else:
            places.append([at])
    return [statistics.fmean(group) for group in places]


def _cell(
    net: Net, rows: list[float], columns: list[float], row: int, column: int, taken: set[tuple[int, int]]
) -> Cell:
    """The cell that begins in a field of the net and goes on to the right and down as long as no line stops it."""
    wide = 1
    while column + wide < len(columns) - 1 and not _drawn(
        net.upright, columns[column + wide], rows[row], rows[row + 1]
    ):
        wide += 1
    high = 1
    while row + high < len(rows) - 1 and not any(
        _drawn(net.level, rows[row + high], columns[one], columns[one + 1])
        for one in range(column, column + wide)
    ):
        high += 1
    taken.update((one, other) for one in range(row, row + high) for other in range(column, column + wide))
    return Cell(
        row=row,
        column=column,
        rows=high,
        columns=wide,
        text="",
        region=Box(columns[column], rows[row], columns[column + wide], rows[row + high]),
    )


def _drawn(rules: list[Rule], at: float, start: float, end: float) -> bool:
    """Whether a line runs there for more than half of the way."""
    on_it = [rule for rule in rules if abs(rule.at - at) < SMALLEST_CELL]
    shared = sum(max(0.0, min(rule.end, end) - max(rule.start, start)) for rule in on_it)
    return shared > 0.5 * (end - start)


def _with_text(cell: Cell, pieces: Sequence[Piece]) -> Cell:
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda one: one.box.centre.y):
        if lines and abs(piece.box.centre.y - lines[-1][0].box.centre.y) < 0.6 * max(piece.box.height, 8):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    words = [piece.text for line in lines for piece in sorted(line, key=lambda one: one.box.left)]
    return Cell(
        row=cell.row,
        column=cell.column,
        rows=cell.rows,
        columns=cell.columns,
        text=" ".join(words),
        region=cell.region,
        confidence=round(min((piece.confidence for piece in pieces), default=1.0), 3),
    )


def _without_empty(cells: list[Cell], rows: int, columns: int) -> tuple[list[Cell], int]:
    """Without rows and columns in which nothing stands (double rules make them), and how many fields remain."""
    used_rows = [n for n in range(rows) if any(cell.text and cell.row == n for cell in cells)]
    used_columns = [n for n in range(columns) if any(cell.text and cell.column == n for cell in cells)]
    # Fields that a wider cell covers, and rows of blanks to be filled in, are as high or wide as others: they stay.
    high = statistics.median(cell.region.height for cell in cells)
    kept_rows = [
        n
        for n in range(rows)
        if n in used_rows or max((c.region.height for c in cells if c.row == n), default=0) > 0.5 * high
    ]
    kept_columns = [
        n
        for n in range(columns)
        if n in used_columns
        or max((c.region.width for c in cells if c.column == n and c.columns == 1), default=0)
        > SMALLEST_CELL * 2
    ]
    kept = [
        Cell(
            row=kept_rows.index(cell.row),
            column=kept_columns.index(cell.column),
            rows=max(1, sum(cell.row <= n < cell.row + cell.rows for n in kept_rows)),
            columns=max(1, sum(cell.column <= n < cell.column + cell.columns for n in kept_columns)),
            text=cell.text,
            region=cell.region,
            confidence=cell.confidence,
        )
        for cell in cells
        if cell.row in kept_rows and cell.column in kept_columns
    ]
    return kept, len(kept_rows) * len(kept_columns)


def _headings(cells: Sequence[Cell]) -> int:
    """How many rows there are above the first with figures, where there are figures at all; else one of words."""
    last = max((cell.row for cell in cells), default=-1)
    by_row = [[cell for cell in cells if cell.row == row and cell.text] for row in range(last + 1)]
    figures = [sum(FIGURE.fullmatch(cell.text) is not None for cell in row) for row in by_row]
    first = next((row for row, count in enumerate(figures) if count and not _all_years(by_row[row])), None)
    if first is None:
        return 1 if last >= 1 and by_row[0] else 0
    return first if first <= 3 else 0


def _all_years(row: Sequence[Cell]) -> bool:
    """Years head columns, though they are figures."""
    numbers = [cell.text for cell in row if FIGURE.fullmatch(cell.text)]
    return bool(numbers) and all(re.fullmatch(r"(19|20)\d\d", one) for one in numbers) and len(numbers) > 1


# Tables without upright lines


def _aligned(texts: Sequence[TextLine]) -> list[Table]:
    """Runs of rows that have the same columns."""
    tables: list[Table] = []
    run: list[list[TextLine]] = []
    for row in [*rows_of(texts), []]:
        if run and (len(row) < FEWEST_COLUMNS or not _follows(run, row)):
            if table := _from_rows(run):
                tables.append(table)
            run = []
        if len(row) >= FEWEST_COLUMNS:
            run.append(row)
    return tables


def _follows(run: list[list[TextLine]], row: list[TextLine]) -> bool:
    """Close below, and most of its pieces under pieces of the rows above."""
    last = run[-1]
    height = statistics.median(one.region.box.height for one in [*last, *row])
    gap = row[0].region.box.top - max(one.region.box.bottom for one in last)
    above = [one.region.box for other in run[-3:] for one in other]
    under = sum(any(_in_column(one.region.box, box, height) for box in above) for one in row)
    if (
        gap
        > (WIDE if len(row) >= 3 and under >= 0.6 * len(row) and len(last) == len(row) else CLOSE) * height
    ):
        return False
    return under >= max(2, 0.6 * len(row))


def _in_column(box: Box, other: Box, height: float) -> bool:
    return (
        abs(box.left - other.left) < 0.7 * height
        or abs(box.right - other.right) < 0.7 * height
        or abs(box.centre.x - other.centre.x) < 0.7 * height
    )


def _from_rows(rows: list[list[TextLine]]) -> Table | None:
    """The table that rows of pieces make, if white runs down between their columns."""
    if len(rows) < FEWEST_ROWS:
        return None
    columns = _columns([[one.region.box for one in row] for row in rows])
    if len(columns) < FEWEST_COLUMNS:
        return None
    cells: list[Cell] = []
    for number, row in enumerate(rows):
        placed: dict[tuple[int, int], list[TextLine]] = {}
        for line in row:
            box = line.region.box
            met = [n for n, (left, right) in enumerate(columns) if box.left < right and box.right > left]
            placed.setdefault((met[0], met[-1]), []).append(line)
        for (first, last), lines in placed.items():
            boxes = [line.region.box for line in lines]
            cells.append(
                Cell(
                    row=number,
                    column=first,
                    columns=last - first + 1,
                    text=" ".join(line.text for line in lines),
                    region=Box(
                        min(box.left for box in boxes),
                        min(box.top for box in boxes),
                        max(box.right for box in boxes),
                        max(box.bottom for box in boxes),
                    ),
                    confidence=min(line.confidence for line in lines),
                )
            )
    figures = sum(FIGURE.fullmatch(cell.text) is not None for cell in cells)
    if len(columns) == 2 and figures < 0.3 * len(cells):
        return None  # two columns of words are prose, or a form
    regions = [cell.region for cell in cells]
    region = Box(
        min(box.left for box in regions),
        min(box.top for box in regions),
        max(box.right for box in regions),
        max(box.bottom for box in regions),
    )
    return Table(id="", region=region, cells=tuple(cells), ruled=False, heading_rows=_headings(cells))


def _columns(rows: list[list[Box]]) -> list[tuple[float, float]]:
    """From where to where columns reach. Pieces wider than what others leave white (spanning heads) do not count."""
    spans = sorted((box.left, box.right) for row in rows for box in row)
    most = max(len(row) for row in rows)
    ordinary = [
        (box.left, box.right) for row in rows if len(row) >= max(2, 0.6 * most) for box in row
    ] or spans
    joined: list[list[float]] = []
    for left, right in sorted(ordinary):
        if joined and left <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], right)
        else:
            joined.append([left, right])
    # What is left out may stand where no column is: then it is a column of its own.
    for left, right in spans:
        if not any(left < one[1] and right > one[0] for one in joined):
            joined.append([left, right])
    return sorted((one[0], one[1]) for one in joined)
