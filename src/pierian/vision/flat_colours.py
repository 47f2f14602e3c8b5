"""A drawing as the few flat colours it is made of, and the pieces of each colour, for shapes.

Every pixel belongs to the colour it is nearest to by eye, or to none: the rims that smoothing leaves and the noise of
JPEG fall to their neighbours or out. A photograph has no such colours, and is said to have none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (  # pyright: ignore[reportMissingTypeStubs]
    find_objects,  # pyright: ignore[reportUnknownVariableType]
)

from pierian.vision.colours import lab
from pierian.vision.components import components_of
from pierian.vision.fragments import absorbed
from pierian.vision.turning import Pixels

_places = cast("Callable[[NDArray[np.int32]], list[tuple[slice, slice] | None]]", find_objects)

BITS = 4
"""Colours are counted to this many bits a channel."""
SMALLEST_SHARE = 0.00004
FEWEST = 12
"""Pixels that a colour needs to count as one, and as a share of the picture."""
ALIKE = 14.0
"""Distances in CIELAB up to which colours are one."""
PLAIN = 24
"""Of 255: what noise changes in a plain part from a pixel to the next."""
NOISE = 0.005
"""The share of neighbours that differ a little: clean drawings have 0.001, JPEG of any quality more than 0.01."""
RIM = 5.0
"""Pixels that the rim of a piece is wide, at most, in JPEG."""
MOST = 40
FLAT = 0.75
"""The share of its pixels that a drawing has in flat colours."""


class Piece(NamedTuple):
    """Pixels of one colour that hang together: the mask of its box, where that is, and the colour as RGB."""

    mask: NDArray[np.uint8]
    left: int
    top: int
    colour: NDArray[np.float64]
    area: int


class _Areas(NamedTuple):
    """A number for each pixel, 0 for none, and of each number its colour (a row of `colours`)."""

    labels: NDArray[np.int32]
    of_colour: NDArray[np.int64]
    colours: NDArray[np.float64]


def pieces_of(pixels: Pixels, *, smallest: int = 20) -> list[Piece] | None:
    """The pieces of a drawing of at least so many pixels; None where the picture is no drawing."""
    noisy = _is_noisy(pixels)
    named = _nearest(pixels, noisy)
    if named is None:
        return None
    areas = _areas(*named)
    if noisy:
        areas = areas._replace(labels=absorbed(areas.labels, lab(areas.colours[areas.of_colour])))
    sizes = np.bincount(areas.labels.ravel())
    # Millions of specks would each take a place in a list: only what is large enough is numbered again.
    large = np.flatnonzero(sizes >= smallest)
    large = large[large > 0]
    again = np.zeros(len(sizes), np.int32)
    again[large] = np.arange(1, len(large) + 1)
    labels = again[areas.labels]
    found: list[Piece] = []
    for number, (label, place) in enumerate(zip(large, _places(labels), strict=True), 1):
        if place is None:
            continue
        part = (labels[place] == number).astype(np.uint8)
        colour = areas.colours[areas.of_colour[label]]
        found.append(Piece(part, place[1].start, place[0].start, colour, int(sizes[label])))
    return found


def _areas(numbers: NDArray[np.int16], colours: list[NDArray[np.float64]]) -> _Areas:
    labels, of_colour = np.zeros(numbers.shape, np.int32), [np.zeros(1, np.int64)]
    count = 1
    for number in range(len(colours)):
        here, facts = components_of(numbers == number, corners=False)
        labels += np.where(here > 0, here + (count - 1), 0).astype(np.int32)
        count += len(facts) - 1
        of_colour.append(np.full(len(facts) - 1, number, np.int64))
    return _Areas(labels, np.concatenate(of_colour), np.stack(colours))


def _nearest(pixels: Pixels, noisy: bool) -> tuple[NDArray[np.int16], list[NDArray[np.float64]]] | None:
    """The number of each pixel's colour, -1 for none, and the colours."""
    high, wide = pixels.shape[:2]
    if noisy:
        pixels = cv2.medianBlur(pixels, 3).astype(np.uint8)
    shift, steps = 8 - BITS, 1 << BITS
    reduced = (pixels >> shift).astype(np.int32)
    codes = (reduced[..., 0] * steps + reduced[..., 1]) * steps + reduced[..., 2]
    # JPEG smears colours over rims, where they mix: there, only plain parts say which colours there are.
    plain = _is_plain(pixels) if noisy else np.ones(codes.shape, np.bool_)
    counts = np.bincount(codes.ravel(), minlength=steps**3)
    votes = np.bincount(codes[plain], minlength=steps**3)
    used = np.flatnonzero(counts)
    flat = codes.ravel()
    sums = [np.bincount(flat, weights=pixels[..., one].ravel(), minlength=steps**3)[used] for one in range(3)]
    means = np.stack(sums, axis=1) / counts[used][:, None]
    seen = lab(means)
    colours: list[int] = []
    least = max(FEWEST, SMALLEST_SHARE * high * wide)
    for place in np.argsort(-votes[used]):
        if votes[used[place]] < least or len(colours) >= MOST:
            break
        if all(float(np.linalg.norm(seen[place] - seen[other])) > ALIKE for other in colours):
            colours.append(int(place))
    if not colours:
        return None
    distances = np.linalg.norm(seen[:, None] - seen[colours][None], axis=2)
    nearest = np.where(distances.min(axis=1) <= ALIKE, distances.argmin(axis=1), -1)
    at_colour = np.isin(np.arange(len(used)), colours) | (distances.min(axis=1) < ALIKE / 2)
    if counts[used][at_colour].sum() < FLAT * high * wide or len(colours) >= MOST:
        return None
    table = np.full(steps**3, -1, np.int16)
    table[used] = nearest
    numbers = np.where(plain, table[codes], np.int16(-1))
    if noisy:
        numbers = _decided(numbers, pixels, seen[colours])
    return _grown(numbers, 5.0 if noisy else 2.5), [means[place] for place in colours]


