"""Charts, tables and receipts in one form: sheets of measured values that a program can compute with.

A sheet has rows (categories, dates, places along an axis) and columns (series). Each value keeps where it stands in
the picture and what it may be off by. Names were read in the picture: they are data, quoted and cut to a length.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from pierian.characters import marked
from pierian.events.regions import Box, Region
from pierian.reasoning.pictures.view import View
from pierian.vision.fields import MONEY
from pierian.vision.grids import of_table
from pierian.vision.reading_order import rows_of
from pierian.vision.scene import Axis, Chart, Mark, Table, TextLine

MOST_ROWS = 400
LONGEST_NAME = 40
"""Characters of a name that a model sees."""
Form = Literal["chart", "points", "boxes", "table", "receipt"]
_NUMBER = re.compile(
    r"[-+−(]?\s*(?P<currency>[$€£¥]|RM|USD|EUR|GBP)?\s*(?P<number>\d[\d.,' ]*)\s*"
    r"(?P<factor>[kKMB]|bn|mn|million|m)?\s*(?P<percent>%)?"
)
_FACTORS = {"k": 1e3, "K": 1e3, "M": 1e6, "m": 1e6, "mn": 1e6, "million": 1e6, "B": 1e9, "bn": 1e9}
_SUMMARY = re.compile(
    r"TOTAL(?!LY)|\bROUND(?:ING|ED)|\b(?:CHANGE|CASH|TENDER(?:ED)?|AMOUNT|BALANCE|VISA|MASTER\s?CARD|GST|TAX|VAT"
    r"|DISCOUNT|PAID|DUE|SUMMARY)\b|^\W*(?:MASTER|ROUND)\W*$",
    re.IGNORECASE,
)
"""What rows of a receipt that are no items say."""
_TOTAL = re.compile(r"\W*(?:grand|net)?\W*total\b(?!.*\b(?:discount|savings?|tax|gst|vat)\b)", re.IGNORECASE)
_SUM = re.compile(
    r"\b(?:sub\W?|grand\W?)?totals?\b|\bsum\b|\bbalance\b|\bsumme\b|\bgesamt\b|\boverall\b", re.IGNORECASE
)
"""What rows of a table that may be sums of others are called."""


class Value(Struct, frozen=True, kw_only=True):
    """A measured value. `error`: what it may be off by, in its unit; `part`: the id of the mark or cell."""

    amount: float
    error: float
    region: Region
    part: str
    confidence: float = 1.0
    printed: str = ""


class Sheet(Struct, frozen=True, kw_only=True):
    """Values by row and column. `id` is a name that a program can use; `picture` counts from 1.

    `numbers`: whether rows are places along an axis of numbers, and `places` what they are.
    """

    id: str
    picture: int
    form: Form
    kind: str
    title: str
    rows_title: str
    values_title: str
    unit: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: dict[tuple[str, str], Value]
    """By row and column; pairs without a value are missing."""
    region: Box
    places: tuple[float, ...] = ()
    unsure: tuple[str, ...] = ()
    sums: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Rows that are none because they say what others come to, each with these others."""

    def column(self, name: str) -> dict[str, Value]:
        """The values of a column by row, in order."""
        return {row: self.values[row, name] for row in self.rows if (row, name) in self.values}


def sheets_of(views: Sequence[View]) -> list[Sheet]:
    """All sheets of the pictures, charts first: `c1`, `b1`, `r1`; `p2_c1` where there are several pictures."""
    found: list[Sheet] = []
    for view in views:
        scene, prefix = view.scene, f"p{view.number}_" if len(views) > 1 else ""
        found += [_of_chart(chart, prefix, view.number) for chart in scene.charts]
        found += [_of_table(table, prefix, view.number) for table in scene.tables]
        if not scene.charts and not any(one.picture == view.number and one.values for one in found):
            found.append(_of_amounts(scene.texts, prefix, view.number))
    return [sheet for sheet in found if sheet.values]


# Charts


def _of_chart(chart: Chart, prefix: str, picture: int) -> Sheet:
    labels, amounts = (chart.y, chart.x) if chart.horizontal else (chart.x, chart.y)
    rows, columns, values = (_boxes if chart.kind == "box" else _marks)(chart)
    share = chart.kind == "pie" and all(0 <= one.amount <= 1 for one in values.values())
    if share:
        values = {
            key: replace(one, amount=100 * one.amount, error=100 * one.error) for key, one in values.items()
        }
    numbers = labels is not None and labels.scale == "linear" and chart.kind in ("line", "area", "scatter")
    places = tuple(rows.values())
    return Sheet(
        id=f"{prefix}{chart.id}",
        picture=picture,
        form="points" if chart.kind == "scatter" else "boxes" if chart.kind == "box" else "chart",
        kind=f"{'stacked ' if chart.stacked else ''}{chart.kind} chart",
        title=_name(chart.title),
        rows_title=_title(labels),
        values_title=_title(amounts),
        unit="%" if share else amounts.unit if amounts else "",
        rows=tuple(rows),
        columns=columns,
        values=values,
        region=chart.region,
        places=places if numbers else (),
        unsure=chart.unsure,
    )


