"""Looks at pictures as a turn shows them: what is drawn on each picture, and the list that belongs to it.

Places and labels are those of `vision.outlines`, which other overlays have too. They are laid out on a canvas of one
width, so that numbers can be read on a phone as on a desk; the browser scales it to the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, structs

from pierian.characters import marked
from pierian.events import Look, PictureRead
from pierian.events.regions import Box, Point, Polygon, Region
from pierian.server.formats.pictures import TYPES
from pierian.vision.outlines import corners_of, labelled, of_looks
from pierian.webapp.views import AttachmentView

CANVAS = 400
"""Units across a picture: a number is eleven of them high."""
MOST_FOUND = 400
"""Characters of what a look found that are shown."""
_ROOM = 1.5
"""Units between an outline and what it surrounds."""


class MarkView(Struct, frozen=True):
    """One look on the canvas. A point has one corner; `left` to `high` is the place of its number."""

    number: int
    kind: str
    colour: str
    text_colour: str
    points: str
    x: float
    y: float
    single: bool
    left: float
    top: float
    wide: float
    high: float


class LookView(Struct, frozen=True):
    """One look in the list."""

    number: int
    kind: str
    found: str
    sure: int
    """Per cent; 100 is not told."""
    follows: str


class PictureView(Struct, frozen=True):
    """A picture with the looks at it. `address` is empty where whoever reads may not have the picture."""

    number: int
    name: str
    address: str
    width: float
    height: float
    marks: tuple[MarkView, ...]
    looks: tuple[LookView, ...]


def is_picture(file: AttachmentView) -> bool:
    """Whether a file is one that readers read."""
    return file.media_type in TYPES


def drawn(
    pictures: Sequence[PictureRead], looks: Sequence[Look], files: Sequence[AttachmentView]
) -> tuple[PictureView, ...]:
    """The pictures of a question that were looked at.

    Args:
        files: Those of the question, in order; none where they are not to be had.
    """
    addresses = _addresses(pictures, [file for file in files if is_picture(file)])
    return tuple(
        _shown(picture, [look for look in looks if look.picture == picture.picture], address)
        for picture, address in zip(pictures, addresses, strict=True)
        if any(look.picture == picture.picture for look in looks)
    )


def _addresses(pictures: Sequence[PictureRead], files: Sequence[AttachmentView]) -> list[str]:
    """Where the pixels of each picture are: pages of a file follow each other, and each first page begins a file."""
    found: list[str] = []
    at = -1
    for picture in pictures:
        at += picture.page == 1
        if 0 <= at < len(files):
            found.append(f"/attachments/{files[at].id}/picture?page={picture.page}&turned={picture.turned}")
        else:
            found.append("")
    return found


def _shown(picture: PictureRead, looks: Sequence[Look], address: str) -> PictureView:
    scale = CANVAS / max(picture.width, 1)
    height = picture.height * scale
    scaled = [structs.replace(look, region=_scaled(look.region, scale)) for look in looks]
    outlines = of_looks(scaled, picture.picture)
    labels = {label.text: label.box for label in labelled(outlines, CANVAS, round(height))}
    marks: list[MarkView] = []
    for look, outline in zip(looks, outlines, strict=True):
        corners, box = corners_of(outline, _ROOM), labels[outline.label]
        marks.append(
            MarkView(
                look.number,
                look.kind,
                outline.colour,
                outline.text_colour,
                " ".join(f"{one.x:.1f},{one.y:.1f}" for one in corners),
                round(corners[0].x, 1),
                round(corners[0].y, 1),
                len(corners) == 1,
                round(box.left, 1),
                round(box.top, 1),
                round(box.width, 1),
                round(box.height, 1),
            )
        )
    told = tuple(
        LookView(
            look.number,
            look.kind,
            marked(look.found[:MOST_FOUND]),
            round(look.confidence * 100),
            marked(look.follows[:MOST_FOUND]),
        )
        for look in looks
    )
    return PictureView(
        picture.picture, marked(picture.name), address, CANVAS, round(height, 1), tuple(marks), told
    )


def _scaled(region: Region, scale: float) -> Region:
    match region:
        case Box(left=left, top=top, right=right, bottom=bottom):
            return Box(left * scale, top * scale, right * scale, bottom * scale)
        case Point(x=x, y=y):
            return Point(x * scale, y * scale)
        case Polygon(corners=corners):
            return Polygon(tuple(Point(one.x * scale, one.y * scale) for one in corners))


def drawn_of(turn: Any) -> tuple[PictureView, ...]:
    """The pictures that a turn's answer rests on, for templates."""
    return drawn(turn.progress.pictures, turn.progress.looks, turn.attachments)
