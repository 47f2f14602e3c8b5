"""Charts from pixels and known labels: bars, lines, points, slices, boxes as values, and what is unsure about them."""

import math

import cv2
import numpy as np
import pytest
from tests.vision.chart_drawings import BLUE, BOTTOM, LEFT, RED, RIGHT, TOP, Drawing

from pierian.vision.charts import read_charts
from pierian.vision.regions import Box, box_of
from pierian.vision.scene import Chart


def only(drawing: Drawing) -> Chart:
    charts = read_charts(drawing.pixels, drawing.texts)
    assert len(charts) == 1
    return charts[0]


def values(chart: Chart, series: int = 0) -> list[float]:
    return [mark.y for mark in chart.series[series].marks]


def test_grouped_bars_get_their_names_and_values() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 20, 40, 60, 80, 100])
    middles = drawing.names(["North", "South", "West"])
    drawing.legend(["Online", "Stores"], [BLUE, RED])
    for x, first, second in zip(middles, (30, 55, 80), (44, 12, 66), strict=True):
        drawing.bar(x - 25, 50, first, BLUE)
        drawing.bar(x + 25, 50, second, RED)
    chart = only(drawing)
    assert (chart.kind, chart.horizontal, chart.stacked) == ("bar", False, False)
    assert [one.name for one in chart.series] == ["Online", "Stores"]
    assert values(chart, 0) == pytest.approx([30, 55, 80], abs=1)
    assert values(chart, 1) == pytest.approx([44, 12, 66], abs=1)
    assert [mark.label for mark in chart.series[0].marks] == ["North", "South", "West"]
    assert all(mark.error < 2 for mark in chart.series[0].marks)
    assert chart.agreement > 0.9 and chart.unsure == ()
    place = box_of(chart.series[0].marks[0].region)
    assert place.overlap(Box(middles[0] - 50, drawing.y(30), middles[0], BOTTOM)) > 0.9


def test_a_stacked_part_has_its_own_height() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 25, 50, 75, 100])
    for x, low, high in zip(drawing.names(["A1", "B1", "C1"]), (30, 20, 45), (40, 60, 10), strict=True):
        drawing.bar(x, 90, low, BLUE)
        drawing.bar(x, 90, high, RED, base=low)
    chart = only(drawing)
    assert chart.stacked
    assert sorted(values(chart, 0)) == pytest.approx([20, 30, 45], abs=1)
    assert sorted(values(chart, 1)) == pytest.approx([10, 40, 60], abs=1)


def test_bars_that_lie_are_read_from_the_bottom_up() -> None:
    drawing = Drawing()
    for value in (0, 20, 40, 60, 80, 100):
        drawing.text(f"{value}", LEFT + value * 6, BOTTOM + 18)
    for name, y, value in (("Oslo", 380, 50), ("Lyon", 250, 90), ("Bern", 120, 20)):
        drawing.text(name, LEFT - 30, y)
        drawing.box(LEFT + 1, y - 35, LEFT + value * 6, y + 35, BLUE)
    chart = only(drawing)
    assert chart.horizontal
    assert [(mark.label, round(mark.y)) for mark in chart.series[0].marks] == [
        ("Oslo", 50),
        ("Lyon", 90),
        ("Bern", 20),
    ]


def test_printed_values_give_the_scale_where_the_axis_has_none() -> None:
    drawing = Drawing()
    for x, value in zip(drawing.names(["Q1", "Q2", "Q3", "Q4"]), (30, 45, 60, 75), strict=True):
        drawing.bar(x, 80, value)
        drawing.text(f"{value * 10}", x, drawing.y(value) - 12)
    chart = only(drawing)
    assert values(chart) == [300, 450, 600, 750]
    assert any("printed" in one for one in chart.unsure)


def test_a_printed_value_that_contradicts_its_bar_is_told() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 20, 40, 60, 80, 100])
    for x, value, told in zip(
        drawing.names(["Q1", "Q2", "Q3"]), (30, 45, 60), ("80", "10", "60"), strict=True
    ):
        drawing.bar(x, 80, value)
        drawing.text(told, x, drawing.y(value) - 12)
    chart = only(drawing)
    assert values(chart) == pytest.approx([30, 45, 60], abs=1)
    assert any("do not fit" in one for one in chart.unsure)


def test_lines_are_told_apart_by_colour_and_read_at_their_corners() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 50, 100])
    xs = drawing.names(["Mon", "Tue", "Wed", "Thu", "Fri"])
    first, second = [20, 60, 35, 90, 70], [80, 40, 55, 15, 30]
    drawing.line(list(zip(xs, first, strict=True)), BLUE)
    drawing.line(list(zip(xs, second, strict=True)), RED)
    drawing.legend(["Inner", "Outer"], [BLUE, RED])
    chart = only(drawing)
    assert chart.kind == "line"
    found = {one.name: [mark.y for mark in one.marks] for one in chart.series}
    assert found["Inner"] == pytest.approx(first, abs=2)
    assert found["Outer"] == pytest.approx(second, abs=2)


