"""Barcodes and QR codes, read by zxing-cpp; what they say is text found in the picture, never an order or a link."""

from __future__ import annotations

import cv2
import zxingcpp

from pierian.vision.regions import Point, Polygon
from pierian.vision.scene import Barcode
from pierian.vision.turning import Pixels

LONGEST = 4_000
"""Letters that are kept of one code."""


def read_barcodes(pixels: Pixels) -> tuple[Barcode, ...]:
    """All codes that can be read, turned ones too, from top to bottom."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    found = [one for one in zxingcpp.read_barcodes(grey) if one.valid and one.text]
    found.sort(key=lambda one: (one.position.top_left.y, one.position.top_left.x))
    return tuple(
        Barcode(
            id=f"k{number}",
            region=_region(one.position),
            format=str(one.format).rpartition(".")[2],
            text=one.text[:LONGEST],
        )
        for number, one in enumerate(found, 1)
    )


def _region(position: zxingcpp.Position) -> Polygon:
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    return Polygon(tuple(Point(float(one.x), float(one.y)) for one in corners))
