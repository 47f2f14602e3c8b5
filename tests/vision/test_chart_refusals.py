"""Pictures that show no chart, or a broken one: nothing is made up, and nothing fails."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.vision.chart_drawings import Drawing

from pierian.vision.charts import read_charts
from pierian.vision.regions import Point, Polygon
from pierian.vision.scene import TextLine


def line(
    text: str, left: float, top: float, width: float, height: float, number: int, angle: float = 0.0
) -> TextLine:
    corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    region = Polygon(tuple(Point(*one) for one in corners))
    return TextLine(id=f"t{number}", region=region, text=text, confidence=0.9, angle=angle)


WORDS = st.sampled_from(
    ["0", "10", "20", "1,000", "50%", "$5M", "Jan", "2020", "10^3", "North", "●", "-", "1e999", "9" * 40]
)


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 260),
    height=st.integers(1, 220),
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["noise", "plain", "blocks", "stripes"]),
    words=st.lists(
        st.tuples(
            WORDS,
            st.floats(-50, 300),
            st.floats(-50, 300),
            st.floats(0, 80),
            st.floats(0, 40),
            st.floats(-180, 180),
        ),
        max_size=14,
    ),
)
def test_any_pixels_and_any_labels_end_in_charts_or_in_none(
    width: int, height: int, seed: int, kind: str, words: list[tuple[str, float, float, float, float, float]]
) -> None:
    dice = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 255, np.uint8)
    if kind == "noise":
        pixels = dice.integers(0, 256, (height, width, 3), np.uint8)
    elif kind == "blocks":
        for _ in range(12):
            x, y = int(dice.integers(0, width)), int(dice.integers(0, height))
            pixels[y : y + int(dice.integers(1, 80)), x : x + int(dice.integers(1, 80))] = dice.integers(
                0, 256, 3
            )
    elif kind == "stripes":
        pixels[:: int(dice.integers(2, 30))] = 0
        pixels[:, :: int(dice.integers(2, 30))] = dice.integers(0, 256, 3)
    texts = [line(text, x, y, w, h, n, angle) for n, (text, x, y, w, h, angle) in enumerate(words)]
    for chart in read_charts(pixels, texts):
        assert 0 <= chart.agreement <= 1
        assert 0 <= chart.confidence <= 1
        assert all(np.isfinite(mark.y) for series in chart.series for mark in series.marks)


def test_noise_is_no_chart() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 20, 40, 60, 80, 100])
    drawing.names(["A1", "B1", "C1"])
    drawing.pixels = np.random.default_rng(3).integers(0, 256, drawing.pixels.shape, np.uint8)
    charts = read_charts(drawing.pixels, drawing.texts)
    assert charts == () or charts[0].unsure


def test_a_page_of_text_is_no_chart() -> None:
    pixels = np.full((500, 800, 3), 255, np.uint8)
    texts = [line(f"Paragraph {n} of a letter", 60, 40 + 30 * n, 400, 14, n) for n in range(12)]
    for n in range(12):
        pixels[42 + 30 * n : 52 + 30 * n, 60:460:7] = 0
    assert read_charts(pixels, texts) == ()


def test_empty_axes_are_no_chart() -> None:
    drawing = Drawing()
    drawing.value_ticks([0, 20, 40, 60, 80, 100])
    drawing.names(["A1", "B1", "C1"])
    assert read_charts(drawing.pixels, drawing.texts) == ()


def test_a_bar_chart_without_any_numbers_says_what_its_values_are() -> None:
    drawing = Drawing()
    for x, value in zip(drawing.names(["Left", "Middle", "Right"]), (25, 50, 100), strict=True):
        drawing.bar(x, 80, value)
    charts = read_charts(drawing.pixels, drawing.texts)
    if charts:
        assert any("could not be read" in one for one in charts[0].unsure)
        first, second, third = (mark.y for mark in charts[0].series[0].marks)
        assert abs(second / first - 2) < 0.1 and abs(third / first - 4) < 0.2