def test_points_that_overlap_are_counted_one_by_one() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 50, 100])
    for value in range(0, 11, 2):
        drawing.text(f"{value}", LEFT + value * 60, BOTTOM + 18)
    wanted = [
        (1.0, 20.0),
        (2.0, 60.0),
        (3.0, 40.0),
        (5.0, 70.0),
        (5.12, 71.5),
        (7.0, 30.0),
        (8.5, 85.0),
        (9.0, 10.0),
    ]
    for x, value in wanted:
        centre = (round(LEFT + x * 60), round(drawing.y(value)))
        cv2.circle(drawing.pixels, centre, 5, BLUE, cv2.FILLED, cv2.LINE_AA)
    chart = only(drawing)
    assert chart.kind == "scatter"
    found = sorted((mark.x, mark.y) for mark in chart.series[0].marks)
    assert len(found) == len(wanted)
    for (x, y), (a, b) in zip(found, wanted, strict=True):
        assert (x, y) == pytest.approx((a, b), abs=1.5)


def test_slices_are_shares_with_the_names_around_them() -> None:
    drawing = Drawing()
    drawing.pixels[:] = 255
    colours = [BLUE, RED, (44, 160, 44), (255, 127, 14)]
    shares, start = [0.4, 0.3, 0.2, 0.1], 0.0
    for share, colour, name in zip(shares, colours, ("Coal", "Gas", "Wind", "Sun"), strict=True):
        end = start + 360 * share
        cv2.ellipse(drawing.pixels, (400, 250), (150, 150), 0, start, end, colour, cv2.FILLED, cv2.LINE_AA)
        middle = math.radians((start + end) / 2)
        drawing.text(name, 400 + 185 * math.cos(middle), 250 + 180 * math.sin(middle))
        start = end
    cv2.circle(drawing.pixels, (400, 250), 60, (255, 255, 255), cv2.FILLED, cv2.LINE_AA)
    chart = only(drawing)
    assert chart.kind == "pie"
    found = {mark.label: mark.y for mark in chart.series[0].marks}
    assert found == pytest.approx({"Coal": 0.4, "Gas": 0.3, "Wind": 0.2, "Sun": 0.1}, abs=0.01)


def test_boxes_have_five_numbers() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 25, 50, 75, 100])
    wanted = [(10, 30, 40, 55, 80), (20, 35, 60, 65, 95)]
    for x, numbers in zip(drawing.names(["Left", "Right"]), wanted, strict=True):
        low, first, median, third, high = (round(drawing.y(one)) for one in numbers)
        at = round(x)
        cv2.line(drawing.pixels, (at, high), (at, low), (0, 0, 0), 1)
        for end in (low, high):
            cv2.line(drawing.pixels, (at - 20, end), (at + 20, end), (0, 0, 0), 1)
        drawing.box(at - 40, third, at + 40, first, (120, 180, 230))
        cv2.rectangle(drawing.pixels, (at - 40, third), (at + 40, first), (0, 0, 0), 1)
        cv2.line(drawing.pixels, (at - 40, median), (at + 40, median), (0, 0, 0), 2)
    chart = only(drawing)
    assert chart.kind == "box"
    for mark, numbers in zip(chart.series[0].marks, wanted, strict=True):
        assert mark.numbers == pytest.approx(numbers, abs=1.5)


def test_bars_that_touch_over_numbers_are_bins() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 50, 100])
    heights = [5, 18, 40, 77, 92, 60, 33, 12]
    for value in range(0, 9, 2):
        drawing.text(f"{value * 10}", LEFT + value * 75, BOTTOM + 18)
    for index, height in enumerate(heights):
        drawing.bar(LEFT + (index + 0.5) * 75, 74, height)
    chart = only(drawing)
    assert chart.kind == "histogram"
    assert values(chart) == pytest.approx(heights, abs=1)
    assert chart.series[0].marks[2].x == pytest.approx(25, abs=0.5)


def test_an_area_is_no_row_of_bars() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 50, 100])
    xs = drawing.names(["2019", "2020", "2021", "2022"])
    edge = [(round(x), round(drawing.y(value))) for x, value in zip(xs, (40, 70, 55, 90), strict=True)]
    outline = np.array([*edge, (round(xs[-1]), BOTTOM), (round(xs[0]), BOTTOM)], np.int32)
    cv2.fillPoly(drawing.pixels, [outline], BLUE, cv2.LINE_AA)
    chart = only(drawing)
    assert chart.kind == "area"
    assert max(values(chart)) == pytest.approx(90, abs=2)


def test_a_picture_that_is_turned_a_little_is_read_as_if_it_were_not() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 20, 40, 60, 80, 100])
    for x, value in zip(drawing.names(["Q1", "Q2", "Q3"]), (30, 45, 60), strict=True):
        drawing.bar(x, 80, value)
    matrix = cv2.getRotationMatrix2D((400, 250), 1.5, 1.0)
    drawing.pixels = cv2.warpAffine(drawing.pixels, matrix, (800, 500), borderValue=(255, 255, 255))
    texts = list(drawing.texts)
    drawing.texts.clear()
    for one in texts:
        middle = box_of(one.region).centre
        x, y = matrix @ np.array([middle.x, middle.y, 1.0])
        drawing.text(one.text, float(x), float(y))
    assert values(only(drawing)) == pytest.approx([30, 45, 60], abs=2)


def test_ticks_are_told_in_pixels_of_the_picture() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 20, 40, 60, 80, 100])
    for x, value in zip(drawing.names(["Q1", "Q2", "Q3"]), (30, 45, 60), strict=True):
        drawing.bar(x, 80, value)
    chart = only(drawing)
    assert chart.y is not None
    assert [tick.position for tick in chart.y.ticks] == pytest.approx(
        [drawing.y(one) for one in (100, 80, 60, 40, 20, 0)], abs=2
    )
    assert chart.plot.overlap(Box(LEFT, TOP, RIGHT, BOTTOM)) > 0.8
