"""Text out of bytes whose charset is named wrongly, or not at all: as mail has been written for forty years.

Names are read as browsers read them (a superset of what they say: WHATWG's encodings), then as Python does. Where the
bytes are not what the name says, they are what they look like. Never raises.
"""

from __future__ import annotations

import codecs
from functools import cache

# What mail programs say, and the larger charset that they mean.
_MEANT = {
    "us-ascii": "utf-8",  # who says ASCII and writes more has not looked
    "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "chinesebig5": "big5hkscs",
    "big5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949",
    "ksc5601": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "x-euc-jp": "euc_jp",
    "iso-2022-jp": "iso2022_jp_ext",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "x-unknown": "",
    "unknown-8bit": "",
    "unknown": "",
    "default": "",
    "x-user-defined": "",
    "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-6-i": "iso8859_6",
    "ansi": "cp1252",
    "cp-850": "cp850",
    "utf8mb4": "utf-8",
}
# Codecs of Python's that are none of mail's, and some of which take very long over a text made for that.
_NOT_CHARSETS = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf_8_sig"}
)


def decoded(content: bytes, charset: str | None) -> str:
    """The text of `content`."""
    if content.isascii() and b"\x1b" not in content and b"~" not in content and not _shifts(charset):
        return content.decode("ascii")
    name = _codec(charset or "")
    for tried in (name, "utf-8"):
        if tried:
            try:
                return content.decode(tried)
            except (UnicodeError, ValueError):
                continue
    if name and _damaged_only(content, name):
        return content.decode(name, "replace")
    return content.decode(_looks_like(content), "replace")


def _shifts(charset: str | None) -> bool:
    """Whether ASCII letters may stand for others."""
    return bool(charset) and (
        _codec(charset or "").startswith(("utf_7", "utf-7", "utf_16", "utf_32", "cp037"))
    )


@cache
def _codec(charset: str) -> str:
    """Python's name for a charset; empty where nobody knows it."""
    said = charset.strip().strip("\"'").lower().replace(" ", "")[:60]
    if said in _MEANT:
        return _MEANT[said]
    try:
        found = codecs.lookup(said) if said.isascii() and "\0" not in said else None
        if (
            found is not None
            and found._is_text_encoding
            and found.name.replace("-", "_") not in _NOT_CHARSETS
        ):
            return found.name
    except (LookupError, ValueError):
        pass
    return _of_browsers(said)


def _of_browsers(said: str) -> str:
    # Its modules are compiled into one library, where pyright does not find them.
    from resiliparse.parse.encoding import (  # pyright: ignore[reportMissingModuleSource]
        map_encoding_to_html5,
    )

    found = map_encoding_to_html5(said, fallback_utf8=False) or ""
    try:
        return codecs.lookup(found).name if found else ""
    except LookupError:
        return ""


def _damaged_only(content: bytes, name: str) -> bool:
    """Whether a text is what it says but for a few places: cut off, or with a byte too many."""
    text = content.decode(name, "replace")
    return text.count("\ufffd") * 20 <= len(text)


def _looks_like(content: bytes) -> str:
    from resiliparse.parse.encoding import detect_encoding  # pyright: ignore[reportMissingModuleSource]

    found = str(detect_encoding(content[:4000]) or "cp1252")
    try:
        return codecs.lookup(found).name
    except LookupError:
        return "cp1252"
