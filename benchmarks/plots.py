"""The plots of `docs/benchmarks.md`: accuracy against what it costs, one panel a data set, with 95% intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from benchmarks.intervals import wilson

PANELS_A_ROW = 2


class Point(Struct, frozen=True):
    """One mode in a panel: what a question costs, and how many of how many items are right."""

    mode: str
    cost: float
    correct: int
    items: int


def plot(panels: Mapping[str, Sequence[Point]], cost: str, file: Path) -> None:
    """Write the points of each data set as SVG; the same figures give the same file."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "pierian"
    columns = min(PANELS_A_ROW, len(panels))
    lines = -(-len(panels) // columns)
    figure, axes = pyplot.subplots(lines, columns, figsize=(5.2 * columns, 3.9 * lines), squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, (title, points) in zip(axes.flat, panels.items(), strict=False):
        for point in points:
            share, (low, high) = point.correct / point.items, wilson(point.correct, point.items)
            axis.errorbar(point.cost, share, yerr=[[share - low], [high - share]], fmt="o", capsize=3)
            axis.annotate(
                f"{point.mode} ({point.items})",
                (point.cost, share),
                textcoords="offset points",
                xytext=(6, 4),
                fontsize=7,
            )
        axis.set_title(title, fontsize=9)
        axis.set_xlabel(cost)
        axis.set_ylabel("right (items)")
        axis.set_xlim(0, 1.35 * max(point.cost for point in points))
        axis.set_ylim(0, 1)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    pyplot.close(figure)
