"""A field with its marks as the readers of marks see it: standing, with values going up, whatever way it is drawn.

Places inside a frame count from the field's corner; this module leads from them to values and back to the picture.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
from msgspec import Struct, structs

from pierian.vision.charts.axes import Fit
from pierian.vision.charts.fields import Field
from pierian.vision.charts.legends import Legend
from pierian.vision.charts.paint import Paint
from pierian.vision.charts.sheet import Lab, Label, Sheet, distance
from pierian.vision.regions import Box, Region
from pierian.vision.scene import Axis


class Frame(Struct, frozen=True, eq=False, kw_only=True):
    """What readers of marks need. `turned`: x and y are changed over (the sheet is as the picture has it)."""

    sheet: Sheet
    field: Field
    paint: Paint
    legend: Legend
    turned: bool = False

    def turn(self) -> Frame:
        """The same, lying."""
        return Frame(
            sheet=self.sheet, field=self.field.turned(), paint=self.paint.turned(), legend=self.legend,
            turned=not self.turned,
        )  # fmt: skip

    def region(self, left: float, top: float, right: float, bottom: float) -> Region:
        """A box of the frame as a region of the picture."""
        box = Box(
            left + self.paint.left, top + self.paint.top, right + self.paint.left, bottom + self.paint.top
        )
        if self.turned:
            box = Box(box.top, box.left, box.bottom, box.right)
        return self.sheet.back(box)

    @property
    def values(self) -> Fit:
        """The scale of values along y: what the axis says, or shares of the field's height where it says nothing."""
        return self.field.y or shares(self.paint.top, self.paint.top + self.paint.height)

    def value(self, y: float) -> float:
        """The value at a height of the frame."""
        return self.values.value(y + self.paint.top)

    def height(self, value: float) -> float:
        """The height in the frame where a value stands."""
        return self.values.position(value) - self.paint.top

    def error(self, y: float) -> float:
        """What a value read at a height may be off by: a pixel and a half, and what the ticks are off."""
        return self.values.error(y + self.paint.top, 1.5 + self.values.residual)

    def axis_of_values(self, title: str) -> Axis:
        """The axis along y."""
        return self.values.axis(self.paint.top, self.paint.top + self.paint.height, title)

    def _gap(self, one: Lab, other: Lab) -> float:
        """How different two colours are; pale and strong shades of one (thin lines are paler) little."""
        a, b = one - self.field.ground, other - self.field.ground
        cosine = float(a @ b) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-6)
        apart = float(distance(one, other))
        return min(apart, 100 * (1 - cosine) + 0.3 * apart)

    @property
    def layer_names(self) -> dict[int, str]:
        """The names that the legend gives to layers: each entry's to the layer that is nearest in colour."""
        pairs = [
            (self._gap(entry.colour, layer.colour), number, index)
            for number, entry in enumerate(self.legend.entries)
            for index, layer in enumerate(self.paint.layers)
        ]
        names, taken = dict[int, str](), set[int]()
        for gap, number, index in sorted(pairs):
            if gap < 25 and index not in names and number not in taken:
                names[index] = self.legend.entries[number].label.text
                taken.add(number)
        return names


def shares(top: float, bottom: float) -> Fit:
    """A scale from 0 at the bottom to 1 at the top."""
    return Fit(scale="linear", slope=top - bottom, offset=bottom, ticks=(), residual=0.0)


def names_at(centres: Sequence[float], labels: Sequence[Label], left: float) -> list[str]:
    """The label that stands at each of some places along x, "" where none does. `left`: where the frame begins.

    Turned labels may end at their place instead of being centred on it: what fits most places best is taken.
    """
    if not centres or not labels:
        return [""] * len(centres)
    gaps = np.diff(sorted(centres))
    labels = _side_by_side(labels, centres, left)
    reach = 0.55 * float(np.median(gaps)) if len(gaps) else 1e9
    best: tuple[float, list[str]] | None = None
    for edge in ("x", "right", "left"):
        names, off, used = [""] * len(centres), 0.0, 0
        for label in labels:
            at = float(getattr(label, edge)) - left
            index = int(np.argmin([abs(at - one) for one in centres]))
            if abs(at - centres[index]) <= reach:
                names[index] = f"{names[index]} {label.text}".strip()
                off += abs(at - centres[index])
                used += 1
        merit = used - off / max(reach, 1) / max(used, 1) - (0.2 if edge != "x" else 0.0)
        if best is None or merit > best[0]:
            best = merit, names
    return best[1] if best else [""] * len(centres)


def _side_by_side(labels: Sequence[Label], centres: Sequence[float], left: float) -> list[Label]:
    """Labels that cover several places, since they were read as one, shared out by their words."""
    found = list[Label]()
    for label in labels:
        covered = [one for one in centres if label.left - left < one < label.right - left]
        if len(covered) < 2 or len(label.words) < 2 or not label.level:
            found.append(label)
            continue
        groups = dict[int, list[tuple[str, float, float]]]()
        for word in label.words:
            middle = (word[1] + word[2]) / 2 - left
            nearest = min(range(len(covered)), key=lambda n: abs(covered[n] - middle))
            groups.setdefault(nearest, []).append(word)
        for group in groups.values():
            text = " ".join(one[0] for one in group)
            part = structs.replace(label, text=text, left=group[0][1], right=group[-1][2], words=tuple(group))
            found.append(part)
    return found


def date_text(seconds: float) -> str:
    """A moment of a time axis as a day, without its year where the axis has none."""
    form = "%b %d" if 0 <= seconds < 2 * 366 * 86400 else "%Y-%m-%d"
    try:
        return datetime.datetime.fromtimestamp(round(seconds / 86400) * 86400, datetime.UTC).strftime(form)
    except (OverflowError, ValueError, OSError):
        return ""


def category_axis(labels: Sequence[str], title: str) -> Axis:
    """An axis of names; a name's value is its place."""
    return Axis(scale="category", title=title, lowest=-0.5, highest=len(labels) - 0.5)
