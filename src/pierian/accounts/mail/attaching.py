"""Files that are attached to a mail: which the user's own folders hold, within what a mail may carry.

Where files may be read from is decided by whoever makes the tools; here they are opened by a function of theirs. What
comes with received mail, and may be passed on, is the business of `attachments`.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Callable, Sequence
from email.message import EmailMessage

from msgspec import Struct

from pierian.storage.attachments import harmless_name
from pierian.tools import ToolFailure

MOST_FILES = 20
MOST_BYTES = 18_000_000
"""Of all files of a mail together: in a mail they take a third more, and few servers take more than 25 MB."""

_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,100}")

Opened = tuple[str, bytes]
Open = Callable[[str, int], Opened]
"""The name and the bytes of the file at a path, at most so many; raises `ToolFailure`."""


class File(Struct, frozen=True):
    """A file as it goes with a mail."""

    name: str
    type: str
    data: bytes


def nothing_opened(path: str, most_bytes: int) -> Opened:
    """Opens no file: the user has named no folder."""
    raise ToolFailure(
        "denied",
        f"{path[:200]!r} cannot be attached: no folder is opened to tools.",
        hint="pierian config set folders ~/Documents",
    )


def files_at(paths: list[str] | str, opened: Open) -> list[File]:
    """The files at these paths; raises `ToolFailure` where one cannot be attached, or all of them are too much."""
    # One text is one path: names of files have commas.
    named = [paths] if isinstance(paths, str) else [*dict.fromkeys(paths)]
    named, found, left = [one for one in named if one], list[File](), MOST_BYTES
    if len(named) > MOST_FILES:
        raise ToolFailure("too_large", f"A mail carries at most {MOST_FILES} files; {len(named)} were named.")
    for path in named:
        try:
            name, data = opened(path, left)
        except ToolFailure as failure:
            if failure.code != "too_large":
                raise
            raise ToolFailure(
                "too_large",
                f"With {path} the attachments have more than {in_words(MOST_BYTES)}, the most for one mail.",
                hint="Attach fewer or smaller files.",
            ) from failure
        left -= len(data)
        found.append(File(harmless_name(name), _type(name), data))
    return found


def attach(message: EmailMessage, files: Sequence[File]) -> None:
    """Put files behind the text of a message."""
    for one in files:
        kind, _, sort = one.type.partition("/")
        message.add_attachment(one.data, maintype=kind, subtype=sort, filename=one.name, cte="base64")


def told(files: Sequence[File]) -> str:
    """Names, kinds, sizes and fingerprints, for whoever approves: other content is other words."""
    return "\n".join(
        f"{one.name} ({one.type}, {in_words(len(one.data))}, SHA-256 {hashlib.sha256(one.data).hexdigest()[:12]}…)"
        for one in files
    )


def in_words(size: int) -> str:
    """A number of bytes."""
    if size < 1000:
        return f"{size} bytes"
    return f"{size / 1000:,.0f} KB" if size < 1_000_000 else f"{size / 1_000_000:,.1f} MB"


def usable_type(said: str) -> str:
    """The media type under which a file may go with a mail; plain bytes for a message, several parts, or no type."""
    if not _TYPE.fullmatch(said) or said.startswith(("message/", "multipart/")):
        return "application/octet-stream"
    return said


def _type(name: str) -> str:
    """The media type of a file by its name."""
    found, packed = mimetypes.guess_type(name)
    return usable_type("" if packed is not None else found or "")
