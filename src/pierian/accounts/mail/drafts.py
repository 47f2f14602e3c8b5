"""Drafts at the server: a message that the user finishes and sends with whatever program they like.

A draft is found again by its Message-ID, so that one step makes one draft however often it is tried. Blocking: call
it in a thread.
"""

from __future__ import annotations

from email.message import EmailMessage

from msgspec import Struct

from pierian.accounts.account import Account, Service
from pierian.accounts.mail.composing import wire
from pierian.accounts.mail.connection import Imap, signed_in
from pierian.accounts.mail.message import DRAFT, SEEN
from pierian.accounts.secrets import Secret
from pierian.accounts.troubles import AccountError
from pierian.exceptions import UserError


class Draft(Struct, frozen=True, kw_only=True):
    """A draft that lies at the server."""

    message_id: str
    mailbox: str


def save_draft(account: Account, secret: Secret | None, message: EmailMessage) -> Draft:
    """Put a draft into the mailbox for drafts and read it back; one that lies there stays as it is.

    Raises `AccountError`; the code `full` where there is no room.
    """
    message_id = str(message["Message-ID"])
    with signed_in(imap_of(account), secret) as imap:
        if (before := _found(imap, message_id)) is not None:
            return before
        path = _mailbox(imap) or "Drafts"
        if not _mailbox(imap):
            imap.create(path)
        imap.append(path, wire(message), [DRAFT, SEEN])
        if (kept := _found(imap, message_id)) is None:
            raise AccountError("The server took the draft but does not show it.", code="failed")
        return kept


def find_draft(account: Account, secret: Secret | None, message_id: str) -> Draft | None:
    """The draft with this Message-ID, None where there is none."""
    with signed_in(imap_of(account), secret) as imap:
        return _found(imap, message_id)


def imap_of(account: Account) -> Service:
    """Where the mail of an account is; raises `UserError` where it has none."""
    service = account.service("imap")
    if service is None:
        raise UserError(
            f"{account.name} has no mail.",
            hint="Name an account that has; `pierian accounts list` shows them.",
        )
    return service


def _mailbox(imap: Imap) -> str:
    return next((one.path for one in imap.mailboxes() if one.role == "drafts"), "")


def _found(imap: Imap, message_id: str) -> Draft | None:
    if not (path := _mailbox(imap)):
        return None
    imap.open(path)
    return Draft(message_id=message_id, mailbox=path) if imap.search_id(message_id) else None
