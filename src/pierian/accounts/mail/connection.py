"""A signed-in connection to an IMAP server, with the few commands that mail needs; certificates are always verified.

The protocol is spoken by `imapclient`, which stands on the standard library's `imaplib`. Errors leave as
`AccountError` with no word of the server's in them. Blocking: call it in a thread.
"""

from __future__ import annotations

import imaplib
import re
import smtplib
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

from imapclient import SocketTimeout  # pyright: ignore[reportMissingTypeStubs]
from imapclient.imap_utf7 import decode as decode_utf7  # pyright: ignore[reportMissingTypeStubs]
from imapclient.response_parser import parse_fetch_response  # pyright: ignore[reportMissingTypeStubs]
from msgspec import Struct

from pierian.accounts.account import Service
from pierian.accounts.mail import pace
from pierian.accounts.mail.message import Role
from pierian.accounts.secrets import Secret
from pierian.accounts.transport import TIMEOUT, tls
from pierian.accounts.troubles import AccountError, explained, refuse_plain_text

_ROLES: dict[str, Role] = {
    "\\sent": "sent",
    "\\drafts": "drafts",
    "\\archive": "archive",
    "\\all": "all",
    "\\allmail": "all",
    "\\junk": "junk",
    "\\spam": "junk",
    "\\trash": "trash",
}
# Where a server says nothing: names that programs give, in a few languages.
_NAMES: dict[str, Role] = {
    "sent": "sent",
    "sent items": "sent",
    "sent messages": "sent",
    "sent mail": "sent",
    "gesendet": "sent",
    "gesendete elemente": "sent",
    "envoyés": "sent",
    "enviados": "sent",
    "drafts": "drafts",
    "draft": "drafts",
    "entwürfe": "drafts",
    "brouillons": "drafts",
    "borradores": "drafts",
    "archive": "archive",
    "archives": "archive",
    "archiv": "archive",
    "junk": "junk",
    "junk e-mail": "junk",
    "spam": "junk",
    "trash": "trash",
    "deleted items": "trash",
    "deleted messages": "trash",
    "papierkorb": "trash",
    "corbeille": "trash",
}
_RANGE = re.compile(rb"(\d+)(?::(\d+))?")
_APPENDED = re.compile(rb"APPENDUID (\d+) (\d+)")


class Listed(Struct, frozen=True):
    """A mailbox of the server that can be opened."""

    path: str
    name: str
    role: Role


class Opened(Struct, frozen=True):
    """A mailbox as it stands when it is opened."""

    validity: int
    next: int
    modseq: int
    count: int


class Changes(Struct, frozen=True):
    """What has changed in a mailbox: the flags of messages, and ranges of those that are gone (None: not told)."""

    flags: Mapping[int, str]
    gone: Sequence[tuple[int, int]] | None


def where(service: Service) -> str:
    """The server as the user knows it."""
    return f"{service.host}:{service.port}"


@contextmanager
def reaching(service: Service) -> Generator[None]:
    """Turn what goes wrong with a mail server into sentences."""
    try:
        yield
    except AccountError:
        raise
    except (imaplib.IMAP4.error, smtplib.SMTPException, OSError) as error:
        at = where(service)
        raise explained(error, at) or AccountError(
            f"{at} does not answer as it should.", code="failed"
        ) from error


@contextmanager
def signed_in(service: Service, secret: Secret | None) -> Generator[Imap]:
    """A connection to the server, ended afterwards; raises `AccountError`."""
    with reaching(service):
        client = _connect(service)
        try:
            _sign_in(client, service, secret or Secret())
            yield Imap(client, service)
        except BaseException:
            _hang_up(client)
            raise
        # All is done: how the server says good-bye makes no difference.
        try:
            client.logout()
        except (imaplib.IMAP4.error, OSError):
            _hang_up(client)


def _hang_up(client: Any) -> None:
    with suppress(OSError):
        client.shutdown()


def _connect(service: Service) -> Any:
    if service.security == "none":
        refuse_plain_text(service.host)
    timeout: Any = SocketTimeout(connect=TIMEOUT, read=pace.SILENT_SECONDS)
    encrypted = service.security == "tls"
    context = tls() if encrypted else None
    client: Any = pace.PacedImapClient(
        service.host, service.port, ssl=encrypted, ssl_context=context, timeout=timeout
    )
    client._imap.debug = 0  # it would log whatever goes to and fro, passwords too
    # Names of mailboxes go back as they came: not all servers write them as they should.
    client.folder_encode, client._imap._encoding = False, "latin-1"
    if service.security == "starttls":
        try:
            client.starttls(tls())
        except BaseException:
            _hang_up(client)
            raise
    return client


def _sign_in(client: Any, service: Service, secret: Secret) -> None:
    try:
        if service.sign_in == "oauth":
            answers = iter((f"user={service.username}\1auth=Bearer {secret.access_token}\1\1", ""))

            # An error comes as one more challenge, which is answered with nothing; a server may not go on asking.
            def answer(_challenge: bytes) -> str:
                return next(answers)

            client.sasl_login("XOAUTH2", answer)
        elif (service.username + secret.password).isascii():
            client.login(service.username, secret.password)
        else:
            client.plain_login(service.username, secret.password)
    except imaplib.IMAP4.abort:
        raise
    except (imaplib.IMAP4.error, StopIteration) as error:
        trouble = explained(error, where(service))
        if service.sign_in == "oauth" and (trouble is None or trouble.code in ("failed", "password")):
            trouble = AccountError(
                f"{where(service)} does not accept the consent that was given.",
                code="consent",
                hint="Link the account again.",
            )
        if trouble is None or trouble.code == "failed":
            trouble = AccountError(
                f"{where(service)} does not accept this user name and password.",
                code="password",
                hint="Check the password; some providers want one made for this program.",
            )
        raise trouble from error


class Imap:
    """A signed-in connection. Its methods raise what `reaching` turns into sentences."""

    def __init__(self, client: Any, service: Service) -> None:
        self._client = client
        self._imap = client._imap
        self.service = service
        self._capabilities = {one.decode("ascii", "replace").upper() for one in client.capabilities()}
        wanted = [one for one in ("CONDSTORE", "QRESYNC") if one in self._capabilities]
        self.tells_vanished = bool(
            wanted and "ENABLE" in self._capabilities and b"QRESYNC" in client.enable(*wanted)
        )

    def can(self, capability: str) -> bool:
        """Whether the server says that it can do something."""
        return capability in self._capabilities

    def mailboxes(self) -> list[Listed]:
        """All mailboxes that can be opened, each role once, the inbox first."""
        found = list[Listed](), set[Role]()
        every = [(one[0], one[1], _path(one[2])) for one in self._client.list_folders()]
        listed = sorted(every, key=lambda one: (one[2].upper() != "INBOX", one[2]))
        said = {_said_role(flags) for flags, _, _ in listed}
        for flags, delimiter, path in listed:
            if {b"\\noselect", b"\\nonexistent"} & {flag.lower() for flag in flags}:
                continue
            separator = (delimiter or b"").decode("ascii", "replace")
            name = mailbox_name(path).replace(separator, "/") if separator else mailbox_name(path)
            role: Role = "inbox" if path.upper() == "INBOX" else _said_role(flags)
            guessed = _NAMES.get(name.rpartition("/")[2].lower(), "")
            if not role and guessed not in said:
                role = guessed
            found[0].append(
                Listed(path, "Inbox" if role == "inbox" else name, "" if role in found[1] else role)
            )
            found[1].add(role)
        return found[0]

    def open(self, path: str, *, to_write: bool = False) -> Opened:
        """Open a mailbox, without marking anything as seen."""
        said = self._client.select_folder(path, readonly=not to_write)
        return Opened(
            said.get(b"UIDVALIDITY", 0),
            said.get(b"UIDNEXT", 0),
            said.get(b"HIGHESTMODSEQ", 0),
            said[b"EXISTS"],
        )

    def numbers(self) -> set[int]:
        """The UIDs of all messages in the open mailbox."""
        if not self.can("ESEARCH"):
            return set(self._client.search("ALL"))
        tag = self._imap._command("UID", "SEARCH", "RETURN", "(ALL)", "ALL")
        _, data = self._complete("SEARCH", tag, "ESEARCH")
        line = b"".join(one for one in data if one)
        ranges = line.rpartition(b" ALL ")[2] if b" ALL " in line else b""
        return {uid for first, last in _ranges(ranges) for uid in range(first, last + 1)}

    def changes(self, since: int) -> Changes:
        """The flags of all messages, or of those changed since a MODSEQ; and what is gone, if the server tells."""
        if not since:
            answers = parse_fetch_response(self.finish(self.begin("1:*", "(UID FLAGS)")))
            return Changes(_flags(answers), None)
        more = " VANISHED" if self.tells_vanished else ""
        tag = self._imap._command("UID", "FETCH", "1:*", "(UID FLAGS)", f"(CHANGEDSINCE {since}{more})")
        answers = parse_fetch_response(self.finish(tag))
        if not more:
            return Changes(_flags(answers), None)
        told = cast(list[bytes], self._imap.untagged_responses.pop("VANISHED", []))
        return Changes(_flags(answers), [one for line in told for one in _ranges(line)])

    def begin(self, uids: str, items: str) -> str:
        """Ask for messages, without waiting for the answer; `finish` takes it. Answers come in the order asked."""
        return cast(str, self._imap._command("UID", "FETCH", uids, items))

    def finish(self, tag: str) -> list[Any]:
        """The answer to what was asked for with this tag, as `imaplib` has it."""
        return self._complete("FETCH", tag, "FETCH")[1]

    def search_id(self, message_id: str) -> list[int]:
        """The UIDs of the messages with this Message-ID in the open mailbox."""
        return list(self._client.search(["HEADER", "Message-ID", message_id]))

    def stamps(self, uids: Sequence[int]) -> dict[int, tuple[object, object]]:
        """Size and time of arrival of messages in the open mailbox, as a copy of them has too."""
        if not uids:
            return {}
        asked = self.begin(",".join(map(str, uids)), "(UID RFC822.SIZE INTERNALDATE)")
        found = answers_of(self.finish(asked))
        return {uid: (one.get(b"RFC822.SIZE"), one.get(b"INTERNALDATE")) for uid, one in found.items()}

    def append(self, path: str, message: bytes, flags: Sequence[str]) -> int:
        """Put a message into a mailbox; its UID, 0 where the server does not tell."""
        said = self._client.append(path, message, flags)
        found = _APPENDED.search(said if isinstance(said, bytes) else b"")
        return int(found[2]) if found else 0

    def create(self, path: str) -> None:
        """Make a mailbox."""
        self._client.create_folder(path)

    def store(self, uid: int, flag: str, *, on: bool) -> str | None:
        """Set or take a flag of a message; its flags then, as they are kept. None where it is no longer there."""
        change = self._client.add_flags if on else self._client.remove_flags
        flags = change([uid], [flag]).get(uid)
        if flags is None:  # servers say nothing of a message whose flags stay as they are
            flags = self._client.get_flags([uid]).get(uid)
        return None if flags is None else flags_text(flags)

    def move(self, uid: int, path: str) -> None:
        """Move a message to another mailbox."""
        if self.can("MOVE"):
            self._client.move([uid], path)
            return
        self._client.copy([uid], path)
        self._client.delete_messages([uid], silent=True)
        if self.can("UIDPLUS"):
            self._client.uid_expunge([uid])

    def remove(self, uid: int) -> None:
        """Delete a message for good; only this one, so not at all where the server cannot tell it from others."""
        self._client.delete_messages([uid], silent=True)
        if self.can("UIDPLUS"):
            self._client.uid_expunge([uid])

    def _complete(self, command: str, tag: str, answer: str) -> tuple[str, list[Any]]:
        kind, data = self._imap._command_complete(command, tag)
        self._client._checkok(command.lower(), kind, data)
        kind, data = self._imap._untagged_response(kind, data, answer)
        return kind, [one for one in data if one is not None]


