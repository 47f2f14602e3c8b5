"""Charts drawn for tests with a few calls, and their labels as a reader of text would hand them over."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pierian.vision.regions import Point, Polygon
from pierian.vision.scene import TextLine

WIDTH, HEIGHT = 800, 500
LEFT, TOP, RIGHT, BOTTOM = 100, 50, 700, 430
BLUE, RED = (31, 119, 180), (214, 39, 40)


class Drawing:
    """A page with the field of a chart whose values go from 0 to `highest`."""

    def __init__(self, highest: float = 100.0) -> None:
        self.pixels: NDArray[np.uint8] = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
        self.texts: list[TextLine] = []
        self.highest = highest
        cv2.line(self.pixels, (LEFT, BOTTOM), (RIGHT, BOTTOM), (0, 0, 0), 1)
        cv2.line(self.pixels, (LEFT, TOP), (LEFT, BOTTOM), (0, 0, 0), 1)

    def y(self, value: float) -> float:
        """The height of a value."""
        return BOTTOM - value / self.highest * (BOTTOM - TOP)

    def text(self, words: str, x: float, y: float, size: float = 12.0) -> None:
        """A label around a middle; only told, not drawn, since no text is read in these tests."""
        half = size * 0.3 * len(words)
        corners = (
            (x - half, y - size / 2),
            (x + half, y - size / 2),
            (x + half, y + size / 2),
            (x - half, y + size / 2),
        )
        region = Polygon(tuple(Point(*one) for one in corners))
        self.texts.append(TextLine(id=f"t{len(self.texts) + 1}", region=region, text=words, confidence=1.0))

    def value_ticks(self, values: list[float], form: str = "{:g}") -> None:
        """Labels left of the field."""
        for value in values:
            words = form.format(value)
            self.text(words, LEFT - 10 - 3.6 * len(words), self.y(value))

    def names(self, names: list[str]) -> list[float]:
        """Labels below the field; their middles."""
        step = (RIGHT - LEFT) / len(names)
        middles = [LEFT + (index + 0.5) * step for index in range(len(names))]
        for name, x in zip(names, middles, strict=True):
            self.text(name, x, BOTTOM + 18)
        return middles

    def bar(
        self, x: float, width: float, value: float, colour: tuple[int, int, int] = BLUE, base: float = 0.0
    ) -> None:
        """A bar that stands from a base to its value."""
        first, second = sorted((self.y(base), self.y(base + value)))
        self.box(x - width / 2, first, x + width / 2, second, colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: tuple[int, int, int]) -> None:
        """A filled rectangle."""
        self.pixels[round(top) : round(bottom), round(left) : round(right)] = colour

    def line(self, points: list[tuple[float, float]], colour: tuple[int, int, int] = BLUE) -> None:
        """A smooth line through points (x in pixels, y in values)."""
        places = np.array([(x, self.y(value)) for x, value in points])
        cv2.polylines(self.pixels, [np.round(places * 8).astype(np.int32)], False, colour, 2, cv2.LINE_AA, 3)

    def legend(self, names: list[str], colours: list[tuple[int, int, int]]) -> None:
        """Patches and names right of the field."""
        for index, (name, colour) in enumerate(zip(names, colours, strict=True)):
            y = TOP + 30 + 22 * index
            self.box(RIGHT + 10, y - 5, RIGHT + 22, y + 5, colour)
            self.text(name, RIGHT + 30 + 3.6 * len(name), y)
