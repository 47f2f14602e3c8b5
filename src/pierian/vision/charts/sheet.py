"""A picture prepared for digitising: levelled, brought to a working size, with its labels as upright boxes.

Everything inside of this package works in a sheet's coordinates; `Sheet.back` leads to the picture's own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self, TypeVar

import cv2
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from pierian.vision.regions import Box, Point, Polygon
from pierian.vision.scene import TextLine

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Lab = NDArray[np.float32]
_Number = TypeVar("_Number", np.uint8, np.float32)

WORK_LARGEST = 1400
"""Pictures whose longer side is greater are reduced to this …"""
WORK_SMALLEST = 700
"""… and smaller ones doubled, so that lines and gaps have sizes that the methods expect."""
_WIDEST_SPACE = 0.65
"""Gaps between words above this, in sizes of letters, part labels."""
LEAST_ANGLE = 0.12
"""Turns below this, in degrees, are left alone."""
LARGEST_ANGLE = 6.0


class Label(Struct, frozen=True, kw_only=True):
    """A line of text in a sheet. `size`: the height of its letters, whichever way it runs; `level`: runs level.
    `words`: each with its ends along x."""

    id: str
    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float
    level: bool = True
    confidence: float = 1.0
    words: tuple[tuple[str, float, float], ...] = ()

    @property
    def x(self) -> float:
        """Its middle."""
        return (self.left + self.right) / 2

    @property
    def y(self) -> float:
        """Its middle."""
        return (self.top + self.bottom) / 2

    def turned(self) -> Label:
        """The same with x and y changed over."""
        return Label(
            id=self.id, text=self.text, left=self.top, top=self.left, right=self.bottom, bottom=self.right,
            size=self.size, level=not self.level, confidence=self.confidence,
        )  # fmt: skip


class Sheet:
    """A picture under work. `matrix` leads from the picture's coordinates to the sheet's (2 rows, 3 columns)."""

    def __init__(self, pixels: Pixels, labels: tuple[Label, ...], matrix: Floats, noise: float) -> None:
        self.pixels = pixels
        self.noise = noise
        self.labels = labels
        self.matrix = matrix
        self.height, self.width = pixels.shape[:2]
        self.lab: Lab = to_lab(pixels)
        self.paper: Lab = self._paper()

    @classmethod
    def of(cls, pixels: Pixels, texts: Sequence[TextLine]) -> Self:
        """A picture levelled and brought to a working size."""
        height, width = pixels.shape[:2]
        noise = noise_of(pixels)
        largest = max(height, width)
        scale = min(1.0, WORK_LARGEST / largest) if largest >= WORK_SMALLEST else 2.0
        angle = _angle(pixels, texts)
        matrix = np.array([[scale, 0.0, 0.0], [0.0, scale, 0.0]])
        # Linear where pixels are made up: what overshoots beside an edge looks like a thin line.
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        if abs(angle) > LEAST_ANGLE:
            matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale).astype(np.float64)
            matrix[:, 2] += np.array([size[0] - width, size[1] - height]) / 2
            paper = [int(one) for one in np.median(_border(pixels), axis=0)]
            work = cv2.warpAffine(pixels, _centred(matrix), size, flags=cv2.INTER_LINEAR, borderValue=paper)
        elif scale == 1.0:
            work = pixels
        else:
            work = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        if noise > 0:
            work = cv2.bilateralFilter(np.asarray(work, np.uint8), 5, 15 + 8 * noise, 2)
        labels = tuple(part for one in texts for part in _parted(_label(one, matrix)))
        return cls(
            np.asarray(work, np.uint8), tuple(one for one in labels if _is_text(one, size)), matrix, noise
        )

    @property
    def scale(self) -> float:
        """Pixels of the sheet for one of the picture."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def back(self, box: Box) -> Box | Polygon:
        """A box of the sheet as a region of the picture: a polygon where the picture was not level."""
        linear, shift = self.matrix[:, :2], self.matrix[:, 2]
        inverse = np.linalg.inv(linear)
        corners = [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)]
        points = [inverse @ (np.array(one) - shift) for one in corners]
        outline = Polygon(tuple(Point(float(x), float(y)) for x, y in points))
        skewed = abs(linear[0, 1]) > 1e-9 and abs(linear[0, 0]) > 1e-9
        return outline if skewed else outline.box

    def _paper(self) -> Lab:
        """The colour of the page, from its border."""
        return commonest(_border(self.lab))


def noise_of(pixels: Pixels) -> float:
    """How much pixels differ by chance, 0 for pictures that were never compressed with loss, up to about 5.

    Neighbours that differ a very little are rare in drawn pictures, common where JPEG or a camera was at work.
    """
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    off = cv2.absdiff(gray, cv2.medianBlur(gray, 3))
    share = float(((off > 0) & (off <= 6)).mean())
    return min(max(share - 0.02, 0.0) * 30, 3.0) + float(np.median(off))


def to_lab(pixels: Pixels) -> Lab:
    """Colours in which distances are what people see: lightness 0 to 100, a and b about -100 to 100."""
    return np.asarray(
        cv2.cvtColor(pixels.astype(np.float32) / np.float32(255.0), cv2.COLOR_RGB2LAB), np.float32
    )


