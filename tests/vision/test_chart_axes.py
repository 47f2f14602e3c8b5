"""Axes of charts: what labels may mean, and the scale on which most of them agree."""

import datetime

import pytest

from pierian.vision.charts.axes import fit_labels
from pierian.vision.charts.quantities import readings
from pierian.vision.charts.sheet import Label


def column(*pairs: tuple[str, float]) -> list[Label]:
    return [
        Label(id=f"t{n}", text=text, left=40, top=y - 6, right=70, bottom=y + 6, size=12.0)
        for n, (text, y) in enumerate(pairs)
    ]


def row(*pairs: tuple[str, float]) -> list[Label]:
    return [
        Label(id=f"t{n}", text=text, left=x - 15, top=400, right=x + 15, bottom=412, size=12.0)
        for n, (text, x) in enumerate(pairs)
    ]


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1,200", 1200, ""),
        ("$1.5M", 1.5e6, "$"),
        ("-20%", -20, "%"),
        ("−3.5", -3.5, ""),
        ("(40)", -40, ""),
        ("250k", 250_000, ""),
        ("10^3", 1000, ""),
        ("2.5 × 10^4", 25_000, ""),
        ("0,5", 0.5, ""),
        ("50-", 50, ""),
        ("1e-3", 0.001, ""),
    ],
)
def test_labels_of_an_axis_are_numbers_with_units(text: str, value: float, unit: str) -> None:
    found = readings(text)
    assert found[0].value == pytest.approx(value)
    assert found[0].unit == unit


@pytest.mark.parametrize("text", ["", "North", "18-24", "Q1", "1.2.3.4.5", "v2"])
def test_names_are_no_numbers(text: str) -> None:
    assert readings(text) == ()


def test_a_misread_label_is_left_out_of_the_scale() -> None:
    fit = fit_labels(
        column(("100", 50), ("80", 100), ("6O0", 150), ("40", 200), ("20", 250), ("0", 300)), upright=True
    )
    assert fit is not None and fit.scale == "linear"
    assert fit.value(150) == pytest.approx(60, abs=0.5)
    assert len(fit.ticks) == 5


def test_thousands_are_read_in_the_way_in_which_all_labels_agree() -> None:
    fit = fit_labels(
        column(("2.000", 100), ("1.500", 150), ("1.000", 200), ("500", 250), ("0", 300)), upright=True
    )
    assert fit is not None
    assert fit.value(100) == pytest.approx(2000)


def test_powers_make_a_logarithmic_scale() -> None:
    fit = fit_labels(column(("1000", 100), ("100", 200), ("10", 300), ("1", 400)), upright=True)
    assert fit is not None and fit.scale == "log"
    assert fit.value(250) == pytest.approx(10**1.5, rel=0.01)


def test_a_lost_minus_is_found_again() -> None:
    fit = fit_labels(column(("40", 100), ("20", 150), ("0", 200), ("20", 250), ("40", 300)), upright=True)
    assert fit is not None
    assert fit.value(300) == pytest.approx(-40)
    assert [tick.value for tick in fit.ticks] == [40, 20, 0, -20, -40]


def test_dates_are_ordered_by_what_stands_beside_them() -> None:
    fit = fit_labels(
        row(("05/01/2023", 100), ("12/01/2023", 170), ("19/01/2023", 240), ("26/01/2023", 310)), upright=False
    )
    assert fit is not None and fit.scale == "date"
    moment = datetime.datetime.fromtimestamp(fit.value(205), datetime.UTC)
    assert (moment.year, moment.month) == (2023, 1)


def test_months_get_their_year_from_the_one_label_that_has_it() -> None:
    labels = row(("2012", 100), ("February", 131), ("March", 160), ("April", 191), ("May", 221))
    fit = fit_labels(labels, upright=False)
    assert fit is not None and fit.scale == "date"
    assert datetime.datetime.fromtimestamp(fit.value(191), datetime.UTC).strftime("%Y-%m") in (
        "2012-03",
        "2012-04",
    )


def test_months_at_equal_distances_are_names() -> None:
    assert (
        fit_labels(
            row(*((name, 100 + 60 * n) for n, name in enumerate(("Jan", "Feb", "Mar", "Apr", "May")))),
            upright=False,
        )
        is None
    )


def test_labels_that_do_not_agree_make_no_scale() -> None:
    assert (
        fit_labels(column(("3", 100), ("17", 150), ("4", 200), ("99", 250), ("12", 300)), upright=True)
        is None
    )
