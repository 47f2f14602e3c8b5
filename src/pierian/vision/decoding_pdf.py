"""Pages of a PDF by pdfium, drawn so that small print can be read. Runs in `decoding_process`."""

from __future__ import annotations

import math
from typing import Any, cast

import pypdfium2  # pyright: ignore[reportMissingTypeStubs]
from pypdfium2.raw import FPDF_ERR_PASSWORD  # pyright: ignore[reportMissingTypeStubs]

from pierian.vision.decoded import KEPT_PIXELS, KEPT_SIDE, Opened, Refusal, check_page

DOTS_PER_INCH = 200
DRAWN_SIDE = 1600
"""The least for the longer side of a page, in pixels: figures are saved as small pages."""
MOST_SCALE = 8.0
_POINTS_PER_INCH = 72


def opened_pdf(content: bytes, page: int) -> Opened:
    """A page of a PDF, its filled-in forms with it."""
    try:
        document = cast(Any, pypdfium2.PdfDocument(content))
    except pypdfium2.PdfiumError as error:
        if cast(Any, error).err_code == FPDF_ERR_PASSWORD:
            raise Refusal(
                "is protected by a password",
                "Save a copy without the password, or a picture of the page, and give that.",
            ) from error
        raise Refusal("is damaged, or no PDF at all") from error
    pages = len(document)
    check_page(page, pages)
    document.init_forms()
    try:
        drawn = document[page - 1]
        width, height = drawn.get_size()
        if not (width > 0 and height > 0 and math.isfinite(width * height)):
            raise Refusal(f"has a page {page} without a size")
        bitmap = drawn.render(scale=_scale(width, height), rev_byteorder=True)
    except pypdfium2.PdfiumError as error:
        raise Refusal(f"has a page {page} that cannot be drawn") from error
    image = bitmap.to_pil()
    notes = [f"It has {pages:,} pages; this is page {page}."] if pages > 1 else []
    return Opened(image, None, pages, notes)


def _scale(width: float, height: float) -> float:
    """Pixels for each point of a page."""
    longest = max(width, height)
    wanted = max(DOTS_PER_INCH / _POINTS_PER_INCH, min(DRAWN_SIDE / longest, MOST_SCALE))
    return min(wanted, math.sqrt(KEPT_PIXELS / (width * height)), KEPT_SIDE / longest)
