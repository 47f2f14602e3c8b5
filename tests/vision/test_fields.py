"""The key fields of receipts and invoices, from their lines of text."""

from __future__ import annotations

import pytest

from pierian.vision.dates_in_text import first_date
from pierian.vision.fields import read_fields
from pierian.vision.regions import Point, Polygon
from pierian.vision.scene import TextLine


def receipt(*rows: str) -> list[TextLine]:
    """Rows below each other; a bar parts what stands at the left from what stands at the right."""
    lines: list[TextLine] = []
    for row, text in enumerate(rows):
        for column, part in enumerate(text.split(" | ")):
            left, top = 20 + 220 * column, 20 + 24 * row
            corners = (
                Point(left, top),
                Point(left + 8 * len(part), top),
                Point(left + 8 * len(part), top + 14),
                Point(left, top + 14),
            )
            lines.append(
                TextLine(id=f"t{len(lines) + 1}", region=Polygon(corners), text=part, confidence=0.95)
            )
    return lines


HEAD = ("Morning Light Bakery Ltd (123456-X)", "12 High Street", "Bristol 40210", "Tel: 0117 496 0000")


def fields(*rows: str) -> dict[str, str]:
    return {one.name: one.text for one in read_fields(receipt(*rows))}


def test_a_receipt_gives_who_where_when_and_how_much() -> None:
    found = read_fields(
        receipt(
            *HEAD,
            "Date: 03/04/2021 | 17:20",
            "Bread | 2.40",
            "Subtotal | 2.40",
            "Total | 2.60",
            "Cash | 5.00",
        )
    )
    assert {one.name: one.text for one in found} == {
        "company": "Morning Light Bakery Ltd",
        "address": "12 High Street Bristol 40210",
        "date": "03/04/2021",
        "total": "2.60",
    }
    address = next(one for one in found if one.name == "address")
    assert address.lines == ("t2", "t3")


def test_the_rounded_total_counts_and_the_tax_summary_does_not() -> None:
    assert (
        fields(
            *HEAD,
            "Total (Inclusive of GST) | 23.26",
            "Rounding | -0.01",
            "TOTAL | 23.25",
            "GST Summary | Amount | Tax",
            "Total | 21.95 | 1.31",
        )["total"]
        == "23.25"
    )


@pytest.mark.parametrize("row", ["Amount due | 1,007.50", "GRAND TOTAL: | 1,007.50", "Total | 1,007 .50"])
def test_totals_have_many_names(row: str) -> None:
    assert fields(*HEAD, "Deposit | 2,000.00", row, "Change | 992.50")["total"] == "1,007.50"


def test_what_was_handed_over_less_the_change_is_the_total() -> None:
    rows = ("Amount | 30.00", "Payment | 27.50", "Cash | 50.00", "Change | 22.50")
    assert fields(*HEAD, "Chair | 25.00", *rows)["total"] == "27.50"


def test_a_point_that_was_read_as_a_comma_is_a_point_again() -> None:
    assert fields(*HEAD, "Bread | 2.40", "Cake | 3.10", "Tea | 1.50", "Total | $7,00")["total"] == "$7.00"
    assert fields(*HEAD, "Brot | 2,40", "Tee | 1,50", "Total | 3,90")["total"] == "3,90"


def test_a_telephone_behind_the_last_line_of_an_address_is_left_out() -> None:
    found = fields(
        "Morning Light Bakery Ltd", "12, High Walk", "Bristol 40210 Tel: 0117 496 0000", "Total | 3.00"
    )
    assert found["address"] == "12, High Walk Bristol 40210"


def test_what_is_not_there_is_not_made_up() -> None:
    assert read_fields([]) == ()
    assert "total" not in fields("Dear all,", "thank you for the lovely evening.")


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Date: 25/12/2018 8:13", "25/12/2018"),
        ("on 2018-02-22.", "2018-02-22"),
        ("12 Mar 2018 18:19", "12 Mar 2018"),
        ("May 4, 2020", "May 4, 2020"),
        ("14/Jun/2017", "14/Jun/2017"),
        ("15/03/201818:23:10", "15/03/2018"),
        ("05-02-187:35", "05-02-18"),
        ("12MAR2018", "12MAR2018"),
        ("Tel 03-4260-1064, 99/99/2018, 05-5/60", ""),
    ],
)
def test_dates_are_found_as_printed(text: str, date: str) -> None:
    assert first_date(text) == date
