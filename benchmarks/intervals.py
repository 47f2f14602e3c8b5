"""Intervals for what the benchmarks report."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence


def wilson(correct: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927)."""
    if total == 0:
        return 0.0, 1.0
    share = correct / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return (centre - spread) / (1 + z * z / total), (centre + spread) / (1 + z * z / total)


def paired_difference(first: Sequence[bool], second: Sequence[bool]) -> tuple[float, float, float]:
    """Mean of `first - second` over the same items with its 95% bootstrap interval (10,000 resamples, fixed seed)."""
    differences = [int(a) - int(b) for a, b in zip(first, second, strict=True)]
    total = len(differences)
    if not total:
        return 0.0, 0.0, 0.0
    generator = random.Random(0)
    means = sorted(sum(generator.choices(differences, k=total)) / total for _ in range(10_000))
    return sum(differences) / total, means[249], means[9749]


def quantile_and_interval(
    values: Sequence[float], share: float, digits: int
) -> tuple[float, tuple[float, float]]:
    """The value that a share of all lies below, with its 95% bootstrap interval (5,000 resamples, fixed seed)."""
    generator = random.Random(0)

    def quantile(chosen: Sequence[float]) -> float:
        """By the line between the two nearest values."""
        ordered = sorted(chosen)
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    drawn = sorted(quantile(generator.choices(values, k=len(values))) for _ in range(5_000))
    return round(quantile(values), digits), (round(drawn[124], digits), round(drawn[4874], digits))
