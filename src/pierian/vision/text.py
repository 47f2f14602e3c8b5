"""Reading: the lines of text of a picture, whichever way they run, as words with boxes that fit their ink.

Lines are found and read by networks (`recognition`); here it is decided which way up a line is, boxes are drawn in
to the ink, lines that were read badly are read again from other crops, short numbers that were overlooked beside
others of their kind (the ticks of an axis) are sought, and spaces and exponents are mended by geometry. What lines
mean together is for `reading_order`, `tables` and `fields`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from itertools import chain

import cv2
import numpy as np

from pierian.vision import overlooked
from pierian.vision.ink import axes, cut_out, fitted, grow, sides
from pierian.vision.recognition import Corners, Reading, find_lines, read_lines
from pierian.vision.regions import Box
from pierian.vision.scene import TextLine
from pierian.vision.turning import Pixels
from pierian.vision.words import Line, mended_lines, polygon, with_exponents

MARGIN = 0.3
"""Around the ink, in shares of its height: what the reader of lines was used to when it was trained."""
SURE = 0.9
"""Lines that were read with less are read again from other crops."""
LEAST = 0.35
"""Below this nothing was read."""
SINKS = 0.2
"""A line that is a little askew is taken for level if it sinks by less than this share of its height."""
LARGE = 2.5
"""A mark alone that is larger than other lines by this is drawn, not written …"""
LARGEST_MARK = 40.0
"""… if it has as many pixels."""
BETTER = 0.08
"""By how much another direction must read better than the level one, where a crop's form allows both."""


def read_texts(pixels: Pixels) -> tuple[TextLine, ...]:
    """The lines of text of a picture, in no order that means anything; their ids are `t1`, `t2`, …"""
    found = _read_all(pixels, [_levelled(one) for one in find_lines(pixels)])
    found = [one for one in found if one.reading.text.strip() and one.reading.confidence >= LEAST]
    lines = with_exponents([line for one in found for line in mended_lines(pixels, one, read_lines)])
    lines += _overlooked(pixels, lines)
    lines = _without_figures(lines)
    return tuple(_as_text(line, f"t{number}") for number, line in enumerate(lines, 1))


