"""Scenes made by hand, with text in them that nobody should obey."""

from __future__ import annotations

from pierian.events.regions import Box, Point, Polygon
from pierian.vision.scene import (
    Axis,
    Barcode,
    Cell,
    Chart,
    Mark,
    Scene,
    Series,
    Shape,
    Table,
    TextLine,
)

EVIL = '=HYPERLINK("http://x")|<b>\x1b[2J\u202e'


def polygon(left: float, top: float, right: float, bottom: float) -> Polygon:
    return Polygon((Point(left, top), Point(right, top), Point(right, bottom), Point(left, bottom)))


def line(number: int, text: str, left: float, top: float, width: float = 80, tall: float = 10) -> TextLine:
    return TextLine(
        id=f"t{number}", region=polygon(left, top, left + width, top + tall), text=text, confidence=0.9
    )


def bars(values: dict[str, list[float]], *, error: float = 0.04) -> Chart:
    """A bar chart of these values, a list for each category."""
    names = [f"shop {place + 1}" for place in range(len(next(iter(values.values()))))]
    series = [
        Series(
            name=name,
            colour="#0000ff",
            marks=tuple(
                Mark(
                    id=f"c1.m{x}",
                    region=Box(60 + 30 * x, 150, 80 + 30 * x, 190),
                    x=x,
                    y=one[place],
                    error=error,
                    label=label,
                )
                for x, (label, one) in enumerate(values.items())
            ),
        )
        for place, name in enumerate(names)
    ]
    return Chart(
        id="c1",
        region=Box(20, 110, 380, 200),
        plot=Box(50, 120, 370, 190),
        kind="bar",
        title="Sales",
        x=Axis(scale="category", title="month"),
        y=Axis(scale="linear", title="sold", unit="kg"),
        series=tuple(series),
        confidence=0.9,
        unsure=("The last bar is cut off.",),
    )


TABLE = Table(
    id="b1",
    region=Box(10, 60, 200, 100),
    ruled=True,
    heading_rows=1,
    cells=(
        Cell(row=0, column=0, text="item", region=Box(10, 60, 100, 80)),
        Cell(row=0, column=1, text="price", region=Box(100, 60, 200, 80)),
        Cell(row=1, column=0, text=EVIL, region=Box(10, 80, 100, 100)),
        Cell(row=1, column=1, text="-3.50", region=Box(100, 80, 200, 100)),
    ),
)
SCENE = Scene(
    width=400,
    height=300,
    texts=(
        line(1, "Dear *all*", 10, 10),
        line(2, "1. first", 10, 22),
        line(3, "beside", 100, 22),
        line(4, "in the table", 20, 65),
        line(5, EVIL, 10, 210),
    ),
    tables=(TABLE,),
    charts=(bars({"Jan": [1.234, 5.0], "Feb": [2.0, 10.06]}),),
    shapes=(
        Shape(
            id="s1",
            region=Box(300, 10, 320, 30),
            kind="circle",
            colour="#0000ff",
            colour_name="blue",
            area=314,
        ),
        Shape(id="s2", region=Point(350, 40), kind="circle", colour="#0000ff", colour_name="blue", area=1),
    ),
    barcodes=(
        Barcode(
            id="k1", region=polygon(300, 220, 360, 280), format="QR Code", text="https://x.example/\u202e"
        ),
    ),
    unsure=("The lower right corner is blurred.",),
)
