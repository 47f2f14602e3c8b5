"""Pictures as messages carry them to a model that sees: a PNG or JPEG of pixels and nothing else, as a `data:` URL.

What a file says beside its pixels (where it was taken, by whom, with what) cannot get out this way, since nobody
gives it the file. Longest sides are bounded: servers scale pictures down anyway, and charge for them by their size.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Literal

from pierian.events.regions import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LONGEST_SIDE = 1536
"""Of a picture as a model gets it: small print of a page is still read, and it costs some 2,500 tokens at most."""
SMALLEST_SIDE = 256
"""Crops that are smaller are enlarged: models cut what they see into squares of 14 to 32 pixels."""
_JPEG_QUALITY = 92


def picture_url(
    pixels: NDArray[np.uint8],
    region: Box | None = None,
    *,
    longest: int = LONGEST_SIDE,
    kind: Literal["png", "jpeg"] = "png",
) -> str:
    """A picture (rows × columns × red, green, blue), or a region of it, for `Message.images`.

    The region is in pixels and is cut to the picture; where nothing of it lies there, the whole picture is taken.
    """
    cut = pixels if region is None else _cut(pixels, region)
    smallest = 1 if region is None else min(longest, SMALLEST_SIDE)
    content, media_type = encoded(cut, longest=longest, smallest=smallest, kind=kind)
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def encoded(
    pixels: NDArray[np.uint8], *, longest: int, smallest: int = 1, kind: Literal["png", "jpeg"] = "png"
) -> tuple[bytes, str]:
    """The file of some pixels, its longer side between `smallest` and `longest`, and its media type."""
    from PIL import Image

    image = Image.fromarray(pixels)
    side = max(image.size)
    scale = min(max(side, smallest), longest) / side
    if scale != 1.0:
        width, height = (max(1, round(length * scale)) for length in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    if kind == "jpeg":
        image.save(out, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    else:
        image.save(out, "PNG")
    return out.getvalue(), f"image/{kind}"


def _cut(pixels: NDArray[np.uint8], region: Box) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    left, top = max(0, int(region.left)), max(0, int(region.top))
    right, bottom = min(width, round(region.right + 0.5)), min(height, round(region.bottom + 0.5))
    return pixels[top:bottom, left:right] if right > left and bottom > top else pixels
