"""Axes that are not what their numbers say: a multiplier at the end, a second scale, another chart in the picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.vision.chart_drawings import BLUE, BOTTOM, LEFT, RIGHT, TOP, Drawing

from pierian.vision.charts import read_charts
from pierian.vision.scene import Chart


def bars() -> Drawing:
    drawing = Drawing(highest=4.0)
    drawing.value_ticks([0, 1, 2, 3, 4], form="{:.1f}")
    for x, value in zip(drawing.names(["North", "South", "West"]), (1.2, 3.0, 2.2), strict=True):
        drawing.bar(x, 90, value)
    return drawing


def only(drawing: Drawing) -> Chart:
    (chart,) = read_charts(drawing.pixels, drawing.texts)
    return chart


@pytest.mark.parametrize(
    ("words", "factor", "shift"),
    [("1e7", 1e7, 0), ("1e−6", 1e-6, 0), ("×10⁶", 1e6, 0), ("×10^-3", 1e-3, 0), ("1e-6+1e2", 1e-6, 100)],
)
def test_what_stands_at_the_end_of_an_axis_holds_for_its_numbers(
    words: str, factor: float, shift: float
) -> None:
    drawing = bars()
    drawing.text(words, LEFT + 12, TOP - 14)
    chart = only(drawing)
    assert chart.y is not None and chart.unsure == ()
    assert [tick.value for tick in chart.y.ticks] == pytest.approx(
        [one * factor + shift for one in (4, 3, 2, 1, 0)]
    )
    assert words not in (chart.title, chart.series[0].name)
    if not shift:
        assert [mark.y for mark in chart.series[0].marks] == pytest.approx(
            [1.2 * factor, 3.0 * factor, 2.2 * factor], rel=0.03
        )


def test_an_offset_shifts_a_line() -> None:
    drawing = Drawing(highest=4.0)
    drawing.value_ticks([0, 1, 2, 3, 4])
    drawing.line(list(zip(drawing.names(["Jan", "Feb", "Mar", "Apr"]), (1.0, 3.0, 2.0, 3.5), strict=True)))
    drawing.text("+1e6", LEFT + 14, TOP - 14)
    found = [mark.y for mark in only(drawing).series[0].marks]
    assert found == pytest.approx([1_000_001, 1_000_003, 1_000_002, 1_000_003.5], abs=0.1)


def test_a_multiplier_that_cannot_be_applied_is_told() -> None:
    drawing = bars()
    drawing.text("1e7", RIGHT + 60, TOP + 100)
    chart = only(drawing)
    assert any("“1e7”" in one for one in chart.unsure) and chart.confidence < 0.65


def test_numbers_with_exponents_of_their_own_are_no_multiplier() -> None:
    drawing = Drawing(highest=4e7)
    for number in range(5):
        drawing.text(f"{number}e7" if number else "0", LEFT - 22, drawing.y(number * 1e7))
    for x, value in zip(drawing.names(["North", "South"]), (1.2e7, 3e7), strict=True):
        drawing.bar(x, 90, value)
    chart = only(drawing)
    assert [mark.y for mark in chart.series[0].marks] == pytest.approx([1.2e7, 3e7], rel=0.03)
    assert chart.unsure == ()


def second_axis(drawing: Drawing, factor: float) -> None:
    for value in (0, 1, 2, 3, 4):
        drawing.text(f"{value * factor:g}", RIGHT + 25, drawing.y(value))


def of_another_scale(drawing: Drawing) -> None:
    second_axis(drawing, 25)


def of_the_same_scale(drawing: Drawing) -> None:
    second_axis(drawing, 1)


def another_beside(drawing: Drawing) -> None:
    wide = np.full((drawing.pixels.shape[0], 1500, 3), 255, np.uint8)
    wide[:, :800] = drawing.pixels
    drawing.pixels = wide
    second_axis(drawing, 25)
    for index, (name, high) in enumerate((("East", 2.5), ("Middle", 3.5), ("Centre", 1.0))):
        x = 850 + 200 * index
        drawing.text(name, x, BOTTOM + 18)
        drawing.bar(x, 90, high, BLUE)


@pytest.mark.parametrize(
    ("add", "told"),
    [
        (of_another_scale, "second axis"),
        (of_the_same_scale, ""),
        (another_beside, "another chart"),
    ],
)
def test_other_numbers_beside_a_field_are_told_unless_they_are_its_own(
    add: Callable[[Drawing], None], told: str
) -> None:
    drawing = bars()
    plain = only(drawing).confidence
    add(drawing)
    chart = only(drawing)
    if told:
        assert told in " ".join(chart.unsure) and chart.confidence < 0.8 * plain
    else:
        assert chart.unsure == () and chart.confidence == pytest.approx(plain, abs=0.05)
