"""Whether a file can stand with a question: texts and pictures can.

What a file is, is told by its content. A picture is decoded here once, in a process with bounds, so that whoever
sends one that cannot be read is told at once; what is kept is the file as it came.
"""

from __future__ import annotations

import codecs
import re

from pierian.exceptions import UserError
from pierian.models.pictures import encoded
from pierian.server.formats.pictures import TYPES
from pierian.storage.attachments import Attachment, harmless_name
from pierian.vision.formats import format_of
from pierian.vision.loading import PictureError, load
from pierian.vision.packages import missing
from pierian.webapp.forms import Upload

PICTURES = "image/"
MOST_TEXT_BYTES = 200_000
"""Of a text, and of all that stand with one question: a model reads them whole."""
LONGEST_SHOWN = 1600
"""Pixels of a picture's longer side on a page."""
TEXT = "text/plain"

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_TYPE_OF = {kind: media_type for media_type, kind in TYPES.items()}


def checked_upload(file: Upload) -> Upload:
    """The file as it is kept, its kind told from its content; raises `UserError` if it cannot be read. Blocking."""
    shown = harmless_name(file.name)
    if not file.data:
        raise UserError(f"{shown} is empty.", hint="Choose another file.")
    kind = format_of(file.data)
    if kind is not None or file.media_type.startswith(PICTURES):
        try:
            return Upload(shown, _TYPE_OF[kind] if kind else "", _checked_picture(shown, file.data))
        except PictureError:
            if kind not in ("pdf", "svg") or not file.media_type.startswith("text/"):
                raise  # else it is a text that begins as such a file does
    _check_size(shown, file.data)
    text = _decoded(file.data)
    if text is None or "\x00" in text:
        raise UserError(
            f"{shown} is neither a text nor a picture.",
            hint="Notes, tables, source code, Markdown, pictures and PDF can be read.",
        )
    kept = text.encode()
    _check_size(shown, kept)
    return Upload(shown, TEXT, kept)


def _checked_picture(shown: str, data: bytes) -> bytes:
    """The bytes of a picture that can be decoded; raises `UserError`."""
    if names := missing():
        raise UserError(
            f"{shown} is a picture, and this server reads none: it lacks {', '.join(names)}.",
            hint="Whoever runs it installs them with pierian[vision].",
        )
    load(data, name=shown)
    return data


def _check_size(shown: str, data: bytes) -> None:
    if len(data) > MOST_TEXT_BYTES:
        raise UserError(
            f"{shown} has {len(data):,} bytes; {MOST_TEXT_BYTES:,} is the most that is read with a question.",
            hint="Paste the part that matters.",
        )


def _decoded(data: bytes) -> str | None:
    """The text of a file: in the encoding that its first bytes name, UTF-8, or what Windows wrote before that."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decoded_as(data, "utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decoded_as(data, "cp1252")


def _decoded_as(data: bytes, encoding: str) -> str | None:
    """In these encodings nearly all bytes mean something: what has control characters is taken for no text."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text


def shown_picture(file: Attachment, page: int, turned: int) -> tuple[bytes, str]:
    """A picture for a page of the app, and its media type; raises `UserError` where the file is none. Blocking."""
    if file.media_type not in TYPES:
        raise UserError(f"{file.name} is no picture.", hint="Load it as a file.")
    from pierian.vision.turning import turn

    picture = load(file.data, name=file.name, page=page)
    pixels = turn(picture.pixels, turned // 90 * 90)
    return encoded(pixels, longest=LONGEST_SHOWN, kind="jpeg" if picture.format == "jpeg" else "png")
