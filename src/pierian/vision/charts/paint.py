"""What is drawn inside a field, apart from its ground, gridlines, labels and legend: layers of one colour each.

Wide marks give their colour by the pixels whose neighbours are alike; thin ones (lines, small markers), whose pixels
are all mixed with the ground, by the direction in which they differ from it.
"""

from __future__ import annotations

import cv2
import numpy as np
from msgspec import Struct

from pierian.vision.charts.axes import Fit
from pierian.vision.charts.fields import Field
from pierian.vision.charts.legends import Legend
from pierian.vision.charts.rules import Rule, Rules, erased
from pierian.vision.charts.sheet import Lab, Label, Mask, Sheet, commonest, distance

_SAME = 9.0
"""Colours closer than this (Lab) are one."""
_MOST_LAYERS = 10


class Layer(Struct, frozen=True, eq=False):
    """The pixels of one colour. `solid`: whether wide marks have it."""

    colour: Lab
    mask: Mask
    solid: bool


class Paint(Struct, frozen=True, eq=False, kw_only=True):
    """A field's marks as pixels, counted from its corner. `unit`: the size of the sheet's letters."""

    left: int
    top: int
    lab: Lab
    ink: Mask
    layers: tuple[Layer, ...]
    labels: tuple[Label, ...]
    unit: float
    noise: float

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.ink.shape[0])

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.ink.shape[1])

    def turned(self) -> Paint:
        """The same with x and y changed over."""
        return Paint(
            left=self.top,
            top=self.left,
            lab=np.ascontiguousarray(self.lab.transpose(1, 0, 2)),
            ink=np.ascontiguousarray(self.ink.T),
            layers=tuple(
                Layer(one.colour, np.ascontiguousarray(one.mask.T), one.solid) for one in self.layers
            ),
            labels=tuple(one.turned() for one in self.labels),
            unit=self.unit,
            noise=self.noise,
        )


def paint_of(sheet: Sheet, field: Field, rules: Rules, legend: Legend) -> Paint:
    """The marks of a field."""
    left, top = max(0, round(field.box.left)), max(0, round(field.box.top))
    right, bottom = (
        min(sheet.width, round(field.box.right) + 1),
        min(sheet.height, round(field.box.bottom) + 1),
    )
    unit = float(np.median([one.size for one in sheet.labels])) if sheet.labels else 12.0
    noise = sheet.noise
    lab = sheet.lab[top:bottom, left:right].copy()
    lines = erased(sheet, _across(rules, field), field.ground)[top:bottom, left:right]
    inside = tuple(
        one
        for one in sheet.labels
        if _is_inside(one, field) and one.id not in legend.names and not _is_marker(sheet, one, field.ground)
    )
    for label in inside:
        _blot(lab, label, left, top)
    # Lossy compression blurs colour more than lightness: around thin lines it leaves coloured halos.
    weight = np.array([1.0, 1.0, 1.0] if noise <= 0 else [1.0, 0.6, 0.6], np.float32)
    ink = distance(lab * weight, field.ground * weight) > 6.5 + 1.5 * noise
    # What is wide is no line, whatever its edges look like.
    wide = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)) > 0
    ink &= ~lines | wide
    for box in legend.boxes:
        ink[max(0, round(box.top) - top) : max(0, round(box.bottom) - top),
            max(0, round(box.left) - left) : max(0, round(box.right) - left)] = False  # fmt: skip
    layers = [one for one in _layers(lab, ink, field.ground, noise, legend) if not _is_border(one.mask)]
    solid = np.logical_or.reduce([one.mask for one in layers if one.solid] or [np.zeros_like(ink)])
    ink = (ink & solid) | _without_edges(ink & ~solid)
    return Paint(
        left=left,
        top=top,
        lab=lab,
        ink=ink,
        layers=tuple(layers),
        labels=inside,
        unit=max(unit, 6.0),
        noise=noise,
    )


