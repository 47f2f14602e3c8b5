"""Legends: labels with a patch, a line or a marker of colour at their left, in a row or a column."""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import msgspec
import numpy as np
from msgspec import Struct

from pierian.vision.charts.quantities import number
from pierian.vision.charts.sheet import Lab, Label, Sheet, commonest, distance
from pierian.vision.regions import Box

_REACH = 6.0
"""How far left of a label its patch may begin, in sizes of its letters."""


class Entry(Struct, frozen=True, eq=False):
    """A name and the colour that stands for it. `swatch`: where that is drawn."""

    label: Label
    colour: Lab
    swatch: Box


class Legend(Struct, frozen=True, eq=False):
    """All entries of a chart's legend; none where it has no legend."""

    entries: tuple[Entry, ...] = ()

    @property
    def boxes(self) -> list[Box]:
        """What it covers: each entry with its name."""
        return [
            Box(one.swatch.left - 2, min(one.swatch.top, one.label.top) - 2, one.label.right + 2,
                max(one.swatch.bottom, one.label.bottom) + 2)
            for one in self.entries
        ]  # fmt: skip

    @property
    def names(self) -> frozenset[str]:
        """The ids of its labels."""
        return frozenset(one.label.id for one in self.entries)


def find_legend(sheet: Sheet) -> Legend:
    """The largest group of labels that have swatches of different colours."""
    entries = [entry for label in sheet.labels if (entry := _entry(sheet, label))]
    best = Legend()
    for group in (*_groups(entries, upright=True), *_groups(entries, upright=False)):
        group = _varied(group)
        names = [one.label.text for one in group]
        numbers = sum(number(one) is not None and not re.fullmatch(r"(19|20)\d\d", one) for one in names)
        if len(group) > len(best.entries) and len(group) >= 2 and numbers <= len(group) / 3:
            best = Legend(tuple(group))
    return best


def _entry(sheet: Sheet, label: Label) -> Entry | None:
    """The swatch left of a label; what readers of text took of it into the label's box is not part of the label."""
    if not label.level or len(label.text) < 2:
        return None
    return _beside(sheet, _letters(sheet, label))


def _letters(sheet: Sheet, label: Label) -> Label:
    """A label that begins with its letters, not with a part of its swatch: ink of another colour, well apart."""
    top, bottom = max(0, round(label.top) - 1), round(label.bottom) + 1
    left, right = max(0, round(label.left) - 2), round(label.right) + 1
    box = sheet.lab[top:bottom, left:right]
    if box.shape[0] < 4 or box.shape[1] < 1.5 * box.shape[0]:
        return label
    ground = commonest(box)
    ink = distance(box, ground) > 9
    columns = np.flatnonzero(ink.any(axis=0))
    gaps = np.flatnonzero(np.diff(columns) > max(2, 0.2 * label.size))
    if not len(gaps):
        return label
    end, begin = int(columns[gaps[0]]) + 1, int(columns[gaps[0] + 1])
    start = int(columns[0])
    quarter = (end - start) // 4
    middle = ink[:, start + quarter : end - quarter]
    # Letters of the rest must have room.
    if not middle.any() or box.shape[1] - begin < 0.3 * label.size * len(label.text.lstrip("—–-−_■●•· ")):
        return label
    colour = _full(box[:, start + quarter : end - quarter][middle], ground)
    letters = _full(box[:, begin:][ink[:, begin:]], ground)
    rows = np.flatnonzero(ink[:, start:end].any(axis=1))
    shape = np.ascontiguousarray(ink[rows[0] : rows[-1] + 1, start:end].astype(np.uint8))
    # Rings count as discs.
    cv2.drawContours(
        shape, cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], -1, 1, cv2.FILLED
    )
    fill = float(shape.mean())
    if float(distance(colour, letters)) < 20 or fill < 0.7:
        return label
    # The swatch of a line is read as a dash.
    return msgspec.structs.replace(
        label, left=float(left + begin), text=label.text.lstrip("—–-−_■●•· ") or label.text
    )


def _full(ink: Lab, ground: Lab) -> Lab:
    """The colour of ink where it is not blended with the ground, as most of a thin letter is."""
    strong = distance(ink, ground)
    return commonest(ink[strong >= np.percentile(strong, 80)])


