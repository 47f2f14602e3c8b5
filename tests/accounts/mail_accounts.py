"""Accounts with mail for tests: linked to the servers of the tests, with messages in them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from cryptography.fernet import Fernet
from imapclient import IMAPClient
from tests.accounts.dovecot_server import PASSWORD, Dovecot

from pierian.accounts.account import Account, Service, Switches
from pierian.accounts.mail import reading
from pierian.accounts.mail.message import Message
from pierian.accounts.mail.syncing import sync_mail
from pierian.accounts.secrets import Sealer, Secret
from pierian.accounts.store import Accounts
from pierian.accounts.syncing import Progress, Synced, silent
from pierian.storage import Database, open_database

KEY = Fernet.generate_key()
SECRET = Secret(password=PASSWORD)
NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
ALL = Switches(read=True, write=True, send=True)


@dataclass
class Linked:
    """An account at a server, the copy of it, and a connection beside."""

    server: Dovecot
    accounts: Accounts
    account: Account

    @property
    def database(self) -> Database:
        return self.accounts.database

    def client(self) -> IMAPClient:
        return self.server.client(self.account.address)

    def put(self, *messages: bytes, mailbox: str = "INBOX", flags: tuple[bytes, ...] = ()) -> None:
        """Put messages into a mailbox at the server."""
        with self.client() as client:
            for message in messages:
                client.append(mailbox, message, flags)

    def sync(self, progress: Progress = silent) -> Synced:
        return sync_mail(self.accounts, self.account, SECRET, progress)

    def found(self, **query: object) -> list[Message]:
        asked = reading.Query(**{"limit": 200, **query})  # type: ignore[arg-type]
        return list(reading.search(self.database, [self.account], asked).messages)

    def subjects(self, **query: object) -> list[str]:
        return sorted(one.subject for one in self.found(**query))


def link(
    server: Dovecot,
    folder: Path,
    *,
    switches: Switches = ALL,
    smtp: int = 0,
    security: str = "none",
    host: str = "127.0.0.1",
    name: str = "work",
) -> Linked:
    """A new user of the server, linked as an account of a new database."""
    user = server.user()
    port = server.tls_port if security == "tls" else server.port
    services = [Service(kind="imap", host=host, port=port, security=security, username=user)]  # type: ignore[arg-type]
    if smtp:
        services.append(Service(kind="smtp", host="127.0.0.1", port=smtp, security="none", username=user))
    accounts = Accounts(open_database(folder / "pierian.db"))
    account = accounts.add(name, "imap", user, services, switches, Sealer(KEY).seal(SECRET))
    return Linked(server, accounts, account)


def mail(
    number: int = 0,
    *,
    subject: str = "",
    sender: str = "Ann <ann@example.org>",
    to: str = "me@example.org",
    text: str = "",
    date: datetime = NOW,
    head: str = "",
) -> bytes:
    """A plain message; numbers make different ones."""
    lines = [
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {subject or f'Message {number}'}",
        f"Message-ID: <{number}@example.org>",
        f"Date: {format_datetime(date)}",
        *([head] if head else []),
        "Content-Type: text/plain; charset=utf-8",
        "",
        text or f"This is message number {number}.",
        "",
    ]
    return "\r\n".join(lines).encode()


def until(condition: object, seconds: float = 30.0) -> None:
    """Wait until a function says yes."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)
