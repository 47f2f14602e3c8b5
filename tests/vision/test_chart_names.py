"""Names around a chart that readers of text join or break: each still finds its bar, its colour, its slice."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from tests.vision.chart_drawings import BLUE, BOTTOM, LEFT, RED, Drawing

from pierian.vision.charts import read_charts
from pierian.vision.regions import Point, Polygon
from pierian.vision.scene import Chart, TextLine, Word

DARK, PURPLE = (53, 25, 62), (112, 31, 87)


def only(drawing: Drawing) -> Chart:
    (chart,) = read_charts(drawing.pixels, drawing.texts)
    return chart


def outline(left: float, top: float, right: float, bottom: float) -> Polygon:
    return Polygon((Point(left, top), Point(right, top), Point(right, bottom), Point(left, bottom)))


def one_line(drawing: Drawing, words: list[tuple[str, float]], y: float) -> None:
    """Words, given by their middles, that were read as one line of text."""
    places = [(word, x - 3.6 * len(word), x + 3.6 * len(word)) for word, x in words]
    parts = tuple(Word(word, outline(left, y - 6, right, y + 6)) for word, left, right in places)
    region = outline(places[0][1], y - 6, places[-1][2], y + 6)
    text = " ".join(word for word, _ in words)
    drawing.texts.append(TextLine(id=f"w{y}", region=region, text=text, confidence=1.0, words=parts))


def test_names_that_were_read_as_one_line_are_parted() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 20, 40, 60, 80, 100])
    names = ["Germany", "France", "Spain", "Italy"]
    middles = [LEFT + 75 + 150 * index for index in range(4)]
    one_line(drawing, list(zip(names, middles, strict=True)), BOTTOM + 18)
    for x, value in zip(middles, (30, 55, 80, 10), strict=True):
        drawing.bar(x, 80, value)
    assert [mark.label for mark in only(drawing).series[0].marks] == names


def test_a_legend_in_one_line_of_text_names_each_of_its_colours() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 20, 40, 60, 80, 100])
    for x, first, second in zip(drawing.names(["North", "South"]), (30, 55), (44, 12), strict=True):
        drawing.bar(x - 40, 80, first, BLUE)
        drawing.bar(x + 40, 80, second, RED)
    one_line(drawing, [("Online", 330.0), ("Stores", 420.0)], BOTTOM + 50)
    drawing.box(294, BOTTOM + 45, 304, BOTTOM + 55, BLUE)
    drawing.box(384, BOTTOM + 45, 394, BOTTOM + 55, RED)
    chart = only(drawing)
    found = {one.name: [mark.y for mark in one.marks] for one in chart.series}
    assert found == {"Online": pytest.approx([30, 55], abs=1), "Stores": pytest.approx([44, 12], abs=1)}


def test_names_in_two_lines_are_whole() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 20, 40, 60, 80, 100])
    middles = drawing.names(["North", "Latin", "East"])
    for word, x in zip(("America", "America", "Asia"), middles, strict=True):
        drawing.text(word, x, BOTTOM + 33)
    for x, value in zip(middles, (30, 55, 80), strict=True):
        drawing.bar(x, 90, value)
    found = [mark.label for mark in only(drawing).series[0].marks]
    assert found == ["North America", "Latin America", "East Asia"]


def test_lines_of_almost_one_hue_stay_apart() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 20, 40, 60, 80, 100])
    middles = drawing.names(["Jan", "Feb", "Mar", "Apr"])
    drawing.line(list(zip(middles, (30, 55, 40, 62), strict=True)), DARK)
    drawing.line(list(zip(middles, (70, 85, 76, 90), strict=True)), PURPLE)
    found = sorted([round(mark.y) for mark in one.marks] for one in only(drawing).series)
    assert found == [pytest.approx([30, 55, 40, 62], abs=2), pytest.approx([70, 85, 76, 90], abs=2)]


def test_whiskers_that_stand_at_ticks_are_no_gridlines() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 20, 40, 60, 80, 100])
    for x in drawing.names(["2021", "2022", "2023"]):
        at = round(x)
        for value, other in ((10, 40), (60, 90)):
            cv2.line(
                drawing.pixels, (at, round(drawing.y(value))), (at, round(drawing.y(other))), (0, 0, 0), 2
            )
        drawing.box(at - 40, drawing.y(60), at + 40, drawing.y(40), (120, 180, 230))
        drawing.box(at - 40, drawing.y(51), at + 40, drawing.y(50), (0, 0, 0))
    chart = only(drawing)
    assert chart.kind == "box"
    assert [mark.numbers for mark in chart.series[0].marks] == [
        pytest.approx((10, 40, 50.5, 60, 90), abs=1.5)
    ] * 3


def test_a_name_that_touches_its_disc_does_not_hide_it() -> None:
    drawing = Drawing()
    drawing.pixels = np.full((240, 320, 3), 255, np.uint8)
    for start, end, colour in ((-90, 30, BLUE), (30, 270, RED)):
        cv2.ellipse(drawing.pixels, (150, 120), (70, 70), 0, start, end, colour, cv2.FILLED)
    cv2.putText(drawing.pixels, "Apples", (208, 90), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 2, cv2.LINE_AA)
    drawing.texts.append(TextLine(id="t1", region=outline(208, 78, 262, 94), text="Apples", confidence=1.0))
    drawing.text("Pears", 70, 200)
    chart = only(drawing)
    assert chart.kind == "pie"
    shares = {mark.label: mark.y for mark in chart.series[0].marks}
    assert math.isclose(shares["Apples"], 1 / 3, abs_tol=0.01)


def test_the_axis_may_lack_its_lowest_number() -> None:
    drawing = Drawing(highest=99.0)
    drawing.value_ticks([33, 66, 99])
    for x, value in zip(drawing.names(["North", "South", "West"]), (30, 55, 80), strict=True):
        drawing.bar(x, 90, value)
    marks = only(drawing).series[0].marks
    assert [mark.y for mark in marks] == pytest.approx([30, 55, 80], abs=1)
    assert [mark.label for mark in marks] == ["North", "South", "West"]