def _across(rules: Rules, field: Field) -> Rules:
    """The rules that are gridlines, axes or frames of a field: they reach from side to side or stand at ticks."""
    box = field.box

    def spans(rule: Rule, start: float, end: float, fit: Fit | None) -> bool:
        reach = 0.06 * (end - start)
        # Only what is seen inside counts: a tick mark below a whisker makes no gridline of it.
        inside = [(max(a, start), min(b, end)) for a, b in rule.pieces if b > start + 4 and a < end - 4]
        if not inside:
            return rule.start <= start + reach and rule.end >= end - reach
        first, last = inside[0][0], inside[-1][1]
        length, whole = last - first, end - start
        if first <= start + reach and last >= end - reach:
            return True
        at_side = first <= start + reach / 4 or last >= end - reach / 4
        if rule.thickness <= 3 and length > 0.08 * whole and at_side:
            return True
        at_tick = fit is not None and any(abs(tick.position - rule.at) <= 2.5 for tick in fit.ticks)
        # Whiskers stand at ticks too, but reach no side of the field.
        reaching_one = first <= start + reach or last >= end - reach
        return at_tick and length > (0.3 if reaching_one else 0.85) * whole

    def reaching(rule: Rule, start: float, end: float) -> Rule:
        return Rule(rule.at, min(rule.start, start), max(rule.end, end), rule.thickness, rule.pieces)

    return Rules(
        tuple(
            reaching(one, box.left, box.right)
            for one in rules.level
            if spans(one, box.left, box.right, field.y)
        ),
        tuple(
            reaching(one, box.top, box.bottom)
            for one in rules.upright
            if spans(one, box.top, box.bottom, field.x)
        ),
        rules.thin_level,
        rules.thin_upright,
    )


def _is_inside(label: Label, field: Field) -> bool:
    box = field.box
    if not (box.left < label.x < box.right and box.top < label.y < box.bottom):
        return False
    # Readers of text take round markers for letters.
    return not (len(label.text) <= 2 and not any(one.isdigit() and one != "0" for one in label.text))


def _is_marker(sheet: Sheet, label: Label, ground: Lab) -> bool:
    """Whether a very short label is likely a coloured marker that was read as a letter or a figure."""
    if len(label.text) > 2:
        return False
    box = sheet.lab[
        max(0, round(label.top)) : round(label.bottom), max(0, round(label.left)) : round(label.right)
    ]
    ink = box[distance(box, ground) > 20] if box.size else box.reshape(-1, 3)
    if len(ink) < 12 or float((distance(box, ground) < 8).mean()) < 0.2:
        return False
    colour = commonest(ink)
    return float(np.hypot(colour[1] - ground[1], colour[2] - ground[2])) > 25


def _blot(lab: Lab, label: Label, left: int, top: int) -> None:
    """Paint over a label with what is common around its letters, row by row where marks change below it."""
    first, last = max(0, round(label.top) - 1 - top), round(label.bottom) + 1 - top
    start, end = max(0, round(label.left) - 1 - left), round(label.right) + 1 - left
    box = lab[first:last, start:end]
    if not box.size:
        return
    ground = commonest(box)
    letters = distance(box, ground) > 6
    if letters.mean() > 0.62:
        return
    box[letters] = ground


def _alike(lab: Lab, noise: float) -> Mask:
    """Pixels whose eight neighbours have their colour."""
    kernel = np.ones((3, 3), np.uint8)
    spread = (cv2.dilate(lab, kernel) - cv2.erode(lab, kernel)).max(axis=2)
    return np.asarray(spread < 5 + 2.0 * noise)


def _layers(lab: Lab, ink: Mask, ground: Lab, noise: float, legend: Legend) -> list[Layer]:
    core = ink & _alike(lab, noise)
    centres = _peaks(lab[core], noise, [one.colour for one in legend.entries])
    reach = _SAME + 2.5 * noise
    labels, least = np.full(ink.shape, -1, np.int8), np.where(ink, np.float32(reach), np.float32(0))
    for index, one in enumerate(centres):
        # One after another: all distances at once would take as much memory as reading the text.
        gaps = distance(lab, one)
        labels[gaps < least] = index
        least = np.minimum(least, gaps)
    solid = (labels >= 0).astype(np.uint8)
    wide = cv2.dilate(
        cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.ones((5, 5), np.uint8)
    )
    loose = ink & (labels < 0) & (wide == 0)
    layers = [Layer(one, labels == index, True) for index, one in enumerate(centres)]
    if noise > 1.2:
        # Blurred lines have pixels that are alike as well: they are told apart as thin marks are.
        narrow = [one for one in layers if _wide_share(one.mask, 9) < 0.2]
        loose = np.logical_or.reduce([loose, *(one.mask for one in narrow)])
        layers = [one for one in layers if not any(one is other for other in narrow)]
    thin = _thin(lab, loose, ground, noise, legend)
    return _outlined(_joined(layers, thin, ground), 5 if noise <= 0 else 9)