def read_crop(pixels: Pixels, box: Box, *, scale: float = 1.0, angle: int = 0) -> tuple[str, float]:
    """The one line of text that a box holds, and how sure it is (0 to 1); "" where there is none.

    `scale` enlarges the crop before its ink is sought, for very small text. `angle`: by how many degrees (0, 90, -90
    or 180) the text is turned clockwise.
    """
    height, width = pixels.shape[:2]
    left, top = max(0, math.floor(box.left)), max(0, math.floor(box.top))
    right, bottom = min(width, math.ceil(box.right)), min(height, math.ceil(box.bottom))
    if right - left < 2 or bottom - top < 2:
        return "", 0.0
    part = pixels[top:bottom, left:right]
    if scale != 1.0:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    rows, columns = part.shape[:2]
    whole = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    one = _read_all(part, [np.roll(whole, -angle // 90, axis=0)], turning=False)[0]
    parts = mended_lines(part, one, read_lines)
    return " ".join(line.reading.text for line in parts), one.reading.confidence


def turned_by(texts: Sequence[TextLine]) -> int:
    """By how many degrees (0, 90, 180 or 270) a picture must be turned clockwise for most of its text to be level."""
    letters = {0: 0.0, 90: 0.0, 180: 0.0, 270: 0.0}
    for line in texts:
        letters[round(-line.angle / 90) % 4 * 90] += len(line.text) * line.confidence
    best = max(letters, key=lambda one: letters[one])
    # A chart's axis may well have more letters than the rest; a page on its side has nearly all of them there.
    return best if letters[best] > 3 * letters[0] and letters[best] >= 12 else 0


def _levelled(corners: Corners) -> Corners:
    """Corners from the upper left one; a slight turn of a short line, which is chance, is taken out."""
    middle = corners.mean(axis=0)
    edges = [corners[(one + 1) % 4] - corners[one] for one in range(4)]
    longest = max(edges, key=lambda one: float(np.hypot(*one)))
    angle = math.degrees(math.atan2(float(longest[1]), float(longest[0])))
    away = (angle + 45) % 90 - 45
    long, low = sorted((float(np.hypot(*edges[0])), float(np.hypot(*edges[1]))), reverse=True)
    # How far the line sinks from one end to the other, in shares of its height.
    sinks = long * math.sin(math.radians(abs(away))) / max(low, 1.0)
    if (abs(away) < 1.5 and sinks < SINKS) or (abs(away) < 12 and long < 5 * low) or long < 1.5 * low:
        low_corner, high_corner = corners.min(axis=0), corners.max(axis=0)
        if abs(away) >= 1.5:
            # Its own sides, set level: the box around it would be too large.
            wide, high = (long, low) if abs((angle + 90) % 180 - 90) < 45 else (low, long)
            half = np.array([wide, high], np.float32) / 2
            low_corner, high_corner = middle - half, middle + half
        (left, top), (right, bottom) = low_corner, high_corner
        return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    # The direction to the right, up to 60 degrees up or down; steeper lines keep their long side and are tried
    # both ways.
    first = min(range(4), key=lambda one: abs(_direction(edges[one]) if _direction(edges[one]) else 0.01))
    level = np.roll(corners, -first, axis=0)
    return level.astype(np.float32)


def _direction(edge: Corners) -> float:
    return math.degrees(math.atan2(float(edge[1]), float(edge[0])))


def _ways(corners: Corners) -> list[Corners]:
    """The directions in which a line may run by its form, the likeliest first."""
    wide, high = sides(corners)
    upward, downward = np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0)
    if high > 2.6 * wide:
        return [upward, downward]
    return [corners, upward, downward] if high > 1.15 * wide else [corners]


def _read_all(pixels: Pixels, places: list[Corners], *, turning: bool = True) -> list[Line]:
    """Each line read in each direction that its form allows; the best is kept."""
    ways = [_ways(one) if turning else [one] for one in places]
    fits = [[fitted(pixels, way) for way in several] for several in ways]
    pairs = zip(chain(*ways), chain(*fits), strict=True)
    readings = iter(_read_fits(pixels, [(way, fit) for way, (fit, _) in pairs]))
    best: list[Line] = []
    for several in fits:
        tried = [Line(fit, ink, next(readings)) for fit, ink in several]
        chosen = tried[0]
        for other in tried[1:]:
            bonus = BETTER if len(tried) == 3 and chosen is tried[0] else 0.0
            if _merit(other) > _merit(chosen) + bonus:
                chosen = other
        best.append(chosen)
    best = _read_doubtful(pixels, places, best)
    return _on_their_heads(pixels, best) if turning else best


def _read_fits(pixels: Pixels, places: list[tuple[Corners, Corners]]) -> list[Reading]:
    """Lines, given by the place where they were found and the rectangle of their ink, read with a margin.

    To the left and right as far as they were found, as a faint point may have been taken for a speck. Letters' places
    are shares of the ink's width.
    """
    frames = [_lengthened(grow(fit, MARGIN * sides(fit)[1]), place) for place, fit in places]
    readings = read_lines([cut_out(pixels, frame) for frame in frames])
    return [
        _reframed(reading, frame, fit)
        for reading, frame, (_, fit) in zip(readings, frames, places, strict=True)
    ]


def _lengthened(frame: Corners, place: Corners) -> Corners:
    """The frame, as far to the left and to the right as the place reaches."""
    along, _ = axes(frame)
    before = min(0.0, float((place[0] - frame[0]) @ along), float((place[3] - frame[0]) @ along))
    behind = max(0.0, float((place[1] - frame[1]) @ along), float((place[2] - frame[1]) @ along))
    steps = np.array([[before], [behind], [behind], [before]], np.float32)
    return (frame + along * steps).astype(np.float32)


def _reframed(reading: Reading, frame: Corners, fit: Corners) -> Reading:
    """Letters' places in a crop as places in the rectangle of the ink."""
    along, _ = axes(fit)
    start, end = float((frame[0] - fit[0]) @ along), float((frame[1] - fit[0]) @ along)
    width = max(sides(fit)[0], 1e-6)
    places = (min(max((start + (end - start) * one) / width, 0.0), 1.0) for one in reading.places)
    return reading._replace(places=tuple(places))


def _merit(found: Line) -> float:
    return found.reading.confidence if found.reading.text.strip() else 0.0


def _read_doubtful(pixels: Pixels, places: list[Corners], found: list[Line]) -> list[Line]:
    """What was read badly, once more: as found, not drawn in; and with its contrast stretched."""
    doubtful = [place for place, one in enumerate(found) if one.reading.confidence < SURE]
    crops, frames = list[Pixels](), list[Corners]()
    for place in doubtful:
        fit = found[place].corners
        # The place as it was found, turned as the better reading was.
        turns = min(range(4), key=lambda n: float(np.abs(np.roll(places[place], n, axis=0) - fit).sum()))
        frames += [np.roll(places[place], turns, axis=0), grow(fit, MARGIN * 0.6 * sides(fit)[1])]
        crops += [cut_out(pixels, frames[-2]), _stretched(cut_out(pixels, frames[-1], height=64))]
    readings = read_lines(crops)
    better = list(found)
    for number, place in enumerate(doubtful):
        for reading, frame in zip(readings[2 * number :][:2], frames[2 * number :][:2], strict=True):
            if reading.text.strip() and reading.confidence > better[place].reading.confidence + 0.02:
                fit = found[place].corners
                better[place] = found[place]._replace(reading=_reframed(reading, frame, fit))
    return better


def _stretched(crop: Pixels) -> Pixels:
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    low, high = np.percentile(grey, [2, 98])
    level = np.clip((grey.astype(np.float32) - low) * (255 / max(float(high - low), 8.0)), 0, 255)
    level = level if np.median(level) > 127 else 255 - level
    return np.asarray(cv2.cvtColor(level.astype(np.uint8), cv2.COLOR_GRAY2RGB), np.uint8)


def _on_their_heads(pixels: Pixels, found: list[Line]) -> list[Line]:
    """Lines that read better upside down; all are tried once some of those that were read badly do."""
    long = [one for one in found if len(one.reading.text) >= 3]
    if not long or statistics.fmean(one.reading.confidence for one in long) > SURE:
        tried = [one for one in found if one.reading.confidence < 0.75 and len(one.reading.text) >= 3]
    else:
        tried = found
    turned = _turned(pixels, tried)
    gains = [
        (second.reading.confidence - first.reading.confidence) * len(second.reading.text)
        for first, second in zip(tried, turned, strict=True)
    ]
    whole = tried is found and sum(gains) > 0.1 * sum(len(one.reading.text) for one in found)
    exchanged = {
        id(first): second
        for first, second, gain in zip(tried, turned, gains, strict=True)
        if whole or (gain > 0 and second.reading.confidence > first.reading.confidence + 0.2)
    }
    return [exchanged.get(id(one), one) for one in found]


def _turned(pixels: Pixels, found: list[Line]) -> list[Line]:
    corners = [np.roll(one.corners, 2, axis=0) for one in found]
    readings = _read_fits(pixels, [(one, one) for one in corners])
    return [
        Line(place, one.ink[::-1, ::-1], reading)
        for one, place, reading in zip(found, corners, readings, strict=True)
    ]


def _overlooked(pixels: Pixels, found: list[Line]) -> list[Line]:
    """Short numbers that stand in a row or a column with others, and that the finder of lines did not see."""
    boxes = [_box(one.corners) for one in found if abs(_angle(one.corners)) < 3]
    names = [one.reading.text for one in found if abs(_angle(one.corners)) < 3]
    places = overlooked.candidates(pixels, boxes, names, [_box(one.corners) for one in found])
    corners = [
        np.array([[b.left, b.top], [b.right, b.top], [b.right, b.bottom], [b.left, b.bottom]], np.float32)
        for b in places
    ]
    fits = [fitted(pixels, np.asarray(one, np.float32)) for one in corners]
    readings = _read_fits(pixels, [(fit, fit) for fit, _ in fits])
    return [
        Line(fit, ink, reading)
        for (fit, ink), reading in zip(fits, readings, strict=True)
        if reading.confidence > 0.8 and overlooked.is_short_value(reading.text)
    ]


def _without_figures(lines: list[Line]) -> list[Line]:
    """Without drawn figures that were taken for a letter: a disc is no "●", a ring no "の"."""
    heights = [sides(one.corners)[1] for one in lines if len(one.reading.text.strip()) > 1]
    usual = statistics.median(heights) if heights else 0.0

    def is_figure(line: Line) -> bool:
        text = line.reading.text.strip()
        single = len(text) == 1 and not (text.isascii() and text.isalnum())
        return single and min(sides(line.corners)) > max(LARGE * usual, LARGEST_MARK)

    return [one for one in lines if not is_figure(one)]


def _box(corners: Corners) -> Box:
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return Box(float(left), float(top), float(right), float(bottom))


def _angle(corners: Corners) -> float:
    along = (corners[1] + corners[2]) - (corners[0] + corners[3])
    return math.degrees(math.atan2(float(along[1]), float(along[0])))


def _as_text(line: Line, name: str) -> TextLine:
    angle = _angle(line.corners)
    quarter = round(angle / 90) * 90
    angle = float(quarter) if abs(angle - quarter) < 1 else round(angle, 1)
    return TextLine(
        id=name,
        region=polygon(line.corners),
        text=line.reading.text,
        confidence=round(line.reading.confidence, 3),
        angle=180.0 if angle == -180 else angle,
        words=line.words(),
    )