def to_hex(colour: Lab) -> str:
    """A colour as #rrggbb."""
    rgb = cv2.cvtColor(colour.reshape(1, 1, 3).astype(np.float32), cv2.COLOR_LAB2RGB).reshape(3)
    return "#" + "".join(f"{int(np.clip(round(float(one) * 255), 0, 255)):02x}" for one in rgb)


def commonest(colours: Lab) -> Lab:
    """The commonest of many colours, as the mean of those close to it."""
    flat = colours.reshape(-1, 3)
    if not len(flat):
        return np.zeros(3, np.float32)
    keys = np.floor(flat / 5.0).astype(np.int32) @ np.array([1, 512, 262144], np.int32)
    values, inverse = np.unique(keys, return_inverse=True)
    chosen = flat[inverse == int(np.argmax(np.bincount(inverse, minlength=len(values))))].mean(axis=0)
    near = flat[np.abs(flat - chosen).max(axis=1) < 5]
    return np.asarray(near.mean(axis=0) if len(near) else chosen, np.float32)


def distance(colours: Lab, colour: Lab) -> Lab:
    """How far colours are from one, as people see it (Euclidean in Lab)."""
    away = colours - colour
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", away, away)), np.float32)


def _border(pixels: NDArray[_Number]) -> NDArray[_Number]:
    depth = max(1, min(pixels.shape[:2]) // 60)
    parts = (pixels[:depth], pixels[-depth:], pixels[:, :depth], pixels[:, -depth:])
    return np.concatenate([one.reshape(-1, 3) for one in parts])


def _centred(matrix: Floats) -> Floats:
    """The same for a library whose pixels' middles lie at whole numbers."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    return moved


def _angle(pixels: Pixels, texts: Sequence[TextLine]) -> float:
    """By how much the picture is turned, in degrees clockwise: from long straight lines, else from its text."""
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    longest = max(gray.shape)
    if longest > 1000:
        gray = cv2.resize(gray, None, fx=1000 / longest, fy=1000 / longest, interpolation=cv2.INTER_AREA)
    edges = cv2.Canny(gray, 30, 90)
    least = max(40, min(gray.shape) // 4)
    lines = cv2.HoughLinesP(edges, 1, np.pi / 1440, 80, minLineLength=least, maxLineGap=4)
    angles, weights = list[float](), list[float]()
    for left, top, right, bottom in lines.reshape(-1, 4) if lines is not None else ():
        angle = math.degrees(math.atan2(float(bottom - top), float(right - left)))
        angle = (angle + 45) % 90 - 45
        if abs(angle) < LARGEST_ANGLE:
            angles.append(angle)
            weights.append(math.hypot(float(right - left), float(bottom - top)))
    if not angles:
        angles = [one.angle for one in texts if abs(one.angle) < LARGEST_ANGLE and len(one.text) > 3]
        return float(np.median(angles)) if len(angles) >= 3 else 0.0
    order = np.argsort(angles)
    sums: Floats = np.cumsum(np.array(weights)[order])
    middle = angles[int(order[int(np.searchsorted(sums, float(sums[-1]) / 2))])]
    near = [(one, weight) for one, weight in zip(angles, weights, strict=True) if abs(one - middle) < 0.4]
    return sum(one * weight for one, weight in near) / sum(weight for _, weight in near)


def _is_text(label: Label, size: tuple[int, int]) -> bool:
    """Round markers, slices and bars are read as letters: as none that mean something, or as very large ones."""
    huge = label.size > 0.1 * min(size) and len(label.text) <= 3
    return any(letter.isalnum() for letter in label.text) and not huge


def _parted(label: Label) -> list[Label]:
    """A line of text as the labels that it holds: names that stand side by side on an axis are read as one line."""
    if not label.level or len(label.words) < 2:
        return [label]
    groups = [[label.words[0]]]
    for word in label.words[1:]:
        if word[1] - groups[-1][-1][2] > _WIDEST_SPACE * label.size:
            groups.append([word])
        else:
            groups[-1].append(word)
    if len(groups) == 1:
        return [label]
    return [
        replace(
            label, id=f"{label.id}.{number}", text=" ".join(one[0] for one in group), left=group[0][1],
            right=group[-1][2], words=tuple(group),
        )
        for number, group in enumerate(groups, 1)
    ]  # fmt: skip


def _label(line: TextLine, matrix: Floats) -> Label:
    corners = np.array([(one.x, one.y, 1.0) for one in line.region.corners]) @ matrix.T
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    level = abs(line.angle) < 15 or abs(line.angle) > 165
    sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    size = float(min(sides[0], sides[1])) if len(sides) >= 4 and len(line.text) > 1 else float(bottom - top)
    if level:
        size = min(float(bottom - top), size * 1.5) if size > 0 else float(bottom - top)
    words = list[tuple[str, float, float]]()
    for word in line.words:
        ends = (np.array([(one.x, one.y, 1.0) for one in word.region.corners]) @ matrix.T)[:, 0]
        words.append((word.text, float(ends.min()), float(ends.max())))
    return Label(
        id=line.id, text=line.text.strip(), words=tuple(words), left=float(left), top=float(top), right=float(right),
        bottom=float(bottom), size=max(size, 1.0), level=level, confidence=line.confidence,
    )  # fmt: skip
