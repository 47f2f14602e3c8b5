"""Invitations, changes and cancellations by mail (iMIP, RFC 6047), for servers that do not tell attendees themselves.

A letter has a Message-ID made from the step that sends it, so that it goes out once. How mail is sent is the business
of `mail.sending`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from typing import Protocol

from pierian.accounts.account import Account
from pierian.accounts.calendars.composing import Method
from pierian.accounts.mail.composing import message_id_for
from pierian.accounts.secrets import Sealer
from pierian.accounts.signing_in import fresh_secret
from pierian.accounts.store import Accounts
from pierian.characters import without_misleading

_SUBJECTS: dict[Method, str] = {"REQUEST": "Invitation", "CANCEL": "Cancelled", "REPLY": "Declined"}


class Mail(Protocol):
    """Sends letters, each once."""

    def send(self, account: Account, message: EmailMessage) -> object:
        """Send a letter, unless one with its Message-ID has been sent."""
        ...

    def was_sent(self, account: Account, message_id: str) -> bool:
        """Whether a letter has been sent."""
        ...


class AccountMail:
    """Sends by the mail server of an account."""

    def __init__(self, accounts: Accounts, sealer: Callable[[], Sealer]) -> None:
        self._accounts = accounts
        self._sealer = sealer

    def send(self, account: Account, message: EmailMessage) -> object:
        """Send a letter, unless one with its Message-ID has been sent."""
        from pierian.accounts.mail.sending import send_message

        secret = fresh_secret(self._accounts, account, self._sealer, "smtp")
        return send_message(self._accounts, account, secret, message)

    def was_sent(self, account: Account, message_id: str) -> bool:
        """Whether a letter has been sent."""
        from pierian.accounts.mail.sending import look_for

        secret = fresh_secret(self._accounts, account, self._sealer, "imap")
        return look_for(self._accounts, account, secret, message_id) is not None


def letter(
    sender: str, to: Sequence[str], method: Method, title: str, when: str, calendar: str, message_id: str
) -> EmailMessage:
    """A letter about an event: for people who read it, and for their calendars."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Subject"] = " ".join(without_misleading(f"{_SUBJECTS[method]}: {title}").split())[:200]
    message["Message-ID"] = message_id
    message.set_content(f"{_SUBJECTS[method]}: {title}\n{when}\n")
    message.add_alternative(
        calendar.encode(),
        maintype="text",
        subtype="calendar",
        params={"method": method, "charset": "UTF-8", "component": "VEVENT"},
    )
    return message


def message_id_of(sender: Account, key: str, uid: str, method: Method) -> str:
    """The Message-ID of the letter that a step sends."""
    return message_id_for(f"{key}/{uid}/{method}", sender)
