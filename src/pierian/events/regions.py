"""Where something is in a picture: boxes, polygons and points in pixels of the upright picture.

The origin is the upper left corner, x goes right and y goes down, and a pixel's centre lies at whole numbers plus a
half: the box of the whole picture is (0, 0, width, height). They stand among the events because looks travel.
"""

from __future__ import annotations

from msgspec import Struct


class Box(Struct, frozen=True, tag="box"):
    """An upright rectangle; `right` and `bottom` are the first that lie outside."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """In pixels."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """In square pixels."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    @property
    def centre(self) -> Point:
        """Its middle."""
        return Point((self.left + self.right) / 2, (self.top + self.bottom) / 2)

    def overlap(self, other: Box) -> float:
        """Intersection over union with another box, between 0 and 1."""
        shared = (
            Box(
                max(self.left, other.left),
                max(self.top, other.top),
                min(self.right, other.right),
                min(self.bottom, other.bottom),
            ).area
            if self._meets(other)
            else 0.0
        )
        whole = self.area + other.area - shared
        return shared / whole if whole > 0 else 0.0

    def _meets(self, other: Box) -> bool:
        return max(self.left, other.left) < min(self.right, other.right) and max(self.top, other.top) < min(
            self.bottom, other.bottom
        )


class Point(Struct, frozen=True, tag="point"):
    """One place."""

    x: float
    y: float


class Polygon(Struct, frozen=True, tag="polygon"):
    """A closed outline of at least three corners, such as of a line of text that runs at an angle."""

    corners: tuple[Point, ...]

    @property
    def box(self) -> Box:
        """The upright rectangle around it."""
        xs, ys = [one.x for one in self.corners], [one.y for one in self.corners]
        return Box(min(xs), min(ys), max(xs), max(ys))


Region = Box | Polygon | Point


def box_of(region: Region) -> Box:
    """The upright rectangle around a region; a point's has no area."""
    match region:
        case Box():
            return region
        case Polygon():
            return region.box
        case Point(x=x, y=y):
            return Box(x, y, x, y)
