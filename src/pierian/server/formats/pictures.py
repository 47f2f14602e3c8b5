"""Pictures in requests, checked as they are read: of a known type, not too large. Nothing is decoded or fetched.

Addresses pass through as they are: whether any is fetched is for the settings to say (`server.pictures`).
"""

from __future__ import annotations

import binascii

from pierian.server.formats.fields import wrong
from pierian.vision.formats import format_of
from pierian.vision.picture import Format

MOST_PICTURE_BYTES = 20 * 2**20
MOST_ADDRESS = 2000
"""Characters."""
TYPES: dict[str, Format] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/tiff": "tiff",
    "image/heic": "heic",
    "image/svg+xml": "svg",
    "application/pdf": "pdf",
    "application/dicom": "dicom",
}
_ALIASES = {"image/jpg": "image/jpeg", "image/tif": "image/tiff", "image/heif": "image/heic"}
_INLINE = "Send the picture itself as 'data:image/png;base64,…'."


def is_address(url: str) -> bool:
    """Whether a picture is named by where it stands."""
    return url.startswith(("https://", "http://"))


def checked_url(url: str, param: str) -> str:
    """The `data:` URL or the address of a picture, checked; raises `ApiError`."""
    if is_address(url):
        return checked_address(url, param)
    if not url.startswith("data:"):
        raise wrong(
            param,
            f"A picture comes as a 'data:' URL or an https address. {_INLINE}",
            code="invalid_image_url",
        )
    head, comma, data = url[len("data:") :].partition(",")
    media_type, _, encoding = head.partition(";")
    if not comma or encoding.rpartition(";")[2].strip().lower() != "base64":
        raise wrong(param, f"The picture is not in base64. {_INLINE}", code="invalid_image_url")
    return checked_data(media_type, data, param)


def checked_address(url: str, param: str) -> str:
    """An address of a picture; raises `ApiError`."""
    if not is_address(url) or len(url) > MOST_ADDRESS:
        told = f"The address of a picture begins with https:// and has at most {MOST_ADDRESS} characters."
        raise wrong(param, told, code="invalid_image_url")
    return url


def checked_data(media_type: str, data: str, param: str) -> str:
    """The `data:` URL of a picture whose type and base64 text are given; raises `ApiError`."""
    kind = media_type.strip().lower()
    kind = _ALIASES.get(kind, kind)
    if kind not in TYPES:
        known = ", ".join(TYPES)
        raise wrong(param, f"A picture must be one of {known}.", code="unsupported_image_media_type")
    if len(data) > MOST_PICTURE_BYTES * 4 // 3 + 4:
        limit = MOST_PICTURE_BYTES // 2**20
        raise wrong(
            param, f"The picture is larger than {limit} MB: send a smaller one.", code="image_too_large"
        )
    text = "".join(data.split())  # encoders on the command line break the lines
    try:
        content = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise wrong(param, "The picture's base64 text is damaged.", code="invalid_base64_image") from None
    if format_of(content) != TYPES[kind]:
        raise wrong(
            param, f"The picture is not of the type {kind} that it says.", code="invalid_image_format"
        )
    return f"data:{kind};base64,{text}"
