"""A whole chart from its picture alone: texts are read, the axes fitted, the lines followed and named."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pierian.vision.charts import read_charts
from pierian.vision.text import read_texts


def test_lines_have_the_names_of_the_legend_and_their_values() -> None:
    figure = Figure(figsize=(10, 6), dpi=120)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    months, berlin, rome = (
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun"],
        [12, 15, 14, 19, 23, 21],
        [20, 18, 22, 24, 30, 28],
    )
    axes.plot(months, berlin, marker="o", label="Berlin")
    axes.plot(months, rome, marker="s", label="Rome")
    axes.set_title("Visitors")
    axes.set_ylabel("Thousands")
    axes.legend()
    axes.grid(alpha=0.4)
    canvas.draw()
    pixels = np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])
    (chart,) = read_charts(pixels, read_texts(pixels))
    found = {one.name: [mark.y for mark in one.marks] for one in chart.series}
    assert found == {"Berlin": pytest.approx(berlin, abs=0.3), "Rome": pytest.approx(rome, abs=0.3)}
    assert [mark.label for mark in chart.series[0].marks] == months
    assert (chart.kind, chart.title) == ("line", "Visitors")
