"""What every kind of chart is put together from: series with their marks, the drawing for the check, doubts."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from pierian.vision.charts.frame import Frame
from pierian.vision.charts.sheet import Lab, Label, Mask, to_hex
from pierian.vision.scene import Axis, ChartKind, Mark, Series


class Result(Struct, frozen=True, eq=False, kw_only=True):
    """A chart before it gets its name. `drawn`: its marks drawn again from their values, in the frame."""

    kind: ChartKind
    frame: Frame
    series: tuple[Series, ...]
    across: Axis | None
    """The axis along the frame's x, as `along` is the one of values."""
    along: Axis | None
    drawn: Mask
    ink: Mask
    stacked: bool = False
    sure: float = 0.8
    doubts: tuple[str, ...] = ()


class Titles(Struct, frozen=True):
    """The words around a field: above it, below its x axis, beside its y axis."""

    chart: str = ""
    across: str = ""
    along: str = ""


def titles_of(frame: Frame) -> Titles:
    """The titles of a frame's picture (in the picture's directions, not the frame's)."""
    field = frame.field.turned() if frame.turned else frame.field
    box, taken = field.box, set(frame.legend.names)
    for group in (field.x_labels, field.y_labels):
        taken |= {one.id for one in group}
    left_most = min((one.left for one in field.y_labels), default=box.left)
    low_most = max((one.bottom for one in field.x_labels), default=box.bottom)
    above, below, beside = list[Label](), list[Label](), list[Label]()
    for label in frame.sheet.labels:
        if label.id in taken or len(label.text) < 2:
            continue
        if (
            label.level
            and label.bottom <= box.top + 0.3 * label.size
            and label.right > box.left - 0.25 * box.width
        ):
            above.append(label)
        elif label.level and label.top >= low_most - 0.3 * label.size and box.left < label.x < box.right:
            below.append(label)
        elif (
            not label.level
            and label.x < left_most
            and box.top - label.size < label.y < box.bottom + label.size
        ):
            beside.append(label)
    title = max(above, key=lambda one: one.size, default=None)
    return Titles(
        title.text if title else "",
        min(below, key=lambda one: one.top).text if below else "",
        max(beside, key=lambda one: one.right).text if beside else "",
    )


def series_name(frame: Frame, layer: int, number: int, many: bool) -> str:
    """What a layer is called: its name in the legend, else the title of the values where it is the only one."""
    name = frame.layer_names.get(layer)
    if name:
        return name
    if many:
        return f"series {number + 1}"
    titles = titles_of(frame)
    return (titles.across if frame.turned else titles.along) or titles.chart


def series_of(name: str, colour: Lab, marks: Sequence[Mark]) -> Series:
    """A series; marks get their ids when the chart gets its own."""
    return Series(name=name, colour=to_hex(colour), marks=tuple(marks))


def axis_titles(frame: Frame) -> tuple[str, str]:
    """The titles along the frame's x and along its values."""
    titles = titles_of(frame)
    return (titles.along, titles.across) if frame.turned else (titles.across, titles.along)
