"""PNG, JPEG, WebP, GIF, TIFF and HEIC by Pillow, and what every picture goes through: 8 bits, upright, over white.

Runs in `decoding_process`. Reducing comes before anything that would make a copy of all pixels.
"""

from __future__ import annotations

import contextlib
import io
import math
import struct
from typing import Any, cast

from PIL import Image, ImageCms, UnidentifiedImageError

from pierian.vision.decoded import MOST_PIXELS, Opened, Refusal, check_page, check_size, kept_size
from pierian.vision.picture import Format

_PLUGINS: dict[Format, str] = {
    "png": "PNG",
    "jpeg": "JPEG",
    "webp": "WEBP",
    "gif": "GIF",
    "tiff": "TIFF",
    "heic": "HEIF",
}
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ODD_METADATA = (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error)
_COLOURS_OF_PROFILES = {"RGB": b"RGB ", "RGBA": b"RGB ", "CMYK": b"CMYK"}


def opened_raster(content: bytes, kind: Format, page: int) -> Opened:
    """A picture of one of Pillow's formats, opened and not yet decoded."""
    if kind == "heic":
        import pillow_heif

        cast(Any, pillow_heif).register_heif_opener(thumbnails=False, decode_threads=1)
    if kind == "webp":  # its opener makes room for the whole picture at once
        check_size(*_webp_size(content))
    # Checked here, by our own bound; but GIF's opener makes room for a frame of any size, unless stopped at twice
    # this.
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2 if kind == "gif" else None
    try:
        image = Image.open(io.BytesIO(content), formats=[_PLUGINS[kind]])
    except UnidentifiedImageError as error:
        raise Refusal("is damaged or cut off") from error
    except Image.DecompressionBombError as error:
        raise Refusal(f"has more than the {MOST_PIXELS:,} pixels that are read") from error
    check_size(*image.size)
    frames = int(getattr(image, "n_frames", 1))
    notes: list[str] = []
    if kind == "tiff":
        check_page(page, frames)
        image.seek(page - 1)
        check_size(*image.size)
    else:
        check_page(page, 1)
        if frames > 1 and kind in ("gif", "webp", "png"):
            notes.append(f"It is animated, {frames:,} frames; the first is read.")
    opened = Opened(image, image.size, frames if kind == "tiff" else 1, notes)
    if kind == "jpeg" and kept_size(*image.size) != image.size:
        image.draft(image.mode, kept_size(*image.size))  # the decoder itself makes it smaller
    return opened


def upright_rgb(opened: Opened) -> Image.Image:
    """The picture decoded, in a size that is kept, turned upright, over white."""
    image = opened.image
    image.load()
    orientation = _orientation(image)
    profile = cast("bytes | None", image.info.get("icc_profile"))
    image = _eight_bits(image, opened.notes)
    if (kept := kept_size(*image.size)) != image.size:
        image = image.resize(kept, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if opened.declared and image.size != opened.declared:
        before, after = (f"{width:,} × {height:,}" for width, height in (opened.declared, image.size))
        opened.notes.append(f"It was reduced from {before} pixels to {after}.")
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
    if profile and image.mode in _COLOURS_OF_PROFILES:
        image = _in_common_colours(image, profile)
    return _over_white(image) if image.has_transparency_data else image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    """How the camera was held (EXIF); 1 where that is not said, or said in no way that can be read."""
    with contextlib.suppress(*_ODD_METADATA):
        found = image.getexif().get(_ORIENTATION, 1)
        return found if isinstance(found, int) else 1
    return 1


def _eight_bits(image: Image.Image, notes: list[str]) -> Image.Image:
    """The picture with 8 bits for each colour, in a mode that can be made smaller smoothly."""
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode in ("L", "RGB") and image.has_transparency_data:  # one colour stands for none
        return image.convert("RGBA")
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _stretched(image, notes)
    return image


def _stretched(image: Image.Image, notes: list[str]) -> Image.Image:
    """Grey values of more than 8 bits as 8 bits. A PNG says what white is; elsewhere it is the brightest value."""
    if image.mode not in ("I", "F", "I;16"):
        image = image.convert("I")
    if image.format == "PNG":
        low, high = 0.0, 65_535.0
    else:
        low, high = cast("tuple[float, float]", image.getextrema())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise Refusal("holds values that are no numbers")
        notes.append(f"Its grey values were stretched: {low:g} is black, {high:g} is white.")
    scale = 255 / (high - low) if high > low else 0.0
    return image.point(lambda value: value * scale + (0.5 - low * scale)).convert("L")


def _in_common_colours(image: Image.Image, profile: bytes) -> Image.Image:
    """The picture in sRGB, by the colour profile that it brought; unchanged where that cannot be used."""
    if profile[16:20] != _COLOURS_OF_PROFILES[image.mode]:
        return image
    with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(given):
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        changed = ImageCms.profileToProfile(
            image, given, cast(Any, ImageCms).createProfile("sRGB"), outputMode=mode
        )
        return image if changed is None else changed
    return image


def _over_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    below = Image.new("RGB", image.size, "white")
    below.paste(image, mask=image.getchannel("A"))
    return below


def _webp_size(content: bytes) -> tuple[int, int]:
    """The size that a WebP file declares (RFC 9649)."""
    kind, body = content[12:16], content[20:30]
    if len(body) < 10:
        raise Refusal("is cut off")
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
