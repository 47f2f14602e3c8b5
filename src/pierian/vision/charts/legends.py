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

_BLOCKS = "■□▪●○•"
_DASHES = "—–-−_·一 " + _BLOCKS
"""What swatches are read as."""
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
    entries = [entry for label in sheet.labels for entry in _entries(sheet, label)]
    best = Legend()
    for group in (*_groups(entries, upright=True), *_groups(entries, upright=False)):
        group = _varied(group)
        names = [one.label.text for one in group]
        numbers = sum(number(one) is not None and not re.fullmatch(r"(19|20)\d\d", one) for one in names)
        if len(group) > len(best.entries) and len(group) >= 2 and numbers <= len(group) / 3:
            best = Legend(tuple(group))
    return best


def _entries(sheet: Sheet, label: Label) -> list[Entry]:
    """The names that a label holds which have a swatch at their left."""
    if not label.level or len(label.text) < 2:
        return []
    return [entry for one in _names(sheet, label) if (entry := _beside(sheet, one))]


def _names(sheet: Sheet, label: Label) -> list[Label]:
    """A label without the swatches that readers of text took into it; several where swatches part it."""
    top, bottom = max(0, round(label.top) - 1), round(label.bottom) + 1
    left, right = max(0, round(label.left) - 2), round(label.right) + 1
    box = sheet.lab[top:bottom, left:right]
    if box.shape[0] < 4 or box.shape[1] < 1.5 * box.shape[0]:
        return [label]
    ground = _ground(sheet, label)
    ink = distance(box, ground) > _least_ink(sheet)
    columns = np.flatnonzero(ink.any(axis=0))
    if not len(columns):
        return [label]
    parts = np.split(columns, np.flatnonzero(np.diff(columns) > max(2, 0.15 * label.size)) + 1)
    runs = [(int(one[0]), int(one[-1]) + 1) for one in parts]
    swatches = _swatches(box, ink, ground, runs, label.size)
    swatches[0] = swatches[0] or (len(runs) > 1 and label.text[0] in _BLOCKS)
    if not any(swatches) or all(swatches):
        return [msgspec.structs.replace(label, text=label.text.strip(_DASHES) or label.text)]
    pieces, open_piece = list[tuple[int, int]](), False
    for run, swatch in zip(runs, swatches, strict=True):
        if not swatch:
            pieces[len(pieces) - open_piece :] = [(pieces[-1][0] if open_piece else run[0], run[1])]
        open_piece = not swatch
    return _shared_out(label, [(left + first, left + last) for first, last in pieces])


def _swatches(
    box: Lab, ink: np.ndarray, ground: Lab, runs: Sequence[tuple[int, int]], size: float
) -> list[bool]:
    """Which runs of ink are no letters: filled or flat, and of another colour than most."""
    colours, solid, marks = list[Lab](), list[bool](), list[bool]()
    for start, end in runs:
        part = ink[:, start:end]
        rows = np.flatnonzero(part.any(axis=1))
        shape = np.ascontiguousarray(part[rows[0] : rows[-1] + 1].astype(np.uint8))
        # No letter is a full block, or as long a dash.
        full = float(shape.mean()) > 0.85
        block = (
            full
            and min(end - start, len(rows)) >= 0.5 * size
            and _is_even(box[rows[0] : rows[-1] + 1, start:end])
        )
        marks.append(block or (full and end - start >= 0.9 * size and len(rows) <= 0.4 * size))
        # Rings count as discs.
        cv2.drawContours(
            shape, cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0], -1, 1, cv2.FILLED
        )
        quarter = (end - start) // 4
        middle = box[:, start + quarter : end - quarter][part[:, quarter : end - start - quarter]]
        colours.append(_full(middle if len(middle) else box[:, start:end][part], ground))
        solid.append(float(shape.mean()) > 0.7 and end - start >= 0.35 * size)
    letters = [one for one, full in zip(colours, solid, strict=True) if not full]
    if not letters:
        return marks
    usual = np.asarray(np.median(letters, axis=0), np.float32)
    return [
        mark or (full and _differs(one, usual)) for one, full, mark in zip(colours, solid, marks, strict=True)
    ]


def _differs(one: Lab, other: Lab) -> bool:
    """Whether colours differ by more than blurring makes of one: in hue, or very much."""
    away = one - other
    return float(np.sqrt((away**2).sum())) > 20 and (
        float(np.hypot(away[1], away[2])) > 12 or abs(away[0]) > 45
    )


def _is_even(patch: Lab) -> bool:
    """Whether a patch is of one colour inside; blurred letters are filled, but not evenly."""
    high, wide = patch.shape[0] // 4, patch.shape[1] // 4
    inner = patch[high : patch.shape[0] - high, wide : patch.shape[1] - wide].reshape(-1, 3)
    return bool(len(inner)) and float((distance(inner, commonest(inner)) < 8).mean()) > 0.9


def _shared_out(label: Label, pieces: Sequence[tuple[int, int]]) -> list[Label]:
    """A label's words by the pieces in which they stand."""
    texts = [""] * len(pieces)
    words = [(word, (start + end) / 2) for word, start, end in label.words]
    if len(pieces) == 1 and not any(place < pieces[0][0] for _, place in words):
        texts = [label.text]
    for word, place in words if not texts[0] else ():
        if len(pieces) == 1 and place < pieces[0][0]:
            # The swatch, read as a letter.
            continue
        nearest = min(range(len(pieces)), key=lambda n: abs(place - (pieces[n][0] + pieces[n][1]) / 2))
        inside = [n for n, (first, last) in enumerate(pieces) if first - 2 <= place <= last + 2]
        chosen = inside[0] if inside else nearest
        texts[chosen] = f"{texts[chosen]} {word}".strip()
    found = list[Label]()
    for text, (first, last) in zip(texts, pieces, strict=True):
        # The swatch of a line is read as a dash.
        name = text.strip(_DASHES) or text
        if name:
            found.append(msgspec.structs.replace(label, left=float(first), right=float(last), text=name))
    return found or [label]


def _least_ink(sheet: Sheet) -> float:
    """How far from what it stands on ink is, where lossy compression speckles everything."""
    return 9 + 2 * sheet.noise


def _ground(sheet: Sheet, label: Label) -> Lab:
    """What a label stands on, with a little around it: small letters leave nothing of it between them."""
    more = 0.4 * label.size
    top, bottom = max(0, round(label.top - more)), round(label.bottom + more)
    return commonest(sheet.lab[top:bottom, max(0, round(label.left)) : round(label.right)])


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
    ground = _ground(sheet, label)
    ink = distance(patch, ground) > _least_ink(sheet)
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
                edges = ((last.label.left, entry.label.left), (last.swatch.left, entry.swatch.left))
                beside = min(abs(a - b) for a, b in edges) < 0.7 * size
                near = 0.5 * size < entry.label.y - last.label.y < 5 * size
            else:
                beside = abs(last.label.y - entry.label.y) < 0.6 * size
                near = -0.6 * size < entry.swatch.left - last.label.right < 8 * size
            if similar and beside and near:
                group.append(entry)
                break
        else:
            groups.append([entry])
    return groups
