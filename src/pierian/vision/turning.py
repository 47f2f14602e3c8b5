"""Pictures that lie on their side or stand on their head: turned by quarter turns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pierian.vision.regions import Box, Point, Polygon, Region

Pixels = NDArray[np.uint8]
"""RGB, as (height, width, 3)."""


def turn(pixels: Pixels, degrees: int) -> Pixels:
    """The picture turned clockwise by 0, 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(pixels, -degrees // 90))


def turned_back(region: Region, degrees: int, width: float, height: float) -> Region:
    """A region of a turned picture (of this width and height), in pixels of the picture before it was turned."""

    def back(point: Point) -> Point:
        match degrees:
            case 90:
                return Point(point.y, width - point.x)
            case 180:
                return Point(width - point.x, height - point.y)
            case 270:
                return Point(height - point.y, point.x)
            case _:
                return point

    match region:
        case Point():
            return back(region)
        case Polygon(corners=corners):
            return Polygon(tuple(back(one) for one in corners))
        case Box(left=left, top=top, right=right, bottom=bottom):
            one, other = back(Point(left, top)), back(Point(right, bottom))
            return Box(min(one.x, other.x), min(one.y, other.y), max(one.x, other.x), max(one.y, other.y))
