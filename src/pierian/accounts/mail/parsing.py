"""A message out of its bytes: who wrote what to whom, what a person reads of it, and which files are attached.

The bytes are taken apart by the standard library's `email`; HTML becomes text by `resiliparse`. What is broken is
read as far as it goes, and `problem` says what could not be. This runs in a child process (`parsing_process`): no
library promises how long it takes over bytes that were made to hurt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message as Mime
from hashlib import blake2b
from typing import Any, cast

from msgspec import Struct

from pierian.accounts.mail import headers
from pierian.accounts.mail.charsets import decoded
from pierian.accounts.mail.message import NO_ID, Part, Person, Recipients
from pierian.accounts.mail.parts import DEEPEST, taken_apart
from pierian.storage.words import clean

MOST_TEXT = 100_000
"""Characters of a message that are kept."""
MOST_HTML = 400_000
"""Bytes of HTML that are turned into text."""
MOST_HEAD = 16_384
"""Bytes of a head that are read where the body was too much."""
MOST_PARTS = 300
MOST_ATTACHMENTS = 100
LEAST_PLAIN = 20
"""A plain text shorter than this, beside HTML that says more, is only a hint to look at that."""

_BLANK_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")
_UNSEEN = re.compile(r"[\u200b-\u200f\u00ad\u034f\ufeff]")


class Given(Struct, frozen=True, array_like=True):
    """A message as it comes from the server."""

    uid: int
    flags: str
    arrived: int
    """INTERNALDATE, in seconds since 1970."""
    size: int
    content: bytes
    """Its beginning, or all of it."""
    whole: bool
    texts: list[Text]
    """Its readable parts, where they are not in `content`."""
    parts: list[Part]
    """Its attachments, where they are not in `content`."""
    problem: str = ""


class Text(Struct, frozen=True, array_like=True):
    """A part that can be read."""

    type: str
    charset: str
    encoding: str
    content: bytes
    whole: bool


class Parsed(Struct, frozen=True, array_like=True):
    """What is kept of a message."""

    uid: int
    flags: str
    size: int
    digest: str
    message_id: str
    ancestors: list[str]
    topic: str
    """What a conversation is found by where nothing else says it: `re:` and its subject, where it is an answer."""
    sent_at: int
    sender: Person
    recipients: Recipients
    subject: str
    parts: list[Part]
    automatic: bool
    problem: str
    text: str


def parse(given: Given) -> Parsed:
    """What is kept of a message; never raises for what is in it."""
    try:
        content = given.content if given.whole else _head(given.content)
        return _parsed(given, taken_apart(content), headers_only=False)
    except (
        RecursionError,
        MessageError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        IndexError,
        KeyError,
    ):
        return parse_head(given, "It is too broken or too deeply nested to be read.")


def _head(content: bytes) -> bytes:
    return re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0]


def parse_head(given: Given, problem: str) -> Parsed:
    """What the head of a message says, where its body cannot be read."""
    head = _head(given.content[:MOST_HEAD])
    plain = Given(given.uid, given.flags, given.arrived, given.size, head, True, [], [], problem)
    try:
        return _parsed(plain, message_from_bytes(head), headers_only=True)
    except (
        RecursionError,
        MessageError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        IndexError,
        KeyError,
    ):
        return _parsed(plain, Mime(), headers_only=True)


def _parsed(given: Given, mime: Mime, *, headers_only: bool) -> Parsed:
    head = headers.Head(mime)
    if headers_only:
        text, parts, problem = "", list[Part](), given.problem
    elif given.whole:
        text, parts, problem = _body(mime)
    else:
        text, problem = _readable(given.texts)
        parts = given.parts
    sent_at = headers.sent_at(head.one("Date"), given.arrived)
    sender, subject = head.sender(), head.subject()
    message_id, ancestors = head.message_id(), head.ancestors()
    marked = "\0".join([message_id, sender.address, str(sent_at), subject, text])
    digest = blake2b(marked.encode("utf-8", "replace"), digest_size=10).hexdigest()
    problems = dict.fromkeys(filter(None, [given.problem, problem]))
    return Parsed(
        given.uid,
        given.flags,
        given.size,
        digest,
        message_id or f"<{digest}{NO_ID}",
        [one for one in ancestors if one != message_id],
        headers.topic(subject) if not ancestors else "",
        sent_at,
        sender,
        head.recipients(),
        subject,
        parts[:MOST_ATTACHMENTS],
        head.automatic(sender.address),
        " ".join(problems),
        text,
    )


def _body(mime: Mime) -> tuple[str, list[Part], str]:
    """The text and the attachments of a message that is all there."""
    texts, parts, problems = list[Text](), list[Part](), list[str]()
    for number, (section, part) in enumerate(_leaves(mime, "", 0)):
        if number == MOST_PARTS:
            problems.append(f"Only the first {MOST_PARTS} of its parts are here.")
            break
        kind = part.get_content_type()
        name = headers.file_name(part)
        if is_text(kind, name, attached=part.get_content_disposition() == "attachment"):
            content = part.get_payload(decode=True) if not part.is_multipart() else b""
            raw = content if isinstance(content, bytes) else b""
            texts.append(Text(kind, _charset(part), "", raw, True))
        else:
            parts.append(_attachment(section, part, kind, name))
    text, problem = _readable(texts)
    return text, parts, " ".join(filter(None, [*problems, problem]))


def _charset(part: Mime) -> str:
    found = part.get_content_charset()
    return found if isinstance(found, str) else ""


def _leaves(part: Mime, section: str, depth: int) -> Iterator[tuple[str, Mime]]:
    """The parts that hold something, with their places as IMAP counts them (RFC 9051, 6.4.5)."""
    if depth > DEEPEST:
        raise RecursionError
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        inner: list[object] = cast(Any, part).get_payload()
        for number, one in enumerate(inner, 1):
            if isinstance(one, Mime):  # what is broken may be text
                yield from _leaves(
                    cast(Mime, one), f"{section}.{number}" if section else str(number), depth + 1
                )
    else:
        yield section or "1", part


def _attachment(section: str, part: Mime, kind: str, name: str) -> Part:
    payload = part.get_payload()
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    size = len(payload) if isinstance(payload, str) else 0
    return Part(
        section=section,
        name=name or unnamed(kind),
        type=kind,
        size=size * 3 // 4 if encoding == "base64" else size,
        encoding=encoding if encoding in ("base64", "quoted-printable") else "",
    )


def unnamed(kind: str) -> str:
    """What an attachment without a name is called."""
    if kind == "message/rfc822":
        return "message.eml"
    if kind == "text/calendar":
        return "invite.ics"
    subtype = re.sub(r"[^a-z0-9]", "", kind.partition("/")[2])[:10]
    return f"attachment.{subtype}" if subtype else "attachment"


def is_text(kind: str, name: str, *, attached: bool) -> bool:
    """Whether a part is read as the message itself."""
    return kind in ("text/plain", "text/html", "text/enriched") and not attached and not name


def _readable(texts: list[Text]) -> tuple[str, str]:
    """What a person reads of these parts: the plain ones, or the HTML ones where the plain ones say nothing."""
    plain = [_decoded(one) for one in texts if one.type != "text/html"]
    said = "\n\n".join(filter(None, (_tidy(one) for one in plain)))
    problems = ["Its text is cut."] if any(not one.whole for one in texts) else []
    pages = [one for one in texts if one.type == "text/html"]
    if (pages and len(said) < LEAST_PLAIN) or said.lstrip().startswith(("<html", "<!DOCTYPE")):
        if any(len(one.content) > MOST_HTML for one in pages):
            problems.append("Its text is cut.")
        read = "\n\n".join(_of_html(_decoded(one)[:MOST_HTML]) for one in pages)
        said = read if len(read) > len(said) else said
    if len(said) > MOST_TEXT:
        problems.append("Its text is cut.")
    return said[:MOST_TEXT], " ".join(dict.fromkeys(problems))


def _decoded(text: Text) -> str:
    content = text.content
    if text.encoding in ("base64", "quoted-printable"):
        part = Mime()
        part["Content-Transfer-Encoding"] = text.encoding
        part.set_payload(content.decode("ascii", "surrogateescape"))
        payload = part.get_payload(decode=True)
        content = payload if isinstance(payload, bytes) else b""
    return decoded(content, text.charset)


def _of_html(page: str) -> str:
    # Its modules are compiled into one library, where pyright does not find them.
    from resiliparse.extract.html2text import extract_plain_text  # pyright: ignore[reportMissingModuleSource]

    return _tidy(extract_plain_text(page, alt_texts=False, noscript=False))


def _tidy(text: str) -> str:
    """Lines without space at their ends, and no more than one empty one at a time."""
    import unicodedata

    lines = "\n".join([line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")])
    whole = _BLANK_LINES.sub("\n\n", _UNSEEN.sub("", lines).replace("\u00a0", " ")).strip()
    return whole if whole.isascii() and "\0" not in whole else clean(unicodedata.normalize("NFC", whole))
