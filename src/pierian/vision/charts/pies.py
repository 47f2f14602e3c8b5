"""Pies and donuts: a disc whose ring is cut into arcs of different colours."""

from __future__ import annotations

import itertools
import math

import cv2
import numpy as np
from msgspec import Struct

from pierian.vision.charts.legends import Legend
from pierian.vision.charts.sheet import Lab, Mask, Sheet, commonest, distance

_STEPS = 1440
"""Directions around the middle that are looked at."""


class Slice(Struct, frozen=True):
    """An arc: where it begins and ends, in degrees clockwise from the right; its colour in Lab."""

    start: float
    end: float
    colour: tuple[float, float, float]

    @property
    def share(self) -> float:
        """Of the whole."""
        return (self.end - self.start) / 360

    @property
    def middle(self) -> float:
        """In degrees."""
        return (self.start + self.end) / 2


class Pie(Struct, frozen=True):
    """A disc in a sheet; `hole` is the radius of what is cut out. `roundness`: 1 where its outline is a circle."""

    x: float
    y: float
    radius: float
    hole: float
    slices: tuple[Slice, ...]
    roundness: float


def find_pie(sheet: Sheet, legend: Legend) -> Pie | None:
    """The largest pie of a sheet."""
    tried = list[Lab]()
    small = sheet.lab[::3, ::3]
    other = small[distance(small, sheet.paper) > 6]
    for ground in (sheet.paper, commonest(other) if len(other) > 50 else sheet.paper):
        if any(float(distance(ground, one)) < 2 for one in tried):
            continue
        tried.append(ground)
        disc = _disc(sheet, ground, legend)
        if disc is not None:
            found = _cut(sheet, ground, *disc)
            if found is not None:
                return found
    return None


