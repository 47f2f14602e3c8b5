"""What kind of picture some bytes are, told from the bytes themselves: a file's name is never believed.

Only what is named here is given to a decoder, and only to the one decoder of its kind, so that a file that is several
things at once is read as one of them or refused.
"""

from __future__ import annotations

import re
from typing import get_args

from pierian.vision.picture import Format

NAMES: dict[Format, str] = {
    "png": "PNG",
    "jpeg": "JPEG",
    "webp": "WebP",
    "gif": "GIF",
    "tiff": "TIFF",
    "heic": "HEIC",
    "svg": "SVG",
    "pdf": "PDF",
    "dicom": "DICOM",
}
LISTED = ", ".join(NAMES[one] for one in get_args(Format))
_MARKS: tuple[tuple[bytes, Format], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
)
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_SVG_ROOT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?svg[\s>/]")
_HEAD = 65_536
"""Bytes in which the outermost element of an SVG must begin."""
_PDF_HEAD = 1024
"""A PDF may begin with other bytes; readers look for its mark this far."""
_OTHERS = (
    (b"PK\x03\x04", "a zip archive or an office document"),
    (b"\x1f\x8b", "packed with gzip"),
    (b"BM", "a BMP picture"),
    (b"8BPS", "a Photoshop document"),
    (b"%!PS", "PostScript"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"RIFF", "a sound or a film"),
)


def format_of(content: bytes) -> Format | None:
    """The format of a picture, None where it is none of those that are read."""
    if (
        content[128:132] == b"DICM"
    ):  # what stands before that mark may be anything, such as the head of a TIFF
        return "dicom"
    for mark, found in _MARKS:
        if content.startswith(mark):
            return found
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    if content[4:8] == b"ftyp" and _is_heic(content):
        return "heic"
    if b"%PDF-" in content[:_PDF_HEAD]:
        return "pdf"
    return "svg" if _is_svg(content) else None


def said_of(content: bytes) -> str:
    """What bytes that are no picture look like, as the end of a sentence; empty where that is not known."""
    if content[4:8] == b"ftyp":
        return "a film, or a picture in the format AVIF" if content[8:12] != b"avif" else "an AVIF picture"
    for mark, found in _OTHERS:
        if content.startswith(mark):
            return found
    head = _text(content[:512]).lstrip("\ufeff \t\r\n").lower()
    if head.startswith(("<!doctype html", "<html")):
        return "a web page"
    return "text" if head and all(one.isprintable() or one in "\r\n\t" for one in head) else ""


def _is_heic(content: bytes) -> bool:
    size = min(int.from_bytes(content[:4], "big"), 256)
    brands = {content[at : at + 4] for at in range(8, size, 4)}
    return bool(brands & _HEIC_BRANDS) and content[8:12] not in (b"avif", b"avis")


def _is_svg(content: bytes) -> bool:
    head = _text(content[:_HEAD]).lstrip("\ufeff \t\r\n")
    return head.startswith("<") and _SVG_ROOT.search(head) is not None and not _is_html(head)


def _is_html(head: str) -> bool:
    """Whether a text says that it is a web page; one may hold drawings, but is none."""
    return head[:14].lower() == "<!doctype html" or head[:5].lower() == "<html"


def _text(content: bytes) -> str:
    """The beginning of a text, whatever it is encoded in."""
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    return content.decode("utf-16" if wide else "utf-8", "replace" if not wide else "ignore")