def answers_of(raw: list[Any]) -> Mapping[int, Mapping[bytes, Any]]:
    """What a server says of messages, by UID; raises an `imaplib` error for what is no answer."""
    try:
        found: Mapping[int, Mapping[bytes, Any]] = parse_fetch_response(raw, normalise_times=False)
    except (ValueError, TypeError, IndexError, RecursionError, AttributeError) as error:
        raise imaplib.IMAP4.error("an answer that cannot be read") from error
    return found


def flags_text(flags: Iterable[bytes]) -> str:
    """Flags as they are kept: with a space before, between and after; `\\Recent` says nothing."""
    names = sorted({flag.decode("utf-8", "replace") for flag in flags} - {"\\Recent"})
    return f" {' '.join(names)} "


def _path(name: bytes | str) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else name  # digits alone come as text


def mailbox_name(path: str) -> str:
    """The name of a mailbox as people read it (modified UTF-7: RFC 3501, 5.1.3); what is none stays as it is."""
    try:
        name = decode_utf7(path.encode("latin-1"))
        name.encode()
    except (UnicodeError, ValueError):
        return path
    return name


def _flags(answers: Mapping[int, Mapping[bytes, Any]]) -> dict[int, str]:
    return {uid: flags_text(one[b"FLAGS"]) for uid, one in answers.items() if b"FLAGS" in one}


def _ranges(text: bytes) -> list[tuple[int, int]]:
    found = [(int(one[1]), int(one[2] or one[1])) for one in _RANGE.finditer(text)]
    return [(min(one), max(one)) for one in found]


def _said_role(flags: Iterable[bytes]) -> Role:
    for flag in flags:
        if role := _ROLES.get(flag.decode("ascii", "replace").lower()):
            return role
    return ""
