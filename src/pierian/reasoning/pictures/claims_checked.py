"""What a seeing model claims about a picture, compared with what the readers find there.

A model names things well and places them badly. What it says that it read is looked for among the texts of the scene,
and in a closer reading of the place that it names; values are compared with measured marks, counts with counted
shapes. The region is the readers' wherever they find the thing. What they cannot judge stays the model's word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct
from rapidfuzz import fuzz

from pierian.events.regions import Box, Region, box_of
from pierian.reasoning.pictures.sheets import number_in
from pierian.reasoning.pictures.view import View
from pierian.vision.loading import PictureError
from pierian.vision.readers import Readers, ReadersFailed
from pierian.vision.scene import Chart, Mark, Shape

ClaimKind = Literal["read", "measure", "count", "compare"]
ALIKE = 85.0
"""How alike two texts are (0 to 100) that are taken for the same, read once by each."""
OF_THE_AXIS = 0.03
"""What a value may differ from the measured one, as a part of the axis; a look by eye is no better."""
CONFIRMED, ALONE, DENIED = 0.95, 0.5, 0.2
"""Confidences: the readers find the same, cannot judge, find something else."""
NUMBER = re.compile(r"[$€£-]*\d[\d. ]*[%€$£]?")
_ROOM = 0.02
"""Of a picture's longer side: by so much a place that a model names is widened."""


class SeenClaim(Struct, frozen=True, kw_only=True):
    """What a model says that it saw: `what` it is, its `value`, and where, in pixels of the upright picture."""

    kind: ClaimKind
    what: str
    value: str
    box: Box


class Judged(Struct, frozen=True):
    """A claim as it is kept: where, how sure, and what speaks against it, as a sentence."""

    region: Region
    confidence: float
    doubt: str = ""


async def judged(claim: SeenClaim, view: View, readers: Readers) -> Judged:
    """What the readers make of a claim."""
    match claim.kind:
        case "read":
            return await _of_text(claim, view, readers)
        case "measure":
            return _of_mark(claim, view)
        case "count":
            return _of_shapes(claim, view)
        case "compare":
            return Judged(claim.box, ALONE)


async def _of_text(claim: SeenClaim, view: View, readers: Readers) -> Judged:
    wanted = _plain(claim.value)
    if not wanted:
        return Judged(claim.box, ALONE)
    known: list[tuple[str, Region]] = [(line.text, line.region) for line in view.scene.texts]
    known += [(cell.text, cell.region) for table in view.scene.tables for cell in table.cells]
    known += [(code.text, code.region) for code in view.scene.barcodes]
    alike = [region for text, region in known if _same(wanted, _plain(text))]
    if NUMBER.fullmatch(wanted):
        # The same number often stands in several places, and on an axis it is no value of anything. Away from the
        # place that is named it has to stand once, on a line that also says what it is.
        near = [region for region in alike if _meets(box_of(region), _widened(claim.box, view))]
        words = {word for word in _plain(claim.what).split() if len(word) > 2}
        called = [
            region
            for text, region in known
            if _same(wanted, _plain(text)) and words & set(_plain(text).split())
        ]
        alike = near or (called if len(called) == 1 else [])
        values = [region for region in alike if not _is_tick(wanted, box_of(region), view)]
        if alike and not values:
            return Judged(claim.box, ALONE, f"the readers find “{claim.value}” only as a number of an axis")
        alike = values
    if alike:
        return Judged(min(alike, key=lambda region: _apart(box_of(region), claim.box)), CONFIRMED)
    try:
        text, _ = await readers.read_again(view.file, _widened(claim.box, view))
    except (PictureError, ReadersFailed):
        return Judged(claim.box, ALONE)
    if _same(wanted, _plain(text)):
        return Judged(claim.box, CONFIRMED)
    return Judged(claim.box, ALONE, f"the readers do not find “{claim.value}” in the picture")


def _is_tick(text: str, box: Box, view: View) -> bool:
    """Whether a number stands beside a chart as one of its axes' numbers."""
    return any(
        not _meets(Box(box.centre.x, box.centre.y, box.centre.x, box.centre.y), box_of(chart.plot))
        and _meets(box, box_of(chart.region))
        and any(_plain(tick.text) == text for tick in axis.ticks)
        for chart in view.scene.charts
        for axis in (chart.x, chart.y)
        if axis is not None
    )


