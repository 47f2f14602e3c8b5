"""What decoders are asked, what they give, and the bounds that all of them keep."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from pierian.vision.picture import Format

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 100_000_000
"""A larger picture is not decoded."""
KEPT_PIXELS = 16_000_000
KEPT_SIDE = 16_384
"""A larger one is made smaller."""


class Request(Struct, frozen=True):
    """What is asked for. `window`: centre and width, for DICOM."""

    format: Format
    page: int = 1
    window: tuple[float, float] | None = None


class Decoded(Struct, frozen=True, tag=True):
    """The head of a picture whose pixels follow."""

    width: int
    height: int
    pages: int
    notes: tuple[str, ...]


class Refused(Struct, frozen=True, tag=True):
    """Why there is no picture, as the end of a sentence that begins with its name."""

    reason: str
    hint: str = ""


class Refusal(Exception):
    """Raised by decoders where a picture cannot be read."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason, self.hint = reason, hint


class Opened(Struct):
    """A picture in whatever mode it has, and what is to be said of it.

    `declared`: the size that it has by itself; None for what is drawn in a size that we choose.
    """

    image: Image
    declared: tuple[int, int] | None
    pages: int = 1
    notes: list[str] = msgspec.field(default_factory=list[str])


def check_size(width: int, height: int) -> None:
    """Raise where a picture of this size is not decoded."""
    if width <= 0 or height <= 0:
        raise Refusal("has no pixels")
    if width * height > MOST_PIXELS:
        raise Refusal(
            f"is {width:,} × {height:,} pixels, more than the {MOST_PIXELS:,} that are read",
            "Make it smaller, or cut out the part that matters.",
        )


def check_page(page: int, pages: int) -> None:
    """Raise where there is no such page."""
    if pages == 0:
        raise Refusal("has no pages")
    if not 1 <= page <= pages:
        raise Refusal(f"has no page {page}", f"It has {pages:,} pages." if pages > 1 else "It has one page.")


def kept_size(width: float, height: float) -> tuple[int, int]:
    """The size at which a picture is kept."""
    scale = min(1.0, math.sqrt(KEPT_PIXELS / (width * height)), KEPT_SIDE / max(width, height))
    return max(1, math.floor(width * scale)), max(1, math.floor(height * scale))
