"""Coloured shapes: circles, squares, triangles and others of one colour on a plain ground, with places and sizes.

Pieces of flat colour are compared with the figures they might be (circle, rectangle, triangle …), each fitted to the
piece; a piece that no figure fits is parted where it is narrow, as shapes that touch are. Letters, lines and what
runs from edge to edge (grounds, frames) are no shapes. Two squares side by side with no line between them are one
rectangle: nothing in the picture says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import peak_local_max  # pyright: ignore[reportUnknownVariableType]
from skimage.segmentation import watershed  # pyright: ignore[reportUnknownVariableType]

from pierian.vision.colours import hexadecimal, name_of
from pierian.vision.flat_colours import Piece, pieces_of
from pierian.vision.regions import Box, box_of
from pierian.vision.scene import Shape, TextLine
from pierian.vision.turning import Pixels

_peaks = cast("Callable[..., Any]", peak_local_max)  # they carry no types
_flooded = cast("Callable[..., Any]", watershed)

Mask = NDArray[np.uint8]
Outline = NDArray[np.int32]

SMALLEST_SIDE = 5
SMALLEST_AREA = 20
THINNEST = 3.0
"""Pixels; thinner pieces are lines, or the rims of others."""
FITS = 0.86
"""Intersection over union with a figure from which a piece is one."""
PARTED = 0.9
"""What the parts of a piece must reach on average for it to be several shapes."""
ODD = 400
"""Pixels that a piece which is no figure must have to be named at all."""
MOST = 2_000
MOST_FITTED = 250_000
"""Pixels of a mask that figures are fitted to; larger ones are reduced first."""
MOST_WORK = 25_000_000
"""Pixels of all masks of a picture that figures are fitted to: one of more is a pattern, and shows no shapes."""


class Fit(NamedTuple):
    """A figure, and how well it covers a piece (intersection over union)."""

    kind: str
    share: float


def read_shapes(pixels: Pixels, texts: Sequence[TextLine]) -> tuple[Shape, ...]:
    """The shapes of a drawing from top to bottom; none for a photograph. Pieces within lines of text are letters."""
    pieces = pieces_of(pixels, smallest=SMALLEST_AREA)
    if pieces is None or len(pieces) > MOST:
        return ()
    height, width = pixels.shape[:2]
    lines = [line.region.box for line in texts]
    grounds = {hexadecimal(piece.colour) for piece in pieces if _runs_through(piece, width, height)}
    # What has the colour of a ground is a part of it that others cut off.
    pieces = [piece for piece in pieces if hexadecimal(piece.colour) not in grounds]
    if sum(min(piece.mask.size, MOST_FITTED) for piece in pieces) > MOST_WORK:
        return ()
    found: list[Shape] = []
    for piece in pieces:
        if _is_shape(piece) and not _is_letter(piece, lines):
            found += _shapes_of(piece)
    found.sort(key=lambda one: (box_of(one.region).top, box_of(one.region).left))
    return tuple(
        Shape(
            id=f"s{number}",
            region=one.region,
            kind=one.kind,
            colour=one.colour,
            colour_name=one.colour_name,
            area=one.area,
            confidence=one.confidence,
        )
        for number, one in enumerate(found, 1)
    )


def _runs_through(piece: Piece, width: int, height: int) -> bool:
    """From edge to edge, as grounds and frames do."""
    high, wide = piece.mask.shape
    return (high >= height - 1 or wide >= width - 1) and piece.area > 0.02 * width * height


def _is_shape(piece: Piece) -> bool:
    """Large enough and thick enough."""
    if min(piece.mask.shape) < SMALLEST_SIDE:
        return False
    return 2 * float(cv2.distanceTransform(_framed(piece.mask), cv2.DIST_L2, 3).max()) >= THINNEST


def _is_letter(piece: Piece, lines: Sequence[Box]) -> bool:
    high, wide = piece.mask.shape
    x, y = piece.left + wide / 2, piece.top + high / 2
    return any(
        line.left - 2 < x < line.right + 2
        and line.top - 2 < y < line.bottom + 2
        and high < 1.5 * max(line.height, 6)
        and wide < 1.2 * max(line.width, 6)
        for line in lines
    )


def _framed(mask: Mask) -> Mask:
    """With a pixel of nothing around it, as distances and outlines need."""
    return np.pad(mask, 1)


def _shapes_of(piece: Piece) -> list[Shape]:
    """The one shape that a piece is, or the several that touch."""
    mask, hollow = _filled(piece.mask)
    fit = _best_fit(mask)
    bound = _bound(mask)
    if fit.share < bound + 0.06 and not hollow:
        parts = _parted(mask)
        fits = [_best_fit(part) for part in parts]
        mean = sum(one.share for one in fits) / max(len(fits), 1)
        if len(parts) > 1 and mean > max(PARTED, fit.share + 0.03):
            return [_shape(piece, part, one, False) for part, one in zip(parts, fits, strict=True)]
    if fit.share < bound and not (piece.area >= ODD and fit.share > 0.5):
        return []
    return [_shape(piece, mask, fit, hollow)]


def _bound(mask: Mask) -> float:
    """From what overlap on a piece is a figure: of small ones the rim is much, and the rim is never exact."""
    return FITS - 1.2 / math.sqrt(float(mask.sum()))


def _filled(mask: Mask) -> tuple[Mask, bool]:
    """Without holes; whether they were a large part of it (a ring, the outline of a figure)."""
    outlines, _ = cv2.findContours(_framed(mask), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = np.zeros_like(_framed(mask))
    cv2.drawContours(whole, outlines, -1, 1, cv2.FILLED)
    filled = whole[1:-1, 1:-1]
    return filled, float(mask.sum()) < 0.75 * float(filled.sum())


def _shape(piece: Piece, mask: Mask, fit: Fit, hollow: bool) -> Shape:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    kind = fit.kind if fit.share >= _bound(mask) else "figure"
    return Shape(
        id="",
        region=Box(
            float(piece.left + columns[0]),
            float(piece.top + rows[0]),
            float(piece.left + columns[-1] + 1),
            float(piece.top + rows[-1] + 1),
        ),
        kind="ring" if hollow and kind == "circle" else kind,
        colour=hexadecimal(piece.colour),
        colour_name=name_of(piece.colour),
        area=float(mask.sum()),
        confidence=round(min(fit.share, 1.0), 3),
    )


def _reduced(mask: Mask) -> Mask:
    """A mask of as many pixels as are worth fitting figures to."""
    scale = math.sqrt(MOST_FITTED / mask.size)
    if scale >= 1:
        return mask
    high, wide = (max(1, round(side * scale)) for side in mask.shape)
    return np.asarray(cv2.resize(mask, (wide, high), interpolation=cv2.INTER_NEAREST), np.uint8)


def _best_fit(mask: Mask) -> Fit:
    """The figure that covers a mask best; plain ones before those with more freedom."""
    mask = _reduced(mask)
    outlines, _ = cv2.findContours(_framed(mask), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return Fit("figure", 0.0)
    outline = np.asarray(max(outlines, key=len), np.int32)
    # The library's outlines run through the middles of the outermost pixels; figures are drawn the same way.
    fits = [fit for figure in FIGURES if (fit := figure(_framed(mask), outline)) is not None]
    return max(fits, key=lambda one: one.share - HANDICAPS.get(one.kind, 0.0))


HANDICAPS = {"pentagon": 0.01, "hexagon": 0.015, "ellipse": 0.01, "octagon": 0.05, "quadrilateral": 0.05}
"""Figures with many corners fit anything a little better."""


def _overlap(mask: Mask, figure: Mask) -> float:
    both = int(np.count_nonzero(mask & figure))
    return both / max(int(np.count_nonzero(mask | figure)), 1)


def _as_circle(mask: Mask, outline: Outline) -> Fit:
    """A circle or an ellipse by the second moments of the area, which hold for half-covered pixels too."""
    moments = cv2.moments(mask, binaryImage=True)
    area = moments["m00"]
    x, y = moments["m10"] / area, moments["m01"] / area
    spread = np.array([[moments["mu20"], moments["mu11"]], [moments["mu11"], moments["mu02"]]]) / area
    values, vectors = np.linalg.eigh(spread)
    half = 2 * np.sqrt(np.maximum(values, 1e-6))
    rows, columns = np.indices(mask.shape)
    along = np.stack([columns - x, rows - y], axis=-1) @ vectors
    inside = ((along / half) ** 2).sum(axis=-1) <= 1
    figure = inside.astype(np.uint8)
    slack = 0.12 + 1.5 / float(half[1])
    return Fit("circle" if half[1] / half[0] < 1 + slack else "ellipse", _overlap(mask, figure))


def _as_rectangle(mask: Mask, outline: Outline) -> Fit:
    (_, _), (wide, high), angle = cv2.minAreaRect(outline)
    figure = _drawn(mask, cv2.boxPoints(cv2.minAreaRect(outline)))
    wide, high = wide + 1, high + 1
    slack = 0.08 + 1.5 / min(wide, high)
    if max(wide, high) / min(wide, high) > 1 + slack:
        return Fit("rectangle", _overlap(mask, figure))
    turned = abs((angle + 45) % 90 - 45)
    return Fit("diamond" if turned > 30 else "square", _overlap(mask, figure))


def _as_triangle(mask: Mask, outline: Outline) -> Fit | None:
    area, corners = cv2.minEnclosingTriangle(outline)
    if corners is None or area <= 0:  # pyright: ignore[reportUnnecessaryComparison]
        return None
    return Fit("triangle", _overlap(mask, _drawn(mask, corners.reshape(-1, 2))))


def _as_polygon(mask: Mask, outline: Outline) -> Fit | None:
    """Figures with more corners, by those that remain when the outline is simplified."""
    around = cv2.arcLength(outline, closed=True)
    if around < 40:
        return None
    full = cv2.contourArea(outline) / max(cv2.contourArea(cv2.convexHull(outline)), 1.0)
    fits: list[Fit] = []
    for part in SIMPLER:
        corners = cv2.approxPolyDP(outline, max(part * around, 1.2), closed=True)
        kind = (NAMES if full > 0.93 else JAGGED if full < 0.8 else {}).get(len(corners))
        if kind is not None:
            fits.append(Fit(kind, _overlap(mask, _drawn(mask, corners.reshape(-1, 2)))))
    return max(fits, key=lambda one: one.share - HANDICAPS.get(one.kind, 0.0), default=None)


SIMPLER = (0.018, 0.028, 0.04)
"""By how much of its length an outline is simplified; noise leaves corners that are none at the finest."""
NAMES = {4: "quadrilateral", 5: "pentagon", 6: "hexagon", 8: "octagon"}
JAGGED = {8: "star", 10: "star", 12: "cross"}
FIGURES: tuple[Callable[[Mask, Outline], Fit | None], ...] = (
    _as_circle,
    _as_rectangle,
    _as_triangle,
    _as_polygon,
)


def _drawn(mask: Mask, corners: Any) -> Mask:
    figure = np.zeros_like(mask)
    cv2.fillPoly(figure, [np.asarray(np.round(np.asarray(corners, np.float64)), np.int32)], 1)
    return figure


def _parted(mask: Mask) -> list[Mask]:
    """A piece cut at its waists: each part around a place that is far from the rim."""
    whole, mask = mask, _reduced(mask)
    deep = np.asarray(cv2.distanceTransform(_framed(mask), cv2.DIST_L2, 5), np.float32)[1:-1, 1:-1]
    middles = np.asarray(
        _peaks(
            cv2.GaussianBlur(deep, (0, 0), 1.0),
            min_distance=max(3, round(0.45 * float(deep.max()))),
            threshold_abs=max(1.5, 0.25 * float(deep.max())),
            labels=mask.astype(np.int32),
            exclude_border=False,
        ),
        np.int64,
    )
    if len(middles) < 2 or len(middles) > 12:
        return []
    seeds = np.zeros(mask.shape, np.int32)
    seeds[middles[:, 0], middles[:, 1]] = np.arange(1, len(middles) + 1)
    labels = np.asarray(_flooded(-deep, seeds, mask=mask.astype(bool)), np.int32)
    if labels.shape != whole.shape:
        labels = cv2.resize(labels, whole.shape[::-1], interpolation=cv2.INTER_NEAREST) * whole
    parts = [(labels == number).astype(np.uint8) for number in range(1, len(middles) + 1)]
    return [part for part in parts if math.sqrt(float(part.sum())) >= SMALLEST_SIDE - 1]
