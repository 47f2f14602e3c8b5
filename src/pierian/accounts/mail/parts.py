"""A message taken apart into its parts: heads by the standard library's `email`, bodies by their boundaries alone.

`email` looks at each line of a body, which takes most of the time that a large mailbox needs. Here a body is cut
where its boundaries stand (RFC 2046, 5.1.1), all at once. What is not written as it should be (a head with lines that
are none, a body without its last boundary, line ends of old) is left to `email` as a whole; what comes out is the
same, but that a message inside of another stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message as Mime
from typing import Any, cast

DEEPEST = 40
_HEADER = re.compile(r"([!-9;-~]+):[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)\r?\n")


def taken_apart(content: bytes) -> Mime:
    """The message in these bytes; raises what `email` raises, and `RecursionError` for too deep a nest."""
    text = content.decode("ascii", "surrogateescape")
    whole = _entity(text, 0) if text.count("\r") == text.count("\r\n") else None
    return message_from_bytes(content) if whole is None else whole


def _entity(text: str, depth: int, default: str = "text/plain") -> Mime | None:
    """A message or a part of one; None where it is not written as it should be."""
    if depth > DEEPEST:
        raise RecursionError
    if text.startswith(("\n", "\r\n")):  # a part without a head
        ends = text.index("\n") + 1
    else:
        ends = text.find("\n\r\n") + 3
        early = text.find("\n\n", 0, ends if ends > 2 else None) + 2
        ends = early if early > 1 else ends if ends > 2 else len(text)
    mime, body = _headed(text[:ends]), text[ends:]
    if mime is None:
        return None
    mime.set_default_type(default)
    if mime.get_content_maintype() != "multipart":
        mime.set_payload(body)
        return mime
    inside = _between(body, mime.get_boundary() or "")
    default = "message/rfc822" if mime.get_content_type() == "multipart/digest" else "text/plain"
    parts = [_entity(one, depth + 1, default) for one in inside]
    if not parts or None in parts:
        return None
    mime.set_payload(cast(Any, parts))
    return mime


def _headed(head: str) -> Mime | None:
    """A message with these headers and nothing else; None where a line is none."""
    mime, at = Mime(), 0
    for found in _HEADER.finditer(head):
        if found.start() != at:
            return None
        mime.set_raw(found[1], found[2])
        at = found.end()
    return mime if head[at:] in ("", "\n", "\r\n") else None


def _between(body: str, boundary: str) -> list[str]:
    """What stands between the boundaries of a body; nothing where they do not begin and end it."""
    inside: list[str] = []
    line, rest = f"--{boundary}", re.compile(r"(--)?[ \t]*(?:\r?\n|\Z)")
    start = -1
    for at in _places(body, line) if boundary else ():
        found = rest.match(body, at + len(line))
        if found is None:
            continue
        if 0 <= start < at:
            inside.append(body[start:at].removesuffix("\n").removesuffix("\r"))
        start = found.end()
        if found[1]:
            return inside
    return []


def _places(body: str, line: str) -> Iterator[int]:
    """Where lines begin with this."""
    if body.startswith(line):
        yield 0
    at = body.find(f"\n{line}")
    while at >= 0:
        yield at + 1
        at = body.find(f"\n{line}", at + 1)
