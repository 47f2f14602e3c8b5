"""Whether a file can stand with a question: texts can; pictures and everything else are read by no mode yet."""

from __future__ import annotations

from pierian.exceptions import UserError
from pierian.storage.attachments import harmless_name
from pierian.webapp.forms import Upload

PICTURES = "image/"
MOST_TEXT_BYTES = 200_000
"""Of a text, and of all that stand with one question: a model reads them whole."""
TEXT = "text/plain"


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
    if len(file.data) > MOST_TEXT_BYTES:
        raise UserError(
            f"{shown} has {len(file.data):,} bytes; {MOST_TEXT_BYTES:,} is the most that is read with a question.",
            hint="Paste the part that matters.",
        )
    if b"\x00" in file.data or not _is_text(file.data):
        raise UserError(
            f"{shown} is not a text file.", hint="Texts can be read: notes, tables, source code, Markdown."
        )
    return Upload(shown, TEXT, file.data)


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
