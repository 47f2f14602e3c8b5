"""Thin straight lines of a sheet: axes, frames and gridlines, dashed or interrupted by what is drawn over them."""

from __future__ import annotations

import cv2
import numpy as np
from msgspec import Struct

from pierian.vision.charts.sheet import Lab, Mask, Pixels, Sheet

_THICKEST = 5
_GAP = 9
"""Pixels that a line may be interrupted by (dashes)."""


class Rule(Struct, frozen=True):
    """A line along one axis. `at`: its middle on the other axis."""

    at: float
    start: float
    end: float
    thickness: float
    pieces: tuple[tuple[float, float], ...]
    """Where it is seen, from and to."""

    @property
    def length(self) -> float:
        """From its first to its last visible pixel."""
        return self.end - self.start


class Rules(Struct, frozen=True, eq=False):
    """The lines of a sheet. `thin_level`, `thin_upright`: pixels of all thin structures that run so."""

    level: tuple[Rule, ...]
    upright: tuple[Rule, ...]
    thin_level: Mask
    thin_upright: Mask


def find_rules(sheet: Sheet) -> Rules:
    """All long thin lines."""
    noise = sheet.noise
    turned = np.ascontiguousarray(sheet.pixels.transpose(1, 0, 2))
    level, upright = thin_lines(sheet.pixels, 7 + 3 * noise), thin_lines(turned, 7 + 3 * noise)
    clear_level, clear_upright = level.copy(), upright.copy()
    for label in sheet.labels:
        # The strokes of letters are no lines.
        down = slice(max(0, round(label.top)), round(label.bottom) + 1)
        across = slice(max(0, round(label.left)), round(label.right) + 1)
        clear_level[down, across] = False
        clear_upright[across, down] = False
    return Rules(_level(clear_level), _level(clear_upright), level, np.ascontiguousarray(upright.T))


def thin_lines(pixels: Pixels, least: float) -> Mask:
    """Pixels of level structures that are thin and differ from what lies above and below."""
    kernel = np.ones((2 * _THICKEST + 1, 1), np.uint8)
    bright = cv2.subtract(pixels, cv2.morphologyEx(pixels, cv2.MORPH_OPEN, kernel)).max(axis=2)
    dark = cv2.subtract(cv2.morphologyEx(pixels, cv2.MORPH_CLOSE, kernel), pixels).max(axis=2)
    return np.asarray(np.maximum(bright, dark) > least)


def _level(thin: Mask) -> tuple[Rule, ...]:
    width = thin.shape[1]
    joined = cv2.morphologyEx(thin.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((1, _GAP), np.uint8))
    least = max(20, width // 40)
    long = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((1, least), np.uint8))
    amounts = long.sum(axis=1).astype(np.float64)
    rules = list[Rule]()
    for group in _runs(amounts >= 0.12 * width):
        # Short lines may touch a long one: only rows about as full as the fullest are its own.
        best = group.start + int(amounts[group.start : group.stop].argmax())
        own = next(one for one in _runs(amounts >= 0.5 * amounts[best]) if best in one)
        if len(own) > 2 * _THICKEST:
            continue
        weights = amounts[own.start : own.stop]
        at = float((np.arange(own.start, own.stop) * weights).sum() / weights.sum()) + 0.5
        pieces = tuple((float(one.start), float(one.stop)) for one in _runs(long[best] > 0))
        rules.append(Rule(at, pieces[0][0], pieces[-1][1], float(len(own)), pieces))
    return tuple(rules)


def _runs(flags: np.ndarray) -> list[range]:
    """Where values are true without a gap."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [range(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _colour(core: Lab, far: Lab, seen: np.ndarray) -> Lab | None:
    """The colour of a rule: what it has near the ends of the field, where no marks lie on it, if it is seen there.

    A whisker of a box plot stands on a gridline, and is not to be taken for it.
    """
    places = np.arange(len(seen))
    candidates = list[tuple[float, Lab]]()
    for part in (places < 0.1 * len(seen), places >= 0.9 * len(seen), places >= 0):
        chosen = seen & part
        if chosen.sum() < min(8, 0.05 * len(seen)) or (candidates and part.all()):
            continue
        strong = far[chosen]
        colour = np.median(core[chosen][strong >= 0.6 * np.percentile(strong, 90)], axis=0)
        candidates.append((float(np.percentile(strong, 90)), np.asarray(colour, np.float32)))
    candidates = [one for one in candidates if one[0] > 3]
    return min(candidates, key=lambda one: one[0])[1] if candidates else None


def erased(sheet: Sheet, rules: Rules, ground: Lab) -> Mask:
    """Pixels of a sheet that belong to rules: where they stand, of the colour that they have where they are seen."""
    found = np.zeros((sheet.height, sheet.width), bool)
    turned = sheet.lab.transpose(1, 0, 2)
    for lab, target, group, thin in (
        (
            sheet.lab,
            found,
            rules.level,
            cv2.dilate(rules.thin_level.astype(np.uint8), np.ones((3, 1), np.uint8)) > 0,
        ),
        (
            turned,
            found.T,
            rules.upright,
            cv2.dilate(rules.thin_upright.T.astype(np.uint8), np.ones((3, 1), np.uint8)) > 0,
        ),
    ):
        usual = _group_colour(lab, group, ground)
        for rule in group:
            # A line that was not quite level, or that was blurred, is a little wider than it seems.
            half = rule.thickness / 2 + (1 if sheet.noise <= 0 else 2)
            first, last = round(rule.at - half), round(rule.at + half)
            first, last = max(first, 0), min(last, lab.shape[0])
            start, end = round(rule.start), round(rule.end)
            strip = lab[first:last, start:end]
            if not strip.size:
                continue
            seen = np.zeros(end - start, bool)
            for first_seen, last_seen in rule.pieces:
                seen[max(0, round(first_seen) - start) : round(last_seen) - start] = True
            # Of each column the pixel that is farthest from the ground; the gaps of dashed lines do not count.
            far = np.sqrt(((strip - ground) ** 2).sum(axis=-1))
            core = np.take_along_axis(strip, far.argmax(axis=0)[None, :, None], axis=0)[0]
            colour = _colour(core, far.max(axis=0), seen)
            if colour is None:
                continue
            for one in (colour, usual):
                target[first:last, start:end] |= _towards(strip, one, ground) & thin[first:last, start:end]
    return found


def _towards(strip: Lab, colour: Lab, ground: Lab) -> Mask:
    """Pixels that lie between the ground and a colour, or a little beyond it."""
    weight = float(np.sqrt(((colour - ground) ** 2).sum()))
    offset = strip - ground
    length = offset @ ((colour - ground) / max(weight, 1e-6))
    aside = np.sqrt(np.maximum((offset**2).sum(axis=-1) - length**2, 0))
    return np.asarray((length < weight * 1.35 + 4) & (length > -6) & (aside < 7))


def _group_colour(lab: Lab, group: tuple[Rule, ...], ground: Lab) -> Lab:
    """The colour that most rules of one direction have in the middle of what is seen of them."""
    found = list[Lab]()
    for rule in group:
        line = lab[min(max(int(rule.at), 0), lab.shape[0] - 1)]
        seen = np.concatenate([line[round(first) : round(last)] for first, last in rule.pieces])
        if len(seen):
            found.append(np.asarray(np.median(seen, axis=0), np.float32))
    return np.asarray(np.median(found, axis=0), np.float32) if found else ground