_Read = tuple[dict[str, float], tuple[str, ...], dict[tuple[str, str], Value]]


def _marks(chart: Chart) -> _Read:
    """Rows with their places, columns, values. Labels that stand twice are told apart by a number."""
    found: dict[tuple[str, str], Value] = {}
    rows: dict[str, float] = {}
    columns = _distinct([_name(one.name) or f"series {n}" for n, one in enumerate(chart.series, 1)])
    for column, series in zip(columns, chart.series, strict=True):
        for mark in series.marks[:MOST_ROWS]:
            row = _row(mark)
            times = 2
            while (row, column) in found:
                row, times = f"{_row(mark)} ({times})", times + 1
            rows.setdefault(row, mark.x)
            found[row, column] = _value(mark.y, mark, chart)
    ordered = dict(sorted(rows.items(), key=lambda item: item[1]))
    return ordered, columns, found


def _boxes(chart: Chart) -> _Read:
    columns = ("lowest", "quartile 1", "median", "quartile 3", "highest")
    found: dict[tuple[str, str], Value] = {}
    rows: dict[str, float] = {}
    for series in chart.series:
        for mark in series.marks:
            row = _row(mark) or _name(series.name)
            rows.setdefault(row, mark.x)
            for column, amount in zip(columns, mark.numbers, strict=False):
                found[row, column] = _value(amount, mark, chart)
    return dict(sorted(rows.items(), key=lambda item: item[1])), columns, found


def _row(mark: Mark) -> str:
    return _name(mark.label) or f"{mark.x:.6g}"


def _value(amount: float, mark: Mark, chart: Chart) -> Value:
    return Value(
        amount=amount,
        error=abs(mark.error) if math.isfinite(mark.error) else 0.0,
        region=mark.region,
        part=mark.id,
        confidence=chart.confidence,
        printed=mark.printed,
    )


def _title(axis: Axis | None) -> str:
    return "" if axis is None else _name(axis.title)


# Tables and receipts


def _of_table(table: Table, prefix: str, picture: int) -> Sheet:
    """The columns of a table that hold numbers, by the texts of its first column that does not."""
    grid = of_table(table)
    cells = {(cell.row - table.heading_rows, cell.column): cell for cell in table.cells}
    width = len(grid.heading)
    numeric = [
        place
        for place in range(width)
        if grid.rows and sum(number_in(row[place]) is not None for row in grid.rows) >= 0.6 * len(grid.rows)
    ]
    naming = next((place for place in range(width) if place not in numeric), None)
    if naming is None and len(numeric) > 1:
        naming = numeric.pop(0)  # a first column of years
    names = [row[naming] if naming is not None else f"row {n}" for n, row in enumerate(grid.rows, 1)]
    rows = _distinct([_name(one) or f"row {n}" for n, one in enumerate(names, 1)])
    columns = _distinct([_name(grid.heading[place]) or f"column {place + 1}" for place in numeric])
    values: dict[tuple[str, str], Value] = {}
    for place, column in zip(numeric, columns, strict=True):
        for number, row in enumerate(rows[:MOST_ROWS]):
            text, cell = grid.rows[number][place], cells.get((number, place))
            if (amount := number_in(text)) is not None and cell is not None:
                values[row, column] = Value(
                    amount=amount,
                    error=0.0,
                    region=cell.region,
                    part=f"{table.id}.{number + 1}.{place + 1}",
                    confidence=cell.confidence,
                    printed=text,
                )
    sums = _sums(rows, columns, values)
    values = {key: value for key, value in values.items() if key[0] not in dict(sums)}
    rows = tuple(row for row in rows if row not in dict(sums))
    return Sheet(
        id=f"{prefix}{table.id}",
        picture=picture,
        form="table",
        kind="table",
        title="",
        rows_title=_name(grid.heading[naming]) if naming is not None else "",
        values_title="",
        unit="",
        rows=rows,
        columns=columns,
        values=values,
        region=table.region,
        sums=sums,
    )


