"""The head of a message: people, subject, date, what it refers to, and whether a machine wrote it.

Headers are read as they come, with bytes that are not allowed there and encoded words that are broken (RFC 2047 and
2231); everything is bounded in length, and nothing here raises for what it is given.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from calendar import timegm
from collections.abc import Iterable
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message as Mime
from email.utils import getaddresses, mktime_tz, parsedate_tz
from hashlib import blake2b
from itertools import islice

from pierian.accounts.mail.charsets import decoded
from pierian.accounts.mail.message import LONG_ID, Person, Recipients
from pierian.storage.attachments import harmless_name
from pierian.storage.words import clean, fold

MOST_HEADERS = 1_000
LONGEST_HEADER = 64_000
LONGEST_LINE = 1_000
"""Characters of a subject."""
LONGEST_NAME = 200
LONGEST_ID = 250
LONGEST_ADDRESS = 320
LONGEST_TOPIC = 200
LEAST_TOPIC = 4
MOST_PEOPLE = 200
MOST_ANCESTORS = 30
MOST_AHEAD = 86_400
"""Seconds that a message may say it was sent after it came."""

_BARE = r"([A-Za-z0-9_.+\-]+@[A-Za-z0-9.\-]+)"
_PLAIN = re.compile(rf'((?:[A-Za-z0-9_\-]+ )+|"[A-Za-z0-9_\- .,]+" )<{_BARE}>|{_BARE}')
_FOLDS = re.compile(r"[\r\n]+[ \t]*")
_ID = re.compile(r"<[^<>\s]+>")
_PREFIX = re.compile(
    r"\s*(?:(?:re|aw|sv|vs|antw|odp|r|rif|res|fwd?|wg|tr|enc|rv)\s*(?:\[\d+\]|\(\d+\))?\s*:|\[[^\[\]]{1,40}\])\s*",
    re.IGNORECASE,
)
_IS_ANSWER = re.compile(
    r"(?:^|[\s\]])(?:re|aw|sv|vs|antw|odp|rif|res)\s*(?:\[\d+\]|\(\d+\))?\s*:", re.IGNORECASE
)
_MACHINES = re.compile(
    r"(?:^|[._+-])(?:no-?_?reply|do-?_?not-?_?reply|mailer-daemon|postmaster|bounces?|notifications?|newsletter|"
    r"news|alerts?|automated|daemon)(?:$|[@._+-])",
    re.IGNORECASE,
)


class Head:
    """The headers of a message."""

    def __init__(self, mime: Mime) -> None:
        self._mime = mime
        self._raw: dict[str, list[str]] = {}
        for name, value in islice(mime.raw_items(), MOST_HEADERS):
            self._raw.setdefault(str(name).lower(), []).append(str(value)[:LONGEST_HEADER])

    def every(self, name: str) -> list[str]:
        """All values of a header as they came, unfolded."""
        return [_FOLDS.sub(" ", one).strip() for one in self._raw.get(name.lower(), ())]

    def one(self, name: str) -> str:
        """The first value of a header; empty where it has none."""
        return next(iter(self.every(name)), "")

    def subject(self) -> str:
        """The subject on one line."""
        return line_of(unfolded(self.one("Subject")))

    def sender(self) -> Person:
        """Who says to have written it: the address folded."""
        found = people(self.every("From")) or people(self.every("Sender")) or (Person("", ""),)
        return Person(found[0].name, fold(found[0].address))

    def recipients(self) -> Recipients:
        """Whom it names."""
        return Recipients(*(people(self.every(name)) for name in ("To", "Cc", "Bcc", "Reply-To")))

    def message_id(self) -> str:
        """Its Message-ID; empty where it has none."""
        found = _ID.search(self.one("Message-ID"))
        return short_id(found[0] if found else "")

    def ancestors(self) -> list[str]:
        """The Message-IDs that it refers to, the oldest first."""
        before = _ID.findall(" ".join(self.every("References")))
        before += [one for one in _ID.findall(self.one("In-Reply-To")) if "@" in one]
        every = list(dict.fromkeys(map(short_id, before)))
        return every if len(every) <= MOST_ANCESTORS else [every[0], *every[-MOST_ANCESTORS + 1 :]]

    def automatic(self, sender: str) -> bool:
        """Whether a list, a newsletter or a machine wrote it (RFC 2919, 2369, 3834)."""
        if any(name in self._raw for name in ("list-id", "list-unsubscribe", "list-post", "feedback-id")):
            return True
        if self.one("Precedence").lower() in ("bulk", "list", "junk", "auto_reply"):
            return True
        if (self.one("Auto-Submitted").lower() or "no") != "no":
            return True
        return (
            self._mime.get_content_type() == "multipart/report"
            or self.one("Return-Path") == "<>"
            or _MACHINES.search(sender.partition("@")[0] + "@") is not None
        )


def people(values: Iterable[str]) -> tuple[Person, ...]:
    """The people of address headers, those without an address left out."""
    found: list[Person] = []
    for name, address in _addresses([ascii_of(one) for one in values]):
        whole = clean(address).strip()
        if "@" in whole and len(whole) <= LONGEST_ADDRESS:
            found.append(Person(line_of(unfolded(name))[:LONGEST_NAME], line_of(unfolded(whole))))
        if len(found) == MOST_PEOPLE:
            break
    return tuple(found)


def _addresses(values: list[str]) -> list[tuple[str, str]]:
    """Names and addresses; those that most heads have are seen at once, `email` takes the others apart."""
    plain = [_PLAIN.fullmatch(one) for value in values for one in value.split(", ")]
    if None in plain:
        return getaddresses(values)
    return [((one[1] or "").strip('" '), one[2] or one[3]) for one in plain if one is not None]


def ascii_of(value: str) -> str:
    """A header with bytes that are not allowed there made readable."""
    if value.isascii():
        return value
    return decoded(value.encode("utf-8", "surrogateescape"), None)


def unfolded(value: str) -> str:
    """A header's text, its encoded words read."""
    if "=?" not in value:
        return ascii_of(value)
    try:
        pieces = decode_header(ascii_of(value))
    except (HeaderParseError, binascii.Error, ValueError):
        return ascii_of(value)
    return "".join(one if isinstance(one, str) else decoded(one, charset) for one, charset in pieces)


