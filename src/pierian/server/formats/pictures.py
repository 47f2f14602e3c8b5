"""Pictures in requests: checked, never fetched. A client sends them inline; an address in a request is refused, since
whoever may ask questions must not thereby make the server open connections.
"""

from __future__ import annotations

import binascii

from pierian.server.formats.fields import unsupported, wrong

MOST_PICTURE_BYTES = 20 * 2**20
BEGINNINGS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
_INLINE = "Send the picture itself as 'data:image/png;base64,…'."


def checked_url(url: str, param: str) -> str:
    """The `data:` URL of a picture, checked; raises `ApiError`."""
    if not url.startswith("data:"):
        raise unsupported(param, "A picture by its address is", _INLINE)
    head, comma, data = url[len("data:") :].partition(",")
    media_type, _, encoding = head.partition(";")
    if not comma or encoding.rpartition(";")[2].strip().lower() != "base64":
        raise wrong(param, f"The picture is not in base64. {_INLINE}", code="invalid_image_url")
    return checked_data(media_type, data, param)


def checked_data(media_type: str, data: str, param: str) -> str:
    """The `data:` URL of a picture whose type and base64 text are given; raises `ApiError`."""
    kind = media_type.strip().lower().replace("image/jpg", "image/jpeg")
    if kind not in BEGINNINGS:
        known = ", ".join(BEGINNINGS)
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
    if not content.startswith(BEGINNINGS[kind]):
        raise wrong(
            param, f"The picture is not of the type {kind} that it says.", code="invalid_image_format"
        )
    return f"data:{kind};base64,{text}"
