"""What the tools for mail give back: small values with plain names, which plans refer to."""

from __future__ import annotations

from msgspec import Struct


class MailListed(Struct, frozen=True, kw_only=True):
    """A message in a list; `id` names it for the other tools, `sender` is an address, `sent` a date and time."""

    id: str
    account: str
    mailbox: str
    sender: str
    sender_name: str
    to: list[str]
    subject: str
    sent: str
    unread: bool
    begins: str
    attachments: list[str]


class MailAttached(Struct, frozen=True):
    """An attachment that has not been fetched."""

    name: str
    type: str
    bytes: int


class MailRead(Struct, frozen=True, kw_only=True):
    """A message; `problem` says what of it could not be read."""

    id: str
    sender: str
    sender_name: str
    to: list[str]
    cc: list[str]
    reply_to: list[str]
    subject: str
    sent: str
    text: str
    attachments: list[MailAttached]
    problem: str


class MailThread(Struct, frozen=True):
    """A conversation, the oldest message first; `left_out` counts older ones for which there was no room."""

    account: str
    subject: str
    messages: list[MailRead]
    left_out: int


class MailFile(Struct, frozen=True):
    """An attachment that is a file now."""

    path: str
    name: str
    type: str
    bytes: int


class MailLabels(Struct, frozen=True):
    """The labels that a message has now."""

    id: str
    labels: list[str]


class MailMoved(Struct, frozen=True):
    """Where a message is now."""

    id: str
    mailbox: str


class MailDrafted(Struct, frozen=True):
    """A draft that lies at the server."""

    account: str
    mailbox: str
    message_id: str


class MailSent(Struct, frozen=True):
    """A message that went out; `refused` are addresses that the server did not take, `problem` what else is amiss."""

    account: str
    message_id: str
    refused: list[str]
    problem: str
