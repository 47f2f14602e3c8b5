"""The tables of connected accounts: what was linked, and the copies of calendars, mail and contacts that were synced.

Beside `tables`, of which it holds to the same rules. Times of events and messages are whole seconds since 1970 in
UTC: they are compared by the hundred thousand. All below `collections` is a copy of what stands on a server, and can
be synced again.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

from pierian.storage.schema import Moment, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("name", String(100), nullable=False),
    Column("folded", String(200), nullable=False),  # as `words.fold` makes it: names differ in it
    Column("kind", String(20), nullable=False),
    Column(
        "address", Text, nullable=False
    ),  # whose it is: a mail address, a user name, or the address of a file
    Column("services", Text, nullable=False),  # JSON: where its calendars, mail and contacts are
    Column("may_read", Boolean, nullable=False),
    Column("may_write", Boolean, nullable=False),
    Column("may_send", Boolean, nullable=False),
    Column("free_busy_only", Boolean, nullable=False),
    Column("problem", Text, nullable=False),  # why the last look at it failed; empty where it did not
    Column("created_at", Moment, nullable=False),
    Column("checked_at", Moment, nullable=True),
    Column("synced_at", Moment, nullable=True),
    Column("hint", Text, nullable=False, server_default=text("''")),  # what to do about the problem
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row
    Column("retry_at", Moment, nullable=True),  # before then nobody tries it by themselves
    UniqueConstraint("owner", "folded"),
)

account_secrets = Table(
    "account_secrets",
    metadata,
    Column("account_id", String(26), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

collections = Table(
    "collections",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", String(26), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(20), nullable=False),  # calendar, mailbox or address_book
    Column("path", Text, nullable=False),  # at the server: an address, or the name of a mailbox
    Column("name", Text, nullable=False),
    Column("writable", Boolean, nullable=False),
    Column("state", Text, nullable=False),  # JSON: how far it was synced, as the protocol says it
    UniqueConstraint("account_id", "kind", "path"),
)

calendar_objects = Table(
    "calendar_objects",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("href", Text, nullable=False),
    Column("uid", Text, nullable=False),
    Column("etag", Text, nullable=False),
    Column("data", Text, nullable=False),  # iCalendar, as the server has it
    Column(
        "repeats_until", BigInteger, nullable=True
    ),  # how far it was expanded, where it goes on after that
    UniqueConstraint("collection_id", "href"),
    Index(None, "collection_id", "uid"),
    Index(None, "repeats_until"),
)

occurrences = Table(
    "occurrences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("object_id", Integer, ForeignKey("calendar_objects.id", ondelete="CASCADE"), nullable=False),
    Column("collection_id", Integer, nullable=False),
    Column("begins", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    Column(
        "lasts_long", Boolean, nullable=False
    ),  # more than a day: looked for apart, so that the rest is found fast
    Column("whole_days", Boolean, nullable=False),
    Column("busy", Boolean, nullable=False),
    Column("status", String(20), nullable=False),  # confirmed, tentative or cancelled
    Column("recurrence", String(40), nullable=False),  # its RECURRENCE-ID; empty for a single event
    Column("summary", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("organizer", Text, nullable=False),
    Column("attendees", Text, nullable=False),  # addresses, with a space in between
    Column("folded", Text, nullable=False),  # what it is found by: summary, location, people, description
    Index(None, "object_id"),
    Index(None, "collection_id", "lasts_long", "begins", "ends", "busy"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("uid", BigInteger, nullable=False),  # within its mailbox, as long as its UIDVALIDITY stands
    Column(
        "digest", String(20), nullable=False
    ),  # names it for people and plans: the same for copies in several mailboxes
    Column("message_id", Text, nullable=False),
    Column("ancestors", Text, nullable=False),  # the Message-IDs that it refers to, the oldest first
    Column(
        "thread", Text, nullable=False
    ),  # the Message-ID of the first of its conversation, as far as it is known
    Column("topic", Text, nullable=False),  # its subject without Re:, folded, where it refers to nothing
    Column("sent_at", BigInteger, nullable=False),
    Column("sender", Text, nullable=False),  # the address alone, folded
    Column("sender_name", Text, nullable=False),
    Column(
        "recipients", Text, nullable=False
    ),  # JSON: lists of [name, address] by "to", "cc", "bcc", "reply_to"
    Column("subject", Text, nullable=False),
    Column("flags", Text, nullable=False),  # with a space before, between and after
    Column("size", BigInteger, nullable=False),
    Column("parts", Text, nullable=False),  # JSON: the attachments, with their place in the message
    Column(
        "automatic", Boolean, nullable=False
    ),  # by a list, a newsletter or a machine: nobody waits for an answer
    Column("problem", Text, nullable=False),  # what of it could not be read; empty where all could
    Column("text", Text, nullable=False),  # what a person reads of it
    UniqueConstraint("collection_id", "uid"),
    Index(None, "digest"),
    Index(None, "message_id"),
    Index(None, "thread"),
    Index(None, "topic"),
    Index(None, "sent_at", "collection_id"),
    Index(None, "sender", "sender_name", "collection_id", "sent_at"),  # who wrote how often and when
)

# The words of messages are in `message_words`, which each database keeps in its own way: the migration makes it, and
# `accounts.mail.words` knows how it is asked.
event.listen(messages, "before_drop", DDL("DROP TABLE IF EXISTS message_words"))

sent_messages = Table(
    "sent_messages",
    metadata,
    Column("account_id", String(26), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("message_id", String(250), primary_key=True),
    Column("state", String(20), nullable=False),  # sending, from before the server gets it; then sent
    Column("refused", Text, nullable=False),  # JSON: the addresses that the server did not take
    Column("begun_at", Moment, nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("collection_id", Integer, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("href", Text, nullable=False),
    Column("uid", Text, nullable=False),
    Column("etag", Text, nullable=False),
    Column("data", Text, nullable=False),  # vCard as the server has it, without pictures; of Graph JSON
    Column("name", Text, nullable=False),
    Column("folded", Text, nullable=False),  # what it is found by: names, nicknames, organisation, notes
    UniqueConstraint("collection_id", "href"),
)

contact_addresses = Table(
    "contact_addresses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("contact_id", Integer, ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(20), nullable=False),  # email or phone
    Column("value", Text, nullable=False),  # folded
    Index(None, "contact_id"),
    Index(None, "value"),
)

seen_events = Table(
    "seen_events",
    metadata,
    Column("account_id", String(26), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("day", String(10), primary_key=True),  # a local date: the first brief of that day saw this
    Column("events", Text, nullable=False),  # JSON: what the next weeks looked like then
)

COPIES = frozenset(
    table.name
    for table in (
        collections,
        calendar_objects,
        occurrences,
        messages,
        contacts,
        contact_addresses,
        seen_events,
    )
)
"""Tables whose rows can be synced again, or are not missed."""
