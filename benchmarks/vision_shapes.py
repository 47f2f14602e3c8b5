"""Drawn shapes, counted: `python -m benchmarks.vision_shapes [--pictures 60]`; what is drawn is known.

Ways of drawing: `smooth` (rims of mixed colours), `jpeg` (pressed at a quality of 30 to 90), `touching` (pairs of one
colour that meet), `overlapping` (pairs of two colours, one partly over the other, as JPEG). Pictures with odd numbers
judge; those with even ones were looked at while the reader was mended. Seconds are of one picture of 640 × 480.
"""

from __future__ import annotations

import argparse
import io
import math
import time
from collections import Counter
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.intervals import wilson
from pierian.vision.shapes import read_shapes

WAYS = ("smooth", "jpeg", "touching", "overlapping")
FINE = 4
SIZE = (640, 480)
COLOURS = {"red": "#d62728", "blue": "#1f77b4", "green": "#2ca02c", "orange": "#ff7f0e", "purple": "#7b4fa3"}
COLOURS |= {"black": "#111111", "yellow": "#f5d800", "pink": "#e377c2"}
KINDS = ("circle", "square", "rectangle", "triangle", "ellipse", "hexagon")
GROUNDS = ("#ffffff", "#ffffff", "#f0f0e1", "#e8eef5", "#dddddd")


class Drawn(NamedTuple):
    """A shape: kind, colour and the circle around it."""

    kind: str
    colour: str
    x: float
    y: float
    radius: float


def main() -> None:
    """Draw, read, count."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=60)
    parser.add_argument("--ways", default=",".join(WAYS))
    options = parser.parse_args()
    for way in options.ways.split(","):
        for half, seeds in (
            ("looked at", range(0, options.pictures, 2)),
            ("judged by", range(1, options.pictures, 2)),
        ):
            counts, exact, seconds = list[bool](), list[bool](), list[float]()
            for seed in seeds:
                pixels, truth = drawn(way, seed)
                started = time.perf_counter()
                found = read_shapes(pixels, ())
                seconds.append(time.perf_counter() - started)
                counts.append(len(found) == len(truth))
                exact.append(
                    Counter((one.kind, one.colour_name) for one in found)
                    == Counter((one.kind, one.colour) for one in truth)
                )
            (low, high), mean = wilson(sum(counts), len(counts)), sum(exact) / len(exact)
            print(
                f"{way}, {half}: counts exact {sum(counts)} of {len(counts)} ({low:.2f} to {high:.2f}), kinds and "
                f"colours too {mean:.2f}; median {sorted(seconds)[len(seconds) // 2]:.3f} s"
            )


def drawn(way: str, seed: int) -> tuple[NDArray[np.uint8], list[Drawn]]:
    """A picture of shapes that stand apart, but for pairs that touch or overlap, and the shapes."""
    random = Random(f"{way} {seed}")
    shapes: list[Drawn] = []
    wanted = random.randint(3, 18)
    for _ in range(400):
        if len(shapes) >= wanted:
            break
        shapes += _placed(random, way, shapes)
    ground = random.choice(GROUNDS)
    image = Image.new("RGB", (SIZE[0] * FINE, SIZE[1] * FINE), ground)
    draw = ImageDraw.Draw(image)
    for one in shapes:
        _draw(draw, one)
    image = image.resize(SIZE, Image.Resampling.BOX)
    if way in ("jpeg", "overlapping") or (way == "touching" and seed % 4 < 2):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=random.randint(30, 90))
        image = Image.open(out).convert("RGB")
    return np.array(image), shapes


def _placed(random: Random, way: str, others: list[Drawn]) -> list[Drawn]:
    """One more shape, or a pair, where there is room; else none."""
    pair = way in ("touching", "overlapping") and random.random() < 0.4
    radius = random.uniform(9, 34)
    kind, colour = random.choice(KINDS), random.choice(list(COLOURS))
    x = random.uniform(radius * 3 + 6, SIZE[0] - radius * 3 - 6)
    y = random.uniform(radius + 6, SIZE[1] - radius - 6)
    new = [Drawn(kind, colour, x, y, radius)]
    if pair and way == "touching":
        new = [Drawn("circle", colour, x, y, radius), Drawn("circle", colour, x + 1.95 * radius, y, radius)]
    elif pair:
        other = random.choice([one for one in COLOURS if one != colour])
        new.append(Drawn(random.choice(KINDS), other, x + 1.3 * radius, y + 0.2 * radius, radius))
    apart = all(
        math.hypot(one.x - other.x, one.y - other.y) > one.radius + other.radius + 4
        for one in new
        for other in others
    )
    return new if apart else []


def _draw(draw: ImageDraw.ImageDraw, one: Drawn) -> None:
    x, y, radius = one.x * FINE, one.y * FINE, one.radius * FINE
    colour = COLOURS[one.colour]
    if one.kind == "circle":
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)
    elif one.kind == "ellipse":
        draw.ellipse([x - radius, y - radius * 0.6, x + radius, y + radius * 0.6], fill=colour)
    elif one.kind == "square":
        side = radius * 0.7
        draw.rectangle([x - side, y - side, x + side, y + side], fill=colour)
    elif one.kind == "rectangle":
        draw.rectangle(
            [x - radius * 0.85, y - radius * 0.45, x + radius * 0.85, y + radius * 0.45], fill=colour
        )
    else:
        corners = {"triangle": 3, "hexagon": 6}[one.kind]
        turns = [2 * math.pi * n / corners - math.pi / 2 for n in range(corners)]
        draw.polygon([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in turns], fill=colour)


if __name__ == "__main__":
    main()
