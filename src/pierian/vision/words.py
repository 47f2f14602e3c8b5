"""What geometry mends in a line that was read: spaces that the reader dropped, lines that are several, exponents.

The reader of lines runs words together where letters stand close, reads "10²" as "102", and takes neighbouring axis
labels for one line. Gaps in the ink, in proportion to its height, say what is a space and what is the end of a line.
"""

from __future__ import annotations

import itertools
import re
import statistics
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from pierian.vision.components import components_of
from pierian.vision.ink import Gap, Mask, cut_out, gaps_in, grow, sides, within
from pierian.vision.recognition import Corners, Reading
from pierian.vision.regions import Point, Polygon
from pierian.vision.scene import Word
from pierian.vision.turning import Pixels

SPACE = 0.38
"""Gaps of this share of a line's height are spaces, if they are also wider than letters commonly stand apart …"""
WIDER = 2.5
"""… by this factor."""
NUMBER_SPACE = 0.8
"""Inside of a number (1. 90 in letters of one width) only gaps like this are."""
APART = 1.9
"""Gaps like this part two lines."""
NUMBERS_APART = 0.85
"""So do these, between numbers: labels of an axis, or columns of a table."""
NUMBER = re.compile(r"[-+−–(]?[$€£¥]?\d[\d.,:/%]*[)%kKMB]?")
POWER = re.compile(r"[-−]?(\d+(\.\d+)?[x×·*])?10[\^{}°ºo\d−⁰¹²³⁴⁵⁶⁷⁸⁹-]{1,4}")
FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3002: ".", 0x3001: ",", 0x3000: " "}
MINUS = {ord("−"): "-", ord("–"): "-", ord("一"): "-", ord("~"): "-"}


class Line(NamedTuple):
    """A line that was read: the rectangle of its ink, the ink in it, and letters with places within it."""

    corners: Corners
    ink: Mask
    reading: Reading

    def words(self) -> tuple[Word, ...]:
        """Its words, each with the rectangle of its ink; one word for the whole line where letters have no places."""
        text, places = self.reading.text, self.reading.places
        if len(places) != len(text) or not self.ink.shape[1]:
            return (Word(text, polygon(self.corners)),)
        width, gaps = self.ink.shape[1], gaps_in(self.ink)
        parts: list[Word] = []
        left = 0.0
        for match in re.finditer(r"\S+", text):
            right = 1.0
            if match.end() < len(text) - 1:
                after = next(
                    (n for n in range(match.end(), len(text)) if not text[n].isspace()), len(text) - 1
                )
                gap = widest(gaps, places[match.end() - 1] * width, places[after] * width)
                middle = (places[match.end() - 1] + places[after]) / 2
                right, following = (gap.start / width, gap.end / width) if gap else (middle, middle)
            else:
                following = 1.0
            parts.append(Word(match.group(), polygon(_part(self.corners, left, right))))
            left = following
        return tuple(parts)


def polygon(corners: Corners) -> Polygon:
    """Corners as a value, to a tenth of a pixel."""
    return Polygon(tuple(Point(round(float(x), 1), round(float(y), 1)) for x, y in corners))


def mended_lines(pixels: Pixels, line: Line, read: Callable[[Sequence[Pixels]], list[Reading]]) -> list[Line]:
    """The line with its spaces and exponents mended, as one line or as the several that it is."""
    reading = _plain(line.reading)
    line = line._replace(reading=reading._replace(text=_figures(reading.text)))
    text, places = line.reading.text, line.reading.places
    if len(places) != len(text) or not line.ink.size:
        return [line]
    if POWER.fullmatch(text.replace(" ", "")) and (power := _power(pixels, line, read)):
        return [power]
    return _spaced(line)


def _plain(reading: Reading) -> Reading:
    """Full-width forms (１，：) as plain ones, unless the line is Chinese or Japanese."""
    if any(
        unicodedata.name(letter, "").startswith(("CJK", "HIRAGANA", "KATAKANA")) for letter in reading.text
    ):
        return reading
    return reading._replace(text=reading.text.translate(FULL_WIDTH))


def _figures(text: str) -> str:
    """Letters inside of numbers that look like figures, as figures: RMO.23, I00, le3, S7.10; and JIn as Jln."""
    text = re.sub(r"(?<=[A-Za-z])I(?=[a-z])(?!n[a-z])", "l", text)
    return re.sub(r"\S+", lambda match: _figure(match.group()), text)