def _of_mark(claim: SeenClaim, view: View) -> Judged:
    amount = number_in(claim.value)
    found = _nearest_mark(claim, view)
    if amount is None or found is None:
        return Judged(claim.box, ALONE)
    chart, mark = found
    axis = chart.x if chart.horizontal else chart.y
    span = abs(axis.highest - axis.lowest) if axis is not None and axis.scale == "linear" else abs(mark.y)
    if abs(amount - mark.y) <= max(mark.error, OF_THE_AXIS * span):
        return Judged(mark.region, CONFIRMED)
    return Judged(mark.region, DENIED, f"the readers measure {_measured(mark)} there, not {claim.value}")


def _measured(mark: Mark) -> str:
    """A value with as many digits as its error leaves."""
    if not 0 < mark.error < math.inf:
        return f"{mark.y:.4g}"
    decimals = max(0, -math.floor(math.log10(mark.error)))
    return f"{mark.y:,.{decimals}f} ± {mark.error:,.{decimals}f}"


def _nearest_mark(claim: SeenClaim, view: View) -> tuple[Chart, Mark] | None:
    """The mark that a claim is about: the one that it names, else the one where it points."""
    marks = [
        (chart, series.name, mark)
        for chart in view.scene.charts
        for series in chart.series
        for mark in series.marks
    ]
    what = _plain(claim.what)
    named = [one for one in marks if one[2].label and _plain(one[2].label) in what]
    if len({one[1] for one in named}) > 1:
        of_series = [one for one in named if one[1] and _plain(one[1]) in what]
        named = of_series or named
    place = _widened(claim.box, view)
    if len(named) != 1:
        named = [one for one in named or marks if _meets(box_of(one[2].region), place)]
    if not named:
        return None
    chart, _, mark = min(named, key=lambda one: _apart(box_of(one[2].region), claim.box))
    return chart, mark


def _of_shapes(claim: SeenClaim, view: View) -> Judged:
    amount, what = number_in(claim.value), _plain(claim.what)
    wanted = [shape for shape in view.scene.shapes if _named(shape, what, view.scene.shapes)]
    words = {word for shape in view.scene.shapes for word in (shape.kind, shape.colour_name) if word in what}
    if amount is None or not words:
        return Judged(claim.box, ALONE)
    inside = [one for one in wanted if _meets(box_of(one.region), _widened(claim.box, view))]
    if len(inside) == amount or len(wanted) == amount:
        counted = inside if len(inside) == amount else wanted
        return Judged(_around([box_of(one.region) for one in counted]) or claim.box, CONFIRMED)
    return Judged(claim.box, DENIED, f"the readers count {len(inside)} there, not {claim.value}")


def _named(shape: Shape, what: str, shapes: Iterable[Shape]) -> bool:
    """Whether words mean a shape: those for kinds and colours that they name are its own."""
    kinds = {one.kind for one in shapes if one.kind in what}
    colours = {one.colour_name for one in shapes if one.colour_name in what}
    return (not kinds or shape.kind in kinds) and (not colours or shape.colour_name in colours)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[\w.%€$£-]+", text.casefold()))


def _same(wanted: str, found: str) -> bool:
    """Whether a text is, or holds, what was read; short ones, such as numbers, have to stand there exactly."""
    if not found:
        return False
    if f" {wanted} " in f" {found} ":
        return True
    return len(wanted) >= 6 and not wanted[-1].isdigit() and fuzz.ratio(wanted, found) >= ALIKE


def _apart(box: Box, other: Box) -> float:
    one, two = box.centre, other.centre
    return (one.x - two.x) ** 2 + (one.y - two.y) ** 2


def _widened(box: Box, view: View) -> Box:
    scene = view.scene
    room = _ROOM * max(scene.width, scene.height)
    return Box(
        max(0.0, box.left - room),
        max(0.0, box.top - room),
        min(float(scene.width), box.right + room),
        min(float(scene.height), box.bottom + room),
    )


def _meets(box: Box, place: Box) -> bool:
    return (
        box.left <= place.right
        and box.right >= place.left
        and box.top <= place.bottom
        and box.bottom >= place.top
    )


def _around(boxes: list[Box]) -> Box | None:
    if not boxes:
        return None
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )
