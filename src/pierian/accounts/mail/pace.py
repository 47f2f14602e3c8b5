"""How long a mail server may take for one command: a server that sends a byte now and then is given up too.

The time-out of a socket bounds each wait alone, so that an answer in small pieces may last for ever. Here the waits
of a command together are bounded, by a span that grows with what was moved meanwhile: large mailboxes and messages
are slow, and are not idle. What an answer may hold is bounded too. Blocking, as `imaplib` and `smtplib` are.
"""

from __future__ import annotations

import imaplib
import io
import smtplib
import socket
import time
from typing import TYPE_CHECKING, Any

from imapclient import IMAPClient  # pyright: ignore[reportMissingTypeStubs]
from imapclient.imap4 import IMAP4WithTimeout  # pyright: ignore[reportMissingTypeStubs]
from imapclient.tls import IMAP4_TLS  # pyright: ignore[reportMissingTypeStubs]

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

COMMAND_SECONDS = 120.0
"""For the waits of one command, and more for what it moves."""
LEAST_RATE = 10_000
"""Bytes a second."""
SILENT_SECONDS = 60.0
"""How long a server may think: a search through a large mailbox takes a while."""
LONGEST_LINE = 16_000_000
"""Of an answer; the numbers of a million messages fit."""
LARGEST_LITERAL = 64_000_000
MOST_BYTES = 256_000_000
"""Of one answer: the flags of a million messages are a third of that."""
PIECE = 65_536


class Pace:
    """The time that one command has taken so far."""

    def __init__(self) -> None:
        self._waited, self._moved = 0.0, 0
        self._silent: float | None = None
        """How long one wait may last; before the first command what the socket was given for connecting."""

    def restart(self) -> None:
        """A new command."""
        self._waited, self._moved, self._silent = 0.0, 0, SILENT_SECONDS

    def receive(self, sock: socket.socket, buffer: WriteableBuffer) -> int:
        """Read what there is; raises `TimeoutError` where the server has had its time."""
        if self._moved > MOST_BYTES:
            raise TimeoutError(f"It sends more than {MOST_BYTES // 1_000_000} MB.")
        begun = self._begin(sock)
        try:
            got = sock.recv_into(buffer)
        finally:
            self._waited += time.monotonic() - begun
        self._moved += got
        return got

    def send(self, sock: socket.socket, data: Any) -> None:
        """Send all of it; raises `TimeoutError` where the server does not take it in time."""
        view = memoryview(data)
        for at in range(0, len(view), PIECE):
            begun = self._begin(sock)
            try:
                sock.sendall(view[at : at + PIECE])
            finally:
                self._waited += time.monotonic() - begun
            self._moved += PIECE

    def _begin(self, sock: socket.socket) -> float:
        left = COMMAND_SECONDS + self._moved / LEAST_RATE - self._waited
        if left <= 0:
            raise TimeoutError("It answers too slowly.")
        if self._silent is None:
            self._silent = min(SILENT_SECONDS, sock.gettimeout() or SILENT_SECONDS)
        sock.settimeout(min(self._silent, left))
        return time.monotonic()


class _Received(io.RawIOBase):
    """What a socket gives, at its pace."""

    def __init__(self, sock: socket.socket, pace: Pace) -> None:
        self._socket, self._pace = sock, pace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._pace.receive(self._socket, buffer)


class _PacedImap(imaplib.IMAP4):
    """Reads and writes at its pace; a socket that is encrypted later starts with an empty buffer."""

    _received: io.BufferedReader | None = None
    _read_from: socket.socket | None = None

    @property
    def pace(self) -> Pace:
        return self.__dict__.setdefault("_pace", Pace())

    def _command(self, name: str, *args: Any) -> Any:
        self.pace.restart()
        return super()._command(name, *args)  # type: ignore[misc]

    def read(self, size: int) -> bytes:
        if size > LARGEST_LITERAL:
            raise self.abort(f"a literal of {size} bytes")
        return self._reader().read(size)

    def readline(self) -> bytes:
        line = self._reader().readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise self.error(f"got more than {LONGEST_LINE} bytes")
        return line

    def send(self, data: Any) -> None:
        self.pace.send(self.sock, data)

    def _reader(self) -> io.BufferedReader:
        if self._received is None or self._read_from is not self.sock:
            self._read_from = self.sock
            self._received = io.BufferedReader(_Received(self.sock, self.pace), PIECE)
        return self._received


class _Plain(_PacedImap, IMAP4WithTimeout):
    pass


class _Encrypted(_PacedImap, IMAP4_TLS):
    pass


class PacedImapClient(IMAPClient):
    """`imapclient` over these connections."""

    def _create_IMAP4(self) -> Any:  # noqa: N802 - imapclient calls it so
        timeout: Any = self._timeout  # a `SocketTimeout`, which is what `MailConnection` gives
        connect: float | None = timeout.connect
        if self.ssl:
            return _Encrypted(self.host, self.port, self.ssl_context, connect)
        return _Plain(self.host, self.port, connect)


class PacedSmtp(smtplib.SMTP):
    """`smtplib` at its pace."""

    @property
    def pace(self) -> Pace:
        """That of the command that was sent last."""
        return self.__dict__.setdefault("_pace", Pace())

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Send a command."""
        self.pace.restart()
        super().putcmd(cmd, args)

    def send(self, s: Any) -> None:
        """Send lines or a message."""
        data = s.encode(self.command_encoding) if isinstance(s, str) else s
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("not connected")
        try:
            self.pace.send(self.sock, data)
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected("the connection ended") from error

    def getreply(self) -> tuple[int, bytes]:
        """The answer to a command."""
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Received(self.sock, self.pace), PIECE)
        return super().getreply()


class PacedSmtpTls(PacedSmtp, smtplib.SMTP_SSL):
    """The same, encrypted from the start."""