def _sums(
    rows: Sequence[str], columns: Sequence[str], values: dict[tuple[str, str], Value]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Rows that say what those above them come to: they are no items, and would be counted and compared as such."""
    found: dict[str, tuple[str, ...]] = {}
    for place, row in enumerate(rows):
        own = [column for column in columns if (row, column) in values]
        above = [one for one in rows[:place] if one not in found]
        if not own or len(above) < 2 or not _SUM.search(row):
            continue
        sums = [sum(values[one, column].amount for one in above if (one, column) in values) for column in own]
        if all(
            abs(total - values[row, column].amount) <= max(0.006, 1e-3 * abs(total))
            for total, column in zip(sums, own, strict=True)
        ):
            found[row] = tuple(above)
    return tuple(found.items())


def _of_amounts(texts: Sequence[TextLine], prefix: str, picture: int) -> Sheet:
    """Rows of text that end in a sum of money, such as the items of a receipt; totals are not among them."""
    names: list[str] = []
    found: list[Value] = []
    boxes: list[Box] = []
    pending, unsure = "", ""
    for lines in rows_of([line for line in texts if abs(line.angle) < 20]):
        text = " ".join(line.text for line in lines)
        sums = list(MONEY.finditer(text))
        letters = re.sub(r"[^A-Za-zÀ-ÿ ]", " ", MONEY.sub(" ", text)).strip()
        if found and (_SUMMARY.search(text) or _SUMMARY.search(letters)):
            pending = ""
            total = number_in(sums[-1].group()) if sums and _TOTAL.match(letters) else None
            items = sum(one.amount for one in found)
            if total is not None:
                if abs(total - items) > 0.006:
                    unsure = f"The items that were read come to {items:.2f}, and {total:.2f} is printed as the total."
                break  # below the total stand taxes and payment
            continue
        if not sums:
            pending = text if len(letters) >= 3 else ""
            continue
        name = letters if len(letters) >= 3 else pending
        pending = ""
        amount = number_in(sums[-1].group())
        if not name or amount is None:
            continue
        box = _around(line.region.box for line in lines)
        names.append(_name(" ".join(name.split())))
        boxes.append(box)
        found.append(
            Value(
                amount=amount,
                error=0.0,
                region=box,
                part=lines[-1].id,
                confidence=min(line.confidence for line in lines),
                printed=sums[-1].group(),
            )
        )
    rows = _distinct(names)
    return Sheet(
        id=f"{prefix}r1",
        picture=picture,
        form="receipt",
        kind="receipt",
        title="",
        rows_title="item",
        values_title="price",
        unit="",
        rows=rows,
        columns=("price",),
        values={(row, "price"): value for row, value in zip(rows, found, strict=True)},
        region=_around(boxes) if boxes else Box(0, 0, 0, 0),
        unsure=(unsure,) if unsure else (),
    )


def number_in(text: str) -> float | None:
    """The number that a text is, with its sign, thousands and factor; None where it is something else."""
    match = _NUMBER.fullmatch(text.strip().rstrip(")").strip())
    if match is None:
        return None
    if match["factor"] == "m" and not match["currency"]:
        return None  # metres, minutes, or millions: nothing says which
    digits = re.sub(r"[ ']", "", match["number"])
    if re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}", digits):
        digits = digits.replace(".", "")
    if "," in digits and "." in digits:
        decimal = max(digits.rfind(","), digits.rfind("."))
        digits = re.sub(r"[.,]", "", digits[:decimal]) + "." + digits[decimal + 1 :]
    elif digits.count(",") == 1 and len(digits.rpartition(",")[2]) != 3:
        digits = digits.replace(",", ".")
    else:
        digits = digits.replace(",", "")
    try:
        amount = float(digits)
    except ValueError:
        return None
    negative = text.strip().startswith(("-", "−", "("))
    return amount * _FACTORS.get(match["factor"] or "", 1.0) * (-1 if negative else 1)


def _around(boxes: Iterable[Box]) -> Box:
    several = list(boxes)
    return Box(
        min(box.left for box in several),
        min(box.top for box in several),
        max(box.right for box in several),
        max(box.bottom for box in several),
    )


def _name(text: str) -> str:
    """A name as it is shown to a model and used as a key: one line, nothing hidden, of bounded length."""
    shown = " ".join(marked(text).split()).strip(" -–:|").replace('"', "'").replace("\\", "/")
    return shown[:LONGEST_NAME].rstrip()


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        chosen, times = name, 2
        while chosen in found:
            chosen, times = f"{name} ({times})", times + 1
        found.append(chosen)
    return tuple(found)
