"""A scene as Markdown, CSV and JSON: the right cells, and no text that anything would obey."""

from __future__ import annotations

import csv
import io
import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.vision.scenes import EVIL, SCENE, TABLE, bars, line

from pierian.vision.exporting import as_csv, as_json, as_markdown, paragraphs
from pierian.vision.grids import number, of_chart, of_table
from pierian.vision.scene import Axis, Chart, Mark, Scene, Series, Table


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_tables_and_charts_as_csv() -> None:
    found = rows(as_csv(SCENE))
    assert found[0] == ["item", "price"]
    assert found[1][1] == "-3.50"
    assert found[2] == []
    assert found[3] == ["month", "shop 1", "± shop 1", "shop 2", "± shop 2"]
    assert found[4:] == [["Jan", "1.23", "0.04", "5.00", "0.04"], ["Feb", "2.00", "0.04", "10.06", "0.04"]]


def test_no_cell_starts_a_formula() -> None:
    cell = rows(as_csv(SCENE))[1][0]
    assert cell.startswith("'=HYPERLINK") and "\x1b" not in cell and "⟨U+202E⟩" in cell
    assert rows(as_csv(Scene(width=9, height=9, texts=(line(1, "+1 234", 0, 0),))))[1][1] == "+1 234"


@given(st.text(max_size=30))
def test_no_text_of_a_picture_starts_a_formula(text: str) -> None:
    cell = rows(as_csv(Scene(width=9, height=9, texts=(line(1, text, 0, 0),))))[1][1]
    assert not cell.startswith(("=", "@", "\t")) and "\n" not in cell


def test_without_tables_the_shapes_and_without_shapes_the_lines() -> None:
    shapes = rows(as_csv(msgspec.structs.replace(SCENE, tables=(), charts=())))
    assert shapes[1] == ["s1", "circle", "blue", "300.0", "10.0", "320.0", "30.0", "314"]
    lines = rows(as_csv(Scene(width=9, height=9, texts=(line(1, "a, b", 1, 2),))))
    assert lines == [
        ["id", "text", "left", "top", "right", "bottom", "confidence"],
        ["t1", "a, b", "1.0", "2.0", "81.0", "12.0", "0.900"],
    ]


def test_markdown_says_the_same_as_the_picture() -> None:
    page = as_markdown(SCENE)
    assert "Dear \\*all\\*\\\n1\\. first beside" in page
    assert "in the table" not in page  # it stands in the table's cells already
    assert "| month | shop 1 | shop 2 |\n| --- | --- | --- |\n| Jan | 1.23 | 5.00 |" in page
    assert "- 2 × blue circle" in page
    assert "*The last bar is cut off.*" in page and "*The lower right corner is blurred.*" in page
    assert "\x1b" not in page and "\u202e" not in page
    assert as_markdown(Scene(width=1, height=1)) == ""


@pytest.mark.parametrize(
    "text",
    [
        EVIL,
        "![a](http://x/y.png)",
        "<img src=x>",
        "# a",
        "- a",
        "1) a",
        "a\nb",
        "`x`",
        "[a]: http://x",
        "https://x.example/",
        "---",
        "===",
        "+ a",
        "    a",
    ],
)
def test_no_text_of_a_picture_is_markup(text: str) -> None:
    html = MarkdownIt("commonmark", {"html": True}).render(
        as_markdown(Scene(width=9, height=9, texts=(line(1, text, 0, 0), line(2, text, 0, 11))))
    )
    assert re.fullmatch(r"<p>[^<>]*<br />[^<>]*</p>\n", html)


def test_json_holds_what_was_read() -> None:
    import numpy as np

    from pierian.vision.picture import Picture

    picture = Picture(pixels=np.zeros((300, 400, 3), np.uint8), name="a.png", notes=("It was reduced.",))
    told = json.loads(json.dumps(as_json(picture, SCENE)))
    assert (told["name"], told["page"], told["notes"], told["width"]) == (
        "a.png",
        1,
        ["It was reduced."],
        400,
    )
    assert told["texts"][4]["text"] == EVIL
    assert msgspec.convert(told, Scene) == SCENE


def test_paragraphs_are_rows_that_are_close() -> None:
    lines = [
        line(1, "a", 0, 0),
        line(2, "b", 100, 1),
        line(3, "c", 0, 12),
        line(4, "d", 0, 60),
        line(5, "e", 0, 0),
    ]
    shown = [[[one.text for one in row] for row in rows] for rows in paragraphs(lines)]
    assert shown == [[["a", "b"], ["c"]], [["d"]], [["e"]]]


def test_a_line_without_letters_that_reach_down_ends_no_paragraph() -> None:
    lines = [
        line(1, "one two", 0, 0, tall=19),
        line(2, "years ago", 0, 42, tall=25),
        line(3, "more", 0, 84, tall=19),
    ]
    assert len(paragraphs(lines)) == 1


def test_tables_of_any_form() -> None:
    assert of_table(TABLE).heading == ("item", "price")
    assert of_table(Table(id="b1", region=TABLE.region, cells=(), ruled=False)).rows == ()
    plain = of_table(msgspec.structs.replace(TABLE, heading_rows=0))
    assert plain.heading == ("", "") and plain.rows[0] == ("item", "price")


def test_other_charts() -> None:
    chart = bars({"Jan": [1.0], "Feb": [2.0]})
    lying = msgspec.structs.replace(chart, horizontal=True, x=chart.y, y=chart.x)
    assert of_chart(lying).heading == ("month", "shop 1")
    nameless = msgspec.structs.replace(chart.series[0], name="")
    assert of_chart(msgspec.structs.replace(chart, series=(nameless,))).heading == ("month", "sold (kg)")
    marks = (Mark(id="m", region=TABLE.region, x=0, y=3, error=0.5, label="a", numbers=(1, 2, 3, 4, 5)),)
    box = msgspec.structs.replace(chart, kind="box", series=(Series(name="", colour="", marks=marks),))
    assert of_chart(box).rows == (("a", "1.0", "2.0", "3.0", "4.0", "5.0"),)
    points = tuple(Mark(id="m", region=TABLE.region, x=x, y=x * 2, error=0.01) for x in (0.5, 1.5))
    several = tuple(Series(name=name, colour="", marks=points) for name in ("a", "b"))
    scatter = Chart(
        id="c1", region=TABLE.region, plot=TABLE.region, kind="scatter", series=several, confidence=1,
        x=Axis(scale="linear"), y=Axis(scale="linear", title="weight"),
    )  # fmt: skip
    assert of_chart(scatter).heading == ("series", "x", "weight")
    assert of_chart(scatter).rows[1] == ("a", "1.50", "3.00")


def test_numbers_have_the_digits_that_mean_something() -> None:
    shown = [
        number(12.3456, 0.02),
        number(1234.5, 30),
        number(12.5, 0),
        number(1e9, 0),
        number(float("nan"), 1),
    ]
    assert shown == ["12.35", "1230", "12.5", "1000000000", ""]