def line_of(text: str) -> str:
    """Text on one line, as it is kept."""
    whole = text if text.isascii() and "\0" not in text else clean(unicodedata.normalize("NFC", text))
    return " ".join(whole.split())[:LONGEST_LINE]


def short_id(message_id: str) -> str:
    """A Message-ID as it is kept: a very long one by its hash."""
    kept = clean(message_id)
    if len(kept) <= LONGEST_ID:
        return kept
    return f"<{blake2b(kept.encode(), digest_size=16).hexdigest()}{LONG_ID}"


def sent_at(date: str, arrived: int) -> int:
    """When a message was sent, in seconds since 1970: what it says, unless that is no time or lies in the future."""
    try:
        parsed = parsedate_tz(date[:200])
        if parsed is not None and 1970 <= parsed[0] <= 2200:
            said = int(mktime_tz(parsed) if parsed[9] is not None else timegm((*parsed[:6], 0, 1, 0)))
            if said >= 0 and (not arrived or said <= arrived + MOST_AHEAD):
                return said
    except (ValueError, TypeError, OverflowError, IndexError):
        pass
    return arrived


def topic(subject: str) -> str:
    """What is left of a subject without Re: and the like (RFC 5256, 2.1), folded; of an answer `re:` before it."""
    rest, answer = subject, _IS_ANSWER.search(subject[:80]) is not None
    while found := _PREFIX.match(rest):
        rest = rest[found.end() :]
    while rest.lower().endswith("(fwd)"):
        rest = rest[:-5].rstrip()
    kept = fold(rest)[:LONGEST_TOPIC]
    if len(kept) < LEAST_TOPIC:
        return ""
    return f"re:{kept}" if answer else kept


def file_name(part: Mime) -> str:
    """The name of an attachment, harmless; empty where it has none."""
    head = Mime()
    for header, value in islice(part.raw_items(), MOST_HEADERS):
        if header.lower() in ("content-type", "content-disposition") and "name" in str(value).lower():
            head[header] = re.sub(r"[\r\n]+", "", ascii_of(str(value)[:LONGEST_HEADER]))
    try:
        name = head.get_filename()
    except (ValueError, LookupError, TypeError, UnicodeError):
        return ""
    return harmless_name(line_of(unfolded(str(name)))) if name else ""
