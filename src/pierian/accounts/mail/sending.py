"""Sending a message once: by the account's SMTP server, with a copy in the mailbox of sent ones.

That a message is about to be sent is written down, on the disk itself, before the server has all of it. After a crash
in between it is looked for in the sent ones; where it is not found nobody knows whether it went out, and it is not
sent again. What a message says is the business of `composing`. Blocking: call it in a thread.
"""

from __future__ import annotations

import smtplib
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import delete, insert, select, update

from pierian.accounts.account import Account, Service
from pierian.accounts.mail.composing import addresses_of, is_ascii, wire
from pierian.accounts.mail.connection import Imap, reaching, signed_in, where
from pierian.accounts.mail.message import SEEN
from pierian.accounts.mail.pace import PacedSmtp, PacedSmtpTls
from pierian.accounts.secrets import Secret
from pierian.accounts.store import Accounts
from pierian.accounts.transport import TIMEOUT, tls
from pierian.accounts.troubles import AccountError, explained, refuse_plain_text
from pierian.exceptions import UserError
from pierian.storage.account_tables import sent_messages
from pierian.storage.ids import utc_now

COPY_THEMSELVES = (".gmail.com", ".googlemail.com", ".office365.com", ".outlook.com")
"""Servers that keep a copy of what is sent through them."""
LOOKS, LOOK_SECONDS = 3, 1.0
"""How often such a copy is looked for, and the pause in between."""


class Sent(Struct, frozen=True, kw_only=True):
    """A message that went out."""

    message_id: str
    refused: tuple[str, ...] = ()
    """Addresses that the server did not take; the others have it."""
    problem: str = ""
    """Why there is no copy of it among the sent ones; empty where there is."""


class SendingUnknown(AccountError):
    """The connection or the process ended while a message was handed over: nobody knows whether it went out."""

    def __init__(self, at: str) -> None:
        super().__init__(
            f"Whether the message went out by {at} is not known: the connection ended while it was handed over.",
            code="failed",
            hint="Please look among the sent messages, or ask who should have got it. It is not sent again.",
        )


def send_message(accounts: Accounts, account: Account, secret: Secret | None, message: EmailMessage) -> Sent:
    """Send a message to all whom it names; one that was sent before is not sent again.

    Raises `UserError` where it cannot be sent as it is, `SendingUnknown`, or `AccountError` where it did not go out.
    """
    service, recipients = _service(account), addresses_of(message)
    if not recipients:
        raise UserError("The message has no recipient.")
    message_id = str(message["Message-ID"])
    if (before := look_for(accounts, account, secret, message_id)) is not None:
        return before
    with reaching(service), signed_in_smtp(service, secret) as smtp:
        content = _as_sent(smtp, message, service)
        refused = _address(smtp, account.address, recipients, service)
        _begin(accounts, account, message_id, refused)
        _hand_over(smtp, content, accounts, account, message_id, service)
    _finish(accounts, account, message_id)
    problem = _keep_copy(account, secret, message, message_id)
    return Sent(message_id=message_id, refused=tuple(refused), problem=problem)


def look_for(accounts: Accounts, account: Account, secret: Secret | None, message_id: str) -> Sent | None:
    """Whether this message was sent before: how, or None where it was not.

    Raises `SendingUnknown` where a try to send it did not come to its end and it is not among the sent ones.
    """
    c = sent_messages.c
    with accounts.database.read() as connection:
        row = connection.execute(
            select(c.state, c.refused).where(c.account_id == account.id, c.message_id == message_id)
        ).first()
    if row is None:
        return None
    if row.state != "sent":
        if not is_among_sent(account, secret, message_id):
            raise SendingUnknown(where(_service(account)))
        _finish(accounts, account, message_id)
    return Sent(message_id=message_id, refused=msgspec.json.decode(row.refused, type=tuple[str, ...]))


def is_among_sent(account: Account, secret: Secret | None, message_id: str) -> bool:
    """Whether the server has a copy of a message among the sent ones."""
    service = account.service("imap")
    if service is None:
        return False
    with signed_in(service, secret) as imap:
        return _copied(imap, message_id)


def _copied(imap: Imap, message_id: str) -> bool:
    for mailbox in imap.mailboxes():
        if mailbox.role == "sent":
            imap.open(mailbox.path)
            return bool(imap.search_id(message_id))
    return False


def _service(account: Account) -> Service:
    service = account.service("smtp")
    if service is None:
        raise UserError(
            f"No mail can be sent with {account.name}: it has no SMTP server.",
            hint="Link it again with one, or send with another account.",
        )
    return service


@contextmanager
def signed_in_smtp(service: Service, secret: Secret | None) -> Generator[smtplib.SMTP]:
    """A signed-in connection to the server that sends."""
    if service.security == "none":
        refuse_plain_text(service.host)
    if service.security == "tls":
        smtp: PacedSmtp = PacedSmtpTls(service.host, service.port, timeout=TIMEOUT, context=tls())
    else:
        smtp = PacedSmtp(service.host, service.port, timeout=TIMEOUT)
    try:
        if service.security == "starttls":
            smtp.starttls(context=tls())
        smtp.ehlo()
        given = secret or Secret()
        if service.sign_in == "oauth":
            token = f"user={service.username}\1auth=Bearer {given.access_token}\1\1"
            smtp.auth("XOAUTH2", _answer_with(token))
        elif service.sign_in == "password":
            smtp.login(service.username, given.password)
        yield smtp
    finally:
        smtp.close()