def _peaks(colours: Lab, noise: float, named: list[Lab]) -> list[Lab]:
    """The colours that many pixels share: those of the legend, then the most common first."""
    found, rest = list[Lab](), colours
    least = max(25.0, 0.003 * len(colours))
    if len(rest) > 60_000:
        least *= 60_000 / len(rest)
        rest = rest[:: len(rest) // 60_000 + 1]
    near_reach = _SAME + 2.5 * noise
    if len(named) > 1:
        # Colours that the legend tells apart stay apart.
        least_gap = min(_apart(one, named) for one in named)
        near_reach = min(near_reach, max(0.5 * least_gap, 4.5))
    seeds = list(named)
    while len(found) < _MOST_LAYERS and len(rest):
        seed = seeds.pop(0) if seeds else None
        near = distance(rest, seed) < near_reach if seed is not None else None
        if near is not None and near.sum() < least:
            continue
        centre = commonest(rest if near is None else rest[near])
        inside = distance(rest, centre) < near_reach
        if inside.sum() < least:
            break
        found.append(centre)
        rest = rest[~inside]
    return found


def _apart(colour: Lab, others: list[Lab]) -> float:
    return min((float(distance(colour, one)) for one in others if one is not colour), default=1e9)


def _thin(lab: Lab, loose: Mask, ground: Lab, noise: float, legend: Legend) -> list[Layer]:
    """Thin marks by the colour that each has where it is least blended with the ground."""
    if not loose.any():
        return []
    pure = _purest(lab, loose, ground, 3 if noise > 1.2 else 2)
    columns = np.nonzero(loose)[1]
    weights = distance(pure, ground)
    reach, least = 13.0 + 3.0 * noise, max(30.0, 0.04 * len(pure))
    owner, heads = np.full(len(pure), -1), [one.colour for one in legend.entries]
    if heads:
        costs = np.stack([_blend_gap(pure, one, ground) for one in heads])
        owner = np.where(costs.min(axis=0) < reach, costs.argmin(axis=0), -1)
    strong = weights > 14 + 3 * noise
    while len(heads) < _MOST_LAYERS and ((owner < 0) & strong).sum() >= least:
        head = commonest(pure[(owner < 0) & strong])
        near = (owner < 0) & (_blend_gap(pure, head, ground) < reach)
        if near.sum() < least / 2:
            break
        for part in _told_apart(pure, near, columns, noise):
            owner[part] = len(heads)
            heads.append(head)
    layers = list[Layer]()
    for index in range(len(heads)):
        mine = owner == index
        if mine.sum() < 25:
            continue
        mask = np.zeros(loose.shape, bool)
        mask[loose] = mine
        strongest = weights >= np.percentile(weights[mine], 75)
        colour = np.median(pure[mine & strongest], axis=0)
        layers.append(Layer(np.asarray(colour, np.float32), _without_edges(mask), _is_filled(mask)))
    return layers


def _is_filled(mask: Mask) -> bool:
    """Whether pixels that are not alike make wide marks together: hatching, or bars under strong noise."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    return _wide_share(closed > 0, 15) > 0.6


def _purest(lab: Lab, loose: Mask, ground: Lab, reach: int) -> Lab:
    """For each loose pixel the colour of that near it which differs most from the ground."""
    rows, columns = np.nonzero(loose)
    strength = np.where(loose, distance(lab, ground), 0)
    best, pure = strength[rows, columns], lab[rows, columns]
    for down in range(-reach, reach + 1):
        for across in range(-reach, reach + 1):
            y = np.clip(rows + down, 0, loose.shape[0] - 1)
            x = np.clip(columns + across, 0, loose.shape[1] - 1)
            better = strength[y, x] > best
            best = np.where(better, strength[y, x], best)
            pure = np.where(better[:, None], lab[y, x], pure)
    return np.asarray(pure, np.float32)


def _blend_gap(colours: Lab, colour: Lab, ground: Lab) -> Lab:
    """How far colours are from a blend of one with the ground; how much of the ground is in it counts little."""
    away = colour - ground
    length = max(float(np.sqrt((away**2).sum())), 1e-6)
    offsets = colours - ground
    along = offsets @ (away / length)
    aside = np.sqrt(np.maximum((offsets**2).sum(axis=-1) - along**2, 0))
    return np.asarray(aside + 0.25 * np.abs(along - length), np.float32)


def _told_apart(pure: Lab, near: Mask, columns: np.ndarray, noise: float) -> list[Mask]:
    """Pixels of like colours as one or several marks: shades that lie side by side all along are several lines."""
    width = int(columns.max()) + 1
    rest, shades = near.copy(), list[tuple[Lab, Mask]]()
    while rest.sum() >= 0.15 * near.sum():
        shade = commonest(pure[rest])
        mine = rest & (distance(pure, shade) < 9 + 2.5 * noise)
        if not mine.any():
            break
        shades.append((shade, mine))
        rest &= ~mine
    kept = list[tuple[Lab, np.ndarray]]()
    for shade, mine in shades:
        here = np.bincount(columns[mine], minlength=width) > 0
        together = [float((here & other).sum()) / max(min(here.sum(), other.sum()), 1) for _, other in kept]
        apart = [float(distance(shade, other)) for other, _ in kept]
        if here.sum() > 0.3 * width and all(
            share > 0.6 and gap > 14 + 3 * noise for share, gap in zip(together, apart, strict=True)
        ):
            kept.append((shade, here))
    if len(kept) < 2:
        return [near]
    nearest = np.stack([distance(pure, one) for one, _ in kept]).argmin(axis=0)
    return [near & (nearest == index) for index in range(len(kept))]


def _is_border(mask: Mask) -> bool:
    """Whether a layer is but a frame, or a strip of what lies around the field."""
    depth = 8
    inner = float(mask[depth:-depth, depth:-depth].sum())
    return inner < 0.3 * float(mask.sum())


def _wide_share(mask: Mask, size: int) -> float:
    """What share of a layer lies in wide marks."""
    wide = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((size, size), np.uint8))
    return float(wide.sum()) / max(float(mask.sum()), 1.0)


def _outlined(layers: list[Layer], size: int) -> list[Layer]:
    """Thin layers that run along wide ones are their outlines or their hatching, and part of these."""
    solid = [one for one in layers if one.solid and _wide_share(one.mask, size) > 0.2]
    if not solid:
        return layers
    kernel = np.ones((9, 9), np.uint8)
    near = [cv2.dilate(one.mask.astype(np.uint8), kernel) > 0 for one in solid]
    anywhere = np.logical_or.reduce(near)
    masks = [one.mask.copy() for one in solid]
    found = list[Layer]()
    for one in layers:
        if any(one is other for other in solid):
            continue
        if float((one.mask & anywhere).sum()) < 0.8 * float(one.mask.sum()):
            found.append(one)
            continue
        free = one.mask.copy()
        for mask, around in zip(masks, near, strict=True):
            mask |= free & around
            free &= ~around
    return [*(Layer(one.colour, mask, True) for one, mask in zip(solid, masks, strict=True)), *found]


def _without_edges(mask: Mask) -> Mask:
    """Without remains of a frame and the tick marks that point inwards from it."""
    depth = 6
    inner = mask.copy()
    inner[:depth], inner[-depth:], inner[:, :depth], inner[:, -depth:] = False, False, False, False
    height, width = mask.shape
    _, labels, facts, _ = cv2.connectedComponentsWithStats(inner.astype(np.uint8), connectivity=8)
    left, top, wide, tall = facts[:, 0], facts[:, 1], facts[:, 2], facts[:, 3]
    at_edge = (
        (left <= depth + 1)
        | (top <= depth + 1)
        | (left + wide >= width - depth - 1)
        | (top + tall >= height - depth - 1)
    )
    tick = at_edge & (np.minimum(wide, tall) <= 4) & (np.maximum(wide, tall) <= 18)
    tick[0] = True
    return np.asarray(~tick[np.asarray(labels, np.intp)])


def _joined(layers: list[Layer], thin: list[Layer], ground: Lab) -> list[Layer]:
    """Thin parts go to the wide layer of their colour; what is left makes layers of its own."""
    found = list(layers)
    for one in thin:
        offset = one.colour - ground
        best: tuple[float, int] | None = None
        for index, other in enumerate(layers):
            away = other.colour - ground
            cosine = float(offset @ away / max(np.linalg.norm(offset) * np.linalg.norm(away), 1e-6))
            ratio = float(np.linalg.norm(offset) / max(np.linalg.norm(away), 1e-6))
            if cosine > 0.95 and 0.35 < ratio < 1.3 and (best is None or cosine > best[0]):
                best = cosine, index
        if best is None:
            found.append(one)
        else:
            other = found[best[1]]
            found[best[1]] = Layer(other.colour, other.mask | one.mask, other.solid)
    return found
