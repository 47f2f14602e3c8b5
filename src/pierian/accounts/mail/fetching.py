"""Messages from the server as they are needed for reading: heads and texts, without the attachments.

One answer has the first bytes of many messages; most messages are no longer. Of a longer one the server tells the
structure (BODYSTRUCTURE), and its readable parts are fetched alone. The next batch is asked for before this one is
read, so that the server never waits.
"""

from __future__ import annotations

import imaplib
import re
from calendar import timegm
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.message import Message as Mime
from typing import Any, cast

from pierian.accounts.mail.connection import Imap, answers_of, flags_text
from pierian.accounts.mail.headers import file_name
from pierian.accounts.mail.message import Part
from pierian.accounts.mail.parsing import MOST_ATTACHMENTS, MOST_PARTS, Given, Text, is_text, unnamed
from pierian.accounts.mail.parts import DEEPEST

BATCH = 200
FIRST_BYTES = 65_536
"""Of each message; a longer one is taken apart by the server."""
MOST_TEXT_BYTES = 262_144
"""Of one readable part."""
MOST_TEXTS = 20

_PLAIN = re.compile(
    rb"\d+ \(((?:(?:UID \d+|FLAGS \([^()\"{}]*\)|INTERNALDATE \"[^\"]*\"|RFC822\.SIZE \d+|MODSEQ \(\d+\)) )+)"
    rb"BODY\[\](?:<0>)? \{\d+\}"
)
_ITEM = re.compile(rb'(UID|FLAGS|INTERNALDATE|RFC822\.SIZE|MODSEQ) (\([^()]*\)|"[^"]*"|\d+)')
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_DATE = re.compile(
    rb" ?(\d\d?)-(" + b"|".join(_MONTHS) + rb")-((?:19|20|21)\d\d) (\d\d):(\d\d):(\d\d) ([+-]\d{4})"
)
_ITEMS = f"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.{FIRST_BYTES}>)"


def fetched(imap: Imap, uids: Sequence[int]) -> Iterator[list[Given]]:
    """These messages of the open mailbox, in batches and this order; those that are gone meanwhile are left out."""
    waiting = [uids[at : at + BATCH] for at in range(0, len(uids), BATCH)]
    asked = _ask(imap, waiting[0]) if waiting else ""
    for at, wanted in enumerate(waiting):
        answers = _answers(imap, asked)
        if at + 1 < len(waiting) and not _long(answers):
            asked, early = _ask(imap, waiting[at + 1]), True
        else:
            early = False
        yield list(_given(imap, answers, wanted))
        if at + 1 < len(waiting) and not early:
            asked = _ask(imap, waiting[at + 1])


def one_by_one(imap: Imap, uids: Sequence[int]) -> Iterator[Given]:
    """The same, one at a time, where a batch failed: what the server does not give has a problem instead."""
    for uid in uids:
        try:
            yield from _given(imap, _answers(imap, _ask(imap, [uid])), [uid])
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            yield Given(uid, " ", 0, 0, b"", True, [], [], "The server does not give it.")


def uid_set(uids: Sequence[int]) -> str:
    """UIDs as a command names them, neighbours as ranges."""
    ordered, parts = sorted(uids), list[str]()
    start = last = ordered[0]
    for uid in [*ordered[1:], -1]:
        if uid == last + 1:
            last = uid
            continue
        parts.append(str(start) if start == last else f"{start}:{last}")
        start = last = uid
    return ",".join(parts)


def _ask(imap: Imap, uids: Sequence[int]) -> str:
    return imap.begin(uid_set(uids), _ITEMS)


def _answers(imap: Imap, tag: str) -> Mapping[int, Mapping[bytes, Any]]:
    raw = imap.finish(tag)
    found = [_read(about, end) for about, end in zip(raw[::2], raw[1::2], strict=False)]
    if len(raw) == 2 * len(found) and None not in found:
        return dict(cast(list[tuple[int, Mapping[bytes, Any]]], found))
    return answers_of(raw)


def _read(about: Any, end: Any) -> tuple[int, Mapping[bytes, Any]] | None:
    """The answer for one message, read as most servers write it; None where all of it has to be looked at.

    A library that takes any answer apart, sign by sign, needs as long for it as all else that is done to a message.
    """
    head, content = cast(tuple[bytes, bytes], about) if isinstance(about, tuple) else (b"", b"")
    answer = _PLAIN.fullmatch(head) if end == b")" else None
    if answer is None:
        return None
    said = dict(_ITEM.findall(answer[1]))
    arrived = _DATE.fullmatch(said.get(b"INTERNALDATE", b"").strip(b'"'))
    if arrived is None or not {b"UID", b"FLAGS", b"RFC822.SIZE"} <= said.keys():
        return None
    day, month, year, hour, minute, second, zone = arrived.groups()
    ahead = (1 if zone[:1] == b"+" else -1) * (int(zone[1:3]) * 3600 + int(zone[3:]) * 60)
    at = timegm((int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), 0, 0, 0))
    return int(said[b"UID"]), {
        b"FLAGS": said[b"FLAGS"].strip(b"()").split(),
        b"RFC822.SIZE": int(said[b"RFC822.SIZE"]),
        b"INTERNALDATE": datetime.fromtimestamp(at - ahead, UTC),
        b"BODY[]": content,
    }