def _disc(sheet: Sheet, ground: Lab, legend: Legend) -> tuple[float, float, float, float] | None:
    ink = (distance(sheet.lab, ground) > 7).astype(np.uint8)
    for box in legend.boxes:
        ink[max(0, round(box.top)) : round(box.bottom), max(0, round(box.left)) : round(box.right)] = 0
    for label in sheet.labels:
        # Names beside a disc often touch it.
        first, last = max(0, round(label.top)), round(label.bottom) + 1
        start, end = max(0, round(label.left)), round(label.right) + 1
        box = sheet.lab[first:last, start:end]
        if box.size and float((distance(box, ground) < 7).mean()) > 0.4:
            ink[first:last, start:end] = 0
    # The strokes of letters go, also where the picture was enlarged.
    stroke = 13 if sheet.scale > 1.2 else 7
    ink = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((stroke, stroke), np.uint8))
    ink = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13)))
    contours, _ = cv2.findContours(ink, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    best: tuple[float, float, float, float] | None = None
    for contour in contours:
        hull = cv2.convexHull(contour)
        (x, y), radius = cv2.minEnclosingCircle(hull)
        area = cv2.contourArea(hull)
        if radius < 0.08 * min(sheet.width, sheet.height) or radius < 25:
            continue
        roundness = area / (math.pi * radius * radius)
        solid = cv2.contourArea(contour) / max(area, 1.0)
        if roundness > 0.93 and solid > 0.9 and (best is None or radius > best[2]):
            best = float(x) + 0.5, float(y) + 0.5, math.sqrt(area / math.pi), roundness
    return best


def _cut(sheet: Sheet, ground: Lab, x: float, y: float, radius: float, roundness: float) -> Pie | None:
    angles = np.arange(_STEPS) * 2 * math.pi / _STEPS
    radii = np.linspace(0.04, 0.98, 48) * radius
    lab = _without_labels(sheet)
    columns = np.clip(np.round(x + np.cos(angles)[:, None] * radii - 0.5).astype(int), 0, sheet.width - 1)
    lines = np.clip(np.round(y + np.sin(angles)[:, None] * radii - 0.5).astype(int), 0, sheet.height - 1)
    around = lab[lines, columns]
    paper = distance(around, ground) < 6
    empty = paper.mean(axis=0) > 0.9
    hole = float(radii[np.flatnonzero(empty)[-1]]) if empty[:8].all() else 0.0
    used = radii > max(hole + 0.04 * radius, 0.35 * radius)
    used &= radii < 0.95 * radius
    if used.sum() < 3:
        return None
    ring = around[:, used]
    centres = _colours(ring[~paper[:, used]])
    if not centres:
        return None
    gaps = np.stack([distance(ring, one) for one in centres])
    owner = np.where(gaps.min(axis=0) < 14, gaps.argmin(axis=0), -1)
    owner[paper[:, used] & (gaps.min(axis=0) > 5)] = -1
    votes = np.stack([(owner == index).mean(axis=1) for index in range(len(centres))], axis=1)
    decided = np.where(votes.max(axis=1) > 0.34, votes.argmax(axis=1), -1)
    slices = _arcs(decided, centres, 0.004 if sheet.noise <= 1 else 0.012)
    covered = sum(one.share for one in slices)
    if len(slices) < 2 or covered < 0.9:
        return None
    return Pie(x, y, radius, hole, tuple(slices), roundness)


def _without_labels(sheet: Sheet) -> Lab:
    lab = sheet.lab.copy()
    for label in sheet.labels:
        first, last = max(0, round(label.top)), round(label.bottom) + 1
        start, end = max(0, round(label.left)), round(label.right) + 1
        box = lab[first:last, start:end]
        if box.size:
            ground = commonest(box)
            letters = distance(box, ground) > 6
            if letters.mean() < 0.55:
                box[letters] = ground
    return lab


def _colours(colours: Lab) -> list[Lab]:
    found, rest = list[Lab](), colours.reshape(-1, 3)
    least = max(20, len(rest) // 150)
    while len(found) < 16 and len(rest) >= least:
        centre = commonest(rest)
        inside = distance(rest, centre) < 7
        if inside.sum() < least:
            break
        found.append(centre)
        rest = rest[~inside]
    return found


def _arcs(decided: np.ndarray, centres: list[Lab], narrowest: float) -> list[Slice]:
    """Runs of one colour around the circle; narrow ones are edges between others and are shared out to these."""
    changes = np.flatnonzero(decided != np.roll(decided, 1))
    if not len(changes):
        return []
    turned = np.roll(decided, -int(changes[0]))
    starts = [0, *(np.flatnonzero(np.diff(turned)) + 1).tolist(), len(turned)]
    runs = [(a, b, int(turned[a])) for a, b in itertools.pairwise(starts)]
    least = _STEPS * narrowest
    kept = [one for one in runs if one[2] >= 0 and one[1] - one[0] >= least]
    joined = list[tuple[int, int, int]]()
    for run in kept:
        # A gap without colour between two arcs of one colour is an edge: they stay two slices.
        if joined and joined[-1][2] == run[2] and run[0] - joined[-1][1] < least * 0.5:
            joined[-1] = joined[-1][0], run[1], run[2]
        else:
            joined.append(run)
    found = list[Slice]()
    for index, (start, end, colour) in enumerate(joined):
        before = joined[index - 1][1] - (len(turned) if index == 0 else 0)
        after = joined[(index + 1) % len(joined)][0] + (len(turned) if index == len(joined) - 1 else 0)
        low, high = (before + start) / 2, (end + after) / 2
        degrees = 360 / len(turned)
        shift = int(changes[0])
        lab = centres[colour]
        found.append(
            Slice(
                (low + shift) * degrees,
                (high + shift) * degrees,
                (float(lab[0]), float(lab[1]), float(lab[2])),
            )
        )
    return found


def slice_mask(pie: Pie, one: Slice, shape: tuple[int, int]) -> Mask:
    """A slice drawn again."""
    image = np.zeros(shape, np.uint8)
    centre = (round(pie.x - 0.5), round(pie.y - 0.5))
    cv2.ellipse(image, centre, (round(pie.radius), round(pie.radius)), 0, one.start, one.end, 1, cv2.FILLED)
    if pie.hole > 0:
        cv2.circle(image, centre, round(pie.hole), 0, cv2.FILLED)
    return np.asarray(image > 0)
