"""Small pictures that tests draw, with what is known about them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FONT = ImageFont.load_default(size=16)
assert isinstance(FONT, ImageFont.FreeTypeFont)

Place = tuple[int, int]


def page(width: int, height: int, texts: Iterable[tuple[Place, str]], size: int = 16) -> Image.Image:
    """A white page with words, each from its upper left corner."""
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for place, text in texts:
        draw.text(place, text, fill="black", font=ImageFont.load_default(size=size))
    return image


def pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    """As readers take them."""
    return np.array(image.convert("RGB"))
