"""What is drawn on a picture: outlines with short labels, made from a scene or from looks, and where labels stand.

Colours are those of Okabe and Ito (2008), which people with any colour vision can tell apart; a label's letter says
the same as its colour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from pierian.events.regions import Box, Point, Region, box_of
from pierian.events.vision import Look, LookKind
from pierian.vision.scene import Chart, Scene

BLUE, ORANGE, GREEN, VERMILION, PURPLE = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7"
_COLOURS_OF_LOOKS: dict[LookKind, str] = {
    "read": BLUE,
    "zoom": PURPLE,
    "measure": ORANGE,
    "count": GREEN,
    "compare": VERMILION,
    "values": ORANGE,
    "draw": PURPLE,
}
_DARK = frozenset({BLUE, GREEN, VERMILION})
_WIDTH_OF_CHARACTERS = 0.66
"""Of a label's height; a little more than letters and digits take, so that another font fits as well."""


class Outline(Struct, frozen=True, kw_only=True):
    """One thing that is drawn. `title` is what a pointer over it shows; `faint` ones are thin and have no label."""

    region: Region
    colour: str
    label: str = ""
    title: str = ""
    faint: bool = False

    @property
    def text_colour(self) -> str:
        """Of the label, on its ground."""
        return "#ffffff" if self.colour in _DARK else "#000000"


class Label(Struct, frozen=True):
    """A label's place."""

    text: str
    box: Box
    outline: Outline


def of_looks(looks: Iterable[Look], picture: int = 1) -> list[Outline]:
    """The looks at one picture, by their numbers."""
    return [
        Outline(
            region=look.region, colour=_COLOURS_OF_LOOKS[look.kind], label=str(look.number), title=look.text
        )
        for look in looks
        if look.picture == picture
    ]


def of_scene(scene: Scene) -> list[Outline]:
    """The parts of a scene, by their ids."""
    found: list[Outline] = []
    for table in scene.tables:
        found += [
            Outline(region=cell.region, colour=ORANGE, title=cell.text, faint=True) for cell in table.cells
        ]
        found.append(Outline(region=table.region, colour=ORANGE, label=table.id, title="table"))
    for chart in scene.charts:
        found += _of_chart(chart)
    for shape in scene.shapes:
        found.append(
            Outline(
                region=shape.region,
                colour=GREEN,
                label=shape.id,
                title=f"{shape.colour_name} {shape.kind}",
            )
        )
    for line in scene.texts:
        found.append(Outline(region=line.region, colour=BLUE, label=line.id, title=line.text))
    for code in scene.barcodes:
        found.append(Outline(region=code.region, colour=PURPLE, label=code.id, title=code.text))
    return found


def _of_chart(chart: Chart) -> list[Outline]:
    marks = [
        Outline(
            region=mark.region,
            colour=VERMILION,
            title=f"{series.name} {mark.label}: {mark.y:g} ± {mark.error:g}".strip(),
            faint=True,
        )
        for series in chart.series
        for mark in series.marks
    ]
    return [Outline(region=chart.plot, colour=VERMILION, label=chart.id, title=f"{chart.kind} chart"), *marks]


def height_of_labels(width: int, height: int) -> float:
    """In pixels, so that they can be read when the whole picture is looked at."""
    return min(48.0, max(11.0, (width * height) ** 0.5 / 62))


def labelled(outlines: Sequence[Outline], width: int, height: int) -> list[Label]:
    """A place for each label beside its outline, where it hides no other label and as little as can be."""
    tall = height_of_labels(width, height)
    shown, placed = _Places(tall * 4), _Places(tall * 4)
    named = [(one, box_of(one.region)) for one in outlines if one.label]
    for _, box in named:
        if box.height <= tall * 8:  # the inside of a chart is no more than its marks
            shown.take(box)
    labels: list[Label] = []
    for one, around in named:
        wide = tall * _WIDTH_OF_CHARACTERS * len(one.label) + tall * 0.4
        places = _candidates(around, wide, tall, width, height)
        free = [box for box in places if not placed.meets(box)] or places[-1:]
        box = next((box for box in free if not shown.meets(box)), free[0])
        placed.take(box)
        labels.append(Label(one.label, box, one))
    return labels


def _candidates(around: Box, wide: float, tall: float, width: int, height: int) -> list[Box]:
    """Places for a label, the best first: before, above, below, behind and inside of what it names."""
    corners = (
        (around.left - wide, around.top),
        (around.left, around.top - tall),
        (around.left, around.bottom),
        (around.right, around.top),
        (around.right - wide, around.top - tall),
        (around.left, around.top),
    )
    boxes = [Box(left, top, left + wide, top + tall) for left, top in corners]
    inside = [
        one for one in boxes if one.left >= 0 and one.top >= 0 and one.right <= width and one.bottom <= height
    ]
    left = min(max(0.0, around.left), max(0.0, width - wide))
    top = min(max(0.0, around.top), max(0.0, height - tall))
    return [*inside, Box(left, top, left + wide, top + tall)]


class _Places:
    """Which places are taken, kept by the squares of a grid so that many labels take no longer each."""

    def __init__(self, side: float) -> None:
        self._side = side
        self._taken: dict[tuple[int, int], list[Box]] = {}

    def take(self, box: Box) -> None:
        """Nothing else is to stand there."""
        for square in self._squares(box):
            self._taken.setdefault(square, []).append(box)

    def meets(self, box: Box) -> bool:
        """Whether something of it is taken."""
        return any(
            box.overlap(one) > 0 for square in self._squares(box) for one in self._taken.get(square, ())
        )

    def _squares(self, box: Box) -> list[tuple[int, int]]:
        columns = range(int(box.left // self._side), int(box.right // self._side) + 1)
        rows = range(int(box.top // self._side), int(box.bottom // self._side) + 1)
        return [(column, row) for column in columns for row in rows]


def corners_of(outline: Outline, room: float) -> tuple[Point, ...]:
    """The corners of an outline in order, drawn a little outside of what it holds; a point has one."""
    room = 0.0 if outline.faint else room
    match outline.region:
        case Box(left=left, top=top, right=right, bottom=bottom):
            left, top, right, bottom = left - room, top - room, right + room, bottom + room
            return Point(left, top), Point(right, top), Point(right, bottom), Point(left, bottom)
        case Point() as point:
            return (point,)
        case polygon:
            middle = polygon.box.centre
            return tuple(
                Point(
                    one.x + math.copysign(room, one.x - middle.x),
                    one.y + math.copysign(room, one.y - middle.y),
                )
                for one in polygon.corners
            )