def _figure(token: str) -> str:
    if (
        len(re.findall(r"\d", token)) < 2
        and not re.search(r"[A-Z]0[A-Z]", token)
        and not re.search(r"\d[.,]|[.,]\d|[Il]e\d", token)
    ):
        return token
    token = re.sub(r"(?<=[A-Z]{2})0(?=[A-Z])|(?<=[A-Z])0(?=[A-Z]{2})", "O", token)
    token = re.sub(r"^(RM|[-+(])?S(?=\d+[.,]\d\d\b)", r"\1$", token)
    if re.fullmatch(r"(RM|[-+($€£]+)?[\dOoIl.,:/%)e-]+", token):
        head = re.match(r"RM|", token)
        start = head.end() if head else 0
        return token[:start] + token[start:].translate(
            {ord("O"): "0", ord("o"): "0", ord("I"): "1", ord("l"): "1"}
        )
    return token


def widest(gaps: Sequence[Gap], left: float, right: float) -> Gap | None:
    """The widest gap between two places in pixels."""
    between = [gap for gap in gaps if left < gap.middle < right]
    return max(between, key=lambda gap: gap.end - gap.start, default=None)


def _spaced(line: Line) -> list[Line]:
    """Spaces put in where gaps are wide, and the line parted where they are very wide."""
    text, places, height = line.reading.text, line.reading.places, line.ink.shape[0]
    width, gaps = line.ink.shape[1], gaps_in(line.ink)
    solid = [place for place, letter in enumerate(text) if not letter.isspace()]
    between = _between(solid, [one * width for one in places], gaps)
    tight = [gap.end - gap.start for (one, other), gap in between.items() if gap and other == one + 1]
    # What the reader took for a space in this line is the measure for those that it did not see.
    spaces = [gap.end - gap.start for (one, other), gap in between.items() if gap and other > one + 1]
    ordinary = statistics.median(tight) if tight else 0.0
    least = max(SPACE * height, WIDER * ordinary, 0.8 * statistics.median(spaces) if spaces else 0.0)
    if len(spaces) >= 3 and tight:  # letters of one width stand apart by more here and there
        least = max(least, 1.3 * float(np.percentile(tight, 85)))
    pieces: list[tuple[str, list[float], float, float]] = []
    letters, where, left = "", list[float](), 0.0
    for place in solid:
        letters, where = letters + text[place], [*where, places[place]]
        following = next(((key, gap) for key, gap in between.items() if key[0] == place), None)
        if following is None:
            continue
        (_, after), gap = following
        size = gap.end - gap.start if gap else 0
        if gap and _parts(text, place, after, size / height):
            pieces.append((letters, where, left, gap.start / width))
            letters, where, left = "", [], gap.end / width
        elif after > place + 1 or size >= _least(text, place, height, least):
            letters, where = letters + " ", [*where, (places[place] + places[after]) / 2]
    pieces.append((letters, where, left, 1.0))
    return [_piece(line, *piece) for piece in pieces if piece[0].strip()]


def _between(solid: list[int], places: list[float], gaps: list[Gap]) -> dict[tuple[int, int], Gap | None]:
    """The gap between each letter and the next. Places are a little off, so spaces that were read choose first."""
    pairs = list(itertools.pairwise(solid))
    found: dict[tuple[int, int], Gap | None] = {}
    for number, (one, other) in sorted(enumerate(pairs), key=lambda item: item[1][1] - item[1][0] < 2):
        left, right = places[one], places[other]
        if other > one + 1:
            left = (left + places[pairs[number - 1][0]]) / 2 if number else left
            right = (right + places[pairs[number + 1][1]]) / 2 if number + 1 < len(pairs) else right
        free = [gap for gap in gaps if gap not in found.values()]
        found[one, other] = widest(free, left, right)
    return {pair: found[pair] for pair in pairs}


def _least(text: str, place: int, height: int, least: float) -> float:
    """How wide a gap after a letter must be to be a space that the reader dropped."""
    if re.fullmatch(r"\d[.,:/-]|[.,:/-]\d|\d\d", text[place : place + 2]):
        return max(least, NUMBER_SPACE * height)
    return max(least, 0.6 * height) if len(text) < 4 else least


def _parts(text: str, place: int, after: int, share: float) -> bool:
    """Whether a gap, as a share of the line's height, stands between two lines."""
    if share >= APART:
        return True
    if share < NUMBERS_APART or (after == place + 1 and {text[place], text[after]} & set(".,:/-")):
        return False
    before, behind = text[: place + 1].split()[-1:], text[after:].split()[:1]
    return bool(before and behind and NUMBER.fullmatch(before[0]) and NUMBER.fullmatch(behind[0]))


