"""Coloured shapes are counted, named and measured."""

from __future__ import annotations

import math
import tracemalloc
from collections import Counter
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from tests.vision.drawing import pixels_of

from pierian.vision import shapes
from pierian.vision.colours import name_of
from pierian.vision.regions import Box, box_of
from pierian.vision.shapes import read_shapes


def star(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    sizes = [radius if n % 2 == 0 else radius * 0.42 for n in range(10)]
    return [
        (x + s * math.sin(math.pi * n / 5), y - s * math.cos(math.pi * n / 5)) for n, s in enumerate(sizes)
    ]


def drawing() -> Image.Image:
    image = Image.new("RGB", (400, 240), (240, 240, 225))
    draw = ImageDraw.Draw(image)
    draw.ellipse([20, 20, 80, 80], fill="red")
    draw.ellipse([240, 20, 380, 80], fill="#1f77b4")
    draw.rectangle([100, 20, 160, 80], fill="blue")
    draw.rectangle([20, 120, 140, 160], fill="#2ca02c")
    draw.polygon([(180, 80), (220, 80), (200, 20)], fill="black")
    draw.polygon(star(200, 160, 40), fill="orange")
    draw.polygon([(270, 220), (300, 190), (330, 220), (300, 250)], fill="purple")
    return image


KINDS = Counter(
    [
        ("circle", "red"),
        ("ellipse", "blue"),
        ("square", "blue"),
        ("rectangle", "green"),
        ("triangle", "black"),
        ("star", "orange"),
    ]
)


def test_shapes_have_kinds_colours_and_boxes() -> None:
    shapes = read_shapes(pixels_of(drawing()), ())
    found = Counter((one.kind, one.colour_name) for one in shapes)
    assert found >= KINDS
    assert found.total() == 7
    square = next(one for one in shapes if one.kind == "square")
    assert square.region == Box(100, 20, 161, 81)
    assert square.area == 61 * 61


def test_shapes_survive_jpeg() -> None:
    held = BytesIO()
    drawing().save(held, "JPEG", quality=75)
    shapes = read_shapes(pixels_of(Image.open(held)), ())
    assert Counter((one.kind, one.colour_name) for one in shapes) >= KINDS


@pytest.mark.parametrize("quality", [30, 90])
def test_shapes_are_counted_where_jpeg_has_smeared_their_colours(quality: int) -> None:
    held = BytesIO()
    drawing().resize((300, 180), Image.Resampling.LANCZOS).save(held, "JPEG", quality=quality)
    shapes = read_shapes(pixels_of(Image.open(held)), ())
    assert Counter((one.kind, one.colour_name) for one in shapes) >= KINDS
    assert len(shapes) == 7


def test_shapes_that_touch_are_parted() -> None:
    image = Image.new("RGB", (220, 120), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse([20, 30, 80, 90], fill="red")
    draw.ellipse([78, 30, 138, 90], fill="red")
    assert [one.kind for one in read_shapes(pixels_of(image), ())] == ["circle", "circle"]


def test_a_photograph_and_noise_have_no_shapes() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (120, 160, 3), np.uint8)
    assert read_shapes(noise, ()) == ()


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ("#0099ff", "blue"),
        ("#ffff00", "yellow"),
        ("#8c564b", "brown"),
        ("#7f7f7f", "grey"),
        ("#e377c2", "pink"),
    ],
)
def test_colours_have_the_names_that_people_give_them(colour: str, name: str) -> None:
    assert name_of(np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)])) == name


@given(st.lists(st.integers(8, 24), min_size=1, max_size=6), st.integers(0, 2))
def test_squares_in_a_row_are_counted(sizes: list[int], colour: int) -> None:
    image = Image.new("RGB", (220, 60), "white")
    draw = ImageDraw.Draw(image)
    for place, size in enumerate(sizes):
        left = 8 + 35 * place
        draw.rectangle([left, 20, left + size, 20 + size], fill=["black", "#0099ff", "#d62728"][colour])
    shapes = read_shapes(pixels_of(image), ())
    assert [one.kind for one in shapes] == ["square"] * len(sizes)
    assert sorted(box_of(one.region).width for one in shapes) == sorted(size + 1.0 for size in sizes)


def test_large_shapes_are_measured_in_full_and_patterns_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = list[int]()
    fit = shapes.FIGURES[0]

    def counted(mask: shapes.Mask, outline: shapes.Outline) -> shapes.Fit | None:
        fitted.append(mask.size)
        return fit(mask, outline)

    monkeypatch.setattr(shapes, "FIGURES", (counted, *shapes.FIGURES[1:]))
    image = Image.new("RGB", (1600, 900), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse([20, 50, 819, 849], fill="red")
    draw.ellipse([700, 50, 1499, 849], fill="red")
    first, second = read_shapes(pixels_of(image), ())
    assert (first.kind, second.kind) == ("circle", "circle")
    assert abs(box_of(first.region).left - 20) <= 3 and abs(box_of(second.region).right - 1500) <= 3
    assert max(fitted) < 1.02 * shapes.MOST_FITTED
    # Many pieces of much room each: rings one inside of another.
    fitted.clear()
    image = Image.new("RGB", (1400, 1400), "white")
    draw = ImageDraw.Draw(image)
    for side in range(20, 690, 5):
        draw.rectangle([side, side, 1400 - side, 1400 - side], outline="red", width=3)
    assert read_shapes(pixels_of(image), ()) == () and not fitted


def test_specks_by_the_million_take_no_list() -> None:
    rows, columns = np.indices((600, 600))
    board = (((rows + columns) % 2) * 255).astype(np.uint8)
    tracemalloc.start()
    try:
        assert read_shapes(np.stack([board] * 3, axis=2), ()) == ()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 80 * board.size
