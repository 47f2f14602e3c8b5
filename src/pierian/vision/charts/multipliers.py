"""Labels at the end of an axis that hold for all of its numbers: `1e7`, `×10^6`, `+1e6`, `1e-6+1e6`.

Not read are words ("in millions"): they stand in titles, and a title says what it likes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from pierian.vision.charts.axes import Fit
from pierian.vision.charts.sheet import Label
from pierian.vision.regions import Box
from pierian.vision.scene import Tick

_SIGNS = str.maketrans("−–—⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹", "----+0123456789")
_RAISED = re.compile(r"(?<=10)(?=[⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹])")
_BARE = r"[1Il]e(?P<bare>[-+]?\d{1,2})"
# Readers of text lose that an exponent is raised: ×107.
_TIMES = r"[x×*·]10\^?(?P<power>[-+]?\d{1,2})"
_SHIFT = r"(?P<shift>[-+](?:\d+(?:\.\d+)?|\.\d+)(?:e[-+]?\d{1,2})?)"
_FORM = re.compile(rf"(?:{_BARE}|{_TIMES})?{_SHIFT}?")
_NUMBER = re.compile(r"[-+−]?\d+(\.\d+)?e[-+−]?\d{1,2}")
_MOST = 2
"""One for each axis; more of them are the numbers of a logarithmic axis."""


class Multiplier(Struct, frozen=True):
    """What an axis' numbers are to be multiplied by, and what is added then."""

    label: Label
    factor: float
    shift: float


def multipliers_of(labels: Sequence[Label]) -> tuple[Multiplier, ...]:
    """The labels that may be meant for a whole axis; none where there are too many."""
    found = [one for label in labels if (one := _multiplier(label)) is not None]
    meant = {one.label.id for one in found}
    if any(_NUMBER.fullmatch(one.text.strip()) for one in labels if one.id not in meant):
        return ()  # 1e7 beside 2e7 and 3e7 is a number of the axis
    return tuple(found) if len(found) <= _MOST else ()


def _multiplier(label: Label) -> Multiplier | None:
    text = _RAISED.sub("^", label.text.replace(" ", "")).translate(_SIGNS)
    match = _FORM.fullmatch(text)
    if not match or not text:
        return None
    bare, power, shift = match["bare"], match["power"], match["shift"]
    if bare is None and power is None and "e" not in (shift or ""):
        return None  # +20 is a number of an axis, or of a bar
    factor = 10.0 ** int(bare or power or 0)
    return Multiplier(label, factor, float(shift or 0.0))


def is_of_upright_axis(label: Label, box: Box) -> bool:
    """Above the upper end of the axis left of a field."""
    near = box.left - 8 * label.size < label.x < box.left + min(8 * label.size, 0.25 * box.width)
    return near and box.top - 5 * label.size < label.y < box.top + 0.5 * label.size


def is_of_level_axis(label: Label, box: Box) -> bool:
    """Below the right end of the axis under a field, or right of it."""
    near = box.right - min(8 * label.size, 0.25 * box.width) < label.x < box.right + 8 * label.size
    return near and box.bottom - 0.5 * label.size < label.y < box.bottom + 6 * label.size


def multiplied(fit: Fit, by: Multiplier) -> Fit:
    """A linear scale with its numbers as the multiplier says."""
    ticks = tuple(
        Tick(position=one.position, text=one.text, value=one.value * by.factor + by.shift)
        for one in fit.ticks
    )
    slope = fit.slope / by.factor
    return replace(fit, slope=slope, offset=fit.offset - slope * by.shift, ticks=ticks)
