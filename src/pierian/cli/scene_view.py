"""A scene on the terminal: as a person reads it, or every part with its place. Only shows what `vision` found."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pierian.characters import marked
from pierian.events.regions import Region, box_of
from pierian.vision.exporting import counts, free_texts, grids_of, paragraphs
from pierian.vision.formats import NAMES
from pierian.vision.grids import Grid, of_chart, of_table
from pierian.vision.preview import MOST_COLUMNS, preview, protocol_of, text_map
from pierian.vision.scene import NOTHING

if TYPE_CHECKING:
    from pierian.vision.picture import Picture
    from pierian.vision.scene import Scene

_GAP = "   "
"""Between texts that stand side by side."""
_SURE = 0.8
"""What was read with less is shown in yellow."""
_FEW_ROWS = 40
"""Rows of a chart's values that are shown; a line may have hundreds."""


def show_scene(picture: Picture, scene: Scene) -> None:
    """What there is, as a person reads it."""
    console = Console(highlight=False)
    _head(console, picture)
    _picture(console, picture, scene)
    for paragraph in paragraphs(free_texts(scene)):
        for row in paragraph:
            console.print(_untrusted(_GAP.join(one.text for one in row)), soft_wrap=True)
        console.print()
    for grid in grids_of(scene):
        _grid(console, grid)
    found = scene.texts or scene.tables or scene.charts or scene.shapes or scene.barcodes
    if scene.shapes:
        figures = ", ".join(f"{count} × {what}" for what, count in counts(scene))
        total = "1 figure: " if len(scene.shapes) == 1 else f"{len(scene.shapes)} figures: "
        console.print(Text.assemble((total, "bold"), figures), soft_wrap=True)
    for code in scene.barcodes:
        console.print(Text.assemble((f"{code.format}: ", "bold"), _untrusted(code.text)), soft_wrap=True)
    for sentence in scene.unsure or (() if found else (NOTHING,)):
        _doubt(console, sentence)


def show_parts(picture: Picture, scene: Scene) -> None:
    """Every part with its id, its place and how sure it is."""
    console = Console(highlight=False)
    _head(console, picture)
    if picture.notes:
        console.print()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("id", "what", "where", "sure"):
        justify = "right" if name == "sure" else "left"
        table.add_column(name, no_wrap=name != "what", overflow="fold", justify=justify)
    for line in scene.texts:
        _part(table, line.id, line.text, line.region, line.confidence)
    for one in scene.tables:
        grid = of_table(one)
        _part(table, one.id, f"table, {len(grid.rows)} × {len(grid.heading)}", one.region)
    for chart in scene.charts:
        _part(table, chart.id, of_chart(chart).title, chart.region, chart.confidence)
    for shape in scene.shapes:
        _part(table, shape.id, f"{shape.colour_name} {shape.kind}", shape.region, shape.confidence)
    for code in scene.barcodes:
        _part(table, code.id, f"{code.format}: {code.text}", code.region)
    console.print(table)
    for grid in grids_of(scene):
        console.print()
        _grid(console, grid)
    for sentence in scene.unsure:
        _doubt(console, sentence)


def _head(console: Console, picture: Picture) -> None:
    page = f" · page {picture.page} of {picture.pages}" if picture.pages > 1 else ""
    about = f" · {NAMES[picture.format]} · {picture.width:,} × {picture.height:,}{page}"
    console.print(Text.assemble((marked(picture.name), "bold"), (about, "dim")), soft_wrap=True)
    for note in picture.notes:
        console.print(Text(note, style="dim"), soft_wrap=True)


def _picture(console: Console, picture: Picture, scene: Scene) -> None:
    """The picture, small, where the terminal can show one; else a map of what is in it."""
    console.print()
    if not console.is_terminal:
        return
    from pierian.vision.turning import turn

    protocol = protocol_of(os.environ, terminal=sys.stdout.isatty())
    if protocol is not None:
        sys.stdout.write(preview(turn(picture.pixels, scene.turned), protocol))
        sys.stdout.flush()
    elif scene.tables or scene.charts or scene.shapes:
        for line in text_map(scene, min(MOST_COLUMNS, console.width - 4)):
            console.print(Text(f"  {marked(line)}", style="dim"), soft_wrap=True)
    else:
        return
    console.print()


def _grid(console: Console, grid: Grid) -> None:
    console.print(Text.assemble((grid.id, "bold"), f" {marked(grid.title)}"), soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim", show_header=any(grid.heading))
    for place, name in enumerate(grid.heading):
        numbers = all(_numeric(row[place]) for row in grid.rows)
        table.add_column(
            _untrusted(name), justify="right" if numbers and grid.rows else "left", overflow="fold"
        )
    for row in grid.rows[:_FEW_ROWS]:
        table.add_row(*(_untrusted(cell) for cell in row))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    if (left_out := len(grid.rows) - _FEW_ROWS) > 0:
        console.print(Text(f"  … and {left_out:,} rows more; all with --csv or --json", style="dim"))
    errors = sorted({one for row in grid.errors for one in row if one}, key=float)
    if errors:
        between = f"± {errors[-1]}" if errors[0] == errors[-1] else f"± {errors[0]} to ± {errors[-1]}"
        console.print(Text(f"  values {between}", style="dim"))
    for sentence in grid.unsure:
        _doubt(console, sentence)
    console.print()


def _part(table: Table, name: str, what: str, region: Region, confidence: float | None = None) -> None:
    box = box_of(region)
    where = f"{box.left:.0f}, {box.top:.0f} – {box.right:.0f}, {box.bottom:.0f}"
    sure = "" if confidence is None else f"{confidence:.0%}"
    doubtful = confidence is not None and confidence < _SURE
    table.add_row(name, _untrusted(what), where, Text(sure, style="yellow" if doubtful else ""))


def _doubt(console: Console, sentence: str) -> None:
    console.print(Text(f"? {marked(sentence)}", style="yellow"), soft_wrap=True)


def _untrusted(text: str) -> Text:
    """Text that was found in a picture, everything made visible that a person would not see."""
    return Text(" ".join(marked(text).split()) if "\n" in text else marked(text))


def _numeric(cell: str) -> bool:
    kept = cell.strip().strip("%€$£¥ ")
    return not kept or kept.replace(",", "").replace(".", "").replace("-", "").replace(" ", "").isdigit()
