"""A server that sends mail, on loopback: it keeps what it is given, and can refuse, die or be slow where a test says."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from tests.accounts.dovecot_server import PASSWORD


@dataclass
class Outbox:
    """What was handed in, and how the server behaves."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Answers to RCPT, by address."""
    answer: str = "250 OK"
    """To the message itself; empty: it takes it and breaks the connection."""
    logins: list[str] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd calls it so
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 sign in first"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if not self.answer or self.answer.startswith("250"):
            self.messages.append(cast(EmailMessage, message_from_bytes(envelope.content, policy=default)))
            self.recipients.append(list(envelope.rcpt_tos))
        if not self.answer:
            server.transport.abort()
        return self.answer or "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        if isinstance(data, LoginPassword):
            self.logins.append(data.login.decode())
            return AuthResult(success=data.password == PASSWORD.encode(), handled=False)
        return AuthResult(success=False, handled=False)


@contextlib.contextmanager
def outbox(tls: ssl.SSLContext | None = None) -> Iterator[Outbox]:
    """A server for a while."""
    kept = Outbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        kept.port = probe.getsockname()[1]
    server = Controller(
        kept,
        hostname="127.0.0.1",
        port=kept.port,
        authenticator=kept.authenticate,
        auth_require_tls=False,
        enable_SMTPUTF8=True,
        ssl_context=tls,
    )
    server.start()
    try:
        yield kept
    finally:
        server.stop()
