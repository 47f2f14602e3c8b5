"""A scene as JSON, Markdown or CSV, for other programs and other pages.

Text from a picture is nobody's word: in Markdown it is escaped, in CSV it starts no formula, and in both everything
is made visible that a person would not see. JSON holds it as it was read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from pierian.characters import marked
from pierian.events.regions import Box, box_of
from pierian.vision.grids import Grid, of_chart, of_table
from pierian.vision.picture import Picture
from pierian.vision.scene import Scene, TextLine

_MARKS_OF_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~#&!$])")
_BEGINNING = re.compile(r"^(\d*)(?=[.)](?:\s|$)|[-+](?:\s|$)|[-=]+\s*$)")
"""Of a list, a rule, or the line below a heading."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[-+]?[\d.,\s]*\d\s*%?")
_GAP = 1.1
"""Between two rows of text, in heights of a line: more of it is a new paragraph."""


def as_json(picture: Picture, scene: Scene) -> dict[str, Any]:
    """A picture and its scene as values that JSON has."""
    return {
        "name": picture.name,
        "format": picture.format,
        "page": picture.page,
        "pages": picture.pages,
        "notes": list(picture.notes),
        **msgspec.to_builtins(scene),
    }


def as_markdown(scene: Scene) -> str:
    """Everything in the scene, as Markdown: text as it stands, tables and charts as tables."""
    blocks = [_markdown_paragraph(rows) for rows in paragraphs(free_texts(scene))]
    for grid in grids_of(scene):
        blocks += [f"**{_escaped(grid.title)}**", _markdown_table(grid)]
        blocks += [f"*{_escaped(one)}*" for one in grid.unsure]
    if scene.shapes:
        blocks.append("\n".join(f"- {count} × {_escaped(what)}" for what, count in counts(scene)))
    blocks += [f"- {_escaped(one.format)}: {_escaped(one.text)}" for one in scene.barcodes]
    blocks += [f"*{_escaped(one)}*" for one in scene.unsure]
    return "\n\n".join(blocks) + "\n" if blocks else ""


def as_csv(scene: Scene) -> str:
    """The tables and the charts, an empty line between them; where there are none, shapes, else lines of text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    tables = [_csv_rows(grid) for grid in grids_of(scene)]
    if not tables and scene.shapes:
        head = ["id", "kind", "colour", "left", "top", "right", "bottom", "area"]
        tables = [
            [
                head,
                *(
                    [one.id, one.kind, one.colour_name, *_sides(box_of(one.region)), f"{one.area:.0f}"]
                    for one in scene.shapes
                ),
            ]
        ]
    elif not tables:
        head = ["id", "text", "left", "top", "right", "bottom", "confidence"]
        lines = [[one.id, one.text, *_sides(one.region.box), f"{one.confidence:.3f}"] for one in scene.texts]
        tables = [[head, *lines]]
    for place, rows in enumerate(tables):
        if place:
            out.write("\n")
        writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def grids_of(scene: Scene) -> list[Grid]:
    """Its tables and charts, from top to bottom."""
    parts = [(one.region, of_table(one)) for one in scene.tables]
    parts += [(one.region, of_chart(one)) for one in scene.charts]
    return [grid for _, grid in sorted(parts, key=lambda part: (part[0].top, part[0].left))]


def counts(scene: Scene) -> list[tuple[str, int]]:
    """How many figures there are of each colour and kind, most first."""
    found: dict[str, int] = {}
    for one in scene.shapes:
        what = f"{one.colour_name} {one.kind}"
        found[what] = found.get(what, 0) + 1
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def free_texts(scene: Scene) -> list[TextLine]:
    """The lines that stand in no table and no chart."""
    taken = [one.region for one in (*scene.tables, *scene.charts)]
    return [line for line in scene.texts if not any(_holds(box, line.region.box) for box in taken)]


def paragraphs(lines: Sequence[TextLine]) -> list[list[list[TextLine]]]:
    """Lines in their order, those side by side as one row, rows close to each other as one paragraph."""
    found: list[list[list[TextLine]]] = []
    last: Box | None = None
    for line in lines:
        box = line.region.box
        if last is not None and _beside(last, box):
            found[-1][-1].append(line)
        elif last is not None and _goes_on(last, box):
            found[-1].append([line])
        else:
            found.append([[line]])
        last = box
    return found


def _goes_on(one: Box, other: Box) -> bool:
    """Close below; a line without a letter that reaches down is lower than its neighbours."""
    height = max(one.height, other.height)
    return -height / 2 <= other.top - one.bottom <= height * _GAP


def _beside(one: Box, other: Box) -> bool:
    middle = other.centre.y
    return one.top < middle < one.bottom and other.left >= one.right - one.height


def _holds(box: Box, inner: Box) -> bool:
    middle = inner.centre
    return box.left <= middle.x <= box.right and box.top <= middle.y <= box.bottom


def _markdown_paragraph(rows: Iterable[Sequence[TextLine]]) -> str:
    return "\\\n".join(" ".join(_escaped(one.text) for one in row) for row in rows)


def _markdown_table(grid: Grid) -> str:
    rows = [grid.heading, ("---",) * len(grid.heading), *grid.rows]
    return "\n".join(
        f"| {' | '.join(cell if place == 1 else _escaped(cell) for cell in row)} |"
        for place, row in enumerate(rows)
    )


def _escaped(text: str) -> str:
    one_line = " ".join(marked(text).split())
    return _BEGINNING.sub(r"\1\\", _MARKS_OF_MARKDOWN.sub(r"\\\1", one_line))


def _csv_rows(grid: Grid) -> list[list[str]]:
    """A grid, with a column beside each that says what its values may be off by, where that is known."""
    doubtful = [any(row[place] for row in grid.errors) for place in range(len(grid.heading))]
    heading: list[str] = []
    for name, has_errors in zip(grid.heading, doubtful, strict=True):
        heading += [name, f"± {name}"] if has_errors else [name]
    rows = [heading] if any(heading) else []
    for number, row in enumerate(grid.rows):
        cells: list[str] = []
        for place, cell in enumerate(row):
            cells += [cell, grid.errors[number][place]] if doubtful[place] else [cell]
        rows.append(cells)
    return rows


def _sides(box: Box) -> list[str]:
    return [f"{side:.1f}" for side in (box.left, box.top, box.right, box.bottom)]


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = " ".join(marked(cell).split())
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text