def _beside(sheet: Sheet, label: Label) -> Entry | None:
    size = max(label.size, 6.0)
    top, bottom = max(0, round(label.y - 0.55 * size)), min(sheet.height, round(label.y + 0.55 * size) + 1)
    left, right = max(0, round(label.left - _REACH * size)), max(0, round(label.left - 0.1 * size))
    if right - left < 4 or bottom - top < 4:
        return None
    patch = sheet.lab[top:bottom, left:right]
    ground = commonest(
        sheet.lab[max(0, round(label.top)) : round(label.bottom), round(label.left) : round(label.right)]
    )
    ink = distance(patch, ground) > 9
    run = _nearest_run(np.asarray(ink.any(axis=0)), round(2.6 * size))
    if run is None or (run[0] == 0 and left > 0):
        return None
    start, end = run
    inside = ink[:, start:end]
    spots = np.flatnonzero(inside.any(axis=1))
    wide, tall = end - start, int(spots[-1] - spots[0] + 1)
    if wide < 0.25 * size or wide > 5 * size or inside.sum() < 6:
        return None
    colours = patch[:, start:end][inside]
    fill = float(inside.sum()) / (wide * tall)
    first, last = top + int(spots[0]), top + int(spots[-1]) + 1
    if fill > 0.6 and min(wide, tall) >= 6:
        # Patches may have an outline: what counts is within.
        colour = _inner(sheet.lab[first + 2 : last - 2, left + start + 2 : left + end - 2], ground)
    else:
        strong = distance(colours, ground)
        colour = commonest(colours[strong >= np.percentile(strong, 50) * 0.8])
    if fill < 0.2 or _text_like(inside):
        return None
    swatch = Box(float(left + start), float(top + spots[0]), float(left + end), float(top + spots[-1] + 1))
    return Entry(label, colour, swatch)


def _inner(patch: Lab, ground: Lab) -> Lab:
    """The colour of a patch; of what is drawn on it where the patch itself is but a pale backing."""
    colour = commonest(patch)
    if float(distance(colour, ground)) < 14:
        drawn = patch[distance(patch, colour) > 18]
        if len(drawn) >= 0.03 * patch.shape[0] * patch.shape[1]:
            strong = distance(drawn, colour)
            return commonest(drawn[strong >= np.percentile(strong, 50)])
    return colour


def _nearest_run(columns: np.ndarray, most_gap: int) -> tuple[int, int] | None:
    """The run of ink that ends nearest to the right edge; gaps of a dashed line do not part it."""
    spots = np.flatnonzero(columns)
    if not len(spots) or len(columns) - 1 - int(spots[-1]) > most_gap:
        return None
    end = start = int(spots[-1])
    for gap in (3, 6):
        start = end
        for spot in reversed(spots.tolist()):
            if start - spot > gap:
                break
            start = spot
        if end - start >= 0.22 * most_gap:
            break
    return start, end + 1


def _text_like(ink: np.ndarray) -> bool:
    """Whether ink falls into many parts, as letters do and patches, lines and markers do not."""
    count, _, facts, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    parts = [one for one in facts[1:] if one[4] >= 3]
    tall = [one for one in parts if one[3] > 0.6 * ink.shape[0]]
    return count > 7 or len(tall) >= 3


def _varied(group: Sequence[Entry]) -> list[Entry]:
    """The entries whose colour no other has; none where all are of one colour."""
    kept = list[Entry]()
    for entry in group:
        if all(float(distance(entry.colour, other.colour)) > 5 for other in kept):
            kept.append(entry)
    return kept if 2 * len(kept) > len(group) else []


def _groups(entries: Sequence[Entry], *, upright: bool) -> list[list[Entry]]:
    """Entries in one column (their names begin at one place, no great gaps) or in one row."""
    groups = list[list[Entry]]()

    def place(one: Entry) -> tuple[float, float]:
        return (one.label.y, one.label.x) if upright else (one.label.x, one.label.y)

    for entry in sorted(entries, key=place):
        for group in groups:
            last = group[-1]
            size = max(last.label.size, entry.label.size)
            similar = abs(last.swatch.width - entry.swatch.width) < 0.8 * size
            if upright:
                beside = abs(last.label.left - entry.label.left) < 0.7 * size
                near = 0.5 * size < entry.label.y - last.label.y < 4 * size
            else:
                beside = abs(last.label.y - entry.label.y) < 0.6 * size
                near = 0 < entry.swatch.left - last.label.right < 8 * size
            if similar and beside and near:
                group.append(entry)
                break
        else:
            groups.append([entry])
    return groups