def _piece(line: Line, text: str, places: list[float], left: float, right: float) -> Line:
    width = line.ink.shape[1]
    ink = line.ink[:, round(left * width) : max(round(right * width), round(left * width) + 1)]
    corners, span = _part(line.corners, left, right), max(right - left, 1e-6)
    if right - left < 1.0:  # its letters may be lower than those of the whole line
        rows = np.flatnonzero(ink.any(axis=1))
        if len(rows):
            top, bottom = rows[0] / ink.shape[0], (rows[-1] + 1) / ink.shape[0]
            corners = within(corners, np.array([[0, top], [1, top], [1, bottom], [0, bottom]], np.float32))
            ink = ink[rows[0] : rows[-1] + 1]
    fitting = tuple(min(max((one - left) / span, 0.0), 1.0) for one in places)
    return Line(corners, ink, Reading(text, line.reading.confidence, fitting))


def _part(corners: Corners, left: float, right: float) -> Corners:
    return within(corners, np.array([[left, 0], [right, 0], [right, 1], [left, 1]], np.float32))


def _power(pixels: Pixels, line: Line, read: Callable[[Sequence[Pixels]], list[Reading]]) -> Line | None:
    """A power of ten as `10^2`, where the letters after the 10 stand above the line; None where they do not."""
    text = line.reading.text.replace(" ", "")
    head = text[: text.index("10") + 2]
    rows, columns = line.ink.shape
    facts = components_of(line.ink).facts
    parts = sorted((one for one in facts[1:] if one[4] > 2), key=lambda one: int(one[0]))
    # The digits of the base stand on the line; the first that ends well above it begins the exponent.
    low = [one[1] + one[3] for one in parts]
    raised = next((n for n, end in enumerate(low) if end < 0.8 * rows), None)
    digits = sum(letter.isdigit() for letter in head)
    if raised is None or raised < min(2, digits) or any(end >= 0.8 * rows for end in low[raised:]):
        return None
    if raised > len(head):
        return (
            None  # more figures stand on the line than the base has: 100, and the tick of an axis behind it
        )
    left = float(parts[raised][0]) / columns
    bottom = max(low[raised:]) / rows
    place = within(line.corners, np.array([[left, 0], [1, 0], [1, bottom], [left, bottom]], np.float32))
    exponent = read([cut_out(pixels, grow(place, 0.3 * sides(place)[1]), height=48)])[0]
    digit = exponent.text.translate(MINUS).strip(" ·.'")
    if not re.fullmatch(r"-?\d{1,3}", digit):
        return None
    new = f"{head}^{digit}"
    spread = tuple(np.linspace(0.02, 0.98, len(new)).tolist())
    return line._replace(
        reading=Reading(new, min(max(line.reading.confidence, 0.5), exponent.confidence), spread)
    )


def with_exponents(lines: Sequence[Line]) -> list[Line]:
    """Powers of ten that were found as two lines, "10" and a small raised number behind it, as one."""
    joined: dict[int, Line] = {}
    gone: set[int] = set()
    for place, base in enumerate(lines):
        if not re.fullmatch(r"[-−]?(\d+(\.\d+)?[x×·*])?10", base.reading.text.strip()):
            continue
        for other, exponent in enumerate(lines):
            if other not in gone and other != place and _is_exponent(base, exponent):
                low = np.minimum(base.corners.min(axis=0), exponent.corners.min(axis=0))
                high = np.maximum(base.corners.max(axis=0), exponent.corners.max(axis=0))
                corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]], np.float32)
                text = f"{base.reading.text.strip()}^{exponent.reading.text.translate(MINUS).strip()}"
                sure = min(base.reading.confidence, exponent.reading.confidence)
                joined[place] = Line(corners, base.ink, Reading(text, sure, ()))
                gone.add(other)
                break
    return [joined.get(place, line) for place, line in enumerate(lines) if place not in gone]


def _is_exponent(base: Line, other: Line) -> bool:
    """A whole number close behind, that ends well above the line on which the base stands."""
    if not re.fullmatch(r"-?\d{1,2}", other.reading.text.translate(MINUS).strip()):
        return False
    (left, top), (right, bottom) = base.corners.min(axis=0), base.corners.max(axis=0)
    (near, upper), (_, lower) = other.corners.min(axis=0), other.corners.max(axis=0)
    height = bottom - top
    close = -0.2 * height < near - right < 0.45 * height and left < near
    raised = lower < bottom - 0.2 * height and top < lower and upper < top + 0.3 * height
    return bool(close and raised and lower - upper < 0.9 * height)