def _is_noisy(pixels: Pixels) -> bool:
    """Whether neighbours in plain parts differ a little everywhere, as JPEG makes them."""
    grey = pixels.astype(np.int16).sum(axis=2)
    steps = np.abs(np.diff(grey, axis=1))
    return int(np.count_nonzero((steps > 0) & (steps < 24))) > NOISE * steps.size


def _is_plain(pixels: Pixels) -> NDArray[np.bool_]:
    """Where colours hardly change from one pixel to those around it."""
    kernel = np.ones((3, 3), np.uint8)
    change = cv2.morphologyEx(pixels, cv2.MORPH_GRADIENT, kernel)
    return np.asarray(change.max(axis=2) < PLAIN, np.bool_)


def _decided(numbers: NDArray[np.int16], pixels: Pixels, seen: NDArray[np.float64]) -> NDArray[np.int16]:
    """Pixels of no colour given to the one of the colours near them that is most like theirs: corners stay sharp."""
    rows, columns = np.nonzero(numbers < 0)
    if not len(rows):
        return numbers
    own = lab(pixels[rows, columns])
    best, least = np.full(len(rows), -1, np.int16), np.full(len(rows), np.inf)
    for number, colour in enumerate(seen):
        elsewhere = (numbers != number).astype(np.uint8)
        away = np.asarray(cv2.distanceTransform(elsewhere, cv2.DIST_L2, 3), np.float64)
        unlike = np.linalg.norm(own - colour, axis=1)
        better = (away[rows, columns] <= RIM) & (unlike < least)
        best[better], least[better] = number, unlike[better]
    decided = numbers.copy()
    decided[rows, columns] = best
    return decided


def _grown(numbers: NDArray[np.int16], within: float) -> NDArray[np.int16]:
    """Pixels of no colour, as rims are, given to the nearest that has one, if that is near."""
    none = (numbers < 0).astype(np.uint8)
    if not none.any() or none.all():
        return numbers
    away, nearest = cv2.distanceTransformWithLabels(none, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)
    labels = np.asarray(nearest, np.int32)
    # Each pixel that has a colour has a label of its own, and those without bear that of the nearest.
    of_label = np.full(int(labels.max()) + 1, -1, np.int16)
    of_label[labels[none == 0]] = numbers[none == 0]
    return np.where((none == 1) & (np.asarray(away) <= within), of_label[labels], numbers)
