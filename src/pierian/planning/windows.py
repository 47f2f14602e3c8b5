"""Sums and differences of windows, for the model; the checker does its own."""

from __future__ import annotations

from collections.abc import Iterable

from pierian.planning.constraints import Window


def merged(windows: Iterable[Window]) -> list[Window]:
    """The same time as windows that neither overlap nor touch, in order; those without length are left out."""
    found: list[Window] = []
    for one in sorted(windows):
        if one.ends <= one.begins:
            continue
        if found and one.begins <= found[-1].ends:
            found[-1] = Window(found[-1].begins, max(found[-1].ends, one.ends))
        else:
            found.append(one)
    return found


def beginnings_inside(windows: Iterable[Window], length: int) -> list[tuple[int, int]]:
    """First and last beginnings of what takes so long and lies inside one of the windows."""
    return [(one.begins, one.ends - length) for one in merged(windows) if one.ends - length >= one.begins]


def beginnings_outside(windows: Iterable[Window], length: int, horizon: Window) -> list[tuple[int, int]]:
    """First and last beginnings of what takes so long and touches none of the windows."""
    found: list[tuple[int, int]] = []
    at = horizon.begins
    for one in merged(windows):
        last = one.begins - length
        if last >= at:
            found.append((at, last))
        at = max(at, one.ends)
    if at <= horizon.ends:
        found.append((at, horizon.ends))
    return found
