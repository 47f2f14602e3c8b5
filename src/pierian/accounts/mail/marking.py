"""Flags, labels and places of messages: set at the server first, then in the copy here.

A message is acted on only while its mailbox is the one that was synced (the same UIDVALIDITY); otherwise it has to be
synced first. Blocking: call it in a thread.
"""

from __future__ import annotations

import imaplib
import re
from collections.abc import Callable

from sqlalchemy import update

from pierian.accounts.account import Account
from pierian.accounts.mail.connection import Imap, signed_in, where
from pierian.accounts.mail.drafts import imap_of
from pierian.accounts.mail.message import ANSWERED, DELETED, FLAGGED, SEEN, Message, without_id
from pierian.accounts.mail.reading import Box, boxes
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.accounts.troubles import AccountError, explained
from pierian.exceptions import UnknownName, UserError
from pierian.storage.account_tables import messages
from pierian.storage.words import fold

FLAGS = {"read": SEEN, "answered": ANSWERED, "flagged": FLAGGED}
"""Labels that every mail program knows."""
_LABEL = re.compile(r"[A-Za-z0-9$_.+-]{1,50}")


def flag_of(label: str) -> str:
    """The flag that a label is at the server; raises `UserError`."""
    known = FLAGS.get(fold(label))
    if known is None and not _LABEL.fullmatch(label.strip()):
        raise UserError(
            f"{label[:60]!r} cannot be a label.",
            hint="read, answered, flagged, or one word of letters, digits, dashes and dots.",
        )
    return known or label.strip()


def set_label(
    accounts: Accounts, account: Account, secret: Secret | None, message: Message, label: str, *, on: bool
) -> tuple[str, ...]:
    """Put a label on a message or take it off; all its flags afterwards, as the server says."""
    flag = flag_of(label)
    with signed_in(imap_of(account), secret) as imap:
        _open(imap, accounts, account, message)
        flags = imap.store(message.uid, flag, on=on)
    if flags is None:
        raise AccountError(
            "The message is no longer where it was.",
            code="not_found",
            hint=f"pierian accounts sync {account.name}",
        )
    if (f" {flag.lower()} " in flags.lower()) is not on:
        raise AccountError(f"The server keeps no label {label!r}.", code="denied")
    with accounts.database.append() as connection:
        connection.execute(update(messages).where(messages.c.id == message.row).values(flags=flags))
    return tuple(flags.split())


def mailbox_called(account: Account, secret: Secret | None, mailbox: str) -> str:
    """The name of the mailbox that is meant by a name or role, as the server has it; raises `UserError`."""
    with signed_in(imap_of(account), secret) as imap:
        return _target(imap, mailbox)[1]


def move_message(
    accounts: Accounts,
    account: Account,
    secret: Secret | None,
    message: Message,
    mailbox: str,
    agreed: Callable[[str], None] | None = None,
) -> str:
    """Move a message to a mailbox, by its name or role (archive, trash, junk); the name of the mailbox.

    `agreed` gets that name before anything is moved.
    """
    with signed_in(imap_of(account), secret) as imap:
        path, name = _target(imap, mailbox)
        if agreed is not None:
            agreed(name)
        copied = _is_copied(imap, accounts, account, message, path)
        _open(imap, accounts, account, message)
        if copied:
            imap.remove(message.uid)
        else:
            imap.move(message.uid, path)
        there = message.uid not in imap.numbers() if without_id(message) else _is_in(imap, path, message)
        if not there:
            raise AccountError(f"The server does not show the message in {name}.", code="failed")
    # Its row is kept until the next sync, out of sight, so that what was done can be looked up by its id.
    with accounts.database.append() as connection:
        flags = f" {' '.join([*message.flags, DELETED])} "
        connection.execute(update(messages).where(messages.c.id == message.row).values(flags=flags))
    return name


def is_in(
    accounts: Accounts, account: Account, secret: Secret | None, message: Message, mailbox: str
) -> str | None:
    """The name of the mailbox, if the message is in it now and no longer where it was."""
    with signed_in(imap_of(account), secret) as imap:
        path, name = _target(imap, mailbox)
        if without_id(message) or not _is_in(imap, path, message):
            return None
        box = _box(accounts, account, message)
        if box is None or box.path == path or imap.open(box.path).validity != box.mailbox.validity:
            return name
        return None if message.uid in imap.search_id(message.message_id) else name


def _is_copied(imap: Imap, accounts: Accounts, account: Account, message: Message, path: str) -> bool:
    """Whether an earlier try to move a message has left a copy there, and the message where it was.

    Servers move by copying, and one that dies in between has done half of it. A copy has the size of what it was
    made of, and its time of arrival.
    """
    box = _box(accounts, account, message)
    if box is None or box.path == path or without_id(message):
        return False
    target = imap.open(path)
    there = imap.stamps(imap.search_id(message.message_id))
    if target.validity == box.mailbox.validity and message.uid in there:
        return False  # one mailbox by two names
    open_synced(imap, box, account, message, to_write=False)
    return imap.stamps([message.uid]).get(message.uid) in there.values()


def _is_in(imap: Imap, path: str, message: Message) -> bool:
    imap.open(path)
    return bool(imap.search_id(message.message_id))


def _target(imap: Imap, mailbox: str) -> tuple[str, str]:
    wanted, known = fold(mailbox), imap.mailboxes()
    for one in known:
        if wanted in (fold(one.path), fold(one.name), one.role):
            return one.path, one.name
    raise UnknownName("mailbox", mailbox, [one.name for one in known])


def _box(accounts: Accounts, account: Account, message: Message) -> Box | None:
    """The mailbox of a message, as it was synced."""
    with accounts.database.read() as connection:
        return boxes(connection, [account]).get(message.collection)


def open_synced(imap: Imap, box: Box | None, account: Account, message: Message, *, to_write: bool) -> None:
    """Open the mailbox of a message; raises `AccountError` where it is no longer the one that was synced."""
    trouble = None
    try:
        if box is not None and imap.open(box.path, to_write=to_write).validity == box.mailbox.validity:
            return
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:  # it was renamed, or is gone
        trouble = explained(error, where(imap.service))
    if trouble is not None and trouble.code not in ("failed", "not_found"):
        raise trouble
    raise AccountError(
        f"The mailbox {message.mailbox} has changed since it was synced.",
        code="not_found",
        hint=f"pierian accounts sync {account.name}",
    )


def _open(imap: Imap, accounts: Accounts, account: Account, message: Message) -> None:
    open_synced(imap, _box(accounts, account, message), account, message, to_write=True)
