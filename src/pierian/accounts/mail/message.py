"""What a message is, once it was read: values only, for searching, reading and answering.

How it is made of bytes is the business of `parsing`, where its rows lie that of `keeping` and `reading`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

SEEN, ANSWERED, FLAGGED, DRAFT, DELETED = "\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted"
"""Flags that every server has (RFC 9051, 2.3.2); others are words that people and programs chose."""

NO_ID = "@no-message-id>"
"""How the Message-ID ends that is made up here for a message without one."""
LONG_ID = "@too-long>"
"""How one ends that stands for a very long one."""

Role = Literal["inbox", "sent", "drafts", "archive", "all", "junk", "trash", ""]
"""What a mailbox is for, as the server says (RFC 6154) or its name tells; empty for any other."""


class Person(Struct, frozen=True, array_like=True):
    """A name and an address as they stand in a message; anybody may write anything there."""

    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


class Recipients(Struct, frozen=True, omit_defaults=True):
    """Whom a message names beside its sender."""

    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    reply_to: tuple[Person, ...] = ()

    @property
    def all(self) -> tuple[Person, ...]:
        """Those whom it went to."""
        return self.to + self.cc + self.bcc


class Part(Struct, frozen=True, kw_only=True):
    """An attachment, which stays at the server until somebody wants it."""

    section: str
    """Its place in the message, as IMAP counts: `2` or `1.3`."""
    name: str
    type: str
    size: int
    """In bytes, as far as it is known before it is fetched."""
    encoding: str = ""
    """How its bytes are written: base64, quoted-printable or nothing."""


class Mailbox(Struct, frozen=True, kw_only=True):
    """How far a mailbox was synced: the state of its collection."""

    role: Role = ""
    validity: int = 0
    """Its UIDVALIDITY; 0 before the first sync."""
    next: int = 0
    """Its UIDNEXT when it was last complete."""
    modseq: int = 0
    """Its HIGHESTMODSEQ then; 0 where the server has none."""
    count: int = 0
    """How many messages it had then."""
    complete: bool = False
    """Whether the first sync came to its end."""


class Message(Struct, frozen=True, kw_only=True):
    """A message from the copy on this machine. `text` is cut or empty where it was only listed."""

    id: str
    """Names it for people and plans; copies in several mailboxes have the same."""
    row: int
    account: str
    account_id: str
    mailbox: str
    collection: int
    uid: int
    message_id: str
    ancestors: tuple[str, ...]
    thread: str
    sent: int
    """In seconds since 1970."""
    sender: Person
    recipients: Recipients
    subject: str
    flags: tuple[str, ...]
    size: int
    parts: tuple[Part, ...]
    automatic: bool
    problem: str
    text: str

    @property
    def sent_at(self) -> datetime:
        """When it was sent, as far as one can believe it."""
        return datetime.fromtimestamp(self.sent, UTC)

    @property
    def unread(self) -> bool:
        """Whether nobody has opened it yet."""
        return SEEN not in self.flags


def without_id(message: Message) -> bool:
    """Whether a message has no Message-ID by which a server could find it."""
    return message.message_id.endswith((NO_ID, LONG_ID)) or not message.message_id.isascii()
