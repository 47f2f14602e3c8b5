"""Tables come out as cells, with rules drawn or without."""

from __future__ import annotations

from msgspec.structs import replace
from PIL import ImageDraw
from tests.vision.drawing import page, pixels_of
from tests.vision.scenes import bars

from pierian.vision.reading import settled
from pierian.vision.regions import Box, Point, Polygon
from pierian.vision.scene import Table, TextLine
from pierian.vision.tables import read_tables

ROWS = [["Region", "2019", "2020"], ["North", "1,200", "1,350"], ["South", "980", "1,010"]]
EDGES, HEIGHTS = [40, 160, 260, 360], [50, 84, 118, 152]


def text(words: str, left: float, top: float, width: float) -> TextLine:
    corners = (
        Point(left, top),
        Point(left + width, top),
        Point(left + width, top + 12),
        Point(left, top + 12),
    )
    return TextLine(id="t", region=Polygon(corners), text=words, confidence=0.9)


def grid(table: Table) -> list[list[str]]:
    rows = max(cell.row for cell in table.cells) + 1
    columns = max(cell.column + cell.columns for cell in table.cells)
    found = [[""] * columns for _ in range(rows)]
    for cell in table.cells:
        found[cell.row][cell.column] = cell.text
    return found


def test_a_ruled_table_is_its_cells_and_a_cell_spans_where_no_line_stops_it() -> None:
    image = page(420, 220, [])
    draw = ImageDraw.Draw(image)
    for y in HEIGHTS:
        draw.line([(EDGES[0], y), (EDGES[-1], y)], fill="black")
    for x in EDGES:
        draw.line([(x, HEIGHTS[0] if x != EDGES[2] else HEIGHTS[1]), (x, HEIGHTS[-1])], fill="black")
    texts = [text("Region", 48, 60, 50), text("Sales of two years", 170, 60, 140)]
    texts += [text(ROWS[n][m], EDGES[m] + 8, HEIGHTS[n] + 10, 40) for n in (1, 2) for m in range(3)]
    (table,) = read_tables(pixels_of(image), texts)
    assert table.ruled
    assert table.heading_rows == 1
    assert grid(table) == [["Region", "Sales of two years", ""], *ROWS[1:]]
    assert next(cell for cell in table.cells if cell.text.startswith("Sales")).columns == 2


def test_columns_without_lines_are_found_by_how_words_stand() -> None:
    image = pixels_of(page(420, 220, []))
    texts = [text(ROWS[n][m], EDGES[m], HEIGHTS[0] + 20 * n, 40) for n in range(3) for m in range(3)]
    (table,) = read_tables(image, texts)
    assert not table.ruled
    assert table.heading_rows == 1
    assert grid(table) == ROWS


def test_rows_that_stand_far_apart_are_one_table_if_they_have_the_same_columns() -> None:
    texts = [text(ROWS[n][m], EDGES[m], 50 + 50 * n, 40) for n in range(3) for m in range(3)]
    (table,) = read_tables(pixels_of(page(420, 220, [])), texts)
    assert grid(table) == ROWS


def test_a_page_full_of_words_in_columns_is_a_table_and_no_chart() -> None:
    texts = [text(ROWS[n][m], EDGES[m], HEIGHTS[0] + 20 * n, 40) for n in range(3) for m in range(3)]
    tables = read_tables(pixels_of(page(420, 220, [])), texts)
    chart = replace(bars({"Jan": [1.0]}), region=Box(0, 0, 420, 220), plot=Box(20, 20, 400, 200))
    assert settled(tables, (chart,)) == (tables, ())
    many = bars({f"{n}": [1.0] for n in range(9)})
    chart = replace(many, region=Box(0, 0, 420, 220), plot=Box(20, 20, 400, 200))
    assert settled(tables, (chart,)) == ((), (chart,))


def test_prose_and_an_empty_frame_are_no_tables() -> None:
    image = page(420, 220, [])
    ImageDraw.Draw(image).rectangle([10, 10, 400, 200], outline="black")
    prose = [text("a line of prose runs here", 20, 20 + 18 * n, 300) for n in range(6)]
    assert read_tables(pixels_of(image), prose) == ()
