"""Reads a picture: all readers one after the other, put together as one scene.

Text comes first, since the others build on it, and says which way up the picture is. Where a chart and a table claim
the same place, the one that explains more of it is kept. It runs in the process that calls it: the networks see
0.8 megapixels at most in one call, which bounds their memory, and a process of its own would have to load them each
time, or hold them twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from pierian.vision.barcodes import read_barcodes
from pierian.vision.charts import read_charts
from pierian.vision.panels import read_panels
from pierian.vision.picture import Picture
from pierian.vision.reading_order import in_order
from pierian.vision.regions import Box, box_of
from pierian.vision.scene import NOTHING, Chart, Scene, Shape, Table, TextLine
from pierian.vision.shapes import read_shapes
from pierian.vision.tables import read_tables
from pierian.vision.text import read_texts, turned_by
from pierian.vision.turning import turn

UNSURE = 0.7
"""Lines that were read with less are told."""
NAMED = 4
FULL = 0.6
"""The share of its cells that a table, and no chart's grid, has filled."""
DIRECTIONS = {90: "on its left side", 180: "upside down", 270: "on its right side"}


def read_scene(picture: Picture) -> Scene:
    """What there is in a picture. Regions are in pixels of the picture turned by `Scene.turned`."""
    pixels = picture.pixels
    texts = read_texts(pixels)
    turned = turned_by(texts)
    if turned:
        pixels = turn(pixels, turned)
        texts = read_texts(pixels)
    texts = tuple(replace(line, id=f"t{number}") for number, line in enumerate(in_order(texts), 1))
    tables, charts = settled(read_tables(pixels, texts), read_charts(pixels, texts))
    barcodes = read_barcodes(pixels)
    taken = [*(table.region for table in tables), *(chart.region for chart in charts)]
    taken += [code.region.box for code in barcodes]
    shapes = _numbered([one for one in read_shapes(pixels, texts) if not _lies_in(box_of(one.region), taken)])
    scene = Scene(
        width=int(pixels.shape[1]),
        height=int(pixels.shape[0]),
        texts=texts,
        tables=tables,
        charts=charts,
        shapes=shapes,
        barcodes=barcodes,
        panels=read_panels(pixels, shapes),
        turned=turned,
    )
    return replace(scene, unsure=_unsure(scene))


def settled(
    tables: tuple[Table, ...], charts: tuple[Chart, ...]
) -> tuple[tuple[Table, ...], tuple[Chart, ...]]:
    """Tables and charts that do not claim the same place: a grid with full cells is a table, else the chart's."""
    full = [table for table in tables if table.ruled and _filled(table) >= FULL]
    kept = tuple(
        chart
        for chart in charts
        if not any(_claim(chart.plot, table.region) for table in full)
        and not any(_explains_more(table, chart) for table in tables if not table.ruled)
    )
    regions = [chart.region for chart in kept]
    free = [
        table for table in tables if table in full or not any(_claim(table.region, one) for one in regions)
    ]
    return tuple(replace(table, id=f"b{number}") for number, table in enumerate(free, 1)), kept


def _explains_more(table: Table, chart: Chart) -> bool:
    """Whether a plot is full of words in rows and columns, far more of them than there are marks."""
    marks = sum(len(series.marks) for series in chart.series)
    inside = [cell for cell in table.cells if _lies_in(cell.region, [chart.plot])]
    several = len({cell.column for cell in inside}) >= 3 and len({cell.row for cell in inside}) >= 3
    return several and _filled(table) >= FULL and len(inside) > 2 * marks


def _filled(table: Table) -> float:
    return sum(bool(cell.text) for cell in table.cells) / max(len(table.cells), 1)


def _claim(box: Box, other: Box) -> bool:
    """Whether much of one of two boxes, which may lie in each other, is in both."""
    wide = min(box.right, other.right) - max(box.left, other.left)
    high = min(box.bottom, other.bottom) - max(box.top, other.top)
    return max(wide, 0.0) * max(high, 0.0) > 0.4 * min(box.area, other.area)


def _lies_in(box: Box, regions: Sequence[Box]) -> bool:
    middle = box.centre
    return any(one.left <= middle.x <= one.right and one.top <= middle.y <= one.bottom for one in regions)


def _numbered(shapes: Sequence[Shape]) -> tuple[Shape, ...]:
    return tuple(replace(shape, id=f"s{number}") for number, shape in enumerate(shapes, 1))


def _unsure(scene: Scene) -> tuple[str, ...]:
    """What people should know about the reading, as sentences."""
    notes: list[str] = []
    if scene.turned:
        notes.append(f"The picture lies {DIRECTIONS[scene.turned]}; it was turned before it was read.")
    doubtful = [line for line in scene.texts if line.confidence < UNSURE]
    if doubtful:
        notes.append(f"{_count(doubtful)} could not be read for certain: {_quoted(doubtful)}.")
    if not (scene.texts or scene.tables or scene.charts or scene.shapes or scene.barcodes):
        notes.append(NOTHING)
    return tuple(notes)


def _count(lines: Sequence[TextLine]) -> str:
    return "One line of text" if len(lines) == 1 else f"{len(lines)} lines of text"


def _quoted(lines: Sequence[TextLine]) -> str:
    named = ", ".join(f"{line.id} “{line.text}”" for line in lines[:NAMED])
    return f"{named}, …" if len(lines) > NAMED else named
