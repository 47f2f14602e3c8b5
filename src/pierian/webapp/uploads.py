"""Whether a file can stand with a question: texts can; pictures and everything else are read by no mode yet."""

from __future__ import annotations

import codecs
import re

from pierian.exceptions import UserError
from pierian.storage.attachments import harmless_name
from pierian.webapp.forms import Upload

PICTURES = "image/"
MOST_TEXT_BYTES = 200_000
"""Of a text, and of all that stand with one question: a model reads them whole."""
TEXT = "text/plain"

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


def checked_upload(file: Upload, model: str) -> Upload:
    """The file as it is kept, its kind told from its content; raises `UserError` for what cannot be read.

    Args:
        model: The name of the model that answers, for the message.
    """
    shown = harmless_name(file.name)
    if not file.data:
        raise UserError(f"{shown} is empty.", hint="Choose another file.")
    if file.media_type.startswith(PICTURES):
        raise UserError(
            f"{shown} is a picture, and the model {model} reads no pictures.",
            hint="Describe what it shows, or use a model that sees.",
        )
    _check_size(shown, file.data)
    text = _decoded(file.data)
    if text is None or "\x00" in text:
        raise UserError(
            f"{shown} is not a text file.", hint="Texts can be read: notes, tables, source code, Markdown."
        )
    kept = text.encode()
    _check_size(shown, kept)
    return Upload(shown, TEXT, kept)


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
