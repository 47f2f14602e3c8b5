"""A picture as readers take it: upright, RGB, and nothing but pixels.

Metadata (where and when it was taken, whose it is) stays behind in the file. How bytes become a picture is the
business of `loading`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Format = Literal["png", "jpeg", "webp", "gif", "tiff", "heic", "svg", "pdf", "dicom"]


class Picture(Struct, frozen=True, kw_only=True, eq=False):
    """One picture, or one page. `pixels`: rows × columns × 3 bytes, red, green, blue; not to be written to.

    `name` is for people, `source` for labels (`file:/…`, `host:example.org`); `notes` are sentences for people about
    what was done to it (reduced, windowed, the first of several frames).
    """

    pixels: NDArray[np.uint8]
    name: str = "the picture"
    source: str = ""
    format: Format = "png"
    page: int = 1
    pages: int = 1
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[0])