def _long(answers: Mapping[int, Mapping[bytes, Any]]) -> bool:
    return any(one.get(b"RFC822.SIZE", 0) > FIRST_BYTES for one in answers.values())


def _given(imap: Imap, answers: Mapping[int, Mapping[bytes, Any]], wanted: Sequence[int]) -> Iterator[Given]:
    for uid in wanted:
        answer = answers.get(uid)
        if answer is None or (content := _content(answer)) is None:
            continue
        size, flags = int(answer.get(b"RFC822.SIZE", len(content))), flags_text(answer.get(b"FLAGS", ()))
        date = answer.get(b"INTERNALDATE")
        arrived = max(0, int(date.timestamp())) if isinstance(date, datetime) else 0
        if len(content) < FIRST_BYTES:
            yield Given(uid, flags, arrived, size, content, True, [], [])
        else:
            yield _taken_apart(imap, Given(uid, flags, arrived, size, content, False, [], []))


def _content(answer: Mapping[bytes, Any]) -> bytes | None:
    found = next((value for key, value in answer.items() if key.startswith(b"BODY[]")), None)
    return found if isinstance(found, bytes) else None


def _taken_apart(imap: Imap, long: Given) -> Given:
    """A long message with its readable parts and the list of its attachments."""
    uid = str(long.uid)
    try:
        structure = (
            answers_of(imap.finish(imap.begin(uid, "(BODYSTRUCTURE)")))
            .get(long.uid, {})
            .get(b"BODYSTRUCTURE")
        )
        leaves = list(_leaves(structure, "", 0))[:MOST_PARTS]
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, RecursionError, ValueError, TypeError, IndexError, AttributeError):
        problem = "It is too broken or too deeply nested for its attachments to be listed."
        return Given(long.uid, long.flags, long.arrived, long.size, long.content, True, [], [], problem)
    readable = [one for one in leaves if one[2]][:MOST_TEXTS]
    tags = [imap.begin(uid, f"(BODY.PEEK[{one[0].section}]<0.{MOST_TEXT_BYTES}>)") for one in readable]
    texts: list[Text] = []
    for (part, charset, _), tag in zip(readable, tags, strict=True):
        answer = answers_of(imap.finish(tag)).get(long.uid, {})
        content = next((v for k, v in answer.items() if k.startswith(b"BODY[") and isinstance(v, bytes)), b"")
        texts.append(Text(part.type, charset, part.encoding, content, len(content) < MOST_TEXT_BYTES))
    attached = [part for part, _, text in leaves if not text][:MOST_ATTACHMENTS]
    return Given(long.uid, long.flags, long.arrived, long.size, long.content, False, texts, attached)


def _leaves(structure: Any, section: str, depth: int) -> Iterator[tuple[Part, str, bool]]:
    """The parts of a BODYSTRUCTURE that hold something: the part, its charset, and whether it is read as text."""
    if depth > DEEPEST:
        raise RecursionError
    if isinstance(structure[0], list):
        for number, one in enumerate(structure[0], 1):
            yield from _leaves(one, f"{section}.{number}" if section else str(number), depth + 1)
        return
    kind = f"{_word(structure[0])}/{_word(structure[1])}"
    mime = Mime()
    mime["Content-Type"] = "; ".join([kind, *_parameters(structure[2])])
    disposition = next((one for one in structure[7:] if _is_disposition(one)), None)
    if disposition is not None:
        mime["Content-Disposition"] = "; ".join([_word(disposition[0]), *_parameters(disposition[1])])
    name, encoding = file_name(mime), _word(structure[5])
    size = int(structure[6] or 0)
    part = Part(
        section=section or "1",
        name=name or unnamed(kind),
        type=kind,
        size=size * 3 // 4 if encoding == "base64" else size,
        encoding=encoding if encoding in ("base64", "quoted-printable") else "",
    )
    attached = mime.get_content_disposition() == "attachment"
    charset = mime.get_content_charset()
    yield part, charset if isinstance(charset, str) else "", is_text(kind, name, attached=attached)


def _is_disposition(one: Any) -> bool:
    pair = cast(tuple[Any, ...], one) if isinstance(one, tuple) else ()
    return len(pair) == 2 and _word(pair[0]) in ("attachment", "inline", "form-data")


def _parameters(given: Any) -> Iterator[str]:
    """Parameters as a header would have them."""
    pairs = cast(tuple[Any, ...], given if isinstance(given, tuple) else ())
    for key, value in zip(pairs[::2], pairs[1::2], strict=False):
        text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
        plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", " ")
        yield f'{_word(key)}="{plain}"'


def _word(given: Any) -> str:
    return given.decode("ascii", "replace").lower() if isinstance(given, bytes) else ""