def _answer_with(token: str) -> Any:
    """The token first; to the server's reasons for refusing it there is no answer."""

    def answer(challenge: bytes | None = None) -> str:
        return token if challenge is None else ""

    return answer


def _as_sent(smtp: smtplib.SMTP, message: EmailMessage, service: Service) -> bytes:
    """The bytes that go over the wire, without the names of hidden recipients."""
    if not is_ascii(message) and not smtp.has_extn("smtputf8"):
        raise UserError(f"{where(service)} sends to no address with letters other than a to z before the @.")
    content = wire(_without_bcc(message))
    most = smtp.esmtp_features.get("size", "")
    if most.isdigit() and 0 < int(most) < len(content):
        raise UserError(
            f"The message has {len(content):,} bytes; {where(service)} takes {int(most):,} at most."
        )
    return content


def _without_bcc(message: EmailMessage) -> EmailMessage:
    if "Bcc" not in message:
        return message
    import copy

    shown = copy.deepcopy(message)
    del shown["Bcc"]
    return shown


def _address(smtp: smtplib.SMTP, sender: str, recipients: Sequence[str], service: Service) -> list[str]:
    """Name the sender and the recipients; those that were refused. Raises `AccountError` where none was taken."""
    options = ["SMTPUTF8"] if not all(one.isascii() for one in [sender, *recipients]) else []
    code, _ = smtp.mail(sender, options)
    if code != 250:
        raise _refused(code, service) or AccountError(
            f"{where(service)} does not send for {sender}.", code="denied"
        )
    codes = {one: smtp.rcpt(one)[0] for one in recipients}
    refused = [one for one, code in codes.items() if code not in (250, 251)]
    if len(refused) == len(recipients):
        code = codes[refused[0]]
        raise _refused(code, service) or AccountError(
            f"{where(service)} takes no mail to {', '.join(refused)}.",
            code="not_found",
            hint="Check the address.",
        )
    return refused


def _refused(code: int, service: Service) -> AccountError | None:
    """The error for an answer that means more than that an address is not taken."""
    if 500 <= code < 600 and code not in (530, 534, 535, 552):
        return None
    return explained(smtplib.SMTPResponseException(code, b""), where(service))


def _hand_over(
    smtp: smtplib.SMTP,
    content: bytes,
    accounts: Accounts,
    account: Account,
    message_id: str,
    service: Service,
) -> None:
    """Give the message itself to the server. Only a clear no means that it did not go out."""
    try:
        code, _ = smtp.data(content)
    except smtplib.SMTPDataError as error:
        code = error.smtp_code
    except (OSError, smtplib.SMTPException) as error:
        raise SendingUnknown(where(service)) from error
    if code != 250:
        _withdraw(accounts, account, message_id)
        raise _refused(code, service) or AccountError(
            f"{where(service)} does not take this message ({code}).", code="denied"
        )


def _begin(accounts: Accounts, account: Account, message_id: str, refused: Sequence[str]) -> None:
    row = {
        "account_id": account.id,
        "message_id": message_id,
        "state": "sending",
        "refused": msgspec.json.encode(refused).decode(),
        "begun_at": utc_now(),
    }
    with accounts.database.append(durable=True) as connection:
        connection.execute(insert(sent_messages).values(row))


def _finish(accounts: Accounts, account: Account, message_id: str) -> None:
    c = sent_messages.c
    with accounts.database.append(durable=True) as connection:
        connection.execute(
            update(sent_messages)
            .where(c.account_id == account.id, c.message_id == message_id)
            .values(state="sent")
        )


def _withdraw(accounts: Accounts, account: Account, message_id: str) -> None:
    c = sent_messages.c
    with accounts.database.append() as connection:
        connection.execute(
            delete(sent_messages).where(c.account_id == account.id, c.message_id == message_id)
        )


def _keep_copy(account: Account, secret: Secret | None, message: EmailMessage, message_id: str) -> str:
    """Put a copy among the sent ones unless the server does; why there is none, empty where there is one."""
    service, smtp = account.service("imap"), _service(account)
    if service is None:
        return ""
    does_it = f".{smtp.host.lower()}".endswith(COPY_THEMSELVES)
    try:
        with signed_in(service, secret) as imap:
            for attempt in range(LOOKS if does_it else 1):
                if attempt:
                    time.sleep(LOOK_SECONDS)
                if _copied(imap, message_id):
                    return ""
            if does_it:
                return "It was sent; its copy is not among the sent messages yet."
            path = next((one.path for one in imap.mailboxes() if one.role == "sent"), "")
            if not path:
                imap.create(path := "Sent")
            imap.append(path, wire(message), [SEEN])
    except AccountError as error:
        return f"It was sent, but no copy of it could be kept: {error}"
    return ""
